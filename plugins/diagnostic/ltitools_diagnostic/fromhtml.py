"""HTML of other systems as the Markdown that questions are kept in; what Markdown cannot say is told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"p", "div", "section", "article", "header", "footer", "figure", "figcaption", "center", "dd", "dt"}
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "caption"})
_STRONG = frozenset({"b", "strong"})
_EMPHASIS = frozenset({"i", "em", "cite", "dfn", "var"})
_CODE = frozenset({"code", "kbd", "samp", "tt"})
_SILENT = frozenset(
    {"a", "blockquote", "body", "dl", "html", "ol", "pre", "q", "small", "span", "sub", "sup", "ul"}
) | {
    *("li", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "abbr", "bdi", "bdo", "mark", "time", "u", "wbr"),
}
_DROPPED = frozenset(
    {
        *("applet", "audio", "canvas", "embed", "frame", "head", "iframe", "math", "noscript", "object", "script"),
        *("select", "style", "svg", "template", "textarea", "title", "video"),
    }
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_ENDED_BY = {"li": {"li"}, "p": {"p"}, "td": {"td", "th"}, "th": {"td", "th"}, "tr": {"td", "th", "tr"}}
_DEPTH = 50
"""Elements inside more others than this are left out and their text kept; no text of a person is that deep."""

_ADDRESS = re.compile(r"(https?://|mailto:)[^\s<>()\\]+", re.IGNORECASE)
_SIGNS = re.compile(r"[\\`*\[\]<|~]|(?<![^\W_])_|_(?![^\W_])")
_START = re.compile(r"^(\s*)(\d{0,9})([#+\-.)=>])(?=\s|$)")


def from_html(html: str, *, images: bool = False) -> tuple[str, tuple[str, ...]]:
    """`html` as Markdown, and the names of the elements that were lost.

    With `images` a picture becomes a Markdown picture with its address; else its description.
    """
    converter = _Converter(images)
    converter.feed(html)
    converter.close()
    return converter.markdown(), tuple(sorted(converter.lost))


@dataclass
class _Open:
    """An element that is not closed yet, and what it holds so far."""

    tag: str
    address: str = ""
    parts: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    number: int = 0


class _Converter(HTMLParser):
    def __init__(self, images: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.lost: set[str] = set()
        self._images = images
        self._open = [_Open("")]
        self._dropping = 0

    def markdown(self) -> str:
        """What was read, as Markdown."""
        while len(self._open) > 1:
            self._close()
        return _tidy("".join(self._open[0].parts))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in _DROPPED:
            self.lost.add(tag)
            self._dropping += tag not in _VOID
        elif self._dropping:
            return
        elif tag == "br":
            self._write("\n")
        elif tag == "hr":
            self._write("\n\n* * *\n\n")
        elif tag == "img":
            self._picture(values.get("src", "").strip(), " ".join(values.get("alt", "").split()))
        elif tag in _VOID:
            self.lost |= {tag} - {"wbr", "meta", "link", "col", "base"}
        else:
            self._start(tag, values)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._dropping = max(0, self._dropping - (tag not in _VOID))
        elif not self._dropping and any(each.tag == tag for each in self._open[1:]):
            while self._close() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._dropping:
            return
        if self._inside("pre"):
            self._write(data)
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", data)
        if self._at_line_start():
            text = text.lstrip(" ")
        if self._inside(*_CODE):
            self._write(text)
            return
        escaped = _SIGNS.sub(r"\\\g<0>", text)
        self._write(_START.sub(r"\1\2\\\3", escaped) if self._at_line_start() else escaped)

    def _start(self, tag: str, values: dict[str, str]) -> None:
        # Browsers end these where the next one begins.
        while self._open[-1].tag in _ENDED_BY.get(tag, ()):
            self._close()
        if len(self._open) < _DEPTH:
            self._open.append(_Open(tag, values.get("href", "").strip()))

    def _picture(self, source: str, description: str) -> None:
        described = _SIGNS.sub(r"\\\g<0>", description)
        if self._images and source and description and not re.search(r"[\s<>()\\]", source):
            self._write(f"![{described}]({source})")
        else:
            self.lost.add("img")
            self._write(described)

    def _write(self, text: str) -> None:
        self._open[-1].parts.append(text)

    def _inside(self, *tags: str) -> bool:
        return any(each.tag in tags for each in self._open)

    def _at_line_start(self) -> bool:
        for each in reversed(self._open):
            written = next((part for part in reversed(each.parts) if part), "")
            if written:
                return written.endswith("\n")
        return True

    def _close(self) -> str:
        """End the innermost element and write what it says into the one around it."""
        done = self._open.pop()
        around = self._open[-1]
        text = "".join(done.parts)
        tag = done.tag
        if tag in ("td", "th"):
            around.cells.append([" ".join(_tidy(text).split())])
        elif tag == "tr":
            around.cells.append([cell[0] for cell in done.cells])
        elif tag in ("tbody", "thead", "tfoot"):
            around.cells += done.cells
        elif tag == "table":
            self._write("\n\n" + _table(done.cells) + "\n\n")
        elif tag == "li":
            around.number += 1
            mark = f"{around.number}. " if around.tag == "ol" else "- "
            self._write("\n" + mark + _tidy(text).replace("\n", "\n" + " " * len(mark)))
        elif tag in ("ul", "ol"):
            self._write(("\n" if around.tag == "li" else "\n\n") + text.strip("\n") + "\n\n")
        elif tag == "pre":
            self._write(_fenced(text))
        elif tag == "blockquote":
            self._write("\n\n> " + _tidy(text).replace("\n", "\n> ") + "\n\n")
        elif tag in _HEADINGS:
            self._write("\n\n## " + " ".join(_tidy(text).split()) + "\n\n")
        elif tag in _BLOCKS:
            self._write("\n\n" + _tidy(text) + "\n\n")
        else:
            self._write(self._inline(done, text))
        return tag

    def _inline(self, done: _Open, text: str) -> str:
        bare, tag = text.strip(), done.tag
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        if tag == "q":
            return f"“{text}”"
        if not bare or "\n\n" in bare:
            return text
        if tag in _STRONG and not self._inside(*_STRONG, *_HEADINGS):
            return f"{before}**{bare}**{after}"
        if tag in _EMPHASIS and not self._inside(*_EMPHASIS):
            return f"{before}*{bare}*{after}"
        if tag in _CODE and not self._inside("pre"):
            return f"{before}{_code(bare)}{after}"
        if tag in ("sub", "sup") and not re.search(r"[<>\n\\]", bare):
            return f"{before}<{tag}>{bare}</{tag}>{after}"
        if tag == "a" and _ADDRESS.fullmatch(done.address):
            return f"{before}[{bare}]({done.address}){after}"
        self.lost |= {tag} - _SILENT - _STRONG - _EMPHASIS - _CODE
        return text


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _code(text: str) -> str:
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks} {text} {ticks}" if "`" in text else f"{ticks}{text}{ticks}"


def _fenced(text: str) -> str:
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"\n\n{ticks}\n{text.strip(chr(10))}\n{ticks}\n\n"


def _table(rows: list[list[str]]) -> str:
    """A table of Markdown: its first row is the header, whatever it was."""
    width = max((len(row) for row in rows), default=0)
    if not width:
        return ""
    filled = [[*row, *[""] * (width - len(row))] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in filled]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])
