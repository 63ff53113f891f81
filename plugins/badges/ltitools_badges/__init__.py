"""Badges: what somebody has earned in a course, as a signed credential that anyone can check."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from ltitools.plugin import CompetencyRecorded, Job, Launch, Plugin, ScoreCleared, ScoreRecorded
from ltitools_badges import (
    cli_files,
    listening,
    privacy,
    signing,
    views_bulk,
    views_console,
    views_editor,
    views_foreign,
    views_instructor,
    views_learner,
    views_public,
    views_rule,
    views_verify,
)
from ltitools_badges.cli import commands
from ltitools_badges.models import MODELS
from ltitools_badges.texts import lazy, texts
from ltitools_badges.views import page, pages


def open_activity(launch: Launch) -> ResponseReturnValue:
    """Show each role its own first page."""
    if launch.is_instructor:
        return views_instructor.dashboard(launch)
    if launch.is_learner:
        return views_learner.learner_home(launch)
    return page("other_role")


# Views and commands that nothing else here names register themselves with their blueprint or group.
VIEWS = (cli_files, views_bulk, views_editor, views_foreign, views_rule, views_verify)

plugin = Plugin(
    key="badges",
    title=lazy("Badges"),
    on_launch=open_activity,
    blueprint=pages,
    pick=views_instructor.pick,
    public=views_public.pages,
    public_paths=("/i", "/verify"),
    progress=views_instructor.progress,
    console=views_console.pages,
    cli=commands,
    models=MODELS,
    migrations="ltitools_badges.migrations",
    listens={
        ScoreRecorded: listening.on_score,
        ScoreCleared: listening.on_cleared,
        CompetencyRecorded: listening.on_competency,
    },
    jobs=(
        Job("sign", signing.sign),
        Job("consider", listening.consider_course),
        Job("stack", listening.consider_stacks),
        Job("outside", listening.check_outside),
    ),
    export_person=privacy.export_person,
    erase_person=privacy.erase_person,
    texts=texts,
    actions={
        "badges.address": lazy("Public address of badges decided"),
        "badges.issuer": lazy("Issuer of badges changed"),
        "badges.key": lazy("Key of badges rotated"),
        "badges.withdraw": lazy("Key of badges withdrawn"),
        "badges.resign": lazy("Badges signed anew"),
        "badges.award": lazy("Badge awarded"),
        "badges.revoke": lazy("Badge revoked"),
        "badges.export": lazy("Issuer exported"),
    },
)
