"""The migrations of the diagnostic tool's tables."""
