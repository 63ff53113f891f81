"""Drawing the form of an attempt: which questions, in which order, with their options in which order."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from ltitools_diagnostic.items import Item, Kind


@dataclass(frozen=True)
class Candidate:
    """A question that may be drawn; `shuffled_options` is 0 where the options have no order to shuffle.

    `asked` is in how many earlier sittings the person has met it.
    """

    item_id: int
    competency: int
    shuffled_options: int
    asked: int = 0


def shuffled_options(item: Item) -> int:
    """How many things of `item` are shuffled: options, of a matching question the answers to choose from.

    True/false keeps its order, typed answers have none.
    """
    if item.kind is Kind.MATCHING:
        return len(item.answers)
    return len(item.options) if item.kind in (Kind.SINGLE, Kind.MULTIPLE, Kind.ORDERING) else 0


def draw(
    candidates: Iterable[Candidate], per_competency: int | None, seed: str, *, grouped: bool = False
) -> list[tuple[int, list[int]]]:
    """`per_competency` questions of each competency (all where there are fewer), all mixed, as (item, options).

    Questions that the person has met less often come first, so a reassessment has others while there are some.
    `grouped` mixes only inside each competency and keeps these in their order. The same seed draws the same form.
    What was drawn is stored too, so a form outlives this function.
    """
    chance = random.Random(seed)  # noqa: S311  (the same seed has to draw the same form)
    by_competency: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        by_competency.setdefault(candidate.competency, []).append(candidate)
    drawn: list[Candidate] = []
    for group in by_competency.values():
        mixed = chance.sample(group, len(group))
        drawn += sorted(mixed, key=lambda candidate: candidate.asked)[: per_competency or len(group)]
    if grouped:
        order = list(by_competency)
        chance.shuffle(drawn)
        drawn.sort(key=lambda candidate: order.index(candidate.competency))
    else:
        chance.shuffle(drawn)
    form: list[tuple[int, list[int]]] = []
    for candidate in drawn:
        options = list(range(candidate.shuffled_options))
        chance.shuffle(options)
        form.append((candidate.item_id, options))
    return form
