"""Events to listeners: at least once, each in a transaction of its own, again after a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from sqlalchemy import ColumnElement, select, true, update

from ltitools.db import session, utcnow
from ltitools.models import EventDelivery, EventRow
from ltitools.plugin import Plugin
from ltitools.services.events import Delivery, Event, restore
from ltitools.worker.leases import back_off, claim

log = logging.getLogger(__name__)
BATCH = 20
MAX_FAILURES = 24


def deliver_due(plugins: Mapping[str, Plugin]) -> int:
    """Deliver one batch of events. Returns its size.

    A delivery to a plugin that is not installed any more waits, unharmed, until it is again.
    """
    installed: ColumnElement[bool] = EventDelivery.plugin.in_(list(plugins)) if plugins else ~true()
    lease = claim(EventDelivery, installed, BATCH)
    ids = session.scalars(select(EventDelivery.id).where(EventDelivery.lease == lease).order_by(EventDelivery.id)).all()
    session.commit()
    for delivery_id in ids:
        _deliver(delivery_id, lease, plugins)
    return len(ids)


def _deliver(delivery_id: int, lease: str, plugins: Mapping[str, Plugin]) -> None:
    """Call one listener; what it writes and the mark that it is done are one transaction."""
    found = session.execute(
        select(EventDelivery, EventRow)
        .join(EventRow, EventRow.id == EventDelivery.event_id)
        .where(EventDelivery.id == delivery_id)
    ).first()
    if found is None:
        # The institution was removed, and its events with it, after this batch was leased.
        session.rollback()
        return
    row, event_row = found
    failures, plugin = row.failures, row.plugin
    try:
        event = restore(event_row.kind, event_row.fields)
        listener = _listener(plugins[plugin], event)
        if listener is not None:
            listener(Delivery(event_row.id, event, event_row.created_at))
        session.execute(
            update(EventDelivery)
            .where(EventDelivery.id == delivery_id, EventDelivery.lease == lease)
            .values(state="done", lease=None, leased_until=None, problem="")
        )
        session.commit()
    except Exception as error:
        session.rollback()
        log.exception("plugin %s failed on event delivery %s", plugin, delivery_id)
        failures += 1
        session.execute(
            update(EventDelivery)
            .where(EventDelivery.id == delivery_id, EventDelivery.lease == lease)
            .values(
                state="parked" if failures >= MAX_FAILURES else "waiting",
                failures=failures,
                due_at=utcnow() + back_off(failures),
                lease=None,
                leased_until=None,
                problem=f"{type(error).__name__}: {error}"[:1000],
            )
        )
        session.commit()


def _listener(plugin: Plugin, event: Event) -> Callable[[Delivery], None] | None:
    """The plugin's listener; None where a newer version of it no longer listens."""
    return plugin.listens.get(type(event))
