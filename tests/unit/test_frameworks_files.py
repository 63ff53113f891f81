"""Frameworks as files: what is written reads back the same, and nothing that is odd goes unmentioned."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltitools.services.frameworks import case_in, case_out, table
from ltitools.services.frameworks.content import Content, Item, arranged, clean
from ltitools.services.frameworks.findings import Findings, Unusable

BASE = "https://tool.example.test/case/acme"
DOCUMENT = "00000000-0000-4000-8000-000000000000"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40).map(clean)
some_words = words.filter(bool)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Frameworks of every shape, in English, in French or in both."""
    languages = st.sets(st.sampled_from(["en", "fr"]), min_size=1)
    guids = draw(st.lists(st.uuids().map(str), max_size=8, unique=True))
    codes = draw(
        st.lists(
            some_words.map(lambda text: " ".join(text.split())[:60]).filter(bool),
            min_size=len(guids),
            max_size=len(guids),
            unique=True,
        )
    )
    items = []
    for index, (guid, code) in enumerate(zip(guids, codes, strict=True)):
        titles = {language: draw(some_words) for language in sorted(draw(languages))}
        descriptions = (
            {language: draw(some_words) for language in sorted(draw(languages))} if draw(st.booleans()) else {}
        )
        above = draw(st.sampled_from([None, *guids[:index]]))
        items.append(Item(guid, code, titles, descriptions, above, changed_at=NOW))
    title = {language: draw(some_words) for language in sorted(draw(languages))}
    return Content(DOCUMENT, title, arranged(items), creator=draw(words), changed_at=NOW)


@given(contents())
def test_a_table_reads_back_as_it_was_written(content: Content) -> None:
    read, findings = table.read(table.write(content), replace(content, items=()))
    assert replace(read, items=tuple(replace(item, changed_at=NOW) for item in read.items)) == content
    assert list(findings) == []


@given(contents())
def test_a_table_changes_nothing_of_what_it_does_not_hold(content: Content) -> None:
    rich = replace(
        content,
        items=tuple(replace(item, uri="https://a.example/1", case={"CFItemType": "Skill"}) for item in content.items),
    )
    assert table.read(table.write(rich), rich)[0] == rich


@given(contents())
def test_a_package_reads_back_as_it_was_written(content: Content) -> None:
    written = case_out.write(content, BASE, "Acme", "ai")
    read, findings = case_in.read(written)
    assert not [one for one in findings if one.severity != "note"]
    assert (read.guid, read.titles, read.changed_at) == (content.guid, content.titles, NOW)
    assert [(i.guid, i.code, i.titles, i.descriptions, i.parent) for i in read.items] == [
        (i.guid, i.code, i.titles, i.descriptions, i.parent) for i in content.items
    ]
    assert json.loads(case_out.write(read, "https://elsewhere.example", "Other", "x")) == json.loads(written)


def test_ten_lines_from_a_spreadsheet_are_a_framework() -> None:
    text = "Code;Title EN;Titre FR;Title FR;Parent\r\nA;Use AI;x;Utiliser l’IA;\r\nA.1;Write;;;A\r\n\r\nB;Judge;;;\r\n"
    read, findings = table.read(text.encode("cp1252"), Content(DOCUMENT, {}))
    assert [(item.code, bool(item.parent), item.titles) for item in read.items] == [
        ("A", False, {"en": "Use AI", "fr": "Utiliser l’IA"}),
        ("A.1", True, {"en": "Write"}),
        ("B", False, {"en": "Judge"}),
    ]
    assert read.items[1].parent == read.items[0].guid
    assert [(one.severity, one.places) for one in findings] == [("warning", ("titre_fr",)), ("note", ())]


