"""Pre-assessment by competency: find out what a person can already do before they are taught it."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from ltitools.plugin import Launch, Plugin
from ltitools_diagnostic import views_instructor, views_learner
from ltitools_diagnostic.cli import commands
from ltitools_diagnostic.models import MODELS
from ltitools_diagnostic.texts import lazy, texts
from ltitools_diagnostic.views import page, pages


def open_activity(launch: Launch) -> ResponseReturnValue:
    """Show each role its own first page."""
    if launch.is_instructor:
        return views_instructor.dashboard(launch)
    if launch.is_learner:
        return views_learner.learner_home(launch)
    return page("other_role")


plugin = Plugin(
    key="diagnostic",
    title=lazy("Pre-assessment"),
    on_launch=open_activity,
    blueprint=pages,
    pick=views_instructor.pick,
    cli=commands,
    models=MODELS,
    migrations="ltitools_diagnostic.migrations",
    texts=texts,
)
