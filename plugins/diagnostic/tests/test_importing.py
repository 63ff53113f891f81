"""Reading a bank of questions from a CSV file: what works, and what people are told when it does not."""

import codecs
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from ltitools.plugin import use_locale
from ltitools_diagnostic import formats
from ltitools_diagnostic.csvfile import MAX_BYTES, MAX_ROWS
from ltitools_diagnostic.importing import Imported, read
from ltitools_diagnostic.items import (
    FALSE,
    TRUE,
    Between,
    Item,
    Kind,
    Near,
    NumberAnswer,
    Option,
    TextAnswer,
    Tolerance,
)

MINIMAL = """competency,type,question,option_a,option_b,option_c,answer
data,single,Which file may leave the ward?,The rota,A scan with a name,,a
data,multiple,Which are personal data?,A name,A room number,A patient number,a;c
data,truefalse,A first name can be personal data.,,,,TRUE
data,numeric,How many days may it be kept?,,,,30
data,text,What is the opposite of open?,,,,closed|shut
"""


def rows_of(*lines: str, header: str = "competency,type,question,option_a,option_b,answer") -> bytes:
    return "\n".join((header, *lines)).encode()


def told(problems: Sequence[object]) -> list[str]:
    return [str(getattr(problem, "text", "")) for problem in problems]


def only_item(imported: Imported) -> Item:
    assert told(imported.errors) == []
    [item] = imported.bank.items
    return item


def only_error(data: bytes) -> tuple[int | None, str, str]:
    [problem] = read(data).errors
    return problem.row, problem.column, str(problem.text)


def test_a_small_file_with_few_columns_is_enough() -> None:
    imported = read(MINIMAL.encode())
    assert told(imported.errors) == []
    assert [item.kind for item in imported.bank.items] == list(Kind)[:5]
    assert imported.bank.counts == {"data": 5}
    single, multiple, truth, number, typed = imported.bank.items
    assert (single.keys, multiple.keys, truth.keys) == ((0,), (0, 2), (TRUE,))
    assert [option.text["en"] for option in single.options] == ["The rota", "A scan with a name"]
    assert number.numbers == (NumberAnswer(Near(Decimal(30))),)
    assert typed.texts == {"en": (TextAnswer("closed"), TextAnswer("shut"))}
    assert [item.code for item in imported.bank.items] == ["data-1", "data-2", "data-3", "data-4", "data-5"]


