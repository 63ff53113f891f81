"""Pages of instructors in a course: choosing a micro-credential, who has it, and giving or taking it by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import (
    LOCALES,
    Conflict,
    Launch,
    Link,
    NotFound,
    Placed,
    Progress,
    courses,
    roster,
    session,
)
from ltitools_badges import achievements, awarding, board, considering, issuers, prose, rules
from ltitools_badges.board import Row
from ltitools_badges.core import content as contents
from ltitools_badges.models import Achievement, Badge, Issuer, Version
from ltitools_badges.sharing import Addresses
from ltitools_badges.texts import _, lazy
from ltitools_badges.views import Mistake, instructor_launch, page, pages, shown_achievement
from ltitools_badges.views_learner import Step, Words, learner_progress, steps

MAX_TITLE = 200
LANGUAGES = {"en": lazy("English"), "fr": lazy("French")}
STATES = {
    "has": lazy("Has the badge"),
    "asked": lazy("Has the badge; the score is below the line now"),
    "parted": lazy("Has the badge; one that it is made of was revoked"),
    "close": lazy("Close"),
    "begun": lazy("Under way"),
    "nothing": lazy("Not begun"),
    "revoked": lazy("Had the badge, which is revoked"),
}
DONE = {
    "rule": lazy("Saved. Who has earned the badge gets it within a minute."),
    "asked": lazy("Everybody’s scores are looked at again."),
    "kept": lazy("The badge stays."),
    "revoked": lazy("The badge is revoked: whoever checks it now reads that."),
    "given": lazy("The badge is given."),
    "outside": lazy("Your decision about the badge of another institution is kept."),
}


# --- choosing --------------------------------------------------------------------------------------------------------


def pick(launch: Launch) -> ResponseReturnValue:
    """Choose a micro-credential that is there, or begin a new one."""
    return _pick_page(launch)


@pages.post("/place")
def place() -> ResponseReturnValue:
    """Place a micro-credential that is there."""
    launch = instructor_launch()
    chosen = request.form.get("achievement", "")
    found = next((one for one, _version in _offered(launch) if str(one.id) == chosen), None)
    if found is None:
        return _pick_page(launch, [Mistake("achievement", lazy("Choose one of the micro-credentials."))]), 422
    return _place(launch, found)


@pages.post("/new")
def create() -> ResponseReturnValue:
    """Begin a micro-credential and place it; what it certifies is described in the course then."""
    launch = instructor_launch()
    name = " ".join(request.form.get("name", "").split())
    language = request.form.get("language", "")
    if not name or len(name) > MAX_TITLE or language not in LOCALES:
        text = lazy("Give it a name of at most %(n)s characters.", n=MAX_TITLE)
        return _pick_page(launch, [Mistake("name", text)]), 422
    made = achievements.create(launch.tenant.id, name, language, launch.course.id if launch.course else None)
    return _place(launch, made)


@pages.post("/cancel")
def cancel() -> ResponseReturnValue:
    """Back to the LMS with nothing chosen."""
    return instructor_launch().cancel()


def _place(launch: Launch, achievement: Achievement) -> ResponseReturnValue:
    version = achievements.shown(launch.tenant.id, achievement.id)
    activity = achievements.activity_of(launch.tenant.id, achievement)
    # A badge is no grade: it follows those of other activities, and needs no column.
    return launch.place([Placed(activity, str(version.content["name"]), graded=False)])


def _offered(launch: Launch) -> list[tuple[Achievement, Version]]:
    """What may be placed: everything published, and drafts of this course."""
    own = {activity.id for activity in achievements.activities_of(launch.tenant.id, launch.course)}
    return [
        (one, version)
        for one, version in achievements.all_of(launch.tenant.id)
        if version.state == "published" or one.activity_id in own
    ]


def _pick_page(launch: Launch, mistakes: Sequence[Mistake] = ()) -> str:
    return page("pick", offered=_offered(launch), mistakes=mistakes, languages=LANGUAGES, typed=request.form)


# --- the board -------------------------------------------------------------------------------------------------------


def dashboard(launch: Launch) -> ResponseReturnValue:
    """What an instructor sees first: what is missing, what is to be decided, and who has the badge."""
    achievement = shown_achievement(launch)
    version = achievements.shown(launch.tenant.id, achievement.id)
    live = achievements.latest(launch.tenant.id, achievement.id)
    rule = rules.find(launch.tenant.id, achievement.id, launch.course.id) if launch.course else None
    shown = board.of(launch.tenant.id, achievement.id, launch.course.id, rule) if launch.course else None
    issuer = issuers.find(launch.tenant.id)
    content = achievements.content_of(version)
    return page(
        "dashboard",
        achievement=achievement,
        version=version,
        live=live,
        content=content,
        meter=contents.completeness(content, issuer.country if issuer else ""),
        rule=rule,
        board=shown,
        why=why(launch, shown) if shown else {},
        states=STATES,
        issuer=issuer,
        problem=issuers.problem(issuer) if issuer else issuers.problem_to_come(launch.tenant),
        done=DONE.get(request.args.get("done", "")),
        roster=roster.state(launch.tenant.id, launch.course.id) if launch.course else None,
        owner=_owner(launch),
        day=prose.day,
    )


@pages.post("/look-again")
def look_again() -> ResponseReturnValue:
    """Look at everybody's scores again, and at who is in the course."""
    launch = instructor_launch()
    achievement = shown_achievement(launch)
    if launch.course is not None:
        considering.ask_to_consider(launch.tenant.id, launch.course.id, achievement.id)
        if launch.can_read_roster:
            roster.ask(launch.tenant.id, launch.course.id)
    session.commit()
    return redirect(url_for("tool.home", done="asked"), 303)


