"""Blueprints, launch sessions, headers: thin. Rules are in `ltitools.services`."""
