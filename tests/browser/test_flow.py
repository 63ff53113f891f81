"""From the empty course to the grade, in a real browser: what the first page of the README promises."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from people import Person
from playwright.sync_api import Browser, expect

from sites import Sites, until

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
TITLE = "AI at work: a first look"
QUESTIONS = 12
NARROW = {"width": 320, "height": 700}
CSV = """competency,question,option_a,option_b,option_c,answer
""" + "".join(f"Checking,Which is number {n}?,One {n},Two {n},Three {n},{'abc'[n % 3]}\n" for n in range(1, 11))


def test_a_teacher_places_a_pre_assessment_a_learner_takes_it_and_the_grade_is_in_the_gradebook(
    sites: Sites, meet: Meet
) -> None:
    teacher = meet("Arun Patel")
    teacher.inspect()
    teacher.add_pre_assessment(TITLE)
    teacher.inspect()

    learner = meet("Ben Carter")
    learner.open_activity(TITLE)
    learner.inspect()
    learner.tool.get_by_role("button", name="Start").click()
    for number in range(1, QUESTIONS + 1):
        expect(learner.tool.get_by_text(f"Question {number} of {QUESTIONS}")).to_be_visible()
        if number <= 2:
            learner.inspect()
        learner.answer()
        learner.tool.get_by_role("button", name="Save and continue").click()
    expect(learner.tool.get_by_text("All questions are answered")).to_be_visible()
    learner.inspect()
    learner.tool.get_by_role("button", name="Submit my answers").click()
    expect(learner.tool.get_by_role("heading", name="Your results")).to_be_visible()
    expect(learner.tool.locator(".level")).to_have_count(2)
    learner.inspect()
    shown = re.search(r"Overall score: ([\d.]+)", learner.frame().inner_text("main"))
    assert shown is not None
    score = float(shown[1])

    expect_cell(sites, "ben", score)
    learner.open_course()
    learner.open_activity(TITLE)
    expect(learner.tool.get_by_text("Grade in the course: Sent")).to_be_visible()
    learner.page.get_by_role("link", name="My grades").click()
    expect(learner.page.get_by_role("row", name=re.compile(TITLE))).to_contain_text(f"{score:g}")
    learner.inspect()
    teacher.page.get_by_role("link", name="Gradebook").click()
    expect(teacher.page.get_by_role("row", name=re.compile("Ben Carter"))).to_contain_text(f"{score:g}")
    teacher.inspect()
    teacher.open_course()
    teacher.open_activity(TITLE)
    expect(teacher.tool.get_by_role("row", name=re.compile("Ben Carter"))).to_contain_text(f"{score:g}")
    teacher.inspect()


def expect_cell(sites: Sites, person: str, score: float) -> None:
    """Wait until the worker, which nobody told to, has brought the score to the gradebook."""
    until(lambda: sites.cell(person)["score"] is not None)
    assert sites.cell(person)["score"] == pytest.approx(score, abs=0.01)


def test_a_learner_uses_the_keyboard_only(meet: Meet, activity: str) -> None:
    learner = meet("Ben Carter")
    learner.open_course()
    learner.open_activity(activity)
    keys = learner.page.keyboard

    def focus(role: Literal["button"], name: str) -> None:
        """Press Tab until the focus stands on what is wanted; every stop on the way must be visible."""
        wanted = learner.tool.get_by_role(role, name=name).first
        wanted.wait_for()
        for _ in range(60):
            keys.press("Tab")
            if wanted.evaluate("element => element === document.activeElement"):
                outline = wanted.evaluate("element => getComputedStyle(element).outlineStyle")
                assert outline != "none", f"nothing shows that {name} has the focus"
                return
        raise AssertionError(f"{role} {name} cannot be reached with Tab")

    focus("button", "Start")
    keys.press("Enter")
    for number in range(1, QUESTIONS + 1):
        expect(learner.tool.get_by_text(f"Question {number} of {QUESTIONS}")).to_be_visible()
        first = learner.question().locator("input:not([type=hidden])").first
        kind = first.get_attribute("type")
        for _ in range(60):
            keys.press("Tab")
            if first.evaluate("element => element === document.activeElement"):
                break
        keys.press("Space") if kind in ("radio", "checkbox") else keys.type("7")
        focus("button", "Save and continue")
        keys.press("Enter")
    focus("button", "Submit my answers")
    keys.press("Enter")
    expect(learner.tool.get_by_role("heading", name="Your results")).to_be_visible()


def test_a_french_learner_on_a_phone_reads_french_and_scrolls_only_down(meet: Meet, activity: str) -> None:
    """In the dark; other tests read French in the light."""
    learner = meet("Amélie Roy", viewport=NARROW, color_scheme="dark")
    learner.inspect()
    learner.open_course()
    learner.inspect()
    learner.open_activity(activity)
    assert learner.frame().evaluate("document.documentElement.lang") == "fr"
    learner.inspect()
    learner.tool.get_by_role("button", name="Commencer").click()
    for number in range(1, QUESTIONS + 1):
        expect(learner.tool.get_by_text(f"Question {number} sur {QUESTIONS}")).to_be_visible()
        learner.inspect()
        if number % 3:
            learner.answer(1)
        learner.tool.get_by_role("button", name="Enregistrer et continuer").click()
    learner.tool.locator("form[action$=submit] button").first.wait_for()
    learner.inspect()
    learner.tool.locator("form[action$=submit] button").first.click()
    expect(learner.tool.locator(".level").first).to_be_visible()
    learner.inspect()


@pytest.mark.parametrize(
    "window", [{"color_scheme": "dark", "viewport": NARROW}, {"color_scheme": "light"}], ids=["dark-narrow", "light"]
)
def test_an_instructor_makes_a_new_pre_assessment_from_ten_rows(
    meet: Meet, tmp_path: Path, window: dict[str, Any]
) -> None:
    good, broken = tmp_path / "questions.csv", tmp_path / "broken.csv"
    good.write_text(CSV, "utf-8")
    broken.write_text(CSV.replace(",b\n", ",z\n"), "utf-8")
    title = f"Ten questions {tmp_path.name}"
    teacher = meet("Arun Patel", **window)
    teacher.open_course()
    teacher.page.get_by_role("link", name="Add an activity").first.click()
    teacher.choose_tool("diagnostic")
    teacher.tool.get_by_role("link", name="Upload questions").click()
    upload = teacher.tool.get_by_role("button", name="Upload and check")
    upload.click()
    expect(teacher.tool.get_by_role("alert")).to_be_visible()
    teacher.inspect()
    for file, said in ((broken, "have to be corrected"), (good, "10 questions can be imported")):
        teacher.tool.get_by_label("Title, as learners will see it").fill(title)
        teacher.tool.get_by_label("File with your questions (CSV or GIFT)").set_input_files(file)
        upload.click()
        expect(teacher.tool.locator(".notice").first).to_contain_text(said)
        teacher.inspect()
        if file is broken:
            teacher.tool.get_by_role("link", name="Upload a corrected file").click()
    teacher.tool.get_by_role("button", name="Continue with these questions").click()
    teacher.tool.get_by_role("button", name="Preview as a learner").click()
    expect(teacher.tool.get_by_role("button", name="Start")).to_be_visible()
    teacher.inspect()
    teacher.tool.get_by_role("link", name="Leave the preview").click()
    teacher.tool.get_by_role("button", name="Publish and add to the course").click()
    expect(teacher.page.get_by_role("status")).to_contain_text(title)
    learner = meet("Émile Gagnon")
    learner.open_course()
    learner.open_activity(title)
    learner.tool.get_by_role("button", name="Commencer").click()
    expect(learner.tool.get_by_text("Question 1 sur 10")).to_be_visible()


def test_without_javascript_everything_a_learner_needs_works(
    meet: Meet, activity: str, browser_without_scripts: Browser
) -> None:
    """The LMS's own pages have a button for each step that a script would take."""
    learner = meet("Ben Carter", browser_without_scripts)
    learner.open_course()
    learner.page.get_by_role("link", name=activity).first.click()
    start = learner.tool.get_by_role("button", name="Start")
    learner.go_on_to(start)
    start.click()
    for number in range(1, QUESTIONS + 1):
        expect(learner.tool.get_by_text(f"Question {number} of {QUESTIONS}")).to_be_visible()
        learner.answer()
        learner.tool.get_by_role("button", name="Save and continue").click()
    learner.tool.get_by_role("button", name="Submit my answers").click()
    expect(learner.tool.get_by_role("heading", name="Your results")).to_be_visible()


