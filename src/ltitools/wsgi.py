"""The application for a WSGI server: ``gunicorn -c config/gunicorn.py ltitools.wsgi:app``."""

from __future__ import annotations

from ltitools.app import create_app, set_up_logging
from ltitools.settings import Settings

settings = Settings.load()
settings.check_for_serving()
set_up_logging(settings)
app = create_app(settings)
