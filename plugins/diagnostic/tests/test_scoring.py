"""What answers are worth, and the rule of results."""

import re
from decimal import Decimal
from fractions import Fraction
from math import comb, fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltitools_diagnostic.items import (
    Between,
    Item,
    Kind,
    Near,
    NumberAnswer,
    Option,
    TextAnswer,
    Tolerance,
    right_by_weight,
)
from ltitools_diagnostic.scoring import (
    Level,
    Outcome,
    answer_given,
    beta_share,
    can_show,
    fraction,
    level,
    normalise,
    parse_number,
    probability,
)

OPTIONS = tuple(Option({"en": letter}, {}) for letter in "abcde")
counts = st.integers(min_value=1, max_value=200)


def choice(kind: Kind, *keys: int) -> Item:
    return Item("x", "data", kind, {"en": "?"}, options=OPTIONS, keys=keys)


def numeric(key: str, tolerance: str = "0") -> Item:
    return numbers(NumberAnswer(Near(Decimal(key), Tolerance.parse(tolerance))))


def numbers(*answers: NumberAnswer) -> Item:
    return Item("x", "data", Kind.NUMERIC, {"en": "?"}, numbers=answers)


def text(**accepted: tuple[str, ...]) -> Item:
    texts = {locale: tuple(TextAnswer(each) for each in answers) for locale, answers in accepted.items()}
    return Item("x", "data", Kind.TEXT, {"en": "?"}, texts=texts)


def weighted(kind: Kind, *weights: str) -> Item:
    options = tuple(Option({"en": f"{place}"}, {}, Decimal(weight)) for place, weight in enumerate(weights))
    keys = right_by_weight(kind, [Decimal(weight) for weight in weights])
    return Item("x", "data", kind, {"en": "?"}, options=options, keys=keys)


def matching(*pairs: tuple[str, str], extra: tuple[str, ...] = ()) -> Item:
    options = tuple(Option({"en": prompt}, {}, match={"en": answer}) for prompt, answer in pairs)
    return Item("x", "data", Kind.MATCHING, {"en": "?"}, options=options, extra=tuple({"en": each} for each in extra))


def ordering(size: int) -> Item:
    options = tuple(Option({"en": f"line {place}"}, {}) for place in range(size))
    return Item("x", "data", Kind.ORDERING, {"en": "?"}, options=options)


@pytest.mark.parametrize(("response", "earned"), [([1], 1), ([0], 0), ([], 0), (None, 0), ([0, 1], 0)])
def test_one_right_option_is_all_or_nothing(response: list[int] | None, earned: int) -> None:
    assert fraction(choice(Kind.SINGLE, 1), response) == earned


@pytest.mark.parametrize(
    ("response", "earned"),
    [
        ([0, 2], 1),
        ([0], Fraction(1, 2)),
        ([0, 2, 1], Fraction(1, 2)),
        ([0, 1], 0),
        ([1, 3, 4], 0),
        ([0, 1, 2, 3, 4], 0),
        ([0, 0, 2], 1),
        ([], 0),
        (None, 0),
    ],
)
def test_several_right_options_give_partial_credit_never_below_nothing(
    response: list[int] | None, earned: Fraction
) -> None:
    assert fraction(choice(Kind.MULTIPLE, 0, 2), response) == earned


@pytest.mark.parametrize(
    "typed", ["1250", " 1250 ", "1 250", "1\u00a0250", "1\u202f250", "1250,0", "1250.00", "+1250", "１２５０"]
)
def test_a_number_may_be_typed_as_people_type_numbers(typed: str) -> None:
    assert fraction(numeric("1250"), typed) == 1


@pytest.mark.parametrize("typed", ["", "about 12", "12 %", "1e3", "12.5.1", "1,250.50", "12 50", "NaN", "9" * 61])
def test_what_is_not_a_number_is_not_read_as_one(typed: str) -> None:
    assert parse_number(typed) is None
    assert fraction(numeric("1250"), typed) == 0


@pytest.mark.parametrize(
    ("typed", "value"), [("-3", "-3"), ("\u22123,5", "-3.5"), (",5", "0.5"), ("1 234 567.8", "1234567.8")]
)
def test_signs_and_decimal_signs_are_read(typed: str, value: str) -> None:
    assert parse_number(typed) == Decimal(value)


@pytest.mark.parametrize(
    ("key", "tolerance", "inside", "outside"),
    [
        ("0.3", "0.1", ["0.2", "0.4", "0,4"], ["0.1999999", "0.4000001"]),
        ("200", "5%", ["190", "210"], ["189.99", "210.01"]),
        ("-200", "5%", ["-190", "-210"], ["-189.99", "200"]),
        ("7", "0", ["7", "7.0"], ["7.0000000001"]),
        ("0", "10%", ["0"], ["0.0001"]),
    ],
)
def test_a_tolerance_is_inclusive_and_exact(key: str, tolerance: str, inside: list[str], outside: list[str]) -> None:
    item = numeric(key, tolerance)
    assert [fraction(item, typed) for typed in inside] == [1] * len(inside)
    assert [fraction(item, typed) for typed in outside] == [0] * len(outside)


