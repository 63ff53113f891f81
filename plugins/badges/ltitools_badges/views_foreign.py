"""Handing in badges of other issuers as components of a larger award, and deciding whose they are."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import Launch, NotFound, Role, current_launch, session
from ltitools_badges import achievements, considering, foreign, rules, verdicts
from ltitools_badges.models import Achievement, Foreign
from ltitools_badges.prose import day
from ltitools_badges.rules import Outside, Terms
from ltitools_badges.texts import lazy
from ltitools_badges.views import Mistake, instructor_launch, page, pages, shown_achievement
from ltitools_badges.views_verify import BUSY, MAX_BYTES, fetch, turns

STATES = {
    foreign.GOOD: lazy("Counts"),
    foreign.ASKED: lazy("Genuine. An instructor looks whether it is yours."),
    foreign.REFUSED: lazy("Does not count: an instructor has decided that it is not yours."),
    foreign.LOST: lazy("Does not count any more:"),
}


@dataclass(frozen=True)
class Wanted:
    """A badge of another issuer that the award takes, and what the person has handed in for it."""

    outside: Outside
    row: Foreign | None
    counts: bool

    @property
    def why(self) -> str:
        """Why it counts no more, in words."""
        detail = self.row.detail if self.row else ""
        return next((str(text) for (_what, code), text in verdicts.TEXTS.items() if code == detail), "")


@pages.get("/outside")
def outside() -> ResponseReturnValue:
    """What can be handed in, and what was."""
    launch, achievement, terms = _here()
    return _page(launch, achievement, terms)


@pages.post("/outside")
def hand_in() -> ResponseReturnValue:
    """Check a badge of another issuer; one that counts may complete the award at once."""
    launch, achievement, terms = _here()
    url, file = request.form.get("url", "").strip(), request.files.get("file")
    raw = file.read(MAX_BYTES + 1) if file else b""
    one = next((one for one in terms.outside if one.key == request.form.get("component")), None)
    if one is None:
        return _page(launch, achievement, terms, [Mistake("component", lazy("Say which badge it is."))]), 422
    if not raw and not url:
        nothing = lazy("Choose the file of the badge, or give its address.")
        return _page(launch, achievement, terms, [Mistake("file", nothing)]), 422
    if len(raw) > MAX_BYTES:
        too_large = lazy("The file is larger than 1 MB, which no badge has a reason to be.")
        return _page(launch, achievement, terms, [Mistake("file", too_large)]), 413
    if not turns.acquire(blocking=False):
        busy = lazy("Others are having their badges checked just now. Please try again in a moment.")
        return _page(launch, achievement, terms, [Mistake("file", busy)]), 503, {"Retry-After": BUSY}
    # Other servers are asked now, and may take their time.
    session.commit()
    try:
        found = raw or fetch(url)
        if found is None:
            raise foreign.Unfit(lazy("Nothing could be read at this address. Is it complete, and open to everybody?"))
        checked = foreign.examine(found, one, (launch.person.email, launch.person.name), fetch)
        row = foreign.keep(launch.tenant.id, launch.person.id, achievement.id, one, checked)
    except foreign.Unfit as problem:
        return _page(launch, achievement, terms, [Mistake("file", problem.reason)], problem), 422
    finally:
        turns.release()
    if launch.course is not None and row.state == foreign.GOOD:
        considering.consider(launch.tenant, launch.course.id, launch.person.id)
    session.commit()
    return redirect(url_for("badges.outside", done=1), 303)


@pages.post("/people/<int:person_id>/outside/<int:foreign_id>")
def decide_outside(person_id: int, foreign_id: int) -> ResponseReturnValue:
    """An instructor says whether a badge is this person's."""
    launch = instructor_launch()
    if launch.course is None:
        raise NotFound("This launch is of no course.")
    is_theirs = request.form.get("theirs") == "yes"
    foreign.decide(launch.tenant.id, foreign_id, person_id, is_theirs=is_theirs, by_person=launch.person.id)
    considering.consider(launch.tenant, launch.course.id, person_id)
    session.commit()
    return redirect(url_for("badges.person", person_id=person_id, done="outside"), 303)


def _here() -> tuple[Launch, Achievement, Terms]:
    launch = current_launch()
    launch.require(Role.LEARNER)
    achievement = shown_achievement(launch)
    rule = rules.find(launch.tenant.id, achievement.id, launch.course.id if launch.course else None)
    terms = rules.terms_of(rule) if rule is not None and rule.enabled else Terms()
    if not terms.outside:
        raise NotFound("No badge of another institution counts here.")
    return launch, achievement, terms


def _page(
    launch: Launch,
    achievement: Achievement,
    terms: Terms,
    mistakes: list[Mistake] | None = None,
    problem: foreign.Unfit | None = None,
) -> str:
    rows = {row.component: row for row in foreign.of_person(launch.tenant.id, launch.person.id, achievement.id)}
    version = achievements.latest(launch.tenant.id, achievement.id)
    lines = verdicts.of(problem.report).lines if problem is not None and problem.report is not None else []
    wanted = [
        Wanted(one, row, row is not None and row.state == foreign.GOOD)
        for one in terms.outside
        for row in (rows.get(one.key),)
    ]
    return page(
        "foreign",
        name=achievements.content_of(version).name if version else "",
        wanted=wanted,
        open=[one for one in wanted if not one.counts],
        chosen=request.form.get("component", ""),
        typed_url=request.form.get("url", ""),
        states=STATES,
        mistakes=mistakes or [],
        wrong=[line for line in lines if line.outcome != "good"],
        done=request.args.get("done"),
        day=day,
    )
