"""Frameworks that OpenSALT, another program, has written: all that is in them is taken, kept, and written again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ltitools.services.frameworks import case_in, case_out
from ltitools.services.frameworks.content import Content, Item
from ltitools.services.frameworks.findings import Findings

BASE = "https://tool.example.test/case/acme"
FIXTURES = os.environ.get("LTITOOLS_EXTERNAL_FIXTURES")
CORE = Path(FIXTURES or "/nowhere") / "case-opensalt" / "core"
SCHEMA = CORE / "config" / "schema" / "case-v1p0-cfpackage-schema.json"
PACKAGES = {
    path.stem: path for folder in ("tests/_data", "docs/sample files") for path in CORE.glob(f"{folder}/*.json")
}
LARGE = "opensalt-framework-20c5134f-423d-4097-a971-3dd5152bf507"
NAMES = (
    "AdoptedTestFramework",
    "EmptyExternalFramework",
    "ItemTypeTestFramework",
    "MarkdownFramework",
    "Ordering",
    "SequenceNumberFramework",
    "SmartLevelFramework",
    "Utf8TestFramework",
    LARGE,
)

pytestmark = pytest.mark.skipif(
    not FIXTURES, reason="LTITOOLS_EXTERNAL_FIXTURES does not say where other people's files are"
)


def taken(name: str) -> tuple[dict[str, Any], Content, Findings]:
    data = PACKAGES[name].read_bytes()
    return json.loads(data), *case_in.read(data)


@pytest.mark.parametrize("name", NAMES)
def test_every_competency_keeps_its_identifier_address_and_statement(name: str) -> None:
    raw, content, _ = taken(name)
    assert content.guid == raw["CFDocument"]["identifier"]
    assert {(one.guid, one.uri) for one in content.items} == {(one["identifier"], one["uri"]) for one in raw["CFItems"]}
    statements = {one["fullStatement"].replace("\r\n", "\n").strip() for one in raw["CFItems"]}
    assert {one.titles["en"] for one in content.items} == statements


@pytest.mark.parametrize("name", NAMES)
def test_the_hierarchy_is_that_of_the_package(name: str) -> None:
    raw, content, _ = taken(name)
    links = [one for one in raw["CFAssociations"] if one["associationType"] == "isChildOf"]
    above = {one["originNodeURI"]["identifier"]: one["destinationNodeURI"]["identifier"] for one in links}
    assert {one.guid: one.parent or content.guid for one in content.items} == above


def _told(item: Item) -> tuple[object, ...]:
    kept = {name: value for name, value in item.case.items() if name != "language"}
    return item.guid, item.code, item.titles, item.descriptions, item.parent, item.uri, item.changed_at, kept


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_reads_back_the_same_and_nothing_in_it_is_odd(name: str) -> None:
    _, content, findings = taken(name)
    again, remarks = case_in.read(case_out.write(content, BASE, "Acme", "x"))
    assert [_told(one) for one in again.items] == [_told(one) for one in content.items]
    assert {one.severity for one in remarks} <= {"note"}
    assert {str(one.text) for one in remarks if one.severity == "note"} <= {str(one.text) for one in findings}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_valid_against_the_schema_of_case(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    written = json.loads(case_out.write(taken(name)[1], BASE, "Acme", "x"))
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8")))
    assert [f"{list(one.absolute_path)}: {one.message}" for one in validator.iter_errors(written)] == []


def test_no_association_is_lost() -> None:
    raw, content, _ = taken(LARGE)
    written = case_out.package(content, BASE, "Acme", "x")
    assert {one["identifier"] for one in written["CFAssociations"]} == {
        one["identifier"] for one in raw["CFAssociations"]
    }
    assert written["CFDefinitions"]["CFItemTypes"][0]["title"] == "Cluster"


def test_what_opensalt_does_against_the_schema_is_told() -> None:
    _, _, findings = taken(LARGE)
    told = {str(one.text): one.places for one in findings}
    assert any("written as a text" in text and "sequenceNumber" in places[0] for text, places in told.items())
    assert any("read as educationLevel" in text and len(places) == 16 for text, places in told.items())
    assert any("no zone" in text for text in told)
    assert any("exactMatchOf are kept" in text and len(places) == 16 for text, places in told.items())


def test_siblings_stand_in_the_order_of_their_numbers() -> None:
    assert [one.code for one in taken("SequenceNumberFramework")[1].items] == ["SNT.2", "SNT.1"]


def test_competencies_without_codes_are_numbered() -> None:
    _, content, findings = taken("SmartLevelFramework")
    assert [one.code for one in content.items][:3] == ["1", "1.1", "1.2"]
    assert any("has no code" in str(one.text) for one in findings)


def test_formulas_and_tables_are_told_and_stay() -> None:
    _, content, findings = taken("MarkdownFramework")
    assert "$x^2$" in content.items[1].titles["en"]
    assert [len(one.places) for one in findings if "HTML, Markdown" in str(one.text)] == [2]
