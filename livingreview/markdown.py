"""Text that nobody checked, as it may stand in Markdown."""

from __future__ import annotations

import html
import re


def escaped(text: str) -> str:
    """Text in one line that is never a tag, a link, an image, a heading, a table, code or a mention."""
    return re.sub(r"([\\`*_{}\[\]|#@~])", r"\\\1", html.escape(" ".join(text.split()), quote=False))
