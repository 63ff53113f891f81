"""Pages of instructors: choosing a pre-assessment, making one, and publishing new versions of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import LOCALES, Launch, LazyText, Placed, Refused, activities, session
from ltitools_diagnostic import formats, pictures, report, uploads, versions
from ltitools_diagnostic.csvfile import shorten
from ltitools_diagnostic.exporting import to_csv
from ltitools_diagnostic.models import DRAFT, Upload, Version
from ltitools_diagnostic.scoring import can_show, parse_number
from ltitools_diagnostic.texts import lazy, ngettext
from ltitools_diagnostic.versions import KEY, Section
from ltitools_diagnostic.views import Mistake, download, instructor_launch, page, pages, visible_version

MAX_TITLE = 200
MAX_PER_COMPETENCY = 200
MAX_WEIGHT = 100
SHOWN_PROBLEMS = 200
OWNER_TITLE = "owner_course_title"
LANGUAGES = {"en": lazy("English"), "fr": lazy("French")}


@dataclass(frozen=True)
class Offer:
    """A published pre-assessment that may be placed."""

    activity_id: int
    title: str
    version: Version
    sections: list[Section]
    owner: LazyText

    @property
    def drawn(self) -> int:
        """How many questions a form has."""
        return sum(section.drawn for section in self.sections)


def pick(launch: Launch) -> ResponseReturnValue:
    """Choose a pre-assessment that is there, go on with a draft, or make a new one."""
    return _pick_page(launch, ())


@pages.post("/place")
def place() -> ResponseReturnValue:
    """Place a pre-assessment that is there."""
    launch = instructor_launch()
    chosen = request.form.get("activity", "")
    offer = next((each for each in _offers(launch) if str(each.activity_id) == chosen), None)
    if offer is None:
        return _pick_page(launch, [Mistake("activity", lazy("Choose one of the pre-assessments."))]), 422
    return _place(launch, offer.activity_id)


@pages.post("/cancel")
def cancel() -> ResponseReturnValue:
    """Back to the LMS with nothing chosen."""
    return instructor_launch().cancel()


@pages.post("/column")
def add_column() -> ResponseReturnValue:
    """Give this activity a column in the LMS's gradebook."""
    instructor_launch().add_column()
    return redirect(url_for("tool.home", column="added"), 303)


@pages.get("/new")
def new() -> ResponseReturnValue:
    """The form for a file: a new pre-assessment while picking, a new version of the one that is open."""
    launch = editing_launch()
    return _upload_page(launch, ())


@pages.post("/new")
def upload() -> ResponseReturnValue:
    """Keep the uploaded file and show what is in it."""
    launch = editing_launch()
    file = request.files.get("file")
    title = launch.activity.title if launch.activity else request.form.get("title", "").strip()
    language = request.form.get("language", "")
    mistakes = []
    if not title:
        mistakes.append(Mistake("title", lazy("Write a title, as learners will see it.")))
    if len(title) > MAX_TITLE:
        mistakes.append(Mistake("title", lazy("Shorten the title to %(limit)s characters.", limit=MAX_TITLE)))
    if file is None or not file.filename:
        mistakes.append(Mistake("file", lazy("Choose the file with your questions.")))
    if mistakes or file is None:
        return _upload_page(launch, mistakes), 422
    kept = uploads.keep(
        Upload(
            tenant_id=launch.tenant.id,
            person_id=launch.person.id,
            activity_id=launch.activity.id if launch.activity else None,
            title=title,
            filename=_short_name((file.filename or "").replace("\0", "")),
            language=language if language in LOCALES else LOCALES[0],
            content=file.read(),
        )
    )
    session.commit()
    return redirect(url_for("diagnostic.import_report", upload_id=kept.id), 303)


@pages.get("/upload/<int:upload_id>")
def import_report(upload_id: int) -> ResponseReturnValue:
    """What is in the file: counts, and every problem with its row and what to do."""
    launch = editing_launch()
    kept = _own_upload(launch, upload_id)
    imported = formats.read(kept.content, kept.filename, kept.language)
    imported = pictures.with_missing(launch.tenant.id, imported)
    counts = imported.bank.counts
    return page(
        "report",
        upload=kept,
        imported=imported,
        format_name=formats.NAMES[formats.format_of(kept.content, kept.filename)],
        competencies=[(each, counts[each.code]) for each in imported.bank.competencies],
        weak=[each for each in imported.bank.competencies if not can_show(counts[each.code])],
        shown=SHOWN_PROBLEMS,
    )