def test_the_examples_of_the_readme_are_imported_without_an_error() -> None:
    readme = Path(__file__).parents[1] / "README.md"
    examples = re.findall(r"```csv\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    items = [item for example in examples for item in read(example.encode()).bank.items]
    assert [told(read(example.encode()).errors) for example in examples] == [[], []]
    assert len(items) == 14
    assert {item.kind for item in items} == set(Kind)


def test_the_example_of_all_kinds_is_imported_without_a_word() -> None:
    imported = read((Path(formats.__file__).parent / "static" / "example-kinds.csv").read_bytes())
    assert told((*imported.errors, *imported.warnings)) == []
    assert {item.kind for item in imported.bank.items} == set(Kind)


def test_columns_without_a_language_are_in_the_one_the_instructor_names() -> None:
    imported = read(rows_of("data,text,Quelle couleur ?,,,bleu"), language="fr")
    item = only_item(imported)
    assert item.question == {"fr": "Quelle couleur ?"}
    assert item.texts == {"fr": (TextAnswer("bleu"),)}
    assert imported.bank.competencies[0].titles == {"fr": "data"}
    assert imported.bank.languages == ("fr",)


@pytest.mark.parametrize(
    ("options", "answer", "kind"),
    [
        ("one,two", "b", Kind.SINGLE),
        ("one,two", '"a, b"', Kind.MULTIPLE),
        (",", "VRAI", Kind.TRUEFALSE),
        (",", "faux", Kind.TRUEFALSE),
        (",", '"12,5"', Kind.NUMERIC),
        (",", "twelve", Kind.TEXT),
    ],
)
def test_the_type_may_be_left_out(options: str, answer: str, kind: Kind) -> None:
    header = "competency,question,option_a,option_b,answer"
    assert only_item(read(rows_of(f"data,Why?,{options},{answer}", header=header))).kind is kind


def test_column_names_may_be_written_as_people_write_them() -> None:
    header = "Competency,TYPE,Question EN,option-a-en,OPTION_B_en,Option  A  FR,answer"
    item = only_item(read(rows_of("data,True / False,Right?,,,,false", header=header)))
    assert (item.kind, item.keys) == (Kind.TRUEFALSE, (FALSE,))
    item = only_item(read(rows_of("data,single,Right?,yes,no,oui,B", header=header)))
    assert item.options[0].text == {"en": "yes", "fr": "oui"}
    assert item.keys == (1,)


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        lambda text: text.encode("cp1252"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16 le", "utf-16 be", "windows"],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_spreadsheets_save_is_read(encode: Callable[[str], bytes], separator: str, line_end: str) -> None:
    lines = ["competency,question,answer", "données,Où est l’été ?,là"]
    imported = read(encode(line_end.join(lines).replace(",", separator)), language="fr")
    item = only_item(imported)
    assert (item.competency, item.question["fr"]) == ("données", "Où est l’été ?")
    assert item.texts == {"fr": (TextAnswer("là"),)}


def test_windows_text_is_read_with_a_warning() -> None:
    imported = read("competency,question,answer\ndonnées,Où ?,là".encode("cp1252"))
    assert "not in UTF-8" in told(imported.warnings)[0]


def test_a_text_may_contain_separators_quotes_and_line_breaks() -> None:
    data = b'competency;question;answer\ndata;"a; ""b""\r\nc";x\n\ndata;;y\n'
    imported = read(data)
    assert imported.bank.items[0].question["en"] == 'a; "b"\nc'
    assert [(problem.row, problem.column) for problem in imported.errors] == [(4, "question")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (b"\xef\xbb\xbf\n\n", "The file is empty"),
        (b"PK\x03\x04" + bytes(40), "This is a spreadsheet"),
        (b"\xd0\xcf\x11\xe0" + bytes(40), "This is a spreadsheet"),
        (b"competency,question,answer\nda\0ta,Why?,x", "not plain text"),
        (b"\x81\x8d\x8f", "not plain text"),
        (b"competency,question,answer\n", "no question below the header"),
        (b'competency,question,answer\ndata,"Why?,x\ndata,Who?,y', "quotation mark"),
        (b'competency,question,answer\ndata,"Why"?,x', "quotation mark"),
        (b" " * (MAX_BYTES + 1), "larger than 5 MB"),
        (b"competency,question,answer\n" + b"data,Why?,x\n" * (MAX_ROWS + 1), "more than 5000 rows"),
        (b"a," * 600 + b"\n", "more than 500 columns"),
        (b"competency,question,answer,answer\ndata,Why?,x,y", "there twice"),
        (b"competency,answer\ndata,x", "column is missing"),
    ],
    ids=[
        "nothing",
        "only blank rows",
        "xlsx",
        "xls",
        "nul",
        "binary",
        "only a header",
        "quote not closed",
        "quote inside",
        "too large",
        "too many rows",
        "too many columns",
        "column twice",
        "column missing",
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, words: str) -> None:
    imported = read(data)
    assert imported.bank.items == ()
    assert len(imported.errors) == 1
    assert words in told(imported.errors)[0]


def test_the_largest_allowed_file_is_read() -> None:
    rows = b"".join(b"data,Why %d?,x\n" % number for number in range(MAX_ROWS))
    assert len(read(b"competency,question,answer\n" + rows).bank.items) == MAX_ROWS


def test_a_text_in_place_of_a_table_names_every_missing_column() -> None:
    problems = read(b"Dear colleague\nplease find enclosed").errors
    assert [problem.column for problem in problems] == ["competency", "question", "answer"]


def test_a_hundred_columns_are_one_warning() -> None:
    names = ",".join(f"note {number}" for number in range(100))
    imported = read(f"competency,question,answer,{names}\ndata,Why?,x".encode())
    assert [item.question["en"] for item in imported.bank.items] == ["Why?"]
    warning = imported.warnings[0]
    assert warning.row == 1
    assert warning.value.startswith("note 0, note 1")
    assert len(warning.value) <= 60


def test_short_rows_are_filled_up_and_long_ones_refused() -> None:
    header = "competency,question,answer,tolerance,feedback"
    assert only_item(read(rows_of("data,How many?,3", header=header))).numbers == (NumberAnswer(Near(Decimal(3))),)
    row, _column, text = only_error(rows_of("data,How many?,3,,,,surplus", header=header))
    assert (row, "more values than there are columns" in text) == (2, True)


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        (",text,Why?,,,x", "competency", "competency is empty"),
        ("data,text,,,,x", "question", "question is empty"),
        ("data,essay,Why?,,,x", "type", "must be single"),
        ("data,text,Why?,,,", "answer", "answer is empty"),
        ("data,text,Why?,,,|", "answer", "could type"),
        ("data,single,Why?,one,two,c", "answer", "letter of an option"),
        ("data,single,Why?,one,two,one", "answer", "letter of an option"),
        ("data,single,Why?,one,two,a;b", "answer", "one right option"),
        ("data,single,Why?,one,,a", "option_b", "at least two options"),
        ("data,multiple,Why?,one,ONE,a", "option_b_en", "the same as option a"),
        ("data,truefalse,Why?,,,maybe", "answer", "true or false"),
        ("data,numeric,Why?,,,many", "answer", "must be a number"),
        ("data,text," + "y" * 4001 + ",,,x", "question_en", "longer than 4000"),
        ("d" * 129 + ",text,Why?,,,x", "competency", "longer than 128"),
    ],
)
def test_each_mistake_in_a_row_names_the_column_and_what_to_do(line: str, column: str, words: str) -> None:
    row, where, text = only_error(rows_of("data,text,Good?,,,x", line))
    assert (row, where) == (3, column)
    assert words in text


