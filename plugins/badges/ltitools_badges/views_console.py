"""The console's pages: the institution as an issuer, its keys, and every badge that it has given."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select

from ltitools.plugin import Conflict, NotFound, Person, Tenant, audit, console, people, session
from ltitools_badges import achievements, awarding, exporting, issuers, prose
from ltitools_badges.core.content import MAX_NAME, is_address
from ltitools_badges.models import Badge, Issuer
from ltitools_badges.texts import _

pages = Blueprint("badges_console", __name__)
SHOWN = 50
BATCH = 500
MAX_IN_BROWSER = 3000
"""More badges than this are exported by the command: no browser should wait so long."""
LIMITS = {
    "name": MAX_NAME,
    "url": 500,
    "email": MAX_NAME,
    "country": 2,
    "locality": MAX_NAME,
    "description": 2000,
    "ror": MAX_NAME,
    "parent_name": MAX_NAME,
}
"""What an issuer says about itself, and how long it may be."""
ROR = re.compile(r"https://ror\.org/0[a-hj-km-np-tv-z0-9]{6}[0-9]{2}")
NUMBER = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Wanted:
    """Which badges somebody looks for: by a person's name or e-mail address, or a badge's number or address."""

    text: str
    achievement_id: int | None
    state: str
    before: int | None

    @classmethod
    def of_request(cls) -> Wanted:
        """What the form asked for."""
        arguments = request.args
        return cls(
            arguments.get("find", "").strip()[:MAX_NAME],
            arguments.get("achievement", type=int),
            arguments.get("state", ""),
            arguments.get("before", type=int),
        )


@pages.get("/")
def index() -> ResponseReturnValue:
    """The issuer, its keys, and what it has given."""
    return _index()


@pages.post("/")
def change() -> ResponseReturnValue:
    """Change what badges say about the institution: those that are given from now on."""
    tenant = console.tenant()
    said = {name: request.form.get(name, "").strip() for name in LIMITS}
    said["country"] = said["country"].upper()
    problem = _wrong(said)
    if problem:
        return _index(said, problem), 422
    issuer = issuers.of(tenant)
    changed = [name for name, value in said.items() if getattr(issuer, name) != value]
    for name in changed:
        setattr(issuer, name, said[name])
    if changed:
        audit.record("badges.issuer", issuer.did, tenant.id, changed=changed)
    return console.saved("badges_console.index", _("Saved. Badges that are given from now on say so."))


@pages.post("/keys")
def rotate() -> ResponseReturnValue:
    """Sign with new keys from now on."""
    issuers.rotate(console.tenant())
    return console.saved("badges_console.index", _("New keys sign from now on. What was signed before still checks."))


@pages.post("/keys/<name>")
def withdraw(name: str) -> ResponseReturnValue:
    """Take back a key that fell into other hands."""
    tenant = console.tenant()
    issuers.withdraw(tenant, name)
    awarding.ask_to_sign(tenant.id)
    text = _("The key %(name)s is listed no more. What it had signed is being signed anew.", name=name)
    return console.saved("badges_console.index", text)


@pages.get("/badges")
def badges() -> ResponseReturnValue:
    """The badges that were given, the newest first."""
    return _badges()


@pages.post("/badges/<int:number>/revoke")
def revoke(number: int) -> ResponseReturnValue:
    """Take a badge back."""
    tenant = console.tenant()
    badge = awarding.get(tenant.id, number)
    try:
        awarding.revoke(badge, request.form.get("reason", "").strip())
    except Conflict as problem:
        session.rollback()
        return _badges(str(problem)), 422
    audit.record("badges.revoke", badge.public_id, tenant.id)
    text = _("The badge is revoked. Whoever checks it from now on reads so.")
    return console.saved("badges_console.badges", text, find=badge.public_id)


@pages.get("/export.zip")
def export() -> ResponseReturnValue:
    """Everything public as files, for another web server."""
    tenant = console.tenant()
    if issuers.find(tenant.id) is None:
        raise NotFound("This institution has given no badge.")
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        exporting.write(tenant, file)
        file.seek(0)
        name = f"badges-{tenant.key}.zip"
        answer: Response = send_file(file, "application/zip", as_attachment=True, download_name=name, max_age=0)
        # Closed, and thereby removed, once the answer is sent.
        answer.call_on_close(stack.pop_all().close)
        return answer


def _wrong(said: Mapping[str, str]) -> str:
    """What is wrong with an issuer's details, in a sentence; empty where nothing is."""
    if not said["name"]:
        return _("The issuer needs a name.")
    if any(len(said[name]) > limit for name, limit in LIMITS.items() if name != "country"):
        return _("One of the texts is too long.")
    if said["url"] and not is_address(said["url"]):
        return _("The website must be an address that begins with https://.")
    if said["country"] and not re.fullmatch(r"[A-Z]{2}", said["country"]):
        return _("The country is two letters, such as CA.")
    if said["ror"] and not ROR.fullmatch(said["ror"]):
        return _("A ROR identifier looks like https://ror.org/03yrm5c26.")
    if said["email"] and not re.fullmatch(r"[^@\s]+@[^@\s]+", said["email"]):
        return _("This is no e-mail address: %(text)s", text=said["email"])
    return ""


