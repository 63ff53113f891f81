"""Launches as the certification suite makes them: well-formed ones, and ones with exactly one thing wrong."""

from __future__ import annotations

import json
import re
import socket
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import delete, event, func, select, update
from werkzeug.test import TestResponse

from ltitools.db import db, session
from ltitools.models import (
    Activity,
    Course,
    Deployment,
    Enrolment,
    Launch,
    Link,
    PendingLogin,
    Person,
    PlatformKeys,
)
from ltitools.refusals import CODES
from ltitools.services import platform_keys
from ltitools.testing import PUBLIC_URL, Platform, Visit, authorization_url, error_code, hidden_fields, writing
from ltitools.web.sessions import COOKIE, login_cookie
from sites import serving

STORED = (Launch, Person, Course, Link, Enrolment, Deployment, Activity)
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"
QUIZ = {"activity": "probe:quiz"}


@dataclass
class Lti:
    """One test's tool, platform and browser."""

    app: Flask
    platform: Platform
    client: FlaskClient
    start_app: Callable[..., Flask]
    stack: ExitStack

    def another_platform(
        self, tenant: str = "acme", *, policy: str = "listed", family: str = "generic", **values: str
    ) -> Platform:
        """One more registration, by default with the same issuer; `values` are the platform's own, and its URLs."""
        urls = {name: values.pop(name) for name in ("auth_url", "token_url", "jwks_url") if name in values}
        platform = Platform(**values)
        self.stack.callback(platform.close)
        platform.register(self.app, tenant, policy=policy, family=family, **urls)
        return platform

    def login(self, method: str = "POST", /, **changes: str | None) -> TestResponse:
        """A login initiation, as the platform sends the browser to it."""
        fields = self.platform.login_parameters(**changes)
        url = f"/lti/{self.platform.tenant_key}/login"
        if method == "GET":
            return self.client.get(url, query_string=fields, base_url=PUBLIC_URL)
        return self.client.post(url, data=fields, base_url=PUBLIC_URL)

    def authentication_request(self, method: str = "POST", /, **changes: str | None) -> dict[str, str]:
        """The parameters with which a login sends the browser to the platform."""
        answer = self.login(method, **changes)
        where = authorization_url(answer.headers.get("Location", ""), answer.get_data(as_text=True))
        assert where, error_code(answer)
        query = parse_qs(urlsplit(where).query, keep_blank_values=True)
        assert all(len(values) == 1 for values in query.values())
        return {name: values[0] for name, values in query.items()}

    def send(self, request: Mapping[str, str], **changes: Any) -> TestResponse:
        """A well-signed launch that answers `request`; `changes` are claims of the message."""
        claims = {"nonce": request["nonce"], **self.platform.claims(**changes)}
        return self.platform.post(self.client, id_token=self.platform.sign(claims), state=request["state"])

    def found_nothing(self, arrived: TestResponse) -> TestResponse:
        """What becomes of an answer for which the page that looks for the browser's secret finds none."""
        form = hidden_fields(arrived.get_data(as_text=True))
        assert form["id_token"], error_code(arrived)
        url = f"/lti/{self.platform.tenant_key}/launch"
        return self.client.post(url, data=form, base_url=PUBLIC_URL, headers={"Origin": PUBLIC_URL})

    def arrive(self, claims: Mapping[str, Any] | None = None, /, **changes: Any) -> dict[str, Any]:
        """A launch of the quiz that must be accepted: what the tool was told of it."""
        visit = self.platform.visit(self.client, claims or self.platform.claims(**{"custom": QUIZ, **changes}))
        answer = visit.get()
        assert answer.status_code == 200, error_code(answer)
        told: dict[str, Any] = answer.get_json()
        assert told["activity"] == "quiz"
        return told

    def refuses(
        self,
        *codes: str,
        claims: Mapping[str, Any] | None = None,
        sign: Callable[[Mapping[str, Any]], str] | None = None,
        token: str = "",
        header: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> dict[str, str]:
        """A whole launch that must be refused with one of `codes`. Returns the login, which is still to be answered.

        `claims` replaces all claims, `changes` some; ``nonce=None`` leaves the nonce out. `sign` makes the token of
        them, or `token` is sent as it is.
        """
        request = self.platform.begin(self.client)
        own = {} if "nonce" in changes else {"nonce": request["nonce"]}
        values = {**own, **(claims if claims is not None else self.platform.claims(**changes))}
        token = token or (sign or (lambda values: self.platform.sign(values, **(header or {}))))(values)
        with self.nothing_stored():
            answer = self.platform.post(self.client, id_token=token, state=request["state"])
        assert_refused(answer, *codes, hidden=(token, request["state"], request["nonce"]))
        return request

    def answers(self, request: Mapping[str, str]) -> None:
        """The login is still good: a proper launch that answers it is accepted."""
        answer = self.send(request)
        assert answer.status_code == 303, error_code(answer)

    @contextmanager
    def nothing_stored(self) -> Iterator[None]:
        """Whatever happens inside leaves no person, course, link, enrolment or launch behind."""
        before = self.stored()
        yield
        after = self.stored()
        assert after == before, f"{after} instead of {before}"

    def stored(self) -> dict[str, int]:
        """How many rows there are of all that a launch may leave behind."""
        with self.app.app_context():
            return {
                table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0 for table in STORED
            }

    def publish(self, *keys: Mapping[str, Any]) -> None:
        """Let the platform publish these keys, with nothing cached of the ones before."""
        self.platform.keys.document = {"keys": list(keys)}
        self.forget_keys()

    def forget_keys(self) -> None:
        """Let the tool know nothing of any platform's keys."""
        with writing(self.app):
            session.execute(delete(PlatformKeys))
        platform_keys.forget_loaded()

    def age_keys(self, *, fresh: timedelta | None = None, tried: timedelta | None = None) -> None:
        """Let the keys that are kept be fresh until, or have been asked for, that much earlier."""
        with writing(self.app):
            row = session.scalars(select(PlatformKeys)).one()
            assert row.fresh_until is not None
            assert row.tried_at is not None
            row.fresh_until -= fresh or timedelta()
            row.tried_at -= tried or timedelta()
        platform_keys.forget_loaded()

    def age_logins(self, seconds: float) -> None:
        """Let every pending login have begun that much earlier."""
        with writing(self.app):
            for login in session.scalars(select(PendingLogin)).all():
                login.created_at -= timedelta(seconds=seconds)
                login.expires_at -= timedelta(seconds=seconds)

    def switch(self, table: Any, *, enabled: bool) -> None:
        """Switch every registration, or every institution, on or off."""
        with writing(self.app):
            session.execute(update(table).values(enabled=enabled))

    def public_key(self, **changes: Any) -> dict[str, Any]:
        """The platform's key as it publishes it; None leaves a member out."""
        jwk = {**self.platform.key.as_dict(private=False), "kid": self.platform.kid, "use": "sig", "alg": "RS256"}
        return {name: value for name, value in {**jwk, **changes}.items() if value is not None}


def assert_refused(answer: TestResponse, *codes: str, hidden: tuple[str, ...] = ()) -> None:
    """`answer` is a page that a person can read, with one of `codes`, and shows nothing of what was sent."""
    assert set(codes) <= CODES
    found = error_code(answer)
    assert 400 <= answer.status_code < 500, f"{answer.status_code} instead of a refusal with {codes}"
    assert found in codes, f"{found!r} instead of {codes}"
    page = answer.get_data(as_text=True)
    assert re.search(r'<html lang="(en|fr)">', page), "no language"
    assert len(re.findall(r"<h1>[^<]+</h1>", page)) == 1, "not one heading"
    assert "Traceback" not in page, "a traceback on the page"
    for text in hidden:
        assert text not in page, f"{text[:80]!r} on the page"


def segment(value: Any) -> str:
    """One part of a compact token: `value` is bytes, or becomes JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).decode().rstrip("=")


def raw_token(
    header: Any, payload: Any, key: RSAKey | RSAPrivateKey, algorithm: HashAlgorithm | None = None, padding: Any = None
) -> str:
    """A token with any header and payload, signed with RSA whatever the header says."""
    private = key.raw_value if isinstance(key, RSAKey) else key
    assert isinstance(private, RSAPrivateKey)
    signed = f"{segment(header)}.{segment(payload)}"
    signature = private.sign(signed.encode(), padding or PKCS1v15(), algorithm or SHA256())
    return f"{signed}.{segment(signature)}"


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@dataclass
class Received:
    """A request that the services got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of a posted form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def bearer(self) -> str:
        """The access token it came with."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass
class Services:
    """A platform's token endpoint, line items and keys on loopback; it writes down what it is asked.

    `answers` maps an ending of a path to answers (status, headers, body) that are given first, one by one. A
    path that ends in `repeating` is refused with all that was sent to it. Nothing is answered while `open` is not set.
    """

    expires_in: int = 3600
    received: list[Received] = field(default_factory=list)
    answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    keys: Mapping[str, Any] = field(default_factory=dict)
    repeating: str = ""
    open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.open.set()
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                lower = {name.lower(): value for name, value in self.headers.items()}
                got = Received(self.command, self.path, lower, body)
                services.received.append(got)
                services.open.wait(30)
                status, headers, answer = services._answer(got)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self) -> None:
                self.do_POST()

            def do_PUT(self) -> None:
                self.do_POST()

            def do_DELETE(self) -> None:
                self.do_POST()

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _answer(self, got: Received) -> tuple[int, dict[str, str], bytes]:
        path = urlsplit(got.path).path
        for ending, waiting in self.answers.items():
            if path.endswith(ending) and waiting:
                return waiting.pop(0)
        if self.repeating and path.endswith(self.repeating):
            return 400, {}, f"You sent {got.headers.get('authorization')} and {got.body.decode()}".encode()
        if path == "/token":
            self.tokens.append(f"access-token-{len(self.tokens) + 1}-of-{self._server.server_port}")
            document: Any = {"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": self.expires_in}
        elif path == "/jwks":
            document = dict(self.keys)
        else:
            document = []
        return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()

    @property
    def url(self) -> str:
        """Where the services are."""
        return f"http://localhost:{self._server.server_port}"

    def on(self, ending: str) -> list[Received]:
        """The requests whose path ends so."""
        return [each for each in self.received if urlsplit(each.path).path.endswith(ending)]

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def launch_row(app: Flask, visit: Visit) -> Launch:
    """What is stored of a visit."""
    with app.app_context():
        return session.scalars(select(Launch).where(Launch.id == visit.launch_id)).one()


@contextmanager
def services_of(lti: Lti) -> Iterator[Services]:
    """Services that publish the platform's key."""
    services = Services(keys={"keys": [lti.public_key()]})
    try:
        yield services
    finally:
        services.close()


def post_at_once(lti: Lti, services: Services, forms: list[dict[str, str]]) -> list[tuple[int, str]]:
    """Post all `forms` from the test's browser to a served application at once; their answers' status and text.

    None of them is decided before each has found its login: only then do the services give the platform's keys.
    """
    names = {COOKIE, *(login_cookie(form["state"]) for form in forms)}
    cookies = [cookie for name in names if (cookie := lti.client.get_cookie(name, "tool.example.test"))]
    sent = "; ".join(f"{cookie.key}={cookie.value}" for cookie in cookies)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": sent}
    looked_up: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT pending_login"):
            looked_up.append(statement)
        if len(looked_up) == len(forms):
            services.open.set()

    def post(form: dict[str, str]) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/lti/acme/launch", urlencode(form), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    with lti.app.app_context():
        event.listen(db.engine, "after_cursor_execute", note)
    services.open.clear()
    with serving(lti.app) as port, ThreadPoolExecutor(len(forms)) as pool:
        return list(pool.map(post, forms))
