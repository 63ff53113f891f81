"""Every answer on a link: as a file, and as what the item statistics are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ltitools.plugin import INSTRUCTORS, Launch, people, roster, session
from ltitools_diagnostic import richtext, statistics
from ltitools_diagnostic.csvfile import write_rows
from ltitools_diagnostic.items import NOT_CHOSEN, Item, Kind, Response, Wording, from_json
from ltitools_diagnostic.models import Answer, Attempt, VersionCompetency, VersionItem
from ltitools_diagnostic.review import option_text
from ltitools_diagnostic.statistics import ItemStatistics
from ltitools_diagnostic.texts import _, say


@dataclass(frozen=True)
class AnalysedItem:
    """A question with its statistics. Its wording is that of the newest version in which it was asked."""

    item: Item
    competency: Wording
    statistics: ItemStatistics


@dataclass(frozen=True)
class Analysis:
    """The questions that were asked at first sittings, those that deserve a look first; `n` people, and alpha."""

    items: Sequence[AnalysedItem]
    n: int
    alpha: float | None


def analysis(launch: Launch) -> Analysis:
    """How the questions work on this link: from the first sitting of each person who counts.

    Later sittings are left out, because they ask people about what they lacked, and after they were taught.
    Questions go by their id, over versions of the bank; a question with a new wording should get a new id.
    """
    attempts = [attempt for attempt in _counted(launch) if attempt.submitted_at is not None]
    firsts: dict[int, Attempt] = {}
    for attempt in attempts:
        firsts.setdefault(attempt.person_id, attempt)
    earned: dict[int, dict[int, float]] = {attempt.id: {} for attempt in firsts.values()}
    newest: dict[str, tuple[Item, Wording]] = {}
    places: dict[str, int] = {}
    for answer, content, code, titles in _rows(launch, list(earned)):
        place = places.setdefault(code, len(places))
        newest[code] = (from_json(content), titles)
        earned[answer.attempt_id][place] = answer.fraction or 0.0
    found = statistics.of_items(list(earned.values()))
    items = [AnalysedItem(*newest[code], found[place]) for code, place in places.items()]
    items.sort(key=lambda each: (not each.statistics.flags, say(each.competency), each.item.code))
    return Analysis(items, len(firsts), statistics.alpha(list(earned.values())))


def answers_csv(launch: Launch) -> bytes:
    """One row for each question of each sitting, also of people who do not count, with what it earned."""
    attempts = {attempt.id: attempt for attempt in _all(launch)}
    known = people.names(launch.tenant.id, [attempt.person_id for attempt in attempts.values()])
    header = [
        _("Name"),
        _("E-mail"),
        _("Test person"),
        _("Attempt"),
        _("Begun (UTC)"),
        _("Submitted (UTC)"),
        _("Reset because"),
        _("Competency"),
        _("Question id"),
        _("Question"),
        _("Answer"),
        _("Points (0 to 1)"),
        _("Saved (UTC)"),
    ]

    def rows() -> Iterator[list[str]]:
        yield header
        for answer, content, code, titles in _rows(launch, list(attempts)):
            attempt, item = attempts[answer.attempt_id], from_json(content)
            person = known[attempt.person_id]
            yield [
                person.name,
                person.email,
                _("yes") if person.is_test else "",
                str(attempt.number),
                _moment(attempt.started_at),
                _moment(attempt.submitted_at),
                attempt.voided_reason or "",
                say(titles),
                code,
                richtext.plain(say(item.question)),
                answer_text(item, answer.response),
                "" if answer.fraction is None else f"{answer.fraction:.4g}",
                _moment(answer.saved_at),
            ]

    return write_rows(rows())


def answer_text(item: Item, response: Response) -> str:
    """An answer in words: options as they are worded, pairs of a matching, an order from first to last."""
    if response is None or isinstance(response, str):
        return response or ""
    if item.kind is Kind.MATCHING:
        chosen = [_("none") if index == NOT_CHOSEN else richtext.plain(say(item.answers[index])) for index in response]
        prompts = [richtext.plain(say(option.text)) for option in item.options]
        return " | ".join(f"{prompt} → {answer}" for prompt, answer in zip(prompts, chosen, strict=True))
    if item.kind is Kind.TRUEFALSE:
        return "".join(str(option_text(item, index)) for index in response)
    parting = " > " if item.kind is Kind.ORDERING else " | "
    return parting.join(richtext.plain(say(item.options[index].text)) for index in response)


def _moment(moment: Any) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _all(launch: Launch) -> Sequence[Attempt]:
    assert launch.link is not None
    assert launch.activity is not None
    return session.scalars(
        select(Attempt)
        .where(
            Attempt.tenant_id == launch.tenant.id,
            Attempt.link_id == launch.link.id,
            Attempt.activity_id == launch.activity.id,
            ~Attempt.preview,
        )
        .order_by(Attempt.person_id, Attempt.number)
    ).all()


def _counted(launch: Launch) -> list[Attempt]:
    """The sittings that are in statistics: not voided, and neither of test people nor of instructors."""
    attempts = [attempt for attempt in _all(launch) if attempt.voided_at is None]
    known = people.names(launch.tenant.id, [attempt.person_id for attempt in attempts])
    members = roster.members(launch.tenant.id, launch.course.id) if launch.course else []
    left_out = {member.person.id for member in members if not member.roles.isdisjoint(INSTRUCTORS)}
    left_out |= {person.id for person in known.values() if person.is_test}
    return [attempt for attempt in attempts if attempt.person_id not in left_out]


def _rows(launch: Launch, attempt_ids: Sequence[int]) -> Iterator[tuple[Answer, Any, str, Any]]:
    """Answers with question, its code and the titles of its competency, in the order of versions and questions."""
    return iter(
        session.execute(
            select(Answer, VersionItem.content, VersionItem.code, VersionCompetency.titles)
            .join(VersionItem, VersionItem.id == Answer.item_id)
            .join(VersionCompetency, VersionCompetency.id == VersionItem.competency_row_id)
            .where(Answer.tenant_id == launch.tenant.id, Answer.attempt_id.in_(attempt_ids))
            .order_by(VersionItem.version_id, VersionItem.position, Answer.attempt_id)
        )
    )
