"""A submitted attempt, question by question: what was answered, what is right, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from markupsafe import Markup

from ltitools.plugin import LazyText, current_locale
from ltitools_diagnostic import richtext
from ltitools_diagnostic.items import (
    CHOICES,
    FALSE,
    FULL,
    TRUE,
    TYPED,
    Between,
    Item,
    Kind,
    Near,
    NumberAnswer,
    Option,
    Wording,
)
from ltitools_diagnostic.richtext import Images, no_images
from ltitools_diagnostic.scoring import answer_given, fraction, right_pair
from ltitools_diagnostic.sitting import Question
from ltitools_diagnostic.texts import _, language_shown, lazy, say

_TRUTHS: Mapping[int, LazyText] = {TRUE: lazy("True"), FALSE: lazy("False")}


@dataclass(frozen=True)
class ReviewedOption:
    """A choice with what became of it; `worth` says what it earns where options have weights."""

    text: Markup | str
    reason: Markup
    chosen: bool
    right: bool
    worth: str


@dataclass(frozen=True)
class ReviewedPair:
    """A prompt of a matching question, the answer that was chosen ("" for none), and the right one."""

    prompt: Markup
    chosen: Markup
    right: bool
    key: Markup


@dataclass(frozen=True)
class Reviewed:
    """One question after submission.

    `summary` is its text; where that has markup the first line without it, and `question` the whole as it was asked.
    `options` for choices; `pairs` for matching; `lines` and `key_lines` (as the person put them, and right) for
    ordering; `typed`, `key` and what the key says about the answer for what is typed.
    """

    number: int
    kind: str
    summary: Markup
    question: Markup
    verdict: str
    verdict_text: str
    options: tuple[ReviewedOption, ...]
    pairs: tuple[ReviewedPair, ...]
    lines: tuple[Markup, ...]
    key_lines: tuple[Markup, ...]
    typed: str
    key: str
    said_to_answer: Markup
    feedback: Markup


def option_text(item: Item, index: int, images: Images = no_images) -> Markup | str:
    """An option as it is shown; those of true/false come from the translations."""
    if item.kind is Kind.TRUEFALSE:
        return str(_TRUTHS[index])
    return richtext.said_inline(item.options[index].text, images)


def shown_order(question: Question) -> tuple[int, ...]:
    """The options, of a matching question the answers, in the order in which the person sees them."""
    things = question.item.answers if question.item.kind is Kind.MATCHING else question.item.options
    return tuple(question.order) or tuple(range(len(things)))


def reviewed(question: Question, images: Images = no_images) -> Reviewed:
    """The question for the results page."""
    item, response = question.item, question.response
    typed = response if isinstance(response, str) and item.kind in TYPED else ""
    given = answer_given(item, typed) if typed else None
    put = [index for index in response or () if isinstance(index, int)] if item.kind is Kind.ORDERING else []
    verdict, text = _verdict(question)
    return Reviewed(
        number=question.number,
        kind=item.kind.value,
        summary=_summary(item.question),
        question=Markup() if richtext.is_plain(say(item.question)) else richtext.said(item.question, images),
        verdict=verdict,
        verdict_text=text,
        options=_options(question, images) if item.kind in CHOICES else (),
        pairs=_pairs(question, images) if item.kind is Kind.MATCHING else (),
        lines=tuple(richtext.said_inline(item.options[index].text, images) for index in put),
        key_lines=_texts_of(item.options, images) if item.kind is Kind.ORDERING else (),
        typed=typed,
        key=_key(item),
        said_to_answer=richtext.said(given.feedback, images) if given else Markup(),
        feedback=richtext.said(item.feedback, images),
    )


def number_text(number: Decimal) -> str:
    """A number with the decimal sign of the reader's language."""
    plain = f"{number:f}"
    return plain.replace(".", ",") if current_locale() == "fr" else plain


def _summary(wording: Wording) -> Markup:
    if richtext.is_plain(say(wording)):
        return richtext.said_plain(wording)
    first, _break, more = richtext.plain(say(wording)).partition("\n")
    return richtext.said_plain({language_shown(wording): richtext.escaped(first + (" …" if more else ""))})


def _options(question: Question, images: Images) -> tuple[ReviewedOption, ...]:
    item = question.item
    chosen = set(question.response or ())
    return tuple(
        ReviewedOption(
            option_text(item, index, images),
            richtext.said(item.options[index].reason, images),
            index in chosen,
            index in item.keys,
            _worth(item.options[index].weight),
        )
        for index in shown_order(question)
    )


def _worth(weight: Decimal | None) -> str:
    """What an option earns, where that is neither all nor nothing."""
    if weight is None or weight in (0, FULL):
        return ""
    return _("%(share)s%% of the points", share=number_text(round(weight, 1).normalize()))


def _pairs(question: Question, images: Images) -> tuple[ReviewedPair, ...]:
    item, response = question.item, question.response
    chosen = [index if isinstance(index, int) else -1 for index in response or ()]
    chosen += [-1] * (len(item.options) - len(chosen))

    def shown(wording: Wording) -> Markup:
        return richtext.said_inline(wording, images)

    return tuple(
        ReviewedPair(
            shown(option.text),
            shown(item.answers[chosen[prompt]]) if 0 <= chosen[prompt] < len(item.answers) else Markup(),
            right_pair(item, prompt, chosen[prompt]),
            shown(option.match),
        )
        for prompt, option in enumerate(item.options)
    )


def _texts_of(options: tuple[Option, ...], images: Images) -> tuple[Markup, ...]:
    return tuple(richtext.said_inline(option.text, images) for option in options)


def _verdict(question: Question) -> tuple[str, str]:
    if question.response is None:
        return "none", _("Not answered")
    earned = fraction(question.item, question.response)
    if earned == 1:
        return "right", _("Right")
    return ("partly", _("Partly right")) if earned > Fraction(0) else ("wrong", _("Not right"))


def _key(item: Item) -> str:
    """What earns most, as a person would type it."""
    if item.kind is Kind.NUMERIC:
        best = max((answer.weight for answer in item.numbers), default=FULL)
        return " / ".join(_number_key(answer) for answer in item.numbers if answer.weight == best and answer.accepts)
    if item.kind is Kind.TEXT:
        texts = item.texts.get(language_shown(dict.fromkeys(item.texts, "x")), ())
        best = max((answer.weight for answer in texts), default=FULL)
        return " / ".join(answer.text.replace(r"\*", "*") for answer in texts if answer.weight == best)
    return ""


def _number_key(answer: NumberAnswer) -> str:
    accepts = answer.accepts
    if isinstance(accepts, Between):
        return _("%(low)s to %(high)s", low=number_text(accepts.low), high=number_text(accepts.high))
    assert isinstance(accepts, Near)
    key, tolerance = number_text(accepts.value), accepts.tolerance
    if not tolerance.amount:
        return key
    amount = number_text(tolerance.amount)
    spread = _("%(amount)s%%", amount=amount) if tolerance.percent else amount
    return f"{key} (± {spread})"
