"""How a pre-assessment is given: time, dates, sittings, and what one person may have beyond the rules.

The deadline of a sitting is computed anew at each request, so that a change of the rules, more time for a person
and a time in which the server was away count at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, or_, select

from ltitools.plugin import Launch, Link, Refused, activities, session, upsert, uptime, utcnow
from ltitools_diagnostic.models import Allowance, Attempt, Delivery
from ltitools_diagnostic.texts import lazy

SETTING = "delivery"
"""The key of an activity's settings under which it keeps what its links begin with."""

NO_LIMIT = "none"
FACTORS = ("1", "1.25", "1.5", "2", NO_LIMIT)
GRACE = timedelta(seconds=15)
"""What an answer may take on its way: the page sends itself when the time is over."""


SHOW_CLOCK_UNDER = timedelta(hours=24)
"""How close the end of a sitting must be for its pages to show a clock."""


class Paging(StrEnum):
    """How many questions stand on a page."""

    QUESTION = "question"
    COMPETENCY = "competency"


class Review(StrEnum):
    """What a person sees of a submitted sitting beside the results: the right answers, when it is closed, never."""

    ANSWERS = "answers"
    CLOSED = "closed"
    RESULTS = "results"


class Window(StrEnum):
    """Where now lies between the dates."""

    EARLY = "early"
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True)
class Rules:
    """The rules of one link. `time_limit` in minutes, `attempts` in sittings; None sets no limit.

    `zone` is the time zone, by its IANA name, in which dates are typed and shown.
    """

    time_limit: int | None = None
    attempts: int | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    password: str = ""
    paging: str = Paging.QUESTION
    review: str = Review.ANSWERS
    self_rating: bool = False
    zone: str = "UTC"

    @property
    def defaults(self) -> dict[str, Any]:
        """What a copy of the link begins with: all but the dates, which are those of one course."""
        return {name: value for name, value in asdict(self).items() if name not in ("opens_at", "closes_at")}


