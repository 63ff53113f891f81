"""How a question is asked in a form, and how its answer is read from one; a form may hold several questions.

The name of a field is ``answer-<number of the question>``, of matching and ordering with ``-<place>`` after it.
Options and answers go by their place on the page, so that no value tells the key or the order of the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from ltitools.plugin import current_locale
from ltitools_diagnostic import richtext
from ltitools_diagnostic.items import CHOICES, NOT_CHOSEN, TYPED, Item, Kind, Response
from ltitools_diagnostic.review import option_text, shown_order
from ltitools_diagnostic.richtext import Images, no_images
from ltitools_diagnostic.scoring import parse_number
from ltitools_diagnostic.sitting import Question
from ltitools_diagnostic.texts import _, language_shown, say

MAX_TYPED = 200

Form = MultiDict[str, str]


@dataclass(frozen=True)
class AskedOption:
    """A radio button or check box."""

    id: str
    value: int
    text: Markup | str
    chosen: bool


@dataclass(frozen=True)
class Choice:
    """One line of a select; `lang` is set where it is not the page's."""

    value: str
    text: str
    chosen: bool
    lang: str = ""


@dataclass(frozen=True)
class AskedRow:
    """A prompt of matching or a line of ordering, with the select that answers it."""

    id: str
    text: Markup
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class AskedView:
    """All that the template needs to ask a question. `first_id` is the control that a problem links to."""

    number: int
    kind: str
    name: str
    first_id: str
    question: Markup
    hint: str
    problem: str
    options: tuple[AskedOption, ...]
    rows: tuple[AskedRow, ...]
    typed: str
    max_typed: int
    can_clear: bool


def view(question: Question, problem: str = "", typed: Form | None = None, *, images: Images = no_images) -> AskedView:
    """The question with its present answer, or with what `typed`, the form that has the problem, says."""
    item, name = question.item, f"answer-{question.number}"
    response = question.response if typed is None else _leniently(question, typed)
    return AskedView(
        number=question.number,
        kind=item.kind.value,
        name=name,
        first_id=name if item.kind in TYPED else f"{name}-0",
        question=richtext.said(item.question, images),
        hint=_hint(item),
        problem=problem,
        options=_options(question, response, images) if item.kind in CHOICES else (),
        rows=_rows(question, response, typed, images),
        typed=response if isinstance(response, str) else "",
        max_typed=MAX_TYPED,
        can_clear=item.kind in (Kind.SINGLE, Kind.TRUEFALSE) and question.response is not None,
    )


def read(question: Question, form: Form) -> tuple[Response, str]:
    """What the form says, and what is wrong with it. Nothing chosen or typed clears the answer."""
    kind = question.item.kind
    if kind in TYPED:
        return _read_typed(question, form)
    if kind is Kind.ORDERING:
        return _read_ordering(question, form)
    return _leniently(question, form), ""


def _leniently(question: Question, form: Form) -> Response:
    """What the form says, whether it can be kept or not; of an ordering nothing."""
    kind, name, order = question.item.kind, f"answer-{question.number}", shown_order(question)
    if kind in TYPED:
        return form.get(name, "").replace("\0", "").strip() or None
    if kind is Kind.ORDERING:
        return None
    if kind is Kind.MATCHING:
        places = [_place(form, f"{name}-{row}", len(order)) for row in range(len(question.item.options))]
        chosen = [NOT_CHOSEN if place is None else order[place] for place in places]
        return chosen if set(chosen) != {NOT_CHOSEN} else None
    marked = [int(value) for value in form.getlist(name) if _is_number(value)]
    found = sorted({order[place] for place in marked if place < len(order)})
    return (found if kind is Kind.MULTIPLE else found[:1]) or None


def _read_typed(question: Question, form: Form) -> tuple[Response, str]:
    typed = _leniently(question, form)
    assert typed is None or isinstance(typed, str)
    if typed and len(typed) > MAX_TYPED:
        return None, _("Your answer is longer than %(limit)s characters. Shorten it.", limit=MAX_TYPED)
    if typed and question.item.kind is Kind.NUMERIC and parse_number(typed) is None:
        return None, _("Write the answer as a number only, without a unit, for example 1250 or 12.5.")
    return typed, ""


def _read_ordering(question: Question, form: Form) -> tuple[Response, str]:
    order = shown_order(question)
    ranks = [_place(form, f"answer-{question.number}-{place}", len(order)) for place in range(len(order))]
    given = [rank for rank in ranks if rank is not None]
    if not given:
        return None, ""
    twice = next((rank for rank in given if given.count(rank) > 1), None)
    if twice is not None:
        return None, _("Two lines have the position %(position)s. Give each line its own.", position=twice + 1)
    if len(given) < len(order):
        return None, _("Give every line a position, or none of them.")
    return [order[ranks.index(rank)] for rank in range(len(order))], ""


def _place(form: Form, name: str, limit: int) -> int | None:
    value = form.get(name, "")
    return int(value) if _is_number(value) and int(value) < limit else None


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) < 6


def _hint(item: Item) -> str:
    if item.kind is Kind.NUMERIC:
        return _("A number, for example 1250 or 12.5. Point and comma both mark the decimals.")
    if item.kind is Kind.TEXT:
        return _("One or a few words. Capital letters and accents do not matter.")
    if item.kind is Kind.MATCHING:
        return _("Choose an answer for each line. An answer may belong to several lines, or to none.")
    if item.kind is Kind.ORDERING:
        return _("Give each line its position, from 1 for the first to %(last)s for the last.", last=len(item.options))
    return _("Choose all that are right.") if item.kind is Kind.MULTIPLE else _("Choose one.")


def _options(question: Question, response: Response, images: Images) -> tuple[AskedOption, ...]:
    chosen = set(response or ())
    return tuple(
        AskedOption(
            f"answer-{question.number}-{place}", place, option_text(question.item, index, images), index in chosen
        )
        for place, index in enumerate(shown_order(question))
    )


def _rows(question: Question, response: Response, typed: Form | None, images: Images) -> tuple[AskedRow, ...]:
    item, order = question.item, shown_order(question)
    if item.kind is Kind.MATCHING:
        chosen = list(response) if response else [NOT_CHOSEN] * len(item.options)
        return tuple(
            AskedRow(
                f"answer-{question.number}-{row}",
                richtext.said_inline(option.text, images),
                tuple(_answer(item, index, place, chosen[row]) for place, index in enumerate(order)),
            )
            for row, option in enumerate(item.options)
        )
    if item.kind is Kind.ORDERING:
        return tuple(
            AskedRow(
                f"answer-{question.number}-{place}",
                richtext.said_inline(item.options[index].text, images),
                _positions(len(order), _position(question, place, index, typed)),
            )
            for place, index in enumerate(order)
        )
    return ()


def _answer(item: Item, index: int, place: int, chosen: object) -> Choice:
    wording = item.answers[index]
    language = language_shown(wording)
    lang = "" if language == current_locale() else language
    return Choice(str(place), richtext.plain(say(wording)), index == chosen, lang)


def _positions(size: int, chosen: int | None) -> tuple[Choice, ...]:
    return tuple(Choice(str(rank), str(rank + 1), rank == chosen) for rank in range(size))


def _position(question: Question, place: int, index: int, typed: Form | None) -> int | None:
    """The position that a line has: in the form that has a problem, or else in the answer that is kept."""
    if typed is not None:
        return _place(typed, f"answer-{question.number}-{place}", len(question.item.options))
    response = question.response
    return list(response).index(index) if response is not None and index in response else None
