"""Pictures with a badge inside, ours and those of strangers."""

import io
import json
import struct
import zlib
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from PIL import Image, PngImagePlugin

from ltitools_badges.core import baking
from ltitools_badges.core.baking import NotBaked, bake_png, bake_svg, unbake

SVG = """<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 8 8">
  <defs><path id="p" d="M0 0h8"/></defs><text>é<tspan>à</tspan> fin</text><use xlink:href="#p"/>
</svg>"""
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpZCI6IjEifQ.c2lnbmF0dXJl"

readable = st.dictionaries(st.text(max_size=8), st.text(), max_size=4).map(
    lambda said: json.dumps({"id": "https://x.example.org", **said}, ensure_ascii=False)
)


@cache
def png() -> bytes:
    picture = io.BytesIO()
    Image.new("RGBA", (8, 8), "teal").save(picture, "PNG")
    return picture.getvalue()


def with_chunk(kind: bytes, content: bytes) -> bytes:
    """The picture with a chunk of somebody's after its head."""
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return png()[:33] + chunk + png()[33:]


@given(readable)
def test_what_was_baked_comes_out(text: str) -> None:
    assert unbake(bake_png(png(), text)) == text
    assert json.loads(unbake(bake_svg(SVG, text))) == json.loads(text)


@given(readable, readable)
def test_baking_again_replaces(first: str, second: str) -> None:
    once, twice = bake_png(png(), second), bake_png(bake_png(png(), first), second)
    assert twice == once
    assert twice.count(b"openbadgecredential\0") == 1
    again = bake_svg(bake_svg(SVG, first).decode(), second)
    assert json.loads(unbake(again)) == json.loads(second)
    assert len(etree.fromstring(again).findall("{https://purl.imsglobal.org/ob/v3p0}credential")) == 1


def test_a_token_is_baked_and_comes_out() -> None:
    assert unbake(bake_png(png(), TOKEN)) == TOKEN
    baked = bake_svg(SVG, TOKEN)
    assert unbake(baked) == TOKEN
    assert f'<openbadges:credential verify="{TOKEN}"/>'.encode() in baked


def test_the_picture_stays_the_same() -> None:
    with Image.open(io.BytesIO(bake_png(png(), "{}"))) as baked, Image.open(io.BytesIO(png())) as plain:
        assert baked.tobytes() == plain.tobytes()
    root = etree.fromstring(bake_svg(SVG, "{}"))
    assert [etree.QName(child).localname for child in root] == ["credential", "defs", "text", "use"]
    assert "".join(root[2].itertext()) == "éà fin"
    assert root[3].get("{http://www.w3.org/1999/xlink}href") == "#p"
    assert root.get("viewBox") == "0 0 8 8"


def test_the_namespace_is_declared_on_top() -> None:
    assert etree.fromstring(bake_svg(SVG, "{}")).nsmap["openbadges"] == "https://purl.imsglobal.org/ob/v3p0"


def test_the_end_of_a_section_in_a_text_ends_nothing() -> None:
    text = json.dumps({"name": "a]]>b<c/>\ufffe]]]>"}, ensure_ascii=False)
    assert json.loads(unbake(bake_svg(SVG, text))) == json.loads(text)


def test_plain_files_are_read() -> None:
    assert unbake(b'\xef\xbb\xbf  {"id": 1}\n') == '{"id": 1}'
    assert unbake(f"{TOKEN}\n".encode()) == TOKEN


@pytest.mark.parametrize("compressed", [True, False])
def test_what_other_programs_baked_is_read(compressed: bool) -> None:
    picture, info = io.BytesIO(), PngImagePlugin.PngInfo()
    info.add_itxt("openbadgecredential", '{"name":"é"}', lang="fr", zip=compressed)
    Image.new("L", (1, 1)).save(picture, "PNG", pnginfo=info)
    assert unbake(picture.getvalue()) == '{"name":"é"}'


def test_badges_of_open_badges_2_are_found() -> None:
    assert unbake(with_chunk(b"tEXt", b"openbadges\0https://x.example.org/1")) == "https://x.example.org/1"
    old = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:o="http://openbadges.org"><o:assertion verify="a.b.c"/></svg>'
    assert unbake(old.encode()) == "a.b.c"
    assert b"assertion" not in bake_svg(old, "{}")


BOMB = b"openbadgecredential\0\1\0\0\0" + zlib.compress(bytes(8 * 1024 * 1024))
ENTITIES = b"""<!DOCTYPE svg [<!ENTITY a "b"><!ENTITY c SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:o="https://purl.imsglobal.org/ob/v3p0"><o:credential>&c;</o:credential></svg>"""


@pytest.mark.parametrize(
    "given",
    [
        png(),
        png()[:40],
        with_chunk(b"iTXt", BOMB),
        with_chunk(b"iTXt", b"openbadgecredential\0\0"),
        with_chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0\xff\xfe"),
        SVG.encode(),
        b"<html/>",
        b"<svg",
        ENTITIES,
        b"GIF89a",
        b"text",
        b"\xff\xfe{}",
        b"{" * (baking.MAX_PICTURE + 1),
    ],
    ids=[
        "plain PNG",
        "cut off",
        "bomb",
        "no text",
        "no UTF-8",
        "plain SVG",
        "HTML",
        "no XML",
        "entities",
        "GIF",
        "text",
        "no text at all",
        "large",
    ],
)
def test_what_has_no_badge_is_refused(given: bytes) -> None:
    with pytest.raises(NotBaked):
        unbake(given)


@given(st.binary(max_size=200), st.integers(0, 120))
def test_no_bytes_make_it_fall_over(noise: bytes, place: int) -> None:
    for file in (noise, png()[:place] + noise + png()[place:], SVG.encode()[:place] + noise):
        try:
            unbake(file)
        except NotBaked:
            continue
