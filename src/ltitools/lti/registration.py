"""Dynamic registration: what a platform says of itself, what we ask it for, and what it answers.

https://www.imsglobal.org/spec/lti-dr/v1p0
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ltitools.http import HttpClient, HttpError, Response, origin, shown
from ltitools.lti import ags
from ltitools.lti.claims import text_of, web_address
from ltitools.lti.nrps import MEMBERSHIP_READ
from ltitools.lti.platforms import Offer, ToolSite, dialect_of, words
from ltitools.lti.services import ServiceRefused
from ltitools.settings import is_localhost

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
SCORE, LINE_ITEM, LINE_ITEM_READ, RESULT = (
    ags.SCOPES + name for name in ("score", "lineitem", "lineitem.readonly", "result.readonly")
)
MEMBERS = MEMBERSHIP_READ
SCOPES = (SCORE, LINE_ITEM, LINE_ITEM_READ, RESULT, MEMBERS)
"""What the tools need: in the order in which a person is told."""
CONFIGURATION_SECONDS = 3.0
CONFIGURATION_BYTES = 256_000
LONGEST_ISSUER, LONGEST_ADDRESS, LONGEST_ID = 512, 1024, 255
ADDRESSES = {
    "issuer": LONGEST_ISSUER,
    "authorization_endpoint": LONGEST_ADDRESS,
    "token_endpoint": LONGEST_ADDRESS,
    "jwks_uri": LONGEST_ADDRESS,
    "registration_endpoint": LONGEST_ADDRESS,
}
"""What a configuration must name, and how long each may be to be kept."""


class RegistrationProblem(Exception):
    """The registration did not come about. `code` is a refusal's; `words` are the platform's own, if it said any."""

    def __init__(self, code: str, detail: str, words: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.words = code, detail, words


@dataclass(frozen=True)
class PlatformConfiguration:
    """What a platform says of itself; `scopes` and `claims` are None where it does not say which it has.

    `placements` are the places that it names for each type of message.
    https://www.imsglobal.org/spec/lti-dr/v1p0#platform-configuration
    """

    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str
    registration_url: str
    product: str
    version: str
    title: str
    scopes: frozenset[str] | None
    claims: frozenset[str] | None
    messages: frozenset[str]
    placements: Mapping[str, frozenset[str]]

    @property
    def family(self) -> str:
        """The family of platforms that it belongs to, one of `ltitools.lti.platforms.FAMILIES`."""
        return dialect_of(self.product).family

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that may show the page of a registration in a frame."""
        found = (self.issuer, self.auth_url, self.registration_url)
        return tuple(dict.fromkeys(_origin_text(url) for url in found if web_address(url)))


@dataclass(frozen=True)
class Registered:
    """What a platform answers: the client id, and the deployment if there is one already.

    `scopes` is None where the answer does not say; `update_url` is where the platform takes a new configuration.
    """

    client_id: str
    deployment_id: str
    scopes: tuple[str, ...] | None
    update_url: str


def fetch_configuration(http: HttpClient, url: str, token: str) -> PlatformConfiguration:
    """The configuration at the address that the platform gave to the browser. Raises RegistrationProblem.

    The token is sent along, because some platforms tell nothing without it (section 3.4).
    """
    if not secure_address(url, len(url)):
        raise RegistrationProblem("registration-unreachable", "the configuration's address is no secure one")
    headers = {"Accept": "application/json", **_bearer(token)}
    try:
        answer = http.request(
            "GET", url, headers=headers, max_bytes=CONFIGURATION_BYTES, total_timeout=CONFIGURATION_SECONDS
        )
    except HttpError as error:
        raise RegistrationProblem("registration-unreachable", str(error)) from error
    if answer.status != 200:
        raise RegistrationProblem("registration-unreachable", f"{shown(url)} answers {answer.status}", words(answer))
    return read_configuration(_document(answer, "registration-incomplete"), url)


def read_configuration(document: Mapping[str, Any], url: str) -> PlatformConfiguration:
    """The configuration in a document that came from `url`. Raises RegistrationProblem where it cannot be used."""
    platform = document.get(PLATFORM_CONFIGURATION)
    platform = platform if isinstance(platform, Mapping) else {}
    product = text_of(platform.get("product_family_code")).lower()
    missing = [name for name, longest in ADDRESSES.items() if not secure_address(document.get(name), longest)]
    if missing:
        raise RegistrationProblem("registration-incomplete", f"{shown(url)} has no usable {', '.join(missing)}")
    issuer = document["issuer"]
    if not dialect_of(product).may_speak_for(issuer, url):
        raise RegistrationProblem("registration-issuer", f"the issuer is {issuer}, the configuration at {shown(url)}")
    messages = [entry for entry in _list(platform.get("messages_supported")) if isinstance(entry, Mapping)]
    return PlatformConfiguration(
        issuer=issuer,
        auth_url=document["authorization_endpoint"],
        token_url=document["token_endpoint"],
        jwks_url=document["jwks_uri"],
        registration_url=document["registration_endpoint"],
        product=product,
        version=text_of(platform.get("version"))[:64],
        title=dialect_of(product).name_of_institution(platform)[:255],
        scopes=_supported(document.get("scopes_supported")),
        claims=_supported(document.get("claims_supported")),
        messages=frozenset(text_of(entry.get("type")) for entry in messages),
        placements={
            text_of(entry.get("type")): frozenset(map(text_of, _list(entry.get("placements")))) for entry in messages
        },
    )