def test_an_attempt_is_resumed_in_another_browser(meet: Meet, activity: str) -> None:
    first = meet("Chidi Okafor")
    first.open_course()
    first.open_activity(activity)
    first.tool.get_by_role("button", name="Start").click()
    asked = []
    for _ in range(3):
        asked.append(first.question().inner_text())
        first.answer()
        first.tool.get_by_role("button", name="Save and continue").click()
        first.tool.get_by_text(f"Question {len(asked) + 1} of {QUESTIONS}").wait_for()
    second = meet("Chidi Okafor")
    second.open_course()
    second.open_activity(activity)
    second.inspect()
    second.tool.get_by_role("link", name="Continue").or_(
        second.tool.get_by_role("button", name="Continue")
    ).first.click()
    expect(second.tool.get_by_text(f"Question 4 of {QUESTIONS}")).to_be_visible()
    expect(second.tool.get_by_text("3 of 12 answered")).to_be_visible()


def test_the_frame_grows_with_the_page_where_the_lms_listens(meet: Meet, activity: str) -> None:
    learner = meet("Dana Flores")
    learner.open_course()
    learner.open_activity(activity)
    expect(learner.page.locator("iframe")).to_be_visible()
    wanted = learner.frame().evaluate("document.documentElement.getBoundingClientRect().height")
    learner.page.wait_for_function(
        "height => document.querySelector('iframe').clientHeight >= height - 1", arg=int(wanted)
    )


