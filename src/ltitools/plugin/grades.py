"""Scores for the LMS: record one in your transaction, and see how far it has come."""

from ltitools.services.grades import record, status, statuses

__all__ = ["record", "status", "statuses"]
