"""What a platform answers instead of a launch, as codes of refusals.

https://openid.net/specs/openid-connect-core-1_0.html#AuthError and https://www.rfc-editor.org/rfc/rfc6749#section-4.2.2.1.
Canvas sends ``login_required``, ``launch_no_longer_valid``, ``unauthorized_client`` and ``invalid_request_object``,
each with a description; Moodle ``access_denied``, ``unauthorized_client`` and ``invalid_request``, mostly without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LAUNCH_USED = "platform-launch-used"
SIGNED_OUT = "platform-signed-out"
REQUEST_REFUSED = "platform-request-refused"
UNAVAILABLE = "platform-unavailable"
REFUSED = "platform-refused"
TOO_LATE = re.compile(r"\b(?:expired|consumed|no longer valid)\b", re.IGNORECASE)

_CODES: Mapping[str, str] = {
    "login_required": SIGNED_OUT,
    "interaction_required": SIGNED_OUT,
    "account_selection_required": SIGNED_OUT,
    "launch_no_longer_valid": LAUNCH_USED,
    "unauthorized_client": "platform-client-refused",
    # Moodle's word for somebody else being signed in now than when the activity was opened.
    "access_denied": "platform-access-denied",
    "invalid_request": REQUEST_REFUSED,
    "invalid_request_object": REQUEST_REFUSED,
    "invalid_scope": REQUEST_REFUSED,
    "unsupported_response_type": REQUEST_REFUSED,
    "server_error": UNAVAILABLE,
    "temporarily_unavailable": UNAVAILABLE,
}


def code_of(error: str, description: str) -> str:
    """The code of the refusal for an error response.

    OAuth has no word for a launch that waited too long, so where a platform says so in its description only, with a
    word that would send people to the administrator, the description counts.
    """
    code = _CODES.get(error, REFUSED)
    return LAUNCH_USED if code == REQUEST_REFUSED and TOO_LATE.search(description) else code
