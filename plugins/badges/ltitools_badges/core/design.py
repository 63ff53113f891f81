"""The pictures of badges that are designed here: a shape, two colours, two texts, an icon and a ribbon.

What is drawn is plain SVG: paths and gradients, no letters, no style sheet, nothing from elsewhere, so that it looks
the same in a browser, in a wallet and as PNG. The colour of texts is chosen by its contrast, as WCAG 2.2 computes it
(https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from html import escape
from typing import Any

from ltitools_badges.core import lettering, rendering
from ltitools_badges.core.icons import ICONS

SIZE = 600
MAX_TOP = 24
MAX_MAIN = 40
RIBBONS = ("none", "tails", "banner")
NO_ICON = "none"
COLOURS = (
    ("#155e66", "#f2c14e"),
    ("#1f3a5f", "#f4a259"),
    ("#5b2a6e", "#e8b4d8"),
    ("#7a1f2b", "#f0d9b5"),
    ("#1d5c3a", "#b7e4c7"),
    ("#2b2d42", "#8ecae6"),
    ("#f6f1e4", "#8a5a00"),
    ("#e0eff0", "#155e66"),
)
"""Pairs that go together, for who does not want to choose."""

Corner = tuple[float, float]

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LIGHT, _DARK, _BLACK = "#ffffff", "#14201e", "#000000"
_READABLE = 4.5
_VISIBLE = 3.0
_RADIUS = 280.0
_FACE = 0.85
_LINE = 0.79


@dataclass(frozen=True)
class Design:
    """How a badge looks. Raises ValueError where a member is not one of those that are drawn.

    `shape` is a key of `SHAPES`, `icon` of `ICONS` or `NO_ICON`, `ribbon` one of `RIBBONS`; colours are ``#rrggbb`` in
    lower case. `text_top` stands small above, or in the banner; `text_main` large in the middle.
    """

    shape: str = "hexagon"
    primary: str = COLOURS[0][0]
    secondary: str = COLOURS[0][1]
    text_top: str = ""
    text_main: str = ""
    icon: str = "star"
    ribbon: str = "none"

    def __post_init__(self) -> None:
        if self.shape not in SHAPES or self.ribbon not in RIBBONS or self.icon not in (*ICONS, NO_ICON):
            raise ValueError("a shape, an icon or a ribbon that is not drawn")
        if not (_COLOUR.fullmatch(self.primary) and _COLOUR.fullmatch(self.secondary)):
            raise ValueError("a colour is not #rrggbb")
        for text, limit in ((self.text_top, MAX_TOP), (self.text_main, MAX_MAIN)):
            if len(text) > limit or lettering.undrawable(text):
                raise ValueError("a text is too long or has signs that cannot be drawn")

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Design:
        """The design that `to_json` wrote. ValueError: a member is unknown or not of its shape."""
        if set(given) - {each.name for each in fields(cls)} or not all(
            isinstance(each, str) for each in given.values()
        ):
            raise ValueError("not a design")
        return cls(**given)

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def default(title: str) -> Design:
    """A design to begin with: as much of the title as fits, in colours that differ from title to title."""
    words, text = title.split(), ""
    for word in words:
        if len(text) + len(word) + 1 > MAX_MAIN or lettering.undrawable(word):
            break
        text = f"{text} {word}".strip()
    primary, secondary = COLOURS[sum(map(ord, title)) % 6]
    return Design(primary=primary, secondary=secondary, text_main=text)


def svg(design: Design) -> str:
    """The picture, 600 by 600."""
    scale, middle = (0.86, 262) if design.ribbon == "tails" else (1.0, 300)
    title = " – ".join(text for text in (design.text_main, design.text_top) if text) or design.shape
    light, dark = _face(design.primary)
    parts: list[str] = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}"',
        ' role="img">',
        f"<title>{escape(title)}</title>",
        '<defs><linearGradient id="face" x1="0" y1="0" x2="0" y2="1">',
        f'<stop offset="0" stop-color="{light}"/><stop offset="1" stop-color="{dark}"/></linearGradient></defs>',
    ]
    if design.ribbon == "tails":
        parts.append(_tails(design))
    parts += [f'<g transform="translate(300 {middle}) scale({scale})">', _body(design), _writing(design, (light, dark))]
    if design.ribbon == "banner":
        parts.append(_banner(design))
    parts.append("</g></svg>")
    return "".join(parts)


def png(picture: str, size: int = SIZE) -> bytes:
    """An SVG of ours as a PNG of `size` by `size`."""
    return rendering.png(picture, size)


def outline_of(shape: str) -> str:
    """Path data of a shape around the origin, to choose it by."""
    return _outline(SHAPES[shape], 1)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """`colour` with a share of `other` in it."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a * (1 - share) + b * share):02x}" for a, b in pairs)


