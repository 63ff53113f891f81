"""What a micro-credential says: kept and read again exactly, refused where it is malformed, and weighed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltitools_badges.core import content
from ltitools_badges.core.content import Alignment, MicroCredential, Reference, completeness

FULL = MicroCredential(
    language="en",
    name="Applied Data Analysis",
    description="Analyses data of an organisation.",
    criteria="Pass **everything**.",
    outcomes=("Cleans data", "Draws charts"),
    hours=Decimal("50.5"),
    credits=Decimal(2),
    credit_system="ECTS",
    assessment=("exam", "project"),
    assessment_note="At the end",
    delivery="online",
    pace="self-paced",
    quality="Reviewed every year",
    quality_url="https://example.edu/quality",
    level="5",
    level_framework="EQF",
    level_url="http://data.europa.eu/snb/eqf/5",
    prerequisites="None",
    supervision="supervised-online",
    identity_checked=True,
    stacks_to=(Reference("Diploma", "https://example.edu/diploma"),),
    occupations=(Alignment("NOC", "2021", "21211", "Data scientist", "", kind="ext:Occupation"),),
    alignments=(Alignment("ESCO", "1.2", "S5", "analyse data", "https://example.org/s5", "…", "CFItem"),),
    field="Computing",
    tags=("data", "python"),
    shows_grade=True,
    valid_months=24,
)
LEAST = MicroCredential(language="fr", name="Données")

amounts = st.none() | st.decimals(min_value=0, max_value=1000, places=2)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
alignments = st.builds(
    Alignment, words, words, words, words, st.sampled_from(["", "https://example.org/a?b=c#d"]), words,
    st.sampled_from(["", "CFItem", "ext:Occupation", "ext:Some_thing.2"]),
)  # fmt: skip


@given(
    st.builds(
        MicroCredential,
        language=st.sampled_from(content.LANGUAGES),
        name=words,
        outcomes=st.lists(words, max_size=5).map(tuple),
        hours=amounts,
        credits=amounts,
        assessment=st.lists(st.sampled_from(list(content.ASSESSMENTS)), unique=True).map(tuple),
        delivery=st.sampled_from(["", *content.DELIVERY]),
        alignments=st.lists(alignments, max_size=3).map(tuple),
        valid_months=st.none() | st.integers(1, 600),
    )
)
def test_what_is_written_is_read_again_exactly(made: MicroCredential) -> None:
    assert MicroCredential.from_json(made.to_json()) == made


def test_every_member_is_kept() -> None:
    assert MicroCredential.from_json(FULL.to_json()) == FULL
    assert FULL.to_json()["hours"] == "50.5"


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1}, {"language": "de"}, {"name": None}, {"name": "x" * 256}, {"name": "a\0b"}, {"hours": 3},
        {"hours": "1e-7"}, {"hours": "1000.01"}, {"hours": "-1"}, {"hours": "2.345"}, {"hours": "٣"},
        {"credits": "NaN"}, {"delivery": "by pigeon"}, {"assessment": ["guess"]}, {"assessment": "exam"},
        {"quality_url": "javascript:alert(1)"}, {"level_url": "/levels/5"}, {"identity_checked": "yes"},
        {"valid_months": 0}, {"valid_months": True}, {"valid_months": 601}, {"tags": [1]}, {"outcomes": ["x"] * 51},
        {"stacks_to": [{"name": "Diploma", "url": "", "more": 1}]}, {"stacks_to": [{"url": ""}]},
        {"alignments": [{"framework": "", "version": "", "code": "", "name": "", "url": "", "kind": "Thing"}]},
        {"occupations": ["21211"]},
    ],
)  # fmt: skip
def test_a_malformed_member_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        MicroCredential.from_json({**FULL.to_json(), **change})


def test_name_and_language_have_to_be_there_and_the_rest_may_be_left_out() -> None:
    assert MicroCredential.from_json({"language": "fr", "name": "Données"}) == LEAST
    with pytest.raises(ValueError, match="name"):
        MicroCredential.from_json({"language": "fr"})


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://example.edu/a?b=c", True),
        ("http://example.edu:8080", True),
        ("https://", False),
        ("ftp://example.edu", False),
        ("https://example.edu/a b", False),
        ('https://example.edu/"', False),
        ("https://example.edu:port/", False),
        ("https://[::1", False),
        ("https://example.edu/" + "a" * 2000, False),
        ("https://example.edu/\n", False),
    ],
)
def test_an_address_is_that_of_a_web_page(text: str, good: bool) -> None:
    assert content.is_address(text) is good


def test_a_full_description_lacks_nothing() -> None:
    found = completeness(FULL, "CA")
    assert (found.percent, found.missing, found.optional_missing) == (100, (), ())


def test_what_is_missing_is_named_with_the_field_that_says_it() -> None:
    found = completeness(LEAST, "")
    missing = {element.key: element.fields for element in found.missing}
    assert list(missing) == [
        *("description", "outcomes", "workload", "assessment", "criteria", "delivery", "quality", "level", "country")
    ]
    assert missing["workload"] == ("hours", "credits")
    assert missing["country"] == ()
    assert found.percent == 10
    assert {element.key for element in found.optional_missing} >= {"grade", "occupation", "stackability"}


def test_credits_alone_say_the_workload_and_zero_hours_are_said() -> None:
    for one in ({"credits": "2"}, {"hours": "0"}):
        said = MicroCredential.from_json({**LEAST.to_json(), **one})
        assert "workload" in {element.key for element in completeness(said).met}


def test_that_no_level_applies_is_said_on_purpose() -> None:
    framework = MicroCredential.from_json({**LEAST.to_json(), "level_framework": content.NO_LEVEL})
    assert "level" in {element.key for element in completeness(framework).met}
    only_named = MicroCredential.from_json({**LEAST.to_json(), "level_framework": "EQF"})
    assert "level" in {element.key for element in completeness(only_named).missing}


def test_white_space_says_nothing() -> None:
    blank = MicroCredential.from_json({**LEAST.to_json(), "quality": "  \n", "outcomes": []})
    assert "quality" in {element.key for element in completeness(blank).missing}


def test_words_of_every_vocabulary_are_there_in_both_languages() -> None:
    for words_of in (
        content.ASSESSMENTS, content.DELIVERY, content.PACES, content.SUPERVISION, content.ALIGNMENT_KINDS,
    ):  # fmt: skip
        for names in words_of.values():
            assert set(names) == {"en", "fr"}
