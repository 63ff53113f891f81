"""Uploaded pictures: nothing but the picture is left of a file, and what is none is refused with a reason."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from lxml import etree
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ltitools_badges.core import design, pictures
from ltitools_badges.core.design import Design
from ltitools_badges.core.pictures import Picture, Unusable

OPEN = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 100">'
DISC = '<circle cx="50" cy="50" r="40" fill="#a00"/>'


def raster(width: int, height: int, kind: str = "PNG", colour: str = "#a00", **options: object) -> bytes:
    """A picture of one colour."""
    written = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(written, kind, **options)
    return written.getvalue()


def cleaned(inside: str, start: str = OPEN) -> str:
    """What is left of an SVG."""
    return pictures.clean_svg(f"{start}{DISC}{inside}</svg>".encode())


def refusal(data: bytes) -> str:
    """Why a file is refused."""
    with pytest.raises(Unusable) as caught:
        pictures.read(data)
    return caught.value.code


def opened(picture: Picture) -> Image.Image:
    """The picture as pixels."""
    made = Image.open(io.BytesIO(picture.png))
    assert (made.format, made.size) == ("PNG", (600, 600))
    return made


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_that_is_wider_than_high_stands_in_the_middle_of_a_square(kind: str) -> None:
    made = opened(pictures.read(raster(800, 400, kind)))
    assert made.getchannel("A").getbbox() == (0, 150, 600, 450)


def test_what_a_file_says_about_itself_is_taken_out() -> None:
    said = PngInfo()
    said.add_itxt("openbadgecredential", '{"somebody": "else"}')
    said.add_text("Author", "Grace Hopper")
    made = pictures.read(raster(300, 300, pnginfo=said) + b"trailing secret")
    assert not opened(made).info
    assert b"Grace" not in made.png
    assert b"openbadgecredential" not in made.png
    assert b"trailing" not in made.png


def test_a_photograph_that_was_taken_upright_is_shown_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = opened(pictures.read(raster(400, 200, "JPEG", exif=exif)))
    assert made.getchannel("A").getbbox() == (150, 0, 450, 600)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\nbroken", "broken"),
        (raster(300, 300)[:200], "broken"),
        (b"GIF89a" + b"\0" * 50, "unknown-kind"),
        (b"%PDF-1.7", "unknown-kind"),
        (b"\x89PNG" + b"\0" * (4 * 1024 * 1024), "too-large"),
        (raster(4001, 10), "too-many-pixels"),
        (raster(60, 60), "too-small"),
        (OPEN.encode() + b"</g></svg>", "broken"),
        (f"{OPEN}</svg>".encode(), "blank"),
        (f"{OPEN}{DISC}{' ' * 1024 * 1024}</svg>".encode(), "too-large"),
        (f'<html xmlns="http://www.w3.org/1999/xhtml">{OPEN}{DISC}</svg></html>'.encode(), "unknown-kind"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>', "no-size"),
        (f"{OPEN}{'<g>' * 70}{'</g>' * 70}</svg>".encode(), "too-complex"),
        (f"{OPEN}{'<g/>' * 6000}</svg>".encode(), "too-complex"),
    ],
)
def test_what_is_no_picture_for_a_badge_is_refused_with_its_reason(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_a_file_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    assert refusal(raster(400, 400)) == "too-many-pixels"


def test_an_svg_is_kept_as_svg_and_drawn_as_png() -> None:
    made = pictures.read(f"{OPEN}{DISC}</svg>".encode())
    assert 'r="40"' in made.svg
    assert opened(made).getpixel((300, 300)) == (170, 0, 0, 255)


def test_a_design_of_ours_goes_through_unchanged_to_the_eye() -> None:
    svg = design.svg(Design(text_main="Données", text_top="Été", ribbon="banner"))
    assert opened(pictures.read(svg.encode())).tobytes() == Image.open(io.BytesIO(design.png(svg))).tobytes()


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>", '<path onload="alert(1)" d="M0 0"/>', '<a xlink:href="javascript:alert(1)"/>',
        '<linearGradient id="a" xlink:href="https://evil.example/x"/>', '<path fill="url(https://evil.example/x)"/>',
        '<path fill="url(\'//evil.example\')" d="M0 0"/>', "<animate attributeName='href'/>", "<!-- evil -->",
        "<?evil now?>", '<metadata xmlns:e="https://evil.example/"><e:x>evil</e:x></metadata>',
        '<filter id="f"><feImage href="https://evil.example"/></filter>', '<path clip-path="url( evil )"/>',
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>', "<set attributeName='onload'/>",
        '<iframe src="https://evil.example"/>', '<path data-evil="alert" style=""/>',
    ],
)  # fmt: skip
def test_whatever_does_something_or_leads_elsewhere_is_left_out(inside: str) -> None:
    left = cleaned(inside)
    assert "evil" not in left
    assert "alert" not in left
    assert "script" not in left
    assert 'fill="#a00"' in left


@pytest.mark.parametrize(
    "inside",
    [
        "<text>Data</text>", '<image href="data:image/png;base64,AA=="/>', '<use href="#a"/>', "<foreignObject/>",
        "<switch/>", "<style>@import 'https://evil.example/x.css';</style>", "<style>a{b:url(x.png)}</style>",
        '<path style="fill:url(https://evil.example/#a)"/>', '<path style="fill:u\\72l(x)"/>',
    ],
)  # fmt: skip
def test_what_would_change_the_picture_by_its_absence_is_refused(inside: str) -> None:
    with pytest.raises(Unusable) as caught:
        cleaned(inside)
    assert caught.value.code == "cannot-draw"


def test_gradients_clips_and_styles_of_the_file_itself_are_kept() -> None:
    inside = (
        "<defs><linearGradient id='a'><stop offset='0' stop-color='#fff'/></linearGradient>"
        "<linearGradient id='b' xlink:href='#a'/><clipPath id='c'><rect width='9' height='9'/></clipPath></defs>"
        "<style>.k{fill:url(#b)}</style><path class='k' clip-path='url(#c)' style='stroke:#000' d='M0 0h9v9z'/>"
    )
    left = cleaned(inside)
    for kept in ('href="#a"', ".k{fill:url(#b)}", 'clip-path="url(#c)"', 'style="stroke:#000"'):
        assert kept in left
    etree.fromstring(left.encode())


def test_a_document_type_is_left_out_and_one_with_entities_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("treasure")
    plain = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    assert "DOCTYPE" not in cleaned("", plain + OPEN)
    for entity in (f'x SYSTEM "file://{secret}"', 'x "&x;&x;"'):
        data = f"<!DOCTYPE svg [<!ENTITY {entity}>]>{OPEN}<title>&x;</title>{DISC}</svg>"
        assert refusal(data.encode()) == "doctype"


def test_sizes_become_a_coordinate_system() -> None:
    start = OPEN.replace('viewBox="0 0 100 100"', 'width="90px" height="45"')
    root = etree.fromstring(cleaned("", start).encode())
    assert (root.get("viewBox"), root.get("width"), root.get("height")) == ("0 0 90 45", "600", "600")


def test_an_svg_that_takes_too_long_is_given_up() -> None:
    """A mask in a mask in a mask … of which each is drawn twice."""
    masks = "".join(
        f'<mask id="m{n}"><rect width="99" height="99" fill="#fff" mask="url(#m{n + 1})"/>'
        f'<rect width="99" height="99" fill="#fff" mask="url(#m{n + 1})"/></mask>'
        for n in range(30)
    )
    last = '<mask id="m30"><rect width="99" height="99" fill="#fff"/></mask>'
    inside = f'<defs>{masks}{last}</defs><rect width="99" height="99" mask="url(#m0)"/>'
    assert refusal(f"{OPEN}{inside}</svg>".encode()) == "too-complex"


def test_a_renderer_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_PATIENCE", 0)
    assert refusal(f"{OPEN}{DISC}</svg>".encode()) == "too-complex"


@pytest.mark.parametrize(
    ("title", "issuer"),
    [
        ("Analyse de données", "Collège du Nord"),
        ("Développement responsable de systèmes d’information pour les organisations publiques " * 3, "É" * 200),
        ("W" * 200, ""),
        ("日本", "日本"),
        ("", "Acme"),
    ],
)
def test_the_picture_beside_a_link_has_the_size_that_networks_ask_for_whatever_the_texts(
    title: str, issuer: str
) -> None:
    badge = design.png(design.svg(design.default("Data")))
    made = Image.open(io.BytesIO(pictures.open_graph(badge, title, issuer)))
    assert (made.format, made.size) == ("PNG", (1200, 627))
    # The badge is at the left, and nothing runs out at the right.
    assert made.convert("RGB").getpixel((300, 300)) != (246, 248, 248)
    right = made.convert("RGB").crop((1180, 0, 1200, 627)).getcolors()
    assert right == [(20 * 627, (246, 248, 248))]
