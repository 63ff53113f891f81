"""Dates and spans of time as people read and type them, in the time zone of the activity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_datetime, get_timezone_location

from ltitools.plugin import current_locale
from ltitools_diagnostic.texts import _, ngettext

TYPED = "%Y-%m-%dT%H:%M"
"""What a browser's field for date and time sends."""


def shown(moment: datetime, zone: str) -> str:
    """``22 November 2026, 14:00 (Toronto)``, in the reader's language."""
    text = format_datetime(moment, format="d MMMM y, HH:mm", tzinfo=ZoneInfo(zone), locale=current_locale())
    if zone == "UTC":
        return f"{text} UTC"
    return f"{text} ({get_timezone_location(zone, locale=current_locale(), return_city=True)})"


def typed(moment: datetime | None, zone: str) -> str:
    """The value of a field for date and time."""
    return "" if moment is None else moment.astimezone(ZoneInfo(zone)).strftime(TYPED)


def read(text: str, zone: str) -> datetime:
    """The moment that such a field names, in UTC. Raises ValueError."""
    return datetime.strptime(text[:16], TYPED).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)


def minutes_text(minutes: float) -> str:
    """A number of minutes in words: ``90 minutes``, ``7.5 minutes``."""
    whole = int(minutes)
    if whole == minutes:
        return ngettext("%(n)s minute", "%(n)s minutes", whole)
    return _("%(number)s minutes", number=f"{minutes:.1f}".replace(".", "," if current_locale() == "fr" else "."))


def clock(span: timedelta) -> str:
    """A span of time as a clock that runs down shows it: ``1:05:00``, ``4:59``."""
    seconds = max(0, int(span.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
