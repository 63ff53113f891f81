"""A submitted attempt, question by question: what was answered, what is right, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from markupsafe import Markup

from ltitools.plugin import LazyText, current_locale
from ltitools_diagnostic.items import CHOICES, FALSE, TRUE, Item, Kind
from ltitools_diagnostic.scoring import fraction
from ltitools_diagnostic.sitting import Question
from ltitools_diagnostic.texts import _, language_shown, lazy, said

_TRUTHS: Mapping[int, LazyText] = {TRUE: lazy("True"), FALSE: lazy("False")}


@dataclass(frozen=True)
class ReviewedOption:
    """A choice with what became of it."""

    text: Markup | str
    reason: Markup
    chosen: bool
    right: bool


@dataclass(frozen=True)
class Reviewed:
    """One question after submission. `options` for choices; `typed` and `key` for what is typed."""

    number: int
    question: Markup
    verdict: str
    verdict_text: str
    options: tuple[ReviewedOption, ...]
    typed: str
    key: str
    feedback: Markup


def option_text(item: Item, index: int) -> Markup | str:
    """An option as it is shown; those of true/false come from the translations."""
    return str(_TRUTHS[index]) if item.kind is Kind.TRUEFALSE else said(item.options[index].text)


def shown_order(question: Question) -> tuple[int, ...]:
    """The options in the order in which the person sees them."""
    return tuple(question.order) or tuple(range(len(question.item.options)))


def reviewed(question: Question) -> Reviewed:
    """The question for the results page."""
    item, response = question.item, question.response
    chosen = set(response) if item.kind in CHOICES and response is not None else set()
    options = tuple(
        ReviewedOption(option_text(item, index), said(item.options[index].reason), index in chosen, index in item.keys)
        for index in shown_order(question)
    )
    verdict, text = _verdict(question)
    return Reviewed(
        number=question.number,
        question=said(item.question),
        verdict=verdict,
        verdict_text=text,
        options=options if item.kind in CHOICES else (),
        typed=response if isinstance(response, str) else "",
        key=_key(item),
        feedback=said(item.feedback),
    )


def number_text(number: Decimal) -> str:
    """A number with the decimal sign of the reader's language."""
    plain = f"{number:f}"
    return plain.replace(".", ",") if current_locale() == "fr" else plain


def _verdict(question: Question) -> tuple[str, str]:
    if question.response is None:
        return "none", _("Not answered")
    earned = fraction(question.item, question.response)
    if earned == 1:
        return "right", _("Right")
    return ("partly", _("Partly right")) if earned > Fraction(0) else ("wrong", _("Not right"))


def _key(item: Item) -> str:
    if item.kind is Kind.NUMERIC and item.number is not None:
        key, tolerance = number_text(item.number), item.tolerance
        if not tolerance.amount:
            return key
        amount = number_text(tolerance.amount)
        spread = _("%(amount)s%%", amount=amount) if tolerance.percent else amount
        return f"{key} (± {spread})"
    if item.kind is Kind.TEXT:
        return " / ".join(item.accepted.get(language_shown(dict.fromkeys(item.accepted, "x")), ()))
    return ""
