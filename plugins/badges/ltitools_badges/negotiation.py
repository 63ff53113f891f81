"""Which form of a thing a reader wants, and answers to machines: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request

HTML = "text/html"
CREDENTIAL = "application/vc+ld+json"
LINKED_DATA = "application/ld+json"
JSON = "application/json"
JWT = "application/vc+jwt"
TEXT = "text/plain"
DID = "application/did+json"
PNG = "image/png"
SVG = "image/svg+xml"

CREDENTIAL_FORMS = (HTML, CREDENTIAL, "application/vc", LINKED_DATA, JSON, TEXT, JWT, "application/jwt")
PAGE_OR_JSON = (HTML, JSON, LINKED_DATA)
STATUS_FORMS = (CREDENTIAL, "application/vc", LINKED_DATA, JSON, JWT, "application/jwt", TEXT)
JWT_FORMS = frozenset({TEXT, JWT, "application/jwt"})

NO_CACHE = "no-cache"
SHORT = "max-age=300"
FOREVER = "max-age=31536000, immutable"


def wanted(offered: Sequence[str]) -> str:
    """The form that the request prefers. One that it names wins over one that only a wildcard lets in.

    The first is for those who take anything: programs that make previews of links say so, and want a page.
    """
    accepted = request.accept_mimetypes
    named = {value.lower() for value, _quality in accepted}
    best = max(range(len(offered)), key=lambda at: (accepted.quality(offered[at]), offered[at] in named, -at))
    return offered[best]


def machine(
    body: str | bytes | Mapping[str, Any],
    media_type: str,
    *,
    cache: str = NO_CACHE,
    vary: bool = False,
    file_name: str = "",
) -> Response:
    """An answer that a program of any site may read, and need not read twice (304)."""
    content = json.dumps(body, ensure_ascii=False, indent=1) if isinstance(body, Mapping) else body
    response = Response(content, content_type=with_charset(media_type))
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = f"public, {cache}"
    if vary:
        response.vary.add("Accept")
    if media_type == SVG:
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    if file_name:
        response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response


def with_charset(media_type: str) -> str:
    """JSON and pictures are of one encoding by definition; text says its own."""
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
