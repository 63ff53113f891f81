"""Activities of a tool: what it offers in an institution."""

from ltitools.services.activities import all_of, change, create, find, free_slug, get

__all__ = ["all_of", "change", "create", "find", "free_slug", "get"]