@pytest.mark.parametrize("tolerance", ["-1", "five", "5%%", "-5%"])
def test_a_tolerance_that_cannot_be_read_is_told(tolerance: str) -> None:
    data = rows_of(f"data,How many?,3,{tolerance}", header="competency,question,answer,tolerance")
    row, column, text = only_error(data)
    assert (row, column) == (2, "tolerance")
    assert text.endswith("such as 5%.")


def test_a_tolerance_is_an_amount_or_a_share() -> None:
    header = "competency,question,answer,tolerance"
    read_of = [only_item(read(rows_of(f"data,How many?,3,{typed}", header=header))) for typed in ('"0,5"', "5 %")]
    assert [item.numbers[0].accepts for item in read_of] == [
        Near(Decimal(3), Tolerance(Decimal("0.5"))),
        Near(Decimal(3), Tolerance(Decimal(5), percent=True)),
    ]


def test_all_mistakes_are_told_at_once_and_good_rows_remain() -> None:
    imported = read(rows_of("data,text,,,,", "data,text,Good?,,,x", "other,single,Why?,one,two,z"))
    assert [(problem.row, problem.column) for problem in imported.errors] == [
        (2, "question"),
        (2, "answer"),
        (4, "answer"),
    ]
    assert [item.question["en"] for item in imported.bank.items] == ["Good?"]
    assert [competency.code for competency in imported.bank.competencies] == ["data"]


def test_an_id_used_twice_is_refused_with_the_first_row() -> None:
    data = rows_of("q1,data,Why?,x", "q1,data,Who?,y", header="id,competency,question,answer")
    row, column, text = only_error(data)
    assert (row, column, "Row 2" in text) == (3, "id", True)