def readable(wanted: str, grounds: tuple[str, ...], least: float = _READABLE) -> str:
    """`wanted`, or white, near black or black where that would be hard to tell from one of the `grounds`."""

    def worst(colour: str) -> float:
        return min(contrast(colour, ground) for ground in grounds)

    good = (colour for colour in (wanted, _LIGHT, _DARK) if worst(colour) >= least)
    return next(good, None) or max((_LIGHT, _BLACK), key=worst)


def _face(primary: str) -> tuple[str, str]:
    """The colours of the face at its top and at its bottom: as far apart as texts can still be read on both."""
    for share in (1.0, 0.6, 0.3):
        ends = mixed(primary, _LIGHT, 0.1 * share), mixed(primary, _BLACK, 0.18 * share)
        if min(contrast(readable(_LIGHT, ends), end) for end in ends) >= _READABLE:
            return ends
    return primary, primary


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [
        part / 12.92 if (part := channel / 255) <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for channel in _channels(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _regular(corners: int, turn: float = 0, radius: float = _RADIUS) -> list[Corner]:
    steps = [math.tau * (step + turn) / corners - math.pi / 2 for step in range(corners)]
    return [(radius * math.cos(step), radius * math.sin(step)) for step in steps]


def _waves(count: int, depth: float) -> list[Corner]:
    """A circle whose edge goes in and out `count` times."""
    return [
        (radius * math.cos(angle), radius * math.sin(angle))
        for step in range(2 * count)
        for angle in (math.tau * step / (2 * count) - math.pi / 2,)
        for radius in (_RADIUS if step % 2 == 0 else _RADIUS * (1 - depth),)
    ]


def _shield() -> list[Corner]:
    right: list[Corner] = [(250, -222), (250, 20)]
    right += [
        (250 * math.cos(step * math.pi / 16) ** 0.8, 20 + 260 * math.sin(step * math.pi / 16)) for step in range(1, 8)
    ]
    return [(0, -270), *right, (0, 280), *[(-x, y) for x, y in reversed(right)]]


@dataclass(frozen=True)
class Shape:
    """An outline around the origin: its corners, how much these are rounded, and its face where that is a circle."""

    corners: tuple[Corner, ...]
    rounding: float
    round_face: bool = False


SHAPES: Mapping[str, Shape] = {
    "circle": Shape(tuple(_regular(48)), 20, True),
    "rosette": Shape(tuple(_waves(20, 0.075)), 26, True),
    "burst": Shape(tuple(_waves(32, 0.09)), 2, True),
    "hexagon": Shape(tuple(_regular(6)), 36),
    "octagon": Shape(tuple(_regular(8, 0.5)), 24),
    "shield": Shape(tuple(_shield()), 18),
    "square": Shape(tuple(_regular(4, 0.5, 350)), 70),
    "diamond": Shape(tuple(_regular(4, 0, 296)), 46),
}
"""What badges can look like from outside."""


def _path(corners: tuple[Corner, ...], rounding: float, scale: float = 1) -> str:
    """Path data of a polygon whose corners are rounded, shrunk towards the origin."""
    pieces: list[str] = []
    for index, (x, y) in enumerate(corners):
        ends = []
        for nx, ny in (corners[index - 1], corners[(index + 1) % len(corners)]):
            length = math.hypot(nx - x, ny - y)
            cut = min(rounding / length, 0.5)
            ends.append((x + (nx - x) * cut, y + (ny - y) * cut))
        (ax, ay), (bx, by) = ends
        start = f"{'L' if pieces else 'M'}{ax * scale:.1f} {ay * scale:.1f}"
        pieces.append(f"{start}Q{x * scale:.1f} {y * scale:.1f} {bx * scale:.1f} {by * scale:.1f}")
    return "".join(pieces) + "Z"


def _outline(shape: Shape, scale: float) -> str:
    if shape.round_face and scale != 1:
        corners = SHAPES["circle"].corners
        return _path(corners, 20, scale * (0.96 if shape is not SHAPES["circle"] else 1))
    return _path(shape.corners, shape.rounding, scale)


def _body(design: Design) -> str:
    """The edge in the second colour, the face in the first, and a line inside."""
    shape = SHAPES[design.shape]
    edge = design.secondary
    shade = mixed(edge, _BLACK, 0.28)
    return (
        f'<path d="{_outline(shape, 1)}" fill="{edge}" stroke="{shade}" stroke-width="4" stroke-linejoin="round"/>'
        f'<path d="{_outline(shape, _FACE + 0.03)}" fill="{shade}"/>'
        f'<path d="{_outline(shape, _FACE)}" fill="url(#face)"/>'
        f'<path d="{_outline(shape, _LINE)}" fill="none" stroke="{edge}" stroke-width="3" opacity="0.75"/>'
    )


def _room(shape: Shape, y: float) -> float:
    """How wide a line at the height `y` can be inside the inner line, with a margin."""
    corners = SHAPES["circle"].corners if shape.round_face else shape.corners
    scale = _LINE * (0.96 if shape.round_face else 1)
    crossings = []
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (ay * scale <= y) != (by * scale <= y):
            crossings.append(scale * (ax + (bx - ax) * (y / scale - ay) / (by - ay)))
    return max(0.0, 2 * min(abs(each) for each in crossings) - 36) if crossings else 0.0


def _writing(design: Design, grounds: tuple[str, str]) -> str:
    """Icon and texts, centred as a whole in what the shape leaves."""
    shape = SHAPES[design.shape]
    ink = readable(_LIGHT, grounds)
    accent = readable(design.secondary, grounds, _VISIBLE)
    top = design.text_top.upper() if design.ribbon != "banner" else ""
    pieces: list[str] = []
    upper, lower = _SPANS.get(design.shape, (-168, 172))
    if top:
        if shape.round_face:
            pieces.append(_inked(_arched(top), ink, 1))
            upper += 34
        else:
            size = _fitting(lambda size: lettering.width(top, size, 2) <= _room(shape, upper - size) + 8, 30)
            pieces.append(_inked(lettering.line(top, size, 0, upper, spacing=2), ink, size * 0.05))
            upper += 22
    if design.ribbon == "banner":
        lower = min(lower, 114)
    has_icon = design.icon != NO_ICON
    height = lower - upper
    icon = 0.0
    if has_icon:
        icon = min(height * (0.4 if design.text_main else 0.75), 250)
        pieces.append(_icon(design.icon, icon, upper + (0 if design.text_main else (height - icon) / 2), accent))
    if design.text_main:
        start = upper + icon + (22 if has_icon else 0)
        pieces.append(_main(shape, design.text_main, start, lower, ink))
    return "".join(pieces)


_SPANS = {
    "hexagon": (-124, 172),
    "octagon": (-146, 172),
    "shield": (-160, 150),
    "diamond": (-104, 130),
    "square": (-158, 186),
}
"""From where to where, top to bottom, icon and main text may reach, if not as in a circle."""


def _fitting(fits: Callable[[float], bool], largest: float, smallest: float = 10) -> float:
    size = largest
    while size > smallest and not fits(size):
        size -= 1
    return size


def _arched(text: str) -> str:
    radius = _RADIUS * _LINE * 0.96 - 40
    size = _fitting(lambda size: lettering.width(text, size, 3) <= radius * 2.3, 28)
    return lettering.arc(text, size, radius, 3)


def _main(shape: Shape, text: str, upper: float, lower: float, ink: str) -> str:
    """The main text in one to three lines, as large as fits, in the middle of the room that is left."""
    for size in range(72, 13, -2):
        step = size * 1.16
        for count in (1, 2, 3):
            height = step * count
            if height > lower - upper:
                break
            first = upper + (lower - upper - height) / 2
            tops = [first + step * number for number in range(count)]
            rooms = [min(_room(shape, top), _room(shape, top + step)) for top in tops]
            lines = lettering.wrapped(text, size, rooms)
            if lines is not None and len(lines) == count:
                lines = _balanced(text, size, rooms, count)
                drawn = (
                    lettering.line(each, size, 0, top + size * 0.86) for each, top in zip(lines, tops, strict=True)
                )
                return _inked("".join(drawn), ink, size * 0.05)
    return ""


def _balanced(text: str, size: float, rooms: list[float], count: int) -> list[str]:
    """The same number of lines, as equally long as can be."""
    for share in range(20, 101, 2):
        lines = lettering.wrapped(text, size, [room * share / 100 for room in rooms])
        if lines is not None and len(lines) == count:
            return lines
    return lettering.wrapped(text, size, rooms) or []


def _inked(data: str, colour: str, weight: float) -> str:
    """Letters in bold: the font has one weight, so their outlines are drawn too."""
    return f'<path d="{data}" fill="{colour}" stroke="{colour}" stroke-width="{weight:.1f}" stroke-linejoin="round"/>'


def _icon(name: str, size: float, top: float, colour: str) -> str:
    scale = size / 24
    return (
        f'<path transform="translate({-size / 2:.1f} {top:.1f}) scale({scale:.3f})" d="{ICONS[name]}" fill="none"'
        f' stroke="{colour}" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _tails(design: Design) -> str:
    """Two ends of a ribbon below the shape."""
    colour = mixed(design.secondary, design.primary, 0.35)
    edge = mixed(colour, _BLACK, 0.3)
    left = "M196 380L118 566L188 552L226 596L296 424Z"
    right = "M404 380L482 566L412 552L374 596L304 424Z"
    return f'<path d="{left}{right}" fill="{colour}" stroke="{edge}" stroke-width="4" stroke-linejoin="round"/>'


def _banner(design: Design) -> str:
    """A band across the lower part, with the small text in it."""
    ground = mixed(design.secondary, _LIGHT, 0.12)
    fold, edge = mixed(design.secondary, _BLACK, 0.45), mixed(design.secondary, _BLACK, 0.28)
    upper, lower = 128, 204
    text = design.text_top.upper()
    size = _fitting(lambda size: lettering.width(text, size, 2) <= 430, 40)
    return (
        f'<path d="M-290 {upper + 26}H-200V{lower + 26}H-290L-262 {lower - 12}Z'
        f'M290 {upper + 26}H200V{lower + 26}H290L262 {lower - 12}Z" fill="{edge}"/>'
        f'<path d="M-246 {lower}L-200 {lower + 26}V{lower}ZM246 {lower}L200 {lower + 26}V{lower}Z" fill="{fold}"/>'
        f'<path d="M-246 {upper}H246V{lower}H-246Z" fill="{ground}" stroke="{edge}" stroke-width="3"/>'
        + (
            _inked(
                lettering.line(text, size, 0, (upper + lower) / 2 + size * 0.35, spacing=2),
                readable(_DARK, (ground,)),
                size * 0.05,
            )
            if text
            else ""
        )
    )
