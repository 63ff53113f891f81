"""The designer's pictures: every combination is drawn, alike everywhere, readable and small."""

from __future__ import annotations

import io
import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from ltitools_badges.core import design, lettering
from ltitools_badges.core.design import Design
from ltitools_badges.core.icons import ICONS

SVG = "{http://www.w3.org/2000/svg}"
FRENCH = "àâäéèêëîïôöùûüÿçœæÀÂÄÉÈÊËÎÏÔÖÙÛÜŸÇŒÆ’«»–—0123456789 \u00a0\u202f!?.,:;()&%"


@pytest.mark.parametrize(("shape", "ribbon"), list(product(design.SHAPES, design.RIBBONS)))
def test_every_shape_is_drawn_with_every_ribbon_as_paths_only(shape: str, ribbon: str) -> None:
    made = Design(shape, text_top="Académie numérique", text_main="Analyse de données appliquée", ribbon=ribbon)
    root = etree.fromstring(design.svg(made).encode())
    tags = {str(element.tag).removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "defs", "linearGradient", "stop", "g", "path"}
    assert not any(
        "href" in name or name.startswith("on") for element in root.iter() for name in map(str, element.attrib)
    )


@pytest.mark.parametrize("shape", design.SHAPES)
def test_a_picture_is_a_square_png_below_100_kilobytes(shape: str) -> None:
    made = Design(shape, *design.COLOURS[3], "Collège du Nord", "Gestion de projets agiles", "globe", "banner")
    data = design.png(design.svg(made))
    assert len(data) < 100_000
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.size) == ("PNG", (600, 600))
    opaque = picture.getchannel("A").tobytes()
    assert (opaque[0], opaque[250 * 600 + 300]) == (0, 255)


def test_icons_differ_and_stay_inside_their_field() -> None:
    assert len(set(ICONS.values())) == len(ICONS) >= 16
    drawn = set()
    for path in ICONS.values():
        stroke = 'fill="none" stroke="#000" stroke-width="1.7" stroke-linecap="round"'
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-24 -24 72 72"><path d="{path}" {stroke}/></svg>'
        picture = Image.open(io.BytesIO(design.png(svg, 360)))
        box = picture.getchannel("A").getbbox()
        assert box is not None
        assert min(box) >= 118
        assert max(box) <= 242
        drawn.add(picture.tobytes())
    assert len(drawn) == len(ICONS)


@given(st.builds("#{:06x}".format, st.integers(0, 0xFFFFFF)))
def test_texts_can_be_read_on_any_colour(primary: str) -> None:
    made = design.svg(Design("circle", primary, "#808080", "Top", "Main", "none"))
    face = re.findall(r'stop-color="(#[0-9a-f]{6})"', made)
    inks = set(re.findall(r'fill="(#[0-9a-f]{6})" stroke="\1"', made))
    assert (len(face), len(inks)) == (2, 1)
    assert min(design.contrast(ink, ground) for ink in inks for ground in face) >= 4.5


def test_the_contrast_is_that_of_wcag() -> None:
    assert design.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert design.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert design.contrast("#123456", "#123456") == 1


@pytest.mark.parametrize(
    "member",
    [
        {"shape": "blob"}, {"icon": "cat"}, {"ribbon": "bow"}, {"primary": "red"}, {"secondary": "#FFFFFF"},
        {"primary": '#fff"/><script'}, {"text_main": "x" * 41}, {"text_top": "x" * 25}, {"text_main": "日本"},
        {"text_top": 3}, {"more": "x"},
    ],
)  # fmt: skip
def test_a_malformed_design_is_refused(member: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Design.from_json({**Design().to_json(), **member})


def test_a_design_is_read_again_exactly() -> None:
    made = Design("shield", "#123456", "#abcdef", "Été", "L’œuvre", "leaf", "tails")
    assert Design.from_json(made.to_json()) == made


def test_texts_are_escaped_in_the_name_of_the_picture() -> None:
    root = etree.fromstring(design.svg(Design(text_main="<b> & co", text_top="“x”")).encode())
    assert root.findtext(f"{SVG}title") == "<b> & co – “x”"


@pytest.mark.parametrize(
    "title", ["Données", "Data 日本 science", "x" * 90, "", "A " * 60, "Sécurité de l’information"]
)
def test_there_is_a_design_to_begin_with_for_any_title(title: str) -> None:
    made = design.default(title)
    assert len(made.text_main) <= design.MAX_MAIN
    assert title.split()[:1] == made.text_main.split()[:1] or "x" * 41 in title
    assert design.png(design.svg(made)).startswith(b"\x89PNG")


def test_every_sign_that_french_and_english_need_can_be_drawn() -> None:
    assert lettering.undrawable(FRENCH) == ""
    assert lettering.undrawable("".join(map(chr, range(32, 127)))) == ""
    assert lettering.undrawable("aя日aя") == "я日"


def test_letters_with_accents_have_more_to_them_than_those_without() -> None:
    for plain, marked in zip("eeecaio", "éèêçàîö", strict=True):
        without, having = (lettering.line(sign, 100, 0, 0) for sign in (plain, marked))
        assert having != without
        assert lettering.width(plain, 100) == lettering.width(marked, 100)


def test_letters_that_are_composed_and_decomposed_look_the_same() -> None:
    assert lettering.line("e\u0301te\u0301", 40, 0, 0) == lettering.line("été", 40, 0, 0)


def test_texts_are_broken_between_words_into_lines_that_fit() -> None:
    lines = lettering.wrapped("Applied Data Analysis with Python", 40, [320, 320, 320])
    assert lines == ["Applied Data", "Analysis with", "Python"]
    assert all(lettering.width(line, 40) <= 320 for line in lines)
    assert lettering.wrapped("Applied Data", 40, [100]) is None


@pytest.mark.parametrize("shape", design.SHAPES)
def test_the_longest_text_is_drawn_in_every_shape(shape: str) -> None:
    words = Design(shape, text_main="Développement responsable et collaboratif"[:40], icon="none")
    one_word = Design(shape, text_main="W" * 24, icon="none")
    without = design.svg(Design(shape, icon="none"))
    for made in (words, one_word):
        assert len(design.svg(made)) > len(without) + 1000
