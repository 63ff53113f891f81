"""Gradebook columns beside the one of the link: one for each competency that you send scores for."""

from ltitools.services.columns import ensure, ensure_for_competency

__all__ = ["ensure", "ensure_for_competency"]
