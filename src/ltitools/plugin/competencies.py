"""Competencies of the institution, the evidence record, and conclusions from it."""

from ltitools.services.competencies import (
    Framed,
    append_evidence,
    ensure,
    ensure_all,
    in_force,
    named,
    record_results,
    results_in,
    results_of,
    withdraw,
)

__all__ = [
    "Framed",
    "append_evidence",
    "ensure",
    "ensure_all",
    "in_force",
    "named",
    "record_results",
    "results_in",
    "results_of",
    "withdraw",
]
