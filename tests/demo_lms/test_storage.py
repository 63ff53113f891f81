"""Storage for tools: who announces it, who answers, and what an unhelpful or a hostile one does. Also: refusals."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import trustme
from playwright.sync_api import Browser, Frame, Page

from demo_lms.campus import Campus, campus_of
from ltitools.demo_lms.loopback import fetch_json, new_session
from sites import serving

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig, Rig

FRAME = "post_message_forwarding"
FRAME_TAG = f'name="{FRAME}"'


def pull(rig: Rig, **levers: Any) -> None:
    assert rig.service.post("/control/levers", json=levers).status_code == 204


def announced(rig: Rig) -> tuple[str | None, str | None]:
    """The storage target of a login initiation and of the launch that follows."""
    login = rig.begin("ben", rig.add_activity()["id"])
    return login.fields.get("lti_storage_target"), rig.form(rig.authorize(login)).fields.get("lti_storage_target")


@pytest.mark.parametrize(("personality", "target"), [("canvas", FRAME), ("generic", "_parent"), ("moodle", None)])
def test_login_and_launch_announce_the_storage_that_the_lms_has(
    make_rig: MakeRig, personality: str, target: str | None
) -> None:
    assert announced(make_rig(personality)) == (target, target)


@pytest.mark.parametrize("storage", ["silent", "hostile", "full"])
def test_a_lever_gives_any_lms_a_storage_that_fails(rig: Rig, storage: str) -> None:
    pull(rig, storage=storage)
    target = "_parent" if rig.state()["personality"] == "generic" else FRAME
    assert announced(rig) == (target, target)
    rig.sign_in("ben")
    page = rig.page("/activities/1" if target == "_parent" else "/lti/storage")
    assert f'data-manner="{storage}"' in page


def test_a_lever_takes_the_storage_away_as_in_a_mobile_app(rig: Rig) -> None:
    pull(rig, storage="absent")
    assert announced(rig) == (None, None)
    rig.sign_in("ben")
    assert FRAME not in rig.page("/activities/1")
    assert rig.browser.get("/lti/storage").status_code == 404


def test_a_storage_that_does_not_exist_is_refused(rig: Rig) -> None:
    assert rig.service.post("/control/levers", json={"storage": "slow"}).status_code == 400


@pytest.mark.parametrize("path", ["/activities/1", "/courses/1/tool", "/courses/1/add"])
def test_every_page_around_a_tool_of_canvas_has_the_frame_before_the_tools(make_rig: MakeRig, path: str) -> None:
    rig = make_rig("canvas")
    rig.add_activity()
    rig.sign_in("therese")
    page = rig.page(path)
    assert page.index(FRAME_TAG) < page.index('<iframe class="tool"')


def test_the_hint_of_canvas_and_the_page_of_moodle_are_as_theirs(make_rig: MakeRig) -> None:
    moodle = make_rig("moodle")
    moodle.add_activity()
    moodle.sign_in("ben")
    assert FRAME not in moodle.page("/activities/1")
    assert moodle.browser.get("/lti/storage").status_code == 404
    assert make_rig("generic").browser.get("/lti/storage").status_code == 404


# Refusals of the authorization endpoint ---------------------------------------------------------------------

WORDS = [
    ("canvas", "login_required", "Must have an active user session"),
    ("canvas", "launch_no_longer_valid", "The launch has either expired or already been consumed"),
    ("canvas", "unauthorized_client", "Client not authorized in requested context"),
    ("moodle", "access_denied", None),
    ("moodle", "unauthorized_client", None),
    ("generic", "temporarily_unavailable", None),
]


@pytest.mark.parametrize(("personality", "error", "words"), WORDS)
def test_a_lever_has_launches_refused_in_the_words_of_the_lms(
    make_rig: MakeRig, personality: str, error: str, words: str | None
) -> None:
    rig = make_rig(personality)
    pull(rig, refuse=error)
    login = rig.begin("ben", rig.add_activity()["id"])
    expected = {"error": error, "error_description": words, "state": "state-1"}
    assert rig.form(rig.authorize(login)).fields == {name: each for name, each in expected.items() if each}
    pull(rig)
    assert "id_token" in rig.form(rig.authorize(login)).fields


def test_canvas_says_itself_what_the_lever_makes_it_say(make_rig: MakeRig) -> None:
    rig = make_rig("canvas")
    login = rig.begin("ben", rig.add_activity()["id"])
    rig.claims(login)
    again = rig.form(rig.authorize(login)).fields
    assert (again["error"], again["error_description"]) == WORDS[1][1:]
    signed_out = rig.service.post("/lti/authorize", data={**rig.request_of(login), "repost": "true"})
    fields = rig.form(signed_out).fields
    assert (fields["error"], fields["error_description"]) == WORDS[0][1:]


# Over TLS ---------------------------------------------------------------------------------------------------


def test_an_lms_behind_tls_has_a_secure_cookie_and_is_reached_by_its_name(make_rig: MakeRig, tmp_path: Path) -> None:
    authority, roots = trustme.CA(), tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(str(roots))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("lms.localhost").configure_cert(context)
    rig = make_rig("canvas", public_url="https://lms.localhost")
    with serving(rig.app, tls=context) as port, new_session(str(roots)) as http:
        answer = http.get(f"https://lms.localhost:{port}/", timeout=10)
        assert "; Secure" in answer.headers["Set-Cookie"]
        assert fetch_json(f"https://lms.localhost:{port}/lti/jwks", str(roots))["keys"]
        with pytest.raises(requests.exceptions.SSLError, match="local issuer"):
            fetch_json(f"https://lms.localhost:{port}/lti/jwks")
        with pytest.raises(requests.exceptions.SSLError, match=r"doesn't match|not valid for"):
            fetch_json(f"https://other.localhost:{port}/lti/jwks", str(roots))


# In a browser -----------------------------------------------------------------------------------------------

ASK = """([to, message, origin, count]) => new Promise((done) => {
  const heard = [];
  addEventListener("message", ({data, source, origin}) => {
    heard.push({...data, page: source === parent, origin});
    if (heard.length === count) done(heard);
  });
  (to === "_parent" ? parent : parent.frames[to]).postMessage(message, origin);
})"""


class Tool:
    """The page of a tool in its frame, which writes to the LMS."""

    def __init__(self, campus: Campus, page: Page, to: str = FRAME) -> None:
        page.frame_locator("iframe.tool").locator("#who").wait_for()
        self.frame: Frame = next(each for each in page.frames if "tool.localhost" in each.url)
        self.origin = campus.url
        self.to = to

    def hear(self, subject: str, count: int, to: str = "", **message: Any) -> list[dict[str, Any]]:
        message = {"subject": subject, "message_id": "m-1", **message}
        answers = self.frame.evaluate(ASK, [to or self.to, message, self.origin, count])
        assert {each.pop("origin") for each in answers} == {self.origin}
        assert {each.pop("subject") for each in answers} == {f"{subject}.response"}
        return list(answers)

    def ask(self, subject: str, to: str = "", **message: Any) -> dict[str, Any]:
        (answer,) = self.hear(subject, 1, to, **message)
        assert answer.pop("page") == ((to or self.to) == "_parent")
        assert answer.pop("message_id") == "m-1"
        return answer

    def error(self, subject: str, **message: Any) -> str:
        return str(self.ask(subject, **message)["error"]["code"])


@pytest.fixture
def enter(make_rig: MakeRig, browser: Browser) -> Iterator[Callable[..., Tool]]:
    """Opens an activity as Ben, in an LMS with the given personality and levers."""
    with ExitStack() as stack:

        def open_activity(personality: str, **levers: Any) -> Tool:
            rig = make_rig(personality)
            campus = stack.enter_context(campus_of(rig, browser))
            pull(rig, **levers)
            page = campus.enter("ben")
            page.goto(f"{campus.url}/activities/1")
            return Tool(campus, page, rig.app.extensions["demo_lms"].storage_target)

        yield open_activity


@pytest.mark.browser
@pytest.mark.parametrize("personality", ["canvas", "generic"])
def test_a_tool_puts_reads_and_deletes_within_the_limits(enter: Callable[..., Tool], personality: str) -> None:
    tool = enter(personality)
    assert tool.ask("lti.get_data", key="state-1") == {"key": "state-1", "value": None}
    assert tool.ask("lti.put_data", key="state-1", value="nonce") == {"key": "state-1", "value": "nonce"}
    assert tool.ask("lti.get_data", key="state-1") == {"key": "state-1", "value": "nonce"}
    assert tool.error("lti.put_data", key="big", value="x" * 4082) == "storage_exhaustion"
    assert tool.ask("lti.put_data", key="big", value="x" * 4081)["value"]
    assert tool.ask("lti.put_data", key="big", value=None)["value"] is None
    assert tool.ask("lti.put_data", key="state-1", value=None)["value"] is None
    assert tool.ask("lti.get_data", key="state-1")["value"] is None
    for number in range(500):
        assert "error" not in tool.ask("lti.put_data", key=f"{number}", value="")
    assert tool.error("lti.put_data", key="500", value="") == "storage_exhaustion"


@pytest.mark.browser
@pytest.mark.parametrize("personality", ["canvas", "generic"])
def test_what_cannot_be_answered_is_an_error_with_a_code(enter: Callable[..., Tool], personality: str) -> None:
    tool = enter(personality)
    assert tool.error("lti.showAlert") == "unsupported_subject"
    assert tool.error("lti.put_data", value="without a key") == "bad_request"
    assert tool.error("lti.put_data", key="k", value=7) == "bad_request"


@pytest.mark.browser
def test_the_page_says_what_is_answered_and_where(enter: Callable[..., Tool]) -> None:
    canvas = enter("canvas")
    told = canvas.ask("lti.capabilities", to="_parent")["supported_messages"]
    assert {"subject": "lti.put_data", "frame": FRAME} in told
    assert {"subject": "lti.frameResize"} in told
    assert canvas.ask("lti.frameResize", to="_parent", height=444) == {}
    assert canvas.ask("lti.fetchWindowSize", to="_parent")["height"] > 0
    generic = enter("generic")
    told = generic.ask("lti.capabilities")["supported_messages"]
    assert {"subject": "lti.put_data"} in told
    assert {"subject": "lti.fetchWindowSize"} in told
    assert generic.ask("lti.fetchWindowSize")["width"] > 0


@pytest.mark.browser
def test_what_one_site_puts_no_other_can_read(enter: Callable[..., Tool]) -> None:
    tool = enter("canvas")
    tool.ask("lti.put_data", key="state-1", value="of the tool")
    other = """([name]) => new Promise((done) => {
      addEventListener("message", (event) => done(event.data.value));
      frames[name].postMessage({subject: "lti.get_data", key: "state-1", message_id: "m-2"}, location.origin);
    })"""
    assert tool.frame.page.evaluate(other, [FRAME]) is None
    assert tool.ask("lti.get_data", key="state-1")["value"] == "of the tool"


@pytest.mark.browser
def test_a_full_storage_takes_nothing(enter: Callable[..., Tool]) -> None:
    tool = enter("moodle", storage="full")
    assert tool.error("lti.put_data", key="state-1", value="nonce") == "storage_exhaustion"
    assert tool.ask("lti.get_data", key="state-1")["value"] is None


@pytest.mark.browser
def test_a_silent_frame_is_announced_by_the_page_all_the_same(enter: Callable[..., Tool]) -> None:
    tool = enter("canvas", storage="silent")
    assert tool.ask("lti.capabilities", to="_parent")["supported_messages"]
    assert tool.frame.page.frame(FRAME) is not None


@pytest.mark.browser
def test_a_hostile_frame_lies_in_every_way(enter: Callable[..., Tool]) -> None:
    tool = enter("canvas", storage="hostile")
    answers = tool.hear("lti.get_data", 4, key="never-put")
    assert {"message_id": "m-1", "key": "never-put", "value": "forged", "page": False} in answers
    assert {"message_id": "forged", "key": "never-put", "value": "forged", "page": False} in answers
    assert {"message_id": "m-1", "key": "never-put-forged", "value": "forged", "page": False} in answers
    assert {"message_id": "m-1", "key": "never-put", "value": "forged", "page": True} in answers
    put = tool.hear("lti.put_data", 4, key="state-1", value="nonce")
    assert {"message_id": "m-1", "key": "state-1", "value": "nonce", "page": True} in put
    assert {"message_id": "m-1", "key": "state-1", "value": "nonce", "page": False} not in put
    told = tool.hear("lti.capabilities", 3)
    assert {each["message_id"] for each in told} == {"m-1", "forged"}
