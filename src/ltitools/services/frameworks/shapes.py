"""The objects of a CASE 1.0 package: their fields, and how each is read where it is not quite what it should be.

After https://www.imsglobal.org/sites/default/files/CASE/casev1p0/information_model/caseservicev1p0_infomodelv1p0.html
and the JSON schema of its package. What is read with these shapes can be written again as valid CASE.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from ltitools.i18n import LazyText, host
from ltitools.services.frameworks.content import clean
from ltitools.services.frameworks.findings import Findings

lazy = host.lazy
Reader = Callable[[Any], tuple[Any, LazyText | None]]
"""Reads a value: what is taken of it, None for nothing, and what is unusual about it."""

CHILD = "isChildOf"
ASSOCIATION_TYPES = frozenset(
    {
        CHILD,
        "isPeerOf",
        "isPartOf",
        "exactMatchOf",
        "precedes",
        "isRelatedTo",
        "replacedBy",
        "exemplar",
        "hasSkillLevel",
    }
)


_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]{1,2000}")


def text(value: Any) -> tuple[Any, LazyText | None]:
    """A text without control characters."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value), lazy("A number stands where a text is expected. It was taken as text.")
    if not isinstance(value, str):
        return None, lazy("Something stands where a text is expected. It was left out.")
    cleaned = clean(value)
    if cleaned != value.replace("\r\n", "\n").replace("\r", "\n").strip():
        return cleaned, lazy("A text has control characters. They were left out.")
    return cleaned, None


def texts(value: Any) -> tuple[Any, LazyText | None]:
    """A list of texts."""
    if not isinstance(value, list):
        one, remark = text(value)
        return (None if one is None else [one]), remark or lazy(
            "A text stands where a list is expected. It was taken as a list."
        )
    read = [text(one) for one in value]
    remark = next((remark for _, remark in read if remark), None)
    return [one for one, _ in read if one is not None], remark


def text_or_texts(value: Any) -> tuple[Any, LazyText | None]:
    """A list of texts, or one text."""
    return text(value) if isinstance(value, str) else texts(value)


def integer(value: Any) -> tuple[Any, LazyText | None]:
    """A whole number of 32 bits."""
    remark = None
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) < 12:
        value, remark = int(value), lazy("A number is written as a text. It was taken as a number.")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**31) <= value < 2**31:
        return None, lazy("Something stands where a whole number is expected. It was left out.")
    return value, remark


def number(value: Any) -> tuple[Any, LazyText | None]:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None, lazy("Something stands where a number is expected. It was left out.")
    return value, None


def guid(value: Any) -> tuple[Any, LazyText | None]:
    """A GUID, in small letters."""
    try:
        return str(uuid.UUID(value.strip())), None
    except (ValueError, AttributeError):
        return None, lazy("An identifier is no GUID.")


def uri(value: Any) -> tuple[Any, LazyText | None]:
    """An absolute address."""
    if isinstance(value, str) and _ADDRESS.fullmatch(value.strip()):
        return value.strip(), None
    return None, lazy("An address is not valid. It was left out.")


def moment(value: Any) -> tuple[Any, LazyText | None]:
    """A date and time with its zone."""
    try:
        read = datetime.fromisoformat(value.strip())
    except (ValueError, AttributeError):
        return None, lazy("A time is not valid. It was left out.")
    if read.tzinfo is None:
        return read.replace(tzinfo=UTC).isoformat(), lazy("A time has no zone. It was taken as UTC.")
    try:
        return read.astimezone(UTC).isoformat(), None
    except OverflowError:
        return None, lazy("A time is not valid. It was left out.")


def day(value: Any) -> tuple[Any, LazyText | None]:
    """A date, or a date and time."""
    try:
        return date.fromisoformat(value.strip()).isoformat(), None
    except (ValueError, AttributeError):
        return moment(value)


def link(value: Any) -> tuple[Any, LazyText | None]:
    """A reference to an object of CASE."""
    return _link(value, guid)


def any_link(value: Any) -> tuple[Any, LazyText | None]:
    """A reference to anything."""
    return _link(value, text)


def links(value: Any) -> tuple[Any, LazyText | None]:
    """A list of references."""
    read = [link(one) for one in (value if isinstance(value, list) else [value])]
    remark = next((remark for _, remark in read if remark), None)
    return [one for one, _ in read if one is not None], remark


