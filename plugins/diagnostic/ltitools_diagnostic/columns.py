"""The columns of a CSV file of questions; the README of this tool documents them."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase

from ltitools.plugin import LOCALES
from ltitools_diagnostic.items import Item, NumberAnswer, TextAnswer

LETTERS = ascii_lowercase
"""Options are lettered, and so are the answers of typed questions that have weights or feedback of their own."""

MAX_TEXT = 4000
MAX_NAME = 128
_OF_AN_OPTION = ("option", "match", "reason")
BY_LANGUAGE = frozenset(
    {"outcome", "question", "feedback", *(f"{name}_{letter}" for letter in LETTERS for name in _OF_AN_OPTION)}
)
COLUMNS = (
    "id",
    "competency",
    *(f"competency_{locale}" for locale in LOCALES),
    *(f"outcome_{locale}" for locale in LOCALES),
    "type",
    *(f"question_{locale}" for locale in LOCALES),
    *(
        column
        for letter in LETTERS
        for column in (
            *(f"{name}_{letter}_{locale}" for name in _OF_AN_OPTION for locale in LOCALES),
            f"weight_{letter}",
        )
    ),
    "answer",
    "answer_fr",
    "tolerance",
    *(f"feedback_{locale}" for locale in LOCALES),
    "retired",
)
"""Every column, in the order in which a bank is written."""

ALWAYS = frozenset({"id", "competency", "type", *(f"question_{locale}" for locale in LOCALES), "answer", "answer_fr"})
"""The columns that are written also when they are empty; the others only where a question uses them."""


def lettered_answers(item: Item) -> Mapping[str, NumberAnswer | TextAnswer]:
    """The answers of a typed question by letter: those in English come first."""
    in_order: list[NumberAnswer | TextAnswer] = list(item.numbers)
    in_order += [answer for locale in LOCALES for answer in item.texts.get(locale, ())]
    return dict(zip(LETTERS, in_order, strict=False))
