"""An administrator signs in to the console with the account that they have at the LMS: OpenID Connect in a browser."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from people import Person
from playwright.sync_api import expect

from ltitools.context import EXTENSION
from ltitools.services import administrators, tenants
from ltitools.testing import writing
from sites import TENANT, Sites, running

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
CLIENT_ID, CLIENT_SECRET = "console", "a secret of the client"
EMAIL = "noor@campus.example"


@pytest.fixture(scope="module")
def sites(make_database: Callable[[], str]) -> Iterator[Sites]:
    """The tool, and an LMS that signs people in for it."""
    with running(make_database(), "moodle") as sites:
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        sites.control("sign-in-clients", {**client, "redirect_uris": [f"{sites.tool_url}/console/-/oidc"]})
        host = sites.tool.extensions[EXTENSION]
        # The address of the LMS is known only now.
        host.settings = dataclasses.replace(
            host.settings,
            oidc_issuer=f"{sites.lms_url}/idp",
            oidc_client_id=CLIENT_ID,
            oidc_client_secret=CLIENT_SECRET,
        )
        yield sites


def sign_in(person: Person, sites: Sites) -> None:
    """Press the button of the console's first page."""
    person.page.goto(f"{sites.tool_url}/console/")
    person.inspect(refused=True)
    person.page.get_by_role("link", name="Sign in with your institution's account").click()


def test_who_is_known_by_their_address_comes_in(sites: Sites, meet: Meet) -> None:
    with writing(sites.tool):
        administrators.add(tenants.by_key(TENANT), "Noor", EMAIL)
    noor = meet("Noor Haddad")
    sign_in(noor, sites)
    expect(noor.page.get_by_role("heading", name="Overview")).to_be_visible()
    noor.inspect()


@pytest.mark.parametrize("wrong", ["unverified", "nonce", "issuer", "denied"])
def test_whoever_the_provider_cannot_vouch_for_does_not(sites: Sites, meet: Meet, wrong: str) -> None:
    with writing(sites.tool):
        administrators.add(tenants.by_key(TENANT), "Noor", EMAIL)
    noor = meet("Noor Haddad")
    sites.control("levers", {"sign_in": wrong})
    try:
        sign_in(noor, sites)
        expect(noor.page.get_by_text("console-provider")).to_be_visible()
    finally:
        sites.control("levers", {})


def test_whoever_is_not_on_the_list_does_not(sites: Sites, meet: Meet) -> None:
    ben = meet("Ben Carter")
    sign_in(ben, sites)
    expect(ben.page.get_by_text("console-unknown-person")).to_be_visible()
