"""How a pre-assessment is given in this course: time, dates, attempts, password, pages, what learners see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import available_timezones

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import Launch, LazyText, session
from ltitools_diagnostic import delivery, moments
from ltitools_diagnostic.delivery import Paging, Review, Rules
from ltitools_diagnostic.texts import lazy
from ltitools_diagnostic.views import Mistake, instructor_launch, page, pages

MAX_MINUTES = 1440
MAX_ATTEMPTS = 100
MAX_PASSWORD = 64
PAGINGS = {
    Paging.QUESTION: lazy("One question on a page, all mixed"),
    Paging.COMPETENCY: lazy("All questions of a competency on a page"),
}
REVIEWS = {
    Review.ANSWERS: lazy("Results, right answers and explanations, at once"),
    Review.CLOSED: lazy("Results at once, right answers when the activity is closed"),
    Review.RESULTS: lazy("Results only, so that questions can be used again"),
}


@pages.get("/settings")
def settings() -> ResponseReturnValue:
    """The form with the present rules."""
    launch = instructor_launch()
    return _page(launch, _as_typed(delivery.rules_of(delivery.place_of(launch))), ())


@pages.post("/settings")
def change_settings() -> ResponseReturnValue:
    """Keep the rules. They count at once, also for people in the middle of an attempt."""
    launch = instructor_launch()
    place = delivery.place_of(launch)
    rules, mistakes = _read()
    if mistakes:
        return _page(launch, {name: request.form.get(name, "") for name in _as_typed(Rules())}, mistakes), 422
    delivery.save_rules(place, rules, as_defaults=launch.owns_activity)
    session.commit()
    return redirect(url_for("tool.home"), 303)


def _as_typed(rules: Rules) -> dict[str, str]:
    """The rules as the fields of the form hold them."""
    return {
        "time_limit": "" if rules.time_limit is None else str(rules.time_limit),
        "attempts": "" if rules.attempts is None else str(rules.attempts),
        "opens_at": moments.typed(rules.opens_at, rules.zone),
        "closes_at": moments.typed(rules.closes_at, rules.zone),
        "zone": rules.zone,
        "password": rules.password,
        "paging": rules.paging,
        "review": rules.review,
        "self_rating": "yes" if rules.self_rating else "",
    }


def _read() -> tuple[Rules, list[Mistake]]:
    """The rules that the form says, and what is wrong with it."""
    mistakes: list[Mistake] = []
    zone = request.form.get("zone", "").strip() or "UTC"
    if not moments.is_zone(zone):
        mistakes.append(Mistake("zone", lazy("Choose a time zone of the list, such as America/Toronto.")))
        zone = "UTC"
    opens_at, closes_at = _moment("opens_at", zone, mistakes), _moment("closes_at", zone, mistakes)
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        mistakes.append(Mistake("closes_at", lazy("The activity must close after it opens.")))
    password = request.form.get("password", "").replace("\0", "").strip()
    if len(password) > MAX_PASSWORD:
        mistakes.append(Mistake("password", lazy("Shorten this to %(limit)s characters.", limit=MAX_PASSWORD)))
    rules = Rules(
        time_limit=_number("time_limit", MAX_MINUTES, mistakes),
        attempts=_number("attempts", MAX_ATTEMPTS, mistakes),
        opens_at=opens_at,
        closes_at=closes_at,
        password=password,
        paging=_one_of("paging", PAGINGS, Paging.QUESTION),
        review=_one_of("review", REVIEWS, Review.ANSWERS),
        self_rating=bool(request.form.get("self_rating")),
        zone=zone,
    )
    return rules, mistakes


def _number(name: str, limit: int, mistakes: list[Mistake]) -> int | None:
    typed = request.form.get(name, "").strip()
    if not typed:
        return None
    if typed.isascii() and typed.isdecimal() and 0 < int(typed[:6]) <= limit:
        return int(typed)
    text = lazy("Write a whole number from 1 to %(limit)s, or leave it empty.", limit=limit)
    mistakes.append(Mistake(name, text))
    return None


def _moment(name: str, zone: str, mistakes: list[Mistake]) -> datetime | None:
    typed = request.form.get(name, "").strip()
    if not typed:
        return None
    try:
        return moments.read(typed, zone)
    except (ValueError, OverflowError):
        mistakes.append(Mistake(name, lazy("Write date and time like 2027-01-31T09:00, or leave it empty.")))
        return None


def _one_of(name: str, choices: dict[Paging, LazyText] | dict[Review, LazyText], default: str) -> str:
    chosen = request.form.get(name, "")
    return chosen if chosen in list(choices) else default


def _page(launch: Launch, typed: dict[str, str], mistakes: Sequence[Mistake]) -> str:
    return page(
        "settings",
        typed=typed,
        mistakes=mistakes,
        pagings=PAGINGS,
        reviews=REVIEWS,
        zones=sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC"),
        owns=launch.owns_activity,
    )
