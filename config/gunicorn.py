"""gunicorn for ltitools: threads, because pages are short and grades are delivered in the background."""

import logging
import os
import re
from typing import Any

from gunicorn.glogging import Logger

bind = os.environ.get("LTITOOLS_BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = int(os.environ.get("LTITOOLS_WORKERS", "2"))
threads = int(os.environ.get("LTITOOLS_THREADS", "8"))
timeout = 60
graceful_timeout = 30
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
accesslog = None
# For whoever switches the access log on: no address of a person, and no query of a page.
access_log_format = "%(t)s %(m)s %(U)s %(H)s %(s)s %(B)s %(M)sms"
# Nobody steers this server while it runs, so it opens no socket for that in the home folder.
control_socket_disable = True

QUERY = re.compile(r"\?[^\s'\"]*")
CODE = re.compile(r"(/console/-/enter/)[\w-]+")


def plain(text: str) -> str:
    """`text` as it may be logged: queries hold registration links and hints of who comes, one path a sign-in code."""
    return CODE.sub(r"\1…", QUERY.sub("?…", text))


class Log(Logger):
    """gunicorn's log without what lets somebody in: it writes whole addresses when a request fails."""

    def setup(self, cfg: Any) -> None:
        """Watch over every line about requests."""
        super().setup(cfg)
        self.error_log.addFilter(_make_plain)

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        """The parts of a line of the access log, whatever its format."""
        found: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        hidden = dict.fromkeys(("q", "f"), "-")
        return {name: plain(part) if isinstance(part, str) else part for name, part in found.items()} | hidden


logger_class = Log


def _make_plain(record: logging.LogRecord) -> bool:
    record.msg, record.args = plain(record.getMessage()), ()
    return True


def post_worker_init(worker: Any) -> None:
    """Start the delivery of grades in each worker process: threads do not survive a fork."""
    worker.wsgi.extensions["ltitools.worker"].start()


def worker_exit(_server: Any, worker: Any) -> None:
    """Let a delivery that is under way finish."""
    worker.wsgi.extensions["ltitools.worker"].stop()
