"""What an answer is worth, and what a number of answers says about a competency.

The rule of results: with a share theta of all questions that could be asked, a person with s points in n
questions has theta ~ Beta(1 + s, 1 + n - s) (uniform prior, each question an independent look). A competency
is shown when P(theta >= 0.70) is at least 0.90, a gap when it is at most 0.10, and developing in between.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from fractions import Fraction

from ltitools_diagnostic.items import CHOICES, Item, Kind, Response

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

    Several right options give partial credit: (right chosen - wrong chosen) / right ones, never below 0.
    """
    if response is None:
        return Fraction(0)
    if item.kind in CHOICES:
        chosen, keys = {index for index in response if isinstance(index, int)}, set(item.keys)
        if item.kind is Kind.MULTIPLE:
            return max(Fraction(0), Fraction(len(chosen & keys) - len(chosen - keys), len(keys)))
        return Fraction(chosen == keys)
    typed = str(response)
    return Fraction(_near(item, typed) if item.kind is Kind.NUMERIC else _accepted(item, typed))


def _near(item: Item, typed: str) -> bool:
    number = parse_number(typed)
    if number is None or item.number is None:
        return False
    # Exact rationals, because a tolerance is inclusive and 0.1 + 0.2 has to be 0.3 here.
    key, allowed = Fraction(item.number), Fraction(item.tolerance.amount)
    if item.tolerance.percent:
        allowed = abs(key) * allowed / 100
    return abs(Fraction(number) - key) <= allowed


def _accepted(item: Item, typed: str) -> bool:
    return normalise(typed) in {normalise(text) for answers in item.accepted.values() for text in answers}


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


def score(outcomes: Iterable[Outcome]) -> Decimal:
    """The grade out of 100: the mean over competencies of their shares, to five decimals."""
    shares = [outcome.share for outcome in outcomes]
    exact = 100 * sum(shares, Fraction(0)) / len(shares) if shares else Fraction(0)
    return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.00001"), ROUND_HALF_EVEN)


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
