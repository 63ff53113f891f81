"""The tool behind a web server that may spoil things, and an LMS behind another: for tests of the doctor."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from flask import Flask
from sqlalchemy import update

from ltitools.db import session
from ltitools.models import Registration
from ltitools.services import doctor
from ltitools.services.doctor import Finding, Level
from ltitools.testing import writing
from sites import TENANT, Sites, running
from tls import Authority

Headers = list[tuple[str, str]]


def in_seconds(number: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=number), usegmt=True)


@dataclass
class Front:
    """A web server in front of an application: answers some requests itself, and edits the headers of the others."""

    app: Any
    answers: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    edit: Callable[[Headers], Headers] = lambda headers: headers

    @classmethod
    def of(cls, app: Flask) -> Front:
        front = cls(app.wsgi_app)
        app.wsgi_app = front
        return front

    def answer(self, method: str, end: str, status: int, body: object = "") -> None:
        self.answers[method, end] = (status, body if isinstance(body, str) else json.dumps(body))

    def add(self, name: str, value: str) -> None:
        self.edit = lambda headers: [*headers, (name, value)]

    def remove(self, name: str) -> None:
        self.edit = lambda headers: [each for each in headers if each[0] != name]

    def replace(self, *pairs: tuple[str, str]) -> None:
        def edited(value: str) -> str:
            for old, new in pairs:
                value = value.replace(old, new)
            return value

        self.edit = lambda headers: [(name, edited(value)) for name, value in headers]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        for (method, end), (status, body) in self.answers.items():
            if environ["REQUEST_METHOD"] == method and environ["PATH_INFO"].endswith(end):
                start_response(f"{status} Answered", [("Content-Type", "text/html")])
                return [body.encode()]
        return self.app(environ, lambda status, headers, *rest: start_response(status, self.edit(headers), *rest))


@dataclass
class Clinic:
    """The two sites, each behind a web server of its own."""

    sites: Sites
    tool: Front
    lms: Front

    def findings(self, tenant: str = TENANT, number: int | None = None) -> list[Finding]:
        with self.sites.tool.app_context():
            return doctor.examine(tenant, number)

    def found(self, code: str) -> list[Finding]:
        return [each for each in self.findings() if each.code == code]

    def wrong(self) -> dict[str, Level]:
        return {each.code: each.level for each in self.findings() if each.level is not Level.OK}

    def change(self, **values: Any) -> None:
        """Register the platform with other values."""
        with writing(self.sites.tool):
            session.execute(update(Registration).values(**values))


class Open:
    """Opens clinics."""

    def __init__(self, database_url: str, folder: Path, stack: ExitStack) -> None:
        self.database_url = database_url
        self.folder = folder
        self.stack = stack

    def __call__(self, personality: str = "generic", **options: Any) -> Clinic:
        sites = self.stack.enter_context(running(self.database_url, personality, **options))
        return Clinic(sites, Front.of(sites.tool), Front.of(sites.lms))

    def with_tls(
        self, *names: str, personality: str = "generic", trusted: bool = True, not_after: datetime | None = None
    ) -> Clinic:
        """The same over TLS, with a certificate for these names."""
        root = trustme.CA()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = root.issue_cert(*(names or ("tool.localhost", "lms.localhost")), not_after=not_after)
        certificate.configure_cert(server)
        file = self.folder / "roots.pem"
        (root if trusted else trustme.CA()).cert_pem.write_to_path(file)
        return self(personality, authority=Authority(file, server, key_digest=""))

    def serve_keys(self, **headers: str) -> str:
        """The address of a key set whose server says nothing more than these headers, not even the time."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response_only(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b'{"keys": []}')

            def log_message(self, *_args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        for stop in (thread.join, server.server_close, server.shutdown):
            self.stack.callback(stop)
        return f"http://lms.localhost:{server.server_port}/jwks"
