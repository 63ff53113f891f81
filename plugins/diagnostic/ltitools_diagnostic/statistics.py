"""How questions work: classical item statistics of what people answered.

Facility is the mean share of the points, discrimination the corrected item-total correlation: between a question
and the mean of the person's *other* questions. Where everybody is asked the same questions this is the correlation
with the sum of the others, as psychometric programs report it; where each person is asked another selection, people
are compared by what they were asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Responses = Sequence[Mapping[int, float]]
"""What each person earned, 0 to 1, by question."""

ENOUGH = 30
"""From so many answers on, a question is judged; below, the numbers are shown and no conclusion is drawn."""

TOO_HARD, TOO_EASY, WEAK = 0.2, 0.95, 0.1


@dataclass(frozen=True)
class ItemStatistics:
    """One question: `n` people who were asked, and the numbers. None where there is nothing to compute them of.

    `total` is the correlation with the whole, the question included; `rest` the corrected one, without it.
    """

    n: int
    facility: float
    total: float | None
    rest: float | None

    @property
    def flags(self) -> tuple[str, ...]:
        """What deserves a look: ``hard``, ``easy``, ``weak``; nothing with too few answers."""
        if self.n < ENOUGH:
            return ()
        found = {
            "hard": self.facility < TOO_HARD,
            "easy": self.facility > TOO_EASY,
            "weak": self.rest is not None and self.rest < WEAK,
        }
        return tuple(flag for flag, is_so in found.items() if is_so)


def of_items(people: Responses) -> dict[int, ItemStatistics]:
    """The statistics of each question that somebody was asked."""
    asked = sorted({item for person in people for item in person})
    return {item: _of_item(item, [person for person in people if item in person]) for item in asked}


def alpha(people: Responses) -> float | None:
    """Cronbach's alpha; None unless at least two people were all asked the same two questions or more."""
    items = sorted(people[0]) if people else []
    if len(people) < 2 or len(items) < 2 or any(sorted(person) != items for person in people):
        return None
    whole = _variance([sum(person.values()) for person in people])
    parts = sum(_variance([person[item] for person in people]) for item in items)
    return None if whole == 0 else len(items) / (len(items) - 1) * (1 - parts / whole)


def correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Pearson's; None where one of both does not vary."""
    mean_x, mean_y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    both = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    own = math.fsum((x - mean_x) ** 2 for x in xs) * math.fsum((y - mean_y) ** 2 for y in ys)
    # Answers that are all alike may differ by rounding, and would then correlate by chance.
    return both / math.sqrt(own) if own > 1e-18 else None


def _of_item(item: int, people: Responses) -> ItemStatistics:
    own = [person[item] for person in people]
    with_others = [person for person in people if len(person) > 1]
    rest = total = None
    if len(with_others) > 1:
        earned = [person[item] for person in with_others]
        sums = [math.fsum(person.values()) for person in with_others]
        sizes = [len(person) for person in with_others]
        total = correlation(earned, [whole / size for whole, size in zip(sums, sizes, strict=True)])
        others = [(s - e) / (size - 1) for s, e, size in zip(sums, earned, sizes, strict=True)]
        rest = correlation(earned, others)
    return ItemStatistics(len(own), math.fsum(own) / len(own), total, rest)


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
