"""Questions written in a real browser: on a phone and on a desk, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from people import Person
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
PICTURE = Path(__file__).parent.parent.parent / "docs" / "images" / "pick.png"
NARROW = {"width": 320, "height": 700}
WORDS = {
    "en": {
        "write": "Write questions here",
        "go on": "Continue",
        "competency": "Add the competency",
        "add": "Add a question",
        "right": "This is the right option",
        "details": "Add a picture",
        "upload": "Upload the picture",
        "save": "Save",
        "reason": "The question is empty.",
        "saved": "The question is saved in the draft.",
        "back": "Back to the questions",
    },
    "fr": {
        "write": "Rédiger les questions ici",
        "go on": "Continuer",
        "competency": "Ajouter la compétence",
        "add": "Ajouter une question",
        "right": "C’est la bonne option",
        "details": "Ajouter une image",
        "upload": "Téléverser l’image",
        "save": "Enregistrer",
        "reason": "La question est vide.",
        "saved": "La question est enregistrée dans l’ébauche.",
        "back": "Revenir aux questions",
    },
}


@pytest.mark.parametrize(
    ("name", "locale", "window"),
    [
        ("Arun Patel", "en", {"color_scheme": "dark"}),
        ("Thérèse Tremblay", "fr", {"viewport": NARROW}),
    ],
    ids=["english", "french-narrow"],
)
def test_an_instructor_writes_a_question_with_a_picture(
    meet: Meet, name: str, locale: str, window: dict[str, Any]
) -> None:
    words = WORDS[locale]
    teacher = meet(name, **window)
    teacher.open_course()
    teacher.page.locator("a[href*='add']").first.click()
    teacher.choose_tool("diagnostic")
    tool = teacher.tool
    tool.get_by_role("link", name=words["write"]).click()
    tool.locator("#title").fill(f"Written here: {locale}")
    teacher.inspect()
    tool.get_by_role("button", name=words["go on"]).click()
    tool.locator(f"#title_{locale}").fill("Bones")
    teacher.inspect()
    tool.get_by_role("button", name=words["competency"]).click()
    tool.get_by_role("button", name=words["add"]).click()
    tool.locator(f"#option_a_{locale}").fill("Femur")
    tool.locator(f"#option_b_{locale}").fill("Ulna")
    tool.get_by_role("radio", name=words["right"]).nth(1).check()
    teacher.inspect()
    tool.get_by_role("button", name=words["save"], exact=True).click()
    expect(tool.get_by_role("alert")).to_contain_text(words["reason"])
    teacher.inspect()

    tool.locator(f"#question_{locale}").fill("Which bone?")
    tool.get_by_text(words["details"], exact=True).click()
    tool.locator("#picture").set_input_files(PICTURE)
    tool.locator(f"#description_{locale}").fill("An arm")
    teacher.inspect()
    tool.get_by_role("button", name=words["upload"]).click()
    shown = tool.get_by_role("img", name="An arm")
    expect(shown.first).to_be_visible()
    assert shown.first.evaluate("picture => picture.complete && picture.naturalWidth > 0")
    tool.get_by_role("button", name=words["save"], exact=True).click()
    expect(tool.get_by_text(words["saved"])).to_be_visible()
    teacher.inspect()
    tool.get_by_role("link", name=words["back"]).click()
    expect(tool.get_by_role("listitem").filter(has_text=re.compile("Which bone"))).to_be_visible()
    teacher.inspect()
