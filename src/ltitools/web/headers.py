"""Headers of every answer: what the page may load, who may frame it, and that nothing of a visit is kept."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from ltitools.context import current_host

VISIT = "X-Ltitools-Visit"
"""Shows the script of a visit without a cookie that an answer is ours: ``open``, ``ended`` with this answer, or only
the ``shell`` that finds the token."""
YEAR = 31_536_000
FEATURES = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
"""What no page of ours asks the browser for, and no script that got into one shall."""


def install(app: Flask) -> None:
    """Add the headers to every answer of `app`."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    if current_host().settings.public_url.startswith("https:"):
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
    if request.endpoint in ("static", "tool.static"):
        return response
    headers.setdefault(VISIT, "open")
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", _policy())
    headers.setdefault("Permissions-Policy", ", ".join(f"{feature}=()" for feature in FEATURES))
    return response


def _policy() -> str:
    """Nothing inline, nothing from elsewhere; framed by the platform of the launch only.

    A refusal without a launch may be framed by anyone: it is often read inside a frame of an LMS that is not
    known here, and there is nothing on it to press. A page around the pages of a visit shows them in a frame, and
    pictures that its script asked for.
    """
    shell = g.get("is_shell", False)
    parts = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:" + (" blob:" if shell else ""),
        "media-src 'self'" + (" blob:" if shell else ""),
        "font-src 'self'",
        "connect-src 'self'",
        *(["frame-src 'self'"] if shell else []),
        "base-uri 'none'",
        "form-action " + _form_targets(),
    ]
    origins: tuple[str, ...] | None = g.get("frame_origins")
    if origins is not None:
        parts.append("frame-ancestors " + " ".join(("'self'", *origins)))
    return "; ".join(parts)


def _form_targets() -> str:
    """Our own pages (an empty address), or what an answer to the LMS needs."""
    targets = [urlsplit(url) for url in g.get("form_targets", ("",))]
    return " ".join(f"{target.scheme}://{target.netloc}" if target.netloc else "'self'" for target in targets)
