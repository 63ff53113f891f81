"""What is downloaded can be uploaded again, and opens in a spreadsheet without running anything."""

import csv
import io
import unicodedata
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltitools_diagnostic import formats
from ltitools_diagnostic.csvfile import guard, unguard, write_rows
from ltitools_diagnostic.exporting import to_csv
from ltitools_diagnostic.importing import read
from ltitools_diagnostic.items import (
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

signs = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])


def _kept_by_a_file(text: str) -> bool:
    return text == text.strip() and bool(normalise(text))


phrases = st.one_of(
    st.text(signs, min_size=1, max_size=12),
    st.sampled_from(["=1+1", "+x", "-x", "@SUM(A1)", "'=1", "''-", 'a "b"; c, d\te', "one\ntwo", "-5", "l’été"]),
).filter(_kept_by_a_file)
nfc = phrases.map(lambda text: unicodedata.normalize("NFC", text)).filter(_kept_by_a_file)


def wordings(*, optional: bool = False) -> st.SearchStrategy[dict[str, str]]:
    both = st.fixed_dictionaries({"en": nfc, "fr": nfc})
    one = st.fixed_dictionaries({"en": nfc}) | st.fixed_dictionaries({"fr": nfc})
    return st.one_of(both, one, st.just({})) if optional else st.one_of(both, one)


weights = st.decimals(-100, 100, places=5)
numbers = st.decimals(-(10**6), 10**6, places=3)
tolerances = st.builds(Tolerance, st.decimals(0, 50, places=2), st.booleans())
betweens = st.tuples(numbers, numbers).map(lambda pair: Between(min(pair), max(pair)))
earning = st.just(Decimal(100)) | st.decimals("0.01", 100, places=2)


def options(draw: st.DrawFn, kind: Kind) -> tuple[Option, ...]:
    """At least two options that differ; lines of matching and ordering have no reasons."""
    made = []
    for number in range(draw(st.integers(2, 9))):
        text = {"en": f"{number} {draw(nfc)}"}
        reason = draw(wordings(optional=True)) if kind in (Kind.SINGLE, Kind.MULTIPLE) else {}
        match = {"en": f"{number} {draw(nfc)}"} if kind is Kind.MATCHING else {}
        made.append(Option(text, reason, match=match))
    return tuple(made)


def choice(draw: st.DrawFn, item: Item) -> Item:
    item = replace(item, options=options(draw, item.kind))
    if draw(st.booleans()):
        of_each = [draw(earning), *(draw(weights) for _option in item.options[1:])]
        weighted = zip(item.options, of_each, strict=True)
        keys = right_by_weight(item.kind, of_each)
        return replace(item, options=tuple(replace(each, weight=weight) for each, weight in weighted), keys=keys)
    most = 1 if item.kind is Kind.SINGLE else len(item.options)
    keys = tuple(sorted(draw(st.sets(st.integers(0, len(item.options) - 1), min_size=1, max_size=most))))
    return replace(item, keys=keys)


def with_key(draw: st.DrawFn, item: Item) -> Item:
    said = wordings(optional=True)
    if item.kind is Kind.NUMERIC:
        accepts = st.builds(Near, numbers, tolerances) | betweens
        answers = draw(st.lists(st.builds(NumberAnswer, accepts, weights, said), max_size=4))
        rest = [NumberAnswer(None, Decimal(0), draw(said))] if draw(st.booleans()) else []
        return replace(item, numbers=(NumberAnswer(draw(accepts), draw(earning)), *answers, *rest))
    if item.kind is Kind.TEXT:
        first = st.builds(TextAnswer, nfc, earning, said)
        answers_of = st.builds(
            lambda one, more: (one, *more), first, st.lists(st.builds(TextAnswer, nfc, weights, said), max_size=3)
        )
        return replace(item, texts=draw(st.dictionaries(st.sampled_from(["en", "fr"]), answers_of, min_size=1)))
    if item.kind is Kind.TRUEFALSE:
        truths = tuple(Option({}, draw(said)) for _ in range(2))
        return replace(item, options=truths, keys=(draw(st.integers(0, 1)),))
    if item.kind is Kind.MATCHING:
        extra = tuple(draw(st.lists(wordings(), max_size=3)))
        return replace(item, options=options(draw, item.kind), extra=extra)
    return replace(item, options=options(draw, item.kind)) if item.kind is Kind.ORDERING else choice(draw, item)


