"""Times in which the server was away, for tools that limit people's time."""

from ltitools.services.uptime import Outage, outages, postponed

__all__ = ["Outage", "outages", "postponed"]