@pytest.mark.parametrize(
    "typed",
    ["l'équité", "L\u2019ÉQUITÉ", "  l'equite ", "l\u2019e\u0301quite\u0301", "fairness", "FAIRNESS", "fair  ness"],
)
def test_a_typed_word_is_accepted_in_either_language_without_its_accents(typed: str) -> None:
    item = text(en=("fairness", "fair ness"), fr=("l\u2019équité",))
    assert fraction(item, typed) == 1


@pytest.mark.parametrize("typed", ["", "  ", "unfairness", "lequite"])
def test_another_word_is_not_accepted(typed: str) -> None:
    assert fraction(text(en=("fairness",), fr=("l'équité",)), typed) == 0


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("comput*", ["compute", "Computing", "comput", "computer science"], ["a computer", "compu"]),
        ("*", ["", "anything"], []),
        ("a * b", ["a and b", "À  et  b"], ["a b", "ab"]),
        ("a*b*c", ["abc", "a-b-c", "abbc"], ["ac", "acb", "ab"]),
        ("aba*aba", ["abaaba", "aba aba"], ["ababa", "aba"]),
        (r"2\*3", ["2*3", "2 * 3".replace(" ", "")], ["2x3", "23", r"2\*3"]),
        ("été*", ["ete", "l'été".removeprefix("l'"), "ÉTÉS"], ["hiver"]),
    ],
)
def test_an_asterisk_stands_for_any_text(pattern: str, inside: list[str], outside: list[str]) -> None:
    item = text(en=(pattern,))
    assert [fraction(item, typed) for typed in inside] == [1] * len(inside)
    assert [fraction(item, typed) for typed in outside] == [0] * len(outside)


@given(st.lists(st.sampled_from(["a", "b", "ab", "*"]), max_size=8), st.text("ab", max_size=12))
def test_wildcards_mean_what_a_regular_expression_says(parts: list[str], typed: str) -> None:
    meant = re.compile("".join(".*" if part == "*" else part for part in parts))
    assert fraction(text(en=("".join(parts),)), typed) == (meant.fullmatch(typed) is not None)


def test_a_pattern_of_many_wildcards_is_read_at_once() -> None:
    assert fraction(text(en=("a*" * 500 + "b",)), "a" * 200) == 0


def test_of_several_numbers_the_first_that_fits_counts() -> None:
    item = numbers(
        NumberAnswer(Near(Decimal(12))),
        NumberAnswer(Between(Decimal(10), Decimal(14)), Decimal(50), {"en": "Nearly."}),
        NumberAnswer(None, Decimal(0), {"en": "Not so."}),
    )
    assert [fraction(item, typed) for typed in ("12", "10", "14,0", "14.01", "many")] == [
        1,
        Fraction(1, 2),
        Fraction(1, 2),
        0,
        0,
    ]
    said = [answer.feedback if (answer := answer_given(item, typed)) else None for typed in ("11", "3", "many")]
    assert said == [{"en": "Nearly."}, {"en": "Not so."}, None]


def test_of_the_words_of_two_languages_the_better_one_counts() -> None:
    any_text = TextAnswer("*", Decimal(0), {"en": "No."})
    texts = {"en": (TextAnswer("chair"), any_text), "fr": (TextAnswer("chair", Decimal(25)), any_text)}
    item = Item("x", "data", Kind.TEXT, {"en": "?"}, texts=texts)
    assert fraction(item, "chair") == 1
    assert fraction(item, "meat") == 0


@pytest.mark.parametrize(
    ("kind", "weights", "response", "earned"),
    [
        (Kind.SINGLE, ("100", "50", "-25"), [0], 1),
        (Kind.SINGLE, ("100", "50", "-25"), [1], Fraction(1, 2)),
        (Kind.SINGLE, ("100", "50", "-25"), [2], 0),
        (Kind.SINGLE, ("100", "100", "0"), [1], 1),
        (Kind.MULTIPLE, ("50", "50", "-50", "0"), [0, 1], 1),
        (Kind.MULTIPLE, ("50", "50", "-50", "0"), [0, 1, 2], Fraction(1, 2)),
        (Kind.MULTIPLE, ("50", "50", "-50", "0"), [2], 0),
        (Kind.MULTIPLE, ("60", "60"), [0, 1], 1),
        (Kind.MULTIPLE, ("33.33333", "33.33333", "33.33333"), [0, 1, 2], 1),
        (Kind.MULTIPLE, ("16.66667", "83.33333"), [0], Fraction(1, 6)),
    ],
)
def test_weights_add_up_and_stay_between_nothing_and_all(
    kind: Kind, weights: tuple[str, ...], response: list[int], earned: Fraction
) -> None:
    assert fraction(weighted(kind, *weights), response) == earned


