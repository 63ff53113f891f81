"""Small things about addresses."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit


def origin_of(url: str) -> str:
    """Scheme, host and port of `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def domain_of(url: str) -> str:
    """Host and port of an address, or of a domain written without a scheme; ``www.`` counts as nothing."""
    return url.partition("://")[2 if "://" in url else 0].split("/")[0].split("?")[0].lower().removeprefix("www.")


def with_query(url: str, **values: str) -> str:
    """`url` with `values` added to the query that it has."""
    parts = urlsplit(url)
    return parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *values.items()])).geturl()
