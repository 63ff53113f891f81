"""Drawing the form of an attempt: which questions, in which order, with their options in which order."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from ltitools_diagnostic.items import Item, Kind


@dataclass(frozen=True)
class Candidate:
    """A question that may be drawn; `shuffled_options` is 0 where the options have no order to shuffle."""

    item_id: int
    competency: int
    shuffled_options: int


def shuffled_options(item: Item) -> int:
    """How many options of `item` are shuffled: true/false keeps its order, typed answers have none."""
    return len(item.options) if item.kind in (Kind.SINGLE, Kind.MULTIPLE) else 0


def draw(candidates: Iterable[Candidate], per_competency: int | None, seed: str) -> list[tuple[int, list[int]]]:
    """`per_competency` questions of each competency (all where there are fewer), all mixed, as (item, options).

    The same seed draws the same form. What was drawn is stored too, so a form outlives this function.
    """
    chance = random.Random(seed)  # noqa: S311  (shuffling questions protects nothing)
    by_competency: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        by_competency.setdefault(candidate.competency, []).append(candidate)
    drawn: list[Candidate] = []
    for group in by_competency.values():
        drawn += chance.sample(group, min(per_competency or len(group), len(group)))
    chance.shuffle(drawn)
    form: list[tuple[int, list[int]]] = []
    for candidate in drawn:
        order = list(range(candidate.shuffled_options))
        chance.shuffle(order)
        form.append((candidate.item_id, order))
    return form
