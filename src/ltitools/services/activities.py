"""Activities: what a tool offers in an institution."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy import or_, select

from ltitools.db import session
from ltitools.errors import Conflict, NotFound
from ltitools.models import Activity
from ltitools.services import courses

MAX_SLUG = 100


def create(
    tenant_id: int,
    plugin: str,
    slug: str,
    title: str,
    owner_course_id: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Activity:
    """A new activity; raises Conflict where the slug is taken."""
    if find(tenant_id, plugin, slug):
        raise Conflict(f"There is an activity {plugin}:{slug} already.")
    activity = Activity(
        tenant_id=tenant_id,
        plugin=plugin,
        slug=slug,
        title=title[:255],
        settings=dict(settings or {}),
        owner_course_id=owner_course_id,
    )
    session.add(activity)
    session.flush()
    return activity


def find(tenant_id: int, plugin: str, slug: str) -> Activity | None:
    """The activity with this slug, None where there is none."""
    return session.scalar(
        select(Activity).where(Activity.tenant_id == tenant_id, Activity.plugin == plugin, Activity.slug == slug)
    )


def get(tenant_id: int, activity_id: int) -> Activity:
    """One activity of the institution; raises NotFound."""
    activity = session.scalar(select(Activity).where(Activity.tenant_id == tenant_id, Activity.id == activity_id))
    if activity is None:
        raise NotFound(f"There is no activity {activity_id}.")
    return activity


def all_of(tenant_id: int, plugin: str) -> list[Activity]:
    """The activities of a tool, by title."""
    return list(
        session.scalars(
            select(Activity)
            .where(Activity.tenant_id == tenant_id, Activity.plugin == plugin)
            .order_by(Activity.title, Activity.id)
        )
    )


def at_hand(tenant_id: int, course_id: int) -> list[Activity]:
    """What a course owns, and what the institution itself owns, of all tools, by title."""
    return list(
        session.scalars(
            select(Activity)
            .where(
                Activity.tenant_id == tenant_id,
                Activity.plugin != courses.HOST,
                or_(Activity.owner_course_id == course_id, Activity.owner_course_id.is_(None)),
            )
            .order_by(Activity.owner_course_id.is_(None), Activity.title, Activity.id)
        )
    )


def change(
    tenant_id: int, activity_id: int, *, title: str | None = None, settings: Mapping[str, Any] | None = None
) -> Activity:
    """Change title or settings; what is not given stays."""
    activity = get(tenant_id, activity_id)
    if title is not None:
        activity.title = title[:255]
    if settings is not None:
        activity.settings = dict(settings)
    session.flush()
    return activity


def free_slug(tenant_id: int, plugin: str, title: str) -> str:
    """A slug made of the title that no activity of the tool has: ``pre-evaluation``, ``pre-evaluation-2``."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG] or "activity"
    taken = set(
        session.scalars(
            select(Activity.slug).where(
                Activity.tenant_id == tenant_id, Activity.plugin == plugin, Activity.slug.startswith(base)
            )
        )
    )
    return next(slug for n in range(1, len(taken) + 2) if (slug := base if n == 1 else f"{base}-{n}") not in taken)