def wanted_scopes(platform: PlatformConfiguration) -> tuple[str, ...]:
    """The scopes to ask for: what the tools need and the platform has."""
    wanted = (*SCOPES, *dialect_of(platform.product).more_scopes)
    return tuple(scope for scope in wanted if platform.scopes is None or scope in platform.scopes)


def missing_scopes(granted: tuple[str, ...] | None) -> tuple[str, ...]:
    """What the tools need and were not given, where the platform said what it gives."""
    return () if granted is None else tuple(scope for scope in SCOPES if scope not in granted)


def tool_document(platform: PlatformConfiguration, site: ToolSite, offer: Offer) -> dict[str, Any]:
    """The body of the registration request: what we are, and what we ask for.

    https://www.imsglobal.org/spec/lti-dr/v1p0#tool-configuration
    """
    dialect = dialect_of(platform.product)
    claims = [name for name in offer.claims if platform.claims is None or name in platform.claims]
    document: dict[str, Any] = {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": site.login_url,
        "redirect_uris": [site.launch_url],
        "client_name": site.name,
        "jwks_uri": site.jwks_url,
        "logo_uri": site.icon_url,
        "client_uri": site.url,
        "policy_uri": site.privacy_url,
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(wanted_scopes(platform)),
        TOOL_CONFIGURATION: {
            "domain": site.domain,
            "description": site.description,
            "target_link_uri": site.launch_url,
            "custom_parameters": {},
            "claims": claims,
            "messages": dialect.messages(site, offer, platform.messages, platform.placements),
            **dialect.tool_extensions(site, offer),
        },
    }
    for locale, name in site.names.items():
        document[f"client_name#{locale}"] = name
    return document


def send(http: HttpClient, platform: PlatformConfiguration, token: str, document: Mapping[str, Any]) -> Registered:
    """Register with the platform. Raises RegistrationProblem.

    https://www.imsglobal.org/spec/lti-dr/v1p0#client-registration-request
    """
    headers = {"Accept": "application/json", "Content-Type": "application/json", **_bearer(token)}
    body = json.dumps(document, ensure_ascii=False).encode()
    try:
        answer = http.request("POST", platform.registration_url, headers=headers, data=body)
    except HttpError as error:
        code = "registration-unclear" if error.may_have_arrived else "registration-unreachable"
        raise RegistrationProblem(code, str(error)) from error
    if not 200 <= answer.status < 300:
        code = "registration-refused" if answer.status < 500 else "registration-unclear"
        raise RegistrationProblem(code, f"{shown(platform.registration_url)} answers {answer.status}", words(answer))
    return read_registered(_document(answer, "registration-unclear"))


def replace(http: HttpClient, platform: PlatformConfiguration, token: str, document: Mapping[str, Any]) -> None:
    """Put our configuration in the place of the one that the platform has, with an access token for that.

    Raises HttpError, and ServiceRefused with the platform's words.
    """
    headers = {"Accept": "application/json", "Content-Type": "application/json", **_bearer(token)}
    body = json.dumps(document, ensure_ascii=False).encode()
    answer = http.request("PUT", platform.registration_url, headers=headers, data=body)
    if not 200 <= answer.status < 300:
        raise ServiceRefused(words(answer), answer.status)


def read_registered(document: Mapping[str, Any]) -> Registered:
    """What the platform made of it. Raises RegistrationProblem where there is no client id.

    The deployment, and in Canvas the address for updates, stand inside the tool configuration or beside it.
    """
    inner = document.get(TOOL_CONFIGURATION)
    inner = inner if isinstance(inner, Mapping) else {}
    client_id = text_of(document.get("client_id")) or text_of(inner.get("client_id"))
    deployment_id = text_of(inner.get("deployment_id")) or text_of(document.get("deployment_id"))
    if not client_id or max(len(client_id), len(deployment_id)) > LONGEST_ID:
        raise RegistrationProblem("registration-unclear", "the answer has no usable client_id or deployment_id")
    scopes = document.get("scope")
    return Registered(
        client_id=client_id,
        deployment_id=deployment_id,
        scopes=tuple(text_of(scopes).split()) if isinstance(scopes, str) else None,
        update_url=secure_address(document.get("registration_client_uri")),
    )


def secure_address(value: Any, longest: int = LONGEST_ADDRESS) -> str:
    """`value` if it is an address that can be kept and called: https, or on this machine."""
    found = web_address(value)
    try:
        scheme, host, _ = origin(found)
    except ValueError:
        return ""
    return found if len(found) <= longest and (scheme == "https" or is_localhost(host)) else ""


def tool_named_in(token: str) -> str:
    """The tool that a platform's registration token says it is for: with Moodle the deployment that is updated.

    Nothing is proved by it: it only chooses what a page begins with.
    """
    try:
        claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "==="))
        return text_of(claims.get("sub"))
    except (ValueError, IndexError, AttributeError):
        return ""


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _document(answer: Response, code: str) -> Mapping[str, Any]:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise RegistrationProblem(code, f"{shown(answer.url)} answers with no JSON", words(answer)) from error
    if not isinstance(document, Mapping):
        raise RegistrationProblem(code, f"{shown(answer.url)} answers with JSON that is no object")
    return document


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _supported(value: Any) -> frozenset[str] | None:
    names = frozenset(entry for entry in _list(value) if isinstance(entry, str))
    return names or None


def _origin_text(url: str) -> str:
    scheme, host, port = origin(url)
    usual = {"http": 80, "https": 443}.get(scheme)
    return f"{scheme}://{host}" + ("" if port == usual else f":{port}")