@pages.post("/upload/<int:upload_id>")
def use_upload(upload_id: int) -> ResponseReturnValue:
    """Make the draft: of all rows, or of the good ones where the instructor says so."""
    launch = editing_launch()
    kept = _own_upload(launch, upload_id)
    imported = formats.read(kept.content, kept.filename, kept.language)
    only_good = request.form.get("rows") == "good"
    if not imported.bank.items or (imported.errors and not only_good):
        return redirect(url_for("diagnostic.import_report", upload_id=upload_id), 303)
    activity_id = kept.activity_id or new_activity(launch, kept.title)
    live = versions.published(launch.tenant.id, activity_id)
    per_competency = live.per_competency if live else None
    draft = versions.keep_draft(launch.tenant.id, activity_id, imported.bank, per_competency)
    uploads.drop(kept)
    session.commit()
    return redirect(url_for("diagnostic.draft", version_id=draft.id), 303)


@pages.post("/revise")
def revise() -> ResponseReturnValue:
    """A draft with the published questions, to change them or its settings; or the draft that is there."""
    launch = editing_launch()
    live = versions.published(launch.tenant.id, launch.activity.id) if launch.activity else None
    if live is None:
        return redirect(url_for("tool.home"), 303)
    waiting = versions.draft(launch.tenant.id, live.activity_id)
    if waiting is not None:
        return redirect(url_for("diagnostic.draft", version_id=waiting.id), 303)
    draft = versions.keep_draft(launch.tenant.id, live.activity_id, versions.bank(live), live.per_competency)
    session.commit()
    return redirect(url_for("diagnostic.draft", version_id=draft.id), 303)


@pages.get("/draft/<int:version_id>")
def draft(version_id: int) -> ResponseReturnValue:
    """The settings of a draft, its preview, and its publication."""
    launch = editing_launch()
    version = own_draft(launch, version_id)
    title = activities.get(launch.tenant.id, version.activity_id).title
    asked = "" if version.per_competency is None else str(version.per_competency)
    return _draft_page(launch, version, title, asked, ())


@pages.post("/draft/<int:version_id>")
def change_draft(version_id: int) -> ResponseReturnValue:
    """Save the settings, and go on to where the button says: stay, preview, or publish."""
    launch = editing_launch()
    version = own_draft(launch, version_id)
    title, asked = request.form.get("title", "").strip(), request.form.get("per_competency", "").strip()
    mistakes = []
    if not 0 < len(title) <= MAX_TITLE:
        mistakes.append(Mistake("title", lazy("Write a title of 1 to %(limit)s characters.", limit=MAX_TITLE)))
    if asked and not (asked.isdecimal() and 0 < int(asked[:6]) <= MAX_PER_COMPETENCY):
        text = lazy("Write a whole number from 1 to %(limit)s, or leave it empty.", limit=MAX_PER_COMPETENCY)
        mistakes.append(Mistake("per_competency", text))
    weights = _read_weights(launch, version, mistakes)
    go = request.form.get("go")
    if go == "publish" and not any(each.drawn for each in versions.sections(launch.tenant.id, [version])[version.id]):
        mistakes.append(Mistake("questions", lazy("There is no question yet that could be asked. Write one first.")))
    if mistakes:
        return _draft_page(launch, version, title, asked, mistakes), 422
    activities.change(launch.tenant.id, version.activity_id, title=title)
    versions.weigh(version, weights)
    version.per_competency = int(asked) if asked else None
    if go == "publish":
        versions.publish(version)
        return _after_publication(launch, version)
    session.commit()
    endpoint = "diagnostic.preview" if go == "preview" else "diagnostic.draft"
    return redirect(url_for(endpoint, version_id=version.id), 303)


@pages.get("/bank/<int:version_id>.csv")
def download_bank(version_id: int) -> ResponseReturnValue:
    """The questions with their keys, as a file that can be uploaded again."""
    launch = instructor_launch()
    version = visible_version(launch, version_id)
    slug = activities.get(launch.tenant.id, version.activity_id).slug
    return download(to_csv(versions.bank(version)), f"{slug}-v{version.number}.csv")


def owner_text(launch: Launch, owner_course_id: int | None, settings: Mapping[str, Any]) -> LazyText:
    """Who may change an activity with this owner; its settings keep the title that the course had."""
    if owner_course_id is None:
        return lazy("your institution")
    if launch.course is not None and launch.course.id == owner_course_id:
        return lazy("this course")
    title = settings.get(OWNER_TITLE)
    return lazy("the course “%(title)s”", title=title) if title else lazy("another course")


def editing_launch() -> Launch:
    """An instructor's launch from a course that may make a pre-assessment, or change the one that is open."""
    launch = instructor_launch()
    if launch.course is None:
        text = lazy("A new pre-assessment belongs to a course. Open this page from a course.")
        raise Refused("diagnostic-no-course", text)
    if not launch.owns_activity:
        text = lazy("This pre-assessment belongs to another course. It can be changed there only.")
        raise Refused("diagnostic-other-course", text, 403)
    return launch


def _short_name(filename: str) -> str:
    """The name of an uploaded file for its report; the end of it says the format."""
    suffix = next((each for each in formats.SUFFIXES if filename.lower().endswith(each)), "")
    return shorten(filename.removesuffix(filename[len(filename) - len(suffix) :])) + suffix


