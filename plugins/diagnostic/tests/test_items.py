"""Questions as they are kept in the database, also as the first version of this tool kept them."""

import json
from decimal import Decimal
from typing import Any

import pytest

from ltitools_diagnostic.items import (
    Between,
    Item,
    Kind,
    Near,
    NumberAnswer,
    Option,
    TextAnswer,
    Tolerance,
    from_json,
    right_by_weight,
    to_json,
)
from ltitools_diagnostic.scoring import fraction

FIRST_VERSION: list[dict[str, Any]] = [
    {
        "code": "c-1",
        "competency": "c",
        "kind": "multiple",
        "question": {"en": "Which?", "fr": "Lesquels ?"},
        "outcome": {},
        "options": [{"text": {"en": "a"}, "reason": {"en": "because"}}, {"text": {"en": "b"}, "reason": {}}],
        "keys": [0],
        "number": None,
        "tolerance": "0",
        "accepted": {},
        "feedback": {"en": "So."},
    },
    {
        "code": "c-2",
        "competency": "c",
        "kind": "numeric",
        "question": {"en": "How many?"},
        "outcome": {},
        "options": [],
        "keys": [],
        "number": "12.50",
        "tolerance": "5%",
        "accepted": {},
        "feedback": {},
    },
    {
        "code": "c-3",
        "competency": "c",
        "kind": "text",
        "question": {"en": "What?"},
        "outcome": {},
        "options": [],
        "keys": [],
        "number": None,
        "tolerance": "0",
        "accepted": {"en": ["open", "ajar"], "fr": ["ouvert"]},
        "feedback": {},
    },
]


@pytest.mark.parametrize("values", FIRST_VERSION, ids=lambda values: str(values["kind"]))
def test_questions_of_the_first_version_are_read_and_written_as_they_are(values: dict[str, Any]) -> None:
    """Their fingerprint tells whether an import changes anything, so not one byte may differ."""
    assert json.dumps(to_json(from_json(values)), sort_keys=True) == json.dumps(values, sort_keys=True)


def test_an_asterisk_in_an_answer_of_the_first_version_stays_an_asterisk() -> None:
    item = from_json({**FIRST_VERSION[2], "accepted": {"en": ["2*3"]}})
    assert [fraction(item, typed) for typed in ("2*3", "2 and 3")] == [1, 0]
    assert from_json(to_json(item)) == item


@pytest.mark.parametrize(
    "item",
    [
        Item(
            "m",
            "c",
            Kind.MATCHING,
            {"en": "?"},
            options=(Option({"en": "a"}, {}, match={"en": "1"}), Option({"en": "b"}, {}, match={"en": "2"})),
            extra=({"en": "3"},),
        ),
        Item("o", "c", Kind.ORDERING, {"en": "?"}, options=(Option({"en": "a"}, {}), Option({"en": "b"}, {}))),
        Item(
            "w",
            "c",
            Kind.SINGLE,
            {"en": "?"},
            options=(Option({"en": "a"}, {}, Decimal(100)), Option({"en": "b"}, {}, Decimal("-33.33333"))),
            keys=(0,),
        ),
        Item(
            "n",
            "c",
            Kind.NUMERIC,
            {"en": "?"},
            numbers=(
                NumberAnswer(Near(Decimal("1.50"), Tolerance(Decimal(5), True)), feedback={"en": "Right."}),
                NumberAnswer(Between(Decimal(-1), Decimal(3)), Decimal(50)),
                NumberAnswer(None, Decimal(0), {"fr": "Non."}),
            ),
        ),
        Item(
            "t",
            "c",
            Kind.TEXT,
            {"en": "?"},
            texts={"en": (TextAnswer("a*"), TextAnswer(r"\*"), TextAnswer("b", Decimal(50), {"en": "Nearly."}))},
        ),
    ],
    ids=lambda item: item.kind.value,
)
def test_what_is_kept_comes_back(item: Item) -> None:
    assert from_json(json.loads(json.dumps(to_json(item)))) == item


@pytest.mark.parametrize(
    ("kind", "weights", "keys"),
    [
        (Kind.SINGLE, [0, 100, 50], (1,)),
        (Kind.SINGLE, [50, 50, -10], (0, 1)),
        (Kind.MULTIPLE, [60, 40, -50, 0], (0, 1)),
        (Kind.MULTIPLE, [0, -50], ()),
    ],
)
def test_the_right_options_follow_from_the_weights(kind: Kind, weights: list[int], keys: tuple[int, ...]) -> None:
    assert right_by_weight(kind, [Decimal(weight) for weight in weights]) == keys