def test_the_same_competency_may_be_written_in_other_case() -> None:
    imported = read(rows_of("Data use,text,Why?,,,x", "data  USE,text,Who?,,,y"))
    assert imported.bank.counts == {"Data use": 2}


def test_titles_of_a_competency_are_collected_and_a_second_one_is_told() -> None:
    header = "competency,competency_en,competency_fr,question_en,question_fr,answer"
    imported = read(rows_of("data,Data,,A?,A ?,x", "data,,Données,B?,B ?,x", "data,Figures,,C?,C ?,x", header=header))
    assert imported.bank.competencies[0].titles == {"en": "Data", "fr": "Données"}
    [warning] = imported.warnings
    assert (warning.row, warning.column, warning.value) == (4, "competency_en", "Figures")
    assert "“Data”" in str(warning.text)


def test_a_file_in_one_language_is_one_warning() -> None:
    assert told(read(MINIMAL.encode()).warnings) == [
        "All questions are in English only. People who use French see them in English."
    ]


def test_a_text_that_lacks_one_language_is_told_by_its_column() -> None:
    header = "competency,competency_en,competency_fr,question_en,question_fr,option_a_en,option_b_en,option_b_fr,answer"
    imported = read(rows_of("data,Data,Données,A?,A ?,one,two,deux,a", header=header))
    [warning] = imported.warnings
    assert (warning.row, warning.column) == (2, "option_a_fr")


def test_columns_that_a_type_does_not_use_are_told() -> None:
    header = "competency,type,question,option_a,reason_c,answer,tolerance"
    imported = read(rows_of("data,truefalse,Why?,one,because,true,5", header=header))
    assert imported.warnings[0].value == "option_a, reason_c, tolerance"


def test_reasons_of_true_and_false_are_kept() -> None:
    header = "competency,question,reason_a,reason_b,answer"
    item = only_item(read(rows_of("data,Why?,It is so.,It is not so.,true", header=header)))
    assert [option.reason for option in item.options] == [{"en": "It is so."}, {"en": "It is not so."}]


def test_matching_has_an_answer_for_each_option_and_perhaps_more() -> None:
    header = "competency,question,option_a,match_a,option_b,match_b,match_c"
    item = only_item(read(rows_of("data,Match.,Rome,Italy,Bern,Switzerland,Malta", header=f"{header},type")))
    assert item.kind is Kind.MATCHING
    assert item.options == (
        Option({"en": "Rome"}, {}, match={"en": "Italy"}),
        Option({"en": "Bern"}, {}, match={"en": "Switzerland"}),
    )
    assert item.extra == ({"en": "Malta"},)


def test_ordering_has_its_options_in_the_right_order() -> None:
    header = "competency,type,question,option_a,option_b,option_c"
    item = only_item(read(rows_of("data,ordering,Sort.,one,two,three", header=header)))
    assert (item.kind, [option.text["en"] for option in item.options]) == (Kind.ORDERING, ["one", "two", "three"])


def test_a_question_may_have_as_many_options_as_there_are_letters() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    header = "competency,question,answer," + ",".join(f"option_{letter}" for letter in letters)
    item = only_item(
        read(rows_of("data,Which?,z," + ",".join(f"option {letter}" for letter in letters), header=header))
    )
    assert (len(item.options), item.keys) == (26, (25,))


@pytest.mark.parametrize(
    ("cells", "kind", "keys", "weights"),
    [
        (",100,50,,", Kind.SINGLE, (0,), [100, 50, 0]),
        ("a,100,,-25%,single", Kind.SINGLE, (0,), [100, 0, -25]),
        (",50,50,-50,multiple", Kind.MULTIPLE, (0, 1), [50, 50, -50]),
        (",50,50,-50,", Kind.MULTIPLE, (0, 1), [50, 50, -50]),
        ("a;b,50,50,-50,", Kind.MULTIPLE, (0, 1), [50, 50, -50]),
    ],
)
def test_options_may_have_weights(cells: str, kind: Kind, keys: tuple[int, ...], weights: list[int]) -> None:
    header = "competency,question,option_a,option_b,option_c,answer,weight_a,weight_b,weight_c,type"
    item = only_item(read(rows_of(f"data,Which?,one,two,three,{cells}", header=header)))
    assert (item.kind, item.keys) == (kind, keys)
    assert [option.weight for option in item.options] == weights


