"""What is kept of a person or of an institution: all of it is shown, all of it goes, and nobody else's."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Table, delete, select, text, update

from filled import everything, fill, of_us
from ltitools.db import Base, session, utcnow
from ltitools.errors import Conflict, NotFound, PluginError
from ltitools.models import (
    Administrator,
    AuditEntry,
    EventDelivery,
    EventRow,
    Grade,
    Job,
    Launch,
    LaunchLog,
    Person,
    Tenant,
)
from ltitools.plugin import Delivery, PersonErased
from ltitools.services import tenants
from ltitools.services.jobs import JobRun
from ltitools.services.privacy import erasing, exporting, finding, removing, retention, tables
from ltitools.testing import Platform, deliver, writing
from probe import make_probe

DAILY = JobRun(1, None, {})


@pytest.fixture
def there(app: Flask) -> Iterator[tuple[Person, Person]]:
    """Ada and Bob in one institution, each with a row in every table, and each mentioned in the rows of the other."""
    with writing(app):
        people = [table for table in of_us() if table.name in personal()]
        log = [table for table in of_us() if table.name in tables.STAYING]
        shared = fill("acme", [table for table in of_us() if table not in (*people, *log)])
        ada = fill("ada", people, shared)
        bob = fill("bob", people, shared, mentioned=ada["person"])
        for own in (ada, bob):
            fill("log", log, own)
        for column in tables.mentions(of_us()):
            about = (column.table.c.tenant_id == shared["tenant"]) & column.is_(None)
            session.execute(update(column.table).where(about).values({column: bob["person"]}))
        yield session.get_one(Person, ada["person"]), session.get_one(Person, bob["person"])


def personal() -> list[str]:
    """The tables with rows about a person, those above first."""
    found = {"person"}
    for table in of_us():
        above = {key.column.table.name for column in table.columns for key in column.foreign_keys}
        if above & found - {table.name} or table.name in tables.IN_JSON:
            found.add(table.name)
    return [table.name for table in of_us() if table.name in found and table.name not in tables.STAYING]


def test_every_table_below_a_person_is_known_to_be_about_somebody(app: Flask) -> None:
    with app.app_context():
        known = tables.of_person(1, 1, tables.all_tables())
    for name in personal():
        assert name in known, f"{name} has rows about people, and is neither exported nor erased"


def exported(person: Person) -> dict[str, Any]:
    document = json.loads(exporting.as_json(person))
    del document["exported_at"]
    return dict(document)


@pytest.mark.parametrize("by_the_tool", [True, False])
def test_an_export_has_the_rows_of_every_table(app: Flask, there: tuple[Person, Person], by_the_tool: bool) -> None:
    """Without the rows of a table it is another one."""
    ada, _bob = there
    if not by_the_tool:
        change_tools(app, export_person=None)
    session.execute(delete(AuditEntry))
    document = exported(ada)
    parts = tables.of_person(ada.tenant_id, ada.id, tables.all_tables())
    assert set(parts) == set(personal())
    for name, (table, rows) in reversed(list(parts.items())):
        if name != "person" and name not in tables.NOTHING_BUT_SECRETS:
            session.execute(delete(table).where(rows))
            without = exported(ada)
            assert without != document, f"{name} is missing in the export"
            document = without
        elif name != "person":
            session.execute(delete(table).where(rows))


def test_an_export_has_nothing_of_others_and_no_secret(there: tuple[Person, Person]) -> None:
    ada, _bob = there
    document = json.dumps(exported(ada))
    assert "ada:person.email" in document
    assert "bob" not in document
    for table in of_us():
        for column in table.columns:
            if tables.is_secret(column):
                assert f"{table.name}.{column.name}" not in document
    assert "browser_hash" not in document
    assert document.count('"course_name": "acme:course.title"') > 3, "numbers are followed by names"


def change_tools(app: Flask, **changes: Any) -> None:
    """Let the installed tools have other ways, for this test's application."""
    installed = app.extensions["ltitools.plugins"]
    app.extensions["ltitools.plugins"] = {key: replace(tool, **changes) for key, tool in installed.items()}


