"""Is this badge genuine? One answer for the pages, the command and the API.

Nothing is fetched here: `needs` tells what has to be, and `check` judges by what it is given. Each question has a line
of its own, and what could not be found out is `unknown`, never `good`. The `detail` of a line is a stable code; its
words are written elsewhere.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from ltitools_badges.core import contexts, did, documents, facts, instants, proving, reading, status
from ltitools_badges.core.facts import Facts
from ltitools_badges.core.proving import Given

What = Literal["signature", "issuer", "status", "dates", "recipient", "schema"]
Outcome = Literal["good", "bad", "unknown"]

_ENTRY = "BitstringStatusListEntry"
_LIST = "BitstringStatusListCredential"


@dataclass(frozen=True)
class Needs:
    """The addresses that have to be fetched for a check; empty where there is none.

    `did_url` has the issuer's DID document, `status_url` the status list, `key_url` the key of an issuer that is no
    `did:web` and names its key by address.
    """

    did_url: str = ""
    status_url: str = ""
    key_url: str = ""

    def __iter__(self) -> Iterator[str]:
        return filter(None, (self.did_url, self.status_url, self.key_url))


@dataclass(frozen=True)
class Line:
    """The answer to one question."""

    what: What
    outcome: Outcome
    detail: str


@dataclass(frozen=True)
class Report(Facts):
    """The answers, and what the badge says, which is worth as much as the verdict."""

    lines: tuple[Line, ...] = ()
    revoked: bool = False

    @property
    def verdict(self) -> Outcome:
        """`good` where signature, issuer, status and dates are good and nothing else speaks against the badge."""
        outcomes = {line.what: line.outcome for line in self.lines}
        if "bad" in (outcomes[what] for what in outcomes if what != "schema"):
            return "bad"
        decisive = [outcomes.get(what) for what in ("signature", "issuer", "status", "dates")]
        return "good" if all(each == "good" for each in decisive) and outcomes["schema"] == "good" else "unknown"

    def line(self, what: What) -> Line:
        """The answer to one question."""
        return next(line for line in self.lines if line.what == what)

    def to_json(self) -> dict[str, Any]:
        """The report for programs, and for the way back from the process that made it."""
        lines = [{"what": line.what, "outcome": line.outcome, "detail": line.detail} for line in self.lines]
        return {"verdict": self.verdict, "lines": lines, "revoked": self.revoked, **facts.to_json(self)}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> "Report":
        """What `to_json` wrote."""
        lines = tuple(Line(**line) for line in written["lines"])
        return _report(facts.from_json(written), lines, written["revoked"])


def needs(given: str | Mapping[str, Any]) -> Needs:
    """What to fetch for a badge (JSON text, token or document). Nothing for what cannot be read."""
    try:
        opened = proving.opened(given)
    except (reading.Unreadable, reading.TooComplex):
        return Needs()
    issuer = facts.identifier(opened.document.get("issuer"))
    try:
        did_url, key_url = did.address(issuer), ""
    except ValueError:
        did_url, key_url = "", proving.key_address(opened)
    entries = [entry for entry in _entries(opened.document) if _checkable(entry)]
    return Needs(did_url, facts.web_address(entries[0].get("statusListCredential")) if entries else "", key_url)


def check(
    given: str | Mapping[str, Any], fetched: Mapping[str, object], now: datetime, *, recipient: str = ""
) -> Report:
    """The report on a badge: JSON text, token, or document.

    `fetched` has what was found at each address of `needs`: a document, the text of a token, or None. `recipient` is a
    name or e-mail address that somebody wants to compare with whom the badge is for.
    """
    if isinstance(given, str) and given.startswith(("http://", "https://")):
        # Open Badges 2.0 also bakes the mere address of an assertion.
        return unjudged("too-old", Facts(id=facts.web_address(given)))
    try:
        opened = proving.opened(given)
    except reading.TooComplex:
        return unjudged("too-complex")
    except reading.Unreadable:
        return unjudged("unreadable")
    document = opened.document
    if _is_old(document):
        return unjudged("too-old", facts.of_old(document))
    signature, issuer = _proven(opened, fetched)
    state = _status(document, fetched, now)
    lines = (
        signature,
        issuer,
        state,
        _dates(opened, now),
        _recipient(document, recipient),
        Line("schema", *(("good", "complete") if facts.is_badge(document) else ("bad", "incomplete"))),
    )
    return _report(facts.of(document), lines, state.detail == "revoked")


def unjudged(detail: str, found: Facts | None = None) -> Report:
    """The report on something that could not be judged at all, for one reason."""
    everything: tuple[What, ...] = ("signature", "issuer", "status", "dates", "recipient", "schema")
    return _report(found or Facts(), tuple(Line(what, "unknown", detail) for what in everything), False)


def _report(found: Facts, lines: tuple[Line, ...], revoked: bool) -> Report:
    return Report(**vars(found), lines=lines, revoked=revoked)


def _proven(opened: Given, fetched: Mapping[str, object]) -> tuple[Line, Line]:
    """The lines about the signature and about who signed."""
    found = proving.prove(opened, fetched)
    signature = Line("signature", found.outcome, found.detail)
    if found.detail == "issuer-mismatch":
        return Line("signature", "unknown", "not-checked"), Line("issuer", "bad", "issuer-mismatch")
    if found.outcome != "good":
        return signature, Line("issuer", "unknown", "not-checked")
    if found.bound:
        return signature, Line("issuer", "good", "proven")
    return signature, Line("issuer", "unknown", "issuer-not-proven")


def _status(document: Mapping[str, Any], fetched: Mapping[str, object], now: datetime) -> Line:
    """Whether it was revoked: https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm"""
    entries = _entries(document)
    if not entries:
        return Line("status", "good", "no-status")
    details = [
        _listed(document, entry, fetched, now) if _checkable(entry) else "status-unsupported" for entry in entries
    ]
    if "revoked" in details:
        return Line("status", "bad", "revoked")
    doubtful = [detail for detail in details if detail != "not-revoked"]
    return Line("status", "unknown", doubtful[0]) if doubtful else Line("status", "good", "not-revoked")


def _listed(document: Mapping[str, Any], entry: Mapping[str, Any], fetched: Mapping[str, object], now: datetime) -> str:
    address = entry.get("statusListCredential")
    found = fetched.get(address) if isinstance(address, str) else None
    if not isinstance(found, str | Mapping):
        return "status-unreachable"
    try:
        opened = proving.opened(found)
    except (reading.Unreadable, reading.TooComplex):
        return "status-not-proven"
    listing = opened.document
    subject = listing.get("credentialSubject")
    issuer = facts.identifier(document.get("issuer"))
    sound = (
        listing.get("id") == address
        and _LIST in facts.several(listing.get("type"))
        and facts.identifier(listing.get("issuer")) == issuer
        and isinstance(subject, Mapping)
        and subject.get("statusPurpose") == status.PURPOSE
        and proving.prove(opened, fetched).outcome == "good"
    )
    if not sound or not isinstance(subject, Mapping) or _dates(opened, now).outcome != "good":
        return "status-not-proven"
    try:
        bits = status.StatusList.from_text(str(subject.get("encodedList")))
        return "revoked" if bits.get(int(str(entry.get("statusListIndex")))) else "not-revoked"
    except (ValueError, IndexError):
        return "status-not-proven"


def _entries(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = facts.several(document.get("credentialStatus"))
    return [entry if isinstance(entry, Mapping) else {} for entry in found]


def _checkable(entry: Mapping[str, Any]) -> bool:
    return (
        _ENTRY in facts.several(entry.get("type"))
        and entry.get("statusPurpose") == status.PURPOSE
        and entry.get("statusSize", 1) == 1
    )


CLOCKS = timedelta(minutes=1)
"""By how much the clocks of an issuer and a checker may differ."""


def _dates(opened: Given, now: datetime) -> Line:
    """Whether it is in force now, by what it says itself, its proof and its token."""
    document = opened.document
    ends = [document.get("validUntil"), *(proof.get("expires") for proof in opened.proofs)]
    try:
        begins = instants.read(document["validFrom"]) if "validFrom" in document else None
        until = [instants.read(end) for end in ends if end is not None]
    except ValueError:
        return Line("dates", "bad", "dates-unreadable")
    if begins is not None and begins > now + CLOCKS:
        return Line("dates", "bad", "not-yet-valid")
    if any(end < now for end in until):
        return Line("dates", "bad", "expired")
    return Line("dates", "good", "in-force")


def _recipient(document: Mapping[str, Any], wanted: str) -> Line:
    """Whether it is for a certain person: https://www.imsglobal.org/spec/ob/v3p0/#identityobject"""
    if not wanted.strip():
        return Line("recipient", "unknown", "recipient-not-asked")
    subject = document.get("credentialSubject")
    identities = facts.several(subject.get("identifier")) if isinstance(subject, Mapping) else []
    known = [identity for identity in identities if isinstance(identity, Mapping) and "identityHash" in identity]
    if not known:
        return Line("recipient", "unknown", "recipient-not-in-badge")
    if any(_is_for(identity, wanted) for identity in known):
        return Line("recipient", "good", "recipient-matches")
    same_kind = [identity for identity in known if ("@" in wanted) == (identity.get("identityType") == "emailAddress")]
    if not same_kind:
        return Line("recipient", "unknown", "recipient-not-in-badge")
    return Line("recipient", "bad", "recipient-differs")


def _is_for(identity: Mapping[str, Any], wanted: str) -> bool:
    said = str(identity["identityHash"])
    if identity.get("hashed") in (True, "true"):
        return said.lower() == documents.hashed_email(wanted, str(identity.get("salt", "")))
    return _folded(said) == _folded(wanted)


def _folded(text: str) -> str:
    """A name as people compare it: without regard to case, accents' encoding and the number of spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _is_old(document: Mapping[str, Any]) -> bool:
    """Whether it is a badge of Open Badges 1 or 2, which is genuine by where it is found and not by a proof."""
    named = [one for one in facts.several(document.get("@context")) if isinstance(one, str)]
    return any(urlsplit(one).path.startswith("/openbadges/v") for one in named) or (
        contexts.CREDENTIALS not in named and "Assertion" in facts.several(document.get("type"))
    )
