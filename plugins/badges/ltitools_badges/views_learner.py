"""Pages of learners: what a micro-credential takes and how far they are, and their badge once they have it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ltitools.plugin import (
    Launch,
    LazyText,
    NotFound,
    Progress,
    activities,
    competencies,
    courses,
    current_launch,
    session,
)
from ltitools_badges import achievements, awarding, considering, issuers, prose, published, rules, views_public
from ltitools_badges.models import LISTED, PRIVATE, UNLISTED, Achievement, Badge, Issuer, Version
from ltitools_badges.rules import Standing, Terms
from ltitools_badges.sharing import Addresses, linkedin
from ltitools_badges.texts import _, lazy
from ltitools_badges.views import page, pages, picture_of, shown_achievement

MEDIA_TYPES = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "json": "application/vc+ld+json",
    "jwt": "text/plain",
}
VISIBILITIES = {
    UNLISTED: lazy("Whoever has the link"),
    LISTED: lazy("Everybody; search engines may list it"),
    PRIVATE: lazy("Nobody"),
}


@dataclass(frozen=True)
class Step:
    """Something that a micro-credential takes. `percent` is what the person has, None without a score."""

    title: str
    done: bool
    percent: str | None = None
    link_id: int | None = None


@dataclass(frozen=True)
class Kept:
    """A badge of the person, as their list shows it."""

    badge: Badge
    name: str
    course: str
    addresses: Addresses


def learner_home(launch: Launch) -> ResponseReturnValue:
    """The badge, or what it takes; below it the others that the person has here."""
    achievement = shown_achievement(launch)
    badge = _own(launch, achievement)
    version = _version_of(launch, achievement, badge)
    if version is None:
        return page("not_published")
    issuer = issuers.find(launch.tenant.id)
    rule = rules.find(launch.tenant.id, achievement.id, launch.course.id if launch.course else None)
    terms = rules.terms_of(rule) if rule is not None and rule.enabled else Terms()
    standing = _standing(launch, achievement.id, terms, badge)
    return page(
        "learner",
        achievement=achievement,
        badge=badge,
        version=version,
        content=achievements.content_of(version),
        terms=terms,
        standing=standing,
        percent=None if standing.score is None else rules.shown_percent(standing.score / rules.HUNDRED),
        steps=steps(Words.of(launch, terms), terms, standing),
        addresses=Addresses.of(issuer, badge) if issuer and badge else None,
        only_here=issuer is not None and issuers.is_only_here(issuer.base),
        linkedin=linkedin(issuer, badge, achievements.content_of(version)) if issuer and badge else "",
        holder=awarding.find_holder(launch.tenant.id, launch.person.id) if badge else None,
        visibilities=VISIBILITIES,
        others=_others(launch, issuer, badge),
        day=prose.day,
    )


@pages.post("/choices")
def choose() -> ResponseReturnValue:
    """Decide who may see the badge, and what it says of its holder."""
    launch = current_launch()
    badge = _own(launch, shown_achievement(launch))
    if badge is None:
        raise NotFound("There is no badge to decide about.")
    visibility = request.form.get("visibility", UNLISTED)
    if visibility not in VISIBILITIES:
        abort(400)
    badge.visibility = visibility
    holder = awarding.holder_of(launch.tenant.id, launch.person.id)
    name = launch.person.name if request.form.get("name") == "yes" else ""
    email = launch.person.email if request.form.get("email") == "yes" else ""
    if (holder.name, holder.email) != (name, email):
        holder.name, holder.email = name, email
        holder.salt = secrets.token_hex(8) if email else ""
        # What a badge says of its holder is the same in all of them.
        for each in awarding.of_person(launch.tenant.id, launch.person.id):
            awarding.sign_anew(each)
    session.commit()
    return redirect(url_for("tool.home", saved=1) + "#choices", 303)


@pages.get("/own-picture")
def own_picture() -> ResponseReturnValue:
    """The picture of the micro-credential that the launch opens: of the person's badge, or of what there is now."""
    launch = current_launch()
    achievement = shown_achievement(launch)
    version = _version_of(launch, achievement, _own(launch, achievement))
    if version is None and launch.is_instructor:
        version = achievements.shown(launch.tenant.id, achievement.id)
    if version is None:
        raise NotFound("This micro-credential is not published yet.")
    return picture_of(version)


