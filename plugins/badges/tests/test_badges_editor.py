"""The editor: describing a micro-credential, designing its picture, and publishing both."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from editor_forms import fields_of
from flask import Flask
from PIL import Image
from sqlalchemy import text
from test_badges_content import FULL, LEAST

from ltitools.plugin import Tenant, activities, competencies, session, tenants, use_locale
from ltitools.testing import INSTRUCTOR, Visit, writing
from ltitools_badges import achievements, designing, forms, issuers, views_editor
from ltitools_badges.core import content, design, icons
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.core.design import Design
from ltitools_badges.models import DRAFT, PUBLISHED, Achievement, Version

Enter = Callable[..., Visit]


class Desk:
    """An instructor in front of a micro-credential of their course."""

    def __init__(self, app: Flask, enter: Enter) -> None:
        self.app, self.enter = app, enter
        with writing(app):
            self.tenant: Tenant = tenants.by_key("acme")
            activities.create(self.tenant.id, "probe", "quiz", "Quiz")
        enter("probe:quiz", as_=INSTRUCTOR, link="quiz")  # So the course is known.
        with writing(app):
            course = self.course_id = int(self.row("SELECT id FROM course WHERE tenant_id = :t", t=self.tenant.id))
            self.id = achievements.create(self.tenant.id, "Data", "en", course, "data").id
        self.visit = enter("badges:data", as_=INSTRUCTOR, link="data")

    def row(self, query: str, **values: Any) -> Any:
        return session.execute(text(query), values).scalar_one()

    def page(self, path: str) -> str:
        """The text of a page."""
        answer = self.visit.get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return unescape(answer.get_data(as_text=True))

    def save(self, go: str = "save", **fields: Any) -> Any:
        """Send the form with something changed in it."""
        form = fields_of(self.visit.get(f"edit/{self.id}").get_data(as_text=True))
        return self.visit.post(f"edit/{self.id}", {**form, **fields, "go": go})

    def version(self, achievement_id: int | None = None) -> Version:
        """The draft, or what is published."""
        with self.app.app_context():
            found = achievements.shown(self.tenant.id, achievement_id or self.id)
            _loaded = found.image_png
            return found

    def content(self) -> MicroCredential:
        """What the draft says, or what is published."""
        return achievements.content_of(self.version())

    def achievement(self, achievement_id: int | None = None) -> Achievement:
        with self.app.app_context():
            return achievements.get(self.tenant.id, achievement_id or self.id)

    def fill(self, made: MicroCredential = FULL) -> None:
        """Describe it without the browser."""
        with writing(self.app):
            achievements.save(achievements.draft_of(self.tenant.id, self.id), made)

    def publish(self) -> None:
        assert self.visit.post(f"preview/{self.id}", {}).status_code == 303


@pytest.fixture
def desk(app: Flask, enter: Enter) -> Desk:
    return Desk(app, enter)


def uploaded(data: bytes, name: str = "badge.png") -> dict[str, Any]:
    return {"picture": (io.BytesIO(data), name)}


def red_square(side: int = 300) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (side, side), "#a00").save(written, "PNG")
    return written.getvalue()


# --- the description -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [FULL, LEAST])
def test_a_description_that_goes_through_the_form_is_the_same(made: MicroCredential) -> None:
    assert forms.check(forms.sheet_of(made)) == (made, [])


@pytest.mark.parametrize("made", [FULL, LEAST])
def test_a_page_that_is_saved_untouched_changes_nothing(desk: Desk, made: MicroCredential) -> None:
    desk.fill(made)
    assert desk.save().status_code == 303
    assert desk.content() == made


def test_what_is_typed_is_saved_as_a_draft_and_the_title_follows_in_the_course(desk: Desk) -> None:
    answer = desk.save(
        name="  Applied   data ", description="One.\r\n\r\nTwo. ", outcomes="Cleans\r\n\r\n Draws \r\n", hours="12,5",
        credits="2", assessment=["exam", "project"], delivery="online", tags="a, b,,a",
    )  # fmt: skip
    assert answer.status_code == 303
    made = desk.content()
    assert (made.name, made.description, made.outcomes) == ("Applied data", "One.\n\nTwo.", ("Cleans", " Draws"))
    assert (str(made.hours), str(made.credits), made.assessment) == ("12.5", "2", ("exam", "project"))
    assert made.tags == ("a", "b")
    assert desk.version().state == DRAFT
    assert "Saved as a draft" in desk.page(answer.headers["Location"])
    with desk.app.app_context():
        assert desk.row("SELECT title FROM activity WHERE tenant_id = :t AND slug = 'data'", t=desk.tenant.id) == (
            "Applied data"
        )


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": " "}, "name"), ({"name": "x" * 256}, "name"), ({"hours": "many"}, "hours"),
        ({"hours": "1e3"}, "hours"), ({"credits": "1000.01"}, "credits"), ({"level_url": "www.example"}, "level_url"),
        ({"valid_months": "0"}, "valid_months"), ({"valid_months": "1.5"}, "valid_months"),
        ({"level": "5", "no_level": "yes"}, "level"), ({"outcomes": "x\n" * 51}, "outcomes"),
        ({"alignments-0-code": "S5"}, "alignments-0-name"),
        ({"alignments-0-name": "x", "alignments-0-url": "javascript:x"}, "alignments-0-url"),
        ({"alignments-0-name": "x", "alignments-0-kind": "Thing"}, "alignments-0-kind"),
        ({"stacks_to-0-name": "x" * 256}, "stacks_to-0-name"), ({"occupations-2-url": "x"}, "occupations-0-url"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_at_the_top_and_at_its_field_and_nothing_is_lost(
    desk: Desk, typed: dict[str, str], field: str
) -> None:
    before = desk.content()
    answer = desk.save(**{"quality": "Reviewed", **typed})
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in page
    assert f'id="{field}-error"' in page
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"[^>]*aria-describedby="[^"]*{field}-error"', page)
    assert ">\nReviewed</textarea>" in page
    part = next(key for key, members in forms.GROUPS.items() if field.partition("-")[0] in members)
    assert re.search(rf'id="part-{part}" open', page)
    assert desk.content() == before


def test_what_somebody_else_saved_meanwhile_is_replaced_on_purpose_only(desk: Desk) -> None:
    form = fields_of(desk.visit.get(f"edit/{desk.id}").get_data(as_text=True))
    desk.save(quality="Theirs")
    mine = desk.visit.post(f"edit/{desk.id}", {**form, "quality": "Mine", "go": "save"})
    page = mine.get_data(as_text=True)
    assert mine.status_code == 409
    assert "Somebody else has saved" in page
    assert desk.content().quality == "Theirs"
    assert desk.visit.post(f"edit/{desk.id}", {**fields_of(page), "go": "save"}).status_code == 303
    assert desk.content().quality == "Mine"


@pytest.mark.parametrize("typed", [{"delivery": "pigeon"}, {"language": "de"}, {"supervision": "x"}, {"pace": "x"}])
def test_a_choice_that_no_page_offers_is_refused(desk: Desk, typed: dict[str, str]) -> None:
    assert desk.save(**typed).status_code == 400


def test_no_level_is_a_level(desk: Desk) -> None:
    desk.save(no_level="yes")
    assert (desk.content().level, desk.content().level_framework) == ("", content.NO_LEVEL)
    assert 'value="none"' not in desk.page(f"edit/{desk.id}")
    assert "level" not in {element.key for element in content.completeness(desk.content()).missing}


def test_rows_are_added_without_saving_and_emptied_ones_go(desk: Desk) -> None:
    more = desk.save("more-alignments", **{"alignments-0-name": "Cleans data"}).get_data(as_text=True)
    assert f'name="alignments-{views_editor.MORE_ROWS}-name"' in more
    assert f'name="alignments-{views_editor.MORE_ROWS + 1}-name"' not in more
    assert desk.content().alignments == ()
    desk.save(**{"alignments-0-name": "", "alignments-1-name": "Draws", "alignments-1-framework": "ESCO"})
    assert [one.name for one in desk.content().alignments] == ["Draws"]
    desk.save(**{"alignments-0-name": "", "alignments-0-framework": ""})
    assert desk.content().alignments == ()


def test_competencies_of_the_institution_are_chosen_once(desk: Desk) -> None:
    titles = {"DA1": {"en": "Cleans data", "fr": "Nettoie"}, "DA2": {"en": "Draws charts"}}
    with writing(desk.app):
        made = competencies.ensure_all(desk.tenant.id, "skills", titles)
    page = desk.page(f"edit/{desk.id}")
    assert "Cleans data" in page
    shown = desk.save("choose", competency=[str(made["DA1"].id)]).get_data(as_text=True)
    assert 'value="Cleans data"' in shown
    assert f'id="competency-{made["DA1"].id}"' not in shown
    assert desk.content().alignments == ()
    desk.save(competency=[str(made["DA1"].id), "999999"])
    [alignment] = desk.content().alignments
    assert (alignment.code, alignment.name, alignment.kind) == ("DA1", "Cleans data", "CFItem")
    desk.save(competency=[str(made["DA1"].id)])
    assert len(desk.content().alignments) == 1


def test_the_meter_names_what_is_missing_and_leads_to_it(desk: Desk) -> None:
    page = desk.page(f"edit/{desk.id}")
    assert '<a href="#outcomes">Learning outcomes</a>' in page
    assert '<a href="#hours">Workload</a>' in page
    for field in re.findall(r'<a href="#([\w-]+)"', page):
        assert f'id="{field}"' in page


def test_the_country_of_the_issuer_counts_and_is_said_once_for_all(app: Flask, desk: Desk) -> None:
    desk.fill()
    assert "Country of the institution" in desk.page(f"edit/{desk.id}")
    with writing(app):
        issuers.of(desk.tenant).country = "CA"
    assert "Everything that is mandatory is said." in desk.page(f"edit/{desk.id}")


def test_the_edition_in_the_other_language_is_made_once_and_each_leads_to_the_other(desk: Desk) -> None:
    desk.fill()
    answer = desk.visit.post(f"edit/{desk.id}/twin", {})
    twin_id = int(answer.headers["Location"].rpartition("/")[2])
    assert desk.achievement().twin_id == twin_id
    assert desk.achievement(twin_id).twin_id == desk.id
    twin = achievements.content_of(desk.version(twin_id))
    assert (twin.language, twin.outcomes) == ("fr", FULL.outcomes)
    assert f"edit/{desk.id}" in desk.page(f"edit/{twin_id}")
    again = desk.visit.post(f"edit/{desk.id}/twin", {})
    assert again.headers["Location"] == answer.headers["Location"]
    assert desk.save(language="fr").status_code == 400
    assert desk.save(name="Data analysis").status_code == 303


# --- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["edit/{}", "design/{}", "preview/{}", "picture/{}", "design.svg"])
def test_learners_and_other_courses_see_none_of_it(desk: Desk, path: str) -> None:
    where = path.format(desk.id)
    assert desk.visit.get(where).status_code == 200
    assert desk.enter("badges:data", link="data").get(where).status_code == 403
    elsewhere = desk.enter("badges:data", as_=INSTRUCTOR, person="alan", course="course-2", link="there")
    assert elsewhere.get(where).status_code == 404


def test_another_micro_credential_of_the_course_is_not_edited_through_this_one(app: Flask, desk: Desk) -> None:
    with writing(app):
        other = achievements.create(desk.tenant.id, "Other", "en", desk.course_id, "other").id
    for path in (f"edit/{other}", f"design/{other}", f"preview/{other}", f"picture/{other}", "edit/999999"):
        assert desk.visit.get(path).status_code == 404
    for path in (
        f"edit/{other}",
        f"design/{other}",
        f"design/{other}/upload",
        f"preview/{other}",
        f"edit/{other}/twin",
    ):
        assert desk.visit.post(path, {}).status_code == 404


# --- the picture -----------------------------------------------------------------------------------------------------


def test_every_choice_of_the_designer_has_a_name_and_is_drawn() -> None:
    assert set(designing.SHAPES) == set(design.SHAPES)
    assert set(designing.RIBBONS) == set(design.RIBBONS)
    assert set(designing.ICONS) == {*icons.ICONS, design.NO_ICON}
    assert list(designing.PAIRS) == [str(number) for number in range(len(design.COLOURS))]


def test_every_element_and_field_has_a_name() -> None:
    keys = {element.key for element in (*content.ELEMENTS, content.COUNTRY, *content.AUTOMATIC)}
    assert set(forms.ELEMENTS) == keys
    assert set(forms.LABELS) == set(MicroCredential.__dataclass_fields__)
    assert {name for members in forms.GROUPS.values() for name in members} - {"no_level"} == set(forms.LABELS)


def test_a_design_is_shown_before_it_is_saved(desk: Desk) -> None:
    before = desk.version()
    typed = {"shape": "shield", "pair": "own", "primary": "#AA0000", "secondary": "#ffee00", "text_main": " Été  2 "}
    shown = desk.visit.post(f"design/{desk.id}", {**typed, "icon": "leaf", "ribbon": "tails", "go": "show"})
    page = unescape(shown.get_data(as_text=True))
    assert "Not saved yet" in page
    assert desk.version().design == before.design
    address = re.search(r'<img class="badge-picture" src="([^"]+)"', page)
    assert address is not None
    drawn = desk.visit.get(address[1])
    assert drawn.mimetype == "image/svg+xml"
    made = Design("shield", "#aa0000", "#ffee00", "", "Été 2", "leaf", "tails")
    assert drawn.get_data(as_text=True) == design.svg(made)
    saved = desk.visit.post(f"design/{desk.id}", {**typed, "icon": "leaf", "ribbon": "tails", "go": "save"})
    assert saved.status_code == 303
    assert desk.version().design == made.to_json()
    assert desk.version().image_png == design.png(design.svg(made))
    assert desk.visit.get(f"picture/{desk.id}").get_data(as_text=True) == design.svg(made)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"text_main": "日本"}, "text_main"),
        ({"text_top": "x" * 25}, "text_top"),
        ({"text_main": "x" * 41}, "text_main"),
    ],
)
def test_a_text_that_cannot_be_drawn_is_named(desk: Desk, typed: dict[str, str], field: str) -> None:
    answer = desk.visit.post(f"design/{desk.id}", typed)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.get_data(as_text=True)
    assert desk.visit.get(f"design.svg?{field}={typed[field]}").status_code == 422


@pytest.mark.parametrize(
    "typed", [{"shape": "x"}, {"pair": "99"}, {"pair": "own", "primary": "red"}, {"icon": "x"}, {"ribbon": "x"}]
)
def test_a_design_that_no_page_offers_is_refused(desk: Desk, typed: dict[str, str]) -> None:
    assert desk.visit.post(f"design/{desk.id}", typed).status_code == 400
    query = "&".join(f"{name}={value}" for name, value in typed.items())
    assert desk.visit.get(f"design.svg?{query}").status_code == 400


def test_an_uploaded_picture_takes_the_place_of_the_design_and_a_design_that_of_the_picture(desk: Desk) -> None:
    assert desk.visit.post(f"design/{desk.id}/upload", uploaded(red_square())).status_code == 303
    version = desk.version()
    assert (version.design, version.image_svg) == (None, "")
    shown = desk.visit.get(f"picture/{desk.id}")
    assert (shown.mimetype, shown.get_data()) == ("image/png", version.image_png)
    assert "The picture was uploaded." in desk.page(f"design/{desk.id}")
    assert desk.visit.post(f"design/{desk.id}", {"text_main": "Data"}).status_code == 303
    assert desk.version().design is not None


def test_an_uploaded_svg_is_cleaned(desk: Desk) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>x</script><path d="M0 0h9v9z"/></svg>'
    assert desk.visit.post(f"design/{desk.id}/upload", uploaded(svg, "badge.svg")).status_code == 303
    answer = desk.visit.get(f"picture/{desk.id}")
    assert answer.mimetype == "image/svg+xml"
    assert "script" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("data", [b"", b"GIF89a", red_square(50), b'<svg xmlns="http://www.w3.org/2000/svg"/>'])
def test_a_file_that_is_no_picture_is_refused_with_what_to_do(desk: Desk, data: bytes) -> None:
    before = desk.version()
    answer = desk.visit.post(f"design/{desk.id}/upload", uploaded(data))
    assert answer.status_code == 422
    assert 'id="picture-error"' in answer.get_data(as_text=True)
    assert desk.version().image_png == before.image_png


# --- publishing ------------------------------------------------------------------------------------------------------


def test_what_is_missing_keeps_it_from_being_published(desk: Desk) -> None:
    page = desk.page(f"preview/{desk.id}")
    assert "It cannot be published yet." in page
    assert f'edit/{desk.id}#description">What it certifies</a>' in page
    assert desk.visit.post(f"preview/{desk.id}", {}).status_code == 422
    assert desk.version().state == DRAFT


def test_a_description_is_published_and_a_later_change_makes_a_new_version(desk: Desk) -> None:
    desk.fill()
    desk.publish()
    assert (desk.version().state, desk.version().number) == (PUBLISHED, 1)
    assert "This is version 1" in desk.page(f"preview/{desk.id}")
    assert desk.save().status_code == 303
    assert desk.version().state == PUBLISHED
    desk.save(name="Data, advanced", **{"alignments-1-name": "More"})
    desk.visit.post(f"design/{desk.id}", {"text_main": "Advanced"})
    page = desk.page(f"preview/{desk.id}")
    assert "What changes: Title, Skills and competencies, Picture" in page
    assert "with version 1" in page
    desk.publish()
    assert (desk.version().state, desk.version().number) == (PUBLISHED, 2)
    desk.publish()
    assert desk.version().number == 2


def test_the_preview_shows_what_was_typed_as_text(desk: Desk) -> None:
    desk.save(name="<b>Bold</b>", description="<script>x</script>", criteria="**All** <img src=x> [x](javascript:x)")
    page = desk.visit.get(f"preview/{desk.id}").get_data(as_text=True)
    assert "<strong>All</strong>" in page
    assert "<script>x" not in page
    assert "<img src=x>" not in page
    assert "<b>Bold" not in page
    assert 'href="javascript' not in page


def test_words_of_vocabularies_are_in_the_language_of_the_content(desk: Desk) -> None:
    desk.save(language="fr", delivery="online", assessment=["exam"])
    page = desk.page(f"preview/{desk.id}")
    assert "<dd>En ligne</dd>" in page
    assert "<dd>Examen</dd>" in page


def test_changes_are_named_by_their_fields() -> None:
    with use_locale("en"):
        first = [str(label) for label in forms.changes(None, LEAST)]
        later = [str(label) for label in forms.changes(FULL, MicroCredential.from_json({**FULL.to_json(), "tags": []}))]
    assert first == ["Title"]
    assert later == ["Keywords"]
