"""From a login to a launch: what is remembered in between, and what a launch leaves in the database."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from ltitools.context import current_host
from ltitools.db import new_public_id, session, upsert, utcnow
from ltitools.lti.claims import DeepLinkingSettings, Message
from ltitools.lti.platforms import dialect_of
from ltitools.models import (
    Activity,
    Course,
    Deployment,
    Enrolment,
    Launch,
    Link,
    PendingLogin,
    Person,
    Registration,
    Tenant,
)
from ltitools.refusals import refused
from ltitools.secrets import hash_token

FORGET_LOGINS_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class PendingWith:
    """A pending login with the registration and institution it belongs to."""

    login: PendingLogin
    registration: Registration
    tenant: Tenant


def enabled_tenant(tenant_key: str) -> Tenant:
    """The institution of an address; refuses one that is unknown or switched off."""
    tenant = session.scalar(select(Tenant).where(Tenant.key == tenant_key))
    if tenant is None:
        raise refused("tenant-unknown")
    if not tenant.enabled:
        raise refused("tenant-disabled")
    return tenant


def find_registration(tenant: Tenant, issuer: str, client_id: str | None) -> Registration:
    """The registration a login is for. Without a client ID it must be the only one of its issuer."""
    of_issuer = session.scalars(
        select(Registration).where(Registration.tenant_id == tenant.id, Registration.issuer == issuer)
    ).all()
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


def remember_login(registration: Registration, state: str, nonce: str, browser_id: str, target: str) -> None:
    """Keep state, nonce and browser, hashed, until the launch comes back."""
    lifetime = timedelta(seconds=current_host().settings.login_lifetime)
    session.add(
        PendingLogin(
            state_hash=hash_token(state),
            tenant_id=registration.tenant_id,
            registration_id=registration.id,
            nonce_hash=hash_token(nonce),
            browser_hash=hash_token(browser_id),
            target_link_uri=target[:2048],
            expires_at=utcnow() + lifetime,
        )
    )
    session.flush()


def find_login(tenant_key: str, state: str, browser_ids: list[str]) -> PendingWith:
    """The login that a launch answers, unused, in time, and of this browser; it is not used up yet."""
    if not state:
        raise refused("state-missing", "no state in the authentication response")
    row = session.execute(
        select(PendingLogin, Registration, Tenant)
        .join(Registration, Registration.id == PendingLogin.registration_id)
        .join(Tenant, Tenant.id == PendingLogin.tenant_id)
        .where(PendingLogin.state_hash == hash_token(state), Tenant.key == tenant_key)
    ).first()
    if row is None:
        raise refused("state-unknown")
    login, registration, tenant = row
    if not tenant.enabled:
        raise refused("tenant-disabled")
    if not registration.enabled:
        raise refused("registration-disabled")
    if login.used_at is not None:
        raise refused("state-used")
    if login.expires_at <= utcnow():
        raise refused("state-expired")
    if login.browser_hash not in map(hash_token, browser_ids):
        raise refused("browser-other", "no cookie of the browser that began this login")
    return PendingWith(login, registration, tenant)


def use_up(login: PendingLogin) -> None:
    """Use state and nonce up, by one atomic statement; refuses a second use."""
    used = session.execute(
        update(PendingLogin)
        .where(
            PendingLogin.state_hash == login.state_hash,
            PendingLogin.tenant_id == login.tenant_id,
            PendingLogin.used_at.is_(None),
        )
        .values(used_at=utcnow())
        .returning(PendingLogin.state_hash)
    ).first()
    if used is None:
        raise refused("state-used")


def record(registration: Registration, message: Message, browser_id: str, locale: str) -> Launch:
    """Write person, course, enrolment, link and launch in the caller's transaction. Refuses what is not released.

    `locale` is what the launch is shown in, unless the person has chosen another. A deployment that has to be
    approved first is remembered, so that it can be.
    """
    deployment = _deployment(registration, message.deployment_id)
    person_id, chosen_locale = _person(registration, message)
    course_id = _course(deployment, message) if message.context_id else None
    if course_id is not None:
        _enrol(registration.tenant_id, person_id, course_id, message)
    activity = _named_activity(registration.tenant_id, message)
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
        course_id=course_id,
        link_id=link_id,
        plugin=activity.plugin if activity else None,
        browser_hash=hash_token(browser_id),
        message_type=message.message_type,
        roles=sorted(message.roles),
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


def forget_old() -> None:
    """Drop logins that nobody finished. Launches stay: they are the record of who used what."""
    session.execute(delete(PendingLogin).where(PendingLogin.expires_at < utcnow() - FORGET_LOGINS_AFTER))


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
    named = select(Deployment).filter_by(**this)
    found = session.scalar(named)
    if found is None:
        if registration.deployments_policy == "listed":
            raise refused("deployment-unknown", f"deployment_id {deployment_id[:80]!r}")
        state = "approved" if registration.deployments_policy == "auto" else "pending"
        # A class opens a new activity at once, so another launch may write the same row first.
        session.execute(upsert(Deployment).values(**this, state=state).on_conflict_do_nothing())
        found = session.scalars(named).one()
    if found.state == "pending":
        # Remembered although the launch is refused: somebody has to be able to approve it.
        session.commit()
        raise refused("deployment-pending", f"deployment_id {deployment_id[:80]!r}")
    if found.state == "rejected":
        raise refused("deployment-rejected", f"deployment_id {deployment_id[:80]!r}")
    return found


def _person(registration: Registration, message: Message) -> tuple[int, str | None]:
    said = {"name": message.name, "email": message.email, "is_test": message.is_test, "seen_at": utcnow()}
    row = session.execute(
        upsert(Person)
        .values(tenant_id=registration.tenant_id, registration_id=registration.id, sub=message.sub[:255], **said)
        .on_conflict_do_update(index_elements=["registration_id", "sub"], set_=said)
        .returning(Person.id, Person.chosen_locale)
    ).one()
    return row.id, row.chosen_locale


def _course(deployment: Deployment, message: Message) -> int:
    said = {"title": message.context_title, "label": message.context_label}
    course_id: int = session.execute(
        upsert(Course)
        .values(
            tenant_id=deployment.tenant_id, deployment_pk=deployment.id, context_id=message.context_id[:255], **said
        )
        .on_conflict_do_update(index_elements=["deployment_pk", "context_id"], set_=said)
        .returning(Course.id)
    ).scalar_one()
    return course_id


def _enrol(tenant_id: int, person_id: int, course_id: int, message: Message) -> None:
    said = {"roles": sorted(message.roles), "seen_at": utcnow()}
    session.execute(
        upsert(Enrolment)
        .values(tenant_id=tenant_id, person_id=person_id, course_id=course_id, **said)
        .on_conflict_do_update(index_elements=["person_id", "course_id"], set_=said)
    )


def _named_activity(tenant_id: int, message: Message) -> Activity | None:
    """The activity of the custom parameter ``activity=<plugin>:<slug>``, None where there is none."""
    name = message.custom.get("activity", "")
    if not name or message.deep_linking:
        return None
    plugin, _, slug = name.partition(":")
    found = session.scalar(
        select(Activity).where(Activity.tenant_id == tenant_id, Activity.plugin == plugin, Activity.slug == slug)
    )
    if found is None:
        raise refused("activity-unknown", f"activity {name[:120]!r}")
    return found


def _link(
    registration: Registration, deployment: Deployment, message: Message, course_id: int | None, activity_id: int | None
) -> tuple[int, int | None]:
    """The link and the activity it opens.

    What a launch does not say is kept: Moodle leaves the line item out once a link has a second one. A link that
    stands for the whole course is never bound to one activity.
    """
    said = {
        "course_id": course_id,
        "title": message.resource_link_title,
        "line_item_url": message.line_item_url or None,
        "line_items_url": message.line_items_url or None,
        "service_scopes": list(message.service_scopes),
        "activity_id": activity_id,
    }
    if dialect_of(registration.platform).is_course_link(message.resource_link_id, message.context_id):
        said["activity_id"] = None
    statement = upsert(Link).values(
        tenant_id=registration.tenant_id,
        registration_id=registration.id,
        deployment_pk=deployment.id,
        resource_link_id=message.resource_link_id,
        **said,
    )
    kept = {name: func.coalesce(statement.excluded[name], getattr(Link, name)) for name in said}
    if not message.service_scopes:
        del kept["service_scopes"]
    row = session.execute(
        statement.on_conflict_do_update(index_elements=["deployment_pk", "resource_link_id"], set_=kept).returning(
            Link.id, Link.activity_id
        )
    ).one()
    return row.id, row.activity_id
