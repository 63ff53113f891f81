"""The console, put together from its pages."""

from ltitools.web.console import entrance, frameworks, institution, keys, people, platforms, privacy, progress
from ltitools.web.console.skeleton import console, install

PARTS = (entrance, institution, platforms, frameworks, progress, people, keys, privacy)

for part in PARTS:
    console.register_blueprint(part.pages)

__all__ = ["install"]
