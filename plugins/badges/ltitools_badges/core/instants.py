"""Points in time as credentials write them: UTC with a `Z`, to the second (RFC 3339)."""

from datetime import UTC, datetime


def text(instant: datetime) -> str:
    """`2026-11-20T15:04:05Z`. Only for times that know their zone."""
    assert instant.tzinfo is not None
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(written: object) -> datetime:
    """Any RFC 3339 time with a zone; ValueError for everything else."""
    if not isinstance(written, str) or "T" not in written:
        raise ValueError("not a time")
    instant = datetime.fromisoformat(written)
    if instant.tzinfo is None:
        raise ValueError("a time without a zone")
    return instant.astimezone(UTC)
