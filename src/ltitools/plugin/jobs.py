"""Work for later: queue one of your jobs in your transaction; the worker runs it after the commit."""

from ltitools.services.jobs import JobRun, enqueue

__all__ = ["JobRun", "enqueue"]
