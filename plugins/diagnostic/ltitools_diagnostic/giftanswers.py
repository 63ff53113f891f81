"""The part in braces of a GIFT question, and the kind of question that it makes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from ltitools.plugin import LazyText
from ltitools_diagnostic.columns import LETTERS, MAX_TEXT
from ltitools_diagnostic.gifttexts import Texts, unmasked
from ltitools_diagnostic.items import (
    FALSE,
    FULL,
    TRUE,
    Between,
    Item,
    Kind,
    Near,
    NumberAnswer,
    Option,
    TextAnswer,
    Tolerance,
    Wording,
    right_by_weight,
)
from ltitools_diagnostic.scoring import normalise, parse_number, share
from ltitools_diagnostic.texts import lazy

_TRUTHS = {"t": TRUE, "true": TRUE, "f": FALSE, "false": FALSE}
_WEIGHT = re.compile(r"\s*%\s*(-?\d{1,3}(?:\.\d+)?)\s*%")
_ORDER_SETTINGS = re.compile(r"[ \t]*(?:\d+|[a-z_%]+|[ \t])*", re.IGNORECASE)

Warn = Callable[[LazyText], None]


class Mistake(Exception):
    """What is wrong with a question, for the person who wrote it."""

    def __init__(self, text: LazyText) -> None:
        super().__init__(str(text))
        self.text = text


def with_answers(item: Item, answers: str, texts: Texts, warn: Warn) -> Item:
    """`item` with its kind and its key, which the signs tell, looked at in the order in which Moodle does."""
    if answers.startswith("#"):
        item = _numeric(item, answers[1:], texts)
    elif answers.startswith(">"):
        item = _ordering(item, answers[1:], texts)
    elif "~" in answers:
        item = _choice(item, answers, texts, warn)
    elif any("->" in text for _sign, _weight, text, _feedback in _split(answers, "=")):
        item = _matching(item, answers, texts)
    elif answers.partition("#")[0].strip().casefold() in _TRUTHS:
        item = _truth(item, answers, texts)
    else:
        item = _short(item, answers, texts)
    if any(len(text) > MAX_TEXT for wording in _wordings(item) for text in wording.values()):
        raise too_long()
    return item


def too_long() -> Mistake:
    """What is said of a question with a text that is too long."""
    return Mistake(lazy("A text of this question is longer than %(limit)s characters. Shorten it.", limit=MAX_TEXT))


def _choice(item: Item, answers: str, texts: Texts, warn: Warn) -> Item:
    options, weights = [], []
    for sign, weight, text, feedback in _split(answers, "~="):
        options.append(Option(texts.wording(text), texts.wording(feedback)))
        weights.append(weight if weight is not None else FULL if sign == "=" else Decimal(0))
    _check_options(options)
    _check_weights(weights)
    kind = Kind.SINGLE if "=" in answers else Kind.MULTIPLE
    keys = right_by_weight(kind, weights)
    if not keys:
        raise Mistake(
            lazy("No answer is right. Write = before the right one, or give answers a weight such as %%50%%.")
        )
    reachable = max(weights) if kind is Kind.SINGLE else sum(map(share, (each for each in weights if each > 0))) * 100
    if reachable < Decimal("99.9"):
        warn(lazy("Nobody can get all points for this question, because its weights add up to less than 100 %%."))
    if kind is Kind.SINGLE and len(keys) == 1 and set(weights) <= {Decimal(0), FULL}:
        return replace(item, kind=kind, options=tuple(options), keys=keys)
    weighted = tuple(replace(option, weight=weight) for option, weight in zip(options, weights, strict=True))
    return replace(item, kind=kind, options=weighted, keys=keys)


def _matching(item: Item, answers: str, texts: Texts) -> Item:
    lines, extra = [], []
    for _sign, _weight, text, _feedback in _split(answers, "="):
        left, arrow, right = text.partition("->")
        prompt, answer = texts.wording(left), texts.plain(right)
        if not arrow or not answer:
            raise Mistake(lazy("Each line of a matching question needs an arrow -> and an answer to its right."))
        if prompt:
            lines.append(Option(prompt, {}, match=answer))
        else:
            extra.append(answer)
    _check_options(lines)
    item = replace(item, kind=Kind.MATCHING, options=tuple(lines), extra=tuple(extra))
    if len(item.answers) < 2:
        raise Mistake(lazy("There must be at least two different answers to choose from."))
    return item


def _ordering(item: Item, answers: str, texts: Texts) -> Item:
    """The format of Moodle's ordering questions: settings in the first line, then the lines in their right order."""
    settings, _end, rest = answers.partition("\n")
    written = [line for line in rest.split("\n") if line.strip()]
    if not _ORDER_SETTINGS.fullmatch(settings):
        written.insert(0, settings)
    options = [Option(texts.wording(line), {}) for line in written]
    _check_options(options)
    return replace(item, kind=Kind.ORDERING, options=tuple(options))


