"""What the tests of D10 share: a short activity, what the tool has recorded, and what went over the wire."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from ltitools.db import session, utcnow
from ltitools.demo_lms.loopback import new_session
from ltitools.models import Launch
from ltitools.services import tenants
from ltitools.testing import writing
from ltitools_diagnostic import pictures
from sites import TENANT, Sites

PICTURE = Path(__file__).parent.parent.parent / "docs" / "images" / "pick.png"
QUESTIONS = 3


def short_activity(sites: Sites, folder: Path) -> int:
    """A pre-assessment of three questions, one of them with a picture, placed in the course; its number there."""
    slug = f"short-{uuid.uuid4().hex[:6]}"
    with writing(sites.tool):
        picture = pictures.markdown(pictures.keep(tenants.by_key(TENANT).id, PICTURE.read_bytes()), "A screen")
        session.commit()
    rows = [f"Reading,What does number {number} show?,This {number},That {number},a" for number in (1, 2)]
    lines = ["competency,question,option_a,option_b,answer", *rows, f"Reading,What is on {picture}?,This,That,a"]
    file = folder / f"{slug}.csv"
    file.write_text("\n".join(lines), "utf-8")
    sites.import_questions(file, slug, slug)
    return sites.place(f"diagnostic:{slug}", title=slug)


def last_launch(sites: Sites) -> Launch:
    """The newest launch that the tool has recorded."""
    with sites.tool.app_context():
        launch = session.scalars(select(Launch).order_by(Launch.created_at.desc()).limit(1)).one()
        session.expunge_all()
        return launch


@contextmanager
def pulled(sites: Sites, **levers: str) -> Iterator[None]:
    """The LMS with levers pulled."""
    sites.control("levers", levers)
    try:
        yield
    finally:
        sites.control("levers", {})


def expire(sites: Sites, home: str) -> None:
    """What the hours do: the launch of an address is over."""
    with writing(sites.tool):
        past = utcnow() - timedelta(seconds=1)
        session.execute(update(Launch).where(Launch.id == home.split("/")[-2]).values(expires_at=past))


def refusal_of(sites: Sites, url: str, token: str) -> str:
    """The code of the refusal that the tool answers to somebody in possession of a token; empty if it opens."""
    with new_session(sites.ca_file) as http:
        answer = http.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    found = re.search(r'class="error-code">([a-z-]+)<', answer.text)
    assert answer.ok or found
    return "" if answer.ok or not found else found[1]


@dataclass
class Wire:
    """What went to both sites and back: the lines that logs of servers could hold, and the tokens in headers."""

    lines: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    @classmethod
    @contextmanager
    def watching(cls, sites: Sites) -> Iterator[Wire]:
        """The wire while the sites are used inside the block."""
        wire = cls()
        with pytest.MonkeyPatch.context() as patch:
            for app in (sites.tool, sites.lms):
                patch.setattr(app, "wsgi_app", wire.around(app.wsgi_app))
            yield wire

    def around(self, app: Any) -> Any:
        """The application, with an ear on it."""

        def heard(environ: dict[str, Any], start_response: Any) -> Any:
            kind, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
            if kind == "Bearer":
                self.tokens.add(token)
            line = [environ[name] for name in ("REQUEST_METHOD", "RAW_URI")] + [environ.get("HTTP_REFERER", "")]

            def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
                self.lines.append(" ".join([*line, status, dict(headers).get("Location", "")]))
                return start_response(status, headers, *more)

            return app(environ, start)

        return heard
