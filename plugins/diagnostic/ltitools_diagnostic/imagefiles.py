"""Picture files: what they are by their content, how large, and without what they tell of whoever took them.

PNG (https://www.w3.org/TR/png-3/), JPEG (ITU-T T.81), GIF (https://www.w3.org/Graphics/GIF/spec-gif89a.txt) and WebP
(https://www.rfc-editor.org/rfc/rfc9649). Nothing is decoded: the parts of the file are walked through, those that are
needed to show it are kept, and whatever stands between or behind them is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A picture as it is kept: `width` and `height` in pixels, and the file without comments and metadata."""

    media_type: str
    width: int
    height: int
    content: bytes


def read(data: bytes) -> Picture | None:
    """The picture in a file, or None where it is no whole PNG, JPEG, GIF or WebP file."""
    if data.startswith(_PNG_SIGNATURE):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _gif(data)
    return _webp(data) if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else None


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs acTL fcTL fdAT".split()
)  # fmt: skip


def _png(data: bytes) -> Picture | None:
    chunks = list(_png_chunks(data))
    if len(chunks) < 2 or chunks[0][4:8] != b"IHDR" or chunks[-1][4:8] != b"IEND":
        return None
    kept = [chunk for chunk in chunks if chunk[4:8] in _PNG_KEPT]
    width, height = _big(chunks[0][8:12]), _big(chunks[0][12:16])
    return Picture("image/png", width, height, b"".join((_PNG_SIGNATURE, *kept)))


def _png_chunks(data: bytes) -> Iterator[bytes]:
    at = len(_PNG_SIGNATURE)
    while (end := at + 12 + _big(data[at : at + 4])) <= len(data):
        yield data[at:end]
        if data[at + 4 : at + 8] == b"IEND":
            return
        at = end


_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_APPLICATIONS = frozenset(range(0xE0, 0xF0))
_COMMENT, _SCAN, _END, _EXIF = 0xFE, 0xDA, 0xD9, 0xE1
_APPLICATIONS_KEPT = (b"\xff\xe0%sJFIF\0", b"\xff\xe2%sICC_PROFILE\0", b"\xff\xee%sAdobe")
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg(data: bytes) -> Picture | None:
    width = height = orientation = 0
    kept: list[bytes] = []
    for segment in _jpeg_segments(data):
        marker = segment[1]
        if marker in _FRAMES:
            height, width = _big(segment[5:7]), _big(segment[7:9])
        if marker == _EXIF and segment[4:10] == b"Exif\0\0":
            orientation = _orientation(segment[10:])
        if marker == _COMMENT or (marker in _APPLICATIONS and not _is_needed(segment)):
            continue
        kept.append(segment)
    if not width or not kept or kept[-1][1] != _END:
        return None
    # A telephone held upright writes a picture that lies on its side, and says so in what was just taken out.
    first = 1 if kept[0][1] == 0xE0 else 0
    turned = [_exif(orientation)] if 1 < orientation < 9 else []
    return Picture("image/jpeg", width, height, b"".join((b"\xff\xd8", *kept[:first], *turned, *kept[first:])))


def _is_needed(segment: bytes) -> bool:
    return any(segment.startswith(start % segment[2:4]) for start in _APPLICATIONS_KEPT)


def _jpeg_segments(data: bytes) -> Iterator[bytes]:
    """The segments after the first marker, to the end of the picture, each scan with the data behind its header."""
    at = 2
    while data[at : at + 1] == b"\xff" and at + 1 < len(data):
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _END:
            yield data[at : at + 2]
            return
        length = _big(data[at + 2 : at + 4])
        end = at + 2 + length
        if length < 2 or end > len(data):
            return
        if marker == _SCAN:
            following = _AFTER_SCAN.search(data, end)
            if following is None:
                return
            end = following.start()
        yield data[at:end]
        at = end


def _orientation(tiff: bytes) -> int:
    """The tag 0x0112 of the first directory of Exif data, 0 where there is none."""
    read_number = _little if tiff.startswith(b"II") else _big
    at = read_number(tiff[4:8])
    for _entry in range(read_number(tiff[at : at + 2])):
        if read_number(tiff[at + 2 : at + 4]) == 0x0112:
            return read_number(tiff[at + 10 : at + 12])
        at += 12
    return 0


def _exif(orientation: int) -> bytes:
    """Exif data that say nothing but how the picture is to be turned."""
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2, "big") + b"\x00\x00"
    body = b"Exif\0\0MM\x00*\x00\x00\x00\x08\x00\x01" + entry + b"\x00\x00\x00\x00"
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


_GIF_REPEATS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_GIF_CONTROL, _GIF_APPLICATION = 0xF9, 0xFF


def _gif(data: bytes) -> Picture | None:
    width, height = _little(data[6:8]), _little(data[8:10])
    at = 13 + _colours(data[10:11])
    kept = [data[:at]]
    while at < len(data):
        start = at
        if data[at] == 0x3B:
            kept.append(b";")
            return Picture("image/gif", width, height, b"".join(kept))
        if data[at] == 0x2C:
            width = max(width, _little(data[at + 1 : at + 3]) + _little(data[at + 5 : at + 7]))
            height = max(height, _little(data[at + 3 : at + 5]) + _little(data[at + 7 : at + 9]))
            at = _after_blocks(data, at + 11 + _colours(data[at + 9 : at + 10]))
            kept.append(data[start:at])
        elif data[at] == 0x21:
            label = data[at + 1 : at + 2]
            at = _after_blocks(data, at + 2)
            repeats = label == bytes([_GIF_APPLICATION]) and data[start + 3 : start + 14] in _GIF_REPEATS
            kept += [data[start:at]] if repeats or label == bytes([_GIF_CONTROL]) else []
        else:
            return None
    return None


def _colours(packed: bytes) -> int:
    """The length of the table of colours that the flags announce."""
    flags = _big(packed)
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_METADATA = 0x08 | 0x04


def _webp(data: bytes) -> Picture | None:
    kept: list[bytes] = []
    sizes = [(0, 0)]
    at, end = 12, min(len(data), 8 + _little(data[4:8]))
    while at + 8 <= end:
        name, length = data[at : at + 4], _little(data[at + 4 : at + 8])
        body = data[at + 8 : at + 8 + length]
        if len(body) < length:
            return None
        sizes.append(_webp_size(name, body))
        if name == b"VP8X":
            body = bytes([_big(body[:1]) & ~_WEBP_METADATA]) + body[1:]
        if name in _WEBP_KEPT:
            kept.append(name + length.to_bytes(4, "little") + body + b"\0" * (length % 2))
        at += 8 + length + length % 2
    width, height = max(size[0] for size in sizes), max(size[1] for size in sizes)
    content = b"WEBP" + b"".join(kept)
    return Picture("image/webp", width, height, b"RIFF" + len(content).to_bytes(4, "little") + content)


def _webp_size(name: bytes, body: bytes) -> tuple[int, int]:
    if name == b"VP8X":
        return _little(body[4:7]) + 1, _little(body[7:10]) + 1
    if name == b"VP8L" and body[:1] == b"\x2f":
        bits = _little(body[1:5])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return _little(body[6:8]) & 0x3FFF, _little(body[8:10]) & 0x3FFF
    return 0, 0
