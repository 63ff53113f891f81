"""A reader without an account, and an administrator at the console: what tests of public pages do."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from earning import Campus
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from ltitools.plugin import session
from ltitools.services import administrators, tenants
from ltitools.testing import PUBLIC_URL, writing
from ltitools_badges import awarding
from ltitools_badges.models import Badge

BASE = f"{PUBLIC_URL}/i/acme"
LINKS = re.compile(r'(?:href|src)="([^"]+)"')


class Reader:
    """Somebody without an account."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, url: str, accept: str = "text/html", **headers: str) -> TestResponse:
        """An address, whole or below the institution's."""
        whole = url if url.startswith("http") else f"{BASE}/{url}".rstrip("/")
        parts = urlsplit(whole)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return self.client.get(path, base_url=PUBLIC_URL, headers={"Accept": accept, **headers})

    def read(self, url: str, status: int = 200, **headers: str) -> str:
        """A page as HTML."""
        answer = self.get(url, **headers)
        assert answer.status_code == status, (url, answer.status_code)
        return unescape(answer.get_data(as_text=True))

    def check(self, accept: str = "text/html", **form: Any) -> TestResponse:
        """Hand something in to be checked."""
        return self.client.post(
            "/verify",
            data=form,
            base_url=PUBLIC_URL,
            headers={"Accept": accept},
            content_type="multipart/form-data",
        )


class Desk:
    """An administrator of the institution at the console."""

    def __init__(self, app: Flask, tenant: str = "acme") -> None:
        self.client: FlaskClient = app.test_client()
        with writing(app):
            known = administrators.add(tenants.by_key(tenant), "Olga")[0]
            code = administrators.link_code(known)
        answer = self.client.post(
            "/console/-/enter", data={"code": code}, base_url=PUBLIC_URL, headers={"Origin": PUBLIC_URL}
        )
        assert answer.status_code == 303

    def get(self, path: str = "") -> TestResponse:
        """A page below that of badges."""
        where = path if path.startswith("/") else f"/console/acme/badges/{path}"
        return self.client.get(where, base_url=PUBLIC_URL)

    def read(self, path: str = "") -> str:
        """A page as HTML."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return unescape(answer.get_data(as_text=True))

    def post(self, path: str = "", page: str = "", **form: str) -> TestResponse:
        """A form of a page, with that page's proof."""
        proof = re.search(r'name="_form" value="([^"]+)"', self.read(page))
        assert proof is not None
        return self.client.post(f"/console/acme/badges/{path}", data={"_form": proof[1], **form}, base_url=PUBLIC_URL)


def change(campus: Campus, badge: Badge, **values: Any) -> None:
    """Change the row of a badge."""
    with writing(campus.app):
        row = session.scalars(select(Badge).where(Badge.tenant_id == campus.tenant.id, Badge.id == badge.id)).one()
        for name, value in values.items():
            setattr(row, name, value)


def revoke(campus: Campus, badge: Badge, reason: str = "A mistake") -> None:
    """Take a badge back, and let the worker sign the status list."""
    with writing(campus.app):
        awarding.revoke(awarding.get(campus.tenant.id, badge.id), reason)
    campus.work()


def earned(campus: Campus, *people: str) -> list[Badge]:
    """Everybody passes; gives their badges."""
    for person in people:
        campus.score(person, "84.25")
    return campus.badges()
