"""An institution's administrator makes, edits, uploads and downloads frameworks in the console."""

from __future__ import annotations

import json
import re
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ltitools.plugin import Evidence, Plugin
from ltitools.services import administrators, competencies, people, tenants
from ltitools.services.frameworks import keeping
from ltitools.testing import PUBLIC_URL, Platform, writing
from ltitools.web.console.skeleton import COOKIE
from probe import make_probe

FRAMEWORKS = "/console/acme/frameworks/"
TABLE = "code,parent,title_en,title_fr\nA,,Use AI,Utiliser l’IA\nA.1,A,Write prompts,\nB,,Judge AI,\n"


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe()]


class Visitor:
    """The browser of an administrator of an institution."""

    def __init__(self, app: Flask, key: str) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        with writing(app):
            known = {one.key: one for one in tenants.all_tenants()}
            administrator, _new = administrators.add(known.get(key) or tenants.add(key, key.title())[0], "Ada")
            secret = administrators.begin(administrator)
        self.client.set_cookie(COOKIE, secret, domain="tool.example.test", secure=True)

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=PUBLIC_URL)

    def send(self, path: str, page: str = FRAMEWORKS, **fields: Any) -> TestResponse:
        """Send a form of `page`, and go where the answer leads."""
        proof = re.search(r'name="_form" value="([^"]+)"', self.get(page).text)
        assert proof is not None
        answer = self.client.post(path, base_url=PUBLIC_URL, data={"_form": unescape(proof[1]), **fields})
        return self.get(answer.location) if answer.status_code == 303 else answer


@pytest.fixture
def ada(app: Flask, platform: Platform) -> Visitor:
    return Visitor(app, "acme")


def upload(ada: Visitor, text: str = TABLE, **fields: str) -> TestResponse:
    file = (BytesIO(text.encode()), "framework.csv")
    return ada.send(f"{FRAMEWORKS}import", key="ai", title_en="AI awareness", file=file, **fields)


def guid_of(ada: Visitor, code: str) -> str:
    with ada.app.app_context():
        items = keeping.load(keeping.get(tenants.by_key("acme").id, "ai")).items
        return next(item.guid for item in items if item.code == code)


def use(ada: Visitor, platform: Platform) -> None:
    """Have a learner earn A."""
    platform.launch(ada.app.test_client())
    with writing(ada.app):
        tenant = tenants.by_key("acme")
        found = competencies.ensure(tenant.id, "ai", "A", {"en": "x"})
        person = next(iter(people.named(tenant.id, range(1, 50))))
        observed = keeping.get(tenant.id, "ai").created_at
        competencies.append_evidence(tenant.id, [Evidence(person, None, None, None, found.id, 1.0, "test:1", observed)])


def test_a_framework_is_made_by_hand(ada: Visitor) -> None:
    page = ada.send(FRAMEWORKS, key="ai", title_en="AI awareness", title_fr="Sensibilisation à l’IA")
    assert "AI awareness" in page.text
    assert "There is none yet." in page.text
    page = ada.send(f"{FRAMEWORKS}ai/competency", code="A", title_en="Use AI", title_fr="Utiliser l’IA")
    assert "Saved." in page.text
    page = ada.send(f"{FRAMEWORKS}ai/competency", code="A.1", title_en="Write prompts", parent=guid_of(ada, "A"))
    assert re.search(r"<strong>A</strong>.*<ul>.*<strong>A\.1</strong>", page.text, re.DOTALL)
    page = ada.send(f"{FRAMEWORKS}ai/publish")
    assert "in force" in page.text


def test_a_table_is_uploaded_changed_and_downloaded(ada: Visitor) -> None:
    page = upload(ada)
    assert "3 competencies are in version 1." in page.text
    ada.send(f"{FRAMEWORKS}ai/order", down=guid_of(ada, "A"))
    table = ada.get(f"{FRAMEWORKS}ai/1/table.csv")
    assert table.headers["Content-Disposition"] == "attachment; filename=ai-1.csv"
    assert [line.split(",")[0] for line in table.text.splitlines()] == ["\ufeffcode", "B", "A", "A.1"]
    package = ada.get(f"{FRAMEWORKS}ai/1/case.json")
    document = json.loads(package.data)["CFDocument"]
    assert document["uri"] == f"{PUBLIC_URL}/case/acme/CFDocuments/{document['identifier']}"
    assert document["title"] == "AI awareness"


