"""What an answer is worth, and what a number of answers says about a competency.

The rule of results: with a share theta of all questions that could be asked, a person with s points in n
questions has theta ~ Beta(1 + s, 1 + n - s) (uniform prior, each question an independent look). A competency
is shown when P(theta >= 0.70) is at least 0.90, a gap when it is at most 0.10, and developing in between.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import combinations

from ltitools_diagnostic.items import TYPED, Between, Item, Kind, Near, NumberAnswer, Response, TextAnswer

CUT = 0.70
SHOWN_FROM = 0.90
GAP_UP_TO = 0.10


class Level(StrEnum):
    """What is concluded about a competency; the words that the host stores."""

    SHOWN = "shown"
    DEVELOPING = "developing"
    GAP = "gap"


@dataclass(frozen=True)
class Outcome:
    """The result of one competency: `points` (the sum of fractions) of `items`."""

    points: Fraction
    items: int

    @property
    def share(self) -> Fraction:
        """The points as a share of what could be had."""
        return self.points / self.items

    @property
    def probability(self) -> float:
        """P(theta >= 0.70)."""
        return probability(float(self.points), self.items)

    @property
    def level(self) -> Level:
        """The conclusion."""
        return level(self.probability)


def fraction(item: Item, response: Response) -> Fraction:
    """What `response` earns, from 0 to 1; unanswered earns 0.

    Several right options give partial credit: (right chosen - wrong chosen) / right ones, never below 0. Where the
    options have weights, those of the chosen ones are added instead. Matching earns right pairs / pairs. Ordering
    looks at every pair of lines: (pairs in the right order - pairs in the wrong order) / pairs, never below 0, so
    that one line out of place costs a little, and an order by chance earns nothing on average.
    """
    if response is None:
        return Fraction(0)
    if item.kind in TYPED:
        answer = answer_given(item, str(response))
        return _clamped(share(answer.weight)) if answer else Fraction(0)
    numbers = [index for index in response if isinstance(index, int)]
    if item.kind is Kind.MATCHING:
        right = sum(right_pair(item, prompt, chosen) for prompt, chosen in enumerate(numbers[: len(item.options)]))
        return Fraction(right, len(item.options))
    if item.kind is Kind.ORDERING:
        return _in_order(numbers, len(item.options))
    return _chosen(item, {index for index in numbers if 0 <= index < len(item.options)})


def share(weight: Decimal) -> Fraction:
    """A weight in percent as a share; 33.33333 is meant as a third, as it is in Moodle."""
    exact = Fraction(weight) / 100
    simple = exact.limit_denominator(20)
    return simple if abs(simple - exact) < Fraction(1, 2000) else exact


def right_pair(item: Item, prompt: int, chosen: int) -> bool:
    """Whether the answer `chosen` (an index of `Item.answers`) says in some language what the prompt's own says."""
    if not 0 <= chosen < len(item.answers):
        return False
    key, given = item.options[prompt].match, item.answers[chosen]
    return any(text and given.get(locale) == text for locale, text in key.items())


def answer_given(item: Item, typed: str) -> NumberAnswer | TextAnswer | None:
    """The answer of the key that fits what was typed: the first one, of the texts the best of both languages."""
    if item.kind is Kind.NUMERIC:
        number = parse_number(typed)
        if number is None:
            return None
        return next((answer for answer in item.numbers if _near(answer.accepts, Fraction(number))), None)
    bare = normalise(typed).replace(_ANYTHING, "")
    by_language = (next((each for each in texts if _fits(each.text, bare)), None) for texts in item.texts.values())
    return max((answer for answer in by_language if answer), key=lambda answer: answer.weight, default=None)


def _chosen(item: Item, chosen: set[int]) -> Fraction:
    weights = [item.options[index].weight for index in chosen]
    if item.kind is not Kind.MULTIPLE and len(chosen) != 1:
        return Fraction(0)
    if weights and None not in weights:
        return _clamped(sum((share(weight) for weight in weights if weight is not None), Fraction(0)))
    keys = set(item.keys)
    if item.kind is Kind.MULTIPLE:
        return _clamped(Fraction(len(chosen & keys) - len(chosen - keys), len(keys)))
    return Fraction(chosen == keys)


