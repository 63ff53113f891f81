"""The answer to a deep linking request: what an instructor chose, signed for the platform.

https://www.imsglobal.org/spec/lti-dl/v2p0/#deep-linking-response-message
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.lineitem import LineItem

from ltitools.lti import claims as names
from ltitools.lti.claims import DeepLinkingSettings
from ltitools.lti.keys import ToolKey
from ltitools.lti.login import Platform

LIFETIME = 300


@dataclass(frozen=True)
class Item:
    """A resource link to be placed. `score_maximum` asks for a gradebook column; times are aware."""

    title: str
    url: str
    text: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)
    target: str = "iframe"
    score_maximum: Decimal | None = None
    resource_id: str = ""
    tag: str = ""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    due_at: datetime | None = None


def response(
    platform: Platform,
    key: ToolKey,
    deployment_id: str,
    settings: DeepLinkingSettings,
    items: Sequence[Item],
    *,
    now: int,
    message: str = "",
) -> str:
    """The signed deep linking response with `items`, or with none where the instructor cancelled.

    Only what the platform accepts is sent: one item where it takes one, no line item where it takes none.
    """
    accepted = items if settings.accept_multiple else items[:1]
    claims: dict[str, Any] = {
        "iss": platform.client_id,
        "aud": platform.issuer,
        "iat": now,
        "exp": now + LIFETIME,
        "nonce": secrets.token_urlsafe(24),
        names.DEPLOYMENT_ID: deployment_id,
        names.MESSAGE_TYPE: "LtiDeepLinkingResponse",
        names.VERSION: "1.3.0",
        names.DL + "content_items": [_content_item(item, settings) for item in accepted],
    }
    if settings.has_data:
        claims[names.DL + "data"] = settings.data
    if message:
        claims[names.DL + "msg"] = message
    return key.sign(claims)


def _content_item(item: Item, settings: DeepLinkingSettings) -> dict[str, Any]:
    resource = DeepLinkResource().set_title(item.title).set_url(item.url).set_custom_params(dict(item.custom))
    if item.score_maximum is not None and item.score_maximum > 0 and settings.accept_line_item:
        resource.set_lineitem(
            LineItem()
            .set_label(item.title)
            .set_score_maximum(float(item.score_maximum))
            .set_resource_id(item.resource_id)
            .set_tag(item.tag)
        )
    content: dict[str, Any] = resource.to_dict()
    if item.text:
        content["text"] = item.text
    if item.target in settings.targets:
        # The library knows the target but never writes it.
        content[item.target] = {"targetName": "_blank"} if item.target == "window" else {}
    available = {"startDateTime": _iso(item.opens_at), "endDateTime": _iso(item.closes_at)}
    if times := {name: value for name, value in available.items() if value}:
        content["available"] = times
    if item.due_at:
        content["submission"] = {"endDateTime": _iso(item.due_at)}
    return content


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
