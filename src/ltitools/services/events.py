"""What happened, told to the plugins that listen: a row of the same transaction, delivered at least once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from ltitools.context import current_host
from ltitools.db import announce_work, session
from ltitools.models import EventDelivery, EventRow


@dataclass(frozen=True)
class Event:
    """The base of all events. Fields are numbers, texts and lists of them: they are stored as JSON."""

    kinds: ClassVar[dict[str, type[Event]]] = {}
    tenant_id: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Event.kinds[cls.__name__] = cls


@dataclass(frozen=True)
class ScoreRecorded(Event):
    """A score was recorded for a person on a link. `given` and `maximum` are decimal texts, unrounded."""

    person_id: int
    course_id: int | None
    link_id: int
    activity_id: int | None
    given: str
    maximum: str


@dataclass(frozen=True)
class ScoreCleared(Event):
    """The score of a person on a link counts no more: somebody took it back."""

    person_id: int
    course_id: int | None
    link_id: int
    activity_id: int | None


@dataclass(frozen=True)
class CompetencyRecorded(Event):
    """An activity concluded that a person has shown, is developing or lacks a competency."""

    person_id: int
    course_id: int | None
    link_id: int | None
    activity_id: int | None
    competency_id: int
    level: str
    probability: float


@dataclass(frozen=True)
class PersonErased(Event):
    """What was kept of a person is gone; the number stays theirs and stands for nobody."""

    person_id: int


@dataclass(frozen=True)
class Delivery:
    """An event as a listener gets it. The same `event_id` may come again: a listener is idempotent by it."""

    event_id: int
    event: Event
    happened_at: datetime


def emit(event: Event) -> None:
    """Write the event and one delivery for each listening plugin, in the caller's transaction."""
    listeners = current_host().listeners.get(type(event).__name__, ())
    if not listeners:
        return
    row = EventRow(tenant_id=event.tenant_id, kind=type(event).__name__, fields=asdict(event))
    session.add(row)
    session.flush()
    session.add_all(EventDelivery(tenant_id=event.tenant_id, event_id=row.id, plugin=plugin) for plugin in listeners)
    session.flush()
    announce_work()


def restore(kind: str, values: dict[str, Any]) -> Event:
    """The event as it was emitted; fields that a newer version has dropped are passed over."""
    event_class = Event.kinds[kind]
    known = {field.name for field in fields(event_class)}
    return event_class(**{name: value for name, value in values.items() if name in known})
