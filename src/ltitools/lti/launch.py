"""The verification of a launch: from the text that a browser posted to claims that can be trusted.

https://www.imsglobal.org/spec/security/v1p0/#authentication-response-validation (section 5.1.3) and
https://www.imsglobal.org/spec/lti/v1p3/#required-message-claims. Nothing here is stored or fetched: the
caller owns state, keys and the single use of the nonce.
"""

from __future__ import annotations

import hmac
import json
import math
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from pylti1p3.exception import LtiException
from pylti1p3.message_validators.deep_link import DeepLinkMessageValidator
from pylti1p3.message_validators.resource_message import ResourceMessageValidator
from pylti1p3.message_validators.submission_review import SubmissionReviewLaunchValidator

from ltitools.lti import claims as names
from ltitools.lti.claims import SignedClaims
from ltitools.lti.keys import ALGORITHM
from ltitools.lti.login import Platform, split_url
from ltitools.refusals import refused
from ltitools.secrets import hash_token

MAX_TOKEN_BYTES = 64_000
MAX_AGE = 3600
VALIDATORS = {
    names.RESOURCE_LINK_REQUEST: ResourceMessageValidator(),
    names.DEEP_LINKING_REQUEST: DeepLinkMessageValidator(),
    names.SUBMISSION_REVIEW_REQUEST: SubmissionReviewLaunchValidator(),
}


class Login(Protocol):
    """What is remembered of the login that a launch answers."""

    @property
    def nonce_hash(self) -> str: ...
    @property
    def target_link_uri(self) -> str: ...


def verify(
    token: str,
    platform: Platform,
    login: Login,
    key_named: Callable[[str], RSAKey | None],
    *,
    now: int,
    tolerance: int,
    public_url: str,
) -> SignedClaims:
    """The claims of `token`, if it is a launch of `platform` that answers `login`; refuses it otherwise.

    `key_named` gives the platform's key for a kid. `now` is in seconds since the epoch, `tolerance` the seconds
    by which the platform's clock may differ.
    """
    kid = _read_header(token)
    key = key_named(kid)
    if key is None:
        raise refused("token-key-unknown", f"kid {kid[:80]!r} is not in the platform's key set")
    signed = _check_signature(token, key)
    _check_parties(signed, platform)
    _check_times(signed, now, tolerance)
    _check_nonce(signed, login)
    _check_message(signed)
    _check_target(signed, login, public_url)
    return signed


