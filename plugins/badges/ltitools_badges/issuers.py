"""Institutions as issuers: their DID, which stays that of the first badge, and their keys, old ones included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from sqlalchemy import select, update

from ltitools.plugin import Conflict, LazyText, NotFound, Tenant, audit, secrets, session, upsert, utcnow, web
from ltitools_badges.core import did, documents
from ltitools_badges.models import Badge, Issuer, Key, StatusList
from ltitools_badges.texts import lazy

SEAL = "badges-key"
ED25519, RSA = "ed25519", "rsa"
PREFIXES = {ED25519: "key", RSA: "rsa"}
RSA_BITS = 3072


ONLY_HERE = lazy(
    "The address of this server has a port or is no https address: its badges can be checked here, and nowhere else."
    " For badges that the world can check, give the server a public name."
)


def base_of(tenant_key: str) -> str:
    """The public address of an institution's pages, as the server is called now."""
    return f"{web.public_url()}/i/{tenant_key}"


def find(tenant_id: int) -> Issuer | None:
    """The institution as an issuer; None as long as it has no badge."""
    return session.scalar(select(Issuer).where(Issuer.tenant_id == tenant_id))


def of(tenant: Tenant) -> Issuer:
    """The institution as an issuer, made with its keys where it is none yet. Two callers at once get the same."""
    found = find(tenant.id)
    if found is not None:
        return found
    base = base_of(tenant.key)
    now = utcnow()
    session.execute(
        upsert(Issuer)
        .values(tenant_id=tenant.id, did=did.of(base), base=base, name=tenant.name, created_at=now, changed_at=now)
        .on_conflict_do_nothing(index_elements=["tenant_id"])
    )
    found = session.scalars(select(Issuer).where(Issuer.tenant_id == tenant.id).with_for_update()).one()
    if not keys(tenant.id):
        for kind in (ED25519, RSA):
            _add_key(tenant.id, kind)
    return found


def described(issuer: Issuer) -> documents.Issuer:
    """The issuer as credentials describe it."""
    return documents.Issuer(
        did=issuer.did,
        base=issuer.base,
        name=issuer.name,
        url=issuer.url,
        email=issuer.email,
        country=issuer.country,
        locality=issuer.locality,
        description=issuer.description,
        identifiers=(("ext:ROR", issuer.ror),) if issuer.ror else (),
        parent_name=issuer.parent_name,
    )


def problem(issuer: Issuer) -> LazyText | None:
    """What keeps the institution's badges from being what they should be, in a sentence; None where nothing does."""
    if not issuer.base.startswith(f"{web.public_url()}/") and issuer.kept_for != web.public_url():
        return lazy(
            "This server has another public address now than when the first badge was given. No badge is given or"
            " signed until an operator decides, with `ltitools badges address`, what badges are to name."
        )
    return ONLY_HERE if is_only_here(issuer.base) else None


def problem_to_come(tenant: Tenant) -> LazyText | None:
    """The same for an institution that has given no badge yet."""
    return ONLY_HERE if is_only_here(base_of(tenant.key)) else None


def is_only_here(base: str) -> bool:
    """Whether badges of this address can be checked on this server alone: no other can find the issuer's keys there."""
    where = urlsplit(base)
    return where.port is not None or where.scheme != "https"


def require_address(issuer: Issuer) -> None:
    """Refuse to sign while nobody has decided what a changed public address means. Raises Conflict."""
    if not issuer.base.startswith(f"{web.public_url()}/") and issuer.kept_for != web.public_url():
        raise Conflict(str(problem(issuer)))


def keep_address(tenant: Tenant) -> Issuer:
    """Go on with the address of the first badge: it still leads to this server, by another name."""
    issuer = _required(tenant)
    issuer.kept_for = web.public_url()
    audit.record("badges.address", issuer.did, tenant.id, kept_for=issuer.kept_for)
    return issuer


def move_address(tenant: Tenant) -> Issuer:
    """Be known by the present address from now on; every badge has to be signed anew under it.

    What holders have of before names the old address, and can be checked as long as that answers.
    """
    issuer = _required(tenant)
    before, issuer.base = issuer.did, base_of(tenant.key)
    issuer.did, issuer.kept_for = did.of(issuer.base), ""
    forget_signatures(tenant.id)
    audit.record("badges.address", issuer.did, tenant.id, before=before)
    return issuer


def keys(tenant_id: int) -> Sequence[Key]:
    """All keys, the newest first."""
    return session.scalars(select(Key).where(Key.tenant_id == tenant_id).order_by(Key.id.desc())).all()


