"""Micro-credentials and their versions: one draft at most, and what was published, which never changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from ltitools.plugin import LOCALES, Conflict, Course, Link, NotFound, activities, session, utcnow
from ltitools_badges.core import design, pictures
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.models import DRAFT, PUBLISHED, Achievement, Version
from ltitools_badges.texts import _

KEY = "badges"


def create(tenant_id: int, title: str, language: str, course_id: int | None, slug: str = "") -> Achievement:
    """A new micro-credential that `course_id` owns (None: the institution), with an empty draft.

    Raises Conflict where the slug is taken.
    """
    activity = activities.create(
        tenant_id, KEY, slug or activities.free_slug(tenant_id, KEY, title), title, owner_course_id=course_id
    )
    achievement = Achievement(tenant_id=tenant_id, activity_id=activity.id, slug=activity.slug)
    session.add(achievement)
    session.flush()
    content = MicroCredential(language=language, name=title)
    _add(achievement, 1, content, design.default(title))
    return achievement


def of_activity(tenant_id: int, activity_id: int) -> Achievement:
    """The micro-credential that an activity is."""
    found = session.scalar(
        select(Achievement).where(Achievement.tenant_id == tenant_id, Achievement.activity_id == activity_id)
    )
    if found is None:
        raise NotFound("This micro-credential is not there.")
    return found


def get(tenant_id: int, achievement_id: int) -> Achievement:
    """One micro-credential; raises NotFound."""
    found = session.scalar(
        select(Achievement).where(Achievement.tenant_id == tenant_id, Achievement.id == achievement_id)
    )
    if found is None:
        raise NotFound("This micro-credential is not there.")
    return found


def find(tenant_id: int, slug: str) -> Achievement | None:
    """The micro-credential with this slug."""
    return session.scalar(select(Achievement).where(Achievement.tenant_id == tenant_id, Achievement.slug == slug))


def activity_of(tenant_id: int, achievement: Achievement) -> Any:
    """The activity that a micro-credential is."""
    return activities.get(tenant_id, achievement.activity_id)


def activities_of(tenant_id: int, course: Course | None) -> list[Any]:
    """The activities of this tool that a course owns."""
    owner = course.id if course else None
    return [row for row in activities.all_of(tenant_id, KEY) if row.owner_course_id == owner]


def by_link(tenant_id: int, links: Sequence[Link]) -> dict[int, Achievement]:
    """The micro-credentials that these links open, in one query."""
    wanted = {link.id: link.activity_id for link in links}
    rows = session.scalars(
        select(Achievement).where(Achievement.tenant_id == tenant_id, Achievement.activity_id.in_(set(wanted.values())))
    )
    found = {row.activity_id: row for row in rows}
    return {link_id: found[activity_id] for link_id, activity_id in wanted.items() if activity_id in found}


def all_of(tenant_id: int) -> Sequence[tuple[Achievement, Version]]:
    """Every micro-credential of an institution with its latest published version, else its draft, by name."""
    rows = session.execute(
        select(Achievement, Version)
        .join(Version, Version.achievement_id == Achievement.id)
        .where(Achievement.tenant_id == tenant_id)
        .order_by(Achievement.id, Version.state, Version.number)
    )
    # Drafts sort before what is published, and the newest of that is last: the last one stays.
    latest = {achievement.id: (achievement, version) for achievement, version in rows}
    return sorted(latest.values(), key=lambda both: str(both[1].content["name"]).casefold())


def latest(tenant_id: int, achievement_id: int) -> Version | None:
    """The newest published version; None where none was."""
    return session.scalar(
        _versions(tenant_id, achievement_id).where(Version.state == PUBLISHED).order_by(Version.number.desc()).limit(1)
    )


def version(tenant_id: int, achievement_id: int, number: int) -> Version | None:
    """A published version by its number."""
    return session.scalar(
        _versions(tenant_id, achievement_id).where(Version.state == PUBLISHED, Version.number == number)
    )


def version_with(tenant_id: int, version_id: int) -> Version | None:
    """A version by its id."""
    return session.scalar(select(Version).where(Version.tenant_id == tenant_id, Version.id == version_id))


def names_of_versions(tenant_id: int, version_ids: Collection[int]) -> dict[int, str]:
    """What versions are called, by id."""
    rows = session.scalars(select(Version).where(Version.tenant_id == tenant_id, Version.id.in_(version_ids)))
    return {row.id: str(row.content["name"]) for row in rows}


def draft(tenant_id: int, achievement_id: int) -> Version | None:
    """The draft, where there is one."""
    return session.scalar(_versions(tenant_id, achievement_id).where(Version.state == DRAFT))


def draft_of(tenant_id: int, achievement_id: int) -> Version:
    """The draft, made of what is published where there is none. Writes."""
    found = draft(tenant_id, achievement_id)
    if found is not None:
        return found
    before = latest(tenant_id, achievement_id)
    if before is None:
        raise NotFound("This micro-credential is not there.")
    copy = Version(
        tenant_id=tenant_id,
        achievement_id=achievement_id,
        number=before.number + 1,
        state=DRAFT,
        content=before.content,
        design=before.design,
        image_svg=before.image_svg,
        image_png=before.image_png,
    )
    session.add(copy)
    session.flush()
    return copy


def shown(tenant_id: int, achievement_id: int) -> Version:
    """What an instructor looks at: the draft, or what is published where there is none."""
    found = draft(tenant_id, achievement_id) or latest(tenant_id, achievement_id)
    if found is None:
        raise NotFound("This micro-credential is not there.")
    return found


def save(
    draft: Version,
    content: MicroCredential | None = None,
    drawn: design.Design | None = None,
    uploaded: pictures.Picture | None = None,
) -> None:
    """Change a draft; what is not given stays. The activity's title follows the name."""
    if content is not None:
        draft.content = content.to_json()
        achievement = get(draft.tenant_id, draft.achievement_id)
        activities.change(draft.tenant_id, achievement.activity_id, title=content.name)
    if drawn is not None:
        draft.design, draft.image_svg = drawn.to_json(), design.svg(drawn)
        draft.image_png = design.png(draft.image_svg, pictures.SIZE)
    if uploaded is not None:
        draft.design, draft.image_svg, draft.image_png = None, uploaded.svg, uploaded.png
    session.flush()


