"""The public API of ltitools, version 1: all that a tool may import from the host.

Everything here works without a request, inside an application context. Tables of a tool carry a ``tenant_id``
and are named ``<key>_…``; a tool writes in its own transaction and commits it with ``session.commit()``.
"""

from ltitools.db import Base, Json, UtcDateTime, reading, session, upsert, utcnow
from ltitools.errors import Conflict, NotFound, Refused
from ltitools.i18n import LOCALES, Domain, LazyText, current_locale, use_locale
from ltitools.lti.claims import INSTRUCTORS, Role
from ltitools.lti.claims import DeepLinkingSettings as DeepLinking
from ltitools.plugin import (
    activities,
    audit,
    columns,
    competencies,
    console,
    courses,
    files,
    grades,
    jobs,
    people,
    roster,
    secrets,
    tenants,
    uptime,
    web,
)
from ltitools.plugin.contract import API_VERSION, Job, Placed, Plugin, Progress
from ltitools.plugin.launch import (
    Activity,
    Course,
    Launch,
    Link,
    Person,
    Tenant,
    current_launch,
)
from ltitools.services.competencies import Competency, CompetencyResult, Evidence
from ltitools.services.events import CompetencyRecorded, Delivery, Event, PersonErased, ScoreCleared, ScoreRecorded
from ltitools.services.grades import GradeStatus, Score
from ltitools.services.jobs import JobRun
from ltitools.services.rosters import RosterChanged

__all__ = [
    "API_VERSION",
    "INSTRUCTORS",
    "LOCALES",
    "Activity",
    "Base",
    "Competency",
    "CompetencyRecorded",
    "CompetencyResult",
    "Conflict",
    "Course",
    "DeepLinking",
    "Delivery",
    "Domain",
    "Event",
    "Evidence",
    "GradeStatus",
    "Job",
    "JobRun",
    "Json",
    "Launch",
    "LazyText",
    "Link",
    "NotFound",
    "Person",
    "PersonErased",
    "Placed",
    "Plugin",
    "Progress",
    "Refused",
    "Role",
    "RosterChanged",
    "Score",
    "ScoreCleared",
    "ScoreRecorded",
    "Tenant",
    "UtcDateTime",
    "activities",
    "audit",
    "columns",
    "competencies",
    "console",
    "courses",
    "current_launch",
    "current_locale",
    "files",
    "grades",
    "jobs",
    "people",
    "reading",
    "roster",
    "secrets",
    "session",
    "tenants",
    "upsert",
    "uptime",
    "use_locale",
    "utcnow",
    "web",
]