@st.composite
def items(draw: st.DrawFn, competency: str, code: str) -> Item:
    question, outcome, feedback = draw(wordings()), draw(wordings(optional=True)), draw(wordings(optional=True))
    kind = draw(st.sampled_from(Kind))
    return with_key(draw, Item(code, competency, kind, question, outcome, feedback=feedback))


@st.composite
def banks(draw: st.DrawFn) -> Bank:
    codes = draw(st.lists(st.sampled_from(["data", "verify", "éthique", "=work"]), min_size=1, unique=True))
    competencies = tuple(CompetencyTitles(code, draw(wordings())) for code in codes)
    questions = [draw(items(code, f"{code}/{number}")) for code in codes for number in range(draw(st.integers(1, 3)))]
    return Bank(competencies, tuple(questions))


@given(banks())
@settings(max_examples=60)
def test_a_bank_that_is_exported_reads_back_the_same(bank: Bank) -> None:
    imported = read(to_csv(bank))
    assert [(problem.row, problem.column, str(problem.text)) for problem in imported.errors] == []
    assert imported.bank == bank


@given(st.text(signs))
def test_guarding_a_cell_can_be_undone(text: str) -> None:
    assert unguard(guard(text)) == text


def test_no_cell_of_a_written_file_starts_like_a_formula() -> None:
    harmful = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"]
    data = write_rows([[*harmful, "-12,5", "plain"]])
    assert data.startswith(b"\xef\xbb\xbf")
    [cells] = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert cells == [*(f"'{text}" for text in harmful), "-12,5", "plain"]


def only_row(item: Item) -> dict[str, str]:
    data = to_csv(Bank((CompetencyTitles("data", {"en": "Data"}),), (item,)))
    [row] = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    return row


def test_a_numeric_key_is_written_as_a_number() -> None:
    key = NumberAnswer(Near(Decimal("-12.50"), Tolerance(Decimal(5), True)))
    row = only_row(Item("n", "data", Kind.NUMERIC, {"en": "?"}, numbers=(key,)))
    assert (row["answer"], row["tolerance"]) == ("-12.50", "5%")


def test_only_columns_that_are_used_are_written() -> None:
    key = {"en": (TextAnswer("open"), TextAnswer("ajar", Decimal(50)))}
    row = only_row(Item("t", "data", Kind.TEXT, {"en": "?"}, texts=key))
    assert [name for name, text in row.items() if text] == [
        "id",
        "competency",
        "competency_en",
        "type",
        "question_en",
        "weight_b",
        "answer",
    ]
    assert [name for name, text in row.items() if not text] == ["question_fr", "answer_fr"]


@pytest.mark.parametrize("answers", [("a|b", "c"), ("a\\", "b"), (r"a\|b",), (r"\\", r"\*"), ("|",)])
def test_a_vertical_bar_may_be_part_of_an_answer(answers: tuple[str, ...]) -> None:
    key = {"en": tuple(TextAnswer(text) for text in answers)}
    bank = Bank((CompetencyTitles("data", {"en": "Data"}),), (Item("t", "data", Kind.TEXT, {"en": "?"}, texts=key),))
    assert read(to_csv(bank)).bank == bank


@pytest.mark.parametrize("name", ["example.csv", "example-kinds.csv", "example.gift.txt"])
def test_what_was_uploaded_in_any_format_can_be_downloaded_as_a_table(name: str) -> None:
    bank = formats.read((Path(formats.__file__).parent / "static" / name).read_bytes(), name).bank
    assert len(bank.items) >= 7
    assert read(to_csv(bank)).bank == bank
