"""LTI 1.3 tools for micro-credentials: one Flask host, pluggable tools."""

__version__ = "0.1.0"