@pages.get("/people.csv")
def people_csv() -> ResponseReturnValue:
    """Who has the badge and who has not, as a file."""
    launch = instructor_launch()
    achievement = shown_achievement(launch)
    if launch.course is None:
        raise NotFound("This launch is of no course.")
    rule = rules.find(launch.tenant.id, achievement.id, launch.course.id)
    shown = board.of(launch.tenant.id, achievement.id, launch.course.id, rule)
    issuer = issuers.find(launch.tenant.id)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["name", "email", "state", "percent", "awarded_at", "revoked_at", "reason", "url"])
    for row in shown.rows:
        writer.writerow([_plain(cell) for cell in _cells(row, issuer)])
    headers = {"Content-Disposition": f'attachment; filename="{achievement.slug}.csv"'}
    # Spreadsheets take a file for UTF-8 by this mark only.
    return Response("\N{BOM}" + out.getvalue(), mimetype="text/csv", headers=headers)


def _cells(row: Row, issuer: Issuer | None) -> list[str]:
    badge = row.badge
    return [
        row.person.name,
        row.person.email,
        row.state,
        row.percent or "",
        _iso(badge.awarded_at if badge else None),
        _iso(badge.revoked_at if badge else None),
        (badge.revoked_reason or badge.reason) if badge else "",
        Addresses.of(issuer, badge).page if issuer and badge else "",
    ]


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _plain(text: str) -> str:
    """A cell that a spreadsheet does not run as a formula: names come from an LMS, where people choose them."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def why(launch: Launch, shown: board.Board) -> Mapping[int, list[str]]:
    """What is missing of each person without the badge, in words."""
    words = Words.of(launch, shown.terms)
    return {
        row.person.id: [_in_words(step) for step in steps(words, shown.terms, row.standing) if not step.done]
        for row in shown.rows
        if row.badge is None
    }


def _in_words(step: Step) -> str:
    if step.percent is None:
        return step.title
    return _("%(title)s (%(percent)s %%)", title=step.title, percent=prose.number(Decimal(step.percent)))


# --- one person ------------------------------------------------------------------------------------------------------


@pages.get("/people/<int:person_id>")
def person(person_id: int) -> ResponseReturnValue:
    """One person: what is done and what is missing, and the badge, given or taken by hand."""
    launch = instructor_launch()
    return _person_page(launch, person_id)


@pages.post("/people/<int:person_id>/give")
def give(person_id: int) -> ResponseReturnValue:
    """Give the badge by hand, with a reason."""
    launch = instructor_launch()
    course_id = _course_of(launch)
    try:
        awarding.give_by_hand(
            launch.tenant,
            shown_achievement(launch),
            course_id,
            person_id,
            by_person=launch.person.id,
            reason=request.form.get("reason", ""),
        )
    except Conflict as problem:
        session.rollback()
        return _person_page(launch, person_id, [Mistake("reason", str(problem))]), 422
    session.commit()
    return redirect(url_for("badges.person", person_id=person_id, done="given"), 303)


@pages.post("/people/<int:person_id>/revoke")
def revoke(person_id: int) -> ResponseReturnValue:
    """Take the badge back, with a reason."""
    launch = instructor_launch()
    badge = _badge_of(launch, person_id)
    try:
        awarding.revoke(badge, request.form.get("reason", ""), launch.person.id)
    except Conflict as problem:
        session.rollback()
        return _person_page(launch, person_id, [Mistake("reason", str(problem))]), 422
    session.commit()
    return redirect(url_for("badges.person", person_id=person_id, done="revoked"), 303)


@pages.post("/people/<int:person_id>/keep")
def keep(person_id: int) -> ResponseReturnValue:
    """Decide that the badge stays although the score fell."""
    launch = instructor_launch()
    awarding.keep(_badge_of(launch, person_id), launch.person.id)
    session.commit()
    return redirect(url_for("badges.person", person_id=person_id, done="kept"), 303)


def _person_page(launch: Launch, person_id: int, mistakes: Sequence[Mistake] = ()) -> str:
    achievement = shown_achievement(launch)
    course_id = _course_of(launch)
    rule = rules.find(launch.tenant.id, achievement.id, course_id)
    shown = board.of(launch.tenant.id, achievement.id, course_id, rule)
    row = next((row for row in shown.rows if row.person.id == person_id), None)
    if row is None:
        raise NotFound("This person does not learn in this course.")
    issuer = issuers.find(launch.tenant.id)
    return page(
        "person",
        row=row,
        terms=shown.terms,
        steps=steps(Words.of(launch, shown.terms), shown.terms, row.standing),
        states=STATES,
        addresses=Addresses.of(issuer, row.badge) if issuer and row.badge else None,
        published=achievements.latest(launch.tenant.id, achievement.id) is not None,
        mistakes=mistakes,
        typed=request.form,
        done=DONE.get(request.args.get("done", "")),
        day=prose.day,
    )


def _badge_of(launch: Launch, person_id: int) -> Badge:
    badge = awarding.held(launch.tenant.id, shown_achievement(launch).id, _course_of(launch), person_id)
    if badge is None:
        raise NotFound("This person has no badge in this course.")
    return badge


def _course_of(launch: Launch) -> int:
    if launch.course is None:
        raise NotFound("This launch is of no course.")
    return launch.course.id


def _owner(launch: Launch) -> str:
    """Who may change the micro-credential, where it is not this course."""
    if launch.owns_activity or launch.activity is None:
        return ""
    number = launch.activity.owner_course_id
    found = courses.named(launch.tenant.id, [number]) if number is not None else {}
    return found[number].title if number in found else launch.tenant.name


# --- the course page -------------------------------------------------------------------------------------------------


def progress(launch: Launch, links: Sequence[Link]) -> Mapping[int, Progress]:
    """What the course page says: to an instructor how many have it, to a learner whether they do."""
    by_link = achievements.by_link(launch.tenant.id, links)
    if launch.course is None:
        return {}
    if not launch.is_instructor:
        return learner_progress(launch, by_link)
    return {
        link_id: Progress(
            "",
            lazy("Given to %(n)s", n=len(awarding.in_course(launch.tenant.id, achievement.id, launch.course.id))),
        )
        for link_id, achievement in by_link.items()
    }
