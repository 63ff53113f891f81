"""Picture files are known by their content, and lose what they tell of whoever made them."""

from __future__ import annotations

import struct

import pytest

from ltitools_diagnostic.imagefiles import Picture, read

SECRET = b"Grace, at home, 2026"


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def exif(orientation: int, order: str = ">") -> bytes:
    """Exif data with a maker's name before the orientation."""
    start = b"MM\0*" if order == ">" else b"II*\0"
    entries = struct.pack(order + "HHLL", 0x010F, 2, 4, 0), struct.pack(order + "HHLHH", 0x0112, 3, 1, orientation, 0)
    return (
        b"Exif\0\0" + start + struct.pack(order + "LH", 8, 2) + b"".join(entries) + struct.pack(order + "L", 0) + SECRET
    )


def jpeg(*, extra: bytes = b"", width: int = 64, height: int = 48, frame: int = 0xC0) -> bytes:
    """The parts of a picture with two scans; it is walked through, not shown."""
    start = b"\xff\xd8" + segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0") + extra
    frame_header = segment(frame, b"\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\0")
    scans = segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x12\xff\0\x34\xff\xd0\x56" + segment(0xC4, b"\0" * 17)
    return start + frame_header + scans + segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"\x78\xff\xd9"


def gif(*, comment: bytes = b"", application: bytes = b"NETSCAPE2.0", width: int = 5) -> bytes:
    header = b"GIF89a" + struct.pack("<HHBBB", width, 4, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    extension = b"\x21\xff\x0b" + application + b"\x03\x01\0\0\0"
    remark = b"\x21\xfe" + bytes([len(comment)]) + comment + b"\0" if comment else b""
    image = b"\x21\xf9\x04\0\0\0\0\0" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 5, 4, 0) + b"\x02\x02\x4c\x01\0"
    return header + extension + remark + image + b"\x3b"


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


LOSSY = chunk(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 30, 20) + b"\0")
LOSSLESS = chunk(b"VP8L", b"\x2f" + struct.pack("<I", (30 - 1) | (20 - 1) << 14) + b"\0\0")


def canvas(flags: int, width: int = 30, height: int = 20) -> bytes:
    sizes = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sizes)


def kept(data: bytes) -> Picture:
    picture = read(data)
    assert picture is not None
    return picture


@pytest.mark.parametrize("frame", [0xC0, 0xC1, 0xC2])
def test_a_jpeg_file_that_says_nothing_stays_as_it_is(frame: int) -> None:
    data = jpeg(frame=frame)
    assert kept(data) == Picture("image/jpeg", 64, 48, data)


@pytest.mark.parametrize(
    "extra",
    [
        segment(0xFE, SECRET),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET),
        segment(0xED, b"Photoshop 3.0\0" + SECRET),
        segment(0xE0, b"JFXX\0" + SECRET),
        segment(0xE1, exif(1)),
    ],
)
def test_what_a_jpeg_file_says_of_its_maker_is_left_out(extra: bytes) -> None:
    assert kept(jpeg(extra=extra) + SECRET).content == jpeg()


def test_what_a_jpeg_file_needs_for_its_colours_stays() -> None:
    extra = segment(0xE2, b"ICC_PROFILE\0\x01\x01colours") + segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01")
    assert kept(jpeg(extra=extra)).content == jpeg(extra=extra)


@pytest.mark.parametrize("order", [">", "<"])
def test_a_photograph_is_still_turned_as_the_camera_said(order: str) -> None:
    picture = kept(jpeg(extra=segment(0xE1, exif(6, order))))
    assert SECRET not in picture.content
    assert b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06" in picture.content
    assert kept(picture.content) == picture


def test_a_gif_file_keeps_its_repetition_and_loses_its_remarks() -> None:
    assert kept(gif(comment=SECRET) + SECRET) == Picture("image/gif", 5, 4, gif())
    assert b"XMP DataXMP" not in kept(gif(application=b"XMP DataXMP")).content


@pytest.mark.parametrize("image", [LOSSY, LOSSLESS])
def test_a_webp_file_loses_its_metadata_and_says_no_more_that_it_has_some(image: bytes) -> None:
    data = webp(canvas(0x0C | 0x10), image, chunk(b"EXIF", SECRET), chunk(b"XMP ", SECRET))
    assert kept(data + SECRET) == Picture("image/webp", 30, 20, webp(canvas(0x10), image))
    assert kept(webp(image)) == Picture("image/webp", 30, 20, webp(image))


def test_the_largest_of_the_sizes_that_a_file_announces_counts() -> None:
    assert kept(webp(canvas(0, 9000, 20), LOSSY)).width == 9000
    assert kept(gif(width=1)).width == 5


@pytest.mark.parametrize("whole", [jpeg(), gif(), webp(LOSSY), webp(canvas(0), LOSSLESS)])
def test_a_file_that_ends_too_early_is_none_and_never_an_error(whole: bytes) -> None:
    assert read(whole) is not None
    for length in range(len(whole) - 2):
        read(whole[:length])
    assert read(whole[:-8]) is None


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"RIFF\0\0\0\0WAVE", b"\xff\xd8\xff", b"GIF89a", b"%PDF-1.7", b"BM"])
def test_what_is_no_picture_is_none(data: bytes) -> None:
    assert read(data) is None