@pytest.mark.parametrize("by_the_tool", [True, False])
def test_after_an_erasure_nothing_of_the_person_is_left_and_all_of_others(
    app: Flask, there: tuple[Person, Person], by_the_tool: bool
) -> None:
    ada, bob = there
    if not by_the_tool:
        change_tools(app, erase_person=None)
    before = everything()
    own = rows_of(ada)
    planned = erasing.plan(ada)
    assert everything() == before, "a plan changes nothing"
    assert erasing.erase(ada) == planned
    session.flush()
    after = everything()
    for name, rows in after.items():
        assert "ada" not in str(rows), f"{name} still has something of the person"
        for row in rows:
            for column in Base.metadata.tables[name].columns:
                leads = any(key.column.table.name == "person" for key in column.foreign_keys)
                assert not (leads and row[column.name] == ada.id), f"{name}.{column.name} still names the person"
        others = [row for row in before[name] if row not in own.get(name, [])]
        if name not in ("audit_entry", "event"):
            left = [row for row in rows if row["id"] != ada.id] if name == "person" else rows
            assert _unmentioned(name, left, ada.id) == _unmentioned(name, others, ada.id), f"{name} lost more"
    assert "bob" in str(after["diagnostic_answer"])
    assert bob.sub == "bob:person.sub"


def rows_of(person: Person) -> dict[str, list[dict[str, Any]]]:
    """The rows about a person by table."""
    parts = tables.of_person(person.tenant_id, person.id, tables.all_tables())
    return {
        name: [dict(row) for row in session.execute(select(table).where(rows)).mappings()]
        for name, (table, rows) in parts.items()
    }


def _unmentioned(name: str, rows: list[dict[str, Any]], person_id: int) -> list[dict[str, Any]]:
    """The rows of others without who is mentioned; of the one that the console keeps for somebody only others'."""
    mentions = {column.name for column in tables.mentions([Base.metadata.tables[name]])}
    kept = [row for row in rows if not (name == "administrator" and not row["name"])]
    return [{key: value for key, value in row.items() if key not in mentions} for row in kept]


def test_a_plan_says_what_goes_what_stays_and_which_grades_are_not_sent(there: tuple[Person, Person]) -> None:
    ada, _bob = there
    session.execute(update(Grade).where(Grade.person_id == ada.id).values(state="parked"))
    plan = erasing.plan(ada)
    assert plan.removed["launch"] == plan.removed["diagnostic_attempt"] == plan.removed["evidence"] == 1
    assert plan.emptied["person"] == plan.emptied["administrator"] == plan.emptied["launch.for_person_id"] == 1
    assert plan.waiting_grades == 1
    assert "audit_entry" not in {**plan.removed, **plan.emptied}


def test_whoever_was_an_administrator_is_shut_out_without_a_name(there: tuple[Person, Person]) -> None:
    ada, _bob = there
    number = session.scalars(select(Administrator.id).where(Administrator.person_id == ada.id)).one()
    session.execute(update(Administrator).values(enabled=True))
    erasing.erase(ada)
    session.expire_all()
    left = session.get_one(Administrator, number)
    assert (left.name, left.email, left.subject, left.person_id, left.enabled) == ("", "", "", None, False)


def test_the_audit_log_tells_of_an_erasure_by_number_only(there: tuple[Person, Person]) -> None:
    ada, _bob = there
    erasing.erase(ada)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.erase")).one()
    assert entry.subject == f"person {ada.id}"
    assert "ada" not in str(entry.details)


def test_a_tool_that_leaves_something_lets_nothing_be_erased(app: Flask, there: tuple[Person, Person]) -> None:
    ada, _bob = there
    change_tools(app, erase_person=lambda _tenant, _person: None)
    with pytest.raises(PluginError, match=r"the tool '(\w+)' still names the person in '\1_"):
        erasing.erase(ada)


