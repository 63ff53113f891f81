"""The sample questions that come with the host: complete, bilingual, and not solvable by looks."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ltitools_diagnostic.columns import COLUMNS
from ltitools_diagnostic.importing import read

FOLDER = Path(__file__).resolve().parents[3] / "config" / "demo"
FULL, TASTER = "ai-awareness.csv", "ai-awareness-taster.csv"
FILES = (FULL, TASTER)
LANGUAGES = ("en", "fr")
LETTERS = "abcdef"
COUNTS = {
    FULL: {"ai-basics": 12, "data": 12, "prompting": 12, "verify": 12, "ethics": 12, "work": 12},
    TASTER: {"data": 6, "verify": 6},
}
GIVEAWAY_SHARE = 0.35
CATCH_ALL = re.compile(
    r"\b(all|none|both|neither|any) of (the|these|them)\b"
    r"|\b(toutes|aucune|chacune) (de )?(ces|des|les) (réponses|options|propositions|choix)"
    r"|\b(tous ces choix|aucun de ces choix|les deux réponses|(a|b|c|d) (and|et) (a|b|c|d)\b)",
    re.IGNORECASE,
)
YES_OR_NO = re.compile(r"(yes|no|oui|non)\b", re.IGNORECASE)
MARKUP = re.compile(r"<[a-z/!]|&#?\w+;", re.IGNORECASE)
PLAIN_FRENCH = re.compile(r"['\"]|[^\N{NO-BREAK SPACE}][?!:;»]|«[^\N{NO-BREAK SPACE}]")

Row = dict[str, str]

each_file = pytest.mark.parametrize("name", FILES)
each_language = pytest.mark.parametrize("language", LANGUAGES)


def rows(name: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO((FOLDER / name).read_text("utf-8"), newline=""), strict=True))


def of_kind(name: str, kind: str) -> list[Row]:
    return [row for row in rows(name) if row["type"] == kind]


def choices(name: str) -> list[Row]:
    return [*of_kind(name, "single"), *of_kind(name, "multiple")]


def options(row: Row, language: str) -> dict[str, str]:
    texts = {letter: row[f"option_{letter}_{language}"] for letter in LETTERS}
    return {letter: text for letter, text in texts.items() if text}


def keys(row: Row) -> list[str]:
    return row["answer"].split(";")


def wordings(row: Row, language: str) -> Iterator[str]:
    """Every text of a row that a person reads in this language."""
    return (text for column, text in row.items() if column.endswith(f"_{language}") and text)


def ids(found: list[Row]) -> list[str]:
    return [row["id"] for row in found]


@each_file
def test_the_tool_imports_every_question_without_an_error_or_a_warning(name: str) -> None:
    imported = read((FOLDER / name).read_bytes())
    assert [str(problem.text) for problem in (*imported.errors, *imported.warnings)] == []
    assert imported.bank.counts == COUNTS[name]


@each_file
def test_the_file_is_plain_utf_8_with_the_documented_columns(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    header = data.decode("utf-8").split("\r\n", 1)[0].split(",")
    assert header == [name for name in COLUMNS if name in header]


def test_ids_are_unique_in_each_file_and_between_them() -> None:
    found = [code for name in FILES for code in ids(rows(name))]
    assert [code for code, times in Counter(found).items() if times > 1] == []
    assert all(code.endswith("-t") for code in ids(rows(TASTER)))


def test_each_competency_has_the_same_mix_of_types() -> None:
    for competency in COUNTS[FULL]:
        mix = Counter(row["type"] for row in rows(FULL) if row["competency"] == competency)
        assert mix == {"single": 7, "multiple": 2, "truefalse": 1, "numeric": 1, "text": 1}, competency


def test_the_taster_asks_what_the_full_file_asks() -> None:
    full = {row["id"]: row for row in rows(FULL)}
    for row in rows(TASTER):
        assert row == full[row["id"].removesuffix("-t")] | {"id": row["id"]}


@each_file
@each_language
def test_each_question_names_its_competency_and_outcome(name: str, language: str) -> None:
    for row in rows(name):
        for column in ("competency", "outcome", "question"):
            assert row[f"{column}_{language}"].strip(), (row["id"], column)


@each_file
def test_outcomes_differ_from_question_to_question(name: str) -> None:
    for language in LANGUAGES:
        assert len({row[f"outcome_{language}"] for row in rows(name)}) == len(rows(name))


@each_file
@each_language
def test_questions_are_short_enough_to_be_read_at_once(name: str, language: str) -> None:
    assert [row["id"] for row in rows(name) if len(row[f"question_{language}"]) > 350] == []


@each_file
@each_language
def test_choices_have_distinct_options_and_a_reason_for_each(name: str, language: str) -> None:
    for row in choices(name):
        shown = options(row, language)
        allowed = (3, 4) if row["type"] == "single" else (4, 5, 6)
        assert len(shown) in allowed, row["id"]
        assert "".join(shown) == LETTERS[: len(shown)], row["id"]
        assert len({text.casefold() for text in shown.values()}) == len(shown), row["id"]
        reasons = {letter for letter in LETTERS if row[f"reason_{letter}_{language}"]}
        assert reasons == set(shown), row["id"]


@each_file
def test_keys_are_options_that_exist(name: str) -> None:
    for row in choices(name):
        found = keys(row)
        assert set(found) <= set(options(row, "en")), row["id"]
        assert len(set(found)) == len(found), row["id"]
        assert len(found) in ((1,) if row["type"] == "single" else (2, 3)), row["id"]


@each_file
@each_language
def test_true_and_false_are_explained_and_neither_is_always_right(name: str, language: str) -> None:
    found = of_kind(name, "truefalse")
    assert {row["answer"] for row in found} == {"true", "false"}
    for row in found:
        assert options(row, language) == {}
        assert row[f"reason_a_{language}"], row["id"]
        assert row[f"reason_b_{language}"], row["id"]


@each_file
@each_language
def test_typed_answers_are_explained_after_submission(name: str, language: str) -> None:
    for row in [*of_kind(name, "numeric"), *of_kind(name, "text")]:
        assert row[f"feedback_{language}"], row["id"]


@each_file
def test_numbers_have_a_tolerance(name: str) -> None:
    for row in of_kind(name, "numeric"):
        assert re.fullmatch(r"-?\d+(\.\d+)?", row["answer"]), row["id"]
        assert re.fullmatch(r"\d+(\.\d+)?%?", row["tolerance"]), row["id"]


@each_file
def test_words_to_type_are_short_and_accepted_in_both_languages(name: str) -> None:
    for row in of_kind(name, "text"):
        for column in ("answer", "answer_fr"):
            accepted = row[column].split("|")
            assert all(1 <= len(text.split()) <= 2 for text in accepted), (row["id"], column)


def test_key_positions_of_the_full_file_are_balanced() -> None:
    found = of_kind(FULL, "single")
    positions = Counter(row["answer"] for row in found)
    assert set(positions) == set("abcd")
    assert all(0.15 <= times / len(found) <= 0.35 for times in positions.values()), positions


def test_no_key_position_has_more_than_half_of_the_taster() -> None:
    found = of_kind(TASTER, "single")
    assert max(Counter(row["answer"] for row in found).values()) <= len(found) / 2


@each_file
@each_language
def test_the_length_of_an_option_does_not_give_the_key_away(name: str, language: str) -> None:
    longest, shortest = [], []
    found = of_kind(name, "single")
    for row in found:
        lengths = {letter: len(text) for letter, text in options(row, language).items()}
        key = lengths.pop(row["answer"])
        longest += [row["id"]] if key > max(lengths.values()) else []
        shortest += [row["id"]] if key < min(lengths.values()) else []
    assert len(longest) <= GIVEAWAY_SHARE * len(found), longest
    assert len(shortest) <= GIVEAWAY_SHARE * len(found), shortest


@each_file
@each_language
def test_no_option_stands_for_the_others(name: str, language: str) -> None:
    found = [(row["id"], text) for row in choices(name) for text in options(row, language).values()]
    assert [pair for pair in found if CATCH_ALL.search(pair[1])] == []


@pytest.mark.parametrize(
    "text",
    ["All of the above", "None of these", "Toutes ces réponses", "Aucune de ces réponses", "A and C"],
)
def test_an_option_that_stands_for_the_others_would_be_noticed(text: str) -> None:
    assert CATCH_ALL.search(text)


@each_file
@each_language
def test_yes_or_no_never_starts_the_key_alone(name: str, language: str) -> None:
    for row in choices(name):
        starts = {letter for letter, text in options(row, language).items() if YES_OR_NO.match(text)}
        assert not starts or starts - set(keys(row)), row["id"]


@each_file
@each_language
def test_texts_are_plain_text(name: str, language: str) -> None:
    found = [text for row in rows(name) for text in wordings(row, language)]
    assert [text for text in found if MARKUP.search(text) or text != text.strip() or "  " in text] == []


@each_file
def test_french_texts_use_french_typography(name: str) -> None:
    found = [text for row in rows(name) for text in wordings(row, "fr")]
    assert [text for text in found if PLAIN_FRENCH.search(text)] == []


@each_file
def test_the_two_languages_are_not_copies_of_each_other(name: str) -> None:
    for row in rows(name):
        for column in ("competency", "outcome", "question"):
            assert row[f"{column}_en"] != row[f"{column}_fr"], row["id"]