def _index(said: Mapping[str, str] | None = None, problem: str = "") -> str:
    tenant = console.tenant()
    issuer = issuers.find(tenant.id)
    counts = awarding.counts(tenant.id)
    rows = [
        (achievement, version.content["name"], *counts.get(achievement.id, (0, 0)))
        for achievement, version in achievements.all_of(tenant.id)
    ]
    return render_template(
        "badges/console_index.html",
        issuer=issuer,
        said=said or _details(tenant, issuer),
        problem=problem,
        warning=issuers.problem(issuer) if issuer else None,
        keys=issuers.keys(tenant.id),
        rows=rows,
        small=sum(given for _one, _name, given, _revoked in rows) <= MAX_IN_BROWSER,
        tenant_key=tenant.key,
    )


def _details(tenant: Tenant, issuer: Issuer | None) -> dict[str, str]:
    if issuer is None:
        return {**dict.fromkeys(LIMITS, ""), "name": tenant.name}
    return {name: getattr(issuer, name) for name in LIMITS}


def _badges(problem: str = "") -> str:
    tenant = console.tenant()
    wanted = Wanted.of_request()
    found, known = _found(tenant.id, wanted)
    names = {achievement.id: str(version.content["name"]) for achievement, version in achievements.all_of(tenant.id)}
    issuer = issuers.find(tenant.id)
    return render_template(
        "badges/console_badges.html",
        problem=problem,
        wanted=wanted,
        names=names,
        found=found[:SHOWN],
        people=known,
        older=found[SHOWN - 1].id if len(found) > SHOWN else None,
        base=issuer.base if issuer else "",
        day=prose.day,
    )


def _found(tenant_id: int, wanted: Wanted) -> tuple[list[Badge], Mapping[int, Person]]:
    """The badges that are looked for, at most one more than are shown, and whose they are.

    Names are the host's, so that they are compared here, some hundred badges at a time.
    """
    rows = select(Badge).where(Badge.tenant_id == tenant_id).order_by(Badge.id.desc())
    if wanted.achievement_id is not None:
        rows = rows.where(Badge.achievement_id == wanted.achievement_id)
    if wanted.state == "revoked":
        rows = rows.where(Badge.revoked_at.is_not(None))
    if wanted.state == "valid":
        rows = rows.where(Badge.revoked_at.is_(None))
    if wanted.before is not None:
        rows = rows.where(Badge.id < wanted.before)
    number = NUMBER.search(wanted.text)
    if number is not None:
        found = list(session.scalars(rows.where(Badge.public_id == number[0].lower())))
        return found, _people(tenant_id, found)
    if not wanted.text:
        found = list(session.scalars(rows.limit(SHOWN + 1)))
        return found, _people(tenant_id, found)
    return _by_person(tenant_id, rows, wanted.text.casefold())


def _by_person(tenant_id: int, rows: Select[Badge], text: str) -> tuple[list[Badge], Mapping[int, Person]]:
    found: list[Badge] = []
    known: dict[int, Person] = {}
    start = 0
    while len(found) <= SHOWN and (batch := list(session.scalars(rows.offset(start).limit(BATCH)))):
        start += BATCH
        known |= _people(tenant_id, batch)
        found += [badge for badge in batch if _fits(known[badge.person_id], text)]
    return found[: SHOWN + 1], known


def _fits(person: Person, text: str) -> bool:
    return text in (person.name or "").casefold() or text in (person.email or "").casefold()


def _people(tenant_id: int, found: Sequence[Badge]) -> dict[int, Person]:
    return people.names(tenant_id, {badge.person_id for badge in found})
