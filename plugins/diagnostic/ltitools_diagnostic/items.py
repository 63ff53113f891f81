"""What a question is, apart from where it is stored: wording in each language, options, and the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

Wording = Mapping[str, str]
"""A text by locale, in Markdown; a language that is missing is absent."""

Response = Sequence[int] | str | None
"""What a person answered; None is unanswered.

Choices: option indices in the item's own order. Matching: for each prompt the index of a text of `Item.answers`, or
`NOT_CHOSEN`. Ordering: all option indices in the order in which the person put them. Else what was typed.
"""

NOT_CHOSEN = -1
FULL = Decimal(100)


class Kind(StrEnum):
    """The kinds of question, by the words of the CSV column `type`."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    TRUEFALSE = "truefalse"
    NUMERIC = "numeric"
    TEXT = "text"
    MATCHING = "matching"
    ORDERING = "ordering"


CHOICES = frozenset({Kind.SINGLE, Kind.MULTIPLE, Kind.TRUEFALSE})
TYPED = frozenset({Kind.NUMERIC, Kind.TEXT})
TRUE, FALSE = 0, 1
"""A true/false question has two options without wording, always in this order."""


@dataclass(frozen=True)
class Option:
    """One choice, and why it is right or wrong; of matching a prompt with its answer, of ordering one line.

    `weight` is what choosing it earns in percent; either all options of a question have one, or none.
    """

    text: Wording
    reason: Wording
    weight: Decimal | None = None
    match: Wording = field(default_factory=dict)


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


EXACT = Tolerance(Decimal(0))


@dataclass(frozen=True)
class Near:
    """Numbers up to a tolerance away from `value`."""

    value: Decimal
    tolerance: Tolerance = EXACT


@dataclass(frozen=True)
class Between:
    """Numbers from `low` to `high`, both included."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class NumberAnswer:
    """Numbers that a person may type, what they earn in percent, and what the person is told.

    `accepts` is None for any number: the last answer, for feedback to those whom no other answer fits.
    """

    accepts: Near | Between | None
    weight: Decimal = FULL
    feedback: Wording = field(default_factory=dict)


@dataclass(frozen=True)
class TextAnswer:
    """Words that a person may type, what they earn in percent, and what the person is told.

    A ``*`` stands for any text, also for none; ``\\*`` is an asterisk, as in Moodle's short answers.
    """

    text: str
    weight: Decimal = FULL
    feedback: Wording = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """One question. `keys` are the right options; `numbers`, or `texts` by language, the key of the typed kinds.

    Of several `numbers` the first that fits counts, and of the `texts` of a language. `extra` are answers of a
    matching question that belong to no prompt. The `options` of an ordering question stand in the right order.
    A `retired` question stays in the bank and is asked of nobody any more.
    """

    code: str
    competency: str
    kind: Kind
    question: Wording
    outcome: Wording = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    keys: tuple[int, ...] = ()
    numbers: tuple[NumberAnswer, ...] = ()
    texts: Mapping[str, tuple[TextAnswer, ...]] = field(default_factory=dict)
    extra: tuple[Wording, ...] = ()
    feedback: Wording = field(default_factory=dict)
    retired: bool = False

    @property
    def answers(self) -> tuple[Wording, ...]:
        """The different answers that can be chosen for the prompts of a matching question."""
        different: list[Wording] = []
        for wording in (*(option.match for option in self.options), *self.extra):
            if wording not in different:
                different.append(wording)
        return tuple(different)


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
        """How many questions each competency has that may be asked, by code."""
        counts = dict.fromkeys((competency.code for competency in self.competencies), 0)
        for item in self.items:
            counts[item.competency] += not item.retired
        return counts

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which there are questions."""
        return tuple(sorted({locale for item in self.items for locale in item.question}))


def right_by_weight(kind: Kind, weights: Sequence[Decimal]) -> tuple[int, ...]:
    """The options that are right by their weights: the best where one is chosen, all that earn where several are."""
    best = max(weights, default=Decimal(0))
    return tuple(
        index
        for index, weight in enumerate(weights)
        if weight > 0 and (weight == best or kind is Kind.MULTIPLE)
    )  # fmt: skip