def _in_order(order: list[int], size: int) -> Fraction:
    pairs = list(combinations(order, 2))
    if sorted(order) != list(range(size)) or not pairs:
        return Fraction(0)
    right = sum(before < after for before, after in pairs)
    return _clamped(Fraction(2 * right - len(pairs), len(pairs)))


def _clamped(earned: Fraction) -> Fraction:
    return min(max(earned, Fraction(0)), Fraction(1))


def _near(accepts: Near | Between | None, number: Fraction) -> bool:
    # Exact rationals, because a tolerance is inclusive and 0.1 + 0.2 has to be 0.3 here.
    if accepts is None:
        return True
    if isinstance(accepts, Between):
        return Fraction(accepts.low) <= number <= Fraction(accepts.high)
    key, allowed = Fraction(accepts.value), Fraction(accepts.tolerance.amount)
    if accepts.tolerance.percent:
        allowed = abs(key) * allowed / 100
    return abs(number - key) <= allowed


_ANYTHING = "\ue000"
_WILDCARD = re.compile(r"(\\?)\*")


def _fits(pattern: str, bare: str) -> bool:
    """Whether a normalised text fits a pattern with wildcards, in a time that grows with its length only."""
    marked = _WILDCARD.sub(lambda found: "*" if found[1] else _ANYTHING, pattern.replace(_ANYTHING, ""))
    first, *others = normalise(marked).split(_ANYTHING)
    if not others:
        return bare == first
    *middle, last = others
    at, end = len(first), len(bare) - len(last)
    if not bare.startswith(first) or not bare.endswith(last) or at > end:
        return False
    for part in middle:
        found = bare.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


_PLAIN = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?|[+-]?[.,][0-9]+")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?: [0-9]{3})+(?:[.,][0-9]+)?")


def parse_number(text: str) -> Decimal | None:
    """The number a person typed, or None. Point or comma is the decimal sign; spaces may part the thousands.

    ``1,234`` is therefore one and a bit, in either language: the page says so next to the box.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-").strip()
    if len(plain) > 60 or not (_PLAIN.fullmatch(plain) or _GROUPED.fullmatch(plain)):
        return None
    return Decimal(plain.replace(" ", "").replace(",", "."))


_ALIKE = str.maketrans(
    {
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{MODIFIER LETTER APOSTROPHE}": "'",
        "\N{HYPHEN}": "-",
        "\N{EN DASH}": "-",
        "œ": "oe",
        "æ": "ae",
    }
)


def normalise(text: str) -> str:
    """What is compared of a typed answer: no case, accents, surplus spaces or typographic apostrophes."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not _is_mark(sign))
    return " ".join(bare.casefold().translate(_ALIKE).split())


def _is_mark(sign: str) -> bool:
    return unicodedata.combining(sign) != 0


def probability(points: float, items: int) -> float:
    """P(theta >= 0.70) for a person with `points` of `items`."""
    return beta_share(1 + items - points, 1 + points, 1 - CUT)


def level(chance: float) -> Level:
    """The conclusion from P(theta >= 0.70)."""
    if chance >= SHOWN_FROM:
        return Level.SHOWN
    return Level.GAP if chance <= GAP_UP_TO else Level.DEVELOPING


def can_show(items: int) -> bool:
    """Whether a person who knows everything would be said to show it; true from 6 questions."""
    return items > 0 and level(probability(items, items)) is Level.SHOWN


def beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b): the share of Beta(a, b) that lies below `x`.

    The continued fraction of https://dlmf.nist.gov/8.17.E22, evaluated by Lentz's method on the side of the
    mean where it converges fast; the other side is 1 - I_{1-x}(b, a).
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _lower_tail(b, a, 1 - x)
    return _lower_tail(a, b, x)


def _lower_tail(a: float, b: float, x: float) -> float:
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return min(1.0, math.exp(log_front) / a / _continued_fraction(a, b, x))


def _continued_fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    value, numerator_ratio, denominator_ratio = 1.0, 1.0, 0.0
    for step in range(1, 1000):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator_ratio = 1 / (1 + term * denominator_ratio or tiny)
        numerator_ratio = 1 + term / numerator_ratio or tiny
        factor = numerator_ratio * denominator_ratio
        value *= factor
        if abs(factor - 1) < 1e-15:
            return value
    raise ArithmeticError(f"I_x({a}, {b}) at {x} does not converge")