def _truth(item: Item, answers: str, texts: Texts) -> Item:
    """``{T#to those who are wrong#to those who are right}``"""
    truth, *feedback = answers.split("#", 2)
    key = _TRUTHS[truth.strip().casefold()]
    wrong, right = (texts.wording(each) for each in [*feedback, "", ""][:2])
    options = (Option({}, right), Option({}, wrong)) if key == TRUE else (Option({}, wrong), Option({}, right))
    return replace(item, kind=Kind.TRUEFALSE, options=options, keys=(key,))


def _short(item: Item, answers: str, texts: Texts) -> Item:
    found: list[TextAnswer] = []
    for _sign, weight, text, feedback in _split(answers, "="):
        typed = texts.typed(text)
        if not normalise(typed):
            raise Mistake(lazy("An answer of this question is empty. Write what a person would type."))
        found.append(TextAnswer(typed, FULL if weight is None else weight, texts.wording(feedback)))
    _check_earning([answer.weight for answer in found])
    wording_language = next(iter(item.question))
    return replace(item, kind=Kind.TEXT, texts={wording_language: tuple(found)})


def _numeric(item: Item, answers: str, texts: Texts) -> Item:
    answers, _tilde, wrong = answers.partition("~")
    found: list[NumberAnswer] = []
    for _sign, weight, text, feedback in _split(answers, "="):
        found.append(NumberAnswer(_accepted(text), FULL if weight is None else weight, texts.wording(feedback)))
    _check_earning([answer.weight for answer in found])
    if wrong:
        found.append(NumberAnswer(None, Decimal(0), texts.wording(wrong.partition("#")[2])))
    return replace(item, kind=Kind.NUMERIC, numbers=tuple(found))


def _accepted(text: str) -> Near | Between | None:
    """The numbers that ``3.14:0.01``, ``1..5`` or ``*`` mean."""
    written = unmasked(text)
    low, is_range, high = written.partition("..")
    first, last = parse_number(low), parse_number(high)
    if is_range and first is not None and last is not None and first <= last:
        return Between(first, last)
    value, _colon, typed = written.partition(":")
    number, tolerance = parse_number(value), parse_number(typed) if typed.strip() else Decimal(0)
    if number is not None and tolerance is not None and tolerance >= 0:
        return Near(number, Tolerance(tolerance))
    if written != "*":
        raise Mistake(lazy("A numeric answer must be a number such as 3.14, 3.14:0.01 or 1..5."))
    return None


def _split(answers: str, signs: str) -> list[tuple[str, Decimal | None, str, str]]:
    """The answers one by one: the sign before it, its weight in percent, its text, its feedback."""
    found = []
    for part in re.split(f"(?=[{signs}])", answers):
        sign = part[:1] if part[:1] in signs else ""
        body = part[len(sign) :]
        if not body.strip() and not sign:
            continue
        weight = _WEIGHT.match(body)
        text, _hash, feedback = (body[weight.end() :] if weight else body).partition("#")
        found.append((sign, Decimal(weight[1]) if weight else None, text.strip(), feedback))
    if len(found) > len(LETTERS):
        raise Mistake(lazy("This question has more than %(limit)s answers. Shorten it.", limit=len(LETTERS)))
    return found


def _check_options(options: Sequence[Option]) -> None:
    texts = [" ".join(text.casefold().split()) for option in options for text in option.text.values()]
    if len(texts) < len(options):
        raise Mistake(lazy("An answer of this question is empty. Write its text."))
    if len(texts) < 2:
        raise Mistake(lazy("A question of this type needs at least two options."))
    if len(set(texts)) < len(texts):
        raise Mistake(lazy("Two answers of this question say the same. Change one of them."))


def _check_earning(weights: Sequence[Decimal]) -> None:
    if max(weights, default=Decimal(0)) <= 0:
        raise Mistake(
            lazy("No answer is right. Write = before the right one, or give answers a weight such as %%50%%.")
        )
    _check_weights(weights)


def _check_weights(weights: Sequence[Decimal]) -> None:
    if any(abs(weight) > FULL for weight in weights):
        raise Mistake(lazy("The weight must be a percentage from -100 to 100, such as 50 or -25."))


def _wordings(item: Item) -> list[Wording]:
    options = [each for option in item.options for each in (option.text, option.reason, option.match)]
    answers = [answer.feedback for answer in item.numbers]
    answers += [answer.feedback for texts in item.texts.values() for answer in texts]
    return [item.question, item.feedback, *options, *answers, *item.extra]
