"""What is downloaded can be uploaded again, and opens in a spreadsheet without running anything."""

import csv
import io
import unicodedata
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ltitools_diagnostic.csvfile import guard, unguard, write_rows
from ltitools_diagnostic.exporting import to_csv
from ltitools_diagnostic.importing import read
from ltitools_diagnostic.items import Bank, CompetencyTitles, Item, Kind, Option, Tolerance
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


@st.composite
def items(draw: st.DrawFn, competency: str, code: str) -> Item:
    kind = draw(st.sampled_from(Kind))
    base = Item(
        code,
        competency,
        kind,
        draw(wordings()),
        draw(wordings(optional=True)),
        feedback=draw(wordings(optional=True)),
    )
    values = {name: getattr(base, name) for name in ("code", "competency", "kind", "question", "outcome", "feedback")}
    if kind is Kind.NUMERIC:
        number = draw(st.decimals(-(10**6), 10**6, places=3))
        tolerance = Tolerance(draw(st.decimals(0, 50, places=2)), draw(st.booleans()))
        return Item(**values, number=number, tolerance=tolerance)
    if kind is Kind.TEXT:
        answers = st.lists(nfc.filter(lambda text: "|" not in text), min_size=1, max_size=3).map(tuple)
        accepted = draw(st.dictionaries(st.sampled_from(["en", "fr"]), answers, min_size=1))
        return Item(**values, accepted=accepted)
    if kind is Kind.TRUEFALSE:
        options = tuple(Option({}, draw(wordings(optional=True))) for _ in range(2))
        return Item(**values, options=options, keys=(draw(st.integers(0, 1)),))
    size = draw(st.integers(2, 6))
    options = tuple(Option({"en": f"{number} {draw(nfc)}"}, draw(wordings(optional=True))) for number in range(size))
    most = 1 if kind is Kind.SINGLE else size
    keys = draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=most))
    return Item(**values, options=options, keys=tuple(sorted(keys)))


@st.composite
def banks(draw: st.DrawFn) -> Bank:
    codes = draw(st.lists(st.sampled_from(["data", "verify", "éthique", "=work"]), min_size=1, unique=True))
    competencies = tuple(CompetencyTitles(code, draw(wordings())) for code in codes)
    questions = [draw(items(code, f"{code}/{number}")) for code in codes for number in range(draw(st.integers(1, 3)))]
    return Bank(competencies, tuple(questions))


@given(banks())
@settings(deadline=None, max_examples=60)
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


def test_a_numeric_key_is_written_as_a_number() -> None:
    item = Item("n", "data", Kind.NUMERIC, {"en": "?"}, number=Decimal("-12.50"), tolerance=Tolerance(Decimal(5), True))
    data = to_csv(Bank((CompetencyTitles("data", {"en": "Data"}),), (item,)))
    [row] = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert (row["answer"], row["tolerance"]) == ("-12.50", "5%")
