"""Pages for everybody: badges, micro-credentials and institutions, as a person reads them and as a program does."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from flask import Blueprint, Response, abort, current_app, g

from ltitools.plugin import NotFound, current_locale
from ltitools_badges import issuers, published, showing
from ltitools_badges.core import baking, contexts, did, documents, ob2, pictures
from ltitools_badges.models import LISTED, Issuer, Key
from ltitools_badges.negotiation import (
    CREDENTIAL,
    CREDENTIAL_FORMS,
    DID,
    FOREVER,
    HTML,
    JSON,
    JWT_FORMS,
    LINKED_DATA,
    PAGE_OR_JSON,
    PNG,
    SHORT,
    STATUS_FORMS,
    SVG,
    TEXT,
    machine,
    wanted,
)
from ltitools_badges.published import Credential, Edition
from ltitools_badges.rules import PASS

pages = Blueprint("badges_public", __name__)
GONE = {"private": 404, "preparing": 503}
SOON = "30"
"""Seconds after which a badge that is not signed yet may be asked for again."""


@pages.after_request
def keep_out_of_search(response: Response) -> Response:
    """Nothing here is for search engines, unless the holder of a badge wants it found."""
    if not g.get("listed"):
        response.headers["X-Robots-Tag"] = "noindex"
    return response


# --- the institution -------------------------------------------------------------------------------------------------


@pages.get("/i/<key>", strict_slashes=False)
def issuer(key: str) -> Response:
    """Who gives the badges: a page, or a Profile."""
    form = wanted(PAGE_OR_JSON)
    tenant = published.institution(key)
    found = published.issuer(tenant)
    if form == HTML:
        return html(showing.issuer_page(found, published.editions(tenant.id, found)))
    return machine(profile_of(found), form, vary=True)


@pages.get("/i/<key>/profile.json")
def profile(key: str) -> Response:
    """The Profile, for whoever cannot ask for a form."""
    return machine(profile_of(published.issuer(published.institution(key))), JSON)


@pages.get("/i/<key>/issuer.ob2.json")
def ob2_issuer(key: str) -> Response:
    """The issuer for backpacks that read Open Badges 2.0."""
    return machine(ob2.issuer(issuers.described(published.issuer(published.institution(key)))), LINKED_DATA)


@pages.get("/i/<key>/did.json")
def did_document(key: str) -> Response:
    """What the issuer's DID resolves to."""
    return machine(issuers.did_document(published.issuer(published.institution(key))), DID, cache=SHORT)


@pages.get("/i/<key>/keys/<name>")
def public_key(key: str, name: str) -> Response:
    """One key, at an address of its own."""
    found = published.issuer(published.institution(key))
    row = published.key(found.tenant_id, name)
    if row is None:
        raise NotFound("The issuer has no such key.")
    return machine(key_document(found, row), JSON, cache=SHORT)


@pages.get("/i/<key>/status/<int:number>")
def status(key: str, number: int) -> Response:
    """Which badges are revoked: as JSON, or as a token for those who ask for one."""
    form = wanted(STATUS_FORMS)
    found = published.issuer(published.institution(key))
    both = published.status(found, number)
    if both is None:
        raise NotFound("There is no such status list.")
    return machine(both[form in JWT_FORMS], form, cache=SHORT, vary=True)


@pages.get("/i/<key>/vocabulary")
def vocabulary(key: str) -> Response:
    """What the words in badges mean."""
    return html(showing.vocabulary_page(published.issuer(published.institution(key))))


def profile_of(found: Issuer) -> dict[str, object]:
    """The issuer as a document of its own."""
    return {"@context": list(contexts.BADGE), **documents.profile(issuers.described(found))}


def key_document(found: Issuer, row: Key) -> dict[str, object]:
    """A key as a document of its own."""
    return did.key_document(found.did, did.PublicKey(row.name, row.public))


# --- micro-credentials -----------------------------------------------------------------------------------------------


@pages.get("/i/<key>/achievements/<slug>")
def achievement(key: str, slug: str) -> Response:
    """A micro-credential as it is described now."""
    return _achievement(_edition(key, slug))


@pages.get("/i/<key>/achievements/<slug>/v/<int:number>")
def achievement_version(key: str, slug: str, number: int) -> Response:
    """A micro-credential as it was described at one time: what badges of that time certify, for ever."""
    return _achievement(_edition(key, slug, number))


@pages.get("/i/<key>/achievements/<slug>.<any(png, svg, json):form>")
def achievement_file(key: str, slug: str, form: str) -> Response:
    """Its picture or its document, as it is now."""
    return _achievement_file(_edition(key, slug, picture=form == "png"), form, SHORT)


@pages.get('/i/<key>/achievements/<slug>/v/<int:number>.<any(png, svg, json, "ob2.json"):form>')
def achievement_version_file(key: str, slug: str, number: int, form: str) -> Response:
    """Its picture or its document at one time. Pictures of a version never change."""
    edition = _edition(key, slug, number, picture=form == "png")
    return _achievement_file(edition, form, FOREVER if form in ("png", "svg") else SHORT)


def _edition(key: str, slug: str, number: int | None = None, *, picture: bool = False) -> Edition:
    found = published.edition(published.institution(key).id, slug, number, picture=picture)
    if found is None:
        raise NotFound("There is no such micro-credential.")
    return found


