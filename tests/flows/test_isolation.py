"""Two institutions whose platforms, people, courses and links have the same names: neither ever touches the other.

What one does leaves every row of the other as it was, no page of one shows a word of the other, and what is signed for
one is signed with its own key. `scoped` watches besides, in every test, that each statement names its institution.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from sqlalchemy import select, text

import ltitools
import ltitools_badges
import ltitools_diagnostic
from certification.helpers import Services
from flows.desk import ADMINISTRATOR, Desk, add_known
from flows.mishaps import make_mishaps
from ltitools.db import Base, session
from ltitools.models import Administrator, Course, Person
from ltitools.plugin import Plugin, competencies, grades
from ltitools.plugin import tenants as plugin_tenants
from ltitools.services import activities, administrators, files, invitations, jobs, tenants
from ltitools.testing import INSTRUCTOR, PUBLIC_URL, Platform, Visit, ags_claim, deliver, error_code, writing
from ltitools_badges import achievements, considering, rules, signing
from ltitools_badges import plugin as badges
from ltitools_badges.core.content import MicroCredential
from ltitools_diagnostic import plugin as diagnostic
from probe import make_probe
from scoped import is_scoped

if TYPE_CHECKING:
    from conftest import StartApp

NAMES = ("acme", "beta")
QUIZ = {"activity": "probe:quiz"}
OF_THE_SERVER = {"heartbeat", "outage", "attempt", "tenant"}
SPOKEN = {name: f"word-of-{name}" for name in NAMES}
"""What only one institution's people say; no page of the other may hold it."""