@pages.get("/own-badge.<any(png, svg, json, jwt):ending>")
def own_file(ending: str) -> ResponseReturnValue:
    """The person's badge as a file, also while nobody else may see it."""
    launch = current_launch()
    badge = _own(launch, shown_achievement(launch))
    shown = published.credential(launch.tenant.id, badge.public_id, picture=True) if badge else None
    if shown is None or not shown.badge.document or not shown.badge.jwt:
        raise NotFound("There is no badge to download yet.")
    if ending in ("png", "svg"):
        content = views_public.baked(shown, ending)
    else:
        content = (shown.badge.document if ending == "json" else shown.badge.jwt).encode()
    name = f"{shown.achievement.slug}.{ending}"
    return Response(
        content, mimetype=MEDIA_TYPES[ending], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@dataclass(frozen=True)
class Words:
    """What the parts of a rule are called in a course, by id: read once for everybody there."""

    activities: Mapping[int, str]
    competencies: Mapping[int, str]
    components: Mapping[int, str]

    @classmethod
    def of(cls, launch: Launch, terms: Terms) -> Words:
        """Activities as the course calls them; those that nobody has opened there yet by their own title."""
        tenant_id = launch.tenant.id
        placed = activities.in_course(tenant_id, launch.course.id) if launch.course else []
        titles = {activity.id: link.title or activity.title for link, activity in reversed(placed)}
        for part in terms.parts:
            if part.activity_id not in titles:
                titles[part.activity_id] = activities.get(tenant_id, part.activity_id).title
        known = competencies.named(tenant_id, terms.competencies)
        return cls(titles, {key: one.title() for key, one in known.items()}, names_of(tenant_id, terms.components))


def steps(words: Words, terms: Terms, standing: Standing) -> list[Step]:
    """What it takes, in the order of the rule: activities, competencies, other micro-credentials."""
    found = [
        Step(words.activities[part.activity_id], part.met, rules.shown_percent(part.fraction))
        for part in standing.parts
    ]
    found += [
        Step(words.competencies[one], one not in standing.open_competencies)
        for one in terms.competencies
        if one in words.competencies
    ]
    found += [
        Step(words.components[one], one not in standing.open_components)
        for one in terms.components
        if one in words.components
    ]
    found += [
        Step(_("%(name)s, of another institution", name=one.name), one.key not in standing.open_outside)
        for one in terms.outside
    ]
    return found


def names_of(tenant_id: int, achievement_ids: tuple[int, ...]) -> dict[int, str]:
    """What micro-credentials are called, by id."""
    if not achievement_ids:
        return {}
    rows = session.scalars(
        select(Version)
        .where(Version.tenant_id == tenant_id, Version.achievement_id.in_(achievement_ids))
        .order_by(Version.number)
    )
    return {row.achievement_id: str(row.content["name"]) for row in rows}


def learner_progress(launch: Launch, links: Mapping[int, Achievement]) -> Mapping[int, Progress]:
    """What the course page says to a learner: earned, or how many steps are done."""
    assert launch.course is not None
    found = {}
    badges = {badge.achievement_id: badge for badge in awarding.of_person(launch.tenant.id, launch.person.id)}
    for link_id, achievement in links.items():
        badge = badges.get(achievement.id)
        if badge is not None and badge.revoked_at is None and badge.course_id == launch.course.id:
            found[link_id] = Progress("done", lazy("You have this badge."))
        else:
            rule = rules.find(launch.tenant.id, achievement.id, launch.course.id)
            found[link_id] = Progress("", _left(launch, achievement.id, rules.terms_of(rule)) if rule else "")
    return found


def _left(launch: Launch, achievement_id: int, terms: Terms) -> LazyText | str:
    standing = _standing(launch, achievement_id, terms)
    done = sum(part.met for part in standing.parts)
    return lazy("%(done)s of %(all)s activities done", done=done, all=len(standing.parts)) if terms.parts else ""


def _own(launch: Launch, achievement: Achievement) -> Badge | None:
    if launch.course is None:
        return None
    return awarding.held(launch.tenant.id, achievement.id, launch.course.id, launch.person.id)


def _version_of(launch: Launch, achievement: Achievement, badge: Badge | None) -> Version | None:
    """What the badge was given for, or what it would be given for now."""
    if badge is not None:
        return achievements.version_with(launch.tenant.id, badge.version_id)
    return achievements.latest(launch.tenant.id, achievement.id)


def _standing(launch: Launch, achievement_id: int, terms: Terms, badge: Badge | None = None) -> Standing:
    if launch.course is None:
        return rules.standing(terms, {})
    seen = considering.look(launch.tenant.id, launch.course.id, {achievement_id: terms}, [launch.person.id])
    if badge is not None:
        return seen.standing_of_holder(terms, launch.person.id)
    return seen.standing(terms, achievement_id, launch.person.id)


def _others(launch: Launch, issuer: Issuer | None, shown: Badge | None) -> list[Kept]:
    """The person's other badges of the institution, of whichever course."""
    badges = [
        badge
        for badge in awarding.of_person(launch.tenant.id, launch.person.id)
        if (shown is None or badge.id != shown.id) and badge.revoked_at is None
    ]
    if not badges or issuer is None:
        return []
    names = achievements.names_of_versions(launch.tenant.id, {badge.version_id for badge in badges})
    titles = courses.named(launch.tenant.id, {badge.course_id for badge in badges if badge.course_id is not None})
    return [
        Kept(
            badge,
            names[badge.version_id],
            titles[badge.course_id].title if badge.course_id in titles else "",
            Addresses.of(issuer, badge),
        )
        for badge in badges
    ]
