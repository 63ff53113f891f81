"""Questions written in the browser: every kind, both languages, and two people at once."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from editor_forms import WRITTEN, Fields, fields_of, of, uploaded, written

from ltitools.plugin import use_locale
from ltitools.testing import INSTRUCTOR, Visit, error_code
from ltitools_diagnostic import editing, formats
from ltitools_diagnostic.exporting import to_csv
from ltitools_diagnostic.importing import read
from ltitools_diagnostic.items import Bank, Item, Kind

STATIC = Path(__file__).parents[1] / "ltitools_diagnostic" / "static"
ALL_KINDS = (STATIC / "example-kinds.csv").read_bytes()
EXAMPLES = ("example.csv", "example-kinds.csv", "example.gift.txt")

Enter = Callable[..., Visit]
Choose = Callable[..., Visit]
Publish = Callable[..., str]
Rows = Callable[..., list[Any]]


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_question_that_goes_through_a_form_is_the_same(name: str, locale: str) -> None:
    for item in formats.read((STATIC / name).read_bytes(), name).bank.items:
        with use_locale(locale):
            checked = editing.check(editing.sheet_of(item), item.code)
        assert (checked.item, checked.mistakes) == (item, ())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_draft_whose_questions_are_all_saved_again_is_the_same_and_so_is_its_file(
    choose: Choose, bank_of: Callable[[int], Bank], rows: Rows, name: str
) -> None:
    visit = choose()
    version_id = uploaded(visit, (STATIC / name).read_bytes(), name)
    before = bank_of(version_id)
    for row in rows("SELECT id FROM diagnostic_item WHERE version_id = :v", v=version_id):
        path = f"editor/{version_id}/questions/{row['id']}"
        fields = fields_of(visit.get(path).get_data(as_text=True))
        assert visit.post(path, {**fields, "go": "save"}).status_code == 303
    assert bank_of(version_id) == before
    file = visit.get(f"bank/{version_id}.csv").get_data()
    assert read(file).bank == before


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_question_of_each_kind_is_written_in_the_browser_and_survives_a_file(
    choose: Choose, new: Callable[..., Any], bank_of: Callable[[int], Bank], kind: str
) -> None:
    visit = choose()
    version_id = written(visit)
    question = {"question_en": "What **now**?\r\n\r\n- this", "question_fr": "Et *maintenant* ?"}
    answer = new(visit, version_id, kind, {**question, **WRITTEN[kind]})
    assert answer.status_code == 303, unescape(answer.get_data(as_text=True))
    bank = bank_of(version_id)
    [item] = bank.items
    assert (item.kind, item.code, item.competency) == (kind, "aid-1", "aid")
    assert item.question == {"en": "What **now**?\n\n- this", "fr": "Et *maintenant* ?"}
    assert read(to_csv(bank)).bank == bank
    page = of(visit, answer.headers["Location"])
    assert "The question is saved in the draft." in page
    assert page.count("<strong>now</strong>") == 1
    assert page.count("<em>maintenant</em>") == 1


def test_rows_left_out_in_the_middle_do_not_change_what_is_right(
    choose: Choose, new: Callable[..., Any], bank_of: Callable[[int], Bank]
) -> None:
    visit = choose()
    version_id = written(visit)
    for kind in ("single", "numeric", "text", "matching"):
        new(visit, version_id, kind, {"question_en": "?", **WRITTEN[kind]})
    single, numeric, text, matching = bank_of(version_id).items
    assert [option.text["en"] for option in single.options] == ["Yes", "No", "Perhaps"]
    assert (single.keys, single.options[2].reason) == ((2,), {"en": "Never."})
    assert [answer.weight for answer in numeric.numbers] == [100, 50, 0]
    assert [answer.text for answer in text.texts["en"]] == ["plaster|tape", "band*"]
    assert (text.texts["en"][1].weight, text.texts["en"][1].feedback) == (25, {"fr": "Presque."})
    assert [answer.text for answer in text.texts["fr"]] == ["pansement"]
    assert (len(matching.options), matching.extra) == (2, ({"en": "A hot bath"},))


@pytest.mark.parametrize(
    ("kind", "fields", "field", "said"),
    [
        ("single", {"question_en": ""}, "question_en", "The question is empty."),
        ("single", {"right": []}, "answer", "The answer is empty."),
        ("ordering", {"option_c_en": "", "option_d_en": ""}, "option_b_en", "at least two"),
        ("single", {"option_b_en": "yes"}, "option_b_en", "says the same as option a"),
        ("single", {"reason_c_en": "Because."}, "option_c_en", "Write the option, or empty"),
        ("single", {"option_a_en": "x" * 4001}, "option_a_en", "longer than 4000"),
        ("multiple", {"weight_a": "much"}, "weight_a", "a percentage from -100 to 100"),
        ("multiple", {"right": ["a"]}, "answer", "The weights make other options right"),
        ("truefalse", {"right": []}, "answer", "The answer is empty."),
        ("numeric", {"number_b": "many"}, "number_b", "The answer must be a number"),
        ("numeric", {"number_b": "1|2"}, "number_b", "The answer must be a number"),
        ("numeric", {"tolerance_a": "some"}, "number_a", "The tolerance must be"),
        ("text", {"language_a": "en", "text_a": " ", "reason_a_en": "x"}, "text_a", "could type"),
        ("matching", {"match_c_en": ""}, "match_b_en", "Write the right answer to option b"),
        ("ordering", {"option_c_en": "first "}, "option_b_en", "says the same as option a"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_field_by_the_rules_of_the_file_and_nothing_is_lost(
    choose: Choose, new: Callable[..., Any], rows: Rows, kind: str, fields: Fields, field: str, said: str
) -> None:
    visit = choose()
    typed = {"question_en": "Why “so”?", "feedback_en": "Kept <b>", **WRITTEN[kind], **fields}
    answer = new(visit, written(visit), kind, typed)
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in page
    assert re.search(f'id="{field}"', page)
    assert said in page
    kept = fields_of(answer.get_data(as_text=True)).values()
    assert {text.strip() for text in typed.values() if isinstance(text, str)} <= {
        "",
        *(text for text in kept if isinstance(text, str)),
    }
    assert rows("SELECT id FROM diagnostic_item") == []


def test_more_rows_a_line_that_moves_up_and_a_preview_save_nothing(
    choose: Choose, new: Callable[..., Any], rows: Rows
) -> None:
    visit = choose()
    version_id = written(visit)
    typed = {"question_en": "In which order?", **WRITTEN["ordering"]}
    more = fields_of(new(visit, version_id, "ordering", typed, go="more").get_data(as_text=True))
    assert [name for name in more if name.startswith("option") and name.endswith("en")][-1] == "option_g_en"
    assert [more[f"option_{letter}_en"] for letter in "abc"] == ["First", "Second", "=Third"]
    up = fields_of(new(visit, version_id, "ordering", typed, go="up-d").get_data(as_text=True))
    assert [up[f"option_{letter}_en"] for letter in "abc"] == ["First", "=Third", "Second"]
    preview = unescape(new(visit, version_id, "ordering", typed, go="preview").get_data(as_text=True))
    assert preview.count("<fieldset disabled") == 2
    assert rows("SELECT id FROM diagnostic_item") == []


def test_the_preview_asks_in_both_languages_and_tells_the_solution(choose: Choose, rows: Rows) -> None:
    visit = choose()
    version_id = uploaded(visit, ALL_KINDS)
    pages = [of(visit, f"editor/{version_id}/questions/{row['id']}") for row in rows("SELECT id FROM diagnostic_item")]
    assert all("Solution, as it is shown afterwards" in page for page in pages)
    matching, ordering, multiple, numeric, text, _single, truth = pages
    assert '<label class="rich" for="answer-1-0">Nosebleed</label>' in matching
    assert '<label class="rich" for="answer-2-0">Saignement de nez</label>' in matching
    assert "Choisissez une réponse" in matching
    assert '<dd class="rich">Pencher la tête en avant</dd>' in matching
    assert ordering.index("Look after your own safety</li>") < ordering.index("Call for help</li>")
    assert "right answer</strong>" in multiple
    assert "100 to 120" in numeric
    assert "100 à 120" in numeric
    assert "plaster / adhesive bandage" in text
    assert "Vrai" in truth


def test_the_list_tells_kind_language_and_state_and_does_what_its_buttons_say(
    choose: Choose, rows: Rows, bank_of: Callable[[int], Bank]
) -> None:
    visit = choose()
    version_id = uploaded(visit, ALL_KINDS)
    page = of(visit, f"editor/{version_id}")
    for text in ("Matching", "Ordering", "Several right options", "A number", "French", "First aid"):
        assert text in page
    ids = [row["id"] for row in rows("SELECT id FROM diagnostic_item ORDER BY position")]

    def codes() -> list[str]:
        return [item.code for item in bank_of(version_id).items]

    def do(action: str) -> str:
        answer = visit.post(f"editor/{version_id}", {"do": action})
        assert answer.status_code == 303
        return answer.headers["Location"]

    assert do(f"down-{ids[0]}").endswith(f"#question-{ids[0]}")
    assert codes()[:3] == ["aid-2", "aid-1", "aid-3"]
    do(f"up-{ids[0]}")
    do(f"up-{ids[0]}")
    assert codes()[:2] == ["aid-1", "aid-2"]
    copy = int(do(f"copy-{ids[0]}").rpartition("-")[2])
    assert codes()[:3] == ["aid-1", "first-aid-1", "aid-2"]
    do(f"retire-{copy}")
    assert [item.code for item in bank_of(version_id).items if item.retired] == ["first-aid-1"]
    assert "retired: asked of nobody" in of(visit, f"editor/{version_id}")
    do(f"back-{copy}")
    assert not any(item.retired for item in bank_of(version_id).items)
    assert visit.post(f"editor/{version_id}", {"do": "burn-1"}).status_code == 400
    path = f"editor/{version_id}/questions/{copy}/delete"
    assert "removed from this draft for good" in of(visit, path)
    visit.post(path)
    assert codes() == [f"aid-{number}" for number in range(1, 8)]
    assert error_code(visit.get(f"editor/{version_id}/questions/{copy}")) == "diagnostic-question-gone"


def test_a_retired_question_is_asked_of_nobody_and_stays_in_the_file(
    choose: Choose, enter: Enter, rows: Rows, bank_of: Callable[[int], Bank]
) -> None:
    visit = choose()
    version_id = uploaded(visit, ALL_KINDS)
    for row in rows("SELECT id FROM diagnostic_item WHERE code <> 'aid-7'"):
        visit.post(f"editor/{version_id}", {"do": f"retire-{row['id']}"})
    bank = bank_of(version_id)
    assert read(visit.get(f"bank/{version_id}.csv").get_data()).bank == bank
    assert bank.counts == {"first-aid": 1}
    assert '<td class="number">1</td>' in of(visit, f"draft/{version_id}")
    visit.post(f"draft/{version_id}", {"title": "Before", "go": "publish"})
    learner = enter("diagnostic:before")
    assert "1 question on 1 competency" in of(learner)
    learner.post("start")
    [attempt] = rows("SELECT form FROM diagnostic_attempt")
    [kept] = rows("SELECT id FROM diagnostic_item WHERE code = 'aid-7'")
    assert re.findall(r"\[\[(\d+), \[\]\]\]", str(attempt["form"])) == [str(kept["id"])]


def test_competencies_are_added_renamed_and_removed_while_they_are_empty(
    choose: Choose, new: Callable[..., Any], bank_of: Callable[[int], Bank], rows: Rows
) -> None:
    visit = choose()
    version_id = written(visit)
    where = f"editor/{version_id}/competencies"
    again = visit.post(where, {"title_en": "Other", "code": "AID"})
    assert (again.status_code, "Another competency has this code" in again.get_data(as_text=True)) == (422, True)
    assert 'href="#title_en"' in visit.post(where, {"title_en": " "}).get_data(as_text=True)
    assert visit.post(where, {"title_fr": "Éteindre un feu"}).status_code == 303
    ids = {row["code"]: row["id"] for row in rows("SELECT id, code FROM diagnostic_competency")}
    assert set(ids) == {"aid", "éteindre-un-feu"}
    visit.post(f"{where}/{ids['aid']}", {"title_en": "Helping", "title_fr": ""})
    assert bank_of(version_id).competencies[0].titles == {"en": "Helping"}
    new(visit, version_id, "truefalse", {"question_en": "?", "right": ["a"]})
    assert "Remove this competency" not in of(visit, f"{where}/{ids['aid']}")
    visit.post(f"{where}/{ids['aid']}", {"go": "remove"})
    visit.post(f"{where}/{ids['éteindre-un-feu']}", {"go": "remove"})
    assert [competency.code for competency in bank_of(version_id).competencies] == ["aid"]
    assert error_code(visit.get(f"{where}/{ids['éteindre-un-feu']}")) == "diagnostic-competency-gone"


def test_what_has_no_question_cannot_be_published(choose: Choose, rows: Rows) -> None:
    visit = choose()
    version_id = written(visit)
    refused = visit.post(f"draft/{version_id}", {"title": "Before", "go": "publish"})
    assert refused.status_code == 422
    assert "There is no question yet that could be asked." in refused.get_data(as_text=True)
    assert rows("SELECT state FROM diagnostic_version") == [{"state": "draft"}]


def test_a_pre_assessment_written_here_is_published_and_taken(
    choose: Choose, new: Callable[..., Any], enter: Enter
) -> None:
    visit = choose()
    assert "Write questions here" in of(visit)
    assert visit.post("write", {"title": " "}).status_code == 422
    version_id = written(visit, "Quite new")
    visit.post(f"editor/{version_id}/competencies", {"title_en": "Without questions"})
    new(visit, version_id, "single", {"question_en": "Yes?", **WRITTEN["single"]})
    answer = visit.post(f"draft/{version_id}", {"title": "Quite new", "go": "publish"})
    assert 'name="JWT"' in answer.get_data(as_text=True)
    learner = enter("diagnostic:quite-new")
    assert "1 question on 1 competency" in of(learner)
    assert "Yes?" in of(learner, learner.post("start").headers["Location"])


def test_a_question_goes_to_another_competency_and_next_goes_through_all(
    choose: Choose, rows: Rows, bank_of: Callable[[int], Bank]
) -> None:
    visit = choose()
    version_id = uploaded(visit, (STATIC / "example.csv").read_bytes())
    ids = [row["id"] for row in rows("SELECT id FROM diagnostic_item ORDER BY position")]
    path = f"editor/{version_id}/questions/{ids[0]}"
    fields = fields_of(visit.get(path).get_data(as_text=True))
    answer = visit.post(path, {**fields, "go": "next"})
    assert answer.headers["Location"].endswith(f"/questions/{ids[1]}")
    moved = visit.post(path, {**fields, "competency": "messages", "go": "next"})
    assert moved.headers["Location"].endswith(f"#question-{ids[0]}")
    bank = bank_of(version_id)
    assert (bank.counts, bank.items[-1].competency) == ({"passwords": 5, "messages": 7}, "messages")
    assert read(to_csv(bank)).bank == bank


def test_what_somebody_else_has_changed_is_shown_and_not_overwritten_unseen(
    choose: Choose, rows: Rows, bank_of: Callable[[int], Bank]
) -> None:
    mine, theirs = choose(), choose()
    version_id = uploaded(mine, ALL_KINDS)
    [row, *_rest] = rows("SELECT id FROM diagnostic_item WHERE code = 'aid-7'")
    path = f"editor/{version_id}/questions/{row['id']}"
    opened = fields_of(mine.get(path).get_data(as_text=True))
    other = fields_of(theirs.get(path).get_data(as_text=True))
    theirs.post(path, {**other, "question_en": "Their butter.", "go": "save"})
    refused = mine.post(path, {**opened, "question_en": "My butter.", "go": "save"})
    page = refused.get_data(as_text=True)
    assert refused.status_code == 409
    assert "Somebody has changed this question" in page
    assert "Their butter." in page
    assert fields_of(page)["question_en"] == "My butter."
    assert bank_of(version_id).items[6].question["en"] == "Their butter."
    assert mine.post(path, {**fields_of(page), "go": "save"}).status_code == 303
    assert bank_of(version_id).items[6].question["en"] == "My butter."
    opened = fields_of(mine.get(path).get_data(as_text=True))
    theirs.post(path + "/delete")
    gone = mine.post(path, {**opened, "go": "save"})
    assert (gone.status_code, "Somebody has deleted this question" in gone.get_data(as_text=True)) == (409, True)
    assert mine.post(path, {**fields_of(gone.get_data(as_text=True)), "go": "save"}).status_code == 303
    assert [item.code for item in bank_of(version_id).items][-1] == "first-aid-1"


def test_a_draft_is_edited_in_its_own_course_only_and_never_once_published(
    choose: Choose, publish: Publish, enter: Enter, rows: Rows
) -> None:
    owner = choose()
    version_id = uploaded(owner, ALL_KINDS)
    [row, *_more] = rows("SELECT id FROM diagnostic_item")
    path = f"editor/{version_id}/questions/{row['id']}"
    fields = fields_of(owner.get(path).get_data(as_text=True))
    stranger = choose(course="course-2")
    for where in (f"editor/{version_id}", path):
        assert error_code(stranger.get(where)) == "diagnostic-version-gone"
    assert error_code(stranger.post(path, fields)) == "diagnostic-version-gone"
    owner.post(f"draft/{version_id}", {"title": "Before", "go": "publish"})
    visit = enter("diagnostic:before", as_=INSTRUCTOR)
    assert error_code(visit.post(path, fields)) == "diagnostic-version-published"
    learner = enter("diagnostic:before")
    assert error_code(learner.get(path)) == "role-forbidden"


def test_revising_twice_keeps_the_draft_with_what_was_written(publish: Publish, enter: Enter) -> None:
    visit = enter(publish(), as_=INSTRUCTOR)
    first = visit.post("revise").headers["Location"]
    assert "Write and edit the questions" in of(visit, first)
    assert visit.post("revise").headers["Location"] == first


def test_a_preview_of_the_draft_is_forgotten_when_its_questions_change(choose: Choose, rows: Rows) -> None:
    visit = choose()
    version_id = uploaded(visit, ALL_KINDS)
    preview = visit.post(f"draft/{version_id}", {"title": "Before", "go": "preview"}).headers["Location"]
    visit.post(preview + "start")
    assert len(rows("SELECT id FROM diagnostic_attempt")) == 1
    [row, *_more] = rows("SELECT id FROM diagnostic_item")
    visit.post(f"editor/{version_id}/questions/{row['id']}/delete")
    assert rows("SELECT id FROM diagnostic_attempt") == []


def test_a_report_in_another_tab_does_not_take_the_file_that_replaced_its_own(choose: Choose) -> None:
    visit = choose()

    def upload(title: str) -> str:
        file = (io.BytesIO((STATIC / EXAMPLES[0]).read_bytes()), EXAMPLES[0])
        return str(visit.post("new", {"title": title, "language": "en", "file": file}).headers["Location"])

    first, second = upload("First"), upload("Second")
    assert first != second
    for answer in (visit.get(first), visit.post(first, {"rows": "all"})):
        assert (answer.status_code, error_code(answer)) == (404, "diagnostic-upload-gone")
    assert visit.get(second).status_code == 200


def test_every_kind_can_be_chosen() -> None:
    from ltitools_diagnostic.views_editor import KINDS

    assert set(KINDS) == set(Kind) == set(editing.SHAPES)
    assert {item.kind for item in read(ALL_KINDS).bank.items if isinstance(item, Item)} == set(Kind)
