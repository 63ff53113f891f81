"""Competency frameworks of an institution: their versions, competencies and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby

from flask import Blueprint, Response, g, render_template, request
from flask.typing import ResponseReturnValue

from ltitools.db import session
from ltitools.errors import Conflict, NotFound
from ltitools.i18n import LOCALES, LazyText, host
from ltitools.models import Framework
from ltitools.refusals import refused
from ltitools.services.frameworks import files, keeping
from ltitools.services.frameworks.content import (
    Content,
    Item,
    by_locale,
    clean,
    moved,
    new_guid,
    with_items,
    without,
    wording,
)
from ltitools.services.frameworks.findings import Finding, Unusable
from ltitools.web.console.skeleton import saved

_ = host.gettext
lazy = host.lazy
pages = Blueprint("frameworks", __name__, url_prefix="/<tenant_key>/frameworks")
STATES: dict[str, LazyText] = {
    keeping.DRAFT: lazy("draft"),
    keeping.PUBLISHED: lazy("in force"),
    keeping.REPLACED: lazy("replaced"),
}


@pages.app_template_filter("framework_wording")
def _wording(texts: dict[str, str]) -> str:
    return wording(texts)


@pages.get("/")
def index() -> ResponseReturnValue:
    """Every framework with its versions, and the ways to begin one."""
    return _index()


@pages.post("/")
def add() -> ResponseReturnValue:
    """Begin an empty framework."""
    key = request.form.get("key", "").strip()
    try:
        if keeping.listed(g.tenant.id, key):
            raise Conflict(_("There is a framework with this key already."))
        titles = _texts("title")
        if not titles:
            raise Conflict(_("Give it a title."))
        made = keeping.keep(g.tenant.id, key, Content(new_guid(), titles))
    except Conflict as problem:
        session.rollback()
        return _index(problem=str(problem)), 422
    except Unusable as unusable:
        session.rollback()
        return _index(findings=list(unusable.findings)), 422
    return _shown(made, _("The framework is there, as a draft. Add its competencies."))


@pages.post("/import")
def take() -> ResponseReturnValue:
    """Take a framework from a file, and tell everything that is unusual about it."""
    file, key = request.files.get("file"), request.form.get("key", "").strip()
    if file is None or not file.filename:
        return _index(problem=_("Choose a file.")), 422
    try:
        content, findings = files.read(g.tenant.id, key, file.read(), _texts("title"))
        kept = keeping.keep(g.tenant.id, key, content, "framework.import")
    except Unusable as unusable:
        session.rollback()
        return _index(findings=list(unusable.findings)), 422
    session.commit()
    return render_template(
        "console/frameworks/imported.html", framework=kept, count=len(content.items), findings=list(findings)
    )


@pages.get("/<key>/<int:number>")
def version(key: str, number: int) -> ResponseReturnValue:
    """A version, its competencies, and what can be done with it."""
    return _version(_framework(key, number))


@pages.post("/<key>/title")
def entitle(key: str) -> ResponseReturnValue:
    """Change titles and descriptions."""
    return _changed(
        key,
        lambda before: replace(before, titles=_texts("title"), descriptions=_texts("description"), changed_at=None),
        _("Saved."),
    )


@pages.post("/<key>/order")
def order(key: str) -> ResponseReturnValue:
    """Move a competency up or down among those of the same parent."""
    guid, by = (request.form["up"], -1) if "up" in request.form else (request.form.get("down", ""), 1)
    return _changed(key, lambda before: replace(moved(before, guid, by), changed_at=None), _("Moved."))


@pages.get("/<key>/competency")
def competency(key: str) -> ResponseReturnValue:
    """A form for a competency, or for a new one."""
    return _competency(_framework(key), request.args.get("guid", ""))


@pages.post("/<key>/competency")
def change_competency(key: str) -> ResponseReturnValue:
    """Store a competency, or add it where it has no identifier yet."""
    guid = request.form.get("guid", "")
    framework = _framework(key)
    try:
        kept = keeping.change(g.tenant.id, key, lambda before: _with_form(before, guid))
    except Unusable as unusable:
        session.rollback()
        return _competency(framework, guid, list(unusable.findings)), 422
    return _shown(kept, _("Saved."))


@pages.post("/<key>/competency/remove")
def remove_competency(key: str) -> ResponseReturnValue:
    """Remove a competency; those below it move up."""
    guid = request.form.get("guid", "")
    return _changed(key, lambda before: replace(without(before, guid), changed_at=None), _("Removed."))


@pages.post("/<key>/publish")
def publish(key: str) -> ResponseReturnValue:
    """Put the draft in force."""
    try:
        made = keeping.publish(g.tenant.id, key)
    except NotFound as missing:
        raise refused("page-unknown", str(missing)) from missing
    return _shown(made, _("This version is in force."))


@pages.post("/<key>/discard")
def discard(key: str) -> ResponseReturnValue:
    """Delete the draft."""
    try:
        keeping.drop_draft(g.tenant.id, key)
    except (NotFound, Conflict) as problem:
        raise refused("page-unknown", str(problem)) from problem
    return saved("console.frameworks.index", _("The draft is deleted."))


@pages.get("/<key>/<int:number>/table.csv")
def as_csv(key: str, number: int) -> ResponseReturnValue:
    """A version as a table."""
    return _download(files.as_csv(_framework(key, number)), f"{key}-{number}.csv", "text/csv")


@pages.get("/<key>/<int:number>/case.json")
def as_case(key: str, number: int) -> ResponseReturnValue:
    """A version as a CASE package."""
    return _download(files.as_case(g.tenant, _framework(key, number)), f"{key}-{number}.json", "application/json")


def _download(data: bytes, name: str, kind: str) -> Response:
    response = Response(data, content_type=f"{kind}; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _framework(key: str, number: int | None = None) -> Framework:
    try:
        return keeping.get(g.tenant.id, key, number)
    except NotFound as missing:
        raise refused("page-unknown", str(missing)) from missing


def _texts(name: str) -> dict[str, str]:
    return by_locale(**{locale: request.form.get(f"{name}_{locale}", "") for locale in LOCALES})


def _with_form(before: Content, guid: str) -> Content:
    """The framework with the competency of the form."""
    form = request.form
    known = next((item for item in before.items if item.guid == guid), None)
    item = replace(
        known or Item(new_guid(), "", {}),
        code=" ".join(clean(form.get("code", "")).split()),
        titles=_texts("title"),
        descriptions=_texts("description"),
        parent=form.get("parent") or None,
        changed_at=None,
    )
    if known and known.titles != item.titles:
        # CASE's short form of the statement would say what the statement no longer does.
        item = replace(item, case={name: one for name, one in item.case.items() if name != "abbreviatedStatement"})
    items = [item if one is known else one for one in before.items]
    items += [] if known else [item]
    made = with_items(before, items)
    # What would stand below itself cannot be arranged. It is handed on as it is, so that the person is told.
    return replace(before, items=made.items if len(made.items) == len(items) else tuple(items), changed_at=None)


def _changed(key: str, changed: Callable[[Content], Content], text: str) -> ResponseReturnValue:
    """Change a framework, and show the version in which the change is."""
    framework = _framework(key)
    try:
        kept = keeping.change(g.tenant.id, key, changed)
    except Unusable as unusable:
        session.rollback()
        return _version(framework, list(unusable.findings)), 422
    return _shown(kept, text)


def _shown(framework: Framework, text: str) -> ResponseReturnValue:
    """The version's page, with a text that says what was done."""
    return saved("console.frameworks.version", text, key=framework.key, number=framework.number)