@dataclass(frozen=True)
class Extra:
    """What one person may have beyond the rules, and whether they wait for an answer to their request."""

    factor: str = "1"
    extra_attempts: int = 0
    asked_at: datetime | None = None
    asked_reason: str = ""
    decided_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether a request for more time has no answer yet."""
        return self.asked_at is not None and (self.decided_at is None or self.decided_at < self.asked_at)

    @property
    def unlimited(self) -> bool:
        """Whether the person has no time limit."""
        return self.factor == NO_LIMIT


NOTHING_EXTRA = Extra()
FIELDS = tuple(field.name for field in fields(Rules))


def time_allowed(rules: Rules, extra: Extra) -> timedelta | None:
    """How long a sitting of this person may take; None without a limit."""
    if rules.time_limit is None or extra.unlimited:
        return None
    return timedelta(minutes=float(Decimal(rules.time_limit) * Decimal(extra.factor)))


def closing(rules: Rules, extra: Extra) -> datetime | None:
    """When the activity closes for this person: extra time extends the window by as much as it adds.

    Without a time limit of their own, a person who has begun before the end may finish: the window sets no end.
    """
    if rules.closes_at is None:
        return None
    own = time_allowed(rules, extra)
    if own is None or rules.time_limit is None:
        return rules.closes_at
    return rules.closes_at + own - timedelta(minutes=rules.time_limit)


def window(rules: Rules, extra: Extra, now: datetime) -> Window:
    """Whether this person may begin a sitting now, as far as the dates go."""
    if rules.opens_at is not None and now < rules.opens_at:
        return Window.EARLY
    end = closing(rules, extra)
    return Window.OVER if end is not None and now >= end else Window.OPEN


def deadline(rules: Rules, extra: Extra, started_at: datetime, away: Sequence[uptime.Outage] = ()) -> datetime | None:
    """When a sitting ends that began at `started_at`; `away` are the outages since then. None: it does not end."""
    ends = []
    allowed = time_allowed(rules, extra)
    if allowed is not None:
        ends.append(started_at + allowed)
    end = closing(rules, extra)
    if end is not None and not extra.unlimited:
        ends.append(end)
    return uptime.postponed(started_at, min(ends), away) if ends else None


def sittings_left(rules: Rules, extra: Extra, used: int) -> int | None:
    """How many more sittings this person may begin, None without a limit."""
    return None if rules.attempts is None else max(0, rules.attempts + extra.extra_attempts - used)


@dataclass(frozen=True)
class Dates:
    """Where now lies between the dates of a link, and these."""

    window: Window
    opens_at: datetime | None
    closes_at: datetime | None


@dataclass(frozen=True)
class Place:
    """A link of a course, and the activity that it opens with its settings."""

    tenant_id: int
    link_id: int
    course_id: int | None
    activity_id: int
    settings: Mapping[str, Any]


def place_of(launch: Launch) -> Place:
    """Where a launch has come to. Refuses one that did not come through an activity of a course."""
    if launch.link is None or launch.activity is None:
        raise Refused("diagnostic-no-link", lazy("This page was not opened from an activity of a course."))
    course_id = launch.course.id if launch.course else None
    return Place(launch.tenant.id, launch.link.id, course_id, launch.activity.id, launch.activity.settings)


def rules_of(place: Place) -> Rules:
    """The rules of a link: its own, or else those it begins with.

    A duplicate in the course begins with what was set last there for the same activity, without the dates; a link of
    another course with what the activity gives to its links.
    """
    rows = session.scalars(
        select(Delivery)
        .where(
            Delivery.tenant_id == place.tenant_id,
            Delivery.activity_id == place.activity_id,
            or_(
                Delivery.link_id == place.link_id,
                and_(Delivery.course_id.is_not(None), Delivery.course_id == place.course_id),
            ),
        )
        .order_by(Delivery.changed_at.desc())
    ).all()
    own = next((row for row in rows if row.link_id == place.link_id), None)
    if own is not None:
        return Rules(**{name: getattr(own, name) for name in FIELDS})
    if rows:
        return Rules(**Rules(**{name: getattr(rows[0], name) for name in FIELDS}).defaults)
    return default_rules(place.settings)


def windows_of(tenant_id: int, links: Sequence[Link], person_id: int, now: datetime) -> dict[int, Dates]:
    """The dates of many links for one person, by link id, in at most two queries. A link without dates is left out."""
    opened = {(link.id, link.activity_id) for link in links}
    dated = [
        row
        for row in session.scalars(
            select(Delivery).where(
                Delivery.tenant_id == tenant_id,
                Delivery.link_id.in_([link.id for link in links]),
                or_(Delivery.opens_at.is_not(None), Delivery.closes_at.is_not(None)),
            )
        )
        if (row.link_id, row.activity_id) in opened
    ]
    if not dated:
        return {}
    own = select(Allowance).where(
        Allowance.tenant_id == tenant_id,
        Allowance.link_id.in_([row.link_id for row in dated]),
        Allowance.person_id == person_id,
    )
    extra = {(row.link_id, row.activity_id): _extra(row) for row in session.scalars(own)}
    found = {}
    for row in dated:
        rules = Rules(**{name: getattr(row, name) for name in FIELDS})
        allowed = extra.get((row.link_id, row.activity_id), NOTHING_EXTRA)
        found[row.link_id] = Dates(window(rules, allowed, now), rules.opens_at, closing(rules, allowed))
    return found


def default_rules(settings: Mapping[str, Any]) -> Rules:
    """What an activity gives to its links; values of a newer version of this tool are passed over."""
    kept = settings.get(SETTING, {})
    return Rules(**{name: value for name, value in kept.items() if name in FIELDS})


def save_rules(place: Place, rules: Rules, *, as_defaults: bool) -> None:
    """Set the rules of a link; as defaults too where the course owns the activity: copies elsewhere begin with them."""
    values = {**asdict(rules), "course_id": place.course_id, "changed_at": utcnow()}
    session.execute(
        upsert(Delivery)
        .values(tenant_id=place.tenant_id, link_id=place.link_id, activity_id=place.activity_id, **values)
        .on_conflict_do_update(index_elements=["link_id", "activity_id"], set_=values)
    )
    if as_defaults:
        activities.change(place.tenant_id, place.activity_id, settings={**place.settings, SETTING: rules.defaults})


def extra_of(tenant_id: int, link_id: int, activity_id: int, person_id: int) -> Extra:
    """What one person may have beyond the rules."""
    row = session.scalar(
        select(Allowance).where(*_on(tenant_id, link_id, activity_id), Allowance.person_id == person_id)
    )
    return _extra(row) if row else NOTHING_EXTRA


def extras(tenant_id: int, link_id: int, activity_id: int) -> dict[int, Extra]:
    """The same for everybody who has something, by person id."""
    rows = session.scalars(select(Allowance).where(*_on(tenant_id, link_id, activity_id)))
    return {row.person_id: _extra(row) for row in rows}


def ask_for_time(tenant_id: int, link_id: int, activity_id: int, person_id: int, reason: str) -> None:
    """Write down that a person asks for more time; a second request takes the place of the first."""
    said = {"asked_at": utcnow(), "asked_reason": reason}
    _write(tenant_id, link_id, activity_id, person_id, said)


def allow(
    tenant_id: int, link_id: int, activity_id: int, person_id: int, *, factor: str, extra_attempts: int, by: int
) -> None:
    """Give a person more time or sittings; it counts at once, and answers their request."""
    if factor not in FACTORS:
        raise ValueError(f"a factor is one of {', '.join(FACTORS)}")
    said = {"factor": factor, "extra_attempts": extra_attempts, "decided_at": utcnow(), "decided_by": by}
    _write(tenant_id, link_id, activity_id, person_id, said)


def deadline_of(attempt: Attempt, rules: Rules, extra: Extra) -> datetime | None:
    """When this sitting ends, with the times in which the server was away added; a preview does not end."""
    if attempt.preview or deadline(rules, extra, attempt.started_at) is None:
        return None
    return deadline(rules, extra, attempt.started_at, uptime.outages(attempt.started_at))


def _write(tenant_id: int, link_id: int, activity_id: int, person_id: int, said: Mapping[str, Any]) -> None:
    own = {"tenant_id": tenant_id, "link_id": link_id, "activity_id": activity_id, "person_id": person_id}
    begin = {"factor": "1", "extra_attempts": 0, "asked_reason": "", **own}
    session.execute(
        upsert(Allowance)
        .values(**{**begin, **said})
        .on_conflict_do_update(index_elements=["link_id", "activity_id", "person_id"], set_=dict(said))
    )


def _on(tenant_id: int, link_id: int, activity_id: int) -> tuple[Any, ...]:
    return (
        Allowance.tenant_id == tenant_id,
        Allowance.link_id == link_id,
        Allowance.activity_id == activity_id,
    )


def _extra(row: Allowance) -> Extra:
    return Extra(row.factor, row.extra_attempts, row.asked_at, row.asked_reason, row.decided_at)