def signing_key(tenant_id: int, kind: str) -> Key:
    """The key of a kind that signs now: the newest that was not withdrawn."""
    found = session.scalar(
        select(Key)
        .where(Key.tenant_id == tenant_id, Key.kind == kind, Key.withdrawn_at.is_(None))
        .order_by(Key.id.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound(f"The institution has no {kind} key.")
    return found


def ed25519_key(key: Key) -> Ed25519PrivateKey:
    """The private half of an Ed25519 key."""
    loaded = _loaded(secrets.open_sealed(SEAL, key.sealed_private))
    assert isinstance(loaded, Ed25519PrivateKey)
    return loaded


def rsa_key(key: Key) -> RSAPrivateKey:
    """The private half of an RSA key."""
    loaded = _loaded(secrets.open_sealed(SEAL, key.sealed_private))
    assert isinstance(loaded, RSAPrivateKey)
    return loaded


def rotate(tenant: Tenant) -> list[Key]:
    """Sign with new keys from now on. The old ones stay listed, so that what they signed still checks."""
    of(tenant)
    added = [_add_key(tenant.id, kind) for kind in (ED25519, RSA)]
    audit.record("badges.key", ", ".join(key.name for key in added), tenant.id)
    return added


def withdraw(tenant: Tenant, name: str) -> Key:
    """A key fell into other hands: list it no more, and let everything that it signed be signed anew.

    Whatever anybody signs with it from now on fails, and so does what holders have of before: they can get their
    badges again at the same address. Raises NotFound.
    """
    key = session.scalar(select(Key).where(Key.tenant_id == tenant.id, Key.name == name))
    if key is None:
        raise NotFound(f"The institution has no key {name!r}.")
    if key.withdrawn_at is None:
        key.withdrawn_at = utcnow()
        if not any(other.kind == key.kind and other.withdrawn_at is None for other in keys(tenant.id)):
            _add_key(tenant.id, key.kind)
        forget_signatures(tenant.id, key.name)
        audit.record("badges.withdraw", key.name, tenant.id)
    session.flush()
    return key


def forget_signatures(tenant_id: int, key_name: str | None = None) -> int:
    """Let status lists be signed anew, and all badges, or those that one key has signed. Returns how many badges."""
    badges = session.execute(select(Badge.id, Badge.keys).where(Badge.tenant_id == tenant_id))
    ids = [number for number, names in badges if key_name is None or key_name in names]
    # A later beginning of the validity than any before, in whole seconds: it tells the new one from the old.
    now = utcnow() + timedelta(seconds=1)
    for start in range(0, len(ids), 500):
        session.execute(
            update(Badge)
            .where(Badge.tenant_id == tenant_id, Badge.id.in_(ids[start : start + 500]))
            .values(signed_at=None, valid_from=now)
        )
    session.execute(update(StatusList).where(StatusList.tenant_id == tenant_id).values(document=None, jwt=None))
    return len(ids)


def did_document(issuer: Issuer) -> dict[str, object]:
    """What the issuer's DID resolves to: every key that it ever signed with, but for those that were withdrawn."""
    listed = [
        did.PublicKey(key.name, key.public) for key in reversed(keys(issuer.tenant_id)) if key.withdrawn_at is None
    ]
    return did.document(issuer.did, issuer.base, listed)


def _required(tenant: Tenant) -> Issuer:
    issuer = find(tenant.id)
    if issuer is None:
        raise NotFound("This institution has given no badge yet.")
    return issuer


def _add_key(tenant_id: int, kind: str) -> Key:
    now = utcnow()
    private: Ed25519PrivateKey | RSAPrivateKey
    if kind == ED25519:
        private = Ed25519PrivateKey.generate()
    else:
        private = generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    name = _free_name(tenant_id, PREFIXES[kind], now)
    half = private.public_key()
    public = did.multibase(half) if isinstance(half, Ed25519PublicKey) else did.jwk(half)
    key = Key(
        tenant_id=tenant_id, kind=kind, name=name, public=public, sealed_private=secrets.seal(SEAL, pem), created_at=now
    )
    session.add(key)
    session.flush()
    return key


def _free_name(tenant_id: int, prefix: str, now: datetime) -> str:
    """``key-2026-11``; a second one in the same month is ``key-2026-11-2``.

    The hyphens matter: a fragment that reads as a key in multibase would be taken for the key itself by some checkers.
    """
    base = f"{prefix}-{now:%Y-%m}"
    taken = {key.name for key in keys(tenant_id)}
    return next(name for n in range(1, len(taken) + 2) if (name := base if n == 1 else f"{base}-{n}") not in taken)


@lru_cache(maxsize=256)
def _loaded(pem: str) -> object:
    """Loading a key checks it, which takes longer than signing with it."""
    return load_pem_private_key(pem.encode(), None)
