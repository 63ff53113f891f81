"""What is read before anything is called: no transaction is open while the servers answer the doctor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ltitools.models import Deployment, Registration


@dataclass(frozen=True)
class Chart:
    """A registration and its deployments."""

    registration: Registration
    deployments: Sequence[Deployment]
