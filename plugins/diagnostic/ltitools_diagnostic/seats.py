"""Where a sitting takes place: the person at an activity on a link, or an instructor's preview of a version."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from flask import url_for

from ltitools.plugin import INSTRUCTORS, Activity, Launch, Refused, utcnow
from ltitools_diagnostic import delivery, guidance, sitting, versions
from ltitools_diagnostic.delivery import Extra, Paging, Rules, Window
from ltitools_diagnostic.models import DRAFT, Attempt, Version
from ltitools_diagnostic.sitting import Who
from ltitools_diagnostic.texts import lazy
from ltitools_diagnostic.views import visible_version


@dataclass(frozen=True)
class Seat:
    """A person's place. `attempt` is the open sitting; `attempts` are all, `preview_of` a version for a preview."""

    launch: Launch
    live: Version | None
    attempts: list[Attempt]
    attempt: Attempt | None
    preview_of: int | None
    rules: Rules = field(default_factory=Rules)
    extra: Extra = delivery.NOTHING_EXTRA
    now: datetime = field(default_factory=utcnow)

    def url(self, endpoint: str, **values: Any) -> str:
        """The address of a page of this sitting."""
        return url_for(f"diagnostic.{endpoint}", version_id=self.preview_of, **values)

    @property
    def home(self) -> str:
        """The address of the sitting's start and results."""
        return url_for("tool.home") if self.preview_of is None else self.url("preview")

    @property
    def way_back(self) -> str:
        """Where an instructor goes from a preview: to the draft, or to where the launch arrived."""
        if self.live is not None and self.live.state == DRAFT:
            return url_for("diagnostic.draft", version_id=self.live.id)
        return url_for("tool.home")

    @property
    def grouped(self) -> bool:
        """Whether a page holds all questions of a competency."""
        return self.rules.paging == Paging.COMPETENCY

    @property
    def who(self) -> Who:
        """Whose sittings these are."""
        return who(self.launch)

    @cached_property
    def past(self) -> list[Attempt]:
        """The sittings that count."""
        return sitting.counted(self.attempts)

    @property
    def was_reset(self) -> bool:
        """Whether the latest sitting was voided by an instructor."""
        return bool(self.attempts) and self.attempts[-1].voided_at is not None

    @cached_property
    def deadline(self) -> datetime | None:
        """When the open sitting ends."""
        return None if self.attempt is None else delivery.deadline_of(self.attempt, self.rules, self.extra)

    @property
    def overdue(self) -> bool:
        """Whether the time of the open sitting is over, with what an answer may take on its way."""
        return self.deadline is not None and self.now > self.deadline + delivery.GRACE

    @property
    def window(self) -> Window:
        """Where now lies between the dates of this person."""
        return delivery.window(self.rules, self.extra, self.now)

    @property
    def sittings_left(self) -> int | None:
        """How many sittings the person may still begin; None without a limit."""
        return delivery.sittings_left(self.rules, self.extra, sitting.used(self.attempts))

    @cached_property
    def roles(self) -> list[guidance.Role]:
        """The job roles among which a person chooses at the first sitting: those for which something is asked."""
        if self.live is None or self.preview_of is not None:
            return []
        roles = guidance.roles_of(self.launch.tenant.id, self.live.activity_id)
        return [role for role in roles if role.scope & self.asked]

    @cached_property
    def asked(self) -> frozenset[str]:
        """The codes of the competencies of the published version."""
        if self.live is None:
            return frozenset()
        sections = versions.sections(self.launch.tenant.id, [self.live])[self.live.id]
        return frozenset(section.code for section in sections)

    @property
    def role(self) -> guidance.Role | None:
        """The job role of the latest sitting; None where none was chosen, or it is there no more.

        Without one, a sitting asks about everything that is not shown yet.
        """
        codes = [each.role for each in self.attempts if each.voided_at is None]
        return next((role for role in self.roles if codes and role.code == codes[-1]), None)


def who(launch: Launch) -> Who:
    """The person of a launch at its activity and link. Refuses a launch without a link."""
    if launch.link is None:
        raise Refused("diagnostic-no-link", lazy("This page was not opened from an activity of a course."))
    return Who(launch.tenant.id, launch.link.id, _activity(launch).id, launch.person.id)


def seat_of(launch: Launch, version_id: int | None) -> Seat:
    """The learner's seat, or the instructor's in a preview of the version."""
    if version_id is not None:
        launch.require(*INSTRUCTORS)
        version = visible_version(launch, version_id)
        attempt = sitting.find_preview(launch.tenant.id, version_id, launch.person.id)
        return Seat(launch, version, [], attempt, version_id, _preview_rules(launch, version))
    if not launch.is_learner:
        text = lazy("Only learners of the course answer the questions. Instructors have a preview.")
        raise Refused("role-forbidden", text, 403)
    own = who(launch)
    attempts = sitting.all_of(own)
    return Seat(
        launch,
        versions.published(own.tenant_id, own.activity_id),
        attempts,
        sitting.open_one(attempts),
        None,
        delivery.rules_of(delivery.place_of(launch)),
        delivery.extra_of(own.tenant_id, own.link_id, own.activity_id, own.person_id),
    )


def _preview_rules(launch: Launch, version: Version) -> Rules:
    """A preview shows the pages as learners get them, and has neither time limit nor dates."""
    rules = Rules()
    if launch.link is not None and launch.activity is not None and launch.activity.id == version.activity_id:
        rules = delivery.rules_of(delivery.place_of(launch))
    return Rules(paging=rules.paging, self_rating=rules.self_rating)


def _activity(launch: Launch) -> Activity:
    if launch.activity is None:
        raise Refused("diagnostic-no-link", lazy("This page was not opened from an activity of a course."))
    return launch.activity