@dataclass
class Campus:
    """Two institutions on one server, with one and the same platform registered in both."""

    app: Flask
    platform: Platform
    services: Services
    folder: Path
    visits: dict[str, list[Visit]] = field(default_factory=lambda: {name: [] for name in NAMES})
    desks: dict[str, Desk] = field(default_factory=dict)

    def visit(self, tenant: str, **changes: Any) -> Visit:
        """A launch into an institution: the same person, course and link in both."""
        self.platform.tenant_key = tenant
        claims = {
            "custom": QUIZ,
            "name": f"Person {SPOKEN[tenant]}",
            "context": {"id": "course-1", "title": f"Course {SPOKEN[tenant]}"},
            "resource_link": {"id": "link-1", "title": f"Link {SPOKEN[tenant]}"},
            "endpoint": ags_claim(f"{self.services.url}/items/1", f"{self.services.url}/items"),
        }
        opened = self.platform.visit(self.app.test_client(), **claims | changes)
        self.visits[tenant].append(opened)
        return opened

    def learn(self, tenant: str) -> None:
        """A learner gets a score."""
        answer = self.visit(tenant).post("score", {"given": "70", "comment": SPOKEN[tenant]})
        assert answer.status_code == 200, error_code(answer)

    def teach(self, tenant: str) -> None:
        """An instructor adds an activity."""
        self.platform.tenant_key = tenant
        claims = self.platform.deep_linking_claims()
        visit = self.platform.visit(self.app.test_client(), claims)
        answer = visit.post(f"/tools/probe/{visit.launch_id}/place", {"slug": SPOKEN[tenant]})
        assert answer.status_code == 200, error_code(answer)

    def fail(self, tenant: str) -> None:
        """A launch is refused and logged."""
        self.platform.tenant_key = tenant
        answer = self.platform.launch(self.app.test_client(), deployment_id=f"other-{SPOKEN[tenant]}")
        assert error_code(answer) == "deployment-unknown"

    def keep(self, tenant: str) -> None:
        """A tool keeps a file: the same bytes in both."""
        visit = self.visit(tenant, custom={"activity": "mishaps:one"}, resource_link={"id": "link-2", "title": "2"})
        assert visit.post("keep", {"content": "the same bytes"}).status_code == 200

    def queue(self, tenant: str) -> None:
        """A job that may wait once."""
        with writing(self.app):
            jobs.enqueue(tenants.by_key(tenant).id, "probe", "none", {"word": SPOKEN[tenant]}, unique="the same")

    def judge(self, tenant: str) -> None:
        """A competency with the same code, and its title."""
        with writing(self.app):
            competencies.ensure(tenants.by_key(tenant).id, "probe", "same", {"en": SPOKEN[tenant]})

    def assess(self, tenant: str) -> None:
        """A pre-assessment is published, and a learner takes it."""
        questions = self.folder / f"{tenant}.csv"
        questions.write_text(f"competency,question,option_a,option_b,answer\nsame,{SPOKEN[tenant]}?,One,Two,a\n")
        arguments = [
            "import",
            str(questions),
            "--tenant",
            tenant,
            "--slug",
            "same",
            "--title",
            SPOKEN[tenant],
            "--json",
        ]
        with writing(self.app):
            assert diagnostic.cli is not None
            diagnostic.cli.main(arguments, standalone_mode=False)
        link = {"id": "link-3", "title": SPOKEN[tenant]}
        visit = self.visit(tenant, custom={"activity": "diagnostic:same"}, resource_link=link)
        for path, form in (("start", {}), ("q/1", {"answer-1": "a"}), ("submit", {})):
            assert visit.post(path, form).status_code == 303, path

    def award(self, tenant: str) -> None:
        """A micro-credential with the same short name is published, and a learner has its badge, which is signed."""
        self.learn(tenant)
        with writing(self.app):
            here = plugin_tenants.by_key(tenant)
            quiz = activities.find(here.id, "probe", "quiz")
            made = achievements.find(here.id, "same")
            if made is None:
                made = achievements.create(here.id, SPOKEN[tenant], "en", None, "same")
                described = MicroCredential("en", SPOKEN[tenant], "It is said.", outcomes=("Says it.",))
                achievements.save(achievements.draft_of(here.id, made.id), described)
                achievements.publish(here.id, made.id)
                rules.save(here.id, made.id, None, rules.Terms((rules.Part(quiz.id if quiz else 0),)))
            score = grades.in_course(here.id, self.course_of(here.id))[0]
            considering.note_score(here.id, score.person_id, self.course_of(here.id), score.link_id, "70", "100", 1)
            considering.consider(here, self.course_of(here.id), score.person_id)
            session.commit()
            signing.sign_due(here)
            considering.note_score(here.id, score.person_id, self.course_of(here.id), score.link_id, "1", "100", 2)
            considering.consider(here, self.course_of(here.id), score.person_id)

    @staticmethod
    def course_of(tenant_id: int) -> int:
        """The course of an institution."""
        return session.scalars(select(Course.id).where(Course.tenant_id == tenant_id).order_by(Course.id)).all()[0]

    def administer(self, tenant: str) -> None:
        """An administrator of the LMS changes things in the console."""
        visit = self.visit(tenant, roles=[INSTRUCTOR, ADMINISTRATOR], sub="admin-1")
        page = visit.post(f"/tools/-/{visit.launch_id}/console").get_data(as_text=True)
        desk = Desk(self.app)
        assert desk.sign_in(page.partition('name="code" value="')[2].partition('"')[0]).status_code == 303
        base = f"/console/{tenant}"
        desk.do(f"{base}/settings", name=f"Name {SPOKEN[tenant]}", locale="en", lms_administrators="yes")
        desk.post(f"{base}/platforms/links", f"{base}/platforms/", note=SPOKEN[tenant], days="3")
        desk.do(f"{base}/people", name=SPOKEN[tenant], email="the.same@example.edu")
        desk.do(f"{base}/settings/tools", f"{base}/settings", tool="mishaps", enabled="no")
        desk.do(f"{base}/settings/tools", f"{base}/settings", tool="mishaps", enabled="yes")
        self.desks[tenant] = desk

    def rotate(self, tenant: str) -> None:
        """A new key signs from now on."""
        with writing(self.app):
            tenants.rotate_key(tenants.by_key(tenant), at_once=True)
            # What was fetched with the keys from before is of no use to this test.
            session.execute(text("UPDATE service_token SET usable_until = '2000-01-01 00:00:00+00:00'"))

    def rows_of(self, tenant: str) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of an institution, by table."""
        with self.app.app_context():
            number = tenants.by_key(tenant).id
            found = {"tenant": [tuple(session.execute(select(TENANT).where(TENANT.c.id == number)).one())]}
            for table in Base.metadata.sorted_tables:
                if "tenant_id" in table.columns:
                    rows = session.execute(table.select().where(table.c.tenant_id == number))
                    found[table.name] = sorted(tuple(map(repr, row)) for row in rows)
            return found


TENANT = Base.metadata.tables["tenant"]
EMPTY = {"one_time_code", "console_code", "line_item", "badges_foreign"}
"""Tables in which the deeds leave no row: codes are used up, columns for competencies and badges of other issuers are
tested elsewhere."""
DEEDS = ("learn", "teach", "fail", "keep", "queue", "judge", "assess", "award", "administer")


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe(), make_mishaps(), diagnostic, badges]


@pytest.fixture
def campus(start_app: StartApp, plugins: list[Plugin], tmp_path: Path) -> Iterator[Campus]:
    """Both institutions, registered with the same platform by the same client id, with the same deployment."""
    app = start_app(plugins)
    platform = Platform()
    services = Services()
    with ExitStack() as stack:
        stack.callback(platform.close)
        stack.callback(services.close)
        for name in NAMES:
            platform.register(app, name, token_url=f"{services.url}/token")
            with writing(app):
                tenant = tenants.by_key(name)
                tenants.change(tenant, f"Name {SPOKEN[name]}", "en", lms_administrators=True)
                activities.create(tenant.id, "probe", "quiz", "Quiz")
                activities.create(tenant.id, "mishaps", "one", "One")
        yield Campus(app, platform, services, tmp_path)


@given(deeds=st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(NAMES)), min_size=3, max_size=7))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_one_institution_does_leaves_every_row_of_the_other_as_it_was(
    campus: Campus, deeds: list[tuple[str, str]]
) -> None:
    for deed, tenant in deeds:
        assert_the_other_is_left_alone(campus, deed, tenant)
    deliver(campus.app)
    assert_rows_refer_to_their_own(campus)


def assert_the_other_is_left_alone(campus: Campus, deed: str, tenant: str) -> None:
    """One institution does something, and every row of the other is as before."""
    other = next(name for name in NAMES if name != tenant)
    before = campus.rows_of(other)
    getattr(campus, deed)(tenant)
    after = campus.rows_of(other)
    changed = [name for name, rows in after.items() if rows != before[name]]
    assert changed == [], f"{deed} of {tenant} changed rows of {other}"


def do_everything(campus: Campus) -> None:
    """Each institution does everything, one after the other."""
    for deed in DEEDS:
        for tenant in NAMES:
            getattr(campus, deed)(tenant)
    deliver(campus.app)


def assert_rows_refer_to_their_own(campus: Campus) -> None:
    """No row of an institution refers to a row of another, in any table."""
    with campus.app.app_context():
        for table in Base.metadata.sorted_tables:
            if "tenant_id" not in table.columns:
                continue
            for key in table.foreign_keys:
                to = key.column.table
                if "tenant_id" not in to.columns:
                    continue
                there = to.alias("there")
                crossing = (
                    select(table.c.tenant_id)
                    .join(there, there.c[key.column.name] == table.c[key.parent.name])
                    .where(table.c.tenant_id != there.c.tenant_id)
                )
                assert session.execute(crossing).first() is None, f"{table.name}.{key.parent.name}"


def test_a_test_that_looks_at_every_table_has_rows_in_every_table(campus: Campus) -> None:
    """Otherwise the test above would say little; what has none here is named."""
    do_everything(campus)
    empty = {name for tenant in NAMES for name, rows in campus.rows_of(tenant).items() if not rows}
    assert {name for name in empty if not name.startswith("diagnostic_")} == EMPTY
    assert not empty & {
        f"diagnostic_{name}" for name in ("version", "item", "competency", "attempt", "answer", "result")
    }
    assert_rows_refer_to_their_own(campus)


def test_no_page_of_one_institution_holds_a_word_of_the_other(campus: Campus) -> None:
    do_everything(campus)
    pages = [
        rule.rule.replace("<tenant_key>", "{tenant}")
        for rule in campus.app.url_map.iter_rules()
        if rule.endpoint.startswith("console.") and rule.arguments == {"tenant_key"} and "GET" in (rule.methods or ())
    ]
    assert len(pages) > 8
    for tenant in NAMES:
        other = next(name for name in NAMES if name != tenant)
        answers = {path: campus.desks[tenant].get(path.format(tenant=tenant)) for path in pages}
        read = {path: answer.text for path, answer in answers.items() if answer.status_code == 200}
        assert len(pages) - len(read) <= 1, "a page for operators"
        read |= {visit.path: visit.get().get_data(as_text=True) for visit in campus.visits[tenant]}
        for path, page in read.items():
            assert SPOKEN[other] not in page, path
        assert sum(SPOKEN[tenant] in page for page in read.values()) > len(pages) // 2
        for path in pages:
            assert error_code(campus.desks[tenant].get(path.format(tenant=other))) == "page-unknown"


def test_a_visit_of_one_institution_is_none_of_the_other(campus: Campus) -> None:
    do_everything(campus)
    ours, theirs = campus.visits["acme"][0], campus.visits["beta"][0]
    for path in (theirs.path, f"/tools/-/{theirs.launch_id}/choose", f"/tools/-/{theirs.launch_id}/console"):
        assert error_code(ours.client.get(path, base_url=PUBLIC_URL)) == "launch-other-browser"
    login = campus.platform
    login.tenant_key = "acme"
    begun = login.begin(ours.client)
    login.tenant_key = "beta"
    token = login.sign({**login.claims(custom=QUIZ), "nonce": begun["nonce"]})
    answer = login.post(ours.client, id_token=token, state=begun["state"])
    assert error_code(answer) == "state-unknown", "a login of one institution is answered in the other"


def test_a_grade_goes_out_with_a_token_of_its_own_institution(campus: Campus) -> None:
    """Both have the same platform, client id and token endpoint."""
    for tenant in NAMES:
        campus.learn(tenant)
    campus.rotate("acme")
    deliver(campus.app)
    assertions = [each.form["client_assertion"] for each in campus.services.on("/token")]
    kid_of_token = {
        token: jws.extract_compact(assertion.encode()).headers()["kid"]
        for token, assertion in zip(campus.services.tokens, assertions, strict=True)
    }
    with campus.app.app_context():
        owner_of_kid = {
            key.kid: name for name in NAMES for key in tenants.keys(tenants.by_key(name).id) if key.retired_at is None
        }
    posts = campus.services.on("/scores")
    spoken = {json.loads(post.body)["comment"]: owner_of_kid[kid_of_token[post.bearer]] for post in posts}
    assert spoken == {SPOKEN[name]: name for name in NAMES}


def test_the_same_file_is_kept_twice_and_sealed_for_each(campus: Campus) -> None:
    for tenant in NAMES:
        campus.keep(tenant)
    with campus.app.app_context():
        numbers = {name: tenants.by_key(name).id for name in NAMES}
        rows = session.execute(text("SELECT tenant_id, id, digest FROM file ORDER BY tenant_id")).all()
        assert len({row.digest for row in rows}) == 2
        (ours,) = (row.id for row in rows if row.tenant_id == numbers["acme"])
        (theirs,) = (row.id for row in rows if row.tenant_id == numbers["beta"])
        assert files.get(numbers["acme"], ours) is not None
        assert files.get(numbers["acme"], theirs) is None
    visit = campus.visits["acme"][0]
    assert visit.get(f"/tools/-/{visit.launch_id}/files/{ours}").status_code == 200
    assert visit.get(f"/tools/-/{visit.launch_id}/files/{theirs}").status_code == 404


def test_a_link_and_a_code_of_one_institution_open_nothing_of_the_other(campus: Campus) -> None:
    with writing(campus.app):
        _, invite = invitations.add(tenants.by_key("acme"))
    client = campus.app.test_client()
    answer = client.get("/lti/beta/register", query_string={"invite": invite}, base_url=PUBLIC_URL)
    assert error_code(answer) == "invitation-unknown"
    desk = Desk(campus.app)
    desk.sign_in(add_known(campus.app, "acme", "Ada"))
    assert error_code(desk.get("/console/beta/")) == "page-unknown"


def test_switching_one_institution_off_leaves_the_other_on(campus: Campus) -> None:
    do_everything(campus)
    with writing(campus.app):
        tenants.set_enabled("acme", False)
    assert error_code(campus.visits["acme"][0].get()) == "tenant-disabled"
    assert campus.visits["beta"][0].get().status_code == 200


@pytest.mark.parametrize(
    ("statement", "scoped"),
    [
        ("SELECT x FROM launch WHERE launch.tenant_id = ? AND launch.created_at < ?", True),
        ("SELECT x FROM launch JOIN tenant ON tenant.id = launch.tenant_id WHERE tenant.key = ?", True),
        ("SELECT x FROM launch WHERE launch.id = ?", True),
        ("SELECT x FROM person", False),
        ("SELECT x FROM person WHERE person.id = ? AND person.sub = ?", False),
        ("SELECT x FROM person, course WHERE person.id = ? OR course.title = ?", False),
        ("SELECT x FROM person JOIN tenant ON tenant.id = person.tenant_id WHERE person.sub = ?", False),
        ("UPDATE grade SET state=? WHERE grade.id = ?", True),
        ("UPDATE grade SET state=? WHERE grade.state = ?", False),
        ("DELETE FROM person WHERE person.sub = ?", False),
        ("SELECT x FROM heartbeat", True),
    ],
)
def test_a_statement_without_its_institution_is_noticed(statement: str, scoped: bool) -> None:
    assert is_scoped(statement) is scoped


def test_no_row_is_asked_for_by_its_number_alone() -> None:
    """Numbers are counted for all institutions together, and others can guess them."""
    source = Path(ltitools.__file__).parent
    tools = [Path(str(tool.__file__)).parent for tool in (ltitools_badges, ltitools_diagnostic)]
    asks = re.compile(r"\bsession\.(?:get|get_one|query)\(")
    found = [
        f"{path.name}:{number}"
        for folder in (source, *tools)
        for path in folder.rglob("*.py")
        if "demo_lms" not in path.parts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if asks.search(line)
    ]
    assert found == []


def test_a_page_that_forgets_the_institution_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: here a list is made of everybody's rows."""
    everybody = select(Administrator).order_by(Administrator.id)
    monkeypatch.setattr(administrators, "of_tenant", lambda _tenant: session.scalars(everybody).all())
    with pytest.raises(AssertionError, match=r"/console/.tenant./people"):
        test_no_page_of_one_institution_holds_a_word_of_the_other(campus)


def test_a_deed_that_touches_another_institution_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campus, "judge", lambda _tenant: campus.rotate("beta"))
    with pytest.raises(AssertionError, match="judge of acme changed rows of beta"):
        assert_the_other_is_left_alone(campus, "judge", "acme")


def test_a_statement_of_ours_is_laid_at_the_door_of_its_module(campus: Campus, statements: list[str]) -> None:
    """As if a module of the services asked for all rows."""

    def careless() -> object:
        return session.scalars(select(Person)).all()

    inside = {**globals(), "__name__": "ltitools.services.careless"}
    with campus.app.app_context():
        FunctionType(careless.__code__, inside)()
    found, statements[:] = list(statements), []
    assert [line.partition(":")[0] for line in found] == ["ltitools.services.careless"]
