"""Pages on which instructors describe a micro-credential, design its picture, and publish both.

They work on the micro-credential that the launch opens, and on its edition in the other language.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from flask import Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import LOCALES, Launch, NotFound, competencies, session
from ltitools_badges import achievements, designing, forms, issuers, prose
from ltitools_badges.core import content as contents
from ltitools_badges.core import design, icons, pictures
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.designing import Drawn
from ltitools_badges.forms import Sheet
from ltitools_badges.models import DRAFT, Achievement, Version
from ltitools_badges.texts import lazy
from ltitools_badges.views import Mistake, editable_achievement, page, pages

MORE_ROWS = 3
LANGUAGES = {"en": lazy("English"), "fr": lazy("French")}


@pages.get("/edit/<int:achievement_id>")
def edit(achievement_id: int) -> ResponseReturnValue:
    """Everything that is said about a micro-credential, and what is missing."""
    launch, achievement = _edited(achievement_id)
    version = achievements.shown(launch.tenant.id, achievement.id)
    return _editor_page(launch, achievement, version, forms.sheet_of(achievements.content_of(version)))


@pages.post("/edit/<int:achievement_id>")
def save(achievement_id: int) -> ResponseReturnValue:
    """Save the description as a draft; or show it again with more rows, or with competencies that were chosen.

    Where somebody else has saved since the page was shown, it is shown once more: the next time counts.
    """
    launch, achievement = _edited(achievement_id)
    version = achievements.shown(launch.tenant.id, achievement.id)
    sheet = forms.read(request.form)
    chosen = set(request.form.getlist("competency"))
    if chosen:
        offered = competencies.in_force(launch.tenant.id)
        sheet = forms.with_competencies(sheet, [one for one in offered if str(one.competency.id) in chosen])
    go = request.form.get("go", "save")
    if go != "save":
        return _editor_page(launch, achievement, version, sheet, more=go)
    try:
        content, mistakes = forms.check(sheet)
    except ValueError:
        abort(400)
    if content is None:
        return _editor_page(launch, achievement, version, sheet, mistakes), 422
    if achievement.twin_id is not None and content.language != version.content["language"]:
        abort(400)
    if request.form.get("seen") != _digest(version):
        return _editor_page(launch, achievement, version, sheet, overtaken=True), 409
    if content != achievements.content_of(version):
        achievements.save(achievements.draft_of(launch.tenant.id, achievement.id), content)
    session.commit()
    return redirect(url_for("badges.edit", achievement_id=achievement.id, saved=1), 303)


@pages.post("/edit/<int:achievement_id>/twin")
def add_twin(achievement_id: int) -> ResponseReturnValue:
    """Make the edition in the other language, a copy to be translated."""
    launch, achievement = _edited(achievement_id)
    twin = achievements.add_twin(launch.tenant.id, achievement.id, launch.course.id if launch.course else None)
    session.commit()
    return redirect(url_for("badges.edit", achievement_id=twin.id), 303)


@pages.get("/design/<int:achievement_id>")
def designer(achievement_id: int) -> ResponseReturnValue:
    """The designer of the picture, and the place to upload one."""
    launch, achievement = _edited(achievement_id)
    version = achievements.shown(launch.tenant.id, achievement.id)
    if version.design is not None:
        return _designer_page(achievement, version, designing.drawn_of(design.Design.from_json(version.design)))
    return _designer_page(achievement, version, designing.drawn_of(design.default(str(version.content["name"]))))


@pages.post("/design/<int:achievement_id>")
def save_design(achievement_id: int) -> ResponseReturnValue:
    """Save the design into the draft, or show it only."""
    launch, achievement = _edited(achievement_id)
    version = achievements.shown(launch.tenant.id, achievement.id)
    drawn = designing.read(request.form)
    try:
        made, mistakes = designing.check(drawn)
    except ValueError:
        abort(400)
    if made is None:
        return _designer_page(achievement, version, drawn, mistakes), 422
    if request.form.get("go") == "show":
        return _designer_page(achievement, version, drawn, shown=drawn)
    if made.to_json() != version.design:
        achievements.save(achievements.draft_of(launch.tenant.id, achievement.id), drawn=made)
    session.commit()
    return redirect(url_for("badges.designer", achievement_id=achievement.id, saved=1), 303)


@pages.post("/design/<int:achievement_id>/upload")
def upload(achievement_id: int) -> ResponseReturnValue:
    """Take an uploaded picture in place of a design."""
    launch, achievement = _edited(achievement_id)
    file = request.files.get("picture")
    try:
        picture = pictures.read(file.read(pictures.MAX_BYTES + 1) if file is not None else b"")
    except pictures.Unusable as problem:
        version = achievements.shown(launch.tenant.id, achievement.id)
        drawn = designing.drawn_of(design.default(str(version.content["name"])))
        if version.design is not None:
            drawn = designing.drawn_of(design.Design.from_json(version.design))
        mistakes = [Mistake("picture", designing.why_unusable(problem))]
        return _designer_page(achievement, version, drawn, mistakes), 422
    achievements.save(achievements.draft_of(launch.tenant.id, achievement.id), uploaded=picture)
    session.commit()
    return redirect(url_for("badges.designer", achievement_id=achievement.id, saved=1), 303)


@pages.get("/design.svg")
def design_svg() -> ResponseReturnValue:
    """What the designer shows while somebody changes something. 422: it cannot be drawn."""
    editable_achievement()
    try:
        made, _mistakes = designing.check(designing.read(request.args))
    except ValueError:
        abort(400)
    if made is None:
        abort(422)
    return _picture(design.svg(made).encode(), "image/svg+xml")


@pages.get("/picture/<int:achievement_id>")
def picture(achievement_id: int) -> ResponseReturnValue:
    """The picture of the draft, or of what is published where there is none."""
    launch, achievement = _edited(achievement_id)
    version = achievements.shown(launch.tenant.id, achievement.id)
    if version.image_svg:
        return _picture(version.image_svg.encode(), "image/svg+xml")
    return _picture(version.image_png, "image/png")


@pages.get("/preview/<int:achievement_id>")
def preview(achievement_id: int) -> ResponseReturnValue:
    """The micro-credential as its public page will show it, what changes with it, and the button that publishes it."""
    launch, achievement = _edited(achievement_id)
    return _preview_page(launch, achievement)


@pages.post("/preview/<int:achievement_id>")
def publish(achievement_id: int) -> ResponseReturnValue:
    """Publish the draft: from now on, badges say this."""
    launch, achievement = _edited(achievement_id)
    draft = achievements.draft(launch.tenant.id, achievement.id)
    if draft is not None and achievements.missing(achievements.content_of(draft)):
        return _preview_page(launch, achievement), 422
    if draft is not None:
        achievements.publish(launch.tenant.id, achievement.id)
    session.commit()
    return redirect(url_for("badges.preview", achievement_id=achievement.id, published=1), 303)


def _edited(achievement_id: int) -> tuple[Launch, Achievement]:
    """The micro-credential of the launch, or its edition in the other language; others are not there."""
    launch, own = editable_achievement()
    if achievement_id == own.id:
        return launch, own
    if achievement_id != own.twin_id:
        raise NotFound("This micro-credential is not there.")
    return launch, achievements.get(launch.tenant.id, achievement_id)


def _digest(version: Version) -> str:
    """What a description says, as a short text: a page sends it back, to tell whether it is still that."""
    return hashlib.sha256(json.dumps(version.content, sort_keys=True).encode()).hexdigest()[:16]


def _picture(content: bytes, media_type: str) -> Response:
    """Pictures of drafts change; an SVG that is opened by itself must not do anything."""
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(content, mimetype=media_type, headers=headers)


def _editor_page(
    launch: Launch,
    achievement: Achievement,
    version: Version,
    sheet: Sheet,
    mistakes: Sequence[Mistake] = (),
    *,
    more: str = "",
    overtaken: bool = False,
) -> str:
    issuer = issuers.find(launch.tenant.id)
    meter = contents.completeness(achievements.content_of(version), issuer.country if issuer else "")
    wrong = {mistake.field.partition("-")[0] for mistake in mistakes}
    # A part of the form is open where something is to be seen: a mistake, more rows, what a link of the meter names.
    opened = {name for name, members in forms.GROUPS.items() if wrong & set(members)} | {"what"}
    if more.startswith("more-") or more == "choose":
        opened.add("onwards")
    return page(
        "editor",
        achievement=achievement,
        version=version,
        sheet=sheet,
        rows={name: _rows_to_show(sheet, name, more) for name in forms.ROWS},
        mistakes=mistakes,
        opened=opened,
        meter=meter,
        automatic=contents.AUTOMATIC,
        offered=_offered(launch, sheet),
        saved="saved" in request.args,
        seen=_digest(version),
        overtaken=overtaken,
        languages=LANGUAGES,
        other_language=_other_language(version),
        contents=contents,
        forms=forms,
        labels=forms.LABELS,
    )


def _rows_to_show(sheet: Sheet, name: str, more: str) -> list[forms.Row]:
    """What was typed, and one empty row more; some where they were asked for."""
    empty = MORE_ROWS if more == f"more-{name}" else 1
    blank = dict.fromkeys(forms.ROWS[name], "")
    return [*sheet.rows[name], *(blank.copy() for _each in range(empty))][: contents.MAX_ROWS]


def _offered(launch: Launch, sheet: Sheet) -> dict[str, list[competencies.Framed]]:
    """The institution's competencies that are not among the skills yet, by framework."""
    language = sheet.texts.get("language") or "en"
    there = {(row["framework"], row["code"]) for row in sheet.rows["alignments"]}
    offered: dict[str, list[competencies.Framed]] = {}
    for one in competencies.in_force(launch.tenant.id):
        framework = one.framework(language)
        if (framework, one.competency.code) not in there:
            offered.setdefault(framework, []).append(one)
    return offered


