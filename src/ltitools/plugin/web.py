"""The way out to other servers, guarded against private addresses, and our own public address."""

from collections.abc import Mapping

from ltitools.context import current_host
from ltitools.http import HttpError, Response


def get(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    max_bytes: int | None = None,
    total_timeout: float | None = None,
) -> Response:
    """Ask for an address that somebody else chose. Any status is an answer; raises HttpError where there is none.

    `max_bytes` and `total_timeout`, in seconds, are narrower limits than those of the server's settings. No
    transaction should be open meanwhile.
    """
    client = current_host().http
    return client.request("GET", url, headers=headers, max_bytes=max_bytes, total_timeout=total_timeout)


def public_url() -> str:
    """Where this server is for everybody, without a slash at the end."""
    return current_host().settings.public_url


__all__ = ["HttpError", "Response", "get", "public_url"]
