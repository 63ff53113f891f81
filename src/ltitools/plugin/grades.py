"""Scores for the LMS: record, clear or send one again in your transaction, and see how far it has come."""

from ltitools.services.grades import Recorded, clear, in_course, record, resend, status, statuses

__all__ = ["Recorded", "clear", "in_course", "record", "resend", "status", "statuses"]
