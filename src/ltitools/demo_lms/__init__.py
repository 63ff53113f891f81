"""A small, honest LMS: what ``make demo`` shows, and the platform of our flow, browser and certification tests.

It shares no LTI code with the tool, so that the two can only agree by both keeping to the specification.
"""

from ltitools.demo_lms.app import create_lms
from ltitools.demo_lms.faults import Fault, Faults
from ltitools.demo_lms.lms import SignInClient, ToolRegistration, place_activity, register_tool
from ltitools.demo_lms.oidc import FormPost
from ltitools.demo_lms.visitor import Visitor, form_on

__all__ = [
    "Fault",
    "Faults",
    "FormPost",
    "SignInClient",
    "ToolRegistration",
    "Visitor",
    "create_lms",
    "form_on",
    "place_activity",
    "register_tool",
]
