"""Answers that come in pages: the ``Link`` header, read the way platforms write it, and a way that ends.

https://www.imsglobal.org/spec/lti-nrps/v2p0/#limit-query-parameter and RFC 8288.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from ltitools.http import Response, origin
from ltitools.lti.services import ServiceRefused

MAX_PAGES = 200
TARGET = re.compile(r"<([^<>]*)>([^<>]*)")
RELATION = re.compile(r"""[;\s]rel\s*=\s*(?:"([^"]*)"|([^\s";,]+))""", re.IGNORECASE)
# Moodle writes the header for a web page: typographic quotes, which arrive as the single bytes of their UTF-8.
QUOTES = re.compile("“|”|„|‟|″|‘|’|'|â\x80[\x98\x99\x9c\x9d\x9e\x9f]|â\x80\xb3")


class ForeignPage(ServiceRefused):
    """The next page would be at another origin, where our access token must never go."""

    def __init__(self, url: str) -> None:
        super().__init__(f"the list goes on at another place, {urlsplit(url).netloc}")


@dataclass
class Pages:
    """The documents of all pages, in order. Not `complete` where the platform leads in a circle or on without end."""

    documents: list[Any] = field(default_factory=list)
    complete: bool = True


def read_pages(first: str, get: Callable[[str], tuple[Response, Any]]) -> Pages:
    """Every page from the address `first` on. `get` asks for one and gives the answer with its document.

    Raises ForeignPage before anything is asked of another origin, and what `get` raises.
    """
    found = Pages()
    seen: set[str] = set()
    url = first
    while url:
        if url in seen or len(seen) == MAX_PAGES:
            found.complete = False
            break
        seen.add(url)
        answer, document = get(url)
        found.documents.append(document)
        url = next_page(answer)
        if url and origin(url) != origin(first):
            raise ForeignPage(url)
    return found


def next_page(answer: Response) -> str:
    """The address of the next page, empty on the last. Relative ones are resolved; the case of letters is kept.

    Quotes may be straight, typographic or missing, and an ``&`` may be written as on a web page.
    """
    header = QUOTES.sub('"', answer.headers.get("link", ""))
    target: str
    for target, parameters in TARGET.findall(header):
        for quoted, bare in RELATION.findall(parameters):
            if "next" in (quoted or bare).lower().split():
                try:
                    return urljoin(answer.url, target.strip().replace("&amp;", "&"))
                except ValueError:
                    return ""
    return ""