def _link(value: Any, identifier: Reader) -> tuple[Any, LazyText | None]:
    if not isinstance(value, dict):
        return None, lazy("Something stands where a reference is expected. It was left out.")
    read = {
        "title": text(value.get("title", ""))[0] or "",
        "identifier": identifier(value.get("identifier"))[0],
        "uri": uri(value.get("uri"))[0],
    }
    if not read["identifier"] or not read["uri"]:
        return None, lazy("A reference lacks a valid identifier or address. It was left out.")
    if set(value) - set(read):
        return read, lazy("A reference has fields that CASE does not know. They were left out.")
    return read, None


_COMMON: Mapping[str, Reader] = {"identifier": guid, "uri": uri, "lastChangeDateTime": moment}
_TITLED: Mapping[str, Reader] = {**_COMMON, "title": text, "description": text}
_STATUS: Mapping[str, Reader] = {"statusStartDate": day, "statusEndDate": day, "language": text, "notes": text}

DOCUMENT: Mapping[str, Reader] = {
    **_TITLED,
    **_STATUS,
    "creator": text,
    "officialSourceURL": uri,
    "publisher": text,
    "subject": text_or_texts,
    "subjectURI": links,
    "version": text,
    "adoptionStatus": text,
    "licenseURI": link,
}
ITEM: Mapping[str, Reader] = {
    **_COMMON,
    **_STATUS,
    "fullStatement": text,
    "alternativeLabel": text,
    "CFItemType": text,
    "humanCodingScheme": text,
    "listEnumeration": text,
    "abbreviatedStatement": text,
    "conceptKeywords": texts,
    "conceptKeywordsURI": link,
    "educationLevel": text_or_texts,
    "CFItemTypeURI": link,
    "licenseURI": link,
}
ASSOCIATION: Mapping[str, Reader] = {
    **_COMMON,
    "associationType": text,
    "sequenceNumber": integer,
    "originNodeURI": any_link,
    "destinationNodeURI": any_link,
    "CFAssociationGroupingURI": link,
}
DEFINITIONS: Mapping[str, tuple[Mapping[str, Reader], frozenset[str]]] = {
    "CFConcepts": ({**_TITLED, "keywords": text, "hierarchyCode": text}, frozenset({"title", "hierarchyCode"})),
    "CFSubjects": ({**_TITLED, "hierarchyCode": text}, frozenset({"title", "hierarchyCode"})),
    "CFLicenses": ({**_TITLED, "licenseText": text}, frozenset({"title", "licenseText"})),
    "CFItemTypes": ({**_TITLED, "hierarchyCode": text, "typeCode": text}, frozenset({"title", "hierarchyCode"})),
    "CFAssociationGroupings": (_TITLED, frozenset({"title"})),
}
RUBRIC: Mapping[str, Reader] = _TITLED
CRITERION: Mapping[str, Reader] = {
    **_COMMON,
    "category": text,
    "description": text,
    "CFItemURI": link,
    "weight": number,
    "position": integer,
    "rubricId": guid,
}
LEVEL: Mapping[str, Reader] = {
    **_COMMON,
    "description": text,
    "quality": text,
    "score": number,
    "feedback": text,
    "position": integer,
    "rubricCriterionId": guid,
}
WRITTEN_ANEW = frozenset({"CFDocumentURI", "CFPackageURI"})
"""What every object says of the package that it is in."""
MISSPELT = {"educationalLevel": "educationLevel"}
"""Names that OpenSALT wrote."""


def read_object(
    shape: Mapping[str, Reader],
    raw: Mapping[str, Any],
    place: str,
    findings: Findings,
    also: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The fields of an object that are of use, as they should be; everything else is remarked.

    `also` names fields that the caller reads.
    """
    found: dict[str, Any] = {}
    for name, value in raw.items():
        where = f"{place}.{clean(name)[:60]}"
        if name in MISSPELT and name not in shape:
            name = MISSPELT[name]
            findings.warn(lazy("A field is misspelt. It was read as %(name)s.", name=name), where)
        if name not in shape:
            if name not in also and name not in WRITTEN_ANEW:
                findings.warn(lazy("CASE 1.0 does not know this field. It was left out."), where)
        elif value is None:
            findings.note(lazy("A field has the value null. It was taken as not there."), where)
        else:
            read, remark = shape[name](value)
            if remark is not None:
                findings.warn(remark, where)
            if read is not None:
                found[name] = read
    return found
