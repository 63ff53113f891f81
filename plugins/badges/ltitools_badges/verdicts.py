"""A report in words: what each answer means, and what whoever reads it can do. For pages and for the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ltitools.plugin import LazyText
from ltitools_badges import prose
from ltitools_badges.core.checking import Line, Outcome, Report
from ltitools_badges.texts import _, lazy

QUESTIONS: Mapping[str, LazyText] = {
    "signature": lazy("Signature:"),
    "issuer": lazy("Issuer:"),
    "status": lazy("Revocation:"),
    "dates": lazy("Dates:"),
    "recipient": lazy("Person:"),
    "schema": lazy("Form:"),
}
OUTCOMES: Mapping[Outcome, LazyText] = {
    "good": lazy("in order"),
    "bad": lazy("wrong"),
    "unknown": lazy("not known"),
}
HEADLINES: Mapping[Outcome, LazyText] = {
    "good": lazy("This badge is genuine and in force."),
    "bad": lazy("Do not rely on this badge."),
    "unknown": lazy("It could not be found out whether this badge is genuine."),
}
ONLY: Mapping[str, LazyText] = {
    "revoked": lazy("This badge was revoked."),
    "expired": lazy("This badge is no longer in force."),
    "not-yet-valid": lazy("This badge is not in force yet."),
    "recipient-differs": lazy("This badge was given to somebody else."),
}
"""The same where this one thing is wrong, and nothing else."""
UNJUDGED: Mapping[str, LazyText] = {
    "too-old": lazy("This badge is of a kind that cannot be checked here."),
    "too-complex": lazy("This file is too complicated to be checked."),
    "unreadable": lazy("No badge was found in it."),
}
"""The same where nothing could be judged."""
MEANINGS: Mapping[Outcome, LazyText] = {
    "good": lazy("Everything that matters was checked just now, and is in order."),
    "bad": lazy("At least one of the checks below speaks against it."),
    "unknown": lazy(
        "Nothing speaks against it, but not everything that matters could be checked. See what is missing."
    ),
}
ALL = "all"
TEXTS: Mapping[tuple[str, str], LazyText] = {
    (ALL, "too-old"): lazy("this is a badge of Open Badges 1 or 2, which carries no proof of its own."),
    (ALL, "too-complex"): lazy("the file is larger or more complicated than a badge has a reason to be."),
    (ALL, "unreadable"): lazy("there is no badge in it that can be read."),
    (ALL, "not-checked"): lazy("this could not be checked, because of another answer here."),
    ("signature", "signed"): lazy("nothing was changed since it was signed."),
    ("signature", "tampered"): lazy("it does not fit: something was changed after it was signed."),
    ("signature", "unsigned"): lazy("there is none. Anybody can write such a file."),
    ("signature", "unsigned-terms"): lazy("parts of the badge are not covered by it. Somebody may have added them."),
    ("signature", "claims-differ"): lazy("it is signed, but says two different things."),
    ("signature", "key-unknown"): lazy("it was made with a key that the issuer does not know, or has taken back."),
    ("signature", "key-not-allowed"): lazy("it was made with a key that the issuer does not allow for badges."),
    ("signature", "proof-unsupported"): lazy("it is of a kind that is not checked here."),
    ("signature", "context-unknown"): lazy("the badge uses words whose meaning is not known here."),
    ("signature", "issuer-unsupported"): lazy("the keys of this kind of issuer cannot be looked up here."),
    ("signature", "issuer-unreachable"): lazy("the issuer’s server did not hand out its keys."),
    ("signature", "key-unreachable"): lazy("the server that has the key did not hand it out."),
    ("issuer", "proven"): lazy("the badge comes from the address that it names."),
    ("issuer", "issuer-not-proven"): lazy("somebody signed it, but nothing proves who that was."),
    ("issuer", "issuer-mismatch"): lazy("it was signed by somebody else than the issuer that it names."),
    ("status", "not-revoked"): lazy("it was not revoked."),
    ("status", "no-status"): lazy("the badge names no place where a revocation would be seen."),
    ("status", "revoked"): lazy("the issuer has revoked it."),
    ("status", "status-unsupported"): lazy("the badge names its status in a way that is not checked here."),
    ("status", "status-unreachable"): lazy("the issuer’s server did not hand out the list of revoked badges."),
    ("status", "status-not-proven"): lazy("the list of revoked badges is not signed by the issuer."),
    ("dates", "in-force"): lazy("today is within its time."),
    ("dates", "expired"): lazy("its time is over."),
    ("dates", "not-yet-valid"): lazy("its time has not begun."),
    ("dates", "dates-unreadable"): lazy("they cannot be read."),
    ("recipient", "recipient-matches"): lazy("it was given to the person you named."),
    ("recipient", "recipient-differs"): lazy("it was given to somebody else than you named."),
    ("recipient", "recipient-not-in-badge"): lazy("the badge does not say this about whom it was given to."),
    ("recipient", "recipient-not-asked"): lazy("you named nobody to compare with."),
    ("schema", "complete"): lazy("it has everything that an Open Badge 3.0 needs."),
    ("schema", "incomplete"): lazy("it lacks something that an Open Badge 3.0 needs."),
}
"""By question and code; what is said of all questions alike is under `ALL`."""

_ASK_ISSUER = lazy("Ask the institution, by an address that you find yourself and not in the badge.")
_LATER = lazy("Try again later. If it stays so, ask the institution.")
ADVICE: Mapping[str, LazyText] = {
    "too-old": lazy("Open the address of the badge: it is genuine if the institution’s own website shows it."),
    "too-complex": lazy("Ask for the file as it came from the institution."),
    "unreadable": lazy("Ask for the PNG, SVG, JSON or JWT file as it was downloaded: screenshots carry no badge."),
    "tampered": _ASK_ISSUER,
    "unsigned": _ASK_ISSUER,
    "unsigned-terms": _ASK_ISSUER,
    "claims-differ": _ASK_ISSUER,
    "key-unknown": lazy("The holder may have an old copy: ask for the badge’s address, or for a new file."),
    "key-not-allowed": _ASK_ISSUER,
    "proof-unsupported": lazy("A checker that the institution recommends may know it."),
    "context-unknown": lazy("A checker that the institution recommends may know them."),
    "issuer-unsupported": _ASK_ISSUER,
    "issuer-unreachable": _LATER,
    "key-unreachable": _LATER,
    "issuer-not-proven": _ASK_ISSUER,
    "issuer-mismatch": lazy("Take it for a forgery unless the institution says otherwise."),
    "revoked": lazy("Ask the holder or the institution why."),
    "status-unsupported": _ASK_ISSUER,
    "status-unreachable": _LATER,
    "status-not-proven": _LATER,
    "expired": lazy("Ask the holder whether it was renewed."),
    "recipient-differs": lazy("Check the spelling, or ask for the e-mail address that was used at the institution."),
    "recipient-not-in-badge": lazy("Ask the holder how they can show that it is theirs."),
}
"""What somebody can do, by code."""


@dataclass(frozen=True)
class Told:
    """The answer to one question in words."""

    what: str
    outcome: str
    outcome_text: str
    text: str
    advice: str


@dataclass(frozen=True)
class Verdict:
    """A report in words.

    `meaning` is empty where nothing could be judged. `facts` are triples of name, value and address. `host` is the
    address that proved to be the issuer's, empty where none did.
    """

    outcome: Outcome
    headline: str
    meaning: str
    lines: tuple[Told, ...]
    facts: tuple[tuple[str, str, str], ...]
    host: str


def of(report: Report, *, own: bool = False) -> Verdict:
    """The report in the reader's language. For the page of a badge of our own, lines about form and person go."""
    lines = _same(report) or [line for line in report.lines if not (own and line.what in ("recipient", "schema"))]
    shown = tuple(_told(line) for line in lines if line.detail != "recipient-not-asked")
    headline = _("Checked just now: this badge is genuine.") if own and report.verdict == "good" else _headline(report)
    proven = any(line.what == "issuer" and line.outcome == "good" for line in report.lines)
    return Verdict(
        report.verdict,
        headline,
        "" if _same(report) else str(MEANINGS[report.verdict]),
        shown,
        tuple(_facts(report)),
        report.issuer_host if proven else "",
    )


