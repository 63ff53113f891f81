"""Pre-assessment by competency: find out what a person can already do before they are taught it."""

from __future__ import annotations

from datetime import timedelta

from flask.typing import ResponseReturnValue

from ltitools.plugin import Job, Launch, Plugin
from ltitools_diagnostic import (
    overdue,
    privacy,
    progress,
    views_editor,
    views_guidance,
    views_instructor,
    views_learner,
    views_people,
    views_results,
    views_settings,
)
from ltitools_diagnostic.cli import commands
from ltitools_diagnostic.models import MODELS
from ltitools_diagnostic.texts import lazy, texts
from ltitools_diagnostic.views import page, pages


def open_activity(launch: Launch) -> ResponseReturnValue:
    """Show each role its own first page."""
    if launch.is_instructor and launch.review_of is not None:
        return views_people.review(launch, launch.review_of.id)
    if launch.is_instructor:
        return views_results.dashboard(launch)
    if launch.is_learner:
        return views_learner.learner_home(launch)
    return page("other_role")


# Views that nothing above names register themselves with the blueprint.
VIEWS = (views_editor, views_guidance, views_learner, views_settings)

plugin = Plugin(
    key="diagnostic",
    title=lazy("Pre-assessment"),
    on_launch=open_activity,
    blueprint=pages,
    pick=views_instructor.pick,
    progress=progress.progress,
    cli=commands,
    models=MODELS,
    jobs=(Job("overdue", overdue.submit_overdue, every=timedelta(minutes=1)),),
    migrations="ltitools_diagnostic.migrations",
    export_person=privacy.export_person,
    erase_person=privacy.erase_person,
    texts=texts,
)
