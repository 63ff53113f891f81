"""The migrations of this tool's tables."""
