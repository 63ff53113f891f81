"""What became of a pre-assessment in a course, for instructors: people, levels, questions, and all of it as files."""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import Launch, Refused, roster, session
from ltitools_diagnostic import answers, delivery, guidance, moments, report, statistics, versions
from ltitools_diagnostic.texts import lazy
from ltitools_diagnostic.views import download, instructor_launch, page, pages
from ltitools_diagnostic.views_instructor import LANGUAGES, owner_text

FLAGS = {
    "hard": lazy("Hardly anybody knows it: is the key right?"),
    "easy": lazy("Nearly everybody knows it."),
    "weak": lazy("People who know the rest do no better here: is it clear?"),
}


def dashboard(launch: Launch) -> ResponseReturnValue:
    """The launch of an instructor: the pre-assessment's state, and how far everybody is."""
    assert launch.activity is not None
    tenant_id, activity_id = launch.tenant.id, launch.activity.id
    live, waiting = versions.published(tenant_id, activity_id), versions.draft(tenant_id, activity_id)
    sections = versions.sections(tenant_id, [live])[live.id] if live else []
    return page(
        "dashboard",
        live=live,
        waiting=waiting,
        sections=sections,
        drawn=sum(section.drawn for section in sections),
        owner=owner_text(launch, launch.activity.owner_course_id, launch.activity.settings),
        board=report.dashboard(launch, live) if launch.link else None,
        rules=delivery.rules_of(delivery.place_of(launch)) if launch.link else None,
        modules=guidance.modules_of(tenant_id, launch.activity, launch.course.id if launch.course else None)[0],
        roles=guidance.roles_of(tenant_id, activity_id),
        listing=roster.state(tenant_id, launch.course.id) if launch.course else None,
        languages=LANGUAGES,
        **in_words(),
    )


@pages.get("/results.csv")
def download_results() -> ResponseReturnValue:
    """Everybody's results on this link."""
    launch = instructor_launch()
    if launch.activity is None or launch.link is None:
        return redirect(url_for("tool.home"), 303)
    live = versions.published(launch.tenant.id, launch.activity.id)
    board = report.dashboard(launch, live)
    return download(report.people_csv(board), f"{launch.activity.slug}-results.csv")


@pages.get("/answers.csv")
def download_answers() -> ResponseReturnValue:
    """Every answer of everybody on this link, one in a row."""
    launch, _activity_id = _place()
    slug = launch.activity.slug if launch.activity else ""
    return download(answers.answers_csv(launch), f"{slug}-answers.csv")


@pages.get("/analysis")
def analysis() -> ResponseReturnValue:
    """How the questions work: facility and discrimination, with what deserves a look first."""
    launch, _activity_id = _place()
    found = answers.analysis(launch)
    return page("analysis", found=found, flags=FLAGS, enough=statistics.ENOUGH, **in_words())


@pages.post("/roster")
def refresh_roster() -> ResponseReturnValue:
    """Have the LMS asked who is in the course."""
    launch = instructor_launch()
    if launch.course is not None:
        roster.ask(launch.tenant.id, launch.course.id)
        session.commit()
    return redirect(url_for("tool.home", roster="asked"), 303)


def _place() -> tuple[Launch, int]:
    launch = instructor_launch()
    if launch.activity is None or launch.link is None:
        raise Refused("diagnostic-no-link", lazy("This page was not opened from an activity of a course."))
    return launch, launch.activity.id


def in_words() -> dict[str, object]:
    """How pages for instructors write levels, states, grades, numbers and times."""
    return {
        "levels": report.LEVELS,
        "state_text": report.state_text,
        "grade_text": report.grade_text,
        "decimal_text": report.decimal_text,
        "percent_text": report.percent_text,
        "moment": moments.shown,
        "minutes_text": moments.minutes_text,
    }