def _other_language(version: Version) -> str:
    return next(code for code in LOCALES if code != version.content["language"])


def _designer_page(
    achievement: Achievement,
    version: Version,
    drawn: Drawn,
    mistakes: Sequence[Mistake] = (),
    *,
    shown: Drawn | None = None,
) -> str:
    """The designer; `shown` is what the picture at its top shows where that is not what was saved."""
    address = url_for("badges.picture", achievement_id=achievement.id)
    if shown is not None:
        values: dict[str, Any] = {name: getattr(shown, name) for name in shown.__dataclass_fields__}
        address = url_for("badges.design_svg", **values)
    return page(
        "editor_design",
        achievement=achievement,
        version=version,
        drawn=drawn,
        address=address,
        unsaved=shown is not None,
        mistakes=mistakes,
        saved="saved" in request.args,
        designing=designing,
        design=design,
        paths=icons.ICONS,
        accepted=pictures.ACCEPTED,
    )


def _preview_page(launch: Launch, achievement: Achievement) -> str:
    tenant_id = launch.tenant.id
    version = achievements.shown(tenant_id, achievement.id)
    content = achievements.content_of(version)
    before = achievements.latest(tenant_id, achievement.id)
    changed: list[Any] = []
    if version.state == DRAFT:
        changed = list(forms.changes(achievements.content_of(before) if before else None, content))
        if before is not None and before.image_png != version.image_png:
            changed.append(lazy("Picture"))
    return page(
        "editor_preview",
        achievement=achievement,
        version=version,
        content=content,
        before=before,
        changed=changed,
        missing=achievements.missing(content) if version.state == DRAFT else (),
        facts=_facts(content),
        criteria=prose.markdown(content.criteria),
        institution=launch.tenant.name,
        published="published" in request.args,
        forms=forms,
        labels=forms.LABELS,
        is_draft=version.state == DRAFT,
    )