def _index(problem: str = "", findings: list[Finding] | None = None) -> str:
    rows = keeping.listed(g.tenant.id)
    return render_template(
        "console/frameworks/index.html",
        frameworks=[list(versions) for _key, versions in groupby(rows, lambda one: one.framework.key)],
        states=STATES,
        problem=problem,
        findings=findings or [],
        form=request.form,
    )


def _version(framework: Framework, findings: list[Finding] | None = None) -> str:
    content = keeping.load(framework)
    below: dict[str | None, list[Item]] = {}
    for item in content.items:
        below.setdefault(item.parent, []).append(item)
    return render_template(
        "console/frameworks/version.html",
        framework=framework,
        content=content,
        below=below,
        frozen=keeping.is_frozen(framework),
        newest=keeping.get(g.tenant.id, framework.key),
        states=STATES,
        findings=findings or [],
    )


def _competency(framework: Framework, guid: str, findings: list[Finding] | None = None) -> str:
    content = keeping.load(framework)
    item = next((one for one in content.items if one.guid == guid), None)
    if guid and item is None:
        raise refused("page-unknown", "no such competency")
    return render_template(
        "console/frameworks/competency.html",
        framework=framework,
        item=item,
        others=[one for one in content.items if one.guid != guid],
        depths=content.depths,
        frozen=keeping.is_frozen(framework),
        form=request.form,
        findings=findings or [],
    )
