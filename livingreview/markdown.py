"""Text that nobody checked, as it may stand in Markdown."""

from __future__ import annotations

import html
import re

from livingreview.faults import printable


def escaped(text: str) -> str:
    """Text in one line that is never a tag, a link, an image, a heading, a table, code, or a mention of a person or an issue.

    What is not seen is spelled out. A backslash does not keep a mention from being one on code hosts; a space does.
    """
    apart = re.sub(r"([@#])(?=\w)", r"\1 ", html.escape(printable(" ".join(text.split())), quote=False))
    return re.sub(r"([\\`*_{}\[\]|#~])", r"\\\1", apart)
