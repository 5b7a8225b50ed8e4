"""A chart as a page keeps it: named, the same bytes each time, harmless whatever its data says."""

import html
import json
import re

import altair as alt
import pandas as pd
import pytest

from livingreview.render import figure

HOSTILE = '</script><img src=x onerror=alert(1)> & "quoted" <b>bold</b>'


def chart(label="Chelli 2024", description="One point."):
    data = pd.DataFrame({"x": [1.0], "label": [label]})
    return alt.Chart(data).mark_text().encode(x="x:Q", text="label:N").properties(description=description, usermeta={"caption": label})


def test_altair_draws_with_this_renderer():
    with alt.renderers.enable("livingreview"):
        bundle = chart()._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert "<figure" in bundle["text/html"]


def test_the_same_chart_gives_the_same_bytes():
    assert figure(chart().to_dict()) == figure(chart().to_dict())


def test_two_charts_share_no_id():
    ids = [set(re.findall(r'\bid="([^"]+)"', figure(chart(label).to_dict())["text/html"])) for label in "ab"]
    assert not ids[0] & ids[1]


def test_a_chart_without_a_description_is_refused():
    spec = chart().to_dict()
    del spec["description"]
    with pytest.raises(ValueError, match="no description"):
        figure(spec)


def test_the_figure_has_name_caption_static_picture_and_specification():
    page = figure(chart().to_dict())["text/html"]
    assert 'role="img" tabindex="0" aria-label="One point."' in page
    assert "<figcaption>Chelli 2024</figcaption>" in page
    assert "<svg" in page
    assert json.loads(re.search(r'class="lr-spec">(.*?)</script>', page)[1])["mark"] == {"type": "text"}


def test_nothing_in_the_data_becomes_markup():
    page = figure(chart(HOSTILE, HOSTILE).to_dict())["text/html"]
    assert page.count("<script") == 1
    assert page.count("</script>") == 1
    assert "<img" not in page
    assert "<b>" not in page
    assert html.escape(HOSTILE) in page


def test_words_of_a_label_that_look_like_attributes_stay():
    words = 'the role of x aria-live, role="x" id="y" fill="#000" &gt; url(#z)'
    page = figure(chart(html.unescape(words)).to_dict())["text/html"]
    assert f"{words}</text>" in page


def test_no_other_server_is_named():
    page = figure(chart().to_dict())["text/html"]
    addresses = set(re.findall(r"https?://[^\s\"'<>\\]+", page))
    assert all(address.startswith("http://www.w3.org/") for address in addresses), addresses
