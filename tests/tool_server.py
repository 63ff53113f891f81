"""The tool as a process of its own, for tests that kill it: ``python tool_server.py '{"database_url": …}'``."""

from __future__ import annotations

import json
import sys

from waitress import serve

from ltitools.testing import make_app
from probe import make_probe


def main() -> None:
    """Serve with the settings given as JSON; ``probe`` chooses the test tool, ``port`` the port."""
    settings = json.loads(sys.argv[1])
    port = settings.pop("port")
    plugins = [make_probe()] if settings.pop("probe") else None
    app = make_app(plugins=plugins, **settings)
    app.testing = False
    app.extensions["ltitools.worker"].start()
    serve(app, host="127.0.0.1", port=port, threads=8, ident=None, _quiet=True)


if __name__ == "__main__":
    main()
