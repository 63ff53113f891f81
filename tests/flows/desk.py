"""A browser at the console, and administrators who sit there."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from ltitools.db import session
from ltitools.models import AuditEntry
from ltitools.services import administrators, tenants
from ltitools.testing import PUBLIC_URL, error_code, writing

ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"


class Desk:
    """A browser at the console."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.public_url = PUBLIC_URL
        self.client: FlaskClient = app.test_client()

    def get(self, path: str) -> TestResponse:
        """A page."""
        return self.client.get(path, base_url=self.public_url)

    def read(self, path: str) -> str:
        """A page's text, which must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {error_code(answer)}"
        return unescape(answer.get_data(as_text=True))

    def post(self, path: str, page: str = "", **form: Any) -> TestResponse:
        """A form of a page (the path itself, unless another is said), with that page's proof."""
        proof = re.search(r'name="_form" value="([^"]+)"', self.read(page or path))
        assert proof is not None
        return self.client.post(path, data={"_form": proof[1], **form}, base_url=self.public_url)

    def do(self, path: str, page: str = "", **form: Any) -> str:
        """The same for a form that must be taken; gives the next page."""
        answer = self.post(path, page, **form)
        assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.get_data(as_text=True)[-900:]}"
        return self.read(urlsplit(answer.headers["Location"]).path)

    def sign_in(self, code: str) -> TestResponse:
        """Use a code."""
        origin = {"Origin": self.public_url}
        return self.client.post("/console/-/enter", data={"code": code}, base_url=self.public_url, headers=origin)


def add(app: Flask, tenant: str | None, name: str, email: str = "") -> str:
    """An administrator of the institution, or of the server; gives a code to sign in with."""
    with writing(app):
        owner = tenants.add(tenant, tenant.title())[0] if tenant else None
        return administrators.link_code(administrators.add(owner, name, email)[0])


def add_known(app: Flask, tenant: str, name: str) -> str:
    """The same as `add` for an institution that is there."""
    with writing(app):
        return administrators.link_code(administrators.add(tenants.by_key(tenant), name)[0])


def log_of(app: Flask, tenant: str | None) -> list[str]:
    """The actions in the audit log of an institution, or of the server, oldest first."""
    with app.app_context():
        owner = tenants.by_key(tenant).id if tenant else None
        found = select(AuditEntry.action).where(AuditEntry.tenant_id.is_not_distinct_from(owner))
        return list(session.scalars(found.order_by(AuditEntry.id)))
