"""Assignment and Grade Services 2.0: columns (line items), scores and results.

https://www.imsglobal.org/spec/lti-ags/v2p0/
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pylti1p3.lineitem import LineItem

from ltitools.http import HttpClient, Response
from ltitools.lti.paging import read_pages
from ltitools.lti.platforms import Dialect, Score
from ltitools.lti.services import ServiceRefused, below, call, call_json, check, document_of, with_query

SCOPES = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCORE = SCOPES + "score"
LINE_ITEM = SCOPES + "lineitem"
LINE_ITEM_READ = SCOPES + "lineitem.readonly"
RESULT_READ = SCOPES + "result.readonly"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
LONGEST_LABEL = 255
# How the filters of the list of line items are called in a line item.
FILTERS = {"tag": "tag", "resource_id": "resourceId", "resource_link_id": "resourceLinkId"}


@dataclass(frozen=True)
class PlacedLineItem:
    """A gradebook column as the platform describes it."""

    url: str
    label: str
    score_maximum: float
    resource_id: str
    resource_link_id: str
    tag: str


@dataclass(frozen=True)
class Result:
    """What the gradebook holds for a person. `score` is None where it shows none, and a zero is a score."""

    user_id: str
    score: float | None
    maximum: float | None
    comment: str


# Columns ----------------------------------------------------------------------------------------------------


def list_line_items(http: HttpClient, token: str, line_items_url: str, **filters: str) -> list[PlacedLineItem]:
    """The line items of a course that match `filters` (tag, resource_id, resource_link_id), from all pages.

    The filters are applied here once more: some platforms pass over those that they do not know.
    """
    wanted = {FILTERS[name]: value for name, value in filters.items()}
    found = _list(http, token, with_query(line_items_url, **filters), LINE_ITEMS_TYPE)
    return [_placed(entry) for entry in found if all(_text(entry.get(name)) == value for name, value in wanted.items())]


def read_line_item(http: HttpClient, token: str, line_item_url: str) -> PlacedLineItem:
    """One column, by its address. Raises ServiceRefused with status 404 where it is not there any more."""
    _answer, document = call_json(http, token, line_item_url, LINE_ITEM_TYPE, dict)
    return _placed(document)


def create_line_item(
    http: HttpClient,
    token: str,
    line_items_url: str,
    *,
    label: str,
    score_maximum: float,
    resource_id: str,
    tag: str,
    resource_link_id: str = "",
) -> PlacedLineItem:
    """Make a gradebook column, for a resource link or by itself. Raises ServiceRefused in the platform's words."""
    item = (
        LineItem()
        .set_label(label[:LONGEST_LABEL])
        .set_score_maximum(score_maximum)
        .set_resource_link_id(resource_link_id)
        .set_resource_id(resource_id)
        .set_tag(tag)
    )
    types = {"Content-Type": LINE_ITEM_TYPE, "Accept": LINE_ITEM_TYPE}
    answer = call(http, token, "POST", line_items_url, types, item.get_value().encode())
    placed = _placed(document_of(answer, dict, (200, 201)))
    if not placed.url:
        raise ServiceRefused("the platform names no address for the new column")
    return placed


def change_line_item(
    http: HttpClient, token: str, line_item_url: str, *, label: str = "", score_maximum: float | None = None
) -> PlacedLineItem:
    """Rename or rescale a column. What is not ours to change is sent back as it is, extensions and dates too:
    platforms forget what a PUT leaves out.
    """
    _answer, document = call_json(http, token, line_item_url, LINE_ITEM_TYPE, dict)
    changed = dict(document)
    if label:
        changed["label"] = label[:LONGEST_LABEL]
    if score_maximum is not None:
        changed["scoreMaximum"] = score_maximum
    types = {"Content-Type": LINE_ITEM_TYPE, "Accept": LINE_ITEM_TYPE}
    answer = call(http, token, "PUT", line_item_url, types, json.dumps(changed).encode())
    return _placed(document_of(answer, dict, (200, 201)))


def delete_line_item(http: HttpClient, token: str, line_item_url: str) -> None:
    """Remove a column with its grades. One that is not there any more is removed."""
    answer = call(http, token, "DELETE", line_item_url, {"Accept": LINE_ITEM_TYPE})
    if answer.status != 404:
        check(answer, (200, 202, 204))


# Scores and results -----------------------------------------------------------------------------------------


def post_score(http: HttpClient, token: str, line_item_url: str, score: Score, dialect: Dialect) -> Response:
    """Send a score; the answer is the dialect's to judge. Raises HttpError where there is none."""
    body = json.dumps(dialect.score_document(score)).encode()
    return call(http, token, "POST", below(line_item_url, "scores"), {"Content-Type": SCORE_TYPE}, body)


def read_results(http: HttpClient, token: str, line_item_url: str, user_id: str = "") -> list[Result]:
    """The results of a column, of everybody or of one person, from all pages.

    A page size is never asked for: Moodle cannot answer that, and the platform's own is as good.
    """
    url = below(line_item_url, "results")
    found = _list(http, token, with_query(url, user_id=user_id) if user_id else url, RESULTS_TYPE)
    results = [_result(entry) for entry in found]
    return [result for result in results if result.user_id and user_id in ("", result.user_id)]


def read_comment(http: HttpClient, token: str, line_item_url: str, user_id: str) -> str | None:
    """The comment that the gradebook holds for a person, None where there is none."""
    results = read_results(http, token, line_item_url, user_id)
    return next((result.comment for result in results if result.comment), None)


def _list(http: HttpClient, token: str, url: str, media_type: str) -> Sequence[dict[str, Any]]:
    """The objects on all pages of a list."""

    def page(address: str) -> tuple[Response, Any]:
        return call_json(http, token, address, media_type, list)

    pages = read_pages(url, page)
    if not pages.complete:
        raise ServiceRefused("the list of the platform has no end")
    return [entry for document in pages.documents for entry in document if isinstance(entry, dict)]


def _result(entry: dict[str, Any]) -> Result:
    comment = entry.get("comment")
    return Result(
        user_id=_text(entry.get("userId")),
        score=_number(entry.get("resultScore")),
        maximum=_number(entry.get("resultMaximum")),
        comment=comment if isinstance(comment, str) else "",
    )


def _placed(document: dict[str, Any]) -> PlacedLineItem:
    return PlacedLineItem(
        url=_text(document.get("id")),
        label=_text(document.get("label")),
        score_maximum=_number(document.get("scoreMaximum")) or 0.0,
        resource_id=_text(document.get("resourceId")),
        resource_link_id=_text(document.get("resourceLinkId")),
        tag=_text(document.get("tag")),
    )


def _text(value: Any) -> str:
    """A text or an identifier that came as a number; anything else is none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