def test_the_launch_works_in_a_frame_because_its_cookie_is_partitioned(meet: Meet, activity: str) -> None:
    """And the browser was not started with the switch that would make any third-party cookie work."""
    learner = meet("Dana Flores")
    learner.open_course()
    learner.open_activity(activity)
    cookies = [cookie for cookie in learner.context.cookies() if cookie["name"].startswith("__Host-ltitools")]
    assert [cookie["name"] for cookie in cookies] == ["__Host-ltitools"]
    cookie = cookies[0]
    assert (cookie["partitionKey"], cookie["httpOnly"], cookie["secure"]) == ("http://lms.localhost", True, True)
    blocked = learner.frame().evaluate("document.cookie = 'plain=1; SameSite=None; Secure'; document.cookie")
    assert blocked == "", "third-party cookies are not blocked, so this browser proves nothing"
    assert learner.frame().evaluate("localStorage.length") == 0


def test_an_activity_opens_in_a_window_of_its_own_too(sites: Sites, meet: Meet, activity: str) -> None:
    learner = meet("Dana Flores")
    learner.open_course()
    learner.open_activity(activity)
    with learner.context.expect_page() as opened:
        learner.page.get_by_role("link", name="Open in a new window").click()
    window = opened.value
    expect(window.locator("main[data-tool=diagnostic]")).to_be_visible()
    assert window.url.startswith(sites.tool_url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_without_a_launch_can_be_read_by_everybody(sites: Sites, meet: Meet, scheme: str) -> None:
    person = meet("Émile Gagnon", viewport=NARROW, color_scheme=scheme, locale="fr-CA")
    bare = sites.place("", title="Bare", custom={})
    pages = {
        "/": "plateforme d’apprentissage",
        "/lti/nobody/login?iss=a&login_hint=b&target_link_uri=c": "tenant-unknown",
        "/nowhere": "page-unknown",
    }
    for path, said in pages.items():
        person.page.goto(sites.tool_url + path)
        expect(person.page.locator("main")).to_contain_text(said)
        person.inspect(refused=path != "/")
    person.page.goto(f"{sites.lms_url}/activities/{bare}")
    expect(person.tool.get_by_role("heading", name="Pas encore prêt")).to_be_visible()
    person.inspect(refused=True)


def test_the_language_switch_works_inside_the_frame(meet: Meet, activity: str) -> None:
    learner = meet("Dana Flores")
    learner.open_course()
    learner.open_activity(activity)
    learner.tool.get_by_role("button", name="Français").click()
    expect(learner.tool.get_by_role("button", name="Commencer")).to_be_visible()
    learner.inspect()