def missing(content: MicroCredential) -> list[str]:
    """What a micro-credential cannot be published without, as names of its fields."""
    needed: Mapping[str, object] = {
        "name": content.name.strip(),
        "description": content.description.strip(),
        "outcomes": content.outcomes,
    }
    return [name for name, value in needed.items() if not value]


def publish(tenant_id: int, achievement_id: int) -> Version:
    """Publish the draft: from now on it is what is awarded. Raises Conflict where something is missing."""
    found = draft(tenant_id, achievement_id)
    if found is None:
        raise Conflict(_("There is nothing to publish: nothing was changed since it was published last."))
    if missing(MicroCredential.from_json(found.content)):
        raise Conflict(_("A micro-credential needs a name, a description and at least one learning outcome."))
    found.state, found.published_at = PUBLISHED, utcnow()
    session.flush()
    return found


def add_twin(tenant_id: int, achievement_id: int, course_id: int | None) -> Achievement:
    """The edition in the other language, with everything copied, for somebody to translate.

    Gives the one that is there where it was made before.
    """
    first = get(tenant_id, achievement_id)
    if first.twin_id is not None:
        return get(tenant_id, first.twin_id)
    source = shown(tenant_id, achievement_id)
    language = next(code for code in LOCALES if code != source.content["language"])
    twin = create(tenant_id, str(source.content["name"]), language, course_id, _free_slug(tenant_id, first, language))
    own = draft_of(tenant_id, twin.id)
    own.content = {**source.content, "language": language}
    own.design, own.image_svg, own.image_png = source.design, source.image_svg, source.image_png
    first.twin_id, twin.twin_id = twin.id, first.id
    session.flush()
    return twin


def _free_slug(tenant_id: int, first: Achievement, language: str) -> str:
    return activities.free_slug(tenant_id, KEY, f"{first.slug} {language}")


def content_of(version: Version) -> MicroCredential:
    """What a version says."""
    return MicroCredential.from_json(version.content)


def numbers(tenant_id: int, achievement_ids: Sequence[int]) -> dict[int, int]:
    """How many versions were published, by micro-credential."""
    rows = session.execute(
        select(Version.achievement_id, func.count())
        .where(Version.tenant_id == tenant_id, Version.achievement_id.in_(achievement_ids), Version.state == PUBLISHED)
        .group_by(Version.achievement_id)
    )
    return {row[0]: row[1] for row in rows}


def _versions(tenant_id: int, achievement_id: int) -> Select[Version]:
    return select(Version).where(Version.tenant_id == tenant_id, Version.achievement_id == achievement_id)


def _add(achievement: Achievement, number: int, content: MicroCredential, drawn: design.Design) -> None:
    svg = design.svg(drawn)
    session.add(
        Version(
            tenant_id=achievement.tenant_id,
            achievement_id=achievement.id,
            number=number,
            state=DRAFT,
            content=content.to_json(),
            design=drawn.to_json(),
            image_svg=svg,
            image_png=design.png(svg, pictures.SIZE),
        )
    )
    session.flush()