def _achievement(edition: Edition) -> Response:
    form = wanted(PAGE_OR_JSON)
    if form != HTML:
        return machine(edition_document(edition), form, vary=True)
    return html(showing.achievement_page(edition, published.latest_number(edition)))


def _achievement_file(edition: Edition, form: str, cache: str) -> Response:
    if form == "png":
        return machine(edition.version.image_png, PNG, cache=cache)
    if form == "svg":
        if not edition.version.image_svg:
            raise NotFound("The picture of this micro-credential was uploaded as a PNG.")
        return machine(edition.version.image_svg, SVG, cache=cache)
    if form == "ob2.json":
        return machine(edition_as_ob2(edition), LINKED_DATA, cache=cache)
    return machine(edition_document(edition), JSON, cache=cache)


def edition_document(edition: Edition) -> dict[str, object]:
    """A version of a micro-credential as a document of its own."""
    return {"@context": list(contexts.BADGE), **edition.document()}


def edition_as_ob2(edition: Edition) -> dict[str, object]:
    """The same for backpacks that read Open Badges 2.0."""
    described = issuers.described(edition.issuer)
    return ob2.badge_class(described, edition.content, edition.achievement.slug, edition.version.number, PASS)


# --- badges ----------------------------------------------------------------------------------------------------------


@pages.get("/i/<key>/credentials/<uuid:number>")
def credential(key: str, number: UUID) -> Response:
    """A badge: the page that an employer opens, or the credential in the form that a program asks for."""
    form = wanted(CREDENTIAL_FORMS)
    shown = _shown(key, number)
    if form == HTML:
        report = published.checked(shown)
        if shown.badge.signed_at is None and report.verdict == "bad" and not report.revoked:
            # Its key was withdrawn a moment ago, and the worker is about to sign it with another.
            abort(_gone("preparing", shown.issuer))
        g.listed = shown.badge.visibility == LISTED
        return html(showing.credential_page(shown, report))
    return machine((shown.badge.jwt if form in JWT_FORMS else shown.badge.document) or "", form, vary=True)


@pages.get('/i/<key>/credentials/<uuid:number>.<any(json, jwt, png, svg, "ob2.json"):form>')
def credential_file(key: str, number: UUID, form: str) -> Response:
    """A badge as a file: signed JSON, a token, a picture with the JSON inside, or the view for older backpacks."""
    shown = _shown(key, number, picture=form == "png")
    name = f"{shown.achievement.slug}.{form}"
    if form == "ob2.json":
        status, body = as_ob2(shown)
        response = machine(body, LINKED_DATA)
        response.status_code = status if status != 200 else response.status_code
        return response
    if form == "json":
        return machine(shown.badge.document or "", CREDENTIAL, file_name=name)
    if form == "jwt":
        return machine(shown.badge.jwt or "", TEXT, file_name=name)
    if form == "svg" and not shown.version.image_svg:
        raise NotFound("The picture of this badge was uploaded as a PNG.")
    return machine(baked(shown, form), PNG if form == "png" else SVG, file_name=name)


@pages.get("/i/<key>/credentials/<uuid:number>/card.png")
def card(key: str, number: UUID) -> Response:
    """The picture that social networks show beside a link to the badge."""
    shown = _shown(key, number, picture=True)
    return machine(card_of(shown.version.image_png, shown.content.name, shown.issuer.name), PNG, cache=SHORT)


def baked(shown: Credential, form: str) -> bytes:
    """The picture of a badge with the signed JSON in it."""
    text = shown.badge.document or ""
    if form == "png":
        return baking.bake_png(shown.version.image_png, text)
    return baking.bake_svg(shown.version.image_svg, text)


def as_ob2(shown: Credential) -> tuple[int, dict[str, object]]:
    """The view for older backpacks: what is left of a revoked badge is answered with 410."""
    described = issuers.described(shown.issuer)
    if shown.badge.revoked_at is not None:
        return 410, ob2.revoked(described, shown.badge.public_id)
    return 200, ob2.assertion(described, showing.award_of(shown))


@lru_cache(maxsize=64)
def card_of(png: bytes, title: str, name: str) -> bytes:
    """Drawn once for all badges of a micro-credential: nothing on it is about a person."""
    return pictures.open_graph(png, title, name)


def _shown(key: str, number: UUID, *, picture: bool = False) -> Credential:
    """The badge, or an answer that says why it is not shown."""
    tenant = published.institution(key)
    found = published.credential(tenant.id, str(number), picture=picture)
    if found is None:
        abort(_gone("private", published.issuer(tenant)))
    if found.state != "shown":
        abort(_gone(found.state, found.issuer))
    return found


def _gone(state: str, issuer: Issuer) -> Response:
    answer = html(showing.gone_page(state, issuer), GONE[state])
    if state == "preparing":
        answer.headers["Retry-After"] = SOON
    return answer


def html(page: str, status: int = 200) -> Response:
    """A page. It is asked for anew each time: what it says may have changed since."""
    response = current_app.make_response((page, status))
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Language"] = current_locale()
    response.vary.update(("Accept", "Accept-Language"))
    return response
