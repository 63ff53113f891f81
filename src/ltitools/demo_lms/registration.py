"""Dynamic registration: a tool enters itself, with a token that the administrator's browser brought it.

https://www.imsglobal.org/spec/lti-dr/v1p0
The addresses that a tool calls, without a browser; the administrator's pages are in `administration`, the checks
in `registration_rules`.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy import select

from ltitools.demo_lms.addresses import domain_of, with_query
from ltitools.demo_lms.lms import AGS_SCOPES, NRPS_SCOPE, db, lms, signing_keys
from ltitools.demo_lms.models import RegistrationStart, Tool
from ltitools.demo_lms.oauth import tool_of_token
from ltitools.demo_lms.registration_rules import (
    CANVAS,
    DEEP_LINKING,
    PLACEMENTS,
    REGISTRATION_READ_SCOPE,
    REGISTRATION_SCOPE,
    RESOURCE_LINK,
    RULES,
    TOOL,
    Accepted,
    RegistrationRefused,
    moodle_page,
)
from ltitools.demo_lms.tools import PENDING, deploy, take

registration = Blueprint("registration", __name__)

TOKEN_LIFETIME = timedelta(hours=1)
NEW, UPDATE = "reg", "reg-update"
CANVAS_CLAIMS = {"user_id", "initiated_at", "root_account_global_id", "root_account_domain", "exp", "uuid"}
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
VARIABLES = (
    "Context.id",
    "Context.title",
    "Context.label",
    "Context.id.history",
    "ResourceLink.id",
    "ResourceLink.title",
    "ResourceLink.description",
    "User.id",
    "User.username",
    "Person.name.full",
    "Person.name.given",
    "Person.name.family",
    "Person.email.primary",
)


@dataclass(frozen=True)
class Begun:
    """What a registration token stands for: its name, and the tool that it is to renew."""

    name: str
    tool: Tool | None


# Tokens -----------------------------------------------------------------------------------------------------


def begin_registration(url: str, tool: Tool | None) -> dict[str, str]:
    """Begin a registration at `url`, new or of `tool`: what the tool's page is opened with.

    ``{"url", "openid_configuration", "registration_token"}``; the first is complete.
    """
    if tool is not None:
        tool.registration_url = url
    token = _canvas_token(url, tool) if lms().personality.name == "canvas" else _signed_token(url, tool)
    configuration = lms().url("registration.configuration")
    if lms().personality.name == "canvas":
        configuration = with_query(configuration, registration_token=token)
    values = {"openid_configuration": configuration, "registration_token": token}
    return {"url": with_query(url, **values), **values}


def _signed_token(url: str, tool: Tool | None) -> str:
    """Moodle's token: signed as id_tokens are. It names the client to be, or the tool that there is."""
    name = str(tool.id) if tool else new_client_id()
    if tool is None:
        db().add(RegistrationStart(name=name, url=url, started_at=lms().now()))
    key = next(iter(signing_keys(db())))
    now = int(lms().now().timestamp())
    claims = {
        "sub": name,
        "scope": UPDATE if tool else NEW,
        "iat": now,
        "exp": now + int(TOKEN_LIFETIME.total_seconds()),
    }
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)


def _canvas_token(url: str, tool: Tool | None) -> str:
    """Canvas's token: a secret of its own signs it, and it says a little of who began."""
    now = lms().now()
    claims: dict[str, Any] = {
        "user_id": 1,
        "initiated_at": now.isoformat(),
        "root_account_global_id": 10000000000001,
        "root_account_domain": domain_of(lms().public_url),
        "exp": int((now + TOKEN_LIFETIME).timestamp()),
        "uuid": str(uuid4()),
        "registration_url": url,
    }
    if tool is not None:
        claims["existing_registration"] = tool.id
    return jwt.encode({"alg": "HS256"}, claims, _canvas_key())


def _canvas_key() -> OctKey:
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return OctKey.import_key(hmac.digest(secret, b"registration", "sha256"))


def new_client_id() -> str:
    """A client id as this LMS makes them: long numbers in Canvas, letters and digits elsewhere."""
    if lms().personality.name == "canvas":
        return str(10**13 + secrets.randbelow(9 * 10**13))
    return secrets.token_hex(8)[:15]


def _begun(token: str) -> Begun:
    """What `token` stands for, or the refusal in this LMS's words."""
    return _canvas_begun(token) if lms().personality.name == "canvas" else _signed_begun(token)


def _signed_begun(token: str) -> Begun:
    moodle = lms().personality.name == "moodle"
    if not token:
        raise RegistrationRefused(401, "missing_registration_token" if moodle else {"error": "invalid_token"})
    try:
        claims = jwt.decode(token, signing_keys(db()), algorithms=["RS256"]).claims
        jwt.JWTClaimsRegistry(int(lms().now().timestamp()), exp={"essential": True}).validate(claims)
    except (JoseError, ValueError) as error:
        raise moodle_page() if moodle else RegistrationRefused(401, {"error": "invalid_token"}) from error
    if claims.get("scope") == UPDATE:
        tool = db().get(Tool, int(claims["sub"]))
        if tool is None:
            raise RegistrationRefused(400, "Unknown client" if moodle else {"error": "invalid_client_id"})
        return Begun(claims["sub"], tool)
    if claims.get("scope") != NEW:
        raise RegistrationRefused(403, "Incorrect scope" if moodle else {"error": "insufficient_scope"})
    if db().scalar(select(Tool).where(Tool.registered_with == claims["sub"])):
        raise RegistrationRefused(401, "token_already_used" if moodle else {"error": "invalid_token"})
    return Begun(claims["sub"], None)


