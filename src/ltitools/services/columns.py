"""Gradebook columns (line items) of links: found in the platform, or made where an instructor wants one.

A platform makes the column itself when an activity is placed with one. A link that was added by hand has none.
https://www.imsglobal.org/spec/lti-ags/v2p0/#line-item-service
"""

from __future__ import annotations

from sqlalchemy import select, update

from ltitools.context import current_host
from ltitools.db import announce_work, session, utcnow
from ltitools.errors import NotFound
from ltitools.lti.services import (
    LINE_ITEM,
    LINE_ITEM_READ,
    SCORE,
    ServiceRefused,
    create_line_item,
    list_line_items,
)
from ltitools.models import Activity, Grade, Link, Registration
from ltitools.services.tokens import access_token

SCORE_MAXIMUM = 100.0
TAG = "overall"


def can_create(link: Link) -> bool:
    """Whether the platform lets us add a column for this link and write scores to it."""
    return bool(link.line_items_url) and {LINE_ITEM, SCORE} <= set(link.service_scopes)


def ensure(tenant_id: int, link_id: int) -> str:
    """The address of the link's column, found or made; scores that had nowhere to go are due then. Commits.

    Call it outside a transaction: it asks the platform. Raises HttpError or ServiceRefused in the platform's words.
    """
    row = session.execute(
        select(Link, Registration, Activity)
        .join(Registration, Registration.id == Link.registration_id)
        .outerjoin(Activity, Activity.id == Link.activity_id)
        .where(Link.tenant_id == tenant_id, Link.id == link_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no link {link_id}.")
    link, registration, activity = row
    session.commit()
    if link.line_item_url:
        return str(link.line_item_url)
    if not can_create(link):
        raise ServiceRefused("the platform does not let this tool add columns")
    url = _find(registration, link) or _make(registration, link, activity)
    session.execute(update(Link).where(Link.tenant_id == tenant_id, Link.id == link_id).values(line_item_url=url))
    session.execute(
        update(Grade)
        .where(Grade.tenant_id == tenant_id, Grade.link_id == link_id, Grade.state == "ungraded")
        .values(state="waiting", due_at=utcnow())
    )
    announce_work()
    session.commit()
    return url


def _find(registration: Registration, link: Link) -> str:
    """The column that the platform has for this link already, if there is exactly one."""
    token = access_token(registration, (LINE_ITEM_READ if LINE_ITEM_READ in link.service_scopes else LINE_ITEM,))
    items = list_line_items(
        current_host().http, token, link.line_items_url or "", resource_link_id=link.resource_link_id
    )
    own = [item.url for item in items if item.resource_link_id == link.resource_link_id and item.url]
    return own[0] if len(own) == 1 else ""


def _make(registration: Registration, link: Link, activity: Activity | None) -> str:
    token = access_token(registration, (LINE_ITEM,))
    item = create_line_item(
        current_host().http,
        token,
        link.line_items_url or "",
        label=link.title or (activity.title if activity else "") or "Activity",
        score_maximum=SCORE_MAXIMUM,
        resource_link_id=link.resource_link_id,
        resource_id=f"{activity.plugin}:{activity.slug}" if activity else "",
        tag=TAG,
    )
    if not item.url:
        raise ServiceRefused("the platform names no address for the new column")
    return item.url
