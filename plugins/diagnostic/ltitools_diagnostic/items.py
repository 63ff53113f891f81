"""What a question is, apart from where it is stored: wording in each language, options, and the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

Wording = Mapping[str, str]
"""A text by locale; a language that is missing is absent."""

Response = Sequence[int] | str | None
"""What a person answered: option indices in the item's own order, or what they typed; None is unanswered."""


class Kind(StrEnum):
    """The kinds of question, by the words of the CSV column `type`."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    TRUEFALSE = "truefalse"
    NUMERIC = "numeric"
    TEXT = "text"


CHOICES = frozenset({Kind.SINGLE, Kind.MULTIPLE, Kind.TRUEFALSE})
TRUE, FALSE = 0, 1
"""A true/false question has two options without wording, always in this order."""


@dataclass(frozen=True)
class Option:
    """One choice, and why it is right or wrong."""

    text: Wording
    reason: Wording


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from the key: an amount, or a share of the key in percent."""

    amount: Decimal
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """Read what `str` of a tolerance writes."""
        return cls(Decimal(text.removesuffix("%")), text.endswith("%"))

    def __str__(self) -> str:
        return f"{self.amount:f}%" if self.percent else f"{self.amount:f}"


@dataclass(frozen=True)
class Item:
    """One question. `keys` are the right options; `number` and `accepted` the key of the typed kinds."""

    code: str
    competency: str
    kind: Kind
    question: Wording
    outcome: Wording = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    keys: tuple[int, ...] = ()
    number: Decimal | None = None
    tolerance: Tolerance = field(default_factory=lambda: Tolerance(Decimal(0)))
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    feedback: Wording = field(default_factory=dict)


@dataclass(frozen=True)
class CompetencyTitles:
    """A competency as the file names it: its code and its title by locale."""

    code: str
    titles: Wording


@dataclass(frozen=True)
class Bank:
    """Questions and the competencies they belong to, both in the order of the file."""

    competencies: tuple[CompetencyTitles, ...] = ()
    items: tuple[Item, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many questions each competency has, by code."""
        counts = dict.fromkeys((competency.code for competency in self.competencies), 0)
        for item in self.items:
            counts[item.competency] += 1
        return counts

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which there are questions."""
        return tuple(sorted({locale for item in self.items for locale in item.question}))


def to_json(item: Item) -> dict[str, Any]:
    """`item` as plain JSON values, for the database."""
    return {
        "code": item.code,
        "competency": item.competency,
        "kind": item.kind.value,
        "question": dict(item.question),
        "outcome": dict(item.outcome),
        "options": [{"text": dict(option.text), "reason": dict(option.reason)} for option in item.options],
        "keys": list(item.keys),
        "number": None if item.number is None else f"{item.number:f}",
        "tolerance": str(item.tolerance),
        "accepted": {locale: list(answers) for locale, answers in item.accepted.items()},
        "feedback": dict(item.feedback),
    }


def from_json(values: Mapping[str, Any]) -> Item:
    """The item that `to_json` wrote."""
    return Item(
        code=values["code"],
        competency=values["competency"],
        kind=Kind(values["kind"]),
        question=values["question"],
        outcome=values["outcome"],
        options=tuple(Option(option["text"], option["reason"]) for option in values["options"]),
        keys=tuple(values["keys"]),
        number=None if values["number"] is None else Decimal(values["number"]),
        tolerance=Tolerance.parse(values["tolerance"]),
        accepted={locale: tuple(answers) for locale, answers in values["accepted"].items()},
        feedback=values["feedback"],
    )
