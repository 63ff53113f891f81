"""The console in a browser: every page is accessible in both languages, and nothing in it needs a mouse."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from people import MILLISECONDS, Person
from playwright.sync_api import Browser, Page, expect

from ltitools.services import administrators, registrations, tenants
from ltitools.testing import writing
from sites import TENANT, Sites

pytestmark = pytest.mark.browser
NARROW = {"width": 320, "height": 700}


@pytest.fixture
def come_in(browser: Browser, sites: Sites) -> Callable[..., Person]:
    """Signs an administrator of the institution in, in a window of their own."""

    def introduce(name: str, **window: object) -> Person:
        with writing(sites.tool):
            code = administrators.link_code(administrators.add(tenants.by_key(TENANT), name)[0])
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, **window})
        context.set_default_timeout(MILLISECONDS)
        person = Person(context, context.new_page(), sites)
        person.page.goto(f"{sites.tool_url}/console/-/enter/{code}")
        person.inspect()
        person.page.keyboard.press("Tab")
        person.page.keyboard.press("Tab")
        enter(person.page)
        expect(person.page.get_by_role("navigation")).to_be_visible()
        return person

    return introduce


def enter(page: Page) -> None:
    """Press Enter, and wait for the page it leads to."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def tab_to(page: Page, name: str) -> None:
    """Go to a link, button or field with the keyboard, as long as it takes."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const at = document.activeElement;
                return at.matches("a, button, input") ? at.labels?.[0]?.innerText || at.innerText || at.value : "";
            }"""
        )
        if name in str(focused):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"nobody sees that {name} has the focus"
            return
    raise AssertionError(f"{name} is not reached with the Tab key")


@pytest.mark.parametrize(
    ("locale", "window"),
    [("en", {}), ("fr", {"viewport": NARROW, "color_scheme": "dark", "locale": "fr-CA"})],
)
def test_every_page_of_the_menu_is_accessible(
    come_in: Callable[..., Person], sites: Sites, locale: str, window: dict[str, object]
) -> None:
    with writing(sites.tool):
        found = registrations.of_tenant(tenants.by_key(TENANT).id)[0]
        if len(registrations.deployments(found)) == 1:
            registrations.add_deployment(found, "waits", "pending")
    person = come_in(f"Ada {locale}", **window)
    expect(person.page.locator("html")).to_have_attribute("lang", locale)
    addresses = person.page.get_by_role("navigation").get_by_role("link").evaluate_all("all => all.map((a) => a.href)")
    assert len(addresses) >= 9
    for address in [*addresses, f"{addresses[1]}{found.id}", f"{addresses[1]}by-hand"]:
        person.page.goto(address)
        expect(person.page.locator("h1")).to_have_count(1)
        person.inspect()
    person.leave()


def test_a_link_is_made_a_person_let_in_and_the_visit_ended_without_a_mouse(come_in: Callable[..., Person]) -> None:
    person = come_in("Keyla")
    page = person.page
    tab_to(page, "Platforms")
    enter(page)
    tab_to(page, "What or whom it is for")
    page.keyboard.type("Moodle of the college")
    tab_to(page, "Make a registration link")
    enter(page)
    expect(page.get_by_label("Registration link", exact=True)).to_have_value(re.compile("/register\\?invite="))
    person.inspect()
    tab_to(page, "People")
    enter(page)
    tab_to(page, "Name")
    page.keyboard.type("Grace Hopper")
    enter(page)
    expect(page.get_by_role("status")).to_contain_text("Grace Hopper may come in.")
    tab_to(page, "Sign out")
    enter(page)
    expect(page.get_by_role("heading", name="Sign in to the console")).to_be_visible()
    person.leave()


def test_a_framework_is_made_filled_and_put_in_force(come_in: Callable[..., Person], tmp_path: Path) -> None:
    person = come_in("Franz", viewport=NARROW)
    page = person.page
    page.get_by_role("navigation").get_by_role("link", name="Frameworks").click()
    form = page.locator("form").filter(has=page.locator("#key"))
    form.locator("#key").fill("ai-work")
    form.get_by_label("Title (English)").fill("AI at work")
    form.get_by_role("button").click()
    for code, title in (("data", "Protects data"), ("verify", "Checks answers")):
        page.get_by_role("link", name="Add a competency").click()
        person.inspect()
        page.locator("#code").fill(code)
        page.locator("#title_en").fill(title)
        page.locator("main form button").first.click()
        expect(page.get_by_text(title)).to_be_visible()
    person.inspect()
    page.get_by_role("button", name="Put this version in force").click()
    expect(page.get_by_role("status")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="CASE 1.0 package (JSON)").click()
    package = tmp_path / "package.json"
    saved.value.save_as(package)
    assert "Protects data" in package.read_text("utf-8")
    page.get_by_role("navigation").get_by_role("link", name="Frameworks").click()
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{", "utf-8")
    for file, kind in ((wrong, "alert"), (package, "status")):
        page.locator("#upload-key").fill("ai-work")
        page.locator("#file").set_input_files(file)
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(page.get_by_role(kind).first).to_be_visible()
        person.inspect(refused=True)
        page.goto(f"{person.sites.tool_url}/console/{TENANT}/frameworks/")
    person.leave()
