"""What this tool gives to a person of what it keeps of them, and what is left when they are erased."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import func, select, table, update

from ltitools.plugin import session
from ltitools.testing import INSTRUCTOR, Visit, writing
from ltitools_diagnostic import privacy
from ltitools_diagnostic.models import Attempt

Enter = Callable[..., Visit]
Publish = Callable[..., str]
Rows = Callable[..., list[Any]]
OF_PEOPLE = ("attempt", "answer", "result", "self_rating", "allowance", "upload")


def work(enter: Enter, activity: str, person: str, answer: str) -> None:
    """Somebody answers the first question, submits, and asks for more."""
    visit = enter(activity, person=person, name=person.title())
    visit.post("start")
    visit.post("q/1", {"answer-1": answer})
    visit.post("submit")


def numbers(rows: Rows) -> dict[str, int]:
    """The numbers of people by the beginning of their LMS's number."""
    return {row["sub"].partition("@")[0]: row["id"] for row in rows("SELECT id, sub FROM person")}


def tenant_of(rows: Rows) -> int:
    return int(rows("SELECT id FROM tenant WHERE key = 'acme'")[0]["id"])


def counts(rows: Rows) -> dict[str, int]:
    def count(name: str) -> int:
        every = select(func.count().label("n")).select_from(table(f"diagnostic_{name}"))
        return int(rows(str(every))[0]["n"])

    return {name: count(name) for name in OF_PEOPLE}


def questions(make: Callable[..., bytes]) -> bytes:
    return make(
        *(
            {"id": f"q{n}", "competency": "one", "type": "text", "question": f"Number {n}?", "answer": "yes"}
            for n in range(3)
        )
    )


def test_a_person_reads_the_questions_with_their_answers_and_results(
    app: Flask, enter: Enter, publish: Publish, bank: Callable[..., bytes], rows: Rows
) -> None:
    activity = publish(questions(bank))
    work(enter, activity, "ada", "perhaps in March")
    work(enter, activity, "bob", "never")
    with app.app_context():
        found = privacy.export_person(tenant_of(rows), numbers(rows)["ada"])
    (sitting,) = found["sittings"]
    assert (sitting["activity"], sitting["number"]) == ("Before you begin", 1)
    assert sitting["submitted_at"] is not None
    assert [each["answer"] for each in sitting["answers"]].count("perhaps in March") == 1
    assert {each["question"] for each in sitting["answers"]} == {"Number 0?", "Number 1?", "Number 2?"}
    assert [each["level"] for each in sitting["results"]] == ["gap"]
    assert "never" not in json.dumps(found, default=str)


def test_an_erasure_leaves_the_work_of_others_and_their_statistics(
    app: Flask, enter: Enter, publish: Publish, bank: Callable[..., bytes], rows: Rows
) -> None:
    activity = publish(questions(bank))
    for person, answer in (("ada", "no"), ("bob", "yes"), ("cleo", "yes")):
        work(enter, activity, person, answer)
    before, tenant, ada = counts(rows), tenant_of(rows), numbers(rows)["ada"]
    with writing(app):
        privacy.erase_person(tenant, ada)
    after = counts(rows)
    assert (before["attempt"], after["attempt"]) == (3, 2)
    assert (before["answer"], after["answer"]) == (9, 6)
    assert (before["result"], after["result"]) == (3, 2)
    board = enter(activity, as_=INSTRUCTOR)
    answers = board.get("answers.csv").get_data(as_text=True)
    assert (answers.count("Ada"), answers.count("Bob")) == (0, 3)
    analysis = board.get("analysis").get_data(as_text=True)
    assert "Number 0?" in analysis


def test_whoever_decided_about_others_is_not_named_any_more(
    app: Flask, enter: Enter, publish: Publish, bank: Callable[..., bytes], rows: Rows
) -> None:
    activity = publish(questions(bank))
    work(enter, activity, "ada", "no")
    enter(activity, as_=INSTRUCTOR)
    tenant, grace = tenant_of(rows), numbers(rows)["grace"]
    with writing(app):
        session.execute(update(Attempt).values(voided_by=grace, voided_reason="fire alarm"))
        privacy.erase_person(tenant, grace)
    (left,) = rows("SELECT voided_by, voided_reason FROM diagnostic_attempt")
    assert (left["voided_by"], left["voided_reason"]) == (None, "fire alarm")
