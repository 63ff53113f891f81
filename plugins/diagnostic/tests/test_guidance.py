"""Modules and job roles: set by instructors, chosen and followed by learners, as forms and as files."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ltitools.plugin import session
from ltitools.testing import INSTRUCTOR, Visit, error_code, writing
from ltitools_diagnostic.guidancefile import read_modules, read_roles

README = Path(__file__).parents[1] / "README.md"
DEMO = Path(__file__).resolve().parents[3] / "config" / "demo"
KNOWN = {"alpha": {"en": "Alpha"}, "beta": {"en": "Beta"}, "gamma": {"en": "Gamma"}}

Enter = Callable[..., Visit]
Publish = Callable[..., str]
Rows = Callable[..., list[Any]]
MakeBank = Callable[..., bytes]
Form = Mapping[str, str | list[str]]


def three_competencies(make: MakeBank, each: int = 12) -> bytes:
    return make(
        *(
            {"id": f"{code}{n}", "competency": code, "type": "text", "question": f"{code} number {n}?", "answer": "yes"}
            for code in KNOWN
            for n in range(each)
        )
    )


@pytest.fixture
def activity(publish: Publish, bank: MakeBank) -> str:
    """A published pre-assessment with the competencies alpha, beta and gamma, owned by course-1."""
    return publish(three_competencies(bank), per="6")


@pytest.fixture
def teacher(enter: Enter, activity: str) -> Visit:
    """An instructor of the owning course."""
    return enter(activity, as_=INSTRUCTOR)


def of(visit: Visit, path: str = "") -> str:
    return unescape(visit.get(path).get_data(as_text=True))


def module_form(*modules: Mapping[str, Any]) -> dict[str, Any]:
    """What a browser sends for these modules and one empty place."""
    form: dict[str, Any] = {}
    for place, module in enumerate([*modules, {}]):
        blank = dict.fromkeys(("module", "title_en", "title_fr", "hours", "link", "order"), "")
        for name, value in (blank | dict(module)).items():
            form[f"{name}-{place}"] = value
    return form


def role_form(*roles: tuple[str, list[tuple[str, list[str]]]]) -> dict[str, Any]:
    """What a browser sends for job roles: each a title with its tasks, each of these with its competencies."""
    form: dict[str, Any] = {}
    for place, (title, tasks) in enumerate([*roles, ("", [])]):
        form |= {f"role-{place}": "", f"role_en-{place}": title, f"role_fr-{place}": "", f"order-{place}": ""}
        for at, (task, codes) in enumerate([*tasks, ("", [])]):
            form |= {f"task_en-{place}-{at}": task, f"task_fr-{place}-{at}": ""}
            form[f"competencies-{place}-{at}"] = codes
    return form


def save_modules(visit: Visit, *modules: Mapping[str, Any]) -> None:
    answer = visit.post("modules", module_form(*modules))
    assert answer.status_code == 303, answer.get_data(as_text=True)


def save_roles(visit: Visit, *roles: tuple[str, list[tuple[str, list[str]]]]) -> None:
    answer = visit.post("job-roles", role_form(*roles))
    assert answer.status_code == 303, answer.get_data(as_text=True)


def upload(visit: Visit, path: str, content: str | bytes) -> tuple[int, str]:
    data = content.encode() if isinstance(content, str) else content
    answer = visit.post(path, {"file": (io.BytesIO(data), "table.csv")})
    return answer.status_code, unescape(answer.get_data(as_text=True))


def fields_on(page: str) -> dict[str, Any]:
    """What the form of a page sends when nothing on it is changed."""
    form: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", page.partition('<form method="post" class="stack"')[2]):
        attributes = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if attributes["type"] == "text":
            form[attributes["name"]] = attributes["value"]
        elif attributes["type"] == "checkbox" and tag.endswith(" checked>"):
            form.setdefault(attributes["name"], []).append(attributes["value"])
    return form


def sit(visit: Visit, know: Callable[[str], bool], **begin: str) -> list[str]:
    """One sitting from its start to its results; returns the questions that were asked."""
    asked = []
    where = visit.post("start", begin).headers["Location"]
    while "/q/" in where:
        page, number = of(visit, where), where.rpartition("/")[2]
        question = re.search(r"(alpha|beta|gamma) number \d+\?", page)
        assert question is not None
        asked.append(question[0])
        where = visit.post(where, {f"answer-{number}": "yes" if know(question[0]) else "no"}).headers["Location"]
    visit.post("submit")
    return asked


def competencies_of(asked: list[str]) -> set[str]:
    return {question.split()[0] for question in asked}


def plan_on(page: str) -> list[str]:
    """The titles of the modules that a page of results tells to learn, in their order."""
    section = page.partition('id="plan"')[2].partition("</section>")[0].partition("<h3>")[0]
    return [re.sub(r"<[^>]+>|\(opens.*", "", title).strip() for title in re.findall(r"<strong>(.*?)</strong>", section)]


class TestModules:
    """The form of modules."""

    def test_modules_are_saved_and_shown_again_as_they_were_typed(self, teacher: Visit, rows: Rows) -> None:
        save_modules(
            teacher,
            {"title_en": " First  steps ", "title_fr": "Premiers pas : un", "hours": "1,5", "competencies": ["alpha"]},
            {"title_en": "More", "hours": "2", "link": "https://example.org/x?a=1&b=2", "prerequisites": ["0"]},
        )
        first, second = rows("SELECT * FROM diagnostic_module ORDER BY position")
        assert (first["code"], float(first["hours"])) == ("first-steps", 1.5)
        assert "first-steps" in str(second["prerequisites"])
        page = of(teacher, "modules?saved=1")
        assert "The modules are saved." in page
        form = fields_on(page)
        assert teacher.post("modules", form).status_code == 303
        assert form["title_fr-0"] == "Premiers pas : un"
        again = rows("SELECT code, titles, hours, url, competencies FROM diagnostic_module ORDER BY position")
        assert [row["code"] for row in again] == ["first-steps", "more"]
        assert [row["url"] for row in again] == ["", "https://example.org/x?a=1&b=2"]

    def test_a_module_moves_to_the_place_that_is_typed(self, teacher: Visit, rows: Rows) -> None:
        modules = [{"title_en": name, "hours": "1", "order": str(n)} for n, name in enumerate("ABCDE", start=1)]

        def order(place: int, to: str) -> str:
            moved = [{**module} for module in modules]
            moved[place]["order"] = to
            save_modules(teacher, *moved)
            found = rows("SELECT code FROM diagnostic_module ORDER BY position")
            return "".join(row["code"] for row in found)

        assert order(4, "2") == "aebcd"
        assert order(0, "3") == "bcade"
        assert order(2, "") == "abdec"

    def test_a_removed_module_is_gone_and_nothing_waits_for_it(self, teacher: Visit, rows: Rows) -> None:
        first = {"title_en": "One", "hours": "1", "remove": "yes"}
        save_modules(teacher, first, {"title_en": "Two", "hours": "1", "prerequisites": ["0"]})
        [left] = rows("SELECT code, prerequisites FROM diagnostic_module")
        assert left["code"] == "two"
        assert str(left["prerequisites"]) == "[]"

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("hours", "", "Write the hours as a number"),
            ("hours", "-1", "Write the hours as a number"),
            ("hours", "1000", "Write the hours as a number"),
            ("hours", "two", "Write the hours as a number"),
            ("link", "javascript:alert(1)", "Write a whole address"),
            ("link", "data:text/html,x", "Write a whole address"),
            ("link", "//example.org", "Write a whole address"),
            ("link", "https://", "Write a whole address"),
            ("link", "https://exa mple.org", "Write a whole address"),
            ("link", "https://[::1", "Write a whole address"),
            ("title_en", "x" * 201, "longer than 200 characters"),
            ("module", "x" * 129, "longer than 128 characters"),
            ("module", "a;b", "no semicolon"),
            ("order", "first", "Write the place in the order as a number."),
            ("competencies", ["delta"], "The questions have no such competency. They have: alpha, beta, gamma."),
        ],
    )
    def test_a_mistake_is_told_at_its_field_and_nothing_is_lost(
        self, teacher: Visit, rows: Rows, field: str, value: str | list[str], said: str
    ) -> None:
        good = {"title_en": "Good", "hours": "1"}
        module = {"title_en": "Typed", "title_fr": "Saisi", "hours": "3", "link": "https://x.org/", field: value}
        answer = teacher.post(
            "modules", module_form(good, {**module, "competencies": value if field == "competencies" else ["beta"]})
        )
        page = unescape(answer.get_data(as_text=True))
        assert answer.status_code == 422
        assert f'<a href="#{field}-1">' in page
        assert f'id="{field}-1-error">{said}' in page or said in page.partition(f'id="{field}-1-error">')[2][:300]
        assert f'id="{field}-1"' in page
        assert rows("SELECT id FROM diagnostic_module") == []
        kept = fields_on(page)
        assert kept["title_fr-1"] == "Saisi"
        assert field == "competencies" or kept[f"{field}-1"] == value

    def test_two_modules_cannot_have_one_code(self, teacher: Visit) -> None:
        one, two = ({"module": code, "title_en": code, "hours": "1"} for code in ("m1", "M1"))
        answer = teacher.post("modules", module_form(one, two))
        assert answer.status_code == 422
        assert '<a href="#module-1">Another one has this code already.' in answer.get_data(as_text=True)

    def test_what_is_odd_is_pointed_out_and_saved_all_the_same(self, teacher: Visit) -> None:
        save_modules(
            teacher,
            {"title_en": "Left", "hours": "1", "competencies": ["alpha"], "prerequisites": ["1"]},
            {"title_en": "Right", "hours": "1", "competencies": ["beta"], "prerequisites": ["0"]},
            {"title_en": "Idle", "hours": "1"},
        )
        page = of(teacher, "modules")
        warning = page.partition('class="notice warning')[2].partition("</div>")[0]
        assert re.search(r"No module teaches:\s+gamma<", warning)
        assert re.search(r"in a circle:\s+Left;\s+Right", warning)
        assert re.search(r"no other module needs them first:\s+Idle", warning)

    def test_a_course_uses_the_modules_of_the_owner_until_it_has_its_own(
        self, enter: Enter, activity: str, teacher: Visit
    ) -> None:
        save_modules(teacher, {"title_en": "Owner’s", "hours": "1", "competencies": ["alpha"]})
        other = enter(activity, as_=INSTRUCTOR, link="link-9", course="course-9")
        learner = enter(activity, link="link-9", course="course-9")
        sit(learner, lambda question: False)
        page = of(other, "modules")
        assert "This course has no modules of its own" in page
        assert "title_en-0" in fields_on(page)
        assert fields_on(page)["title_en-0"] == ""
        assert plan_on(of(learner)) == ["Owner’s"]
        start = fields_on(of(other, "modules?start=1"))
        assert start["title_en-0"] == "Owner’s"
        other.post("modules", {**start, "title_en-0": "Our own"})
        assert plan_on(of(learner)) == ["Our own"]
        assert fields_on(of(teacher, "modules"))["title_en-0"] == "Owner’s"
        other.post("modules", {**fields_on(of(other, "modules")), "remove-0": "yes"})
        assert plan_on(of(learner)) == ["Owner’s"]

    def test_a_competency_that_is_no_longer_asked_stays_with_its_module(
        self, app: Flask, teacher: Visit, rows: Rows
    ) -> None:
        save_modules(teacher, {"title_en": "One", "hours": "1", "competencies": ["alpha"]})
        with writing(app):
            session.execute(text('UPDATE diagnostic_module SET competencies = \'["alpha", "older"]\''))
        page = of(teacher, "modules")
        assert "(not asked now)" in page
        assert teacher.post("modules", fields_on(page)).status_code == 303
        [row] = rows("SELECT competencies FROM diagnostic_module")
        assert "older" in str(row["competencies"])


class TestModulesAsFile:
    """Upload and download of modules."""

    def test_an_upload_fills_the_form_and_stores_nothing_until_it_is_saved(self, teacher: Visit, rows: Rows) -> None:
        save_modules(teacher, {"title_en": "Old", "hours": "1"})
        table = (
            "module;title_en;title_fr;hours;link;competencies;prerequisites\n"
            'm1;One;Un;1,5;https://example.org/1;"alpha;BETA";\nm2;Two;;2;;gamma;M1\n'
        )
        status, page = upload(teacher, "modules", table)
        assert status == 200
        assert "Learners see nothing of it until you save the modules." in page
        assert [row["code"] for row in rows("SELECT code FROM diagnostic_module")] == ["old"]
        assert teacher.post("modules", fields_on(page)).status_code == 303
        found = rows("SELECT code, hours, competencies, prerequisites FROM diagnostic_module ORDER BY position")
        assert [(row["code"], float(row["hours"])) for row in found] == [("m1", 1.5), ("m2", 2)]
        assert [json.loads(str(row["competencies"]).replace("'", '"')) for row in found] == [
            ["alpha", "beta"],
            ["gamma"],
        ]
        downloaded = teacher.get("modules.csv")
        assert downloaded.mimetype == "text/csv"
        again = read_modules(downloaded.data, KNOWN, "en")
        assert [(each.code, each.prerequisites) for each in again.found] == [("m1", ()), ("m2", ("m1",))]

    def test_all_errors_of_a_file_are_told_at_once_with_their_rows(self, teacher: Visit, rows: Rows) -> None:
        table = (
            "module,title,hours,link,competencies,prerequisites,colour\n"
            "m1,One,x,ftp://a.b,delta,m9,red\n\nM1,,2,,alpha,m1,\nm3,Three,1,,alpha,,,surplus\n"
        )
        status, page = upload(teacher, "modules", table)
        report = re.findall(r'<td class="number">(\d+)</td>\s*<td>(?:<code>(.*?)</code>)?</td>', page)
        assert status == 422
        assert report == [
            ("2", "hours"),
            ("2", "link"),
            ("2", "prerequisites"),
            ("2", "competencies"),
            ("4", "module"),
            ("4", "title_en"),
            ("4", "prerequisites"),
            ("5", ""),
        ]
        assert "They have: alpha, beta, gamma." in page
        assert rows("SELECT id FROM diagnostic_module") == []

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ("", "The file is empty."),
            ("title,hours\n", "There is nothing below the row"),
            ("module,title\nm1,One\n", "This column is missing."),
            ("title,hours,hours\nOne,1,2\n", "This column is there twice."),
            ("title,hours\n" + "Same,1\n" * 61, "There can be at most 60 of them."),
        ],
    )
    def test_a_file_that_is_no_table_of_modules_is_refused_with_the_reason(
        self, teacher: Visit, table: str, said: str
    ) -> None:
        status, page = upload(teacher, "modules", table)
        assert (status, said in page) == (422, True)

    def test_without_modules_the_download_is_a_table_to_fill_in(self, teacher: Visit) -> None:
        assert teacher.get("modules.csv").data.decode("utf-8-sig").startswith("module,title_en,title_fr,hours,link,")


class TestJobRoles:
    """The form and the file of job roles, and what a learner has of them."""

    def test_job_roles_are_saved_and_shown_again(self, teacher: Visit, rows: Rows) -> None:
        save_roles(
            teacher, ("Clerk", [("File", ["alpha"]), ("Write", ["alpha", "beta"])]), ("Cook", [("Cook", ["gamma"])])
        )
        found = rows("SELECT code FROM diagnostic_job_role ORDER BY position")
        assert [row["code"] for row in found] == ["clerk", "cook"]
        form = fields_on(of(teacher, "job-roles"))
        assert (form["task_en-0-1"], form["competencies-0-1"]) == ("Write", ["alpha", "beta"])
        assert (
            teacher.post("job-roles", {**form, "order-1": "1", "task_en-0-1": "", "competencies-0-1": []}).status_code
            == 303
        )
        after = rows("SELECT code, tasks FROM diagnostic_job_role ORDER BY position")
        assert [row["code"] for row in after] == ["cook", "clerk"]
        assert "Write" not in str(after[1]["tasks"])
        assert re.search(r"so nobody is asked about them:\s+beta<", of(teacher, "job-roles"))

    @pytest.mark.parametrize(
        ("role", "field"),
        [
            (("", [("File", ["alpha"])]), "role_en-0"),
            (("Clerk", []), "task-0-0"),
            (("Clerk", [("", ["alpha"])]), "task_en-0-0"),
            (("Clerk", [("", []), ("File", [])]), "competencies-0-1"),
        ],
    )
    def test_what_is_missing_is_told_at_its_field(
        self, teacher: Visit, rows: Rows, role: tuple[str, list[tuple[str, list[str]]]], field: str
    ) -> None:
        answer = teacher.post("job-roles", role_form(role))
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert f'<a href="#{field}">' in page
        assert f'id="{field}"' in page
        assert f'id="{field}-error"' in page
        assert rows("SELECT id FROM diagnostic_job_role") == []

    def test_a_role_of_which_nothing_is_asked_cannot_be_saved(self, app: Flask, teacher: Visit, bank: MakeBank) -> None:
        draft = bank({"competency": "later", "type": "text", "question": "Later?", "answer": "yes"})
        report = teacher.post("new", {"title": "x", "language": "en", "file": (io.BytesIO(draft), "b.csv")})
        teacher.post(report.headers["Location"], {"rows": "all"})
        answer = teacher.post("job-roles", role_form(("Clerk", [("File", ["later"])])))
        assert answer.status_code == 422
        assert "nobody with this job would get a question" in answer.get_data(as_text=True)
        save_roles(teacher, ("Clerk", [("File", ["later", "alpha"])]))

    def test_a_file_of_job_roles_fills_the_form(self, teacher: Visit, rows: Rows) -> None:
        table = (
            "role,role_en,role_fr,task_en,task_fr,competencies\n"
            "desk,Desk,Accueil,Sign in,Se connecter,alpha\ncook,Cook,,Cook,,beta\nDESK,Other,,Sort,Trier,alpha;beta\n"
        )
        status, page = upload(teacher, "job-roles", table)
        assert status == 200
        assert "which is used: “Desk”." in page
        assert rows("SELECT id FROM diagnostic_job_role") == []
        teacher.post("job-roles", fields_on(page))
        again = read_roles(teacher.get("job-roles.csv").data, KNOWN, KNOWN, "en")
        assert [(role.code, len(role.tasks)) for role in again.found] == [("desk", 2), ("cook", 1)]
        assert again.found[0].titles == {"en": "Desk", "fr": "Accueil"}

    def test_errors_in_a_file_of_job_roles_have_their_rows(self, teacher: Visit) -> None:
        table = "role,task,competencies\ndesk,One,alpha\n,Two,alpha\ndesk,,delta\ndesk,Four,\n"
        status, page = upload(teacher, "job-roles", table)
        report = re.findall(r'<td class="number">(\d+)</td>\s*<td><code>(.*?)</code>', page)
        assert status == 422
        assert report == [("3", "role"), ("4", "task_en"), ("4", "competencies"), ("5", "competencies")]

    def test_a_learner_is_asked_what_the_chosen_job_takes_now_and_later(
        self, enter: Enter, activity: str, teacher: Visit
    ) -> None:
        save_roles(teacher, ("Clerk", [("File", ["alpha"]), ("Write", ["beta"])]), ("Cook", [("Cook", ["gamma"])]))
        learner = enter(activity)
        page = of(learner)
        assert "What it is about" in page
        assert learner.post("start", {"role": "king"}).status_code == 422
        learner.post("start", {"role": "clerk"})
        assert "12 questions on 2 competencies" in of(learner)
        learner.post("submit")
        assert "only about the 2 competencies" in of(learner)
        assert "Which job do you have in mind?" not in of(learner)
        assert competencies_of(sit(learner, lambda question: "alpha" in question)) == {"alpha", "beta"}
        assert competencies_of(sit(learner, lambda question: False)) == {"beta"}

    def test_a_role_that_is_gone_leaves_its_people_with_all_questions(
        self, enter: Enter, activity: str, teacher: Visit
    ) -> None:
        save_roles(teacher, ("Clerk", [("File", ["alpha"])]), ("Cook", [("Cook", ["gamma"])]))
        learner = enter(activity)
        learner.post("start", {"role": "clerk"})
        save_roles(teacher, ("Cook", [("Cook", ["gamma"])]))
        assert "6 questions on 1 competency" in of(learner)
        learner.post("submit")
        assert "only about the 3 competencies" in of(learner)
        assert competencies_of(sit(learner, lambda question: True)) == set(KNOWN)
        assert "You have shown everything." in of(learner)

    def test_a_role_that_takes_less_now_asks_for_no_more_than_it_takes(
        self, enter: Enter, activity: str, teacher: Visit
    ) -> None:
        save_roles(teacher, ("Clerk", [("File", ["alpha", "beta"])]))
        learner = enter(activity)
        sit(learner, lambda question: "alpha" in question, role="clerk")
        save_roles(teacher, ("Clerk", [("File", ["alpha"])]))
        page = of(learner)
        assert "Answer again" not in page
        assert "This activity is closed" not in page
        assert learner.post("start").headers["Location"] == learner.path

    def test_a_role_without_questions_in_a_new_version_is_not_offered(
        self, enter: Enter, activity: str, teacher: Visit, bank: MakeBank
    ) -> None:
        save_roles(teacher, ("Clerk", [("File", ["alpha"])]), ("Cook", [("Cook", ["gamma"])]))
        only = bank({"competency": "alpha", "type": "text", "question": "alpha number 1?", "answer": "yes"})
        report = teacher.post("new", {"title": "x", "language": "en", "file": (io.BytesIO(only), "b.csv")})
        draft = teacher.post(report.headers["Location"], {"rows": "all"}).headers["Location"]
        teacher.post(draft, {"title": "x", "per_competency": "", "go": "publish"})
        page = of(enter(activity))
        assert 'value="clerk"' in page
        assert 'value="cook"' not in page


@pytest.mark.parametrize("path", ["modules", "modules.csv", "job-roles", "job-roles.csv"])
def test_learners_open_none_of_these_pages(enter: Enter, activity: str, path: str) -> None:
    response = enter(activity).get(path)
    assert (response.status_code, error_code(response)) == (403, "role-forbidden")


@pytest.mark.parametrize("path", ["modules", "job-roles"])
def test_learners_send_none_of_these_forms(enter: Enter, activity: str, rows: Rows, path: str) -> None:
    response = enter(activity).post(path, {**module_form({"title_en": "x", "hours": "1"})})
    assert (response.status_code, error_code(response)) == (403, "role-forbidden")
    assert rows("SELECT id FROM diagnostic_module") == []


@pytest.mark.parametrize("path", ["job-roles", "job-roles.csv"])
def test_another_course_may_not_change_the_job_roles(enter: Enter, activity: str, path: str) -> None:
    other = enter(activity, as_=INSTRUCTOR, link="link-9", course="course-9")
    assert (other.get(path).status_code, error_code(other.get(path))) == (403, "diagnostic-other-course")
    assert other.post("job-roles", role_form(("Clerk", [("File", ["alpha"])]))).status_code == 403
    board = of(other)
    assert "/modules" in board
    assert "/job-roles" not in board


def test_the_dashboard_of_the_owning_course_leads_to_both_pages(teacher: Visit) -> None:
    board = of(teacher)
    assert f'href="{teacher.url("modules")}"' in board
    assert f'href="{teacher.url("job-roles")}"' in board
