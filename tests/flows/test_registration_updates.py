"""A platform takes our configuration again from the console: Canvas, where it lets its tools do that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from flows.desk import Desk, add_known
from joining import Joining
from ltitools.testing import Platform, error_code
from sites import TENANT, running


@pytest.fixture
def canvas(database_url: str) -> Iterator[Joining]:
    """The two sites with a Canvas that lets tools renew their registration."""
    with running(database_url, "canvas") as sites:
        joining = Joining(sites)
        joining.pull(registration_updates=True)
        yield joining


def test_our_settings_are_sent_again_with_what_was_chosen_then(canvas: Joining) -> None:
    tool, found = canvas.registered(without=["course_page"])
    canvas.activate(tool)
    desk = Desk(canvas.sites.tool)
    desk.public_url = canvas.sites.tool_url
    desk.sign_in(add_known(canvas.sites.tool, TENANT, "Ada"))
    path = f"/console/{TENANT}/platforms/{found.id}"
    assert "Send our settings" in desk.read(path)
    page = desk.do(f"{path}/settings", path)
    assert "The platform has our settings." in page
    asked = canvas.tools()[-1]["asked"]
    assert asked["initiate_login_uri"] == f"{canvas.sites.tool_url}/lti/{TENANT}/login"
    places = str(asked["https://purl.imsglobal.org/spec/lti-tool-configuration"]["messages"])
    assert ("account_navigation" in places, "course_navigation" in places) == (True, False)
    assert [each.id for each in canvas.known()][-1] == found.id

    canvas.pull(registration_updates=False)
    answer = desk.post(f"{path}/settings", path)
    assert answer.status_code == 502
    assert "The platform did not take them: 404" in answer.get_data(as_text=True)


def test_a_platform_that_takes_none_has_no_button(app: Flask, platform: Platform) -> None:
    desk = Desk(app)
    desk.sign_in(add_known(app, "acme", "Ada"))
    path = "/console/acme/platforms/1"
    assert "Send our settings" not in desk.read(path)
    assert error_code(desk.post(f"{path}/settings", path)) == "page-unknown"


def test_what_was_chosen_is_chosen_again_when_the_platform_comes_back(canvas: Joining) -> None:
    first = canvas.offer()
    ticked = {name for name in ("names", "emails", "course_page") if f'name="{name}" checked' in first.text}
    assert ticked == {"names", "course_page"}
    canvas.press(canvas.offer(), ["names", "course_page"], emails="on")
    again = canvas.offer()
    ticked = {name for name in ("names", "emails", "course_page") if f'name="{name}" checked' in again.text}
    assert ticked == {"emails"}
    assert "This platform is registered here already." in again.text


def test_of_several_registrations_the_one_that_is_updated_says_what_was_chosen(database_url: str) -> None:
    with running(database_url, "moodle") as sites:
        moodle = Joining(sites)
        first, _ = moodle.registered(without=["names"])
        moodle.registered()
        again = moodle.offer(tool=first["id"])
        assert 'name="names"' in again.text
        assert 'name="names" checked' not in again.text
        done = moodle.press(again)
        assert "Moodle has put back what was set by hand" in done.text