def test_several_numbers_have_tolerances_ranges_weights_and_feedback() -> None:
    header = "competency,question,answer,tolerance,weight_b,reason_b,weight_d"
    item = only_item(read(rows_of("data,How many?,12 | 10..14|20:5%|*,0.5,50,Nearly.,0", header=header)))
    assert item.numbers == (
        NumberAnswer(Near(Decimal(12), Tolerance(Decimal("0.5")))),
        NumberAnswer(Between(Decimal(10), Decimal(14)), Decimal(50), {"en": "Nearly."}),
        NumberAnswer(Near(Decimal(20), Tolerance(Decimal(5), percent=True))),
        NumberAnswer(None, Decimal(0)),
    )


def test_words_of_both_languages_are_lettered_one_after_the_other() -> None:
    header = "competency,question,answer,answer_fr,weight_b,reason_c"
    item = only_item(read(rows_of("data,What?,open|ajar*,ouvert,50,Bien.", header=header)))
    assert item.texts == {
        "en": (TextAnswer("open"), TextAnswer("ajar*", Decimal(50))),
        "fr": (TextAnswer("ouvert", feedback={"en": "Bien."}),),
    }


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ("matching,Match.,one,two,,x,,", "match_b_en", "right answer to option b"),
        ("matching,Match.,one,,,x,,", "option_b", "at least two options"),
        ("matching,Match.,one,two,,x,x,", "match_b", "two different answers"),
        ("ordering,Sort.,one,,,,,", "option_b", "at least two options"),
        ("ordering,Sort.,one,ONE,,,,", "option_b_en", "the same as option a"),
        ("single,Which?,one,two,,,,half", "weight_a", "percentage from -100 to 100"),
        ("single,Which?,one,two,,,,101", "weight_a", "percentage from -100 to 100"),
        ("single,Which?,one,two,,,,0", "weight_a", "above 0"),
        ("single,Which?,one,two,b,,,100", "answer", "other options right"),
        ("numeric,How many?,,,5..3,,,", "answer", "range such as"),
        ("numeric,How many?,,,3:x,,,", "answer", "tolerance must be"),
        ("numeric,How many?,,,3|,,,", "answer", "must be a number"),
        ("text,What?,,,open,,,-5", "weight_a", "above 0"),
    ],
)
def test_each_mistake_in_the_newer_columns_is_told_too(cells: str, column: str, words: str) -> None:
    header = "competency,type,question,option_a,option_b,answer,match_a,match_b,weight_a"
    errors = read(rows_of(f"data,{cells}", header=header)).errors
    assert [(problem.row, problem.column) for problem in errors] == [(2, column)] * len(errors)
    assert words in str(errors[0].text)


def test_a_row_tells_which_of_the_newer_columns_it_does_not_use() -> None:
    header = "competency,type,question,option_a,option_b,answer,match_a,weight_c,reason_b"
    imported = read(rows_of("data,single,Why?,one,two,a,x,50,because", header=header))
    assert imported.warnings[0].value == "match_a, weight_c"
    imported = read(rows_of("data,numeric,Why?,,,3,,,because", header=header))
    assert imported.warnings[0].value == "reason_b"


def test_values_in_a_report_are_short_and_the_report_speaks_french() -> None:
    data = rows_of("data,essay " + "long " * 40 + ",Why?,,,x")
    [problem] = read(data).errors
    assert len(problem.value) <= 60
    with use_locale("fr"):
        assert str(problem.text).startswith("Le type doit être single, multiple, truefalse, numeric, text, ")
