"""The whole path of an instructor and of a learner, in both languages: rules, sittings, more time, people, numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from people import Person
from playwright.sync_api import expect
from sqlalchemy import select, update

from ltitools.plugin import session, utcnow
from ltitools.testing import writing
from ltitools_diagnostic.models import Answer, Attempt
from sites import Sites

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
NARROW = {"width": 320, "height": 700}
HALF_AN_HOUR = timedelta(minutes=30)
EACH_LANGUAGE = pytest.mark.parametrize(
    ("teacher_name", "learner_name", "language", "window"),
    [
        ("Arun Patel", "Ben Carter", "en", {"color_scheme": "dark"}),
        ("Thérèse Tremblay", "Amélie Roy", "fr", {"viewport": NARROW}),
    ],
    ids=["en", "fr"],
)


def press(person: Person, form: str) -> None:
    """Send the form whose address ends so."""
    person.tool.locator(f"form[action$='{form}'] button").first.click()


def answer_page(person: Person, place: int) -> None:
    """Answer all questions of the page that is shown, and go on."""
    person.tool.locator("#answers .question").first.wait_for()
    for question in person.tool.locator("#answers .question").all():
        choices = question.locator("input[type=radio], input[type=checkbox]")
        if choices.count():
            choices.nth(min(place, choices.count() - 1)).check()
        else:
            question.locator("input[type=text]").fill("7")
    person.tool.locator("#answers button[value=next]").click()


def at_home(person: Person) -> None:
    """Wait for the first page of the activity after something was saved."""
    expect(person.tool.locator("a[href$='/settings']")).to_be_visible()


@EACH_LANGUAGE
def test_from_the_rules_to_the_reassessment(
    meet: Meet, activity: str, teacher_name: str, learner_name: str, language: str, window: dict[str, object]
) -> None:
    teacher = meet(teacher_name, **window)
    teacher.open_course()
    teacher.open_activity(activity)
    assert teacher.frame().evaluate("document.documentElement.lang") == language
    teacher.inspect()
    teacher.tool.locator("a[href$='/settings']").click()
    teacher.tool.locator("#time_limit").fill("30")
    teacher.tool.locator("#attempts").fill("2")
    teacher.tool.locator("#password").fill("érable")
    teacher.tool.locator("#paging-competency").check()
    teacher.tool.locator("#self_rating").check()
    teacher.inspect()
    teacher.tool.locator("main .actions button").click()
    at_home(teacher)

    learner = meet(learner_name, **window)
    learner.open_course()
    learner.open_activity(activity)
    learner.inspect()
    press(learner, "/start")
    expect(learner.tool.locator("#password-error")).to_be_visible()
    learner.inspect()
    learner.tool.locator("#password").fill("érable")
    press(learner, "/start")
    learner.tool.locator("fieldset").first.wait_for()
    for fieldset in learner.tool.locator("fieldset").all():
        fieldset.locator("input").nth(3).check()
    learner.inspect()
    learner.tool.locator("#answers .actions button").click()
    learner.tool.locator("#answers .question").first.wait_for()
    expect(learner.tool.locator("[role=timer]")).to_have_text(re.compile(r"^(30:00|29:\d\d)$"))
    learner.inspect()
    learner.tool.locator("input[type=radio]").first.check()
    learner.tool.locator("button[value=more-time]").click()
    learner.tool.locator("#reason").fill("Je lis lentement.")
    learner.inspect()
    press(learner, "/more-time")
    expect(learner.tool.locator(".notice.info")).to_be_visible()
    learner.inspect()
    learner.tool.locator("main a").last.click()
    expect(learner.tool.locator("input[type=radio]:checked")).to_have_count(1)
    answer_page(learner, 0)
    answer_page(learner, 1)
    learner.tool.locator("form[action$=submit] button").wait_for()
    learner.inspect()
    press(learner, "/submit")
    learner.tool.locator("#again").wait_for()
    learner.inspect()

    teacher.open_course()
    teacher.open_activity(activity)
    expect(teacher.tool.locator("#requests")).to_contain_text(learner_name)
    teacher.inspect()
    teacher.tool.locator("#requests a").click()
    teacher.tool.locator("#factor-3").check()
    teacher.inspect()
    press(teacher, "/allowance")
    expect(teacher.tool.locator("#request")).to_have_count(0)
    teacher.tool.locator("a[href$='/sitting/1']").click()
    expect(teacher.tool.locator(".reviewed")).to_have_count(12)
    teacher.inspect()

    learner.open_course()
    learner.open_activity(activity)
    learner.tool.locator("#password").fill("érable")
    press(learner, "/start")
    expect(learner.tool.locator("[role=timer]")).to_have_text(re.compile(r"^(45:00|44:\d\d)$"))
    learner.tool.locator("#answers button[value=overview]").click()
    press(learner, "/submit")
    expect(learner.tool.locator("#again")).to_have_count(0)
    learner.tool.locator("a[href$='/sitting/1']").click()
    expect(learner.tool.locator(".reviewed")).to_have_count(12)
    learner.inspect()

    teacher.open_course()
    teacher.open_activity(activity)
    teacher.tool.locator("a[href$='/analysis']").click()
    expect(teacher.tool.locator("table.analysis tbody tr")).to_have_count(12)
    teacher.inspect()


def test_when_the_time_is_over_the_page_saves_itself_and_the_results_are_shown(
    sites: Sites, meet: Meet, activity: str
) -> None:
    teacher = meet("Arun Patel")
    teacher.open_course()
    teacher.open_activity(activity)
    teacher.tool.locator("a[href$='/settings']").click()
    teacher.tool.locator("#time_limit").fill("30")
    teacher.tool.locator("main .actions button").click()
    at_home(teacher)
    learner = meet("Dana Flores")
    learner.open_course()
    learner.open_activity(activity)
    learner.page.clock.install()
    press(learner, "/start")
    expect(learner.tool.locator("[role=timer]")).to_be_visible()
    learner.answer(0)
    with writing(sites.tool):
        began = utcnow() - HALF_AN_HOUR
        session.execute(update(Attempt).where(Attempt.submitted_at.is_(None)).values(started_at=began))
    learner.page.clock.fast_forward(HALF_AN_HOUR.seconds * 1000)
    expect(learner.tool.get_by_text("What you had saved was submitted.")).to_be_visible()
    with sites.tool.app_context():
        attempt = session.scalars(select(Attempt).order_by(Attempt.id.desc())).first()
        assert attempt is not None
        assert attempt.ended_by == "time"
        answers = select(Answer).where(Answer.attempt_id == attempt.id, Answer.response.is_not(None))
        assert len(session.scalars(answers).all()) == 1


@EACH_LANGUAGE
def test_an_attempt_is_reset_with_a_reason(
    meet: Meet, activity: str, teacher_name: str, learner_name: str, language: str, window: dict[str, object]
) -> None:
    learner = meet(learner_name, **window)
    learner.open_course()
    learner.open_activity(activity)
    press(learner, "/start")
    learner.tool.locator("#answers button[value=overview]").click()
    press(learner, "/submit")
    learner.tool.locator("#again").wait_for()

    teacher = meet(teacher_name, **window)
    teacher.open_course()
    teacher.open_activity(activity)
    teacher.tool.get_by_role("link", name=learner_name).click()
    teacher.tool.locator("a[href$='/sitting/1']").click()
    press(teacher, "/void")
    expect(teacher.tool.locator("#reason-error")).to_be_visible()
    teacher.inspect()
    teacher.tool.locator("#reason").fill("L’alarme a sonné.")
    press(teacher, "/void")
    expect(teacher.tool.get_by_text("L’alarme a sonné.")).to_be_visible()
    teacher.inspect()

    learner.open_course()
    learner.open_activity(activity)
    expect(learner.tool.locator("form[action$='/start'] button")).to_be_visible()
