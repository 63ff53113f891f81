"""From the console's link to the grade: a platform registers itself in a frame, where no cookie of ours is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from people import MILLISECONDS, Person
from playwright.sync_api import Browser, expect

from joining import Joining
from ltitools.services import administrators
from ltitools.testing import writing
from sites import Sites, running, until

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
TENANT = "riverside"
TITLE = "Two questions"
QUESTIONS = """competency,question,option_a,option_b,answer
Reading,What is number 1?,One,Two,a
Reading,What is number 2?,One,Two,b
"""
NARROW = {"width": 320, "height": 700}


@pytest.fixture(params=["moodle"])
def sites(request: pytest.FixtureRequest, make_database: Callable[[], str]) -> Iterator[Sites]:
    """The tool, and an LMS of a personality that knows no tool yet."""
    with running(make_database(), request.param) as sites:
        sites.control("tools", {"tool": 1, "state": "deleted"})
        sites.start_worker()
        yield sites


@pytest.fixture
def operator(browser: Browser, sites: Sites) -> Iterator[Person]:
    """Somebody at the console, with a link of `ltitools console link`."""
    with writing(sites.tool):
        code = administrators.link_code(administrators.add(None, "Olga")[0])
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    context.set_default_timeout(MILLISECONDS)
    person = Person(context, context.new_page(), sites)
    person.page.goto(f"{sites.tool_url}/console/-/enter/{code}")
    person.page.get_by_role("button", name="Sign in").click()
    person.page.get_by_role("heading", name="Institutions").wait_for()
    yield person
    person.leave()


def add_institution(operator: Person) -> None:
    """Add an institution, and go to its first page."""
    page = operator.page
    page.get_by_label("Name", exact=True).fill("Riverside College")
    page.get_by_label("Short name for addresses").fill(TENANT)
    operator.inspect()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Register a platform").click()


def registration_link(operator: Person) -> str:
    """Make a registration link."""
    page = operator.page
    page.goto(f"{operator.sites.tool_url}/console/{TENANT}/platforms/")
    page.get_by_label("What or whom it is for").fill("The LMS")
    page.get_by_role("button", name="Make a registration link").click()
    link = page.get_by_label("Registration link", exact=True).input_value()
    operator.inspect()
    return link


def paste(administrator: Person, link: str) -> None:
    """Enter a link where the LMS registers tools."""
    page = administrator.page
    page.goto(f"{administrator.sites.lms_url}/admin/tools/")
    page.get_by_label("Registration URL").fill(link)
    page.get_by_role("button", name="Register").click()


def activate(administrator: Person) -> None:
    """Let the tool be used that waits."""
    administrator.page.get_by_role("link", name=re.compile("Review and activate")).click()
    administrator.page.get_by_role("button", name="Activate").click()
    expect(administrator.page.get_by_role("status")).to_contain_text("Active")


def place_and_take(sites: Sites, meet: Meet, folder: Path) -> None:
    """An instructor chooses an activity of the new tool, a learner takes it, and the grade arrives."""
    file = folder / "questions.csv"
    file.write_text(QUESTIONS, "utf-8")
    sites.import_questions(file, "two", TITLE, TENANT)
    teacher = meet("Arun Patel")
    teacher.add_pre_assessment(TITLE)
    learner = meet("Ben Carter")
    learner.open_course()
    learner.open_activity(TITLE)
    learner.tool.get_by_role("button", name="Start").click()
    for number in (1, 2):
        learner.tool.get_by_text(f"Question {number} of 2").wait_for()
        learner.answer()
        learner.tool.get_by_role("button", name="Save and continue").click()
    learner.tool.get_by_role("button", name="Submit my answers").click()
    until(lambda: sites.cell("ben")["score"] is not None)


def test_moodles_administrator_registers_and_updates_the_tool_by_keyboard(
    sites: Sites, meet: Meet, operator: Person, tmp_path: Path
) -> None:
    add_institution(operator)
    noor = meet("Noor Haddad")
    paste(noor, registration_link(operator))
    heading = noor.tool.get_by_role("heading", name="Register ltitools")
    expect(heading).to_be_visible()
    noor.inspect()
    with_keys(noor)
    expect(noor.tool.get_by_role("heading", name="Registered")).to_be_visible()
    noor.inspect()
    close = noor.tool.get_by_role("button", name="Close")
    close.focus()
    noor.page.keyboard.press("Enter")
    activate(noor)
    assert sites.control("state")["tools"][0]["shares"] == ["name", "email"]
    place_and_take(sites, meet, tmp_path)

    paste(noor, registration_link(operator))
    noor.page.get_by_role("button", name="Update ltitools").click()
    noor.tool.get_by_role("button", name="Register", exact=True).click()
    expect(noor.tool.get_by_role("heading", name="Updated")).to_be_visible()
    noor.inspect()
    noor.tool.get_by_role("button", name="Close").click()
    noor.page.get_by_role("heading", name="Manage tools").wait_for()
    assert [tool["state"] for tool in sites.control("state")["tools"]] == ["active"]
    learner = meet("Ben Carter")
    learner.open_course()
    learner.open_activity(TITLE)
    expect(learner.tool.get_by_text("Grade in the course: Sent")).to_be_visible()


def with_keys(administrator: Person) -> None:
    """Read the page in the frame from its beginning, tick the addresses, and press the button, with keys alone."""
    keys = administrator.page.keyboard
    frame = administrator.frame()
    administrator.tool.get_by_role("link", name="Skip to the content").focus()
    reached: list[str] = []
    while not reached or reached[-1] != "Register":
        keys.press("Tab")
        reached.append(frame.evaluate("(document.activeElement.closest('label') ?? document.activeElement).innerText"))
        assert len(reached) < 20, reached
        if "e-mail" in reached[-1]:
            keys.press("Space")
    assert len(reached) == len(set(reached)), reached
    keys.press("Enter")


@pytest.mark.parametrize("sites", ["canvas"], indirect=True)
def test_canvas_registers_the_tool_in_french_and_its_deployments_wait_for_the_institution(
    sites: Sites, meet: Meet, operator: Person, tmp_path: Path
) -> None:
    add_institution(operator)
    noor = meet("Noor Haddad", locale="fr-CA", color_scheme="dark")
    paste(noor, registration_link(operator))
    expect(noor.tool.get_by_role("heading", name="Enregistrer ltitools")).to_be_visible()
    noor.inspect()
    noor.tool.get_by_role("button", name="Procéder à l’enregistrement").click()
    expect(noor.tool.get_by_role("heading", name="Enregistrement terminé")).to_be_visible()
    noor.inspect()
    noor.tool.get_by_role("button", name="Fermer").click()
    activate(noor)
    place_and_take(sites, meet, tmp_path)

    page = operator.page
    page.goto(f"{sites.tool_url}/console/{TENANT}/platforms/")
    page.get_by_role("link", name=re.compile("Campus demo canvas")).click()
    page.get_by_label("Deployments that are not listed").select_option("pending")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    operator.inspect()
    noor.page.get_by_role("button", name="Add to AI-102").click()
    elsewhere = sites.place("diagnostic:two", title="Elsewhere", course=2)
    learner = meet("Ben Carter")
    learner.page.goto(f"{sites.lms_url}/activities/{elsewhere}")
    expect(learner.tool.get_by_text("deployment-pending")).to_be_visible()
    page.goto(f"{sites.tool_url}/console/{TENANT}/")
    page.get_by_role("button", name=re.compile("Approve")).click()
    expect(page.get_by_role("status")).to_contain_text("The deployment may launch.")
    learner.page.goto(f"{sites.lms_url}/activities/{elsewhere}")
    expect(learner.tool.locator("main[data-tool=diagnostic]")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_a_registration_can_be_read_in_a_narrow_window(sites: Sites, meet: Meet, scheme: str) -> None:
    joining = Joining(sites)
    noor = meet("Noor Haddad", viewport=NARROW, color_scheme=scheme, locale="fr-CA")
    sites.fail("registration", status=400, body="missing_domain")
    noor.page.goto(joining.begin(joining.link("acme"))["url"])
    noor.inspect()
    noor.page.get_by_role("button", name="Procéder à l’enregistrement").click()
    expect(noor.page.get_by_role("heading", name="Ce que la plateforme a indiqué")).to_be_visible()
    noor.inspect(refused=True)
    noor.page.get_by_role("button", name="Réessayer").click()
    expect(noor.page.get_by_role("heading", name="Enregistrement terminé")).to_be_visible()
    expect(noor.page.get_by_role("button", name="Fermer")).to_be_hidden()
    noor.inspect()
    noor.page.goto(joining.link("acme"))
    noor.inspect()
    noor.page.get_by_role("button", name="Procéder à l’enregistrement").wait_for()


def test_a_registration_in_a_window_of_its_own_tells_the_lms_that_opened_it(sites: Sites, meet: Meet) -> None:
    joining = Joining(sites)
    noor = meet("Noor Haddad")
    listen = "() => { window.told = new Promise((done) => addEventListener('message', (event) => done(event.data))); }"
    noor.page.evaluate(listen)
    with noor.context.expect_page() as opened:
        noor.page.evaluate("(url) => { window.open(url); }", joining.begin(joining.link("acme"))["url"])
    opened.value.get_by_role("button", name="Register", exact=True).click()
    opened.value.get_by_role("button", name="Close").click()
    assert noor.page.evaluate("window.told") == {"subject": "org.imsglobal.lti.close"}
