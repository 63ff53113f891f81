"""Activities of a tool: what it offers in an institution; and what is placed in a course, of whichever tool."""

from ltitools.plugin.launch import Activity, Link, activity_of, link_of
from ltitools.services import activities, courses
from ltitools.services.activities import all_of, change, create, find, free_slug, get


def in_course(tenant_id: int, course_id: int) -> list[tuple[Link, Activity]]:
    """The activities of all tools in a course with their links, in the order in which they were first opened.

    A platform names a link when somebody opens it, so one that nobody has opened yet is not among them.
    """
    return [(link_of(link), activity_of(row)) for link, row in courses.placed_for_instructors(tenant_id, course_id)]


def at_hand(tenant_id: int, course_id: int) -> list[Activity]:
    """What the course owns, and then what the institution itself owns, of all tools: also what is placed in the course
    and was not opened there yet.
    """
    return [activity_of(row) for row in activities.at_hand(tenant_id, course_id)]


__all__ = ["all_of", "at_hand", "change", "create", "find", "free_slug", "get", "in_course"]
