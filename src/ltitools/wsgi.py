"""The application for a WSGI server: ``gunicorn -c config/gunicorn.py ltitools.wsgi:app``."""

from __future__ import annotations

import logging

from ltitools.app import create_app
from ltitools.settings import Settings

logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
settings = Settings.load()
settings.check_for_serving()
app = create_app(settings)
