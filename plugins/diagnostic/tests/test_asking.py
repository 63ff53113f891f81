"""How each kind of question is asked in a form, what is read from the form, and what is shown afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from flask import Flask
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from ltitools.plugin import use_locale
from ltitools_diagnostic import asking
from ltitools_diagnostic.items import (
    Item,
    Kind,
    Near,
    NumberAnswer,
    Option,
    Response,
    TextAnswer,
    Tolerance,
)
from ltitools_diagnostic.review import reviewed
from ltitools_diagnostic.sitting import Question

LETTERS = tuple(Option({"en": letter}, {"en": f"why {letter}"}) for letter in "abcd")
PAIRS = tuple(Option({"en": city}, {}, match={"en": land}) for city, land in (("Rome", "Italy"), ("Bern", "Swiss")))
ORDER = {Kind.MATCHING: (2, 0, 1), Kind.TRUEFALSE: (), Kind.NUMERIC: (), Kind.TEXT: ()}
ITEMS = {
    Kind.SINGLE: Item("s", "c", Kind.SINGLE, {"en": "Which *one*?"}, options=LETTERS, keys=(1,)),
    Kind.MULTIPLE: Item("m", "c", Kind.MULTIPLE, {"en": "Which?"}, options=LETTERS, keys=(0, 3)),
    Kind.TRUEFALSE: Item("b", "c", Kind.TRUEFALSE, {"en": "Is it?"}, options=(Option({}, {}),) * 2, keys=(0,)),
    Kind.NUMERIC: Item(
        "n",
        "c",
        Kind.NUMERIC,
        {"en": "How many?"},
        numbers=(
            NumberAnswer(Near(Decimal("2.5"), Tolerance(Decimal("0.5")))),
            NumberAnswer(None, Decimal(0), {"en": "Count *again*."}),
        ),
    ),
    Kind.TEXT: Item("t", "c", Kind.TEXT, {"en": "What?"}, texts={"en": (TextAnswer("open"), TextAnswer("ajar*"))}),
    Kind.MATCHING: Item("p", "c", Kind.MATCHING, {"en": "Match."}, options=PAIRS, extra=({"en": "Malta"},)),
    Kind.ORDERING: Item("o", "c", Kind.ORDERING, {"en": "Sort."}, options=LETTERS),
}


def asked(kind: Kind, response: Response = None, number: int = 3) -> Question:
    return Question(number, 7, 1, ITEMS[kind], ORDER.get(kind, (3, 1, 0, 2)), response)


def form(**fields: Any) -> MultiDict[str, str]:
    return MultiDict({name.replace("_", "-"): value for name, value in fields.items()})


def shown(app: Flask, question: Question, problem: str = "", typed: MultiDict[str, str] | None = None) -> str:
    with app.test_request_context():
        module: Any = app.jinja_env.get_template("diagnostic/asking.html").module
        return unescape(str(module.ask(asking.view(question, problem, typed))))


def results(app: Flask, question: Question) -> str:
    with app.test_request_context():
        module: Any = app.jinja_env.get_template("diagnostic/reviewed.html").module
        return unescape(re.sub(r"\s+", " ", str(module.reviewed_question(reviewed(question)))))


@pytest.mark.parametrize(
    ("kind", "fields", "response"),
    [
        (Kind.SINGLE, {"answer_3": "1"}, [1]),
        (Kind.SINGLE, {"answer_3": "0"}, [3]),
        (Kind.SINGLE, {"answer_3": ["0", "2"]}, [0]),
        (Kind.SINGLE, {"answer_4": "1"}, None),
        (Kind.SINGLE, {"answer_3": "9"}, None),
        (Kind.SINGLE, {"answer_3": "²"}, None),
        (Kind.MULTIPLE, {"answer_3": ["0", "2"]}, [0, 3]),
        (Kind.MULTIPLE, {}, None),
        (Kind.TRUEFALSE, {"answer_3": "1"}, [1]),
        (Kind.NUMERIC, {"answer_3": " 1 250,5 "}, "1 250,5"),
        (Kind.NUMERIC, {"answer_3": " "}, None),
        (Kind.TEXT, {"answer_3": "any\0 thing"}, "any thing"),
        (Kind.MATCHING, {"answer_3_0": "1", "answer_3_1": "0"}, [0, 2]),
        (Kind.MATCHING, {"answer_3_0": "", "answer_3_1": "2"}, [-1, 1]),
        (Kind.MATCHING, {"answer_3_0": "", "answer_3_1": "7"}, None),
        (Kind.ORDERING, {f"answer_3_{place}": str(rank) for place, rank in enumerate((3, 0, 1, 2))}, [1, 0, 2, 3]),
        (Kind.ORDERING, {f"answer_3_{place}": "" for place in range(4)}, None),
    ],
)
def test_an_answer_is_read_from_places_on_the_page(kind: Kind, fields: dict[str, Any], response: Response) -> None:
    assert asking.read(asked(kind), form(**fields)) == (response, "")


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (Kind.NUMERIC, {"answer_3": "many"}, "as a number only"),
        (Kind.TEXT, {"answer_3": "x" * 201}, "longer than 200"),
        (Kind.ORDERING, {"answer_3_0": "1", "answer_3_1": "1"}, "Two lines have the position 2."),
        (Kind.ORDERING, {"answer_3_0": "0", "answer_3_1": "2"}, "every line a position"),
    ],
)
def test_what_cannot_be_kept_is_told_in_words(kind: Kind, fields: dict[str, str], words: str) -> None:
    response, problem = asking.read(asked(kind), form(**fields))
    assert response is None
    assert words in problem


RESPONSES: Sequence[tuple[Kind, Response]] = [
    (Kind.SINGLE, [2]),
    (Kind.MULTIPLE, [0, 3]),
    (Kind.TRUEFALSE, [1]),
    (Kind.NUMERIC, "2,5"),
    (Kind.TEXT, "ajar"),
    (Kind.MATCHING, [0, -1]),
    (Kind.MATCHING, [2, 1]),
    (Kind.ORDERING, [2, 0, 1, 3]),
]


@pytest.mark.parametrize(("kind", "response"), RESPONSES)
def test_a_page_sent_back_unchanged_says_what_was_answered(app: Flask, kind: Kind, response: Response) -> None:
    page = shown(app, asked(kind, response))
    fields: MultiDict[str, str] = MultiDict()
    for control in re.findall(r"<input[^>]*>", page):
        values = dict(re.findall(r'(\w+)="([^"]*)"', control))
        if values["type"] == "text" or " checked" in control:
            fields.add(values["name"], values["value"])
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        fields.add(name, next(iter(re.findall(r'value="([^"]*)"[^>]* selected', options)), ""))
    assert asking.read(asked(kind), fields) == (response, "")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_control_has_a_label_and_every_group_a_name(app: Flask, kind: Kind) -> None:
    page = shown(app, asked(kind))
    controls = re.findall(r"<(?:input|select)[^>]* id=\"([^\"]*)\"|<(?:input|select) id=\"([^\"]*)\"", page)
    ids = [first or second for first, second in controls]
    assert ids
    assert all(f'for="{each}"' in page for each in ids)
    described = re.findall(r'aria-(?:labelledby|describedby)="([^"]*)"', page)
    assert all(f'id="{each}"' in page for value in described for each in value.split())
    assert 'id="asked-3"' in page
    assert asking.view(asked(kind)).first_id == ids[0]


@pytest.mark.parametrize("kind", [Kind.NUMERIC, Kind.TEXT, Kind.ORDERING])
def test_a_problem_is_tied_to_its_controls_and_what_was_typed_stays(app: Flask, kind: Kind) -> None:
    typed = form(answer_3="many", answer_3_0="1", answer_3_1="1")
    page = shown(app, asked(kind, None), "It is wrong.", typed)
    assert '<p class="error" id="answer-3-error">It is wrong.</p>' in page
    assert 'aria-invalid="true"' in page
    assert "answer-3-error" in " ".join(re.findall(r'aria-describedby="([^"]*)"', page))
    assert page.count(" selected") == 2 if kind is Kind.ORDERING else 'value="many"' in page


def test_options_show_their_markup_and_their_language(app: Flask) -> None:
    options = (Option({"en": "*a*"}, {}), Option({"fr": "`b`"}, {}))
    question = Question(1, 1, 1, Item("x", "c", Kind.SINGLE, {"fr": "Où ?"}, options=options, keys=(0,)), (), None)
    page = shown(app, question)
    assert '<span class="rich"><em>a</em></span>' in page
    assert '<span lang="fr"><code>b</code></span>' in page
    assert '<div lang="fr"><p>Où ?</p>' in page
    match = (Option({"en": "a"}, {}, match={"fr": "un"}), Option({"en": "b"}, {}, match={"en": "two"}))
    page = shown(app, Question(1, 1, 1, Item("x", "c", Kind.MATCHING, {"en": "?"}, options=match), (), None))
    assert '<option value="0" lang="fr">un</option>' in page
    assert '<option value="1">two</option>' in page


def test_true_and_false_are_in_the_readers_language(app: Flask) -> None:
    with use_locale("fr"):
        assert [option.text for option in asking.view(asked(Kind.TRUEFALSE)).options] == ["Vrai", "Faux"]


def test_an_answer_by_radio_button_can_be_cleared(app: Flask) -> None:
    assert 'name="go" value="clear-3"' in shown(app, asked(Kind.SINGLE, [1]))
    assert 'name="go" value="clear-3"' not in shown(app, asked(Kind.SINGLE))
    assert 'name="go" value="clear-3"' not in shown(app, asked(Kind.MULTIPLE, [1]))


@pytest.mark.parametrize(
    ("kind", "response", "verdict", "words"),
    [
        (Kind.SINGLE, [1], "Right", ["b</span> <strong", "right answer", "your answer", "why b"]),
        (Kind.SINGLE, [0], "Not right", ["why a"]),
        (Kind.MULTIPLE, [0], "Partly right", []),
        (Kind.MULTIPLE, None, "Not answered", []),
        (Kind.NUMERIC, "2", "Right", ["<dd>2</dd>", "2.5 (± 0.5)"]),
        (Kind.NUMERIC, "9", "Not right", ["Count <em>again</em>."]),
        (Kind.TEXT, "shut", "Not right", ["<dd>open / ajar*</dd>"]),
        (Kind.MATCHING, [0, 0], "Partly right", ["<strong>Rome</strong>", "Right answer: <span class=\"rich\">Swiss"]),
        (Kind.MATCHING, [0, -1], "Partly right", ["<span class=\"rich\">none</span>"]),
        (Kind.ORDERING, [0, 1, 2, 3], "Right", ["Your order"]),
        (Kind.ORDERING, [1, 0, 2, 3], "Partly right", [">b</li><li class=\"rich\">a</li>", "Right order"]),
        (Kind.ORDERING, None, "Not answered", ["Right order"]),
    ],
)  # fmt: skip
def test_results_say_what_was_answered_and_what_is_right(
    app: Flask, kind: Kind, response: Response, verdict: str, words: list[str]
) -> None:
    page = results(app, asked(kind, response))
    assert f">{verdict}</span>" in page
    assert [each for each in words if each not in page] == []


def test_results_say_what_a_weighted_option_earns(app: Flask) -> None:
    options = tuple(Option({"en": weight}, {}, Decimal(weight)) for weight in ("100", "50", "-33.33333", "0"))
    item = Item("x", "c", Kind.SINGLE, {"en": "?"}, options=options, keys=(0,))
    page = results(app, Question(1, 1, 1, item, (), [1]))
    assert re.findall(r'<span class="tag">([^<]*)</span>', page) == ["50% of the points", "-33.3% of the points"]
    assert ">Partly right</span>" in page


def test_a_question_with_markup_is_shown_whole_below_its_summary() -> None:
    rich, bare = reviewed(asked(Kind.SINGLE)), reviewed(asked(Kind.MULTIPLE))
    assert (rich.summary, "<em>one</em>" in rich.question) == ("Which one?", True)
    assert (bare.summary, bare.question) == ("Which?", Markup())
    item = replace(ITEMS[Kind.SINGLE], question={"fr": "Que fait *ceci* ?\n\n```\nprint(1)\n```"})
    assert reviewed(replace(asked(Kind.SINGLE), item=item)).summary == '<span lang="fr">Que fait ceci ? …</span>'