def _canvas_begun(token: str) -> Begun:
    try:
        claims = jwt.decode(token, _canvas_key(), algorithms=["HS256"]).claims
        jwt.JWTClaimsRegistry(int(lms().now().timestamp()), exp={"essential": True}).validate(claims)
    except (JoseError, ValueError) as error:
        raise RegistrationRefused(401, {"errorMessage": "Invalid registration token"}) from error
    if not set(claims) >= CANVAS_CLAIMS:
        raise RegistrationRefused(401, {"errorMessage": "JWT did not include expected contents"})
    tool = None
    if "existing_registration" in claims:
        tool = db().get(Tool, claims["existing_registration"])
        if tool is None:
            raise RegistrationRefused(404, {"errorMessage": "Specified registration does not exist"})
    elif db().get(RegistrationStart, claims["uuid"]) is None:
        db().add(RegistrationStart(name=claims["uuid"], url=claims["registration_url"], started_at=lms().now()))
    return Begun(claims["uuid"], tool)


def _bearer() -> str:
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind == "Bearer" else ""


# What the LMS says of itself --------------------------------------------------------------------------------


@registration.get("/.well-known/openid-configuration")
def configuration() -> ResponseReturnValue:
    """https://www.imsglobal.org/spec/lti-dr/v1p0#platform-configuration — Canvas shows it only with the token."""
    if lms().personality.name == "canvas":
        _canvas_begun(request.args.get("registration_token") or _bearer())
    levers = lms().levers
    document = {**_described_lms(), **({"padding": "x" * levers.padding} if levers.padding else {})}
    return _json(document)


