"""What a person has shown over all their sittings: the best of each competency, and the score that follows.

A reassessment never takes anything away: the best share of each competency counts for the score, the most certain
conclusion for its level, and the score itself never falls from one sitting to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from ltitools_diagnostic.items import Wording
from ltitools_diagnostic.scoring import Level

PLACES = Decimal("0.00001")
_FINEST = 10_000
"""Points are sums of fractions of a question with small denominators, so this finds the exact one again."""


@dataclass(frozen=True)
class CompetencyOutcome:
    """The result of a sitting in one competency; `weight` is its share in the score."""

    code: str
    titles: Wording
    points: float
    items: int
    probability: float
    level: str
    weight: Decimal = Decimal(1)

    @property
    def share(self) -> float:
        """Points as a share, 0 to 1."""
        return self.points / self.items

    @property
    def exact_share(self) -> Fraction:
        """The share before it was rounded for storage."""
        return Fraction(self.points).limit_denominator(_FINEST) / self.items


@dataclass(frozen=True)
class Best:
    """The best of a competency: the most certain conclusion, and the best share, perhaps of another sitting."""

    conclusion: CompetencyOutcome
    share: Fraction
    weight: Decimal
    sittings: int

    @property
    def code(self) -> str:
        """The competency."""
        return self.conclusion.code

    @property
    def titles(self) -> Wording:
        """Its titles by locale."""
        return self.conclusion.titles

    @property
    def level(self) -> str:
        """The conclusion: shown, developing or gap."""
        return self.conclusion.level

    @property
    def shown(self) -> bool:
        """Whether there is nothing left to be shown."""
        return self.level == Level.SHOWN


Sitting = Mapping[str, CompetencyOutcome]
"""The results of one sitting by competency code."""


def best(sittings: Sequence[Sitting]) -> dict[str, Best]:
    """The best of each competency over `sittings`, which are in their order; the newest weights count."""
    found: dict[str, Best] = {}
    for sitting in sittings:
        for code, outcome in sitting.items():
            known = found.get(code)
            if known is None:
                found[code] = Best(outcome, outcome.exact_share, outcome.weight, 1)
                continue
            better = outcome.probability > known.conclusion.probability
            found[code] = Best(
                outcome if better else known.conclusion,
                max(known.share, outcome.exact_share),
                outcome.weight,
                known.sittings + 1,
            )
    return found


def score(shares: Iterable[tuple[Fraction, Decimal]]) -> Decimal:
    """The score out of 100: the mean of shares with their weights, to five decimals; 0 where nothing has weight."""
    weighed = [(share, Fraction(weight)) for share, weight in shares]
    whole = sum((weight for _share, weight in weighed), Fraction(0))
    exact = 100 * sum((share * weight for share, weight in weighed), Fraction(0)) / whole if whole else Fraction(0)
    return (Decimal(exact.numerator) / exact.denominator).quantize(PLACES, ROUND_HALF_EVEN)


def score_of(sitting: Sitting) -> Decimal:
    """The score of one sitting alone."""
    return score((outcome.exact_share, outcome.weight) for outcome in sitting.values())


def standings(sittings: Sequence[Sitting]) -> list[Decimal]:
    """The score that counts after each of `sittings`."""
    counted: list[Decimal] = []
    for number in range(1, len(sittings) + 1):
        now = score((each.share, each.weight) for each in best(sittings[:number]).values())
        counted.append(max([now, *counted[-1:]]))
    return counted
