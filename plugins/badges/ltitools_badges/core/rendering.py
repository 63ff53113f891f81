"""SVG to PNG. No font and no file of the server has a part in it.

As a program, it renders what comes in on standard input, with little memory and time. It is run by its path, so that
it begins without loading the tool around it.
"""

from __future__ import annotations

import sys

import resvg_py

CPU_SECONDS = 2
MAX_MEMORY = 1024**3


def png(svg: str, size: int) -> bytes:
    """A picture of `size` by `size`. Raises ValueError where it cannot be rendered."""
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True))


def _limit() -> None:
    """The system ends this process when it takes more; where there is no such thing, the one that waits for it does."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


if __name__ == "__main__":
    _limit()
    sys.stdout.buffer.write(png(sys.stdin.buffer.read().decode(), int(sys.argv[1])))
