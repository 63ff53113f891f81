"""Badges from the score to the employer: earned, kept, shown, checked and revoked, in front of a browser."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from d10 import last_launch
from engines import NO_COOKIES
from outside import Verdict, openbadgeslib, verifiers
from people import MILLISECONDS, Person
from playwright.sync_api import Browser, FilePayload, FrameLocator, Locator, Page, expect
from sqlalchemy import select
from windows import Reader

from ltitools.demo_lms.loopback import new_session
from ltitools.plugin import session, tenants
from ltitools.testing import writing
from ltitools_badges import achievements, awarding
from ltitools_badges.core import baking, did
from ltitools_badges.models import Achievement, Badge
from sites import TENANT, Sites, until

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
Campus = Callable[..., Sites]
Arrive = Callable[..., Reader]
DESCRIPTION = Path(__file__).parent.parent.parent / "config" / "demo" / "ai-safety-badge.json"
QUESTIONS = 3
KEYS = 80
GENUINE = Verdict(verified=True, revoked=False, error="")
DARK: dict[str, Any] = {"color_scheme": "dark", "locale": "en-CA"}
NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 700}, "locale": "fr-CA"}


@dataclass(frozen=True)
class Offer:
    """A micro-credential that a short pre-assessment earns, both placed in the course."""

    sites: Sites
    slug: str
    quiz: str
    badge: str
    quiz_number: int
    badge_number: int

    def signed(self) -> Badge | None:
        """The badge of it that was given, once it is signed."""
        with self.sites.tool.app_context():
            found = select(Badge).join(Achievement, Achievement.id == Badge.achievement_id)
            badge = session.scalar(found.where(Achievement.slug == self.slug, Badge.document.is_not(None)))
            session.expunge_all()
            return badge

    def address(self) -> str:
        """Where the badge is that was given, as soon as the worker has signed it."""
        return f"{self.sites.tool_url}/i/{TENANT}/credentials/{until(self.signed).public_id}"

    def give(self, person: str) -> str:
        """Give it to a learner who comes into the course; its address."""
        self.sites.enter(person, self.badge_number)
        launch = last_launch(self.sites)
        assert launch.course_id is not None
        with writing(self.sites.tool):
            tenant = tenants.by_key(TENANT)
            achievement = achievements.find(tenant.id, self.slug)
            assert achievement is not None
            awarding.give_by_hand(
                tenant, achievement, launch.course_id, launch.person_id, by_person=None, reason="Seen on paper"
            )
            session.commit()
        return self.address()


def offer(sites: Sites, folder: Path) -> Offer:
    """Import both as the commands do, under names that no other test has."""
    number = uuid.uuid4().hex[:6]
    rows = [f"Reading,What does number {each} show?,This {each},That {each},a" for each in range(QUESTIONS)]
    questions = folder / f"quiz-{number}.csv"
    questions.write_text("\n".join(["competency,question,option_a,option_b,answer", *rows]), "utf-8")
    sites.import_questions(questions, f"quiz-{number}", f"Quiz {number}")
    described = json.loads(DESCRIPTION.read_text("utf-8"))
    described["rule"]["activities"] = [f"diagnostic:quiz-{number}"]
    file = folder / f"badge-{number}.json"
    file.write_text(json.dumps(described), "utf-8")
    command = sites.tool.extensions["ltitools.plugins"]["badges"].cli
    with writing(sites.tool):
        command.main(["import", str(file), "--tenant", TENANT, "--slug", f"badge-{number}"], standalone_mode=False)
    quiz, badge = f"Quiz {number}", f"Badge {number}"
    placed = [
        sites.place(f"diagnostic:quiz-{number}", title=quiz),
        sites.place(f"badges:badge-{number}", title=badge),
    ]
    return Offer(sites, f"badge-{number}", quiz, badge, *placed)


@pytest.fixture
def offered(sites: Sites, tmp_path: Path) -> Offer:
    """One for this test alone."""
    return offer(sites, tmp_path)


@pytest.fixture
def stranger(browser: Browser, sites: Sites) -> Callable[..., Person]:
    """Gives somebody who was never in the LMS, such as an employer."""

    def introduce(path: str, **window: Any) -> Person:
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, **window})
        context.set_default_timeout(MILLISECONDS)
        person = Person(context, context.new_page(), sites)
        person.page.goto(f"{sites.tool_url}{path}")
        return person

    return introduce


def open_badge(person: Person, title: str) -> None:
    """Open the badge in the course and wait for the tool."""
    person.open_course()
    person.page.get_by_role("link", name=title).first.click()
    expect(person.tool.locator("main[data-tool=badges] h1")).to_be_visible()


def press(person: Person, control: str) -> None:
    """Press a button or link of the tool, and wait for the page it leads to."""
    with person.frame().expect_navigation():
        person.tool.locator(control).first.click()


def answer(person: Person, quiz: str, right: int) -> None:
    """Take the pre-assessment with so many right answers."""
    person.open_course()
    person.open_activity(quiz)
    press(person, "form[action$='/start'] button")
    for place in range(QUESTIONS):
        chosen = "This" if place < right else "That"
        person.tool.locator("#answers label.choice").filter(has_text=chosen).click()
        press(person, "#answers button[value=next]")
    press(person, "form[action$='/submit'] button")


def window_of(person: Person, link: Locator) -> Person:
    """The same person in the window that a link opens."""
    with person.context.expect_page() as opened:
        link.click()
    return Person(person.context, opened.value, person.sites)


def saved_by(person: Person, link: Locator) -> bytes:
    """The file that a link downloads."""
    with person.page.expect_download() as download:
        link.click()
    return Path(download.value.path()).read_bytes()


def web_of(sites: Sites, credential: Mapping[str, Any]) -> dict[str, Any]:
    """What a verifier elsewhere fetches. It asks for the issuer by https always, which the sites here do not speak."""
    with new_session() as http:
        listed = credential["credentialStatus"]["statusListCredential"]
        identity = did.address(credential["issuer"]["id"])
        found = {identity: f"{sites.tool_url}{urlsplit(identity).path}", listed: listed}
        return {name: http.get(url, timeout=30).json() for name, url in found.items()}


def tab_to(person: Person, wanted: Locator) -> None:
    """Press Tab until the focus is on the control and can be seen there or around it."""
    wanted.wait_for()
    for _ in range(KEYS):
        person.page.keyboard.press("Tab")
        if wanted.evaluate("element => document.hasFocus() && element === document.activeElement"):
            outlined = "element => [element, element.closest('label') ?? element]"
            outlined += ".some((each) => getComputedStyle(each).outlineStyle !== 'none')"
            assert wanted.evaluate(outlined)
            return
    raise AssertionError(f"{wanted} cannot be reached with Tab")


def enter(person: Person, place: Page | FrameLocator, leads_to: str) -> None:
    """Press Enter, and wait for what it leads to."""
    person.page.keyboard.press("Enter")
    expect(place.locator(leads_to).first).to_be_visible()


@pytest.mark.parametrize(
    ("learner_name", "language", "window"),
    [("Ben Carter", "en", DARK), ("Amélie Roy", "fr", NARROW)],
    ids=["en", "fr"],
)
def test_a_learner_earns_a_badge_keeps_it_and_decides_who_sees_it(
    sites: Sites, meet: Meet, offered: Offer, learner_name: str, language: str, window: dict[str, Any]
) -> None:
    learner = meet(learner_name, **window)
    open_badge(learner, offered.badge)
    assert learner.frame().evaluate("document.documentElement.lang") == language
    expect(learner.tool.locator("#way .step")).to_have_count(1)
    learner.inspect()
    answer(learner, offered.quiz, QUESTIONS)
    address = offered.address()

    open_badge(learner, offered.badge)
    expect(learner.tool.locator("#address")).to_have_value(address)
    learner.inspect()
    employer = window_of(learner, learner.tool.locator("#use a.button").first)
    expect(employer.page.locator(".verdict.good")).to_be_visible()
    expect(employer.page.locator("body")).not_to_contain_text(learner_name)
    assert employer.page.url == f"{address}?lang={language}"
    assert employer.page.evaluate("document.documentElement.lang") == language
    employer.inspect()

    learner.page.bring_to_front()
    learner.tool.locator("#name").check()
    press(learner, "#choices button")
    expect(learner.tool.locator(".notice.success")).to_be_visible()
    learner.inspect()
    until(lambda: learner_name in str(getattr(offered.signed(), "document", "")))
    employer.page.reload()
    expect(employer.page.locator("body")).to_contain_text(learner_name)

    learner.page.bring_to_front()
    learner.tool.locator("#visibility-private").check()
    press(learner, "#choices button")
    expect(learner.tool.locator("#address")).to_have_count(0)
    learner.inspect()
    employer.page.reload()
    expect(employer.page.locator(".verdict")).to_have_count(0)
    expect(employer.page.locator("body")).not_to_contain_text(learner_name)
    employer.inspect(refused=True)


def test_verifiers_of_others_accept_the_files_that_a_learner_downloads(
    sites: Sites, meet: Meet, offered: Offer
) -> None:
    offered.give("ben")
    learner = meet("Ben Carter")
    open_badge(learner, offered.badge)
    files = {
        ending: saved_by(learner, learner.tool.locator(f"a[href$='/own-badge.{ending}']"))
        for ending in ("png", "json", "jwt")
    }
    credential = json.loads(files["json"])
    assert json.loads(verifiers().png_itxt(files["png"])) == credential
    web = web_of(sites, credential)
    changed = {**credential, "validFrom": "2020-01-01T00:00:00Z"}
    for verify in (verifiers().digital_bazaar, verifiers().digital_credentials, openbadgeslib):
        assert verify(credential, web) == GENUINE
        assert not verify(changed, web).verified
    token = files["jwt"].decode()
    assert verifiers().jose(token, web).verified
    assert openbadgeslib(token, web) == GENUINE


def test_a_learner_just_below_the_line_reads_what_is_missing_and_may_have_it_by_hand(
    sites: Sites, meet: Meet, offered: Offer
) -> None:
    learner = meet("Émile Gagnon", **NARROW)
    answer(learner, offered.quiz, QUESTIONS - 1)
    teacher = meet("Arun Patel", **DARK)
    open_badge(teacher, offered.badge)
    row = teacher.tool.locator("table tr").filter(has_text="Émile Gagnon")
    expect(row.locator("td.number")).to_contain_text("66.66")
    expect(row).to_contain_text(offered.quiz)
    teacher.inspect()
    open_badge(learner, offered.badge)
    expect(learner.tool.locator("#way .step")).to_contain_text("66,66")
    expect(learner.tool.locator("#use")).to_have_count(0)
    learner.inspect()
    assert offered.signed() is None

    press(teacher, "main a[href$='/file']")
    teacher.inspect()
    lines = "name,reason\nÉmile Gagnon,Seen on paper\nNobody at all,Seen on paper\n"
    file = FilePayload(name="given.csv", mimeType="text/csv", buffer=lines.encode())
    teacher.tool.locator("#file").set_input_files(file)
    press(teacher, "form[enctype] button")
    expect(teacher.tool.locator("#report")).to_contain_text("Nobody at all")
    teacher.inspect()
    press(teacher, "button[value=do]")
    expect(teacher.tool.locator(".notice.success")).to_be_visible()
    offered.address()
    open_badge(learner, offered.badge)
    expect(learner.tool.locator("#use")).to_be_visible()


@pytest.mark.parametrize(
    ("teacher_name", "learner_name", "language", "window"),
    [("Arun Patel", "Ben Carter", "en", DARK), ("Thérèse Tremblay", "Amélie Roy", "fr", NARROW)],
    ids=["en", "fr"],
)
def test_an_instructor_makes_a_badge_that_is_earned_and_revoked(
    sites: Sites,
    meet: Meet,
    stranger: Callable[..., Person],
    offered: Offer,
    teacher_name: str,
    learner_name: str,
    language: str,
    window: dict[str, Any],
) -> None:
    learner = meet(learner_name, **window)
    answer(learner, offered.quiz, QUESTIONS)
    title = f"Micro {uuid.uuid4().hex[:6]}"
    teacher = meet(teacher_name, **window)
    teacher.page.goto(f"{sites.lms_url}/courses/1/add")
    teacher.tool.get_by_role("link", name="Badges").click()
    teacher.tool.locator("#name").wait_for()
    teacher.inspect()
    teacher.tool.locator("#name").fill(title)
    teacher.tool.locator("form[action$='/new'] button").click()
    expect(teacher.page.get_by_role("status")).to_contain_text(title)

    open_badge(teacher, title)
    assert teacher.frame().evaluate("document.documentElement.lang") == language
    teacher.inspect()
    press(teacher, ".notice.warning a[href*='/edit/']")
    teacher.tool.locator("#description").fill("Knows what may be shared, and with whom.")
    teacher.tool.locator("#outcomes").fill("Decides what may be shared\nSays why")
    press(teacher, "button[value=save]")
    expect(teacher.tool.locator(".notice.success")).to_be_visible()
    teacher.inspect()
    press(teacher, ".steps a[href*='/design/']")
    teacher.tool.locator("label[for=shape-hexagon]").click()
    teacher.tool.locator("#text_main").fill("Sharing")
    expect(teacher.tool.locator("[data-designed]")).to_have_attribute("src", re.compile("^data:image/svg"))
    press(teacher, "button[value=save]")
    expect(teacher.tool.locator(".notice.success")).to_be_visible()
    teacher.inspect()
    press(teacher, ".steps a[href*='/preview/']")
    teacher.inspect()
    press(teacher, "[aria-labelledby=publish] button")
    expect(teacher.tool.locator(".notice.success")).to_be_visible()
    teacher.inspect()

    open_badge(teacher, title)
    press(teacher, "main a[href$='/rule']")
    teacher.inspect()
    press(teacher, "main .actions button")
    expect(teacher.tool.locator("#activities-error")).to_be_visible()
    teacher.inspect()
    teacher.tool.get_by_role("checkbox", name=offered.quiz).check()
    press(teacher, "main .actions button")
    expect(teacher.tool.locator(".notice.success")).to_be_visible()
    with sites.tool.app_context():
        slug = session.scalars(select(Achievement.slug).order_by(Achievement.id.desc())).first()
    assert slug is not None
    made = Offer(sites, slug, offered.quiz, title, offered.quiz_number, 0)
    address = made.address()
    open_badge(teacher, title)
    expect(teacher.tool.locator("table tr").filter(has_text=learner_name).locator(".pill.good")).to_be_visible()
    teacher.inspect()
    employer = stranger(urlsplit(address).path, **window)
    expect(employer.page.locator(".verdict.good")).to_be_visible()

    press(teacher, f"table a:has-text('{learner_name}')")
    teacher.inspect()
    press(teacher, "form[action$='/revoke'] button")
    expect(teacher.tool.locator("#reason-error")).to_be_visible()
    teacher.inspect()
    teacher.tool.locator("#reason").fill("Mistaken")
    press(teacher, "form[action$='/revoke'] button")
    expect(teacher.tool.locator(".pill.bad")).to_be_visible()
    teacher.inspect()
    open_badge(learner, title)
    expect(learner.tool.locator(".notice.error")).to_contain_text("Mistaken")
    learner.inspect()
    employer.page.reload()
    expect(employer.page.locator(".verdict.bad")).to_be_visible()
    employer.inspect()
    employer.page.goto(f"{sites.tool_url}/verify")
    employer.page.locator("#url").fill(address)
    employer.page.locator("main form button").click()
    expect(employer.page.locator(".verdict.bad")).to_be_visible()
    employer.inspect()


@pytest.mark.parametrize("window", [DARK, NARROW], ids=["en", "fr"])
def test_anybody_checks_the_file_or_the_text_of_a_badge(
    sites: Sites, stranger: Callable[..., Person], offered: Offer, window: dict[str, Any]
) -> None:
    address = offered.give("chidi")
    with new_session() as http:
        picture = http.get(f"{address}.png", timeout=30).content
    employer = stranger("/verify", **window)
    employer.inspect()
    employer.page.locator("#file").set_input_files(FilePayload(name="badge.png", mimeType="image/png", buffer=picture))
    employer.page.locator("main form button").click()
    expect(employer.page.locator(".verdict.good")).to_be_visible()
    employer.inspect()
    employer.page.locator("main a[href='/verify']").click()
    credential = json.loads(baking.unbake(picture))
    credential["credentialSubject"]["achievement"]["name"] = "Surgery"
    employer.page.locator("summary").click()
    employer.page.locator("#text").fill(json.dumps(credential))
    employer.page.locator("main form button").click()
    expect(employer.page.locator(".verdict.bad")).to_be_visible()
    employer.inspect()


def test_a_learner_has_the_badge_in_a_visit_without_a_cookie(campus: Campus, arrive: Arrive, tmp_path: Path) -> None:
    sites = campus("moodle")
    offered = offer(sites, tmp_path)
    offered.give("ben")
    learner = arrive(NO_COOKIES, sites)
    learner.open_activity(offered.badge_number)
    learner.see("#use")
    assert last_launch(sites).binding == "name"
    shown = "() => [...document.images].map((picture) => picture.complete && picture.naturalWidth > 0)"
    learner.wait_for(lambda: learner.tool().run(shown) == [True], "the picture is not shown")
    picture = learner.window.download(lambda: learner.press("a[href$='/own-badge.png']"))
    badge = offered.signed()
    assert badge is not None
    assert baking.unbake(picture) == badge.document
    learner.press("#visibility-private")
    learner.press("#choices button")
    learner.see(".notice.success")
    learner.wait_for(lambda: learner.tool().run("() => !document.querySelector('#address')"), "it is not private")


def test_the_keyboard_leads_through_the_page_of_a_badge_and_through_a_check(
    meet: Meet, stranger: Callable[..., Person], offered: Offer
) -> None:
    address = offered.give("ben")
    learner = meet("Ben Carter")
    open_badge(learner, offered.badge)
    tab_to(learner, learner.tool.locator("#use a.button").first)
    tab_to(learner, learner.tool.locator("#address"))
    tab_to(learner, learner.tool.locator("#visibility-unlisted"))
    learner.page.keyboard.press("ArrowDown")
    tab_to(learner, learner.tool.locator("#email"))
    learner.page.keyboard.press("Space")
    tab_to(learner, learner.tool.locator("#choices button"))
    enter(learner, learner.tool, ".notice.success")
    expect(learner.tool.locator("#visibility-listed")).to_be_checked()
    expect(learner.tool.locator("#email")).to_be_checked()

    employer = stranger("/verify")
    tab_to(employer, employer.page.locator(".skip"))
    employer.page.keyboard.press("Enter")
    tab_to(employer, employer.page.locator("#url"))
    employer.page.keyboard.type(address)
    tab_to(employer, employer.page.locator("main form button"))
    enter(employer, employer.page, ".verdict.good")
    tab_to(employer, employer.page.locator(f"a[href='{address}']").last)
    enter(employer, employer.page, ".credential-head")
