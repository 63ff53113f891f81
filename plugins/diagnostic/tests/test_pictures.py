"""Pictures in questions: uploaded with a description, checked, cleaned, and seen by those who answer."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from editor_forms import WRITTEN, fields_of, of, written

from ltitools.testing import INSTRUCTOR, Platform, Visit
from ltitools_diagnostic.exporting import to_csv
from ltitools_diagnostic.importing import read
from ltitools_diagnostic.items import Bank

Enter = Callable[..., Visit]
Choose = Callable[..., Visit]
Rows = Callable[..., list[Any]]


def png(width: int = 2, height: int = 1, *, text: bytes = b"Author\0Grace") -> bytes:
    """A picture with a text in it that says who made it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * height * (width + 1)) if width < 100 else b""
    parts = chunk(b"IHDR", header), chunk(b"tEXt", text), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + b"and more"


def test_a_picture_that_was_chosen_is_not_lost_by_saving(choose: Choose, new: Callable[..., Any], rows: Rows) -> None:
    visit = choose()
    version_id = written(visit)
    chosen = {"description_en": "An arm", "picture": (io.BytesIO(png()), "arm.png")}
    answer = new(visit, version_id, "single", {"question_en": "Which bone?", **WRITTEN["single"], **chosen})
    page = answer.get_data(as_text=True)
    assert "The picture stands at the end of the question." in page
    assert "Save the question to keep it." in page
    assert rows("SELECT id FROM diagnostic_item WHERE version_id = :v", v=version_id) == []


def test_a_picture_is_uploaded_described_shown_and_free_of_what_it_says_about_its_maker(
    choose: Choose, new: Callable[..., Any], bank_of: Callable[[int], Bank]
) -> None:
    visit = choose()
    version_id = written(visit)
    typed = {"question_en": "Which bone?", **WRITTEN["single"]}
    described = {"description_en": "An arm [left]", "picture": (io.BytesIO(png()), "arm.png")}
    answer = new(visit, version_id, "single", {**typed, **described}, go="picture")
    page = answer.get_data(as_text=True)
    assert "The picture stands at the end of the question." in page
    [source] = set(re.findall(r'<img src="([^"]+)" alt="An arm \[left\]">', page))
    picture = visit.get(source)
    assert (picture.status_code, picture.mimetype) == (200, "image/png")
    assert b"IDAT" in picture.data
    assert b"Grace" not in picture.data
    assert picture.data.endswith(b"IEND\xaeB`\x82")
    new(visit, version_id, "single", fields_of(page))
    bank = bank_of(version_id)
    assert re.fullmatch(r"Which bone\?\n\n!\[An arm \\\[left\\\]\]\(file:[\w-]{22}\)", bank.items[0].question["en"])
    assert read(to_csv(bank)).bank == bank


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "x.svg", "no picture that browsers show"),
        (b"<html><script>alert(1)</script>", "x.png", "no picture that browsers show"),
        (png()[:40], "x.png", "no picture that browsers show"),
        (png(4001), "x.png", "larger than 4000 pixels"),
        (b"", "", "Choose the picture."),
    ],
)
def test_what_is_no_picture_for_a_page_is_refused_and_the_question_stays(
    choose: Choose, new: Callable[..., Any], rows: Rows, content: bytes, name: str, said: str
) -> None:
    visit = choose()
    typed = {"question_en": "Which bone?", "description_en": "An arm", "picture": (io.BytesIO(content), name)}
    answer = new(visit, written(visit), "single", typed, go="picture")
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert fields_of(answer.get_data(as_text=True))["question_en"] == "Which bone?"
    assert rows("SELECT id FROM file") == []


def test_a_picture_needs_a_description_in_each_language_of_the_question(
    choose: Choose, new: Callable[..., Any], rows: Rows
) -> None:
    visit = choose()
    typed = {"question_en": "Which?", "question_fr": "Lequel ?", "description_en": "An arm"}
    file = {"picture": (io.BytesIO(png()), "arm.png")}
    answer = new(visit, written(visit), "single", {**typed, **file}, go="picture")
    assert answer.status_code == 422
    assert 'href="#description_fr"' in answer.get_data(as_text=True)
    assert rows("SELECT id FROM file") == []


def test_a_file_that_names_pictures_of_another_institution_is_imported_with_a_warning(
    choose: Choose, other_platform: Platform, new: Callable[..., Any]
) -> None:
    visit = choose()
    version_id = written(visit)
    described = {"question_en": "Which?", "description_en": "An arm", "picture": (io.BytesIO(png()), "arm.png")}
    page = new(visit, version_id, "truefalse", {**described, "right": ["a"]}, go="picture").get_data(as_text=True)
    new(visit, version_id, "truefalse", fields_of(page))
    file = visit.get(f"bank/{version_id}.csv").get_data()
    for through, warned in ((None, False), (other_platform, True)):
        there = choose(through=through) if through else choose()
        form = {"title": "Again", "language": "en", "file": (io.BytesIO(file), "bank.csv")}
        report = of(there, there.post("new", form).headers["Location"])
        assert ("A picture of this question is not at your institution" in report) is warned


def test_learners_see_the_picture_while_they_answer_and_in_their_results(
    choose: Choose, new: Callable[..., Any], enter: Enter
) -> None:
    visit = choose()
    version_id = written(visit, "With a picture")
    described = {"description_en": "An arm", "picture": (io.BytesIO(png()), "arm.png")}
    page = new(visit, version_id, "single", {"question_en": "Which?", **WRITTEN["single"], **described}, go="picture")
    new(visit, version_id, "single", fields_of(page.get_data(as_text=True)))
    visit.post(f"draft/{version_id}", {"title": "With a picture", "go": "publish"})
    learner = enter("diagnostic:with-a-picture")
    question = of(learner, learner.post("start").headers["Location"])
    learner.post("submit")
    teacher = enter("diagnostic:with-a-picture", as_=INSTRUCTOR)
    person = re.search(r'href="([^"]+/people/\d+)"', of(teacher))
    assert person is not None
    for browser, shown in (
        (learner, question),
        (learner, of(learner)),
        (teacher, of(teacher, f"{person[1]}/sitting/1")),
    ):
        found = re.search(r'<img src="([^"]+)" alt="An arm">', shown)
        assert found is not None
        assert browser.get(found[1]).status_code == 200
