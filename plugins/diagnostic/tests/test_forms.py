"""Drawing a form."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ltitools_diagnostic.forms import Candidate, draw, shuffled_options
from ltitools_diagnostic.items import Item, Kind, Option

CANDIDATES = [
    Candidate(item_id, competency, 4)
    for competency in (1, 2)
    for item_id in range(competency * 100, competency * 100 + 12)
]
competency_of = {candidate.item_id: candidate.competency for candidate in CANDIDATES}


@given(st.text(max_size=8), st.integers(1, 20))
def test_each_competency_has_the_number_asked_for_or_all_it_has(seed: str, number: int) -> None:
    form = draw(CANDIDATES, number, seed)
    items = [item_id for item_id, _order in form]
    assert len(set(items)) == len(items)
    assert Counter(competency_of[item_id] for item_id in items) == {1: min(number, 12), 2: min(number, 12)}
    assert all(sorted(order) == [0, 1, 2, 3] for _item, order in form)


def test_without_a_number_all_questions_are_asked() -> None:
    assert {item_id for item_id, _order in draw(CANDIDATES, None, "seed")} == set(competency_of)


def test_the_same_seed_draws_the_same_form_and_another_seed_another() -> None:
    assert draw(CANDIDATES, 6, "one") == draw(CANDIDATES, 6, "one")
    assert draw(CANDIDATES, 6, "one") != draw(CANDIDATES, 6, "two")


def test_competencies_are_mixed_and_options_shuffled() -> None:
    form = draw(CANDIDATES, None, "any seed")
    order = [competency_of[item_id] for item_id, _order in form]
    assert order not in ([1] * 12 + [2] * 12, [2] * 12 + [1] * 12)
    assert len({tuple(options) for _item, options in form}) > 1


def test_true_and_false_and_typed_answers_have_nothing_to_shuffle() -> None:
    options = (Option({}, {}), Option({}, {}))
    made = {kind: Item("x", "c", kind, {"en": "?"}, options=options) for kind in Kind}
    unshuffled = {kind for kind, item in made.items() if not shuffled_options(item)}
    assert unshuffled == {Kind.TRUEFALSE, Kind.NUMERIC, Kind.TEXT}


def test_of_a_matching_question_the_answers_are_shuffled() -> None:
    prompts = tuple(Option({"en": city}, {}, match={"en": "Italy"}) for city in ("Rome", "Milan", "Bari"))
    item = Item("x", "c", Kind.MATCHING, {"en": "?"}, options=prompts, extra=({"en": "Malta"},))
    assert shuffled_options(item) == 2
