"""Files that tools keep: sealed, once, limited, for a time, and shown to people of their institution only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from ltitools.errors import Refused, SettingsError
from ltitools.models import File
from ltitools.plugin import files, session, utcnow
from ltitools.services import tenants
from ltitools.services.files import forget_expired
from ltitools.testing import Platform, Visit, deliver, error_code, writing

CONTENT = b"\x89PNG and what a picture holds" * 3


@pytest.fixture
def other(app: Flask) -> Iterator[Platform]:
    """The platform of another institution."""
    platform = Platform("https://other.example.test", "client-2")
    platform.register(app, "beta")
    yield platform
    platform.close()


def put(app: Flask, content: bytes = CONTENT, tenant: str = "acme", plugin: str = "probe", **values: Any) -> str:
    with writing(app):
        media_type = values.pop("media_type", "image/png")
        return files.put(tenants.by_key(tenant).id, plugin, content, media_type, **values).id


def content_of(app: Flask, file_id: str, tenant: str = "acme") -> bytes | None:
    with app.app_context():
        found = files.get(tenants.by_key(tenant).id, file_id)
        return found.content if found else None


def address(visit: Visit, file_id: str) -> str:
    return f"/tools/-/{visit.launch_id}/files/{file_id}"


def count(app: Flask) -> int:
    with app.app_context():
        return session.scalar(select(func.count()).select_from(File)) or 0


def test_a_file_comes_back_as_it_was_put(app: Flask, platform: Platform) -> None:
    file_id = put(app, name="a picture.png")
    with app.app_context():
        found = files.get(tenants.by_key("acme").id, file_id)
    assert found == files.StoredFile(file_id, "image/png", "a picture.png", CONTENT)


def test_nothing_of_a_file_can_be_read_in_the_database(app: Flask, platform: Platform) -> None:
    file_id = put(app)
    with app.app_context():
        stored = bytes(session.execute(text("SELECT content FROM file")).scalar_one())
    assert b"picture" not in stored
    with writing(app):
        session.execute(update(File).values(tenant_id=tenants.add("beta", "Beta")[0].id))
    with pytest.raises(SettingsError):
        content_of(app, file_id, "beta")


def test_the_same_bytes_are_there_once_for_each_tool_and_institution(
    app: Flask, platform: Platform, other: Platform
) -> None:
    first = put(app)
    assert put(app) == first
    assert len({first, put(app, plugin="else"), put(app, tenant="beta"), put(app, CONTENT + b"!")}) == 4
    assert count(app) == 4


def test_a_file_of_another_institution_does_not_exist(app: Flask, platform: Platform, other: Platform) -> None:
    theirs = put(app, tenant="beta")
    visit = platform.visit(app.test_client())
    answer = visit.get(address(visit, theirs))
    assert (answer.status_code, error_code(answer)) == (404, "page-unknown")
    assert content_of(app, theirs) is None
    with app.app_context():
        assert files.known(tenants.by_key("acme").id, [theirs]) == set()
    with writing(app):
        files.delete(tenants.by_key("acme").id, theirs)
    assert content_of(app, theirs, "beta") == CONTENT


def test_a_picture_is_shown_with_headers_that_allow_it_nothing(app: Flask, platform: Platform) -> None:
    visit = platform.visit(app.test_client())
    answer = visit.get(address(visit, put(app)))
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


HEADERS = {
    "Content-Type": "image/png",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=3600, immutable",
}


@pytest.mark.parametrize("media_type", ["image/svg+xml", "text/html", "application/pdf"])
def test_what_could_run_a_script_has_no_address(app: Flask, platform: Platform, media_type: str) -> None:
    visit = platform.visit(app.test_client())
    assert visit.get(address(visit, put(app, media_type=media_type))).status_code == 404


def test_a_picture_is_for_the_browser_of_the_launch_only(app: Flask, platform: Platform) -> None:
    visit = platform.visit(app.test_client())
    path = address(visit, put(app))
    stranger = Visit(app.test_client(), visit.path, visit.launch_id)
    assert error_code(stranger.get(path)) == "launch-other-browser"
    other_visit = platform.visit(visit.client, sub="person-2")
    assert other_visit.get(path).status_code == 200


def test_a_file_that_is_too_large_is_refused(start_app: Callable[..., Flask]) -> None:
    app = start_app(max_file_bytes=len(CONTENT))
    with writing(app):
        tenants.add("acme", "Acme")
    put(app)
    with pytest.raises(Refused) as caught:
        put(app, CONTENT + b"!")
    assert (caught.value.code, caught.value.status) == ("request-too-large", 413)
    assert count(app) == 1


def test_an_institution_has_so_much_room_and_what_is_there_takes_none(start_app: Callable[..., Flask]) -> None:
    app = start_app(max_files_bytes=2 * len(CONTENT))
    with writing(app):
        tenants.add("acme", "Acme")
        tenants.add("beta", "Beta")
    put(app)
    second = put(app, CONTENT[::-1])
    with pytest.raises(Refused) as caught:
        put(app, b"!")
    assert caught.value.code == "files-full"
    assert put(app, CONTENT[::-1]) == second
    put(app, b"!", tenant="beta")


def test_a_file_is_kept_until_its_time_and_for_good_where_somebody_wants_that(app: Flask, platform: Platform) -> None:
    past, later = utcnow() - timedelta(seconds=1), utcnow() + timedelta(days=1)
    over = put(app, keep_until=past)
    waiting, for_good = put(app, b"waits", keep_until=later), put(app, b"stays")
    wanted_again = put(app, b"again", keep_until=past)
    assert put(app, b"again", keep_until=later) == wanted_again
    assert put(app, b"stays", keep_until=later) == for_good
    assert content_of(app, over) is None
    with writing(app):
        forget_expired()
    assert count(app) == 3
    assert content_of(app, waiting) == b"waits"
    assert content_of(app, wanted_again) == b"again"
    with app.app_context():
        kept = session.execute(select(File.id).where(File.keep_until.is_(None))).scalars().all()
    assert kept == [for_good]


def test_the_worker_removes_what_is_over(app: Flask, platform: Platform) -> None:
    put(app, keep_until=utcnow() - timedelta(seconds=1))
    worker = app.extensions["ltitools.worker"]
    worker._tidied_at -= timedelta(minutes=1)
    deliver(app)
    assert count(app) == 0
