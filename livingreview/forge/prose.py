"""What a text of others may hold where it is posted in the project's name: words, tables, code and web links, and nothing that acts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

MENTION = re.compile(r"(?<![\w`])@[a-z0-9]", re.I)
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
DRAWN = ("mermaid", "math", "geojson", "topojson", "stl")


def faults(text: str) -> list[str]:
    """What a Markdown text holds that it must not: HTML, comments, images, links but to the web, mentions."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # so that a script's address is seen as the link that it is
    found = list(dict.fromkeys(problem for token in _tokens(parser.parse(text)) for problem in _faults(token)))
    if "<!--" in text:
        found.append("a comment")
    if UNSEEN.search(text):
        found.append("a character that is not seen")
    return found


def _tokens(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _tokens(token.children or [])


def _faults(token: Token) -> Iterator[str]:
    if token.type in ("html_block", "html_inline"):
        yield "HTML"
    if token.type == "image":
        yield "an image"
    if token.type == "link_open" and not re.match(r"https?://", str(token.attrGet("href"))):
        yield "a link that is not http(s)"
    if token.type == "fence" and token.info.split()[:1] and token.info.split()[0].lower() in DRAWN:
        yield "a drawing"
    if token.type == "text" and MENTION.search(token.content):
        yield "a mention of a person (@)"


def title(text: str) -> str:
    """A title in one line of at most 120 characters, without what would mention somebody or an issue, or is not seen."""
    line = " ".join(re.sub(r"[@#<>]", "", UNSEEN.sub(" ", text)).split())
    return line[:120].rstrip()


def code(text: str, limit: int = 300) -> str:
    """Any text as code within a line of Markdown, where nothing in it acts."""
    return "`" + (re.sub(r"[`\s]+", " ", UNSEEN.sub(" ", text)).strip()[:limit] or " ") + "`"
