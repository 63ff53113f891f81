"""Every table of the host. Rules about them live in `ltitools.services`."""

from ltitools.models.audit import AuditEntry
from ltitools.models.competency import Competency, CompetencyResult, Evidence, Framework
from ltitools.models.console import Administrator, Attempt, ConsoleCode, ConsoleSession, Invitation
from ltitools.models.course import Activity, Course, Enrolment, LineItem, Link, Person
from ltitools.models.event import EventDelivery, EventRow
from ltitools.models.file import File
from ltitools.models.grade import Grade
from ltitools.models.job import Job
from ltitools.models.launch import Launch, OneTimeCode, PendingLogin
from ltitools.models.launch_log import LaunchLog
from ltitools.models.registration import Deployment, PlatformKeys, Registration, ServiceToken
from ltitools.models.tenant import Tenant, TenantKey
from ltitools.models.uptime import Heartbeat, Outage

__all__ = [
    "Activity",
    "Administrator",
    "Attempt",
    "AuditEntry",
    "Competency",
    "CompetencyResult",
    "ConsoleCode",
    "ConsoleSession",
    "Course",
    "Deployment",
    "Enrolment",
    "EventDelivery",
    "EventRow",
    "Evidence",
    "File",
    "Framework",
    "Grade",
    "Heartbeat",
    "Invitation",
    "Job",
    "Launch",
    "LaunchLog",
    "LineItem",
    "Link",
    "OneTimeCode",
    "Outage",
    "PendingLogin",
    "Person",
    "PlatformKeys",
    "Registration",
    "ServiceToken",
    "Tenant",
    "TenantKey",
]
