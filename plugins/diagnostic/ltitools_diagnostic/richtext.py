"""Texts of questions: Markdown as authors write it, HTML of other systems turned into it, and what is shown of both.

Markdown is CommonMark (https://spec.commonmark.org/0.31.2/) with tables. HTML in it is text. What comes out is made
by the Markdown parser and then goes through an allow-list, so that two mistakes are needed before a script runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

from ltitools.plugin import current_locale
from ltitools_diagnostic.texts import language_shown, say

Images = Callable[[str], str | None]
"""Gives the address on our pages of a picture that a text names, or None when it is not one of ours."""

INLINE_TAGS = frozenset({"a", "br", "code", "em", "img", "strong", "sub", "sup"})
BLOCK_TAGS = INLINE_TAGS | {
    *("blockquote", "hr", "li", "ol", "p", "pre", "ul"),
    *("table", "tbody", "td", "th", "thead", "tr"),
}
_ATTRIBUTES = {"a": {"href", "target"}, "img": {"alt", "src"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_ADDRESS = re.compile(r"(https?://|mailto:)[^\s\\]+", re.IGNORECASE)
_RAISED = re.compile(r"<(su[bp])>([^<>\n\\]{1,80})</\1>")


def no_images(_source: str) -> None:
    """No picture is one of ours."""


def render(text: str, images: Images = no_images) -> Markup:
    """`text` as blocks: paragraphs, lists, tables, code."""
    return _html(text) if "![" not in text else _clean(_parser().render(text, {"images": images}), BLOCK_TAGS)


def render_inline(text: str, images: Images = no_images) -> Markup:
    """`text` for the inside of a line, a label or a table cell."""
    if "![" not in text:
        return _inline_html(text)
    return _clean(_parser().renderInline(text, {"images": images}), INLINE_TAGS)


def said(wording: Mapping[str, str], images: Images = no_images) -> Markup:
    """A wording as blocks, in the reader's language or else with the ``lang`` it is in (WCAG 2.2, 3.1.2)."""
    return _in_its_language("div", wording, render(say(wording), images))


def said_inline(wording: Mapping[str, str], images: Images = no_images) -> Markup:
    """A wording for the inside of a line, with its ``lang`` where that is not the page's."""
    return _in_its_language("span", wording, render_inline(say(wording), images))


def said_plain(wording: Mapping[str, str]) -> Markup:
    """A wording without any markup, for a summary, with its ``lang`` where that is not the page's."""
    return _in_its_language("span", wording, escape(plain(say(wording))))


def _in_its_language(tag: str, wording: Mapping[str, str], html: Markup) -> Markup:
    language = language_shown(wording)
    if not html or language == current_locale():
        return html
    return Markup('<{0} lang="{1}">{2}</{0}>').format(tag, language, html)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """What a reader sees of `text`, without its markup: for lists, table cells and files."""
    parts: list[str] = []
    for token in _parser().parse(text):
        if token.type == "inline":
            parts.append(_plain_inline(token.children or []))
        elif token.type in ("fence", "code_block"):
            parts.append(token.content.rstrip("\n"))
        if token.type in _ENDS_A_LINE:
            parts.append("\n")
        elif token.type in ("td_close", "th_close"):
            parts.append(" ")
    return "".join(parts).strip()


def is_plain(text: str) -> bool:
    """Whether nothing in `text` is markup."""
    return _lines(plain(text)) == _lines(text) and not re.search(r"<(?!/?p>|br>)", _html(text))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


_ENDS_A_LINE = frozenset({"paragraph_close", "heading_close", "tr_close", "fence", "code_block"})


def _plain_inline(tokens: Sequence[Token]) -> str:
    return "".join(
        "\n" if token.type in ("softbreak", "hardbreak") else _plain_inline(token.children or []) or token.content
        for token in tokens
    )


def escaped(text: str) -> str:
    """Markdown that shows plain `text` as it stands."""
    # Most texts need no backslash, and a person who downloads the questions should not find any.
    if is_plain(text):
        return text
    lines = _SIGNS.sub(r"\\\g<0>", text).split("\n")
    return "\n".join(_START.sub(r"\1\\\2", line.strip()) for line in lines)


_SIGNS = re.compile(r"[\\`*_\[\]<>|~!]")
_START = re.compile(r"^(\d{0,9})([#+\-.)=])")


@lru_cache(maxsize=4096)
def _html(text: str) -> Markup:
    return _clean(_parser().render(text, {"images": no_images}), BLOCK_TAGS)


@lru_cache(maxsize=8192)
def _inline_html(text: str) -> Markup:
    return _clean(_parser().renderInline(text, {"images": no_images}), INLINE_TAGS)


def _clean(html: str, tags: frozenset[str]) -> Markup:
    attributes = {tag: names for tag, names in _ATTRIBUTES.items() if tag in tags}
    clean = nh3.clean(html, tags=set(tags), attributes=attributes, url_schemes=_SCHEMES, link_rel="noopener")
    return Markup(clean)  # noqa: S704  (nh3 has just cleaned it)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
    # Entities and references would change texts that were written before texts were Markdown.
    parser.disable(["entity", "reference", "lheading", "html_block", "html_inline"])
    parser.inline.ruler.before("autolink", "raised", _raised)
    # Every address becomes a token, so that one which is not shown leaves its text and not its brackets.
    parser.validateLink = _any_address  # type: ignore[method-assign]  # the library says to replace it
    parser.add_render_rule("link_open", _link_open)
    parser.add_render_rule("link_close", _link_close)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("heading_open", lambda *_parsed: "<p><strong>")
    parser.add_render_rule("heading_close", lambda *_parsed: "</strong></p>\n")
    return parser


def _any_address(url: str) -> bool:
    return True


def _raised(state: StateInline, silent: bool) -> bool:
    """Subscripts and superscripts, for which Markdown has no sign, by their HTML tags around plain text."""
    found = _RAISED.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push(f"{found[1]}_open", found[1], 1)
        state.push("text", "", 0).content = found[2]
        state.push(f"{found[1]}_close", found[1], -1)
    state.pos = found.end()
    return True


def _link_open(self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    address = str(tokens[at].attrGet("href") or "")
    env["in link"] = _ADDRESS.fullmatch(address) is not None
    return f'<a href="{escape(address)}" target="_blank">' if env["in link"] else ""


def _link_close(self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    return "</a>" if env["in link"] else ""


def _image(self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    """A picture of ours that has a description; else its description."""
    source, description = str(tokens[at].attrGet("src") or ""), _plain_inline(tokens[at].children or [])
    address = env["images"](source) if description else None
    if address is None:
        return str(escape(description))
    return f'<img src="{escape(address)}" alt="{escape(description)}">'
