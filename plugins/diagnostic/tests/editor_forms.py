"""The forms of the editor as a browser sends them, and questions to write in them."""

from __future__ import annotations

import io
from html import unescape
from html.parser import HTMLParser
from typing import Any

from ltitools.testing import Visit

COMPETENCY = {"title_en": "First aid", "title_fr": "Premiers secours", "code": "aid"}
Fields = dict[str, Any]

WRITTEN: dict[str, Fields] = {
    "single": {
        "option_a_en": "Yes", "option_b_en": "No", "option_d_en": "Perhaps", "option_a_fr": "Oui",
        "reason_d_en": "Never.", "right": ["d"], "feedback_fr": "Voilà.",
    },
    "multiple": {
        "option_a_en": "One", "option_b_en": "Two", "option_c_en": "Three", "weight_a": "50", "weight_b": "50",
        "weight_c": "-25,5", "right": ["a", "b"],
    },
    "truefalse": {"right": ["b"], "reason_b_en": "It cools.", "outcome_en": "Knows burns"},
    "numeric": {
        "number_a": "12,5", "tolerance_a": "5%", "number_b": "20..30", "weight_b": "50", "reason_b_en": "Nearly.",
        "number_c": "*", "weight_c": "0",
    },
    "text": {
        "text_a": "pansement", "language_a": "fr", "text_c": "plaster|tape", "language_c": "en", "text_d": "band*",
        "language_d": "en", "weight_d": "25", "reason_d_fr": "Presque.",
    },
    "matching": {
        "match_a_en": "A hot bath", "option_b_en": "Nosebleed", "match_b_en": "Head forward", "option_c_en": "Fainting",
        "match_c_en": "Legs up",
    },
    "ordering": {"option_a_en": "First", "option_c_en": "Second", "option_d_en": "=Third"},
}  # fmt: skip


class _Form(HTMLParser):
    """What a browser would send of the form with the class ``editor`` when nothing in it is touched."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = {}
        self.inside = False
        self.select = self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = "editor" in values.get("class", "")
        if not self.inside:
            return
        name = values.get("name", "")
        if tag == "textarea":
            self.area, self.fields[name] = name, ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and ("selected" in values or self.select not in self.fields):
            self.fields[self.select] = values["value"]
        elif tag == "input" and values["type"] in ("radio", "checkbox"):
            if "checked" in values:
                self.fields.setdefault(name, []).append(values["value"])
        elif tag == "input" and values["type"] != "file":
            self.fields[name] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        self.area = "" if tag == "textarea" else self.area

    def handle_data(self, data: str) -> None:
        if self.area:
            # The line break right behind the tag is none of the text.
            self.fields[self.area] = (self.fields[self.area] + data).removeprefix("\n").replace("\n", "\r\n")


def fields_of(page: str) -> Fields:
    """What would be sent of the editor's form on a page, without the proof against forgery."""
    form = _Form()
    form.feed(page)
    return {name: value for name, value in form.fields.items() if name != "_form"}


def of(visit: Visit, path: str = "") -> str:
    """The text of a page."""
    return unescape(visit.get(path).get_data(as_text=True))


def uploaded(visit: Visit, content: bytes, name: str = "bank.csv") -> int:
    """A draft with the questions of a file; gives the id of its version."""
    report = visit.post("new", {"title": "Before", "language": "en", "file": (io.BytesIO(content), name)})
    draft = visit.post(report.headers["Location"], {"rows": "all"}).headers["Location"]
    return int(draft.rpartition("/")[2])


def written(visit: Visit, title: str = "Before") -> int:
    """A draft without questions, with one competency."""
    where = visit.post("write", {"title": title}).headers["Location"]
    assert visit.post(f"{where}/competencies", COMPETENCY).status_code == 303
    return int(where.rpartition("/")[2])
