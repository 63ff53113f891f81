"""Versions of frameworks: what is edited where, what is frozen, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select

from ltitools.db import session, utcnow
from ltitools.errors import NotFound
from ltitools.models import AuditEntry, Framework, Person
from ltitools.models import Competency as CompetencyRow
from ltitools.plugin import Evidence, Plugin
from ltitools.services import competencies, tenants
from ltitools.services.frameworks import keeping
from ltitools.services.frameworks.content import Content, Item, arranged, moved, new_guid, with_items
from ltitools.services.frameworks.findings import Unusable
from ltitools.testing import Platform, writing
from probe import make_probe

GUIDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(10)]


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe()]


@pytest.fixture
def person(app: Flask, platform: Platform) -> Iterator[Person]:
    """A learner of the institution ``acme``, inside an application."""
    platform.launch(app.test_client())
    with writing(app):
        yield session.scalars(select(Person)).one()


def content(*items: Item) -> Content:
    return Content(GUIDS[0], {"en": "AI awareness"}, items)


PARENT = Item(GUIDS[1], "A", {"en": "Use AI", "fr": "Utiliser l’IA"}, {"en": "Every day"})
CHILD = Item(GUIDS[2], "A.1", {"en": "Write prompts"}, parent=GUIDS[1])
OTHER = Item(GUIDS[3], "B", {"en": "Judge AI"})


def row_of(framework: Framework, code: str) -> CompetencyRow:
    return session.scalars(
        select(CompetencyRow).where(CompetencyRow.framework_id == framework.id, CompetencyRow.code == code)
    ).one()


def use(person: Person, competency_id: int) -> None:
    """Refer to a competency, as every tool does."""
    evidence = Evidence(person.id, None, None, None, competency_id, 1.0, f"test:{competency_id}", utcnow())
    competencies.append_evidence(person.tenant_id, [evidence])


def without_times(found: Content) -> Content:
    return replace(found, changed_at=None, items=tuple(replace(item, changed_at=None) for item in found.items))


def test_a_framework_is_kept_with_its_order_and_hierarchy(person: Person) -> None:
    given = content(PARENT, CHILD, OTHER)
    kept = keeping.keep(person.tenant_id, "ai", given)
    assert (kept.number, kept.state) == (1, "draft")
    assert without_times(keeping.load(keeping.get(person.tenant_id, "ai"))) == given
    assert keeping.load(kept).depths == {GUIDS[1]: 0, GUIDS[2]: 1, GUIDS[3]: 0}


def test_what_nobody_uses_is_edited_in_place_also_when_it_is_published(person: Person) -> None:
    keeping.keep(person.tenant_id, "ai", content(PARENT, CHILD))
    published = keeping.publish(person.tenant_id, "ai")
    number = row_of(published, "A").id
    again = keeping.keep(person.tenant_id, "ai", content(replace(PARENT, titles={"en": "Use AI well"}), OTHER))
    assert again.id == published.id
    assert row_of(again, "A").id == number
    assert [item.code for item in keeping.load(again).items] == ["A", "B"]


def test_two_competencies_may_change_places_codes_and_parents(person: Person) -> None:
    keeping.keep(person.tenant_id, "ai", content(PARENT, CHILD, OTHER))
    turned = content(replace(CHILD, code="A", parent=None), replace(PARENT, code="A.1", parent=CHILD.guid), OTHER)
    assert without_times(keeping.load(keeping.keep(person.tenant_id, "ai", turned))) == turned


def test_a_used_version_is_frozen_and_an_edit_begins_a_draft_with_the_same_identifiers(person: Person) -> None:
    keeping.keep(person.tenant_id, "ai", content(PARENT, CHILD))
    first = keeping.publish(person.tenant_id, "ai")
    earned = row_of(first, "A")
    assert not keeping.is_frozen(first)
    use(person, earned.id)
    assert keeping.is_frozen(first)

    draft = keeping.keep(person.tenant_id, "ai", content(replace(PARENT, titles={"en": "Use AI with care"}), OTHER))
    assert (draft.number, draft.state, draft.origin_id, draft.guid) == (2, "draft", first.id, first.guid)
    assert (row_of(draft, "A").guid, row_of(draft, "A").id == earned.id) == (earned.guid, False)
    assert competencies.named(person.tenant_id, [earned.id])[earned.id].title("en") == "Use AI"
    assert [item.code for item in keeping.load(first).items] == ["A", "A.1"]
    assert keeping.in_force(person.tenant_id, "ai") is first

    second = keeping.publish(person.tenant_id, "ai")
    assert (first.state, second.state) == ("replaced", "published")
    assert [(one.framework.number, one.frozen, one.items) for one in keeping.listed(person.tenant_id, "ai")] == [
        (2, False, 2),
        (1, True, 2),
    ]


def test_the_same_draft_is_edited_until_it_is_published_or_discarded(person: Person) -> None:
    keeping.keep(person.tenant_id, "ai", content(PARENT))
    use(person, row_of(keeping.publish(person.tenant_id, "ai"), "A").id)
    draft = keeping.keep(person.tenant_id, "ai", content(PARENT, CHILD))
    assert keeping.keep(person.tenant_id, "ai", content(PARENT, OTHER)).id == draft.id
    assert keeping.drop_draft(person.tenant_id, "ai") == 2
    assert keeping.get(person.tenant_id, "ai").number == 1
    with pytest.raises(NotFound, match="no draft"):
        keeping.publish(person.tenant_id, "ai")
    with pytest.raises(NotFound, match="no draft"):
        keeping.drop_draft(person.tenant_id, "ai")


def test_the_same_content_again_begins_nothing(person: Person) -> None:
    keeping.keep(person.tenant_id, "ai", content(PARENT, CHILD))
    first = keeping.publish(person.tenant_id, "ai")
    use(person, row_of(first, "A").id)
    assert keeping.keep(person.tenant_id, "ai", content(PARENT, CHILD)) is first
    assert keeping.change(person.tenant_id, "ai", lambda before: moved(before, PARENT.guid, 1)) is first


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ([replace(PARENT, code="Z")], "stays as it is"),
        ([replace(OTHER, code="A")], "not given to another"),
    ],
)
def test_a_code_by_which_tools_know_a_competency_stays_its_own(person: Person, changed: list[Item], said: str) -> None:
    keeping.keep(person.tenant_id, "ai", content(PARENT))
    use(person, row_of(keeping.publish(person.tenant_id, "ai"), "A").id)
    for _ in ("the draft is made", "the draft is there"):
        with pytest.raises(Unusable, match=said):
            keeping.keep(person.tenant_id, "ai", content(*changed))
        keeping.keep(person.tenant_id, "ai", content(PARENT, CHILD))


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([PARENT, replace(OTHER, code="A")], "same code"),
        ([PARENT, replace(OTHER, guid=PARENT.guid)], "same identifier"),
        ([replace(PARENT, code="")], "no code"),
        ([replace(PARENT, code="x" * 129)], "longer than 128"),
        ([replace(PARENT, titles={})], "no wording"),
        ([replace(PARENT, titles={"en": "x" * 2001})], "longer than 2000"),
        ([replace(PARENT, descriptions={"en": "x" * 10_001})], "longer than 10000"),
        ([CHILD], "not there"),
        ([replace(PARENT, parent=CHILD.guid), CHILD], "below itself"),
        (
            [
                replace(
                    OTHER, guid=f"{n:08}{GUIDS[0][8:]}", code=str(n), parent=(n and f"{n - 1:08}{GUIDS[0][8:]}") or None
                )
                for n in range(21)
            ],
            "more than 20 levels",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_as_a_whole(person: Person, items: list[Item], said: str) -> None:
    keeping.keep(person.tenant_id, "ai", content(OTHER))
    with pytest.raises(Unusable, match=said):
        keeping.keep(person.tenant_id, "ai", content(*items))
    assert [item.code for item in keeping.load(keeping.get(person.tenant_id, "ai")).items] == ["B"]


def test_a_key_is_of_one_framework_and_a_framework_has_one_key(person: Person) -> None:
    keeping.keep(person.tenant_id, "ai", content(PARENT))
    with pytest.raises(Unusable, match="another framework"):
        keeping.keep(person.tenant_id, "ai", replace(content(PARENT), guid=new_guid()))
    with pytest.raises(Unusable, match="with another key"):
        keeping.keep(person.tenant_id, "ai-2", content(PARENT))
    with pytest.raises(Unusable, match="A key is made of"):
        keeping.keep(person.tenant_id, "a/b", replace(content(PARENT), guid=new_guid()))


def test_two_institutions_have_the_same_framework_and_never_see_each_others(person: Person) -> None:
    other, _ = tenants.add("other", "Other")
    mine = keeping.keep(person.tenant_id, "ai", content(PARENT, CHILD))
    theirs = keeping.keep(other.id, "ai", content(replace(PARENT, titles={"en": "Theirs"}), CHILD))
    assert mine.guid == theirs.guid
    keeping.publish(person.tenant_id, "ai")
    use(person, row_of(mine, "A").id)
    assert (keeping.is_frozen(mine), keeping.is_frozen(theirs)) == (True, False)
    assert keeping.get(other.id, "ai").state == "draft"
    keeping.drop_draft(other.id, "ai")
    assert keeping.listed(other.id) == []
    assert keeping.load(mine).items[0].titles["en"] == "Use AI"
    assert competencies.ensure(other.id, "ai", "A", {"en": "Made"}).id != row_of(mine, "A").id


def test_a_tool_finds_the_version_in_force_and_adds_to_it_what_is_missing(person: Person) -> None:
    first = competencies.ensure(person.tenant_id, "ai", "A", {"en": "Use AI"})
    use(person, first.id)
    before = keeping.load(keeping.get(person.tenant_id, "ai"))
    reworded = [replace(item, titles={"en": "Use AI with care"}) for item in before.items]
    keeping.keep(person.tenant_id, "ai", with_items(before, [*reworded, OTHER]))
    assert competencies.ensure(person.tenant_id, "ai", "A", {"en": "x"}) == first

    added = competencies.ensure(person.tenant_id, "ai", "B", {"en": "Judge"})
    assert (added.guid, added.titles) == (OTHER.guid, {"en": "Judge"})
    keeping.publish(person.tenant_id, "ai")
    found = competencies.ensure_all(person.tenant_id, "ai", {"A": {"en": "x"}, "B": {"en": "x", "fr": "Juger"}})
    assert found["A"].guid == first.guid
    assert found["A"].id != first.id
    assert (found["A"].title("en"), found["B"].titles) == ("Use AI with care", {"en": "Judge AI", "fr": "Juger"})


def test_a_draft_that_a_tool_uses_is_in_force(person: Person) -> None:
    draft = keeping.keep(person.tenant_id, "ai", content(PARENT))
    assert competencies.ensure(person.tenant_id, "ai", "A", {"en": "x"}).guid == PARENT.guid
    session.refresh(draft)
    assert draft.state == "published"
    assert session.scalar(select(func.count()).select_from(Framework)) == 1


def test_every_change_is_in_the_audit_log(person: Person) -> None:
    keeping.keep(person.tenant_id, "ai", content(PARENT))
    keeping.keep(person.tenant_id, "ai", content(PARENT, CHILD))
    use(person, row_of(keeping.publish(person.tenant_id, "ai"), "A").id)
    keeping.keep(person.tenant_id, "ai", content(PARENT), "framework.import")
    keeping.drop_draft(person.tenant_id, "ai")
    session.flush()
    logged = session.scalars(select(AuditEntry).where(AuditEntry.subject == "framework ai").order_by(AuditEntry.id))
    assert [(one.action, one.details["version"]) for one in logged] == [
        ("framework.add", 1),
        ("framework.change", 1),
        ("framework.publish", 1),
        ("framework.version", 2),
        ("framework.remove", 2),
    ]


def test_competencies_are_arranged_below_their_parents() -> None:
    shuffled = [OTHER, CHILD, PARENT]
    assert [item.code for item in arranged(shuffled)] == ["B", "A", "A.1"]
