"""From a login to a launch: what is remembered in between, and what a launch leaves in the database."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import Table, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.dml import ReturningInsert

from ltitools.context import current_host
from ltitools.db import dialect_name, new_public_id, session, upsert, utcnow
from ltitools.lti.claims import INSTRUCTORS, DeepLinkingSettings, Message, Role
from ltitools.lti.login import LoginRequest
from ltitools.lti.platforms import dialect_of
from ltitools.lti.platforms.canvas import ACCOUNT_NAVIGATION, COURSE_NAVIGATION
from ltitools.models import (
    Activity,
    Course,
    Deployment,
    Enrolment,
    Launch,
    Link,
    OneTimeCode,
    PendingLogin,
    Person,
    Registration,
    Tenant,
)
from ltitools.refusals import refused
from ltitools.secrets import hash_token
from ltitools.services import courses, rosters

FORGET_LOGINS_AFTER = timedelta(days=1)


class Layer(StrEnum):
    """What tied a launch to the browser in which its login began; CODE is a launch that was taken to a window."""

    COOKIE = "cookie"
    STORAGE = "storage"
    PLATFORM = "platform"
    NAME = "name"
    CODE = "code"


# The statements of every launch are made once: putting them together takes longer than the database does.
_TENANT = select(Tenant).where(Tenant.key == bindparam("key"))
_OF_ISSUER = select(Registration).where(
    Registration.tenant_id == bindparam("tenant_id"), Registration.issuer == bindparam("issuer")
)
_LOGIN = (
    select(PendingLogin, Registration, Tenant)
    .join(Registration, Registration.id == PendingLogin.registration_id)
    .join(Tenant, Tenant.id == PendingLogin.tenant_id)
    .where(PendingLogin.state_hash == bindparam("state_hash"), Tenant.key == bindparam("key"))
)
_USE_UP = (
    update(cast(Table, PendingLogin.__table__))
    .where(
        PendingLogin.state_hash == bindparam("of_state"),
        PendingLogin.tenant_id == bindparam("of_tenant"),
        PendingLogin.used_at.is_(None),
    )
    .returning(PendingLogin.state_hash)
)
_DEPLOYMENT = select(Deployment).where(
    Deployment.tenant_id == bindparam("tenant_id"),
    Deployment.registration_id == bindparam("registration_id"),
    Deployment.deployment_id == bindparam("deployment_id"),
)
_ACTIVITY = select(Activity).where(
    Activity.tenant_id == bindparam("tenant_id"),
    Activity.plugin == bindparam("plugin"),
    Activity.slug == bindparam("slug"),
)


@cache
def _person_statement(dialect: str) -> ReturningInsert[int, str | None]:
    statement = upsert(Person.__table__, dialect)
    said = {name: statement.excluded[name] for name in ("name", "email", "is_test", "seen_at")}
    return statement.on_conflict_do_update(index_elements=["registration_id", "sub"], set_=said).returning(
        Person.id, Person.chosen_locale
    )


@cache
def _course_statement(dialect: str) -> ReturningInsert[int, str | None, datetime | None]:
    statement = upsert(Course.__table__, dialect)
    said = statement.excluded
    kept = {
        "title": said.title,
        "label": said.label,
        "memberships_url": func.coalesce(said.memberships_url, Course.memberships_url),
    }
    return statement.on_conflict_do_update(index_elements=["deployment_pk", "context_id"], set_=kept).returning(
        Course.id, Course.memberships_url, Course.roster_asked_at
    )


@cache
def _enrolment_statement(dialect: str) -> postgresql.Insert:
    statement = upsert(Enrolment.__table__, dialect)
    said = {name: statement.excluded[name] for name in ("roles", "status", "seen_at")}
    return statement.on_conflict_do_update(index_elements=["person_id", "course_id"], set_=said)


@cache
def _link_statement(dialect: str, is_review: bool, with_scopes: bool) -> ReturningInsert[int, int | None]:
    """What a launch leaves out stays. The line item of a review is the one that somebody looked at, which need not be
    the link's own.
    """
    statement = upsert(Link.__table__, dialect)
    said = statement.excluded
    names = (
        "course_id",
        "title",
        "line_item_url",
        "line_items_url",
        "service_scopes",
        "activity_id",
        "learner_seen_at",
    )
    kept = {name: func.coalesce(said[name], getattr(Link, name)) for name in names}
    if is_review:
        kept["line_item_url"] = func.coalesce(Link.line_item_url, said.line_item_url)
    if not with_scopes:
        del kept["service_scopes"]
    return statement.on_conflict_do_update(index_elements=["deployment_pk", "resource_link_id"], set_=kept).returning(
        Link.id, Link.activity_id
    )


@dataclass(frozen=True)
class PendingWith:
    """A pending login with the registration and institution it belongs to."""

    login: PendingLogin
    registration: Registration
    tenant: Tenant


def enabled_tenant(tenant_key: str) -> Tenant:
    """The institution of an address; refuses one that is unknown or switched off."""
    tenant = session.scalar(_TENANT, {"key": tenant_key})
    if tenant is None:
        raise refused("tenant-unknown")
    if not tenant.enabled:
        raise refused("tenant-disabled")
    return tenant


def find_registration(tenant: Tenant, issuer: str, client_id: str | None) -> Registration:
    """The registration a login is for. Without a client ID it must be the only one of its issuer."""
    of_issuer = session.scalars(_OF_ISSUER, {"tenant_id": tenant.id, "issuer": issuer}).all()
    if not of_issuer:
        raise refused("platform-unknown", f"iss {issuer[:80]!r}")
    matching = [found for found in of_issuer if client_id in (None, found.client_id)]
    if not matching:
        raise refused("client-unknown", f"client_id {(client_id or '')[:80]!r}")
    if len(matching) > 1:
        raise refused("client-ambiguous", f"{len(matching)} clients of this issuer and no client_id")
    if not matching[0].enabled:
        raise refused("registration-disabled")
    return matching[0]


def remember_login(
    registration: Registration, asked: LoginRequest, state: str, nonce: str, secret: str, *, window: bool
) -> None:
    """Keep state, nonce and what the browser keeps, hashed, until the launch comes back.

    `window` says that the login came from a frame of ours which could keep nothing.
    """
    lifetime = timedelta(seconds=current_host().settings.login_lifetime)
    session.add(
        PendingLogin(
            state_hash=hash_token(state),
            tenant_id=registration.tenant_id,
            registration_id=registration.id,
            nonce_hash=hash_token(nonce),
            browser_hash=hash_token(secret),
            target_link_uri=asked.target_link_uri[:2048],
            storage_target=asked.storage_target,
            in_window=window,
            expires_at=utcnow() + lifetime,
        )
    )
    session.flush()


def find_login(tenant_key: str, state: str) -> PendingWith:
    """The login that a launch answers, unused and in time; whose browser it is, is for the caller to check."""
    if not state:
        raise refused("state-missing", "no state in the authentication response")
    row = session.execute(_LOGIN, {"state_hash": hash_token(state), "key": tenant_key}).first()
    if row is None:
        raise refused("state-unknown", "no login of this institution has this state")
    login, registration, tenant = row
    if not tenant.enabled:
        raise refused("tenant-disabled")
    if not registration.enabled:
        raise refused("registration-disabled")
    if login.used_at is not None:
        raise refused("state-used", f"answered {_ago(login.used_at)} ago")
    if login.expires_at <= utcnow():
        raise refused("state-expired", f"the login began {_ago(login.created_at)} ago")
    return PendingWith(login, registration, tenant)


def _ago(moment: datetime) -> str:
    return f"{(utcnow() - moment).total_seconds():.0f} s"


def use_up(login: PendingLogin) -> None:
    """Use state and nonce up, by one atomic statement; refuses a second use."""
    of_login = {"of_state": login.state_hash, "of_tenant": login.tenant_id}
    used = session.execute(_USE_UP, {**of_login, "used_at": utcnow()}).first()
    if used is None:
        raise refused("state-used", "answered at this moment")


def record(
    registration: Registration,
    message: Message,
    secret: str,
    locale: str,
    binding: Layer = Layer.COOKIE,
    *,
    window: bool = False,
) -> Launch:
    """Write person, course, enrolment, link and launch in the caller's transaction. Refuses what is not released.

    `secret` is what the browser will show on every page. `locale` is what the launch is shown in, unless the person
    has chosen another. A deployment that has to be approved first is remembered, so that it can be.
    """
    _check_review(message)
    deployment = _deployment(registration, message.deployment_id)
    person_id, chosen_locale = _person(registration, message)
    for_person_id = _reviewed(registration, message, person_id) if message.is_review else None
    course_id = _course(deployment, message) if message.context_id else None
    if course_id is not None:
        _enrol(registration.tenant_id, person_id, course_id, message)
    of_course = _is_of_course(registration, message)
    activity = None if of_course else _named_activity(registration.tenant_id, message)
    link_id, activity_id = None, activity.id if activity else None
    if message.resource_link_id:
        link_id, activity_id = _link(registration, deployment, message, course_id, activity_id)
    if activity is None and activity_id is not None:
        activity = session.scalar(
            select(Activity).where(Activity.tenant_id == registration.tenant_id, Activity.id == activity_id)
        )
    launch = Launch(
        id=new_public_id(),
        tenant_id=registration.tenant_id,
        registration_id=registration.id,
        deployment_pk=deployment.id,
        person_id=person_id,
        for_person_id=for_person_id,
        course_id=course_id,
        link_id=link_id,
        plugin=courses.HOST if of_course else activity.plugin if activity else None,
        browser_hash=hash_token(secret),
        binding=binding.value,
        in_window=window,
        message_type=message.message_type,
        roles=sorted(message.roles),
        is_administrator=message.is_administrator,
        locale=chosen_locale or locale,
        placement=message.placement,
        custom=dict(message.custom),
        services={"scopes": list(message.service_scopes), "memberships_url": message.memberships_url},
        deep_linking=_settings_as_json(message.deep_linking),
        return_url=message.return_url or None,
        expires_at=utcnow() + timedelta(hours=current_host().settings.launch_hours),
    )
    session.add(launch)
    session.flush()
    return launch


def platform_origins(registration: Registration, *urls: str | None) -> tuple[str, ...]:
    """Where this platform's pages are: hosted Canvas has an issuer of its own and a host for each school.

    `urls` are addresses that a launch named.
    """
    parts = [urlsplit(url) for url in (registration.issuer, registration.auth_url, *urls) if url]
    return tuple(sorted({f"{p.scheme}://{p.netloc}" for p in parts if p.scheme in ("http", "https") and p.netloc}))


def forget_old() -> None:
    """Drop logins that nobody finished, and codes. Launches stay: they are the record of who used what."""
    session.execute(delete(PendingLogin).where(PendingLogin.expires_at < utcnow() - FORGET_LOGINS_AFTER))
    session.execute(delete(OneTimeCode).where(OneTimeCode.expires_at < utcnow()))


def deep_linking_settings(launch: Launch) -> DeepLinkingSettings | None:
    """What `record` kept of the deep linking request."""
    kept = launch.deep_linking
    if kept is None:
        return None
    sets = {name: frozenset(kept[name]) for name in ("accept_types", "targets")}
    return DeepLinkingSettings(**{**kept, **sets, "data": json.loads(kept["data"])})


def _settings_as_json(settings: DeepLinkingSettings | None) -> dict[str, Any] | None:
    if settings is None:
        return None
    values = {
        name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(settings).items()
    }
    # As text: it goes back to the platform as it came, whatever a database makes of its characters.
    return {**values, "data": json.dumps(settings.data)}


def _deployment(registration: Registration, deployment_id: str) -> Deployment:
    this = {
        "tenant_id": registration.tenant_id,
        "registration_id": registration.id,
        "deployment_id": deployment_id,
    }
    found = session.scalar(_DEPLOYMENT, this)
    if found is None:
        if registration.deployments_policy == "listed":
            raise refused("deployment-unknown", f"deployment_id {deployment_id[:80]!r}")
        state = "approved" if registration.deployments_policy == "auto" else "pending"
        # A class opens a new activity at once, so another launch may write the same row first.
        session.execute(upsert(Deployment).values(**this, state=state).on_conflict_do_nothing())
        found = session.scalars(_DEPLOYMENT, this).one()
    if found.state == "pending":
        # Remembered although the launch is refused: somebody has to be able to approve it.
        session.commit()
        raise refused("deployment-pending", f"deployment_id {deployment_id[:80]!r}")
    if found.state == "rejected":
        raise refused("deployment-rejected", f"deployment_id {deployment_id[:80]!r}")
    return found


def _person(registration: Registration, message: Message) -> tuple[int, str | None]:
    values = {
        "tenant_id": registration.tenant_id,
        "registration_id": registration.id,
        "sub": message.sub[:255],
        "name": message.name,
        "email": message.email,
        "is_test": message.is_test,
        "seen_at": utcnow(),
    }
    row = session.execute(_person_statement(dialect_name()), values).one()
    return row.id, row.chosen_locale


def _check_review(message: Message) -> None:
    """Somebody's work is shown to those who teach, and to the person: Moodle lets a learner look at their own.

    https://www.imsglobal.org/spec/lti-sr/v1p0#submission-review-message
    """
    if not message.is_review:
        return
    if not 0 < len(message.for_user_id) <= 255:
        raise refused("message-incomplete", "for_user.user_id is missing or too long")
    if message.for_user_id != message.sub and message.roles.isdisjoint(INSTRUCTORS):
        raise refused("review-forbidden", "for_user is somebody else, and the person teaches nothing here")


def _reviewed(registration: Registration, message: Message, person_id: int) -> int:
    """The person whose work it is. Somebody who was never here is known from now on, and has nothing to show yet."""
    if message.for_user_id == message.sub:
        return person_id
    this = {"registration_id": registration.id, "sub": message.for_user_id}
    session.execute(
        upsert(Person)
        .values(**this, tenant_id=registration.tenant_id, name=message.for_user_name, email="", is_test=False)
        .on_conflict_do_nothing(index_elements=list(this))
    )
    found = select(Person.id).where(Person.tenant_id == registration.tenant_id).filter_by(**this)
    return session.scalars(found).one()


def _course(deployment: Deployment, message: Message) -> int:
    """The course. Where somebody who teaches comes in, the LMS is asked who else is there, unless it just was."""
    values = {
        "tenant_id": deployment.tenant_id,
        "deployment_pk": deployment.id,
        "context_id": message.context_id[:255],
        "title": message.context_title,
        "label": message.context_label,
        "memberships_url": message.memberships_url or None,
    }
    row = session.execute(_course_statement(dialect_name()), values).one()
    if row.memberships_url and not message.roles.isdisjoint(INSTRUCTORS):
        rosters.ask_if_old(deployment.tenant_id, row.id, row.roster_asked_at)
    return int(row.id)


def _enrol(tenant_id: int, person_id: int, course_id: int, message: Message) -> None:
    values = {
        "tenant_id": tenant_id,
        "person_id": person_id,
        "course_id": course_id,
        "roles": sorted(message.roles),
        "status": "active",
        "seen_at": utcnow(),
    }
    session.execute(_enrolment_statement(dialect_name()), values)


def _is_of_course(registration: Registration, message: Message) -> bool:
    """Whether the link stands for the whole course; it opens the course page, and is bound to no activity."""
    if message.deep_linking or not message.context_id or message.placement == ACCOUNT_NAVIGATION:
        return False
    dialect = dialect_of(registration.platform)
    return message.placement == COURSE_NAVIGATION or dialect.is_course_link(
        message.resource_link_id, message.context_id
    )


def _named_activity(tenant_id: int, message: Message) -> Activity | None:
    """The activity of the custom parameter ``activity=<plugin>:<slug>``, None where there is none."""
    name = message.custom.get("activity", "")
    if not name or message.deep_linking:
        return None
    if name == courses.COURSE:
        return courses.page_activity(tenant_id)
    plugin, _, slug = name.partition(":")
    found = session.scalar(_ACTIVITY, {"tenant_id": tenant_id, "plugin": plugin, "slug": slug})
    if found is None:
        raise refused("activity-unknown", f"activity {name[:120]!r}")
    return found


def _is_learner(message: Message) -> bool:
    """Whether the LMS shows a link to the person as a learner, and not because they teach or administer."""
    return Role.LEARNER in message.roles and message.roles.isdisjoint(INSTRUCTORS)


def _link(
    registration: Registration, deployment: Deployment, message: Message, course_id: int | None, activity_id: int | None
) -> tuple[int, int | None]:
    """The link and the activity it opens.

    What a launch does not say is kept: Moodle leaves the line item out once a link has a second one.
    """
    values = {
        "tenant_id": registration.tenant_id,
        "registration_id": registration.id,
        "deployment_pk": deployment.id,
        "resource_link_id": message.resource_link_id,
        "course_id": course_id,
        "title": message.resource_link_title,
        "line_item_url": message.line_item_url or None,
        "line_items_url": message.line_items_url or None,
        "service_scopes": list(message.service_scopes),
        "activity_id": activity_id,
        "learner_seen_at": utcnow() if _is_learner(message) else None,
    }
    statement = _link_statement(dialect_name(), message.is_review, bool(message.service_scopes))
    row = session.execute(statement, values).one()
    return row.id, row.activity_id
