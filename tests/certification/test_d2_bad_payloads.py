"""D2: the known bad payloads of the certification suite (Conformance Certification Guide 1.3 section 6.1.1)."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from certification.helpers import raw_token
from ltitools.lti import claims as names

if TYPE_CHECKING:
    from certification.helpers import Lti


def test_d2_18_a_token_without_kid_is_refused(lti: Lti) -> None:
    for kid in (None, "", 7, ["platform-key-1"]):
        head = {"alg": "RS256", "typ": "JWT"} | ({} if kid is None else {"kid": kid})
        lti.refuses("token-key-unnamed", sign=partial(raw_token, head, key=lti.platform.key))


def test_d2_19_a_token_with_a_kid_that_is_not_published_is_refused(lti: Lti) -> None:
    for kid in ("platform-key-2", "PLATFORM-KEY-1", "../platform-key-1", "<b>x</b>"):
        lti.refuses("token-key-unknown", header={"kid": kid})


def test_d2_20_another_lti_version_is_refused(lti: Lti) -> None:
    for version in ("1.1", "1.3", "1.3.1", "LTI-1p0", 1.3, ["1.3.0"]):
        lti.refuses("message-version", version=version)


def test_d2_21_a_launch_without_lti_version_is_refused(lti: Lti) -> None:
    lti.refuses("message-version", version=None)
    lti.refuses("message-version", version="")


def test_d2_22_what_is_no_lti_message_is_refused(lti: Lti) -> None:
    """Neither another JSON document, however well signed, nor an OpenID Connect token of the platform without LTI."""
    head = {"alg": "RS256", "kid": lti.platform.kid, "typ": "JWT"}
    nested = b"[" * 20_000 + b"]" * 20_000
    for payload in (b"", b"not JSON", b"[]", b'"text"', b"null", b"\xff\xfe", nested):
        lti.refuses("token-malformed", token=raw_token(head, payload, lti.platform.key))
    for token in ("a.b.c", "a.b", "....", "e30.e30.e30", raw_token(nested, {}, lti.platform.key)):
        lti.refuses("token-malformed", "token-algorithm", token=token)
    lti.refuses("token-issuer", claims={"name": "badltilaunch"})
    plain = {name: value for name, value in lti.platform.claims().items() if not name.startswith(names.LTI)}
    lti.refuses("message-version", claims=plain)


def test_d2_23_a_launch_with_only_some_of_the_lti_claims_is_refused(lti: Lti) -> None:
    for missing in ("message_type", "deployment_id", "target_link_uri", "resource_link", "roles"):
        absent: dict[str, Any] = {missing: None}
        lti.refuses("message-incomplete", "message-type", **absent)
    lti.refuses("message-incomplete", deployment_id=None, roles=None, resource_link=None)


def test_d2_24_impossible_times_are_refused(lti: Lti) -> None:
    now = int(time.time())
    lti.refuses("token-expired", iat=now - 600, exp=now - 300)
    lti.refuses("token-from-future", iat=now + 600, exp=now + 900)
    lti.refuses("token-from-future", nbf=now + 600)
    lti.refuses("token-too-old", iat=11111, exp=now + 300)
    for odd in ("soon", str(now + 300), True, [now], float("inf"), float("nan"), 10**400):
        lti.refuses("token-times-missing", exp=odd)
        lti.refuses("token-times-missing", iat=odd)


def test_d2_25_a_launch_without_message_type_is_refused(lti: Lti) -> None:
    for message_type in (None, "", "LtiStartProctoring", "ltiresourcelinkrequest", ["LtiResourceLinkRequest"]):
        lti.refuses("message-type", message_type=message_type)


def test_d2_26_a_launch_without_roles_is_refused(lti: Lti) -> None:
    for roles in (None, "", "Learner", {"role": "Learner"}):
        lti.refuses("message-incomplete", roles=roles)


def test_d2_27_a_launch_without_deployment_is_refused(lti: Lti) -> None:
    for deployment in (None, "", 1, ["1"], "1" * 256, "1\0"):
        lti.refuses("message-incomplete", deployment_id=deployment)


def test_d2_28_a_launch_without_resource_link_id_is_refused(lti: Lti) -> None:
    links: tuple[Any, ...] = (
        None,
        {},
        [],
        "link-1",
        {"title": "Quiz"},
        {"id": ""},
        {"id": None},
        {"id": 5},
        {"id": "a\0b"},
    )
    for link in links:
        lti.refuses("message-incomplete", resource_link=link)


def test_d2_29_a_launch_that_names_no_person_is_refused(lti: Lti) -> None:
    """LTI 1.3 core section 5.3.6 allows anonymous launches; these tools record what somebody can do, so none does."""
    for sub in (None, "", 7, ["person-1"], "p" * 256, "person\0-1"):
        lti.refuses("message-user", sub=sub)
