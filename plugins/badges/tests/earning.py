"""An institution with a micro-credential that an activity earns, and people who earn it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import select

from ltitools.plugin import Person, Tenant, people, session, tenants
from ltitools.testing import INSTRUCTOR, Platform, Visit, deliver, writing
from ltitools_badges import achievements
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.models import Achievement, Badge

CONTENT = MicroCredential(
    language="en",
    name="Working with AI",
    description="Uses assistants with care.",
    criteria="Answer the questions of the course.",
    outcomes=("Writes a clear instruction", "Checks what an assistant says"),
    hours=Decimal("2.5"),
    assessment=("quiz",),
    delivery="online",
    shows_grade=True,
)
QUIZ = "probe:quiz"


@dataclass
class Campus:
    """An institution with one micro-credential, ``badges:ai``, for which the activity ``probe:quiz`` counts."""

    app: Flask
    platform: Platform
    enter: Callable[..., Visit]
    tenant: Tenant
    achievement_id: int
    quiz_id: int

    def score(self, person: str, given: str, **where: Any) -> None:
        """A learner comes into the quiz, and a score is recorded for them; then the worker does what follows."""
        visit = self.enter(QUIZ, person=person, name=person.title(), link=where.pop("link", "quiz"), **where)
        assert visit.post("score", {"given": given}).status_code == 200
        self.work()

    def work(self) -> None:
        """Let the worker do everything that is due."""
        while deliver(self.app):
            pass

    def badges(self) -> list[Badge]:
        """All badges of the institution."""
        with self.app.app_context():
            return list(session.scalars(select(Badge).where(Badge.tenant_id == self.tenant.id).order_by(Badge.id)))

    def person(self, badge: Badge) -> Person:
        """Whose a badge is."""
        with self.app.app_context():
            return people.names(self.tenant.id, [badge.person_id])[badge.person_id]

    def learner(self, person: str = "ada", **where: Any) -> Visit:
        """A learner on the page of the micro-credential."""
        return self.enter("badges:ai", person=person, name=person.title(), link="badge", title="My badge", **where)

    def teacher(self, person: str = "grace", **where: Any) -> Visit:
        """An instructor on the page of the micro-credential."""
        return self.enter(
            "badges:ai", as_=INSTRUCTOR, person=person, name=person.title(), link="badge", title="My badge", **where
        )


def publish(app: Flask, slug: str = "ai", content: MicroCredential = CONTENT, tenant: str = "acme") -> Achievement:
    """A published micro-credential of the institution."""
    with writing(app):
        one = tenants.by_key(tenant)
        made = achievements.create(one.id, content.name, content.language, None, slug)
        achievements.save(achievements.draft_of(one.id, made.id), content)
        achievements.publish(one.id, made.id)
    return made