def to_json(item: Item) -> dict[str, Any]:
    """`item` as plain JSON values, for the database.

    What the first version of this tool could say is written as it wrote it, so that fingerprints of published
    questions stay what they are.
    """
    plain = _plain_number(item)
    values: dict[str, Any] = {
        "code": item.code,
        "competency": item.competency,
        "kind": item.kind.value,
        "question": dict(item.question),
        "outcome": dict(item.outcome),
        "options": [_option_to_json(option) for option in item.options],
        "keys": list(item.keys),
        "number": None if plain is None else f"{plain.value:f}",
        "tolerance": str(plain.tolerance if plain else EXACT),
        "accepted": {locale: [_text_to_json(answer) for answer in answers] for locale, answers in item.texts.items()},
        "feedback": dict(item.feedback),
    }
    if item.numbers and plain is None:
        values["numbers"] = [_number_to_json(answer) for answer in item.numbers]
    if item.extra:
        values["extra"] = [dict(wording) for wording in item.extra]
    if item.retired:
        values["retired"] = True
    return values


def from_json(values: Mapping[str, Any]) -> Item:
    """The item that `to_json` wrote."""
    numbers = tuple(_number_from_json(answer) for answer in values.get("numbers", ()))
    if values["number"] is not None:
        numbers = (NumberAnswer(Near(Decimal(values["number"]), Tolerance.parse(values["tolerance"]))),)
    return Item(
        code=values["code"],
        competency=values["competency"],
        kind=Kind(values["kind"]),
        question=values["question"],
        outcome=values["outcome"],
        options=tuple(_option_from_json(option) for option in values["options"]),
        keys=tuple(values["keys"]),
        numbers=numbers,
        texts={
            locale: tuple(_text_from_json(answer) for answer in answers)
            for locale, answers in values["accepted"].items()
        },
        extra=tuple(values.get("extra", ())),
        feedback=values["feedback"],
        retired=values.get("retired", False),
    )


def _plain_number(item: Item) -> Near | None:
    """The key of a numeric question that has one value and nothing more to say about it."""
    if len(item.numbers) != 1 or item.numbers[0] != NumberAnswer(item.numbers[0].accepts):
        return None
    accepts = item.numbers[0].accepts
    return accepts if isinstance(accepts, Near) else None


def _option_to_json(option: Option) -> dict[str, Any]:
    values: dict[str, Any] = {"text": dict(option.text), "reason": dict(option.reason)}
    if option.weight is not None:
        values["weight"] = f"{option.weight:f}"
    if option.match:
        values["match"] = dict(option.match)
    return values


def _option_from_json(values: Mapping[str, Any]) -> Option:
    weight = values.get("weight")
    return Option(
        values["text"], values["reason"], None if weight is None else Decimal(weight), values.get("match", {})
    )


def _number_to_json(answer: NumberAnswer) -> dict[str, Any]:
    values: dict[str, Any] = {"weight": f"{answer.weight:f}", "feedback": dict(answer.feedback)}
    if isinstance(answer.accepts, Near):
        return {**values, "value": f"{answer.accepts.value:f}", "tolerance": str(answer.accepts.tolerance)}
    if isinstance(answer.accepts, Between):
        return {**values, "low": f"{answer.accepts.low:f}", "high": f"{answer.accepts.high:f}"}
    return values


def _number_from_json(values: Mapping[str, Any]) -> NumberAnswer:
    accepts: Near | Between | None = None
    if "value" in values:
        accepts = Near(Decimal(values["value"]), Tolerance.parse(values["tolerance"]))
    elif "low" in values:
        accepts = Between(Decimal(values["low"]), Decimal(values["high"]))
    return NumberAnswer(accepts, Decimal(values["weight"]), values["feedback"])


def _text_to_json(answer: TextAnswer) -> Any:
    # A string is an answer of the first version of this tool, which knew no wildcard.
    if answer == TextAnswer(answer.text) and "*" not in answer.text:
        return answer.text
    return {"text": answer.text, "weight": f"{answer.weight:f}", "feedback": dict(answer.feedback)}


def _text_from_json(values: Any) -> TextAnswer:
    if isinstance(values, str):
        return TextAnswer(values.replace("*", r"\*"))
    return TextAnswer(values["text"], Decimal(values["weight"]), values["feedback"])
