"""Every table of the host. Rules about them live in `ltitools.services`."""

from ltitools.models.competency import Competency, CompetencyResult, Evidence, Framework
from ltitools.models.course import Activity, Course, Enrolment, Link, Person
from ltitools.models.event import EventDelivery, EventRow
from ltitools.models.grade import Grade
from ltitools.models.launch import Launch, PendingLogin
from ltitools.models.registration import Deployment, PlatformKeys, Registration, ServiceToken
from ltitools.models.tenant import Tenant, TenantKey

__all__ = [
    "Activity",
    "Competency",
    "CompetencyResult",
    "Course",
    "Deployment",
    "Enrolment",
    "EventDelivery",
    "EventRow",
    "Evidence",
    "Framework",
    "Grade",
    "Launch",
    "Link",
    "PendingLogin",
    "Person",
    "PlatformKeys",
    "Registration",
    "ServiceToken",
    "Tenant",
    "TenantKey",
]
