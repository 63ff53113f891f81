"""What the page of a course says of pre-assessments: how far the person is, or how far everybody is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from ltitools.plugin import Launch, Link, Progress, people, session, utcnow
from ltitools_diagnostic import delivery
from ltitools_diagnostic.delivery import Dates, Window
from ltitools_diagnostic.models import PUBLISHED, Answer, Attempt, Version
from ltitools_diagnostic.texts import _, lazy, ngettext

NOT_PUBLISHED = lazy("Not published yet.")
NOBODY = lazy("Nobody has begun yet.")
ALWAYS = Dates(Window.OPEN, None, None)


def progress(launch: Launch, links: Sequence[Link]) -> Mapping[int, Progress]:
    """The progress by link id, in a fixed number of queries."""
    published = _published(launch.tenant.id, links)
    attempts = _attempts(launch, links)
    if launch.is_instructor:
        return _of_everybody(launch, links, published, attempts)
    answered = _answered(launch.tenant.id, attempts)
    dates = delivery.windows_of(launch.tenant.id, links, launch.person.id, utcnow())
    return {
        link.id: _of_person(
            [each for each in attempts if _is_at(each, link)],
            answered,
            dates.get(link.id, ALWAYS),
            link.activity_id in published,
        )
        for link in links
    }


def _of_person(attempts: Sequence[Attempt], answered: Mapping[int, int], dates: Dates, is_published: bool) -> Progress:
    begun = next((each for each in attempts if each.submitted_at is None), None)
    if begun is not None:
        said = _("Answered: %(n)s of %(total)s.", n=answered.get(begun.id, 0), total=len(begun.form))
        return Progress("open", said, dates.closes_at)
    if attempts:
        return Progress("done", lazy("Submitted. You can read your results."))
    if not is_published:
        return Progress("waiting", NOT_PUBLISHED)
    if dates.window is Window.EARLY:
        return Progress("waiting", lazy("This activity is not open yet."), dates.opens_at)
    if dates.window is Window.OVER:
        return Progress("closed", lazy("This activity is closed."), dates.closes_at)
    return Progress("open", lazy("You have not begun yet."), dates.closes_at)


def _of_everybody(
    launch: Launch, links: Sequence[Link], published: frozenset[int], attempts: Sequence[Attempt]
) -> Mapping[int, Progress]:
    """How many people have begun and submitted. Test people are in no statistic."""
    known = people.names(launch.tenant.id, {each.person_id for each in attempts})
    texts = {}
    for link in links:
        own = [each for each in attempts if _is_at(each, link) and not known[each.person_id].is_test]
        begun = len({each.person_id for each in own})
        submitted = len({each.person_id for each in own if each.submitted_at is not None})
        if begun:
            texts[link.id] = Progress(
                "",
                ngettext(
                    "Begun by %(n)s person, submitted by %(submitted)s.",
                    "Begun by %(n)s people, submitted by %(submitted)s.",
                    begun,
                    submitted=submitted,
                ),
            )
        else:
            texts[link.id] = Progress("", NOBODY if link.activity_id in published else NOT_PUBLISHED)
    return texts


def _published(tenant_id: int, links: Sequence[Link]) -> frozenset[int]:
    """The activities that have questions to answer."""
    ids = {link.activity_id for link in links}
    return frozenset(
        session.scalars(
            select(Version.activity_id).where(
                Version.tenant_id == tenant_id, Version.activity_id.in_(ids), Version.state == PUBLISHED
            )
        )
    )


def _attempts(launch: Launch, links: Sequence[Link]) -> Sequence[Attempt]:
    """The sittings on these links that count: those of the person, or for an instructor of everybody."""
    wanted = select(Attempt).where(
        Attempt.tenant_id == launch.tenant.id,
        Attempt.link_id.in_([link.id for link in links]),
        ~Attempt.preview,
        Attempt.voided_at.is_(None),
    )
    if launch.is_instructor:
        wanted = wanted.options(defer(Attempt.form))
    else:
        wanted = wanted.where(Attempt.person_id == launch.person.id)
    return session.scalars(wanted).all()


def _answered(tenant_id: int, attempts: Sequence[Attempt]) -> Mapping[int, int]:
    """How many questions have an answer, by attempt."""
    counted = session.execute(
        select(Answer.attempt_id, func.count())
        .where(
            Answer.tenant_id == tenant_id,
            Answer.attempt_id.in_([each.id for each in attempts]),
            Answer.response.is_not(None),
        )
        .group_by(Answer.attempt_id)
    )
    return dict(counted.all())


def _is_at(attempt: Attempt, link: Link) -> bool:
    """Whether the sitting is of what the link opens now: it may have opened something else before."""
    return attempt.link_id == link.id and attempt.activity_id == link.activity_id
