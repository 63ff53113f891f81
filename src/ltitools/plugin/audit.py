"""The audit log of the institution: what your commands and your pages in the console change, which nobody edits."""

from ltitools.services.audit import record

__all__ = ["record"]
