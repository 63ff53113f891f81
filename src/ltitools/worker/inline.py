"""The engine without a broker: threads in the server process, woken after a commit, looking by themselves too."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ltitools.context import EXTENSION, Host
from ltitools.db import session, set_read_only, utcnow
from ltitools.plugin import Plugin
from ltitools.services import files, launches
from ltitools.worker import events, jobs, outbox
from ltitools.worker.pulse import Pulse

log = logging.getLogger(__name__)
TIDY_EVERY = timedelta(hours=1)


class Worker:
    """Delivers what is due. One for each process; leases in the database keep several apart."""

    def __init__(self, app: Flask, plugins: Mapping[str, Plugin]) -> None:
        self._app = app
        self._plugins = plugins
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pid = 0
        self._pulse = Pulse(app)
        self._jobs = jobs.known_jobs(plugins)
        self._planned = False
        self._tidied_at = utcnow() - TIDY_EVERY

    @property
    def _host(self) -> Host:
        host: Host = self._app.extensions[EXTENSION]
        return host

    def start(self) -> None:
        """Start the threads of this server process, and its signs of life. Call it after a fork, not before."""
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self._stopping.clear()
        self._pulse.start()
        self._threads = [
            threading.Thread(target=self._run, name=f"ltitools-worker-{number}", daemon=True)
            for number in range(self._host.settings.worker_threads)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 30.0) -> None:
        """Let the threads finish what they are at, and wait for them."""
        self._stopping.set()
        self._wanted.set()
        for thread in self._threads:
            thread.join(timeout)
        self._threads = []
        self._pulse.stop()
        self._pid = 0

    def wake(self) -> None:
        """Something may be due."""
        self._wanted.set()

    def run_forever(self) -> None:
        """Work in the calling thread until `stop`: the command ``ltitools worker``."""
        self._stopping.clear()
        self._run()

    def run_due(self) -> int:
        """Deliver all that is due now, and return how many deliveries were tried."""
        with self._app.app_context():
            set_read_only(False)
            return self._drain()

    def _run(self) -> None:
        poll = self._host.settings.worker_poll_seconds
        while not self._stopping.is_set():
            self._wanted.clear()
            try:
                self.run_due()
            except SQLAlchemyError as error:
                log.warning("the worker waits for the database: %s", type(error).__name__)
            except Exception:
                log.exception("error in the worker")
            self._wanted.wait(poll)

    def _drain(self) -> int:
        """Claim and deliver batches, and run jobs, until nothing is due."""
        done = 0
        if not self._planned:
            jobs.plan(self._jobs)
            self._planned = True
        steps: tuple[Callable[[], int], ...] = (
            outbox.deliver_due,
            lambda: events.deliver_due(self._plugins),
            lambda: jobs.run_due(self._jobs),
        )
        while not self._stopping.is_set():
            batch = sum(step() for step in steps)
            if batch == 0:
                break
            done += batch
        if utcnow() - self._tidied_at > TIDY_EVERY:
            self._tidied_at = utcnow()
            launches.forget_old()
            files.forget_expired()
            session.commit()
        return done