def test_everything_unusual_in_a_package_is_told(ada: Visitor) -> None:
    upload(ada)
    raw = json.loads(ada.get(f"{FRAMEWORKS}ai/1/case.json").data)
    raw["CFItems"][0]["fullStatement"] = "<script>alert(1)</script>"
    raw["CFItems"][0]["unheard"] = 1
    page = upload(ada, json.dumps(raw))
    assert "CASE 1.0 does not know this field" in page.text
    assert "<code>CFItems[0] (A).unheard</code>" in page.text
    assert "marks of HTML" in page.text
    shown = ada.get(f"{FRAMEWORKS}ai/1").text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_a_file_with_errors_changes_nothing_and_every_error_is_told(ada: Visitor) -> None:
    upload(ada)
    answer = upload(ada, "code,title_en\nA,\nA,x\n")
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert "no wording" in answer.text
    assert "same code" in answer.text
    assert "Write prompts" in ada.get(f"{FRAMEWORKS}ai/1").text
    assert ada.send(f"{FRAMEWORKS}import", key="ai").status_code == 422


def test_a_used_framework_stays_and_a_change_begins_a_draft(ada: Visitor, platform: Platform) -> None:
    upload(ada)
    ada.send(f"{FRAMEWORKS}ai/publish")
    use(ada, platform)
    assert "Results refer to this version" in ada.get(f"{FRAMEWORKS}ai/1").text
    page = ada.send(f"{FRAMEWORKS}ai/competency", guid=guid_of(ada, "A"), code="A", title_en="Use AI with care")
    assert "Version 2" in page.text
    assert "Use AI with care" in page.text
    assert "Use AI with care" not in ada.get(f"{FRAMEWORKS}ai/1").text
    again = ada.send(f"{FRAMEWORKS}ai/competency", guid=guid_of(ada, "A"), code="Z", title_en="Use AI")
    assert again.status_code == 422
    assert "stays as it is" in again.text
    assert "Version 2" not in ada.send(f"{FRAMEWORKS}ai/discard").text


def test_a_competency_is_removed_and_what_was_below_it_moves_up(ada: Visitor) -> None:
    upload(ada)
    page = ada.send(f"{FRAMEWORKS}ai/competency/remove", guid=guid_of(ada, "A"))
    assert "<strong>A</strong>" not in page.text
    assert "Write prompts" in page.text


def test_a_competency_is_not_put_below_itself(ada: Visitor) -> None:
    upload(ada)
    form = {"guid": guid_of(ada, "A"), "code": "A", "title_en": "Use AI", "parent": guid_of(ada, "A.1")}
    answer = ada.send(f"{FRAMEWORKS}ai/competency", **form)
    assert answer.status_code == 422
    assert "below itself" in answer.text


def test_a_framework_needs_a_free_key_and_a_title(ada: Visitor) -> None:
    upload(ada)
    assert "already" in ada.send(FRAMEWORKS, key="ai", title_en="Again").text
    assert "Give it a title" in ada.send(FRAMEWORKS, key="new").text
    assert "A key is made of" in ada.send(FRAMEWORKS, key="a b", title_en="New").text


def test_another_institution_sees_nothing_and_may_have_the_same(ada: Visitor, app: Flask) -> None:
    upload(ada)
    package = ada.get(f"{FRAMEWORKS}ai/1/case.json").text
    eve = Visitor(app, "other")
    for path in ("", "ai/1", "ai/1/table.csv", "ai/1/case.json", "ai/competency"):
        assert eve.get(f"{FRAMEWORKS}{path}").status_code == 404
    own = FRAMEWORKS.replace("acme", "other")
    assert "AI awareness" not in eve.get(own).text
    assert eve.get(f"{own}ai/1").status_code == 404
    file = (BytesIO(package.encode()), "x.json")
    assert "3 competencies" in eve.send(f"{own}import", own, key="ai", file=file).text
    eve.send(f"{own}ai/discard", own)
    assert "Write prompts" in ada.get(f"{FRAMEWORKS}ai/1").text


@pytest.mark.parametrize("path", ["ai/2", "none/1", "ai/competency?guid=none"])
def test_what_is_not_there_is_not_found(ada: Visitor, path: str) -> None:
    upload(ada)
    assert ada.get(f"{FRAMEWORKS}{path}").status_code == 404


@pytest.mark.parametrize("path", ["ai/discard", "ai/publish", "none/title", "none/competency"])
def test_what_cannot_be_done_is_refused(ada: Visitor, path: str) -> None:
    upload(ada)
    ada.send(f"{FRAMEWORKS}ai/publish")
    assert ada.send(f"{FRAMEWORKS}{path}").status_code == 404
