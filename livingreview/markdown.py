"""Text that nobody checked, as it may stand in Markdown."""

from __future__ import annotations

import html
import re


def escaped(text: str) -> str:
    """Text in one line that is never a tag, a link, an image, a heading, a table, code, a mention of a person or of an issue.

    A backslash does not keep a mention from being one on code hosts; a space does.
    """
    apart = re.sub(r"([@#])(?=\w)", r"\1 ", html.escape(" ".join(text.split()), quote=False))
    return re.sub(r"([\\`*_{}\[\]|#~])", r"\\\1", apart)
