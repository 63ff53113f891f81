"""Privacy: finding, exporting and erasing people, how long they are kept, and the end of an institution."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from flask import Blueprint, Response, g, render_template, request, send_file
from flask.typing import ResponseReturnValue

from ltitools.db import session
from ltitools.errors import Conflict
from ltitools.i18n import LazyText, host
from ltitools.services.privacy import erasing, exporting, finding, removing, retention
from ltitools.web.console.skeleton import only_operators, saved

_ = host.gettext
lazy = host.lazy
ngettext = host.ngettext
pages = Blueprint("privacy", __name__, url_prefix="/<tenant_key>/privacy")
KINDS: Mapping[str, LazyText] = {
    "enrolment": lazy("Places in courses"),
    "launch": lazy("Visits"),
    "grade": lazy("Scores for the gradebook"),
    "evidence": lazy("Evidence for competencies"),
    "competency_result": lazy("Conclusions about competencies"),
    "event_delivery": lazy("Messages between tools"),
    "job": lazy("Work that is planned"),
    "one_time_code": lazy("Codes for another window"),
    "console_code": lazy("Sign-in links"),
    "console_session": lazy("Sign-ins"),
}
"""How people read the names of our tables; the tables of tools have the names of their tools."""
EMPTIED: Mapping[str, LazyText] = {
    "person": lazy("The person: number, name and e-mail address"),
    "administrator": lazy("Access to this console"),
    "event": lazy("Record of what happened, for tools"),
}


@pages.app_template_filter("kind_of_rows")
def _kind(table: str) -> str:
    known = KINDS.get(table) or EMPTIED.get(table)
    return str(known) if known else table


@pages.get("/")
def index() -> ResponseReturnValue:
    """What there is to do."""
    return _index()


@pages.post("/find")
def find() -> ResponseReturnValue:
    """Find people. By POST, because an address with a name in it is kept by browsers and logs."""
    text = request.form.get("text", "")
    return _index(text=text, found=finding.find(g.tenant.id, text), asked=True)


@pages.post("/retention")
def keep_for() -> ResponseReturnValue:
    """Change how long people are kept, or only see whom that would concern."""
    text = request.form.get("days", "").strip()
    try:
        days = int(text) if text else None
        if days is not None and "check" in request.form:
            return _index(days=text, due=retention.due(g.tenant, max(days, 1)))
        retention.set_days(g.tenant, days)
        retention.set_contact(g.tenant, request.form.get("contact", ""))
    except ValueError:
        return _index(_("A number of days is made of digits."), days=text), 422
    except Conflict as problem:
        session.rollback()
        return _index(str(problem), days=text), 422
    return saved("console.privacy.index", _("Saved."))


@pages.get("/person/<int:number>")
def person(number: int) -> ResponseReturnValue:
    """A person, and what erasing them would do."""
    return _person(number)


@pages.post("/person/<int:number>/export")
def export(number: int) -> ResponseReturnValue:
    """Everything that is kept of a person, as a file."""
    found = finding.get(g.tenant.id, number)
    response = Response(exporting.as_json(found), content_type="application/json; charset=utf-8")
    session.commit()
    response.headers.set("Content-Disposition", "attachment", filename=f"person-{number}.json")
    return response


@pages.post("/person/<int:number>/erase")
def erase(number: int) -> ResponseReturnValue:
    """Erase a person."""
    found = finding.get(g.tenant.id, number)
    if "sure" not in request.form:
        return _person(number, _("Tick the box if you are sure.")), 422
    erasing.erase(found)
    return saved("console.privacy.index", _("The person is erased."))


@pages.post("/export")
def export_institution() -> ResponseReturnValue:
    """Everything of the institution, as a file: for operators."""
    only_operators()
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        removing.export(g.tenant, file)
        file.seek(0)
        response = send_file(file, "application/zip", as_attachment=True, download_name=f"{g.tenant.key}.zip")
        # From here on the file is open for as long as the response.
        response.call_on_close(stack.pop_all().close)
    return response


@pages.get("/removal")
def removal() -> ResponseReturnValue:
    """What would go with the institution: for operators."""
    only_operators()
    return _removal()


@pages.post("/removal")
def announce() -> ResponseReturnValue:
    """Announce the removal, and switch the institution off."""
    only_operators()
    if request.form.get("key", "").strip() != g.tenant.key:
        return _removal(_("Type the short name of the institution to go on.")), 422
    try:
        when = removing.announce(g.tenant, request.form.get("days", type=int) or 0)
    except Conflict as problem:
        session.rollback()
        return _removal(str(problem)), 422
    text = _("The institution is off, and is removed after %(time)s UTC.", time=f"{when:%Y-%m-%d %H:%M}")
    return saved("console.privacy.removal", text)


@pages.post("/removal/keep")
def keep() -> ResponseReturnValue:
    """Call the removal off."""
    only_operators()
    try:
        removing.keep(g.tenant)
    except Conflict as problem:
        session.rollback()
        return _removal(str(problem)), 422
    return saved("console.privacy.removal", _("The institution is kept, and on again."))


def _index(
    problem: str = "",
    *,
    text: str = "",
    found: Sequence[finding.Found] = (),
    asked: bool = False,
    days: str | None = None,
    due: retention.Due | None = None,
) -> str:
    kept = g.tenant.retention_days
    return render_template(
        "console/privacy/index.html",
        problem=problem,
        text=text,
        found=found,
        asked=asked,
        most=finding.MOST,
        fewest_days=retention.FEWEST_DAYS,
        days=days if days is not None else "" if kept is None else str(kept),
        contact=request.form.get("contact", g.tenant.privacy_contact),
        due=due,
    )


def _person(number: int, problem: str = "") -> str:
    found = finding.get(g.tenant.id, number)
    return render_template(
        "console/privacy/person.html",
        one=finding.with_places(found),
        plan=erasing.plan(found),
        problem=problem,
    )


def _removal(problem: str = "") -> str:
    return render_template(
        "console/privacy/removal.html",
        counts=removing.plan(g.tenant),
        days=request.form.get("days", str(removing.WAITING_DAYS)),
        problem=problem,
    )
