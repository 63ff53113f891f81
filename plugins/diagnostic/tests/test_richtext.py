"""Texts of questions: what Markdown becomes, what HTML becomes, and that nothing in either can run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltitools.plugin import use_locale
from ltitools_diagnostic.fromhtml import from_html
from ltitools_diagnostic.richtext import (
    BLOCK_TAGS,
    escaped,
    is_plain,
    plain,
    render,
    render_inline,
    said,
    said_inline,
    said_plain,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt src=https://evil.test/x.js></script>",
    "<img src=x onerror=alert(1)>",
    '<img src="x" alt="x" onerror="alert(1)">',
    "<svg onload=alert(1)><b>x</b></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
    "<style>* { background: url(//evil.test) }</style>",
    '<p style="position:fixed">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" java\tscript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="//evil.test">x</a>',
    "<iframe src=https://evil.test></iframe>",
    "<object data=x></object><embed src=x>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>script>alert(1)</script>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<sub onclick=alert(1)>x</sub>",
    "<sup><script></sup>",
    "<form action=https://evil.test><input name=password></form>",
    "<base href=https://evil.test><meta http-equiv=refresh content=0>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](//evil.test)",
    '[x](https://a.test"onmouseover="alert(1))',
    "[x](<https://a.test' onclick=alert(1)>)",
    "![x](javascript:alert(1))",
    "![x](https://evil.test/pixel.gif)",
    '![x" onerror="alert(1)](x.png)',
    "<javascript:alert(1)>",
    "<https://a.test/\"onclick=alert(1)>",
    "`<script>alert(1)</script>`",
    "```<script>\n<script>alert(1)</script>\n```",
    "```\" onclick=alert(1)\nx\n```",
    "|a|\n|-|\n|<script>alert(1)</script>|",
]  # fmt: skip
ALLOWED = {("a", "href"), ("a", "target"), ("a", "rel"), ("img", "src"), ("img", "alt"), ("ol", "start")}


class _Found(HTMLParser):
    """The elements, attributes and addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.addresses: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _value in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in ("href", "src")}


def check_harmless(html: str) -> None:
    found = _Found(html)
    assert found.tags <= BLOCK_TAGS, html
    assert found.attributes <= ALLOWED, html
    assert all(re.match(r"https?://|mailto:", address) for address in found.addresses), html
    assert "img" not in found.tags, html


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_gets_onto_a_page(text: str) -> None:
    for html in (render(text), render_inline(text)):
        check_harmless(html)
    markdown, _lost = from_html(text, images=True)
    check_harmless(render(markdown))


@given(
    st.lists(st.sampled_from([*"<>\"'=/()[]!`*&;: \n", "script", "img", "onerror", "javascript:", "a", "svg", "sub"]))
)
def test_no_mixture_of_signs_gets_through(parts: list[str]) -> None:
    text = "".join(parts)
    check_harmless(render(text))
    check_harmless(render_inline(text))
    check_harmless(render(from_html(text)[0]))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Plain.", "<p>Plain.</p>"),
        ("Two\nlines & <more>", "<p>Two<br>\nlines &amp; &lt;more&gt;</p>"),
        ("*a* **b** `c<d`", "<p><em>a</em> <strong>b</strong> <code>c&lt;d</code></p>"),
        ("H<sub>2</sub>O, x<sup>2</sup>", "<p>H<sub>2</sub>O, x<sup>2</sup></p>"),
        ("## Head", "<p><strong>Head</strong></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>'),
        ("> q", "<blockquote>\n<p>q</p>\n</blockquote>"),
        ("```python\nx < 1\n```", "<pre><code>x &lt; 1\n</code></pre>"),
        (
            "[x](https://a.test/?b=1&c=2)",
            '<p><a href="https://a.test/?b=1&amp;c=2" target="_blank" rel="noopener">x</a></p>',
        ),
        ("[x](javascript:y)", "<p>x</p>"),
        ("![a picture](p.png)", "<p>a picture</p>"),
        ("&lt; stays", "<p>&amp;lt; stays</p>"),
        ("", ""),
    ],
)
def test_markdown_becomes_what_it_means(text: str, html: str) -> None:
    assert render(text).strip() == html


