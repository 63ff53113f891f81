"""What a submitted sitting leaves behind: points, results, and the evidence that the host keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import select

from ltitools.plugin import CompetencyResult, Evidence, competencies, session, upsert
from ltitools_diagnostic.models import Answer, Attempt, Result, VersionCompetency
from ltitools_diagnostic.scoring import Outcome


def source(attempt: Attempt) -> str:
    """What the evidence of a sitting is known by."""
    return f"diagnostic:attempt:{attempt.id}"


def store_fractions(attempt: Attempt, earned: Mapping[int, Fraction]) -> None:
    """What each question of the form earned, also those without an answer."""
    rows = [
        {
            "tenant_id": attempt.tenant_id,
            "attempt_id": attempt.id,
            "item_id": item_id,
            "response": None,
            "fraction": float(share),
        }
        for item_id, share in earned.items()
    ]
    if rows:
        statement = upsert(Answer)
        kept = {"fraction": statement.excluded.fraction}
        session.execute(statement.on_conflict_do_update(index_elements=["attempt_id", "item_id"], set_=kept), rows)


def store_results(attempt: Attempt, competency_of: Mapping[int, int], earned: Mapping[int, Fraction]) -> list[Result]:
    """The result of each competency; `competency_of` tells the competency row of each question."""
    weights = _weights(attempt)
    shares: dict[int, list[Fraction]] = {}
    for item_id, row_id in competency_of.items():
        shares.setdefault(row_id, []).append(earned[item_id])
    results = []
    for row_id, parts in shares.items():
        outcome = Outcome(sum(parts, Fraction(0)), len(parts))
        result = Result(
            tenant_id=attempt.tenant_id,
            attempt_id=attempt.id,
            competency_row_id=row_id,
            points=float(outcome.points),
            items=outcome.items,
            probability=outcome.probability,
            level=outcome.level.value,
            weight=weights[row_id],
        )
        session.add(result)
        results.append(result)
    return results


def _weights(attempt: Attempt) -> dict[int, Decimal]:
    rows = session.execute(
        select(VersionCompetency.id, VersionCompetency.weight).where(
            VersionCompetency.tenant_id == attempt.tenant_id, VersionCompetency.version_id == attempt.version_id
        )
    )
    return dict(rows.all())


def record_evidence(
    attempt: Attempt, competency_of: Mapping[int, int], earned: Mapping[int, Fraction], results: Sequence[Result]
) -> None:
    """Tell the host what was seen, question by question, and what is concluded for each competency."""
    assert attempt.submitted_at is not None
    hosts = _host_competencies(attempt)
    evidence = [
        Evidence(
            person_id=attempt.person_id,
            course_id=attempt.course_id,
            link_id=attempt.link_id,
            activity_id=attempt.activity_id,
            competency_id=hosts[row_id],
            fraction=float(earned[item_id]),
            source=f"{source(attempt)}:item:{item_id}",
            observed_at=attempt.submitted_at,
        )
        for item_id, row_id in competency_of.items()
    ]
    competencies.append_evidence(attempt.tenant_id, evidence)
    conclusions = [
        CompetencyResult(
            person_id=attempt.person_id,
            course_id=attempt.course_id,
            link_id=attempt.link_id,
            activity_id=attempt.activity_id,
            competency_id=hosts[result.competency_row_id],
            level=result.level,
            probability=result.probability,
            source=f"{source(attempt)}:competency:{result.competency_row_id}",
            observed_at=attempt.submitted_at,
        )
        for result in results
    ]
    competencies.record_results(attempt.tenant_id, conclusions)


def _host_competencies(attempt: Attempt) -> dict[int, int]:
    """The host's competency of each competency of the version; publication has set them all."""
    rows = session.execute(
        select(VersionCompetency.id, VersionCompetency.competency_id).where(
            VersionCompetency.tenant_id == attempt.tenant_id,
            VersionCompetency.version_id == attempt.version_id,
        )
    )
    return {row_id: competency_id for row_id, competency_id in rows if competency_id is not None}
