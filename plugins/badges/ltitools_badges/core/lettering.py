"""Text drawn as outlines, so that a picture looks the same on every computer, whatever fonts it has.

The outlines are those of the font that Pillow carries: a part of Aileron (https://dotcolon.net/fonts/aileron, CC0),
read here from its TrueType tables (https://learn.microsoft.com/typography/opentype/spec/glyf). That part has no
letters with accents: these are put together from a letter and a mark that is drawn here. Other scripts are not in it;
`undrawable` tells which signs of a text cannot be drawn.
"""

from __future__ import annotations

import math
import struct
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

from PIL import ImageFont

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

_EM = 1000.0
_X_HEIGHT = 530.0
_GAP = 55.0
_SPACES = {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2011": "-", "\u2010": "-", "\u02bc": "’"}
_LIGATURES = {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"}
_DASHES = {"–": 500.0, "—": 900.0}


@dataclass(frozen=True)
class Contour:
    """A closed line. `curves` are (control point, end point); a straight piece has its control point at its end."""

    start: Point
    curves: tuple[tuple[Point, Point], ...]

    def points(self) -> Iterable[Point]:
        yield self.start
        for control, end in self.curves:
            yield control
            yield end

    def moved(self, change: Callable[[Point], Point]) -> Contour:
        """The contour with each of its points changed."""
        return Contour(change(self.start), tuple((change(control), change(end)) for control, end in self.curves))


@dataclass(frozen=True)
class Glyph:
    """A sign of the font, in units of a thousandth of the size, y upwards."""

    advance: float
    contours: tuple[Contour, ...]

    def box(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top."""
        xs, ys = zip(*(point for contour in self.contours for point in contour.points()), strict=True)
        return min(xs), min(ys), max(xs), max(ys)


def undrawable(text: str) -> str:
    """The signs of `text` that cannot be drawn, each once."""
    return "".join(dict.fromkeys(sign for sign in unicodedata.normalize("NFC", text) if _glyph(sign) is None))


def width(text: str, size: float, spacing: float = 0) -> float:
    """How wide `text` is. `spacing` is put between the letters."""
    glyphs = _glyphs(text)
    return sum(glyph.advance for glyph in glyphs) * size / _EM + spacing * max(len(glyphs) - 1, 0)


def line(text: str, size: float, x: float, y: float, anchor: Anchor = "middle", spacing: float = 0) -> str:
    """SVG path data of `text` on the base line `y`; signs that cannot be drawn are left out."""
    at = x - width(text, size, spacing) * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
    scale, drawn = size / _EM, []
    for glyph in _glyphs(text):
        drawn += [each.moved(partial(_placed, (at, y), scale)) for each in glyph.contours]
        at += glyph.advance * scale + spacing
    return _data(drawn)


def _placed(at: Point, scale: float, point: Point) -> Point:
    """A point of a glyph, whose y axis goes up, where it is drawn."""
    return at[0] + point[0] * scale, at[1] - point[1] * scale


def arc(text: str, size: float, radius: float, spacing: float = 0) -> str:
    """SVG path data of `text` on a circle around the origin, centred at its top and read from outside."""
    scale, drawn = size / _EM, []
    at = -width(text, size, spacing) / 2
    for glyph in _glyphs(text):
        half = glyph.advance * scale / 2
        angle = (at + half) / radius
        drawn += [each.moved(_on_circle(angle, radius, half, scale)) for each in glyph.contours]
        at += 2 * half + spacing
    return _data(drawn)


def wrapped(text: str, size: float, widths: Iterable[float]) -> list[str] | None:
    """`text` in as many lines as there are `widths` at most, or None where it does not fit into them."""
    words, lines = text.split(), []
    for available in widths:
        taken = 0
        while taken < len(words) and width(" ".join(words[: taken + 1]), size) <= available:
            taken += 1
        if not taken:
            return None
        lines.append(" ".join(words[:taken]))
        words = words[taken:]
        if not words:
            return lines
    return None


def _on_circle(angle: float, radius: float, half: float, scale: float) -> Callable[[Point], Point]:
    sine, cosine = math.sin(angle), math.cos(angle)

    def change(point: Point) -> Point:
        along, out = point[0] * scale - half, radius + point[1] * scale
        return along * cosine + out * sine, along * sine - out * cosine

    return change


def _data(contours: Iterable[Contour]) -> str:
    pieces = []
    for contour in contours:
        pieces.append(f"M{_number(*contour.start)}")
        for control, end in contour.curves:
            pieces.append(f"L{_number(*end)}" if control == end else f"Q{_number(*control)} {_number(*end)}")
        pieces.append("Z")
    return "".join(pieces)


def _number(x: float, y: float) -> str:
    return f"{x:.1f} {y:.1f}".replace(".0", "")


def _glyphs(text: str) -> list[Glyph]:
    found = (_glyph(sign) for sign in unicodedata.normalize("NFC", text))
    return [glyph for glyph in found if glyph is not None]


@cache
def _glyph(sign: str) -> Glyph | None:
    """The outlines of a sign, put together where the font has only its parts."""
    sign = _SPACES.get(sign, sign)
    own = _font().get(ord(sign))
    if own is not None:
        return own
    if sign in _LIGATURES:
        return _joined(*_LIGATURES[sign])
    if sign in _DASHES:
        return Glyph(
            _DASHES[sign] + 60, (_polygon((30, 235), (30 + _DASHES[sign], 235), (30 + _DASHES[sign], 300), (30, 300)),)
        )
    base, *marks = list(unicodedata.normalize("NFD", sign))
    letter = _font().get(ord(base))
    if letter is None or not marks or not letter.contours or any(mark not in _MARKS for mark in marks):
        return None
    for mark in marks:
        letter = _marked(letter, base, mark)
    return letter


def _joined(first: str, second: str) -> Glyph | None:
    """Two letters that share a stem."""
    left, right = _glyph(first), _glyph(second)
    if left is None or right is None:
        return None
    shift = left.box()[2] - right.box()[0] - (170 if first == "A" else 95)
    moved = tuple(each.moved(lambda p: (p[0] + shift, p[1])) for each in right.contours)
    return Glyph(shift + right.advance, left.contours + moved)


def _marked(letter: Glyph, base: str, mark: str) -> Glyph:
    contours = letter.contours
    if base in "ij":  # The dot gives way to the mark.
        contours = tuple(each for each in contours if min(point[1] for point in each.points()) < _X_HEIGHT)
    body = Glyph(letter.advance, contours)
    left, bottom, right, top = body.box()
    below = mark in ("\u0327", "\u0328")
    middle = (left + right) / 2 + (60 if mark == "\u0328" else 0)
    base_line = bottom if below else top + _GAP
    drawn = tuple(each.moved(lambda p: (p[0] + middle, p[1] + base_line)) for each in _MARKS[mark])
    return Glyph(letter.advance, contours + drawn)


def _polygon(*corners: Point) -> Contour:
    return Contour(corners[0], tuple((corner, corner) for corner in corners[1:]))


def _disc(x: float, y: float, radius: float, *, hole: bool = False) -> Contour:
    """A circle of eight curves, which is as round as the eye can tell at this size."""
    turn = -1 if hole else 1
    steps = [turn * math.tau * step / 16 for step in range(17)]
    reach = radius / math.cos(math.tau / 16)

    def at(step: int) -> Point:
        distance = reach if step % 2 else radius
        return x + distance * math.cos(steps[step]), y + distance * math.sin(steps[step])

    return Contour(at(0), tuple((at(step), at(step + 1)) for step in range(1, 16, 2)))


_MARKS: dict[str, tuple[Contour, ...]] = {
    "\u0300": (_polygon((-135, 150), (-45, 150), (50, 0), (-20, 0)),),
    "\u0301": (_polygon((135, 150), (45, 150), (-50, 0), (20, 0)),),
    "\u0302": (_polygon((-150, 0), (-40, 145), (40, 145), (150, 0), (75, 0), (0, 95), (-75, 0)),),
    "\u0303": (
        Contour(
            (-160, 10),
            (
                ((-140, 140), (-60, 130)),
                ((-20, 125), (20, 95)),
                ((75, 50), (100, 120)),
                ((160, 120), (160, 120)),
                ((140, -10), (60, 0)),
                ((20, 5), (-20, 35)),
                ((-75, 80), (-100, 10)),
            ),
        ),
    ),
    "\u0304": (_polygon((-130, 25), (130, 25), (130, 85), (-130, 85)),),
    "\u0307": (_disc(0, 55, 52),),
    "\u0308": (_disc(-100, 55, 50), _disc(100, 55, 50)),
    "\u030a": (_disc(0, 80, 85), _disc(0, 80, 45, hole=True)),
    "\u030b": (
        _polygon((20, 150), (-60, 150), (-130, 0), (-70, 0)),
        _polygon((180, 150), (100, 150), (30, 0), (90, 0)),
    ),
    "\u030c": (_polygon((-150, 145), (-75, 145), (0, 50), (75, 145), (150, 145), (40, 0), (-40, 0)),),
    "\u0327": (
        Contour(
            (-25, 20),
            (
                ((35, 20), (35, 20)),
                ((25, -35), (25, -35)),
                ((110, -50), (105, -120)),
                ((100, -205), (0, -205)),
                ((-60, -205), (-100, -175)),
                ((-75, -130), (-75, -130)),
                ((-45, -150), (-5, -150)),
                ((40, -150), (40, -115)),
                ((40, -75), (-45, -75)),
            ),
        ),
    ),
    "\u0328": (
        Contour(
            (-20, 10),
            (
                ((45, 10), (45, 10)),
                ((-40, -60), (-35, -110)),
                ((-30, -150), (40, -130)),
                ((50, -185), (50, -185)),
                ((-100, -220), (-105, -120)),
                ((-105, -50), (-20, 10)),
            ),
        ),
    ),
}


@cache
def _font() -> dict[int, Glyph]:
    """The signs of the font by code point."""
    loaded = ImageFont.load_default(10)
    assert isinstance(loaded, ImageFont.FreeTypeFont)
    data = loaded.font_bytes
    count = struct.unpack_from(">H", data, 4)[0]
    tables = {}
    for number in range(count):
        tag, _checksum, offset, _length = struct.unpack_from(">4sLLL", data, 12 + 16 * number)
        tables[tag] = offset
    wide = struct.unpack_from(">h", data, tables[b"head"] + 50)[0]
    measured = struct.unpack_from(">H", data, tables[b"hhea"] + 34)[0]
    scale = _EM / struct.unpack_from(">H", data, tables[b"head"] + 18)[0]
    signs = {}
    for code, number in _characters(data, tables[b"cmap"]).items():
        if wide:
            start, end = struct.unpack_from(">LL", data, tables[b"loca"] + 4 * number)
        else:
            start, end = (2 * each for each in struct.unpack_from(">HH", data, tables[b"loca"] + 2 * number))
        advance = struct.unpack_from(">H", data, tables[b"hmtx"] + 4 * min(number, measured - 1))[0]
        contours = _outlines(data, tables[b"glyf"] + start) if end > start else ()
        scaled = tuple(each.moved(lambda p: (p[0] * scale, p[1] * scale)) for each in contours)
        signs[code] = Glyph(advance * scale, scaled)
    return signs


def _characters(data: bytes, cmap: int) -> dict[int, int]:
    """Code points and their glyphs, from the subtable of format 4 that every Unicode font has."""
    for number in range(struct.unpack_from(">H", data, cmap + 2)[0]):
        platform, encoding, offset = struct.unpack_from(">HHL", data, cmap + 4 + 8 * number)
        if (platform, encoding) == (3, 1):
            break
    at = cmap + offset
    doubled = struct.unpack_from(">H", data, at + 6)[0]
    half = f">{doubled // 2}H"
    ends = struct.unpack_from(half, data, at + 14)
    starts = struct.unpack_from(half, data, at + 16 + doubled)
    shifts = struct.unpack_from(half, data, at + 16 + 2 * doubled)
    ranges_at = at + 16 + 3 * doubled
    found = {}
    for segment, (start, end, shift) in enumerate(zip(starts, ends, shifts, strict=True)):
        place = ranges_at + 2 * segment
        jump = struct.unpack_from(">H", data, place)[0]
        for code in range(start, min(end, 0xFFFE) + 1):
            glyph = struct.unpack_from(">H", data, place + jump + 2 * (code - start))[0] if jump else code
            glyph = (glyph + shift) % 0x10000 if glyph or not jump else 0
            if glyph:
                found[code] = glyph
    return found


def _outlines(data: bytes, at: int) -> tuple[Contour, ...]:
    """The contours of a simple glyph."""
    count = struct.unpack_from(">h", data, at)[0]
    assert count >= 0, "the font of Pillow is made of simple glyphs"
    ends = struct.unpack_from(f">{count}H", data, at + 10)
    at += 10 + 2 * count
    at += 2 + struct.unpack_from(">H", data, at)[0]
    flags: list[int] = []
    while len(flags) <= ends[-1]:
        flag, at = data[at], at + 1
        repeated = 1
        if flag & 8:
            repeated, at = data[at] + 1, at + 1
        flags += [flag] * repeated
    xs, at = _coordinates(data, at, flags, 2, 16)
    ys, at = _coordinates(data, at, flags, 4, 32)
    points = [(float(x), float(y), bool(flag & 1)) for x, y, flag in zip(xs, ys, flags, strict=True)]
    first, made = 0, []
    for end in ends:
        made.append(_contour(points[first : end + 1]))
        first = end + 1
    return tuple(made)


def _coordinates(data: bytes, at: int, flags: list[int], short: int, same: int) -> tuple[list[int], int]:
    values, value = [], 0
    for flag in flags:
        if flag & short:
            value += data[at] if flag & same else -data[at]
            at += 1
        elif not flag & same:
            value += struct.unpack_from(">h", data, at)[0]
            at += 2
        values.append(value)
    return values, at


def _contour(points: list[tuple[float, float, bool]]) -> Contour:
    """Between two control points lies a point on the line that the font does not spell out."""
    whole: list[tuple[float, float, bool]] = []
    for index, point in enumerate(points):
        before = points[index - 1]
        if not before[2] and not point[2]:
            whole.append(((before[0] + point[0]) / 2, (before[1] + point[1]) / 2, True))
        whole.append(point)
    begin = next(index for index, point in enumerate(whole) if point[2])
    whole = whole[begin:] + whole[: begin + 1]
    curves: list[tuple[Point, Point]] = []
    control: Point | None = None
    for x, y, on_line in whole[1:]:
        if on_line:
            curves.append((control or (x, y), (x, y)))
            control = None
        else:
            control = (x, y)
    return Contour(whole[0][:2], tuple(curves))
