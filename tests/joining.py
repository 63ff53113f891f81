"""A platform that registers itself with an institution, over HTTP and without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from sqlalchemy import func, select

from ltitools.db import session
from ltitools.demo_lms.loopback import new_session
from ltitools.models import Registration
from ltitools.services import invitations, registrations, tenants
from ltitools.testing import writing
from sites import PATIENCE, TENANT, Sites

USUAL = {"course_page", "console", "names"}
"""What is ticked on the page of a platform that comes for the first time."""


def code_on(page: requests.Response) -> str:
    """The code of a refusal, or of what went wrong with a registration."""
    found = re.search(r'class="error-code">([^<]+)<', page.text)
    return found[1] if found else ""


def heading_of(page: requests.Response) -> str:
    """What a page is about."""
    found = re.search(r"<h1>([^<]+)</h1>", page.text)
    return unescape(found[1]) if found else ""


def fields_of(page: requests.Response) -> dict[str, str]:
    """What the page's form sends as it stands."""
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
    ticked = re.findall(r'<input type="checkbox" name="([^"]*)" checked', page.text)
    return {name: unescape(value) for name, value in hidden} | dict.fromkeys(ticked, "on")


@dataclass
class Joining:
    """The two sites, and the administrator of the LMS, whose browser keeps no cookie of ours."""

    sites: Sites

    def link(self, tenant: str = TENANT, days: int = 7) -> str:
        """A new registration link of the institution."""
        with writing(self.sites.tool):
            _, code = invitations.add(tenants.by_key(tenant), days=days)
        return f"{self.sites.tool_url}/lti/{tenant}/register?invite={code}"

    def begin(self, link: str, tool: int | None = None) -> dict[str, str]:
        """What the LMS opens the page of the link with: ``url``, ``openid_configuration``, ``registration_token``."""
        begun: dict[str, str] = self.sites.control("register", {"url": link, "tool": tool})
        return begun

    def get(self, url: str, **headers: str) -> requests.Response:
        """A page, as a frame without cookies asks for it."""
        with new_session(self.sites.ca_file) as http:
            return http.get(url, headers=headers, allow_redirects=False, timeout=PATIENCE)

    def post(self, url: str, form: dict[str, str]) -> requests.Response:
        """A form that is sent from there."""
        with new_session(self.sites.ca_file) as http:
            return http.post(url, data=form, allow_redirects=False, timeout=PATIENCE)

    def press(self, page: requests.Response, without: Iterable[str] = (), **changes: str) -> requests.Response:
        """Press the button of the page, with some of its boxes not ticked."""
        found = re.search(r'<form method="(\w+)"(?: action="([^"]*)")?', page.text)
        assert found, page.text
        form = {name: value for name, value in fields_of(page).items() if name not in without} | changes
        target = urljoin(page.url, unescape(found[2] or ""))
        if found[1] == "get":
            return self.get(f"{urljoin(target, urlsplit(target).path)}?{urlencode(form)}")
        return self.post(target, form)

    def offer(self, link: str = "", tool: int | None = None) -> requests.Response:
        """The page that says what would be set up."""
        return self.get(self.begin(link or self.link(), tool)["url"])

    def register(
        self, link: str = "", tool: int | None = None, without: Iterable[str] = (), ticked: Iterable[str] = ()
    ) -> requests.Response:
        """All of it: the page, its button, and what is shown then; the usual boxes are ticked but for those `without`.

        What the page begins with is what was chosen the last time.
        """
        page = self.offer(link, tool)
        assert page.status_code == 200, page.text
        boxes = set(re.findall(r'<input type="checkbox" name="([^"]*)"', page.text))
        wanted = (USUAL & boxes | set(ticked)) - set(without)
        return self.press(page, boxes - wanted, **dict.fromkeys(wanted, "on"))

    def registered(
        self, link: str = "", without: Iterable[str] = (), ticked: Iterable[str] = ()
    ) -> tuple[dict[str, Any], Registration]:
        """The tool that the LMS has now, and the registration that we have."""
        page = self.register(link, None, without, ticked)
        assert heading_of(page) == "Registered", page.text
        tenant = urlsplit(link).path.split("/")[2] if link else TENANT
        return self.tools()[-1], self.known(tenant)[-1]

    def tools(self) -> list[dict[str, Any]]:
        """The tools of the LMS, the oldest first."""
        return list(self.sites.control("state")["tools"])

    def activate(self, tool: dict[str, Any]) -> None:
        """Let the tool be used, as the administrator does."""
        self.sites.control("tools", {"tool": tool["id"], "state": "active"})

    def known(self, tenant: str = TENANT) -> Sequence[Registration]:
        """The registrations of the institution, the oldest first."""
        with self.sites.tool.app_context():
            found = registrations.of_tenant(tenants.by_key(tenant).id)
            session.expunge_all()
            return found

    def deployments(self, registration: Registration) -> dict[str, str]:
        """Its deployments with their states."""
        with self.sites.tool.app_context():
            return {one.deployment_id: one.state for one in registrations.deployments(registration)}

    def count(self, table: Any) -> int:
        """How many rows there are."""
        with self.sites.tool.app_context():
            return session.scalar(select(func.count()).select_from(table)) or 0

    def pull(self, **levers: Any) -> None:
        """Let the LMS answer otherwise from now on."""
        self.sites.control("levers", levers)

    def as_usual(self) -> None:
        """Let go of all levers, and forget the faults that nothing met."""
        self.pull()
        self.sites.lms.extensions["demo_lms"].faults.clear()


Joins = Callable[[str], Joining]
"""Gives the two sites with an LMS of a personality."""
