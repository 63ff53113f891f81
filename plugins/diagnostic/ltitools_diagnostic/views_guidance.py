"""Around the questions, for instructors: the modules of their course, and the job roles of a pre-assessment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import LOCALES, Activity, Course, Launch, Refused, current_locale, session
from ltitools_diagnostic import guidance, guidanceform, report, versions
from ltitools_diagnostic.guidance import Role
from ltitools_diagnostic.guidancecheck import (
    MAX_CODE,
    MAX_LINK,
    MAX_TITLE,
    cautions,
    check_modules,
    check_roles,
)
from ltitools_diagnostic.guidancefile import FromFile, modules_csv, read_modules, read_roles, roles_csv
from ltitools_diagnostic.guidanceform import Fields, in_order, kept, mistakes_of
from ltitools_diagnostic.items import Wording
from ltitools_diagnostic.models import Version
from ltitools_diagnostic.planning import Module
from ltitools_diagnostic.texts import lazy
from ltitools_diagnostic.views import Mistake, download, instructor_launch, page, pages
from ltitools_diagnostic.views_instructor import LANGUAGES

SHOWN_PROBLEMS = 200


@pages.get("/modules")
def modules() -> ResponseReturnValue:
    """The form with the modules of the course, or with those that it can start from."""
    launch, activity, course = _place()
    found, own = guidance.modules_of(launch.tenant.id, activity, course.id)
    start = own or "start" in request.args
    return _modules_page(launch, activity, guidanceform.fields_of_modules(found if start else []))


@pages.post("/modules")
def change_modules() -> ResponseReturnValue:
    """Fill the form with an uploaded file, or store what the form says."""
    launch, activity, course = _place()
    stored, own = guidance.modules_of(launch.tenant.id, activity, course.id)
    if "file" in request.files:
        read = read_modules(request.files["file"].read(), _known(launch, activity), current_locale())
        fields = guidanceform.fields_of_modules(read.found if not read.errors else stored if own else [])
        return _modules_page(launch, activity, fields, read=read), 422 if read.errors else 200
    fields = guidanceform.typed_modules()
    rows, known = kept(fields), _known(launch, activity, _of_modules(stored))
    found, flaws = check_modules(guidanceform.written_modules(rows, list(known)), known)
    if mistakes := mistakes_of(flaws, rows):
        return _modules_page(launch, activity, fields, mistakes), 422
    guidance.save_modules(launch.tenant.id, activity.id, course.id, in_order(found, rows))
    session.commit()
    return redirect(url_for("diagnostic.modules", saved=1), 303)


@pages.get("/modules.csv")
def download_modules() -> ResponseReturnValue:
    """The modules that learners of this course are sent to, or an empty table to fill in."""
    launch, activity, course = _place()
    found, _own = guidance.modules_of(launch.tenant.id, activity, course.id)
    return download(modules_csv(found), f"{activity.slug}-modules.csv")


@pages.get("/job-roles")
def job_roles() -> ResponseReturnValue:
    """The form with the job roles."""
    launch, activity = _owned_place()
    stored = guidance.roles_of(launch.tenant.id, activity.id)
    return _roles_page(launch, activity, guidanceform.fields_of_roles(stored))


@pages.post("/job-roles")
def change_job_roles() -> ResponseReturnValue:
    """Fill the form with an uploaded file, or store what the form says."""
    launch, activity = _owned_place()
    stored, asked = guidance.roles_of(launch.tenant.id, activity.id), _asked(launch, activity)
    if "file" in request.files:
        read = read_roles(request.files["file"].read(), _known(launch, activity), asked, current_locale())
        fields = guidanceform.fields_of_roles(stored if read.errors else read.found)
        return _roles_page(launch, activity, fields, read=read), 422 if read.errors else 200
    fields = guidanceform.typed_roles()
    rows, known = kept(fields), _known(launch, activity, _of_roles(stored))
    found, flaws = check_roles(guidanceform.written_roles(rows, list(known)), known, asked)
    if mistakes := mistakes_of(flaws, rows):
        return _roles_page(launch, activity, fields, mistakes), 422
    guidance.save_roles(launch.tenant.id, activity.id, in_order(found, rows))
    session.commit()
    return redirect(url_for("diagnostic.job_roles", saved=1), 303)


@pages.get("/job-roles.csv")
def download_job_roles() -> ResponseReturnValue:
    """The job roles, or an empty table to fill in."""
    launch, activity = _owned_place()
    return download(roles_csv(guidance.roles_of(launch.tenant.id, activity.id)), f"{activity.slug}-job-roles.csv")


def _place() -> tuple[Launch, Activity, Course]:
    launch = instructor_launch()
    if launch.activity is None or launch.course is None:
        raise Refused("diagnostic-no-link", lazy("This page was not opened from an activity of a course."))
    return launch, launch.activity, launch.course


def _owned_place() -> tuple[Launch, Activity]:
    """Where job roles may be changed: they belong to the pre-assessment, as its questions do."""
    launch, activity, _course = _place()
    if not launch.owns_activity:
        text = lazy("This pre-assessment belongs to another course. It can be changed there only.")
        raise Refused("diagnostic-other-course", text, 403)
    return launch, activity


def _known(launch: Launch, activity: Activity, named: Iterable[str] = ()) -> dict[str, Wording]:
    """The competencies that may be named: those that are asked, those of a draft of this course, and `named`.

    Something that is stored may name what the questions no longer have; nobody loses that by saving.
    """
    live = versions.published(launch.tenant.id, activity.id)
    waiting = versions.draft(launch.tenant.id, activity.id) if launch.owns_activity else None
    known = _titles(launch, live)
    later = _titles(launch, waiting)
    return known | {code: later.get(code, {}) for code in (*later, *named) if code not in known}


def _asked(launch: Launch, activity: Activity) -> dict[str, Wording]:
    """The competencies that learners are asked about, or will be where nothing is published yet."""
    live = versions.published(launch.tenant.id, activity.id)
    return _titles(launch, live or versions.draft(launch.tenant.id, activity.id))


def _titles(launch: Launch, version: Version | None) -> dict[str, Wording]:
    if version is None:
        return {}
    return {each.code: each.titles for each in versions.sections(launch.tenant.id, [version])[version.id]}


def _of_modules(modules: Iterable[Module]) -> list[str]:
    return [code for module in modules for code in module.competencies]


def _of_roles(roles: Iterable[Role]) -> list[str]:
    return [code for role in roles for task in role.tasks for code in task.competencies]


def _modules_page(
    launch: Launch,
    activity: Activity,
    fields: Sequence[Fields],
    mistakes: Sequence[Mistake] = (),
    read: FromFile[Module] | None = None,
) -> str:
    course_id = launch.course.id if launch.course else None
    stored, own = guidance.modules_of(launch.tenant.id, activity, course_id)
    shown = stored if read is None or read.errors else read.found
    asked = _asked(launch, activity)
    return page(
        "modules",
        fields=fields,
        known=_known(launch, activity, _of_modules(shown)),
        asked=asked,
        inherited=[] if own else stored,
        cautions=cautions(shown, asked) if shown else None,
        module_titles={module.code: module.titles for module in shown},
        decimal_text=report.decimal_text,
        **_shared(mistakes, read),
    )


def _roles_page(
    launch: Launch,
    activity: Activity,
    fields: Sequence[Fields],
    mistakes: Sequence[Mistake] = (),
    read: FromFile[Role] | None = None,
) -> str:
    stored = guidance.roles_of(launch.tenant.id, activity.id)
    shown = stored if read is None or read.errors else read.found
    asked = _asked(launch, activity)
    needed = set(_of_roles(shown))
    return page(
        "job_roles",
        fields=fields,
        known=_known(launch, activity, _of_roles(shown)),
        asked=asked,
        unneeded=[titles for code, titles in asked.items() if code not in needed] if shown else [],
        **_shared(mistakes, read),
    )


def _shared(mistakes: Sequence[Mistake], read: FromFile[Any] | None) -> dict[str, object]:
    """What both pages say: mistakes, what came of a file, and whether something was saved."""
    return {
        "mistakes": mistakes,
        "places_with_mistakes": {int(mistake.field.split("-")[1]) for mistake in mistakes},
        "read": read,
        "saved": "saved" in request.args and not mistakes and read is None,
        "starting": "start" in request.args and read is None,
        "languages": {locale: LANGUAGES[locale] for locale in LOCALES},
        "max_title": MAX_TITLE,
        "max_code": MAX_CODE,
        "max_link": MAX_LINK,
        "shown": SHOWN_PROBLEMS,
    }
