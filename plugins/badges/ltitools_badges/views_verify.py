"""``/verify``: whether a badge, of whomever, is genuine. Nothing is kept, and a GET asks no other server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import BoundedSemaphore
from time import monotonic

from flask import Response, jsonify, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge

from ltitools.plugin import reading, session, web
from ltitools_badges import published, verdicts
from ltitools_badges.checking_process import check_apart
from ltitools_badges.core import baking, checking, proving
from ltitools_badges.core import reading as limits
from ltitools_badges.negotiation import HTML, JSON, wanted
from ltitools_badges.texts import _
from ltitools_badges.views_public import html, pages

MAX_BYTES = 1024 * 1024
MAX_FORM = MAX_BYTES + 64 * 1024
MAX_FETCHED = 256 * 1024
PATIENCE = 5.0
"""Seconds for one answer of another server."""
PICTURES = ("image/png", "image/svg+xml")
ACCEPT = (
    "application/vc+ld+json, application/ld+json;q=0.9, application/json;q=0.9, application/did+json;q=0.9,"
    " image/png;q=0.6, image/svg+xml;q=0.6, text/plain;q=0.5, */*;q=0.1"
)
SECONDS = 8.0
"""After so long no other server is asked any more for a check that others may be waiting behind."""
BUSY = "10"
"""Seconds after which somebody may try again who came while others were served."""

# A check starts a process and waits for other servers: not more at once than leave the rest of the tool usable.
turns = BoundedSemaphore(2)


@dataclass(frozen=True)
class Asked:
    """What somebody handed in."""

    url: str = ""
    text: str = ""
    recipient: str = ""


@pages.get("/verify", strict_slashes=False)
def verify() -> Response:
    """The form. An address in the link is filled in; the check is made at once only for a badge of this server."""
    asked = Asked(url=request.args.get("url", "").strip())
    if asked.url and published.is_own(asked.url):
        shown = published.credential_at(asked.url)
        if shown is not None and shown.state == "shown":
            return _result(published.checked(shown), shown.address)
    return _form(asked)


@pages.post("/verify")
def check() -> Response:
    """Check what was handed in: a file, a text or an address."""
    request.max_content_length = MAX_FORM
    request.max_form_memory_size = MAX_FORM
    try:
        asked = Asked(*(request.form.get(name, "").strip() for name in ("url", "text", "recipient")))
        file = request.files.get("file")
        raw = file.read(MAX_BYTES + 1) if file else b""
    except RequestEntityTooLarge:
        return _form(Asked(), _("The file is larger than 1 MB, which no badge has a reason to be."), 413)
    raw = raw or asked.text.encode()
    if not raw and not asked.url:
        return _form(asked, _("Give the address, the file or the text of a badge."), 422)
    if len(raw) > MAX_BYTES:
        return _form(asked, _("The file is larger than 1 MB, which no badge has a reason to be."), 413)
    if not turns.acquire(blocking=False):
        answer = _form(asked, _("Others are having their badges checked just now. Please try again in a moment."), 503)
        answer.headers["Retry-After"] = BUSY
        return answer
    try:
        get = in_time(SECONDS)
        found = raw or get(asked.url)
        if found is None:
            return _form(asked, _("Nothing could be read at this address. Is it complete, and open to everybody?"), 422)
        report = _of_ours(found, asked.recipient) or check_apart(found, get, recipient=asked.recipient)
    finally:
        turns.release()
    return _result(report, report.id if report.id and published.is_own(report.id) else "")


def in_time(seconds: float) -> Callable[[str], bytes | None]:
    """`fetch` for one check: other servers are asked no more once so many seconds have gone by."""
    end = monotonic() + seconds
    return lambda url: fetch(url) if monotonic() < end or published.is_own(url) else None


def fetch(url: str) -> bytes | None:
    """What is at an address: our own from the database, others over the guarded way out; None where nothing is."""
    if published.is_own(url):
        with reading():
            found = published.read(url)
            session.rollback()
        return found
    try:
        answer = web.get(url, headers={"Accept": ACCEPT}, max_bytes=MAX_FETCHED, total_timeout=PATIENCE)
    except (web.HttpError, ValueError):
        # Not everything that somebody types is an address.
        return None
    return answer.body if answer.status == 200 else None


def _of_ours(given: bytes, recipient: str) -> checking.Report | None:
    """The report on a file that is to the letter what this server hands out.

    Nobody else has written it, so that it needs no process of its own, and is judged at once.
    """
    try:
        text = baking.unbake(given)
        address = proving.opened(text).document.get("id")
    except (baking.NotBaked, limits.Unreadable, limits.TooComplex):
        return None
    if not isinstance(address, str) or not published.is_own(address):
        return None
    with reading():
        found = published.credential_at(address)
        is_same = found is not None and text in (found.badge.document, found.badge.jwt)
        report = published.checked(found, text=text, recipient=recipient) if found and is_same else None
        session.rollback()
    return report


def _form(asked: Asked, problem: str = "", status: int = 200) -> Response:
    if status != 200 and wanted((HTML, JSON)) == JSON:
        refused = jsonify(error=problem)
        refused.status_code = status
        return refused
    page = render_template(
        "badges/verify.html", url=asked.url, text=asked.text, recipient=asked.recipient, problem=problem
    )
    return html(page, status)


def _result(report: checking.Report, own_page: str) -> Response:
    if wanted((HTML, JSON)) == JSON:
        return jsonify(verdicts.as_json(report))
    page = render_template("badges/verify_result.html", verdict=verdicts.of(report), own_page=own_page)
    return html(page)
