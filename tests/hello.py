"""The tool that docs/writing-a-plugin.md makes, written from that page."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "writing-a-plugin.md"


def write_hello(folder: Path) -> Path:
    """Write each file of the page where the page says it stands, below `folder`."""
    files = re.findall(r"`([\w./]+)`:\n\n```\w+\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for name, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    (folder / "ltitools_hello" / "migrations" / "__init__.py").touch()
    return folder
