"""What people are told in a refusal: texts that name only what exists, and answers of platforms understood."""

from __future__ import annotations

import dataclasses
import re

import pytest

from ltitools.errors import Refused
from ltitools.i18n import LazyText
from ltitools.lti.platform_errors import code_of
from ltitools.refusals import CODES, explain, refused
from ltitools.services.launch_log import MAX_DETAIL, without_person
from ltitools.settings import Settings
from ltitools.web.pages import with_code
from test_docs import commands_in, wrong_with

TEXTS = [str(text) for code in CODES for text in vars(explain(code)).values() if isinstance(text, LazyText)]
CODED = sorted({part for text in TEXTS for part in re.findall(r"`([^`]+)`", text)})


@pytest.mark.parametrize("command", [part for part in CODED if part.startswith("ltitools ")])
def test_every_command_that_a_refusal_names_exists(command: str) -> None:
    (words,) = commands_in(f"`{command}`")
    assert not wrong_with(words)


@pytest.mark.parametrize("name", [part for part in CODED if "_" in part])
def test_every_setting_that_a_refusal_names_exists(name: str) -> None:
    assert name in {field.name for field in dataclasses.fields(Settings)}


def test_code_in_a_text_is_marked_and_everything_else_is_escaped() -> None:
    assert with_code("`a <b>` & c") == "<code>a &lt;b&gt;</code> &amp; c"


def test_the_code_of_a_tool_comes_with_general_advice() -> None:
    assert str(explain("sometool-question-gone").next_step).startswith("Go back to your course")


def test_a_refusal_carries_its_rule_for_the_log() -> None:
    refusal = refused("token-audience", "aud 'x'")
    assert isinstance(refusal, Refused)
    assert (refusal.status, refusal.detail) == (400, "aud 'x'")


@pytest.mark.parametrize(
    ("error", "description", "code"),
    [
        ("login_required", "Must have an active user session", "platform-signed-out"),
        ("interaction_required", "", "platform-signed-out"),
        ("account_selection_required", "", "platform-signed-out"),
        ("launch_no_longer_valid", "The launch has either expired or already been consumed", "platform-launch-used"),
        ("invalid_request", "The launch has expired", "platform-launch-used"),
        ("unauthorized_client", "Client not authorized in requested context", "platform-client-refused"),
        ("access_denied", "", "platform-access-denied"),
        ("invalid_request", "Invalid response_mode", "platform-request-refused"),
        ("invalid_request_object", "The following parameters are missing: nonce", "platform-request-refused"),
        ("invalid_scope", "", "platform-request-refused"),
        ("unsupported_response_type", "", "platform-request-refused"),
        ("server_error", "", "platform-unavailable"),
        ("temporarily_unavailable", "", "platform-unavailable"),
        ("Login_Required", "The session has expired", "platform-refused"),
        ("", "", "platform-refused"),
    ],
)
def test_errors_of_platforms_are_understood(error: str, description: str, code: str) -> None:
    assert code_of(error, description) == code
    assert code in CODES


@pytest.mark.parametrize(
    ("detail", "kept"),
    [
        ("iss 'https://lms.example.test'", "iss 'https://lms.example.test'"),
        ("iss 'https://lms.example.test/?user=7#ada' is unknown", "iss 'https://lms.example.test/?…' is unknown"),
        ("client_id 'ada@example.test'", "client_id '…'"),
        ("https://ada:secret@lms.example.test/keys answers 500", "https://…/keys answers 500"),
        ("one\nline\x00 only", "one line  only"),
        ("is it? #1", "is it? #1"),
        ("x" * 301, "x" * MAX_DETAIL),
    ],
)
def test_a_detail_is_kept_without_what_could_name_a_person(detail: str, kept: str) -> None:
    assert without_person(detail) == kept