def test_rows_of_a_tool_that_is_gone_are_erased_and_removed_as_well(there: tuple[Person, Person]) -> None:
    ada, bob = there
    session.execute(
        text(
            "CREATE TABLE gone_note (id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant (id),"
            " person_id INTEGER NOT NULL REFERENCES person (id), words VARCHAR(80))"
        )
    )
    session.execute(
        text("CREATE TABLE gone_part (id INTEGER PRIMARY KEY, tenant_id INTEGER REFERENCES tenant (id),"
             " note_id INTEGER REFERENCES gone_note (id))")
    )  # fmt: skip
    for number, person in ((1, ada), (2, bob)):
        values = {"id": number, "tenant": person.tenant_id, "person": person.id, "words": f"of {person.name}"}
        session.execute(text("INSERT INTO gone_note VALUES (:id, :tenant, :person, :words)"), values)
        session.execute(text("INSERT INTO gone_part VALUES (:id, :tenant, :id)"), values)
    assert exported(ada)["host"]["gone_note"][0]["words"] == "of ada:person.name"
    erasing.erase(ada)
    assert session.execute(text("SELECT id FROM gone_note")).scalars().all() == [2]
    assert session.execute(text("SELECT note_id FROM gone_part")).scalars().all() == [2]
    tenant = session.get_one(Tenant, bob.tenant_id)
    removing.announce(tenant)
    removing.remove(tenant)
    assert session.execute(text("SELECT count(*) FROM gone_note")).scalar_one() == 0


def test_plugins_hear_of_an_erasure_and_of_nothing_else_about_the_person(start_app: Any) -> None:
    heard: list[Delivery] = []
    app = start_app([make_probe(listens={PersonErased: heard.append})])
    platform = Platform()
    platform.register(app)
    platform.launch(app.test_client())
    with writing(app):
        person = session.scalars(select(Person)).one()
        session.add(EventRow(tenant_id=person.tenant_id, kind="ScoreRecorded", fields={"person_id": person.id}))
        session.flush()
        number = session.scalars(select(EventRow.id)).one()
        session.add(EventDelivery(tenant_id=person.tenant_id, event_id=number, plugin="probe"))
        erasing.erase(person)
    deliver(app)
    assert [each.event for each in heard] == [PersonErased(person.tenant_id, person.id)]
    with app.app_context():
        assert session.get_one(EventRow, number).fields == {}, "the number of an event is never given again"
    platform.close()


def test_whoever_comes_again_is_somebody_new(app: Flask, platform: Platform) -> None:
    platform.launch(app.test_client())
    with writing(app):
        before = session.scalars(select(Person)).one()
        erasing.erase(before)
        assert finding.find(before.tenant_id, "person-1") == []
        with pytest.raises(NotFound):
            finding.get(before.tenant_id, before.id)
    platform.launch(app.test_client())
    with app.app_context():
        now = session.scalars(select(Person).where(Person.sub == "person-1")).one()
        assert now.id != before.id
        assert now.erased_at is None


def test_people_are_found_by_name_address_and_number_in_their_institution_only(app: Flask, platform: Platform) -> None:
    other = Platform("https://other.example.test", "client-2")
    other.register(app, "beta")
    for one in (platform, other):
        one.launch(app.test_client(), sub="u-17", name="Élodie Ampère", email="Elodie@example.edu")
        one.launch(app.test_client(), sub="u-18", name="100% Bob", email="")
    with app.app_context():
        acme = tenants.by_key("acme").id
        for text_, number in (
            ("ampère", 1), ("élodie", 0 if session.get_bind().dialect.name == "sqlite" else 1), ("Élodie", 1),
            ("elodie@EXAMPLE", 1), ("u-17", 1), ("u-1", 0), ("example", 1), ("%", 1), ("_", 0), ("  ", 0), ("x", 1),
        ):  # fmt: skip
            assert len(finding.find(acme, text_)) == number, text_
        found = finding.find(acme, "u-17")[0]
        assert (found.platform, list(found.courses)) == ("https://lms.example.test", ["Course One"])
        theirs = finding.find(tenants.by_key("beta").id, "u-17")[0].person
        with pytest.raises(NotFound):
            finding.get(acme, theirs.id)
    other.close()


def age(days: int, **values: Any) -> None:
    """Let everybody have been seen so many days ago."""
    then = utcnow() - timedelta(days=days)
    session.execute(update(Person).values(seen_at=then))
    session.execute(update(Base.metadata.tables["enrolment"]).values(seen_at=then, listed_at=values.get("listed_at")))