def test_a_row_without_an_identifier_is_the_competency_with_its_code() -> None:
    before = Content(DOCUMENT, {}, (Item(DOCUMENT, "A", {"en": "Use"}), Item(BASE, "B", {"en": "Judge"})))
    read, findings = table.read(b"code,title_en\nA,Use AI\nC,New\n", before)
    assert [item.code for item in read.items] == ["A", "C"]
    assert read.items[0].guid == DOCUMENT
    assert [one.places for one in findings] == [("B",)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must name the columns"),
        ("name,title\nA,x\n", "must name the columns"),
        ("code,title_en,code\nA,x,B\n", "Two columns"),
        ("code,title_en\nA,x\nA,y\n", "same code"),
        ("code,title_en\nA,\n", "no wording"),
        ("code,title_en\n,x\n", "no code"),
        ("code,title_en,parent\nA,x,Z\n", "is in no row"),
        ("code,title_en,parent\nA,x,B\nB,y,A\n", "below itself"),
        ("code,title_en,guid\nA,x,1\n", "no GUID"),
        ("code,title_en\nA,x,y\n", "more cells"),
        ('code,title_en\nA,"x\n', "no valid CSV"),
        ("code,title_en\n" + "".join(f"{n},x\n" for n in range(5001)), "more than 5000"),
    ],
)
def test_a_table_with_errors_is_refused_with_every_one_of_them(text: str, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        table.read(text.encode(), Content(DOCUMENT, {}))


def test_no_text_of_a_table_runs_as_a_formula() -> None:
    evil = Content(DOCUMENT, {}, (Item(DOCUMENT, "=1+1", {"en": "@SUM(A1)", "fr": "'=x"}),))
    assert b"\n'=1+1,,'@SUM(A1),''=x,,," in table.write(evil).replace(b"\r", b"")


# CASE


def package(*items: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A package of a document and these items, all of them at the top."""
    document = {
        "identifier": DOCUMENT,
        "uri": f"https://case.example/{DOCUMENT}",
        "creator": "Somebody",
        "title": "Framework",
        "lastChangeDateTime": "2026-01-01T00:00:00+00:00",
    }
    placed = [association(one["identifier"], DOCUMENT) for one in items]
    return {"CFDocument": document, "CFItems": list(items), "CFAssociations": placed, **parts}


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def item(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "identifier": guid(number),
        "uri": f"https://case.example/{guid(number)}",
        "fullStatement": f"Statement {number}",
        "humanCodingScheme": f"C{number}",
        "lastChangeDateTime": "2026-01-01T00:00:00+00:00",
        **fields,
    }


def association(origin: str, destination: str, kind: str = "isChildOf", **fields: Any) -> dict[str, Any]:
    ends = {
        name: {"title": one, "identifier": one, "uri": f"https://case.example/{one}"}
        for name, one in (("originNodeURI", origin), ("destinationNodeURI", destination))
    }
    made = f"{origin[:18]}-a{destination[-8:-5]}-{origin[-6:]}{destination[-6:]}"
    return {
        "identifier": made,
        "uri": f"https://case.example/{made}",
        "associationType": kind,
        "lastChangeDateTime": "2026-01-01T00:00:00+00:00",
        **ends,
        **fields,
    }


def read(raw: Any) -> tuple[Content, list[tuple[str, str, tuple[str, ...]]]]:
    content, findings = case_in.read(json.dumps(raw).encode())
    return content, said(findings)


def said(findings: Findings) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.severity, str(one.text), one.places) for one in findings]


def test_a_package_as_it_should_be_is_taken_without_a_word() -> None:
    content, findings = read(package(item(1), item(2)))
    assert findings == []
    assert [(one.guid, one.code, one.parent) for one in content.items] == [(guid(1), "C1", None), (guid(2), "C2", None)]


ODD: list[tuple[dict[str, Any], str, str]] = [
    (package(item(1, weird=1)), "does not know this field", "CFItems[0] (C1).weird"),
    (package(item(1), CFFoo=[]), "does not know this field", "CFFoo"),
    (package(item(1, educationalLevel="06")), "read as educationLevel", "CFItems[0] (C1).educationalLevel"),
    (package(item(1, language=None)), "value null", "CFItems[0] (C1).language"),
    (package(item(1, notes=5)), "A number stands where a text", "CFItems[0] (C1).notes"),
    (package(item(1, notes=[5])), "Something stands where a text", "CFItems[0] (C1).notes"),
    (package(item(1, notes="a\u0000b\ud800")), "control characters", "CFItems[0] (C1).notes"),
    (package(item(1, uri="not an address")), "An address is not valid", "CFItems[0] (C1).uri"),
    (package(item(1, lastChangeDateTime="2026-01-01T10:00:00")), "no zone", "CFItems[0] (C1).lastChangeDateTime"),
    (package(item(1, lastChangeDateTime="yesterday")), "A time is not valid", "CFItems[0] (C1).lastChangeDateTime"),
    (package(item(1, statusStartDate="yesterday")), "A time is not valid", "CFItems[0] (C1).statusStartDate"),
    (package(item(1, conceptKeywords="a")), "A text stands where a list", "CFItems[0] (C1).conceptKeywords"),
    (package(item(1, licenseURI="x")), "where a reference is expected", "CFItems[0] (C1).licenseURI"),
    (package(item(1, licenseURI={"uri": "x"})), "lacks a valid identifier", "CFItems[0] (C1).licenseURI"),
    (package(item(1, identifier="Math.1")), "no GUID", "CFItems[0] (C1).identifier"),
    (package(item(1, fullStatement=7)), "A number stands where a text", "CFItems[0] (C1).fullStatement"),
    (package(item(1, fullStatement="")), "has no statement", "CFItems[0] (C1)"),
    (
        package(item(1), item(2, humanCodingScheme="C1")),
        "Two competencies have the same code",
        "CFItems[1] (C1) → C1-2",
    ),
    (package(item(1), item(1, humanCodingScheme="C2")), "Two objects have the same identifier", "CFItems[1] (C2)"),
    (package(item(1, humanCodingScheme="")), "has no code", "CFItems[0] → 1"),
    (package(item(1, humanCodingScheme="x" * 200)), "longer than 128", f"CFItems[0] ({'x' * 60}).humanCodingScheme"),
    (package(item(1, fullStatement="x" * 3000)), "longer than 2000", "CFItems[0] (C1).fullStatement"),
    (package(item(1, fullStatement="<b>Use</b> AI")), "marks of HTML, Markdown", "CFItems[0] (C1)"),
    (package(item(1, fullStatement="Solve $x^2$")), "marks of HTML, Markdown", "CFItems[0] (C1)"),
    (package(item(1), CFAssociations=[]), "No association places", "CFItems[0] (C1)"),
    (package(item(1), CFAssociations={}), "where a list is expected", "CFAssociations"),
    (package(item(1), CFAssociations=["x"]), "where an object is expected", "CFAssociations[0]"),
    (package(item(1), CFAssociations=[association(guid(1), guid(7))]), "below something", "CFAssociations[0]"),
    (package(item(1), CFAssociations=[association(guid(7), guid(1))]), "places something", "CFAssociations[0]"),
    (package(item(1), CFAssociations=[association(guid(1), guid(1))]), "below itself", "CFAssociations[0]"),
    (
        package(item(1), item(2), CFAssociations=[association(guid(1), guid(2)), association(guid(2), guid(1))]),
        "A competency stands below itself",
        "CFItems[0] (C1)",
    ),
    (
        package(item(1), CFAssociations=[association(guid(1), DOCUMENT), association(guid(1), DOCUMENT)]),
        "there twice",
        "CFAssociations[1]",
    ),
    (
        package(item(1), CFAssociations=[association(guid(1), DOCUMENT, sequenceNumber="1")]),
        "written as a text",
        "CFAssociations[0].sequenceNumber",
    ),
    (
        package(item(1), CFAssociations=[association(guid(1), guid(2), "isTranslationOf")]),
        "does not know this type of association",
        "CFAssociations[0]: isTranslationOf",
    ),
    (
        package(item(1), CFAssociations=[association(guid(1), guid(2), "exactMatchOf")]),
        "Associations of the type exactMatchOf are kept",
        "CFAssociations[0]",
    ),
    (package(item(1), CFRubrics=[{"title": "x"}]), "lacks what CASE requires", "CFRubrics[0]: identifier"),
    (package(item(1), CFDefinitions={"CFConcepts": [{}], "x": 1}), "does not know this field", "CFDefinitions.x"),
    ({"CFPackage": package(item(1))}, "inside a field CFPackage", "CFPackage"),
    (package(item(1)) | {"CFDocument": {"title": "Bare"}}, "CASE requires is not there", "CFDocument.identifier"),
]


@pytest.mark.parametrize(
    ("raw", "text", "place"), ODD, ids=[f"{index}-{text[:30]}" for index, (_, text, _) in enumerate(ODD)]
)
def test_every_deviation_is_told_with_its_place_and_the_rest_is_taken(raw: Any, text: str, place: str) -> None:
    content, findings = read(raw)
    assert any(text in remark and any(one.startswith(place) for one in places) for _, remark, places in findings)
    assert len(content.items) == len(raw.get("CFPackage", raw)["CFItems"])
    assert all(one.titles for one in content.items)
    again, remarks = read(case_out.package(content, BASE, "Acme", "ai"))
    assert {remark for _, remark, _ in remarks} <= {remark for _, remark, _ in findings}
    assert [(one.guid, one.code, one.parent) for one in again.items] == [
        (one.guid, one.code, one.parent) for one in content.items
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "no valid JSON"),
        (b"\xff\xfe\x00", "no valid JSON"),
        (b'{"CFDocument": {}, "CFItems": NaN}', "no valid JSON"),
        (b"[" * 200_000, "no valid JSON"),
        (b'{"a": ' * 200_000, "no valid JSON"),
        (b"[]", "no CFDocument"),
        (b'{"CFItems": []}', "no CFDocument"),
        (json.dumps(package() | {"CFItems": [{}] * 5001}).encode(), "more than 5000"),
    ],
)
def test_what_is_no_package_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        case_in.read(data)


def test_too_many_levels_are_refused() -> None:
    chain = [association(guid(n), guid(n - 1) if n > 1 else DOCUMENT) for n in range(1, 22)]
    with pytest.raises(Unusable, match="more than 20 levels"):
        read(package(*(item(n) for n in range(1, 22)), CFAssociations=chain))


def test_a_competency_without_an_identifier_gets_the_same_one_each_time() -> None:
    bare = item(1)
    del bare["identifier"]
    raw = package() | {"CFItems": [bare]}
    assert read(raw)[0].items[0].guid == read(raw)[0].items[0].guid


def test_siblings_stand_in_the_order_of_their_numbers() -> None:
    links = [association(guid(1), DOCUMENT, sequenceNumber=2), association(guid(2), DOCUMENT, sequenceNumber=1)]
    assert [one.code for one in read(package(item(1), item(2), CFAssociations=links))[0].items] == ["C2", "C1"]


def test_what_a_package_says_beyond_competencies_is_written_again() -> None:
    raw = package(
        item(1, CFItemType="Skill", educationLevel=["06"], abbreviatedStatement="S"),
        CFDefinitions={
            "CFItemTypes": [{**item(5), "title": "Skill", "hierarchyCode": "1"}],
        },
        CFRubrics=[
            {
                "identifier": guid(6),
                "uri": "https://case.example/6",
                "lastChangeDateTime": "2026-01-01T00:00:00+00:00",
                "CFRubricCriteria": [
                    {
                        "identifier": guid(7),
                        "uri": "https://case.example/7",
                        "lastChangeDateTime": "2026-01-01T00:00:00+00:00",
                        "weight": 0.5,
                    }
                ],
            }
        ],
    )
    raw["CFAssociations"].append(association(guid(1), guid(9), "precedes"))
    written = case_out.package(read(raw)[0], BASE, "Acme", "ai")
    assert written["CFItems"][0] == raw["CFItems"][0] | {"language": "en"}
    assert written["CFAssociations"] == [
        raw["CFAssociations"][0]
        | {"sequenceNumber": 1}
        | {
            "originNodeURI": {"title": "C1", "identifier": guid(1), "uri": f"https://case.example/{guid(1)}"},
            "destinationNodeURI": {
                "title": "Framework",
                "identifier": DOCUMENT,
                "uri": f"https://case.example/{DOCUMENT}",
            },
        },
        raw["CFAssociations"][1],
    ]
    assert written["CFDefinitions"]["CFItemTypes"][0]["title"] == "Skill"
    assert written["CFRubrics"][0]["CFRubricCriteria"][0]["weight"] == 0.5
