"""An LMS in this process, with a tool that is nothing but a key: enough to speak every protocol of the LMS."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.test import TestResponse

from ltitools.demo_lms import FormPost, ToolRegistration, create_lms, form_on

ISSUER = "http://lms.localhost:8100"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
ALL_SCOPES = " ".join(
    (
        f"{AGS}lineitem",
        f"{AGS}lineitem.readonly",
        f"{AGS}result.readonly",
        f"{AGS}score",
        "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
    )
)
TYPES = {
    "item": "application/vnd.ims.lis.v2.lineitem+json",
    "items": "application/vnd.ims.lis.v2.lineitemcontainer+json",
    "score": "application/vnd.ims.lis.v1.score+json",
    "results": "application/vnd.ims.lis.v2.resultcontainer+json",
    "members": "application/vnd.ims.lti-nrps.v2.membershipcontainer+json",
}
REGISTRATION = ToolRegistration(
    client_id="client-1",
    deployment_id="1",
    login_url="http://tool.localhost:8200/lti/login",
    launch_url="http://tool.localhost:8200/lti/launch",
    jwks_url="http://tool.localhost:8200/lti/jwks",
    title="Diagnostic",
)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    time: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)

    @property
    def seconds(self) -> int:
        return int(self.time.timestamp())


@dataclass
class Rig:
    """The LMS, a browser at it, and the tool's half of every conversation."""

    app: Flask
    clock: Clock
    key: RSAKey
    tool: ToolRegistration = REGISTRATION
    browser: FlaskClient = field(init=False)
    service: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.app.test_client()
        self.service = self.app.test_client(use_cookies=False)

    # The browser --------------------------------------------------------------------------------------------

    def sign_in(self, person: str) -> None:
        assert self.post("/sign-in", person=person).status_code == 303

    def post(self, path: str, **form: str) -> TestResponse:
        self.browser.get("/")
        with self.browser.session_transaction() as session:
            csrf = session["csrf"]
        return self.browser.post(path, data={"csrf": csrf, **form})

    def page(self, path: str) -> str:
        response = self.browser.get(path)
        assert response.status_code == 200, response.text
        return response.text

    def form(self, response: TestResponse) -> FormPost:
        return form_on(response.text, ISSUER)

    # Launches -----------------------------------------------------------------------------------------------

    def add_activity(self, **values: Any) -> dict[str, Any]:
        response = self.service.post("/control/activities", json=values)
        assert response.status_code == 201
        return dict(response.get_json())

    def begin(self, person: str, activity: int | None = None, **more: Any) -> FormPost:
        asked = {"person": person, **({"message": "deep_linking"} if activity is None else {}), **more}
        if activity is not None:
            asked["activity"] = activity
        answer = self.browser.post("/control/launch", json=asked).get_json()
        return FormPost(answer["action"], answer["fields"])

    def request_of(self, login: FormPost, **changes: str | None) -> dict[str, str]:
        """The authentication request that a good tool answers a login initiation with."""
        request: dict[str, str | None] = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": self.tool.client_id,
            "redirect_uri": self.tool.launch_url,
            "state": "state-1",
            "nonce": secrets.token_hex(8),
            "login_hint": login.fields["login_hint"],
            "lti_message_hint": login.fields["lti_message_hint"],
        }
        request |= changes
        return {name: value for name, value in request.items() if value is not None}

    def authorize(self, login: FormPost, **changes: str | None) -> TestResponse:
        return self.browser.get("/lti/authorize", query_string=self.request_of(login, **changes))

    def claims(self, login: FormPost) -> dict[str, Any]:
        """The verified claims of a launch that goes well."""
        posted = self.form(self.authorize(login))
        return self.decode(posted.fields["id_token"])

    def decode(self, token: str) -> dict[str, Any]:
        keys = KeySet.import_key_set(self.service.get("/lti/jwks").get_json())
        return jwt.decode(token, keys, algorithms=["RS256"]).claims

    # Services -----------------------------------------------------------------------------------------------

    def assertion(self, *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        claims: dict[str, Any] = {
            "iss": self.tool.client_id,
            "sub": self.tool.client_id,
            "aud": f"{ISSUER}/lti/token",
            "iat": self.clock.seconds,
            "exp": self.clock.seconds + 60,
            "jti": secrets.token_hex(8),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, **(header or {})}, claims, self.key)

    def ask_token(self, assertion: str, **changes: str) -> TestResponse:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
            "scope": ALL_SCOPES,
            **changes,
        }
        return self.service.post("/lti/token", data=form)

    def token(self, scope: str = ALL_SCOPES) -> str:
        response = self.ask_token(self.assertion(), scope=scope)
        assert response.status_code == 200, response.text
        return str(json.loads(response.text)["access_token"])

    def call(
        self,
        method: str,
        url: str,
        body: object = None,
        *,
        content_type: str | None = None,
        accept: str | None = None,
        token: str | None = None,
    ) -> TestResponse:
        parts = urlsplit(url)
        headers = {"Authorization": f"Bearer {token or self.token()}"}
        if accept:
            headers["Accept"] = accept
        return self.service.open(
            parts.path + (f"?{parts.query}" if parts.query else ""),
            method=method,
            headers=headers,
            data=None if body is None else json.dumps(body),
            content_type=content_type,
        )

    def send_score(self, line_item: str, content_type: str = TYPES["score"], **body: Any) -> TestResponse:
        """Post a score with sensible values for what is not given; None leaves a field out."""
        score = {
            "userId": self.user("ben"),
            "timestamp": self.clock().isoformat(),
            "scoreGiven": 80,
            "scoreMaximum": 100,
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            **body,
        }
        score = {name: value for name, value in score.items() if value is not None}
        path, _mark, query = line_item.partition("?")
        return self.call("POST", f"{path}/scores?{query}", score, content_type=content_type)

    # What the LMS knows -------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return dict(self.service.get("/control/state").get_json())

    def user(self, person: str) -> str:
        return str(next(each["sub"] for each in self.state()["people"] if each["key"] == person))

    def cell(self, person: str = "ben", column: int = 0) -> dict[str, Any]:
        cells = self.state()["gradebook"][column]["cells"]
        return next((dict(each) for each in cells if each["person"] == person), {})

    # Deep linking -------------------------------------------------------------------------------------------

    def settings(self, login: FormPost) -> dict[str, Any]:
        return dict(self.claims(login)[f"{DL}deep_linking_settings"])

    def response_jwt(self, settings: Mapping[str, Any], items: object, **changes: Any) -> str:
        claims: dict[str, Any] = {
            "iss": self.tool.client_id,
            "aud": ISSUER,
            "iat": self.clock.seconds,
            "exp": self.clock.seconds + 300,
            "nonce": secrets.token_hex(8),
            f"{LTI}deployment_id": self.tool.deployment_id,
            f"{LTI}message_type": "LtiDeepLinkingResponse",
            f"{LTI}version": "1.3.0",
            f"{DL}content_items": items,
        }
        if "data" in settings:
            claims[f"{DL}data"] = settings["data"]
        claims |= changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def answer(self, settings: Mapping[str, Any], token: str) -> TestResponse:
        parts = urlsplit(settings["deep_link_return_url"])
        return self.browser.post(f"{parts.path}?{parts.query}", data={"JWT": token})


MakeRig = Callable[..., Rig]


@pytest.fixture(scope="session")
def tool_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


@pytest.fixture
def make_rig(tool_key: RSAKey) -> Iterator[MakeRig]:
    made: list[Flask] = []

    def make(personality: Any = "generic", **options: Any) -> Rig:
        clock = options.pop("clock", None) or Clock()
        keys = json.loads(json.dumps(KeySet([tool_key]).as_dict(private=False)))
        app = create_lms(
            **{
                "public_url": ISSUER,
                "tool": REGISTRATION,
                "personality": personality,
                "control": True,
                "now": clock,
                "fetch_keys": lambda _url: keys,
                **options,
            }
        )
        made.append(app)
        return Rig(app, clock, tool_key)

    yield make
    for app in made:
        app.extensions["demo_lms"].engine.dispose()


@pytest.fixture(params=["moodle", "canvas", "generic"])
def rig(request: pytest.FixtureRequest, make_rig: MakeRig) -> Rig:
    """An LMS of each personality in turn."""
    return make_rig(request.param)