def _own_upload(launch: Launch, upload_id: int) -> Upload:
    kept = uploads.get(launch.tenant.id, launch.person.id, upload_id)
    activity_id = launch.activity.id if launch.activity else None
    if kept is None or kept.activity_id != activity_id:
        text = lazy("This file was used or replaced in the meantime. Upload it again if you need it.")
        raise Refused("diagnostic-upload-gone", text, 404)
    return kept


def own_draft(launch: Launch, version_id: int) -> Version:
    """A draft that this launch may change: of its own course, and of the activity that is open."""
    version = visible_version(launch, version_id)
    other = launch.activity is not None and launch.activity.id != version.activity_id
    if version.state != DRAFT or other or not versions.may_edit(launch, version.activity_id):
        text = lazy("This version is published. A published version is never changed; make a new one.")
        raise Refused("diagnostic-version-published", text, 409)
    return version


def new_activity(launch: Launch, title: str) -> int:
    """A pre-assessment without questions, which belongs to the course of the launch."""
    slug = activities.free_slug(launch.tenant.id, KEY, title)
    assert launch.course is not None
    settings = {OWNER_TITLE: launch.course.title}
    return activities.create(launch.tenant.id, KEY, slug, title, launch.course.id, settings).id


def _offers(launch: Launch) -> list[Offer]:
    live = {
        activity_id: pair[0]
        for activity_id, pair in versions.all_current(launch.tenant.id).items()
        if pair[0] is not None
    }
    sections = versions.sections(launch.tenant.id, live.values())
    return [
        Offer(
            activity.id,
            activity.title,
            live[activity.id],
            sections[live[activity.id].id],
            owner_text(launch, activity.owner_course_id, activity.settings),
        )
        for activity in activities.all_of(launch.tenant.id, KEY)
        if activity.id in live
    ]


def _drafts(launch: Launch) -> list[tuple[str, int]]:
    """Title and version id of the drafts that this course has begun and not published."""
    current = versions.all_current(launch.tenant.id)
    return [
        (activity.title, pair[1].id)
        for activity in activities.all_of(launch.tenant.id, KEY)
        if (pair := current.get(activity.id)) and pair[0] is None and pair[1] is not None
        if launch.course is not None and activity.owner_course_id == launch.course.id
    ]


def _pick_page(launch: Launch, mistakes: list[Mistake] | tuple[()]) -> str:
    return page(
        "pick",
        offers=_offers(launch),
        drafts=_drafts(launch),
        mistakes=mistakes,
        languages=LANGUAGES,
        can_make=launch.course is not None,
    )


def _upload_page(launch: Launch, mistakes: list[Mistake] | tuple[()]) -> str:
    return page(
        "new",
        new_version=launch.activity is not None,
        title=request.values.get("title", ""),
        language=request.form.get("language", LOCALES[0]),
        languages=LANGUAGES,
        mistakes=mistakes,
        max_title=MAX_TITLE,
        suffixes=formats.SUFFIXES,
    )


def _draft_page(launch: Launch, version: Version, title: str, asked: str, mistakes: list[Mistake] | tuple[()]) -> str:
    return page(
        "draft",
        version=version,
        sections=versions.sections(launch.tenant.id, [version])[version.id],
        weights=request.form,
        decimal_text=report.decimal_text,
        title=title,
        asked=asked,
        mistakes=mistakes,
        picking=launch.activity is None,
        max_title=MAX_TITLE,
    )


def _read_weights(launch: Launch, version: Version, mistakes: list[Mistake]) -> dict[str, Decimal]:
    """The weights that the form gives to the competencies, by code; one that it leaves out stays as it is."""
    weights: dict[str, Decimal] = {}
    for place, section in enumerate(versions.sections(launch.tenant.id, [version])[version.id]):
        typed = request.form.get(f"weight-{place}")
        weight = section.weight if typed is None else parse_number(typed)
        if weight is None or not 0 <= weight <= MAX_WEIGHT:
            text = lazy("Write each weight as a number from 0 to %(limit)s.", limit=MAX_WEIGHT)
            mistakes.append(Mistake(f"weight-{place}", text))
        else:
            weights[section.code] = round(weight, 2)
    if weights and not any(weights.values()):
        mistakes.append(Mistake("weight-0", lazy("At least one competency needs a weight above 0.")))
    return weights


def _after_publication(launch: Launch, version: Version) -> ResponseReturnValue:
    if launch.activity is None:
        return _place(launch, version.activity_id)
    session.commit()
    return redirect(url_for("tool.home"), 303)


def _place(launch: Launch, activity_id: int) -> ResponseReturnValue:
    activity = activities.get(launch.tenant.id, activity_id)
    live = versions.published(launch.tenant.id, activity_id)
    drawn = sum(section.drawn for section in versions.sections(launch.tenant.id, [live])[live.id]) if live else 0
    text = ngettext("%(n)s question", "%(n)s questions", drawn)
    return launch.place([Placed(activity, activity.title, text)])