def test_people_are_erased_after_the_days_that_the_institution_says(app: Flask, platform: Platform) -> None:
    platform.launch(app.test_client())
    with writing(app):
        acme = tenants.by_key("acme")
        age(40)
        retention.daily(DAILY)
        assert len(finding.find(acme.id, "person-1")) == 1, "nobody is erased unless somebody says so"
        for days in (29, 0, -1, 99_999):
            with pytest.raises(Conflict):
                retention.set_days(acme, days)
        assert len(retention.due(acme, 40).people) == 1
        assert len(retention.due(acme, 41).people) == 0
        retention.set_days(acme, 41)
        retention.daily(DAILY)
        assert len(finding.find(acme.id, "person-1")) == 1
        retention.set_days(acme, 40)
        retention.daily(DAILY)
        assert finding.find(acme.id, "person-1") == []
        retention.daily(DAILY)
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.erase")).all()
        assert [entry.actor for entry in entries] == ["worker"], "who is erased is not erased again"


def test_nobody_is_erased_whose_grade_waits_or_whom_the_lms_lists(app: Flask, platform: Platform) -> None:
    platform.launch(app.test_client())
    with writing(app):
        acme = tenants.by_key("acme")
        retention.set_days(acme, 30)
        age(99, listed_at=utcnow())
        assert retention.due(acme, 30).people == []
        age(99)
        person = session.scalars(select(Person)).one()
        launch = session.scalars(select(Launch)).one()
        grade = Grade(
            tenant_id=acme.id, registration_id=person.registration_id, link_id=launch.link_id, person_id=person.id,
            maximum=100, submitted_at=utcnow(), timestamp=utcnow(), due_at=utcnow(), state="waiting",
        )  # fmt: skip
        session.add(grade)
        session.flush()
        for state in ("waiting", "parked"):
            grade.state = state
            session.flush()
            assert retention.due(acme, 30) == retention.Due([], 1)
            retention.daily(DAILY)
            assert len(finding.find(acme.id, "person-1")) == 1
        grade.state = "sent"
        session.flush()
        retention.daily(DAILY)
        assert finding.find(acme.id, "person-1") == []


def test_one_who_cannot_be_erased_keeps_nobody_else(app: Flask, platform: Platform) -> None:
    for sub in ("a", "b", "c"):
        platform.launch(app.test_client(), sub=sub)
    erased: list[int] = []

    def fails_for_the_first(_tenant_id: int, person_id: int) -> None:
        erased.append(person_id)
        if len(erased) == 1:
            raise RuntimeError("the tool is broken")

    change_tools(app, erase_person=fails_for_the_first)
    with writing(app):
        retention.set_days(tenants.by_key("acme"), 30)
        age(31)
        session.commit()
        with pytest.raises(RuntimeError, match="1 people could not be erased"):
            retention.daily(DAILY)
        assert len(session.scalars(select(Person).where(Person.erased_at.is_not(None))).all()) == 2


def test_visits_and_refusals_that_are_long_over_go_every_day(app: Flask, platform: Platform) -> None:
    platform.launch(app.test_client())
    platform.launch(app.test_client(), deployment_id="other")
    with writing(app):
        for days, left in ((29, 1), (31, 0)):
            then = utcnow() - timedelta(days=days)
            session.execute(update(Launch).values(expires_at=then))
            session.execute(update(LaunchLog).values(last_at=then))
            retention.daily(DAILY)
            for table in (Launch, LaunchLog):
                assert len(session.scalars(select(table)).all()) == left


def test_the_worker_does_it_once_a_day(app: Flask, platform: Platform) -> None:
    platform.launch(app.test_client())
    deliver(app)
    with writing(app):
        retention.set_days(tenants.by_key("acme"), 30)
        age(31)
        job = session.scalars(select(Job).where(Job.name == retention.JOB)).one()
        assert job.due_at > utcnow() + timedelta(hours=23)
        session.execute(update(Job).values(due_at=utcnow()))
    deliver(app)
    with app.app_context():
        assert finding.find(tenants.by_key("acme").id, "person-1") == []
        again = session.scalars(select(Job).where(Job.name == retention.JOB)).one()
        assert (again.failures, again.due_at > utcnow() + timedelta(hours=23)) == (0, True)


@pytest.fixture
def two(app: Flask) -> Iterator[tuple[Tenant, Tenant]]:
    """Two institutions, each with a row in every table."""
    with writing(app):
        keys = [fill(tag, of_us()) for tag in ("acme", "beta")]
        for table in of_us():
            if table.name != "tenant":
                rows = session.execute(select(table.c.tenant_id)).scalars().all()
                assert sorted(rows) == [each["tenant"] for each in keys], table.name
        yield session.get_one(Tenant, keys[0]["tenant"]), session.get_one(Tenant, keys[1]["tenant"])


