"""Gradebook columns (line items) of links: found in the platform, or made where an instructor wants one.

A platform makes the column itself when an activity is placed with one. A link that was added by hand has none. Beside
its own, a link can have a column for each competency. Those are made without the link: with it, Canvas would show
no number in them, and Moodle would stop naming the link's own column.
https://www.imsglobal.org/spec/lti-ags/v2p0/#line-item-service
"""

from __future__ import annotations

from sqlalchemy import select, update

from ltitools.context import current_host
from ltitools.db import announce_work, session, upsert, utcnow
from ltitools.errors import NotFound
from ltitools.lti.ags import (
    LINE_ITEM,
    LINE_ITEM_READ,
    SCORE,
    PlacedLineItem,
    create_line_item,
    list_line_items,
)
from ltitools.lti.services import ServiceRefused
from ltitools.models import Activity, Grade, LineItem, Link, Registration
from ltitools.services import courses
from ltitools.services.competencies import Competency
from ltitools.services.tokens import with_token

SCORE_MAXIMUM = 100.0
TAG = "overall"


def can_create(link: Link) -> bool:
    """Whether the platform lets us add a column for this link and write scores to it."""
    return bool(link.line_items_url) and {LINE_ITEM, SCORE} <= set(link.service_scopes)


def ensure(tenant_id: int, link_id: int) -> str:
    """The address of the link's column, found or made; scores that had nowhere to go are due then. Commits.

    Call it outside a transaction: it asks the platform. Raises HttpError or ServiceRefused in the platform's words.
    """
    link, registration, activity = _link(tenant_id, link_id)
    session.commit()
    if link.line_item_url:
        return str(link.line_item_url)
    _check_creating(link)
    own = [item.url for item in _listed(registration, link, resource_link_id=link.resource_link_id) if item.url]
    url = (
        own[0]
        if len(own) == 1
        else _made(
            registration,
            link,
            label=link.title or (activity.title if activity else "") or "Activity",
            resource_link_id=link.resource_link_id,
            resource_id=courses.name_of(activity) if activity else "",
            tag=TAG,
        )
    )
    session.execute(update(Link).where(Link.tenant_id == tenant_id, Link.id == link_id).values(line_item_url=url))
    _let_go(link, None)
    session.commit()
    return url


def ensure_for_competency(tenant_id: int, link_id: int, activity: courses.Named, competency: Competency) -> str:
    """The address of the link's column for a competency, found or made; its scores that wait are due then. Commits.

    It is told apart by ``resourceId`` (the activity) and ``tag`` (``competency:<code>``). A column that another link
    of the same activity has is not taken. Call it outside a transaction, as `ensure`; it raises the same.
    """
    link, registration, _activity = _link(tenant_id, link_id)
    this = {"tenant_id": tenant_id, "link_id": link_id, "competency_id": competency.id}
    stored = select(LineItem.url).filter_by(**this)
    kept = session.scalar(stored)
    session.commit()
    if kept is not None:
        return kept
    _check_creating(link)
    marks = {"resource_id": courses.name_of(activity), "tag": f"competency:{competency.code}"}
    there = [item.url for item in _listed(registration, link, **marks) if item.url and not item.resource_link_id]
    taken = session.scalars(select(LineItem.url).where(LineItem.tenant_id == tenant_id, LineItem.url.in_(there))).all()
    session.commit()
    free = [url for url in there if url not in taken]
    label = f"{link.title}: {competency.title()}" if link.title else competency.title()
    url = free[0] if free else _made(registration, link, label=label, **marks)
    session.execute(
        upsert(LineItem)
        .values(**this, url=url, created_at=utcnow())
        .on_conflict_do_nothing(index_elements=["link_id", "competency_id"])
    )
    _let_go(link, competency.id)
    # Somebody else may have been quicker; there is one column for all.
    url = session.scalars(stored).one()
    session.commit()
    return url


def _link(tenant_id: int, link_id: int) -> tuple[Link, Registration, Activity | None]:
    row = session.execute(
        select(Link, Registration, Activity)
        .join(Registration, Registration.id == Link.registration_id)
        .outerjoin(Activity, Activity.id == Link.activity_id)
        .where(Link.tenant_id == tenant_id, Link.id == link_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no link {link_id}.")
    return row[0], row[1], row[2]


def _check_creating(link: Link) -> None:
    if not can_create(link):
        raise ServiceRefused("the platform does not let this tool add columns")


def _listed(registration: Registration, link: Link, **marks: str) -> list[PlacedLineItem]:
    """The columns that the platform has with these marks already."""
    scope = LINE_ITEM_READ if LINE_ITEM_READ in link.service_scopes else LINE_ITEM
    return with_token(
        registration,
        (scope,),
        lambda token: list_line_items(current_host().http, token, link.line_items_url or "", **marks),
    )


def _made(registration: Registration, link: Link, **values: str) -> str:
    """The address of a new column."""
    made = with_token(
        registration,
        (LINE_ITEM,),
        lambda token: create_line_item(
            current_host().http, token, link.line_items_url or "", score_maximum=SCORE_MAXIMUM, **values
        ),
    )
    return made.url


def _let_go(link: Link, competency_id: int | None) -> None:
    """Scores that waited for the column are due now."""
    session.execute(
        update(Grade)
        .where(
            Grade.tenant_id == link.tenant_id,
            Grade.link_id == link.id,
            Grade.competency_id.is_not_distinct_from(competency_id),
            Grade.state == "ungraded",
        )
        .values(state="waiting", due_at=utcnow())
    )
    announce_work()
