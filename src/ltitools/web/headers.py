"""Headers of every answer: what the page may load, who may frame it, and that nothing of a visit is kept."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from ltitools.plugin.launch import Launch


def install(app: Flask) -> None:
    """Add the headers to every answer of `app`."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    if request.endpoint in ("static", "tool.static"):
        return response
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Content-Security-Policy", _policy())
    return response


def _policy() -> str:
    """Nothing inline, nothing from elsewhere; framed by the platform of the launch only.

    A refusal without a launch may be framed by anyone: it is often read inside a frame of an LMS that is not
    known here, and there is nothing on it to press.
    """
    parts = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action " + _form_targets(),
    ]
    launch: Launch | None = g.get("launch")
    if launch is not None:
        parts.append("frame-ancestors " + " ".join(("'self'", *launch.frame_origins)))
    return "; ".join(parts)


def _form_targets() -> str:
    """Our own pages, or the one address that a deep linking answer goes to."""
    target = urlsplit(g.get("form_target", ""))
    return f"{target.scheme}://{target.netloc}" if target.netloc else "'self'"
