"""A stored output holds what this package writes, and nothing else: a stamped but hostile notebook stops the build."""

import json

import altair as alt
import nbformat
import pandas as pd
import pytest
import vl_convert

from livingreview import notebooks, outputs
from livingreview.charts.look import themed
from livingreview.render import VEGA_LITE, figure
from tests.hostile import ADDRESSES, MARKUP

CHART = {
    "config": {"view": {"stroke": None}},
    "layer": [{"mark": {"type": "text"}, "encoding": {"x": {"field": "x", "type": "quantitative"}}}],
    "datasets": {"d": [{"x": 1}]},
}


def notebook(**data):
    """A notebook with one output."""
    cell = nbformat.v4.new_code_cell("x", execution_count=1, outputs=[nbformat.v4.new_output("display_data", data)])
    return nbformat.v4.new_notebook(cells=[cell])


def html(text):
    return outputs.faults(notebook(**{"text/html": text}))


def chart(spec):
    return html(f'<script type="application/json" class="lr-spec">{json.dumps(spec)}</script>')


@pytest.mark.parametrize("path", notebooks.notebooks(), ids=lambda path: path.stem)
def test_todays_outputs_hold_nothing_else(path):
    assert outputs.faults(notebooks.read(path)) == []


@pytest.mark.parametrize("text", [text for text in MARKUP if not text.startswith("&")])
def test_markup_that_the_package_does_not_write_is_refused(text):
    assert html(text)
    assert html(f"<p>{text}</p>")
    assert html(f'<figure class="lr-figure"><svg>{text}</svg></figure>')


@pytest.mark.parametrize("text", [*ADDRESSES, "//evil.example/x", "/etc/passwd", "../x.html", "mailto:a@evil.example", "x.html?q#a"])
def test_a_link_to_anything_but_the_web_and_the_book_is_refused(text):
    address = text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    assert html(f'<a href="{address}">x</a>')
    assert html(f"<a href='{address}'>x</a>")


@pytest.mark.parametrize("address", ["https://example.org/a?b=c&amp;d", "technical.html#made-up-references", "#chart-a1"])
def test_a_link_to_the_web_or_the_book_passes(address):
    assert html(f'<a href="{address}">x</a>') == []


@pytest.mark.parametrize(
    "text",
    [
        '<p onclick="hit()">x</p>',
        '<p style="background:url(//evil.example/x)">x</p>',
        '<svg><path fill="url(https://evil.example/x)"></path></svg>',
        '<svg><path fill="\\75rl(x)"></path></svg>',
        '<svg href="https://example.org/a"></svg>',
        '<script class="lr-spec">hit()</script>',
        '<script type="application/json" class="lr-spec" src="x.js">{}</script>',
        '<script type="application/json" class="lr-spec">hit()</script>',
        '<script type="application/json" class="lr-spec">{"title": "<!--<script>"}</script>',
        "<p>1 < 2</p>",
        "<p",
        "<![CDATA[<img src=x onerror=hit()>]]>",
        "<p/onclick=hit()>x</p>",
    ],
)
def test_attributes_scripts_and_open_tags_are_refused(text):
    assert html(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data", {"url": "https://evil.example/data.json"}),
        ("data", {"values": "a,b"}),
        ("title", {"signal": "hit()"}),
        ("title", {"expr": "hit()"}),
        ("mark", {"type": "image", "url": "https://evil.example/x"}),
        ("encoding", {"href": {"field": "x"}}),
        ("encoding", {"x": {"condition": {"test": "datum.constructor.constructor('hit()')()"}}}),
        ("encoding", {"x": {"condition": {"test": "isValid(datum.low) || hit()"}}}),
        ("encoding", {"x": {"axis": {"labelExpr": "hit()"}}}),
        ("transform", [{"calculate": "hit()", "as": "x"}]),
        ("params", [{"name": "x", "expr": "hit()"}]),
        ("usermeta", {"embedOptions": {"patch": "https://evil.example/x.json"}}),
        ("$schema", "https://evil.example/schema.json"),
        ("__proto__", {"hit": 1}),
        ("datasets", {"d": [{"image": {"src": "x"}}]}),
        ("datasets", {"d": "a,b"}),
        ("datasets", ["x"]),
    ],
)
def test_expressions_and_addresses_in_a_chart_are_refused(name, value):
    assert chart(CHART) == []
    assert chart({**CHART, name: value})
    assert chart({"layer": [{**CHART, name: value}]})


def test_a_chart_nested_without_end_is_refused():
    assert html(f'<script type="application/json" class="lr-spec">{"[" * 100_000}</script>')


@pytest.mark.parametrize(
    "kind",
    [
        "application/javascript",
        "text/markdown",
        "text/latex",
        "image/svg+xml",
        "image/png",
        "application/vnd.vegalite.v6+json",
        "application/vnd.jupyter.widget-view+json",
        "application/papermill.record/text/markdown",
    ],
)
def test_other_types_are_refused(kind):
    assert outputs.faults(notebook(**{kind: "x"})) == [f"cell 1 has an output of type '{kind}'"]


def test_a_traceback_is_refused():
    failed = notebook()
    failed.cells[0].outputs = [nbformat.v4.new_output("error", ename="x", evalue="y", traceback=[])]
    assert outputs.faults(failed) == ["cell 1 has an output of kind 'error'"]


def test_text_is_free():
    text = "".join(MARKUP)
    assert outputs.faults(notebook(**{"text/plain": text, "application/papermill.record/text/plain": repr(text)})) == []


def test_a_stamped_but_hostile_output_stops_the_build_with_the_way_out(tmp_path, monkeypatch):
    hostile = notebook(**{"text/html": "<script>hit()</script>"})
    monkeypatch.setattr(notebooks, "inputs_digest", lambda _: "inputs")
    hostile.metadata[notebooks.STAMP] = {"inputs": "inputs", "outputs": notebooks.outputs_digest(hostile)}
    path = tmp_path / "stamped.ipynb"
    notebooks.write(hostile, path)
    (problem,) = notebooks.problems(path)
    assert problem.kind == "wrong"
    assert str(problem).startswith("stamped.ipynb: cell 1 holds a script")
    assert "livingreview.publish" in str(problem)


def test_what_the_renderer_makes_of_hostile_texts_passes():
    text = "".join(MARKUP)
    marks = alt.Chart(pd.DataFrame({"x": [1.0], "label": [text]})).mark_text().encode(x=alt.X("x:Q", title=text), text="label:N")
    made = themed(alt.layer(marks).properties(title=text, description=text), text)
    assert html(figure(made.to_dict())["text/html"]) == []


def test_no_title_becomes_part_of_an_expression():
    """Vega-Lite makes descriptions of marks by expressions that hold the titles, with quotation marks escaped but not backslashes."""
    title = '\\" + hostile() + \\"'
    marks = alt.Chart(pd.DataFrame({"x": [1.0]})).mark_point()
    made = themed(alt.layer(marks.encode(x=alt.X("x:Q", title=title), color=alt.Color("x:Q", title=title))), "")
    vega = json.loads(json.dumps(vl_convert.vegalite_to_vega(json.dumps(made.to_dict()), vl_version=VEGA_LITE)))
    assert "hostile()" in json.dumps(vega)
    assert [text for text in expressions(vega) if "hostile()" in text] == []


def expressions(part):
    """Every string of a Vega specification that is run."""
    for name, value in part.items() if isinstance(part, dict) else enumerate(part if isinstance(part, list) else ()):
        if isinstance(value, str) and name in ("signal", "expr", "test", "update", "init", "calculate"):
            yield value
        yield from expressions(value)