def test_tables_are_tables() -> None:
    html = render("| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<th>a</th>" in html
    assert "<td>2</td>" in html


def test_only_pictures_of_ours_with_a_description_are_shown() -> None:
    def ours(source: str) -> str | None:
        return {"p.png": "/files/1?a=1&b=2"}.get(source)

    assert render("![a <b>](p.png)", ours).strip() == '<p><img src="/files/1?a=1&amp;b=2" alt="a &lt;b&gt;"></p>'
    assert render_inline("![a](q.png) ![](p.png)", ours) == "a "


def test_the_language_of_a_text_is_named_where_it_is_not_the_pages() -> None:
    wording = {"fr": "*Où ?*"}
    assert said(wording) == '<div lang="fr"><p><em>Où ?</em></p>\n</div>'
    assert said_inline(wording) == '<span lang="fr"><em>Où ?</em></span>'
    assert said_plain({"fr": "*a* < b"}) == '<span lang="fr">a &lt; b</span>'
    with use_locale("fr"):
        assert said_inline(wording) == "<em>Où ?</em>"
    assert said({}) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*a* [b](https://c.test) `d`", "a b d"),
        ("a\n\n- b\n- c", "a\nb\nc"),
        ("![picture](x.png)", "picture"),
        ("H<sub>2</sub>O", "H2O"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b \n1 2"),
        ("```\nx\n```", "x"),
        ("2 * 3 * 4 < 5 & a_b_c", "2 * 3 * 4 < 5 & a_b_c"),
    ],
)
def test_a_text_without_its_markup(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text("ab12 \n*_`[]()<>#+-.=|~!\\&;:>", max_size=40))
def test_escaped_text_is_shown_as_it_stands(text: str) -> None:
    def lines(shown: str) -> list[str]:
        return [line.strip() for line in shown.splitlines() if line.strip()]

    assert lines(plain(escaped(text))) == lines(text)
    assert is_plain(text) == (escaped(text) == text) or not text.strip()


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<p>One <b>two</b></p><p>three<br>four</p>", "One **two**\n\nthree\nfour"),
        ("<ul><li>a<li>b<ol><li>c</ol></ul>", "- a\n- b\n  1. c"),
        ("<table><tr><th>a|b<th>c<tr><td>1</table>", "| a\\|b | c |\n| --- | --- |\n| 1 |  |"),
        ("<pre>if a &lt; b:\n    x</pre>", "```\nif a < b:\n    x\n```"),
        ("<h2>Title</h2><blockquote><p>a</p><p>b</p></blockquote>", "## Title\n\n> a\n>\n> b"),
        (
            "H<sub>2</sub>O <a href='https://a.test'>x</a> <code>a`b</code>",
            "H<sub>2</sub>O [x](https://a.test) `` a`b ``",
        ),
        ("2*3 &lt;b&gt;<em> x </em>y", r"2\*3 \<b> *x* y"),
        ("<p>- no list</p><p>1. none</p><p># none</p>", "\\- no list\n\n1\\. none\n\n\\# none"),
        ("<strong>a <b>b</b></strong>", "**a b**"),
        ("<b>open <i>ends", "**open *ends***"),
    ],
)
def test_html_becomes_markdown(html: str, markdown: str) -> None:
    assert from_html(html) == (markdown, ())


def test_what_markdown_cannot_say_is_named_and_its_text_kept() -> None:
    markdown, lost = from_html("<font color=red>red</font> <video src=x>no</video> <img src='x' alt='picture'>")
    assert markdown == "red  picture"
    assert lost == ("font", "img", "video")


def test_a_picture_keeps_its_address_where_pictures_come_along() -> None:
    assert from_html('<img src="a.png" alt="A [b]">', images=True) == (r"![A \[b\]](a.png)", ())