@pytest.mark.parametrize(
    ("response", "earned"),
    [
        ([0, 1, 0], 1),
        ([0, 1, 1], Fraction(2, 3)),
        ([2, -1, -1], 0),
        ([0], Fraction(1, 3)),
        ([9, 1, 0, 0], Fraction(2, 3)),
    ],
)
def test_matching_earns_its_right_pairs(response: list[int], earned: Fraction) -> None:
    item = matching(("Rome", "Italy"), ("Bern", "Switzerland"), ("Milan", "Italy"), extra=("Malta",))
    assert [wording["en"] for wording in item.answers] == ["Italy", "Switzerland", "Malta"]
    assert fraction(item, response) == earned


def test_two_answers_that_say_the_same_in_one_language_are_both_right() -> None:
    prompts = (
        Option({"en": "Rome"}, {}, match={"en": "South", "fr": "Le Sud"}),
        Option({"en": "Bari"}, {}, match={"en": "South", "fr": "Sud"}),
    )
    item = Item("x", "data", Kind.MATCHING, {"en": "?"}, options=prompts)
    assert fraction(item, [1, 0]) == 1


@pytest.mark.parametrize(
    ("response", "earned"),
    [
        ([0, 1, 2, 3], 1),
        ([1, 0, 2, 3], Fraction(2, 3)),
        ([0, 1, 3, 2], Fraction(2, 3)),
        ([3, 0, 1, 2], 0),
        ([1, 2, 0, 3], Fraction(1, 3)),
        ([3, 2, 1, 0], 0),
        ([0, 1, 2], 0),
        ([0, 0, 1, 2], 0),
    ],
)
def test_ordering_earns_by_the_pairs_that_are_in_order(response: list[int], earned: Fraction) -> None:
    assert fraction(ordering(4), response) == earned


@given(st.permutations(range(6)))
def test_one_swap_of_neighbours_changes_an_order_by_two_pairs(order: list[int]) -> None:
    swapped = [order[1], order[0], *order[2:]]
    assert abs(fraction(ordering(6), order) - fraction(ordering(6), swapped)) <= Fraction(2, 15)


@given(st.text())
def test_normalising_twice_changes_nothing_more(typed: str) -> None:
    assert normalise(normalise(typed)) == normalise(typed)


@pytest.mark.parametrize(("points", "items", "chance"), [(9, 10, 0.8870099), (7, 7, 0.9423520)])
def test_the_probability_equals_published_values(points: int, items: int, chance: float) -> None:
    """1 - pbeta(.7, 10, 2) = 0.8870099 and 1 - pbeta(.7, 8, 1) = 0.9423520, from R 4.2.2."""
    assert probability(points, items) == pytest.approx(chance, abs=5e-8)


@pytest.mark.parametrize(("items", "shown_from", "gap_up_to"), [(6, 6, 2), (10, 10, 5), (12, 11, 6), (20, 17, 11)])
def test_the_levels_change_where_the_table_of_the_readme_says(items: int, shown_from: int, gap_up_to: int) -> None:
    levels = [Outcome(Fraction(points), items).level for points in range(items + 1)]
    assert levels.index(Level.SHOWN) == shown_from
    assert levels.count(Level.GAP) == gap_up_to + 1
    assert levels.index(Level.DEVELOPING) == gap_up_to + 1


def test_fewer_than_six_questions_cannot_show_a_competency() -> None:
    assert [items for items in range(13) if not can_show(items)] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("chance", "expected"), [(0.90, "shown"), (0.8999, "developing"), (0.1001, "developing"), (0.10, "gap")]
)
def test_both_limits_belong_to_the_clear_result(chance: float, expected: str) -> None:
    assert level(chance) == expected


@given(counts, st.floats(min_value=0, max_value=1))
def test_a_probability_lies_between_none_and_one(items: int, share: float) -> None:
    assert 0 <= probability(items * share, items) <= 1


@given(counts, st.floats(min_value=0, max_value=1), st.floats(min_value=0, max_value=1))
def test_more_points_never_lower_the_probability(items: int, one: float, other: float) -> None:
    fewer, more = sorted((one, other))
    assert probability(items * fewer, items) <= probability(items * more, items) + 1e-12


positive = st.floats(min_value=0.5, max_value=500)


@given(positive, positive, st.floats(min_value=0.001, max_value=0.999))
def test_the_two_tails_make_one(a: float, b: float, x: float) -> None:
    assert beta_share(a, b, x) == pytest.approx(1 - beta_share(b, a, 1 - x), abs=1e-10)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(min_value=0.01, max_value=0.99))
def test_the_incomplete_beta_is_a_binomial_tail_for_whole_numbers(a: int, b: int, x: float) -> None:
    """I_x(a, b) = P(Bin(a + b - 1, x) >= a), https://dlmf.nist.gov/8.17.E5, summed another way."""
    n = a + b - 1
    tail = fsum(comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert beta_share(a, b, x) == pytest.approx(tail, abs=1e-10)


def test_the_ends_of_the_incomplete_beta_are_exact() -> None:
    assert (beta_share(2, 3, 0), beta_share(2, 3, 1)) == (0, 1)
