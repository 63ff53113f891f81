"""What is written as GIFT is read as the same questions: any bank, and a writer of this test's own."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ltitools_diagnostic import gift
from ltitools_diagnostic.items import (
    TRUE,
    Bank,
    Between,
    CompetencyTitles,
    Item,
    Kind,
    Near,
    NumberAnswer,
    Option,
    TextAnswer,
    Tolerance,
    right_by_weight,
)
from ltitools_diagnostic.scoring import normalise

KINDS = sorted(set(Kind) - {Kind.ORDERING})
"""The kinds that GIFT, as Moodle documents it, can say."""

phrases = st.text("abc éß*_`<&.~=#{}:\\>-[]1", min_size=1, max_size=10).filter(
    lambda text: text == " ".join(text.split()) and normalise(text) != "" and not text.endswith("\\")
)
"""Also signs that mean something in GIFT and Markdown; one line each, because GIFT trims lines."""

plain_phrases = st.text("abc éß.1", min_size=1, max_size=10).filter(lambda text: text == " ".join(text.split()) != "")
wordings = phrases.map(lambda text: {"en": text})
said: st.SearchStrategy[dict[str, str]] = st.just({}) | wordings
weights = st.integers(-100, 100).map(Decimal)


def _different(texts: list[str]) -> bool:
    return len({" ".join(text.casefold().split()) for text in texts}) == len(texts)


@st.composite
def items(draw: st.DrawFn, code: str) -> Item:
    kind = draw(st.sampled_from(KINDS))
    item = Item(code, "general", kind, draw(wordings), feedback=draw(said))
    texts = draw(st.lists(phrases, min_size=2, max_size=5).filter(_different))
    if kind is Kind.TRUEFALSE:
        return replace(item, options=tuple(Option({}, draw(said)) for _ in range(2)), keys=(draw(st.integers(0, 1)),))
    if kind is Kind.NUMERIC:
        near = st.builds(Near, st.decimals(-999, 999, places=2), st.builds(Tolerance, st.decimals(0, 9, places=1)))
        between = st.builds(Between, st.integers(-9, 0).map(Decimal), st.integers(1, 9).map(Decimal))
        answers = st.builds(NumberAnswer, near | between, st.integers(1, 100).map(Decimal), said)
        return replace(item, numbers=tuple(draw(st.lists(answers, min_size=1, max_size=3))))
    if kind is Kind.TEXT:
        answers_of = st.builds(TextAnswer, plain_phrases, st.integers(1, 100).map(Decimal), said)
        first = draw(answers_of.filter(lambda answer: answer.text not in ("t", "f", "true", "false")))
        return replace(item, texts={"en": (first, *draw(st.lists(answers_of, max_size=3)))})
    if kind is Kind.MATCHING:
        assume(not any("->" in text for text in texts))
        pairs = tuple(Option({"en": text}, {}, match={"en": f"{at}"}) for at, text in enumerate(texts))
        return replace(
            item, options=pairs, extra=tuple({"en": f"{at}"} for at in range(7, 7 + draw(st.integers(0, 2))))
        )
    if kind is Kind.SINGLE:
        key = draw(st.integers(0, len(texts) - 1))
        return replace(item, options=tuple(Option({"en": text}, draw(said)) for text in texts), keys=(key,))
    of_each = [draw(st.integers(1, 100).map(Decimal)), *(draw(weights) for _text in texts[1:])]
    options = tuple(Option({"en": text}, draw(said), of) for text, of in zip(texts, of_each, strict=True))
    return replace(item, options=options, keys=right_by_weight(kind, of_each))


def _written(text: str) -> str:
    return re.sub(r"[\\~=#{}:]", r"\\\g<0>", text)


def _feedback(wording: object) -> str:
    assert isinstance(wording, dict)
    return f" # {_written(wording['en'])}" if wording else ""


def _answers(item: Item) -> list[str]:
    if item.kind is Kind.TRUEFALSE:
        right, wrong = item.options[item.keys[0]].reason, item.options[1 - item.keys[0]].reason
        texts = [
            "TRUE" if item.keys == (TRUE,) else "FALSE",
            *(_written(each.get("en", "")) for each in (wrong, right)),
        ]
        return ["#".join(texts)]
    if item.kind is Kind.NUMERIC:
        return ["#", *(f"=%{answer.weight}%{_number(answer)}{_feedback(answer.feedback)}" for answer in item.numbers)]
    if item.kind is Kind.TEXT:
        return [f"=%{each.weight}%{_written(each.text)}{_feedback(each.feedback)}" for each in item.texts["en"]]
    if item.kind is Kind.MATCHING:
        pairs = [f"={_written(option.text['en'])} -> {_written(option.match['en'])}" for option in item.options]
        return [*pairs, *(f"= -> {_written(wording['en'])}" for wording in item.extra)]
    return [
        ("=" if option.weight is None and at in item.keys else "~")
        + (f"%{option.weight}%" if option.weight is not None else "")
        + f"{_written(option.text['en'])}{_feedback(option.reason)}"
        for at, option in enumerate(item.options)
    ]


def _number(answer: NumberAnswer) -> str:
    if isinstance(answer.accepts, Between):
        return f"{answer.accepts.low}..{answer.accepts.high}"
    assert isinstance(answer.accepts, Near)
    return f"{answer.accepts.value}:{answer.accepts.tolerance}"


def _to_gift(bank: Bank) -> str:
    blocks = ["$CATEGORY: general"]
    for item in bank.items:
        general = [f"####{_written(item.feedback['en'])}"] if item.feedback else []
        answers = "\n".join([*_answers(item), *general])
        blocks.append(f"// [id:{item.code}]\n::x::[markdown]{_written(item.question['en'])} {{\n{answers}\n}}")
    return "\n\n".join(blocks)


@st.composite
def banks(draw: st.DrawFn) -> Bank:
    questions = tuple(draw(items(f"q{number}")) for number in range(draw(st.integers(1, 4))))
    return Bank((CompetencyTitles("general", {"en": "general"}),), questions)


@given(banks())
@settings(max_examples=50)
def test_a_bank_that_is_written_as_gift_reads_back_the_same(bank: Bank) -> None:
    found = gift.read(_to_gift(bank).encode())
    assert [(problem.row, str(problem.text)) for problem in (*found.errors, *found.skipped)] == []
    assert found.bank == bank