def as_json(report: Report) -> dict[str, Any]:
    """The report for programs, with the words beside the codes."""
    lines = [
        {"what": line.what, "outcome": line.outcome, "detail": line.detail, "text": _text(line)}
        for line in report.lines
    ]
    return {**report.to_json(), "headline": _headline(report), "lines": lines}


def _headline(report: Report) -> str:
    same = _same(report)
    if same:
        return str(UNJUDGED.get(same[0].detail, HEADLINES["unknown"]))
    wrong = [line.detail for line in report.lines if line.outcome == "bad"]
    only = ONLY.get(wrong[0]) if len(wrong) == 1 else None
    return str(only or HEADLINES[report.verdict])


def _same(report: Report) -> list[Line]:
    """The one answer to all questions, where nothing could be judged at all."""
    details = {line.detail for line in report.lines}
    return [report.lines[0]] if len(details) == 1 else []


def _text(line: Line) -> str:
    return str(TEXTS.get((line.what, line.detail)) or TEXTS.get((ALL, line.detail)) or line.detail)


def _told(line: Line) -> Told:
    question = _("Badge:") if (ALL, line.detail) in TEXTS and line.detail != "not-checked" else QUESTIONS[line.what]
    advice = ADVICE.get(line.detail, "")
    return Told(str(question), line.outcome, str(OUTCOMES[line.outcome]), _text(line), str(advice))


def _facts(report: Report) -> list[tuple[str, str, str]]:
    """What the badge says, as far as it does."""
    said = [
        (_("Badge"), report.name, report.achievement),
        (_("Given to"), report.recipient, ""),
        (_("Says to be from"), report.issuer_name, ""),
        (_("Issuer’s identity"), report.issuer_id, ""),
        (_("Valid from"), prose.day(report.valid_from), ""),
        (_("Valid until"), prose.day(report.valid_until), ""),
        (_("Score"), f"{report.score}\N{NO-BREAK SPACE}%" if report.score else "", ""),
        *((_("Evidence"), name or address, address) for name, address in report.evidence),
        (_("Address"), report.id, report.id),
    ]
    return [(name, value, address) for name, value, address in said if value]
