"""A sign of life of a process that serves pages, so that the times in which none did are known."""

from __future__ import annotations

import logging
import threading

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ltitools.db import set_read_only
from ltitools.services import uptime

log = logging.getLogger(__name__)


class Pulse:
    """One thread of a server process. `start` beats at once, so an outage is known before the first page."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin. Call it after a fork, not before."""
        self._stopping = threading.Event()
        self._beat()
        self._thread = threading.Thread(target=self._run, name="ltitools-pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def _run(self) -> None:
        while not self._stopping.wait(uptime.BEAT_EVERY.total_seconds()):
            self._beat()

    def _beat(self) -> None:
        with self._app.app_context():
            set_read_only(False)
            try:
                uptime.beat()
            except SQLAlchemyError as error:
                log.warning("no sign of life can be left: %s", type(error).__name__)
