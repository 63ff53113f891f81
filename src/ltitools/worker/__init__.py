"""Do what is due: deliver grades and events, run jobs. The database is the truth; an engine only wakes the work."""

from ltitools.worker.inline import Worker

__all__ = ["Worker"]
