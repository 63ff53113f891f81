"""gunicorn for ltitools: threads, because pages are short and grades are delivered in the background."""

import os
from typing import Any

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
# Nobody steers this server while it runs, so it opens no socket for that in the home folder.
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Start the delivery of grades in each worker process: threads do not survive a fork."""
    worker.wsgi.extensions["ltitools.worker"].start()


def worker_exit(_server: Any, worker: Any) -> None:
    """Let a delivery that is under way finish. One that ends before it has loaded the application has none."""
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions["ltitools.worker"].stop()
