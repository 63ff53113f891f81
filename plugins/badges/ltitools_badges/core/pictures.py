"""Uploaded pictures of badges, cleaned, and the picture that social networks show beside a link to a badge.

Pictures of pixels are decoded and written anew, so that nothing but pixels is left of a file. An SVG keeps what is on
a list of elements and attributes that draw; it is rendered by a process of its own, which is ended after some seconds.
"""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from typing import Any

import resvg_py
from lxml import etree
from PIL import Image, ImageOps, UnidentifiedImageError

from ltitools_badges.core import design, lettering, rendering

SIZE = design.SIZE
MAX_BYTES = 4 * 1024 * 1024
MAX_SVG_BYTES = 1024 * 1024
MAX_SIDE = 4000
MIN_SIDE = 90
ACCEPTED = (".png", ".jpg", ".jpeg", ".svg")
SOCIAL_SIZE = (1200, 627)

_MAX_ELEMENTS = 5000
_MAX_DEPTH = 64
_PATIENCE = 20
_TEXT_WIDTH = 560.0
_FORMATS = ("PNG", "JPEG")
_SVG = "http://www.w3.org/2000/svg"
_NAMESPACES: Any = {None: _SVG}
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_DRAWING = frozenset({
    "svg", "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "linearGradient",
    "radialGradient", "stop", "clipPath", "mask", "title", "desc", "style",
})  # fmt: skip
_CHANGES_THE_PICTURE = frozenset({"text", "use", "image", "foreignObject", "switch", "symbol"})
_ATTRIBUTES = frozenset({
    "id", "class", "style", "version", "viewBox", "preserveAspectRatio", "transform", "display", "visibility", "d",
    "points", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "fr", "width", "height",
    "opacity", "color", "fill", "fill-opacity", "fill-rule", "paint-order", "stroke", "stroke-width", "stroke-opacity",
    "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "clip-path", "clip-rule", "mask", "clipPathUnits",
    "maskUnits", "maskContentUnits", "offset", "stop-color", "stop-opacity", "gradientUnits", "gradientTransform",
    "spreadMethod",
})  # fmt: skip
_OWN_ENTITIES = re.compile(rb"<!DOCTYPE[^>]*\[|<!ENTITY")
_URL = re.compile(r"url\s*\(", re.IGNORECASE)
_OWN_URL = re.compile(r"url\(\s*(['\"]?)#[\w.-]+\1\s*\)")
_NOT_IN_STYLES = re.compile(r"[@\\<]|expression|javascript:", re.IGNORECASE)


