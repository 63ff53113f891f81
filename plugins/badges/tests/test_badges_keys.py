"""Keys of badges and the server's secret key: what was sealed under one is sealed anew under the next."""

from __future__ import annotations

from collections.abc import Callable

from ltitools.plugin import session, tenants
from ltitools.services import resealing
from ltitools.testing import Platform, close_app, make_app, writing
from ltitools_badges import issuers, plugin

BEFORE, AFTER = "the-secret-key-of-before-0123456789abcdef", "the-secret-key-of-now-0123456789abcdef"


def test_the_keys_of_badges_follow_a_new_secret_key(make_database: Callable[[], str]) -> None:
    database = make_database()
    platform = Platform()
    first = make_app(database, [plugin], secret_key=BEFORE)
    platform.register(first)
    platform.close()
    with writing(first):
        tenant = tenants.by_key("acme")
        issuers.of(tenant)
        signed = issuers.ed25519_key(issuers.signing_key(tenant.id, issuers.ED25519)).sign(b"before")
    close_app(first)
    both = make_app(database, [plugin], secret_key=AFTER, former_secret_keys=BEFORE)
    with writing(both):
        assert resealing.reseal()["badges_key"] == 2
    close_app(both)
    now = make_app(database, [plugin], secret_key=AFTER)
    with now.app_context():
        key = issuers.signing_key(tenant.id, issuers.ED25519)
        assert issuers.ed25519_key(key).sign(b"before") == signed
        assert issuers.rsa_key(issuers.signing_key(tenant.id, issuers.RSA)).key_size == 3072
        session.rollback()
    close_app(now)