def _described_lms() -> dict[str, Any]:
    habits, levers = lms().personality, lms().levers
    scopes = [*AGS_SCOPES, NRPS_SCOPE]
    if levers.registration_updates and habits.name == "canvas":
        scopes += [REGISTRATION_SCOPE, REGISTRATION_READ_SCOPE]
    scopes = [scope for scope in scopes if scope.rpartition("/")[2] not in levers.scopes_unsupported]
    if habits.name != "canvas":
        scopes.append("openid")
    document: dict[str, Any] = {
        "issuer": levers.issuer or lms().public_url,
        "authorization_endpoint": lms().url("oidc.authorize"),
        "registration_endpoint": lms().url("registration.register"),
        "jwks_uri": lms().url("oidc.jwks"),
        "token_endpoint": lms().url("oauth.token"),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "scopes_supported": scopes,
        "response_types_supported": ["id_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": _claims_supported(),
        "subject_types_supported": ["public"] if habits.name == "canvas" else ["public", "pairwise"],
        PLATFORM: {
            "product_family_code": habits.family,
            "version": habits.version,
            "messages_supported": _messages_supported(),
            "variables": list(VARIABLES),
        },
    }
    if habits.name == "canvas":
        # Without a scheme, so it is no address and no audience.
        document["authorization_server"] = domain_of(lms().public_url)
        document[PLATFORM] |= {f"{CANVAS}account_name": "Campus demo", f"{CANVAS}account_lti_guid": "campus-demo"}
    return document


def _claims_supported() -> list[str]:
    people = ["name", "given_name", "family_name", "email"]
    return ["sub", "picture", *people, "locale"] if lms().personality.name == "canvas" else ["sub", "iss", *people]


def _messages_supported() -> list[dict[str, Any]]:
    if lms().personality.name != "canvas":
        return [{"type": RESOURCE_LINK}, {"type": DEEP_LINKING, "placements": ["ContentArea"]}]
    places = [f"{CANVAS}{name}" for name in PLACEMENTS]
    return [
        {"type": RESOURCE_LINK, "placements": places},
        {"type": DEEP_LINKING, "placements": [*places, "ContentArea", "RichTextEditor"]},
    ]


# Registering ------------------------------------------------------------------------------------------------


@registration.route("/lti/registrations", methods=["GET", "POST", "PUT"])
def register() -> ResponseReturnValue:
    """A new tool or, with the token of an update, the tool that there is: POST changes it and GET shows it.

    PUT is as good as POST where the specification is read plainly. Moodle does not know it.
    """
    name = lms().personality.name
    if request.method == "PUT" and name == "moodle":
        raise RegistrationRefused(400, "Unsupported operation")
    begun = _begun(_bearer())
    if request.method == "GET":
        if begun.tool is None:
            raise RegistrationRefused(404, "No registration found." if name == "moodle" else {"error": "not_found"})
        return _json(answer(begun.tool))
    accepted = RULES[name](request.get_json(force=True, silent=True))
    tool = _kept(begun, accepted)
    db().commit()
    return _json(answer(tool))


def _kept(begun: Begun, accepted: Accepted) -> Tool:
    """The tool, written down. Canvas leaves the one that there is as it was until the administrator agrees."""
    canvas = lms().personality.name == "canvas"
    if begun.tool is not None:
        if canvas:
            begun.tool.update = dict(accepted.asked)
        else:
            take(begun.tool, accepted)
        return begun.tool
    start = db().get(RegistrationStart, begun.name)
    # Canvas's token may be used again, and makes another tool each time.
    tool = Tool(
        client_id=new_client_id() if canvas else begun.name,
        registered_with=None if canvas else begun.name,
        registration_url=start.url if start else None,
        state=PENDING,
    )
    take(tool, accepted)
    db().add(tool)
    if not canvas or lms().levers.deployment_in_answer:
        deploy(tool, None)
    db().flush()
    return tool


def answer(tool: Tool) -> dict[str, Any]:
    """The registration as the tool is told of it."""
    said = {"moodle": _moodle_answer, "canvas": _canvas_answer, "generic": _generic_answer}[lms().personality.name]
    values = said(tool)
    if lms().levers.client_id_withheld:
        values.pop("client_id")
    return {**values, **({"padding": "x" * lms().levers.padding} if lms().levers.padding else {})}


def _common(tool: Tool) -> dict[str, Any]:
    return {
        "client_id": tool.client_id,
        "application_type": "web",
        "grant_types": ["client_credentials", "implicit"],
        "response_types": ["id_token"],
        "redirect_uris": tool.redirect_uris,
        "initiate_login_uri": tool.login_url,
        "jwks_uri": tool.jwks_url,
        "client_name": tool.title,
        "logo_uri": tool.icon_url or "",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(tool.scopes),
    }


def _moodle_answer(tool: Tool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "version": "1.3.0",
        "deployment_id": tool.deployments[0].deployment_id,
        "target_link_uri": tool.launch_url,
        "domain": tool.domain,
        "description": tool.asked.get(TOOL, {}).get("description") or "",
        "claims": ["sub", "iss", *_person_claims(tool)],
    }
    if tool.deep_linking_url:
        config["messages"] = [{"type": DEEP_LINKING, "target_link_uri": tool.deep_linking_url}]
    if tool.custom:
        # What follows a second equals sign is lost on the way.
        config["custom_parameters"] = {name: value.split("=")[0] for name, value in tool.custom.items()}
    return {**_common(tool), TOOL: config}


def _person_claims(tool: Tool) -> list[str]:
    names = ["name", "family_name", "given_name"] if "name" in tool.shares else []
    return [*names, "email"] if "email" in tool.shares else names


def _canvas_answer(tool: Tool) -> dict[str, Any]:
    page = {f"{CANVAS}registration_config_url": lms().url("administration.tool", tool_id=tool.id)}
    values: dict[str, Any] = {
        **_common(tool),
        "scope": " ".join([*tool.scopes, "openid"]),
        "registration_client_uri": lms().url("registration.current", tool_id=tool.id),
        TOOL: {**tool.asked.get(TOOL, {}), **page},
    }
    if tool.deployments and lms().levers.deployment_in_answer:
        values["deployment_id"] = tool.deployments[0].deployment_id
    return values


def _generic_answer(tool: Tool) -> dict[str, Any]:
    values = {**tool.asked, **_common(tool)}
    if tool.deployments:
        values["deployment_id"] = tool.deployments[0].deployment_id
    return values


# Canvas: a tool renews its own registration -----------------------------------------------------------------


@registration.route("/api/lti/registrations/<int:tool_id>/configuration", methods=["GET", "PUT"])
def current(tool_id: int) -> ResponseReturnValue:
    """The registration of the tool that asks, and its full replacement; with an access token of its own."""
    if lms().personality.name != "canvas" or not lms().levers.registration_updates:
        raise RegistrationRefused(404, {"errors": [{"message": "The specified resource does not exist."}]})
    wanted = {REGISTRATION_SCOPE} if request.method == "PUT" else {REGISTRATION_SCOPE, REGISTRATION_READ_SCOPE}
    tool, granted = tool_of_token(_bearer())
    if tool is None or tool.id != tool_id or granted.isdisjoint(wanted):
        raise RegistrationRefused(401, {"errors": [{"message": "Invalid access token"}]})
    if request.method == "PUT":
        take(tool, RULES["canvas"](request.get_json(force=True, silent=True)))
        db().commit()
    return _json(answer(tool))


@registration.errorhandler(RegistrationRefused)
def _refused(refusal: RegistrationRefused) -> Response:
    """The refusal. Moodle's is plain text that calls itself HTML."""
    if isinstance(refusal.body, str):
        return current_app.response_class(refusal.body, refusal.status, mimetype="text/html")
    return _json(refusal.body, refusal.status)


def _json(values: Mapping[str, Any], status: int = 200) -> Response:
    text = current_app.json.dumps(values)
    return current_app.response_class(text, status, content_type="application/json; charset=utf-8")
