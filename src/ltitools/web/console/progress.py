"""What becomes of launches and grades."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from ltitools.i18n import host
from ltitools.refusals import explain
from ltitools.services import grades, launch_log
from ltitools.web.console.skeleton import saved

_ = host.gettext
ngettext = host.ngettext
pages = Blueprint("progress", __name__, url_prefix="/<tenant_key>")
LAUNCHES = 100


@pages.get("/launches")
def launches() -> ResponseReturnValue:
    """The latest launches and refusals; nobody's name is in it."""
    only_refused = request.args.get("refused") == "1"
    entries = launch_log.entries(g.tenant.id, LAUNCHES, only_refused=only_refused)
    return render_template(
        "console/launches.html",
        entries=entries,
        only_refused=only_refused,
        reasons={entry.outcome: explain(entry.outcome) for entry in entries if entry.outcome != launch_log.OK},
    )


@pages.get("/grades")
def waiting_grades() -> ResponseReturnValue:
    """Scores that the LMS has not taken."""
    return render_template("console/grades.html", rows=grades.undelivered(g.tenant.id))


@pages.post("/grades/send")
def send() -> ResponseReturnValue:
    """Let one score, or all, be sent now."""
    count = grades.send_again(g.tenant.id, request.form.get("grade", type=int))
    text = ngettext("%(n)s grade is on its way.", "%(n)s grades are on their way.", count)
    return saved("console.progress.waiting_grades", text)


@pages.post("/grades/drop")
def drop() -> ResponseReturnValue:
    """Give one score up: it stays here, and is not sent any more."""
    dropped = grades.drop(g.tenant.id, request.form.get("grade", 0, type=int))
    text = _("The grade is not sent any more.") if dropped else _("The grade was sent in the meantime.")
    return saved("console.progress.waiting_grades", text)