def test_an_institution_goes_with_every_row_and_another_keeps_every_row(two: tuple[Tenant, Tenant]) -> None:
    acme, beta = two
    removing.announce(acme)
    before = everything()
    planned = removing.plan(acme)
    number, rows = acme.id, sum(planned.values())
    assert set(planned) == {table.name for table in of_us()}
    assert removing.remove(acme) == rows
    session.expire_all()
    after = everything()
    for name, old in before.items():
        theirs = [row for row in old if row.get("tenant_id", row.get("id")) == beta.id]
        if name not in ("audit_entry", "attempt", "heartbeat", "outage"):
            assert after[name] == theirs, name
    entries = [entry for entry in after["audit_entry"] if entry["tenant_id"] != beta.id]
    assert [(entry["action"], entry["subject"], entry["tenant_id"]) for entry in entries] == [
        ("tenant.remove", "tenant acme:tenant.key", None)
    ]
    assert entries[0]["details"] == {"rows": rows}
    assert session.get(Tenant, number) is None


def test_a_removal_is_announced_first_waits_and_can_be_called_off(two: tuple[Tenant, Tenant]) -> None:
    acme, _beta = two
    with pytest.raises(Conflict, match="Announce"):
        removing.remove(acme)
    for days in (0, -1, 400):
        with pytest.raises(Conflict):
            removing.announce(acme, days)
    removing.announce(acme, 1)
    assert not acme.enabled
    with pytest.raises(Conflict):
        removing.announce(acme, 1)
    retention.daily(DAILY)
    assert session.get(Tenant, acme.id) is not None
    removing.keep(acme)
    assert (acme.enabled, acme.removal_at) == (True, None)
    with pytest.raises(Conflict):
        removing.keep(acme)
    removing.announce(acme, 1)
    session.execute(update(Tenant).where(Tenant.id == acme.id).values(removal_at=utcnow()))
    tenants.set_enabled(acme.key, True)
    retention.daily(DAILY)
    assert session.get(Tenant, acme.id) is not None, "switching it on calls it off as well"
    session.refresh(acme)
    removing.announce(acme, 1)
    session.execute(update(Tenant).where(Tenant.id == acme.id).values(removal_at=utcnow()))
    number = acme.id
    retention.daily(DAILY)
    assert session.get(Tenant, number) is None


def test_an_export_of_an_institution_is_whole_and_has_no_secret(two: tuple[Tenant, Tenant]) -> None:
    acme, _beta = two
    out = io.BytesIO()
    written = removing.export(acme, out)
    expected = {table.name for table in of_us()} - tables.NOTHING_BUT_SECRETS
    assert set(written) == expected
    with zipfile.ZipFile(out) as package:
        contents = {name: package.read(name).decode() for name in package.namelist()}
    for table in of_us():
        if table.name in tables.NOTHING_BUT_SECRETS:
            assert f"tables/{table.name}.jsonl" not in contents
            continue
        rows = [json.loads(line) for line in contents[f"tables/{table.name}.jsonl"].splitlines()]
        assert len(rows) == written[table.name]
        kept = {column.name for column in table.columns if not tables.is_secret(column)}
        assert all(set(row) == kept for row in rows), table.name
    assert json.loads(contents["institution.json"])["rows"] == written
    assert [text for name, text in contents.items() if name.startswith("files/")] == ["acme:file"]
    whole = "".join(contents.values())
    assert "beta" not in whole
    for trace in ("_hash", "sealed_", "lease", "private_pem"):
        assert f'"{trace}' not in whole.replace('"leased_until"', "")
        assert f'{trace}":' not in whole


def secrets_of(table: Table) -> list[str]:
    return [column.name for column in table.columns if tables.is_secret(column)]


def test_what_counts_as_a_secret() -> None:
    found = {f"{table.name}.{name}" for table in of_us() for name in secrets_of(table)}
    for name in (
        "tenant_key.sealed_private_pem", "service_token.sealed_token", "launch.browser_hash", "invitation.code_hash",
        "invitation.token_hash", "console_code.code_hash", "console_session.cookie_hash", "one_time_code.code_hash",
        "pending_login.state_hash", "pending_login.nonce_hash", "file.content", "grade.lease",
    ):  # fmt: skip
        assert name in found
    assert "registration.token_url" not in found