def _read_header(token: str) -> str:
    """The kid of a token that claims to be signed the way we accept; nothing of it is trusted yet."""
    if len(token) > MAX_TOKEN_BYTES:
        raise refused("token-too-large", f"id_token has {len(token)} characters")
    parts = token.split(".")
    try:
        if len(parts) != 3:
            raise ValueError("not three parts")
        header = json.loads(urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
        if not isinstance(header, dict):
            raise ValueError("header is no object")
    except (ValueError, RecursionError) as error:
        raise refused("token-malformed", f"id_token: {error}") from error
    if header.get("alg") != ALGORITHM:
        raise refused("token-algorithm", f"alg {str(header.get('alg'))[:20]!r} instead of {ALGORITHM}")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise refused("token-key-unnamed", "the header has no kid")
    return kid


def _check_signature(token: str, key: RSAKey) -> SignedClaims:
    try:
        payload = jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload
    except (JoseError, ValueError) as error:
        raise refused("token-signature", f"{type(error).__name__}") from error
    try:
        claims = json.loads(payload)
        if not isinstance(claims, dict):
            raise ValueError("payload is no object")
    except (ValueError, RecursionError) as error:
        raise refused("token-malformed", f"id_token: {error}") from error
    return SignedClaims(claims)


def _check_parties(claims: SignedClaims, platform: Platform) -> None:
    """Issuer, audience and authorized party (Security Framework 5.1.3, points 2 to 5)."""
    if claims.get("iss") != platform.issuer:
        raise refused("token-issuer", f"iss {str(claims.get('iss'))[:80]!r} is not the registration's")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if platform.client_id not in audiences:
        raise refused("token-audience", f"aud {str(audience)[:80]!r} does not name our client_id")
    if set(map(str, audiences)) - {platform.client_id, platform.issuer}:
        raise refused("token-audience", f"aud {str(audience)[:80]!r} names an audience that is not trusted")
    if len(audiences) > 1 and "azp" not in claims:
        raise refused("token-audience", f"{len(audiences)} audiences in aud, but no azp")
    if claims.get("azp", platform.client_id) != platform.client_id:
        raise refused("token-audience", f"azp {str(claims['azp'])[:80]!r} is not our client_id")


def _check_times(claims: SignedClaims, now: int, tolerance: int) -> None:
    issued, expires, not_before = (_time(claims.get(name)) for name in ("iat", "exp", "nbf"))
    missing = [name for name, value in (("iat", issued), ("exp", expires)) if value is None]
    if issued is None or expires is None:
        raise refused("token-times-missing", f"{' and '.join(missing)} must be there and a number")
    if expires <= now - tolerance:
        raise refused(
            "token-expired",
            f"exp was {now - expires:.0f} s ago and iat {now - issued:.0f} s ago by our clock, tolerance {tolerance} s",
        )
    if issued > now + tolerance:
        raise refused("token-from-future", f"iat is {issued - now:.0f} s ahead of our clock, tolerance {tolerance} s")
    if issued < now - MAX_AGE - tolerance:
        raise refused(
            "token-too-old",
            f"iat was {now - issued:.0f} s ago by our clock, allowed are {MAX_AGE} s, tolerance {tolerance} s",
        )
    if not_before is not None and not_before > now + tolerance:
        raise refused(
            "token-from-future", f"nbf is {not_before - now:.0f} s ahead of our clock, tolerance {tolerance} s"
        )


def _time(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    # Python reads NaN and Infinity in JSON; neither is ever late.
    return seconds if math.isfinite(seconds) else None


def _check_nonce(claims: SignedClaims, login: Login) -> None:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not nonce:
        raise refused("nonce-missing", "the token has no nonce")
    if not hmac.compare_digest(hash_token(nonce), login.nonce_hash):
        raise refused("nonce-mismatch", "the nonce is not the one of this state")


def _check_message(claims: SignedClaims) -> None:
    """The required claims of the message (LTI 1.3 core 5.3, deep linking 4.4)."""
    if claims.get(names.VERSION) != "1.3.0":
        raise refused("message-version", f"version {str(claims.get(names.VERSION))[:20]!r}")
    message_type = claims.get(names.MESSAGE_TYPE)
    validator = VALIDATORS.get(message_type) if isinstance(message_type, str) else None
    if validator is None:
        raise refused("message-type", f"message_type {str(message_type)[:40]!r}")
    if not _is_text(claims.get("sub")):
        raise refused("message-user", "sub is missing")
    if not _is_text(claims.get(names.DEPLOYMENT_ID)):
        raise refused("message-incomplete", "deployment_id is missing")
    if not isinstance(claims.get(names.ROLES), list):
        raise refused("message-incomplete", "roles is missing")
    try:
        # The library reads nested claims without asking whether they are objects; Canvas sends nulls.
        validator.validate({key: value for key, value in claims.items() if value is not None})
    except (LtiException, AttributeError, TypeError) as error:
        raise refused("message-incomplete", f"{error}") from error
    if message_type == names.DEEP_LINKING_REQUEST:
        _check_return_url(claims[names.DEEP_LINKING_SETTINGS])
    else:
        # The library asks this of resource link launches only, and lets any value pass.
        _check_link(claims)


def _check_link(claims: SignedClaims) -> None:
    link = claims.get(names.RESOURCE_LINK)
    if not isinstance(link, Mapping) or not _is_text(link.get("id")):
        raise refused("message-incomplete", "resource_link.id is missing")


def _check_return_url(settings: Mapping[str, Any]) -> None:
    if not names.web_address(settings.get("deep_link_return_url")):
        raise refused("message-incomplete", "deep_link_return_url is missing or no web address")


def _is_text(value: Any) -> bool:
    """Whether `value` can be an identifier: the specification allows 255 ASCII characters."""
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _check_target(claims: SignedClaims, login: Login, public_url: str) -> None:
    """The page asked for must be ours, and the one that the login asked for.

    The query is left out of the comparison: it selects inside a page, and the claim is the one that counts.
    """
    target = claims.get(names.TARGET_LINK_URI)
    if not isinstance(target, str) or not target:
        raise refused("message-incomplete", "target_link_uri is missing")
    asked, own = split_url(target), urlsplit(public_url)
    if (asked.scheme, asked.netloc) != (own.scheme, own.netloc):
        raise refused("target-foreign", f"target_link_uri is on {_site(asked)!r}, not on {_site(own)!r}")
    if asked.path != urlsplit(login.target_link_uri).path:
        raise refused("message-target", f"target_link_uri has the path {asked.path[:80]!r}, not the login's")


def _site(url: SplitResult) -> str:
    """Scheme, host and port, for the log; an address may also hold a name and a password."""
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"[:80]