class Unusable(ValueError):
    """A file that cannot be a badge's picture. `code` says why; `detail` is what the sentence about it names."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Picture:
    """A cleaned picture: always a PNG of 600 by 600, and the SVG that it was drawn from, else empty."""

    svg: str
    png: bytes


def read(data: bytes) -> Picture:
    """The picture in an uploaded PNG, JPEG or SVG file. Raises Unusable."""
    if not data:
        raise Unusable("empty")
    if len(data) > MAX_BYTES:
        raise Unusable("too-large")
    if data.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        return Picture("", _squared(_decoded(data)))
    if b"<svg" in data[:4096] or b":svg" in data[:4096]:
        svg = clean_svg(data)
        return Picture(svg, _squared(_decoded(_rendered(svg))))
    raise Unusable("unknown-kind")


def clean_svg(data: bytes) -> str:
    """What of an SVG file draws, and nothing else: no script, no style from elsewhere, no address. Raises Unusable."""
    if len(data) > MAX_SVG_BYTES:
        raise Unusable("too-large")
    if _OWN_ENTITIES.search(data):
        raise Unusable("doctype")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise Unusable("broken") from problem
    if root.tag != f"{{{_SVG}}}svg":
        raise Unusable("unknown-kind")
    for number, element in enumerate(root.iter()):
        if number > _MAX_ELEMENTS or sum(1 for _ancestor in element.iterancestors()) > _MAX_DEPTH:
            raise Unusable("too-complex")
    made = _copied(root)
    _sized(made)
    etree.cleanup_namespaces(made)
    return etree.tostring(made, encoding="unicode")


def open_graph(png: bytes, title: str, issuer: str) -> bytes:
    """The picture beside a link: the badge at the left, whose it is and who gives it at the right."""
    width, height = SOCIAL_SIZE
    lines, size = _headline(title)
    step = size * 1.2
    issued = lettering.wrapped(issuer, 32, (_TEXT_WIDTH,) * 2) or _shortened(issuer, 32, 2)
    total = step * len(lines) + 30 + 42 * len(issued)
    first = (height - total) / 2 + size * 0.85
    drawn = "".join(
        lettering.line(line, size, 580, first + step * number, "start") for number, line in enumerate(lines)
    )
    below = first + step * (len(lines) - 1) + 40
    given = "".join(
        lettering.line(line, 32, 580, below + 52 + 42 * number, "start") for number, line in enumerate(issued)
    )
    embedded = base64.b64encode(png).decode()
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" fill="#f6f8f8"/><rect width="14" height="{height}" fill="#155e66"/>'
        f'<image x="64" y="78" width="470" height="470" href="data:image/png;base64,{embedded}"/>'
        f'<path d="{drawn}" fill="#17211f" stroke="#17211f" stroke-width="{size * 0.04:.1f}" stroke-linejoin="round"/>'
        f'<rect x="580" y="{below:.0f}" width="90" height="5" fill="#155e66"/>'
        f'<path d="{given}" fill="#51605e"/></svg>'
    )
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True))


def _headline(title: str) -> tuple[list[str], int]:
    """The title in one to four lines, as large as it goes."""
    for size in range(72, 35, -4):
        lines = lettering.wrapped(title, size, (_TEXT_WIDTH,) * (3 if size > 48 else 4))
        if lines is not None:
            return lines, size
    return _shortened(title, 36, 4), 36


def _shortened(text: str, size: float, lines: int) -> list[str]:
    """As much of `text` as fits into so many lines, with an ellipsis."""
    while text:
        shorter = lettering.wrapped(f"{text.rstrip()}…", size, (_TEXT_WIDTH,) * lines)
        if shorter is not None:
            return shorter
        text = text[:-1]
    return []


def _decoded(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            found = Image.open(io.BytesIO(data), formats=_FORMATS)
            if max(found.size) > MAX_SIDE:
                raise Unusable("too-many-pixels")
            if max(found.size) < MIN_SIDE:
                raise Unusable("too-small")
            found.load()
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
            raise Unusable("too-many-pixels") from problem
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as problem:
            if isinstance(problem, Unusable):
                raise
            raise Unusable("broken") from problem
        turned = ImageOps.exif_transpose(found)
    return turned.convert("RGBA")


def _squared(picture: Image.Image) -> bytes:
    """The picture in the middle of a transparent square, without what the file said about itself."""
    if picture.getchannel("A").getextrema()[1] == 0:
        raise Unusable("blank")
    fitted = ImageOps.contain(picture, (SIZE, SIZE), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
    square.paste(fitted, ((SIZE - fitted.width) // 2, (SIZE - fitted.height) // 2))
    written = io.BytesIO()
    square.save(written, "PNG", optimize=True)
    return written.getvalue()


def _rendered(svg: str) -> bytes:
    """The SVG as PNG, by a process that is ended when it takes too much: patterns of strokes can take for ever."""
    command = [sys.executable, "-I", rendering.__file__, str(SIZE)]
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that runs this, and a module of ours; the SVG is its input
            command, input=svg.encode(), capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as problem:
        raise Unusable("too-complex") from problem
    if done.returncode < 0:  # A signal has ended it.
        raise Unusable("too-complex")
    if done.returncode != 0 or not done.stdout:
        raise Unusable("broken")
    return done.stdout


def _copied(element: etree._Element) -> etree._Element:
    made = etree.Element(element.tag, nsmap=_NAMESPACES)
    for name, value in element.attrib.items():
        kept = _attribute(str(name), str(value))
        if kept is not None:
            made.set(*kept)
    name = etree.QName(element).localname
    if name in ("title", "desc", "style") and element.text:
        made.text = _styles(element.text) if name == "style" else element.text
    for child in element:
        if not isinstance(child.tag, str) or not child.tag.startswith(f"{{{_SVG}}}"):
            continue
        child_name = etree.QName(child).localname
        if child_name in _CHANGES_THE_PICTURE:
            raise Unusable("cannot-draw", child_name)
        if child_name in _DRAWING:
            made.append(_copied(child))
    return made


def _attribute(name: str, value: str) -> tuple[str, str] | None:
    """The attribute as it is kept, or None. A gradient may name another one of the same file."""
    if name in ("href", _XLINK_HREF):
        return ("href", value) if re.fullmatch(r"#[\w.-]+", value) else None
    if name not in _ATTRIBUTES:
        return None
    if name == "style":
        return name, _styles(value)
    return (name, value) if len(_URL.findall(value)) == len(_OWN_URL.findall(value)) else None


def _styles(text: str) -> str:
    """Styles that name nothing outside the file. Raises Unusable where there are others."""
    if _NOT_IN_STYLES.search(text) or len(_URL.findall(text)) != len(_OWN_URL.findall(text)):
        raise Unusable("cannot-draw", "style")
    return text


def _sized(root: etree._Element) -> None:
    """Give the picture a coordinate system of its own, so that it can be shown at any size."""
    if root.get("viewBox") is None:
        sides = []
        for name in ("width", "height"):
            match = re.fullmatch(r"([0-9]{1,5}(?:\.[0-9]+)?)(?:px)?", root.get(name, ""))
            if match is None or float(match[1]) == 0:
                raise Unusable("no-size")
            sides.append(match[1])
        root.set("viewBox", f"0 0 {sides[0]} {sides[1]}")
    root.set("width", str(SIZE))
    root.set("height", str(SIZE))
