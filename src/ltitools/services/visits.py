"""A launch that is under way: another link of its course, another window, its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update

from ltitools.db import new_public_id, session, utcnow
from ltitools.models import Activity, Launch, Link, OneTimeCode
from ltitools.refusals import refused
from ltitools.secrets import hash_token, new_secret
from ltitools.services import courses
from ltitools.services.launches import Layer

CODE_LIFETIME = timedelta(seconds=60)


def open_link(launch: Launch, link_id: int) -> Launch:
    """A visit of the same person, in the same browser and as long, to another link of the course of `launch`.

    It is what a launch through that link would have been, but for the custom values, which nobody has said now.
    Refuses a link of another course, and one that opens no activity of a tool.
    """
    found = session.execute(
        select(Link, Activity.plugin)
        .join(Activity, Activity.id == Link.activity_id)
        .where(
            Link.tenant_id == launch.tenant_id,
            Link.course_id == launch.course_id,
            Link.id == link_id,
            Activity.plugin != courses.HOST,
            *courses.visible_to(launch.roles),
        )
    ).first()
    if found is None or launch.course_id is None:
        raise refused("activity-unknown", f"link {link_id} from the course page")
    link, plugin = found
    return _another(
        launch,
        for_person_id=None,
        link_id=link.id,
        plugin=plugin,
        placement=courses.FROM_COURSE_PAGE,
        custom={},
        services={**launch.services, "scopes": link.service_scopes},
        deep_linking=None,
    )


def one_time_code(launch: Launch) -> str:
    """A code with which another window may go on with `launch`, once and within `CODE_LIFETIME`.

    Refuses it for a choice of content: its answer belongs to the frame in which the LMS waits for it.
    """
    if launch.deep_linking is not None:
        raise refused("page-unknown", "a choice of content stays in its frame")
    code = new_secret()
    session.add(
        OneTimeCode(
            code_hash=hash_token(code),
            tenant_id=launch.tenant_id,
            launch_id=launch.id,
            expires_at=utcnow() + CODE_LIFETIME,
        )
    )
    session.flush()
    return code


def move(code: str, secret: str) -> Launch:
    """The launch of a one-time code once more, for the browser window that shows `secret`. Uses the code up.

    The first window keeps its own.
    """
    used = session.execute(
        delete(OneTimeCode)
        .where(OneTimeCode.code_hash == hash_token(code))
        .returning(OneTimeCode.tenant_id, OneTimeCode.launch_id, OneTimeCode.expires_at)
    ).first()
    if used is None or used.expires_at <= utcnow():
        raise refused("window-code", "used or too old" if used is None else "too old")
    launch = session.execute(
        select(Launch).where(Launch.tenant_id == used.tenant_id, Launch.id == used.launch_id)
    ).scalar_one()
    if launch.expires_at <= utcnow():
        raise refused("launch-expired")
    return _another(launch, browser_hash=hash_token(secret), binding=Layer.CODE.value, in_window=True)


def _another(launch: Launch, **changes: Any) -> Launch:
    """A visit like `launch` but for `changes`, as long as it."""
    own = {"id", "created_at"}
    values = {column.key: getattr(launch, column.key) for column in Launch.__mapper__.column_attrs}
    another = Launch(**{name: value for name, value in values.items() if name not in own} | changes, id=new_public_id())
    session.add(another)
    session.flush()
    return another


def end(launch: Launch) -> None:
    """End this visit, all others of the person, and all that the same cookie opens.

    Other windows of a visit without a cookie have tokens of their own, so only the person tells that they belong
    together.
    """
    same = or_(Launch.person_id == launch.person_id, Launch.browser_hash == launch.browser_hash)
    session.execute(
        update(Launch)
        .where(Launch.tenant_id == launch.tenant_id, same, Launch.expires_at > utcnow())
        .values(expires_at=utcnow())
    )