def _facts(content: MicroCredential) -> list[tuple[Any, str]]:
    """What a description says in short, as names and values in the language of the description."""
    language = content.language

    def word(words: contents.Words | None) -> str:
        return words[language] if words else ""

    labels = forms.LABELS
    credit = " ".join(filter(None, (format(content.credits, "f"), content.credit_system))) if content.credits else ""
    level = " ".join(filter(None, (content.level_framework, content.level))) if content.level else ""
    found = [
        (labels["hours"], format(content.hours, "f") if content.hours is not None else ""),
        (labels["credits"], credit),
        (labels["assessment"], ", ".join(contents.ASSESSMENTS[key][language] for key in content.assessment)),
        (labels["supervision"], word(contents.SUPERVISION.get(content.supervision))),
        (labels["delivery"], word(contents.DELIVERY.get(content.delivery))),
        (labels["pace"], word(contents.PACES.get(content.pace))),
        (labels["level"], level),
        (labels["quality"], content.quality),
        (labels["prerequisites"], content.prerequisites),
        (labels["field"], content.field),
        (labels["stacks_to"], ", ".join(one.name for one in content.stacks_to)),
        (labels["occupations"], ", ".join(one.name for one in content.occupations)),
        (labels["alignments"], ", ".join(one.name for one in content.alignments)),
        (labels["tags"], ", ".join(content.tags)),
    ]
    return [(label, value) for label, value in found if value]
