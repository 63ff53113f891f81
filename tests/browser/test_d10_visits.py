"""D10, row 162: a whole visit in a frame of another site, in every browser, with a cookie of ours and without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from d10 import QUESTIONS, last_launch, short_activity
from engines import CHROMIUM, FIREFOX, NO_COOKIES, WEBKIT
from windows import Reader

from sites import Sites, until

pytestmark = pytest.mark.browser
Campus = Callable[..., Sites]
Arrive = Callable[..., Reader]
EVERYWHERE = pytest.mark.parametrize(
    ("engine", "personality", "layer"),
    [
        (CHROMIUM, "moodle", "cookie"),
        (NO_COOKIES, "moodle", "name"),
        (NO_COOKIES, "canvas", "platform"),
        (FIREFOX, "moodle", "cookie"),
        (WEBKIT, "moodle", "storage"),
    ],
)
"""Each browser, an LMS, and what then ties a launch in the LMS's frame to the browser."""
PICTURES = "() => [...document.images].map((picture) => picture.complete && picture.naturalWidth > 0)"


def at_question(reader: Reader, number: int) -> None:
    """Wait for the page of a question."""
    reader.see("main", f"Question {number} of {QUESTIONS}")


def answer(reader: Reader) -> None:
    """Answer the question that is shown, whose picture is there if it has one, and go on."""
    reader.wait_for(lambda: all(reader.tool().run(PICTURES)), "the picture is not shown")
    reader.press("main form input[type=radio]")
    reader.press("button", "Save and continue")


@EVERYWHERE
def test_d10_162_a_learner_completes_a_pre_assessment(
    campus: Campus, arrive: Arrive, tmp_path: Path, engine: str, personality: str, layer: str
) -> None:
    sites = campus(personality)
    number = short_activity(sites, tmp_path)
    learner = arrive(engine, sites)
    learner.open_activity(number)
    learner.press("button", "Start")
    at_question(learner, 1)
    assert last_launch(sites).binding == layer
    answer(learner)
    at_question(learner, 2)

    learner.back()
    at_question(learner, 1)
    learner.forward()
    at_question(learner, 2)
    learner.reload()
    at_question(learner, 2)
    learner.tool().run("() => { location.reload(); }")
    at_question(learner, 2)
    assert learner.tool().run("() => fetch(location.href).then((answer) => answer.status)") == 200
    learner.press("button", "Français")
    learner.see("main", f"Question 2 sur {QUESTIONS}")
    learner.press("button", "English")
    at_question(learner, 2)
    learner.press("button", "overview")
    learner.press("a", "Question 1")
    at_question(learner, 1)

    second = Reader(learner.window.tab(), sites)
    second.open_activity(number)
    second.see("main", f"You have answered 1 of {QUESTIONS} questions")
    learner.press("button", "Save and continue")
    for place in range(2, QUESTIONS + 1):
        at_question(learner, place)
        answer(learner)
    learner.press("button", "Submit my answers")
    learner.see("h1", "Your results")
    learner.reload()
    learner.see("h1", "Your results")
    assert learner.tool().run(PICTURES).count(True) == 1
    second.reload()
    second.see("h1", "Your results")
    until(lambda: sites.cell("ben")["score"] is not None)

    learner.press("button", "End this visit")
    learner.see("h1", "Your visit has ended")
    learner.back()
    learner.see(".error-code")


@EVERYWHERE
def test_d10_162_an_instructor_saves_the_results_as_a_file(
    campus: Campus, arrive: Arrive, tmp_path: Path, engine: str, personality: str, layer: str
) -> None:
    sites = campus(personality)
    number = short_activity(sites, tmp_path)
    ben = sites.enter("ben", number)
    ben.page_with_form = ""
    ben.post("start")
    ben.post("submit")
    teacher = arrive(engine, sites, "Arun Patel")
    teacher.open_activity(number)
    teacher.see("a", "Download the results (CSV)")
    assert last_launch(sites).binding == layer
    file = teacher.window.download(lambda: teacher.press("a", "Download the results (CSV)"))
    assert "Ben Carter" in file.decode("utf-8-sig")
