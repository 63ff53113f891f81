"""Reading GIFT, the text format of Moodle: every form that its documentation describes, and broken ones."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltitools.testing import Visit
from ltitools_diagnostic import formats, gift
from ltitools_diagnostic.importing import Imported
from ltitools_diagnostic.items import (
    FALSE,
    TRUE,
    Between,
    Item,
    Kind,
    Near,
    TextAnswer,
    Tolerance,
)
from ltitools_diagnostic.scoring import fraction

EXAMPLE = Path(gift.__file__).parent / "static" / "example.gift.txt"

# What npm's gift-pegjs 1.0.2 finds in the example. It calls single and multiple choice by one name.
PEGJS_1_0_2 = {
    "Category": 2,
    "MC": 4,
    "TF": 2,
    "Numerical": 3,
    "Matching": 1,
    "Short": 2,
    "Essay": 1,
    "Description": 1,
}
PEGJS_NAMES = {
    Kind.SINGLE: "MC",
    Kind.MULTIPLE: "MC",
    Kind.TRUEFALSE: "TF",
    Kind.NUMERIC: "Numerical",
    Kind.MATCHING: "Matching",
    Kind.TEXT: "Short",
}
HALF = Fraction(1, 2)
LEFT_OUT = {"essay question": "Essay", "text without a question": "Description"}


def imported(*lines: str, language: str = "en") -> Imported:
    return gift.read("\n".join(lines).encode(), language)


def only(*lines: str) -> Item:
    found = imported(*lines)
    assert [str(problem.text) for problem in (*found.errors, *found.skipped)] == []
    [item] = found.bank.items
    return item


def texts_of(item: Item) -> list[str]:
    return [option.text["en"] for option in item.options]


def weights_of(item: Item) -> list[Decimal | None]:
    return [option.weight for option in item.options]


def test_the_example_holds_what_another_reader_of_gift_finds_in_it() -> None:
    found = gift.read(EXAMPLE.read_bytes())
    assert found.errors == ()
    counts = Counter(PEGJS_NAMES[item.kind] for item in found.bank.items)
    counts["Category"] = len(found.bank.competencies)
    for problem in found.skipped:
        counts[next(name for words, name in LEFT_OUT.items() if words in str(problem.text))] += 1
    assert counts == PEGJS_1_0_2


def test_one_right_answer_among_wrong_ones_has_feedback_for_each() -> None:
    item = only("::Tides::What makes the tides? {", "=the Moon#Mostly.", "~the wind # It makes waves.", "~fish", "}")
    assert (item.code, item.kind, item.keys) == ("tides", Kind.SINGLE, (0,))
    assert texts_of(item) == ["the Moon", "the wind", "fish"]
    assert [option.reason for option in item.options] == [{"en": "Mostly."}, {"en": "It makes waves."}, {}]
    assert weights_of(item) == [None] * 3


def test_an_answer_that_is_nearly_right_earns_a_share() -> None:
    item = only("Which planet is largest? {=Jupiter ~%50%Saturn ~Mars}")
    assert (item.kind, item.keys) == (Kind.SINGLE, (0,))
    assert [fraction(item, [index]) for index in range(3)] == [1, HALF, 0]


def test_two_answers_with_the_full_weight_are_each_right() -> None:
    item = only("Name a primary colour {=red =blue ~green}")
    assert item.kind is Kind.SINGLE
    assert [fraction(item, [index]) for index in range(3)] == [1, 1, 0]


def test_weights_without_a_right_answer_make_a_question_with_several() -> None:
    item = only("Which are even? {~%33.33333%2 ~%33.33333%4 ~%33.33333%6 ~%-100%7}")
    assert (item.kind, item.keys) == (Kind.MULTIPLE, (0, 1, 2))
    assert fraction(item, [0, 1, 2]) == 1
    assert fraction(item, [0, 1, 2, 3]) == 0


def test_weights_that_never_reach_all_points_are_told() -> None:
    found = imported("Which are even? {~%25%2 ~%25%4 ~%-50%7}")
    assert len(found.bank.items) == 1
    assert "add up to less than 100 %" in str(found.warnings[0].text)


@pytest.mark.parametrize(
    ("written", "key"),
    [("T", TRUE), ("TRUE", TRUE), ("true", TRUE), ("F", FALSE), (" FALSE ", FALSE)],
)
def test_true_and_false_are_written_in_several_ways(written: str, key: int) -> None:
    item = only(f"Water is wet. {{{written}}}")
    assert (item.kind, item.keys) == (Kind.TRUEFALSE, (key,))


@pytest.mark.parametrize(
    ("written", "reasons"),
    [
        ("T#no#yes", ["yes", "no"]),
        ("F#no#yes", ["no", "yes"]),
        ("F#no", ["no", ""]),
    ],
)
def test_feedback_of_true_and_false_is_first_for_the_wrong_answer(written: str, reasons: list[str]) -> None:
    item = only(f"Water is wet. {{{written}}}")
    assert [option.reason.get("en", "") for option in item.options] == reasons


def test_words_to_type_have_weights_feedback_and_wildcards() -> None:
    item = only(r"How is it done? {=slowly =%50%slow*#Nearly. =2\=2 =a \* b}")
    assert item.texts == {
        "en": (
            TextAnswer("slowly"),
            TextAnswer("slow*", Decimal(50), {"en": "Nearly."}),
            TextAnswer("2=2"),
            TextAnswer(r"a \* b"),
        )
    }
    assert [fraction(item, typed) for typed in ("SLOWLY", "slow-ish", "a * b", "a x b")] == [1, HALF, 1, 0]


@pytest.mark.parametrize(
    ("written", "answers"),
    [
        ("#3", [Near(Decimal(3))]),
        ("#3.14:0.01", [Near(Decimal("3.14"), Tolerance(Decimal("0.01")))]),
        ("#3.14159..3.1416", [Between(Decimal("3.14159"), Decimal("3.1416"))]),
        ("#-2..-1", [Between(Decimal(-2), Decimal(-1))]),
        ("#=7 =%50%7:1", [Near(Decimal(7)), Near(Decimal(7), Tolerance(Decimal(1)))]),
        ("# = 1..5 # good =%10%*", [Between(Decimal(1), Decimal(5)), None]),
    ],
)
def test_numbers_have_tolerances_and_ranges(written: str, answers: list[Near | Between | None]) -> None:
    assert [answer.accepts for answer in only(f"How many? {{{written}}}").numbers] == answers


def test_a_numeric_question_has_feedback_in_its_answers_and_for_wrong_ones() -> None:
    item = only("How many? {#=7#Right. =%50%7:1#Nearly. ~#Count again.}")
    assert [(answer.weight, answer.feedback["en"]) for answer in item.numbers] == [
        (Decimal(100), "Right."),
        (Decimal(50), "Nearly."),
        (Decimal(0), "Count again."),
    ]
    assert item.numbers[2].accepts is None


def test_matching_pairs_may_have_answers_too_many() -> None:
    item = only("Match. {", "=cat -> kitten", "=dog -> puppy", "= -> foal", "}")
    assert item.kind is Kind.MATCHING
    assert [(option.text["en"], option.match["en"]) for option in item.options] == [("cat", "kitten"), ("dog", "puppy")]
    assert item.extra == ({"en": "foal"},)


def test_the_lines_of_moodles_ordering_questions_stand_in_their_order() -> None:
    item = only("Sort by size. {>3 RANDOM VERTICAL ALL_OR_NOTHING 0 none", "mouse", "dog", "horse", "}")
    assert item.kind is Kind.ORDERING
    assert texts_of(item) == ["mouse", "dog", "horse"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The {=sea ~sky} is deep.", "The _____ is deep."),
        ("Deep is the {=sea ~sky}, and blue.", "Deep is the _____, and blue."),
        ("Deep is the {=sea ~sky}", "Deep is the"),
    ],
)
def test_a_missing_word_leaves_a_gap(text: str, shown: str) -> None:
    assert only(text).question == {"en": shown}


def test_signs_with_a_backslash_are_text() -> None:
    item = only(r"::a\:\:b::Is \{x \~ y\} \= \#1\: 1\\2?\nSay. {=\=1 ~\~1 # \#why\n\}}")
    assert item.question["en"] == "Is {x ~ y} = #1: 1\\2?\nSay."
    assert [option.text["en"].replace("\\", "") for option in item.options] == ["=1", "~1"]
    assert item.options[1].reason["en"].replace("\\", "") == "#why\n}"


def test_texts_are_plain_markdown_or_html_as_they_say() -> None:
    plain = only("[plain]Is *a* <b>? {=*x* ~[html]<b>y</b> z}")
    assert plain.question["en"].replace("\\", "") == "Is *a* <b>?"
    assert texts_of(plain)[1] == "**y** z"
    assert only("[markdown]Is *a*? {T}").question == {"en": "Is *a*?"}
    assert only("[html]Is <em>a</em>&nbsp;&lt; 3? {T}").question["en"].replace("\xa0", " ") == r"Is *a* \< 3?"
    assert only("[moodle]Is <i>a</i>", "or b? {T}").question == {"en": "Is *a*\nor b?"}
    assert only("Is a_b or 2*3*4 right? {T}").question["en"].replace("\\", "") == "Is a_b or 2*3*4 right?"


def test_formatting_that_is_lost_is_told() -> None:
    found = imported('[html]Who is <img src="x.png" alt="this"> in <svg><p>it</p></svg>? {=Ada ~Bob}')
    assert found.bank.items[0].question == {"en": "Who is this in ?"}
    assert "img, svg" in str(found.warnings[0].text)


def test_general_feedback_is_kept_for_everybody() -> None:
    assert only("Is it? {T#no#yes####Because.}").feedback == {"en": "Because."}
    assert only("Which? {=a#good ~b #### It is a.}").feedback == {"en": "It is a."}


def test_categories_become_competencies() -> None:
    found = imported(
        "Before? {T}",
        "",
        "$CATEGORY: $course$/top/Éthique//IA/Biais",
        "",
        "One? {T}",
        "",
        "$CATEGORY: tools",
        "Two? {F}",
        "",
        "$CATEGORY: $course$/top/Éthique//IA/Biais",
        "",
        "Three? {F}",
    )
    titles = {each.code: each.titles["en"] for each in found.bank.competencies}
    assert titles == {"general": "General", "ethique-ia-biais": "Biais", "tools": "tools"}
    assert found.bank.counts == {"general": 1, "ethique-ia-biais": 2, "tools": 1}
    assert "“general”" in str(found.warnings[0].text)


def test_two_categories_that_look_alike_stay_two() -> None:
    found = imported("$CATEGORY: a/b", "", "One? {T}", "", "$CATEGORY: a-b", "", "Two? {T}")
    assert [each.code for each in found.bank.competencies] == ["a-b", "a-b-2"]


def test_ids_come_from_comments_or_titles_and_differ() -> None:
    found = imported(
        "// question: 12  name: first", "// [id:q-7\\]] [tag:easy]", "::Title::One? {T}",
        "", "::Title::Two? {T}", "", "::Title::Three? {T}", "", "Four? {T}", "", "// [id:lost]", "", "Five? {T}",
    )  # fmt: skip
    assert [item.code for item in found.bank.items] == ["q-7]", "title", "title-2", "gift-4", "gift-5"]


def test_essays_and_descriptions_are_left_out_and_do_not_stop_the_others() -> None:
    found = imported("::Why::Explain. {}", "", "Only a text.", "", "Explain. {####Thanks}", "", "Good? {T}")
    assert len(found.bank.items) == 1
    assert found.errors == ()
    assert [(problem.row, problem.value) for problem in found.skipped] == [
        (1, "Why"),
        (3, "Only a text."),
        (5, "Explain. {####Thanks}"),
    ]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("Open? {=a ~b", "no partner"),
        ("Open? {", "no partner"),
        ("Shut? =a}", "no partner"),
        ("One? {T} Two? {F}", "more than one part in braces"),
        ("{=a ~b}", "question is empty"),
        ("Which? {~a ~b}", "No answer is right"),
        ("Which? {=a ~}", "answer of this question is empty"),
        ("Which? {=a ~A}", "say the same"),
        ("Which? {=a ~%500%b}", "percentage"),
        ("Which? {=a ~" + " ~".join("b" * n for n in range(1, 30)) + "}", "more than 26 answers"),
        ("How many? {#many}", "must be a number"),
        ("How many? {#5..1}", "must be a number"),
        ("How many? {#3:-1}", "must be a number"),
        ("Type. {= =b}", "is empty"),
        ("Type. {=%0%a}", "No answer is right"),
        ("Match. {=a -> b =c}", "arrow"),
        ("Match. {=a -> b}", "at least two options"),
        ("Match. {=a -> b =c -> b}", "two different answers"),
        ("Long? {=" + "x" * 4001 + " ~b}", "longer than 4000"),
    ],
)
def test_a_broken_question_is_told_with_its_line_and_its_neighbours_are_read(broken: str, words: str) -> None:
    found = imported("First? {T}", "", "// a comment", broken, "", "Last? {F}")
    assert [item.question["en"] for item in found.bank.items] == ["First?", "Last?"]
    [problem] = found.errors
    assert problem.row == 4
    assert words in str(problem.text)


def test_a_blank_line_between_the_braces_does_not_tear_a_question() -> None:
    item = only("Which? {", "=a", "", "~b", "}")
    assert texts_of(item) == ["a", "b"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_files_of_all_systems_are_read(line_end: str) -> None:
    assert len(gift.read(line_end.join(["One? {T}", "", "Two? {F}"]).encode()).bank.items) == 2


def test_a_file_of_windows_is_read_with_a_warning() -> None:
    found = gift.read("L’été, c’est chaud ? {T}".encode("cp1252"), "fr")
    assert found.bank.items[0].question == {"fr": "L’été, c’est chaud ?"}
    assert "not in UTF-8" in str(found.warnings[0].text)


def test_an_empty_file_says_so() -> None:
    assert [str(problem.text) for problem in imported("// nothing").errors] == ["There is no question in this file."]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "One? {T}", "gift"),
        ("a.gift", "nothing", "gift"),
        ("a.csv", "$CATEGORY: x\n\nOne? {T}", "gift"),
        ("a.txt", "competency,question,answer\nx,Is {a} one?,yes", "csv"),
        ("a.gift", "competency;question;answer\nx;Why?;yes", "csv"),
        ("a.csv", "Dear colleague", "csv"),
        ("a.txt", "", "csv"),
    ],
)
def test_the_format_is_found_out_from_the_text_and_the_name(name: str, content: str, expected: str) -> None:
    assert formats.format_of(content.encode(), name) == expected


def test_answers_that_moodle_never_formats_stay_as_they_are() -> None:
    assert only("[html]Which tag breaks a <b>line</b>? {=<br> =&lt;br&gt;}").texts["en"][0] == TextAnswer("<br>")
    item = only("[html]Match. {=<b>bold</b> -> <b> =<i>italic</i> -> <i>}")
    assert texts_of(item) == ["**bold**", "*italic*"]
    assert [option.match["en"].replace("\\", "") for option in item.options] == ["<b>", "<i>"]


@pytest.mark.parametrize("text", ["<b>" * 60_000, "a<br>" * 39_000, "<div>" * 99 + "a\n" * 50_000, "{" * 300_000])
def test_a_question_of_any_size_is_read_or_refused(text: str) -> None:
    found = imported(f"[html]{text} {{T}}", "", "Good? {T}")
    assert [item.question["en"] for item in found.bank.items][-1] == "Good?"
    assert len(found.errors) == 1


def test_an_arrow_in_feedback_makes_no_pair() -> None:
    assert only("Which? {=a # a -> b}").kind is Kind.TEXT


@given(st.text("{}=~#:%->T\\n/ab1\n$[]", max_size=60))
@settings(deadline=None)
def test_no_text_makes_the_reader_fail(text: str) -> None:
    found = gift.read(text.encode())
    for item in found.bank.items:
        assert 0 <= fraction(item, "x") <= 1 if item.kind in (Kind.TEXT, Kind.NUMERIC) else item.options


def test_a_gift_file_is_uploaded_like_a_table(choose: Callable[..., Visit], rows: Callable[..., list[Any]]) -> None:
    visit = choose()
    form = {"title": "First aid", "language": "en", "file": (io.BytesIO(EXAMPLE.read_bytes()), "questions.gift.txt")}
    report = visit.post("new", form).headers["Location"]
    page = unescape(visit.get(report).get_data(as_text=True))
    assert "questions.gift.txt · read as GIFT" in page
    assert "12 questions can be imported." in page
    table = page.partition("Left out, and why")[2].partition("</table>")[0]
    assert table.count("<tr>") == 3
    assert "This is an essay question." in table
    draft = visit.post(report, {"rows": "all"}).headers["Location"]
    assert "The kit" in visit.get(draft).get_data(as_text=True)
    assert len(rows("SELECT id FROM diagnostic_item")) == 12


def test_a_gift_file_that_asks_nothing_cannot_be_imported(choose: Callable[..., Visit]) -> None:
    visit = choose()
    form = {"title": "Texts", "language": "en", "file": (io.BytesIO(b"Only a text.\n\nWhy? {}"), "texts.gift")}
    report = visit.post("new", form).headers["Location"]
    page = unescape(visit.get(report).get_data(as_text=True))
    assert "No question of this file can be asked here." in page
    assert "Continue with these questions" not in page
    assert visit.post(report, {"rows": "all"}).headers["Location"].endswith(report.rpartition("/")[2])


def test_a_name_with_a_line_break_that_moodle_writes_into_its_comment_is_no_part_of_the_question() -> None:
    comment = ("// question: 7  name: Which capitals", "belong here?")
    [item] = imported(*comment, r"::Which capitals\nbelong here?::Pick Ottawa.{T}").bank.items
    assert item.question == {"en": "Pick Ottawa."}
