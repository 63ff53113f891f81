"""Competencies of the institution, the evidence record, and conclusions from it."""

from ltitools.services.competencies import (
    append_evidence,
    ensure,
    ensure_all,
    named,
    record_results,
    results_of,
    withdraw,
)

__all__ = ["append_evidence", "ensure", "ensure_all", "named", "record_results", "results_of", "withdraw"]
