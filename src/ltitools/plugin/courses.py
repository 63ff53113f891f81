"""Courses, as the LMS names them."""

from collections.abc import Iterable

from ltitools.plugin.launch import Course
from ltitools.services import courses


def named(tenant_id: int, course_ids: Iterable[int]) -> dict[int, Course]:
    """The courses with these ids, by id, in one query."""
    return {row.id: Course(row.id, row.title) for row in courses.named(tenant_id, course_ids)}


__all__ = ["named"]
