"""Progress of anything that takes over a second, on a terminal only; a pipe or a log file sees none of it."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

PATIENCE_SECONDS: Final = 1.0
REDRAW_SECONDS: Final = 0.1

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and out of how much."""


@contextmanager
def stage_progress() -> Iterator[Progress]:
    """Give a callback that draws one line on stderr, from the second second on, and wipes it at the end."""
    if not sys.stderr.isatty():
        yield _say_nothing
        return
    line = _Line()
    try:
        yield line.draw
    finally:
        line.wipe()


def _say_nothing(doing: str, done: int, out_of: int) -> None:
    """Take the news and keep it."""


class _Line:
    def __init__(self) -> None:
        self._started = time.monotonic()
        self._drawn_at = 0.0
        self._drawn = False

    def draw(self, doing: str, done: int, out_of: int) -> None:
        now = time.monotonic()
        if now - self._started < PATIENCE_SECONDS or (now - self._drawn_at < REDRAW_SECONDS and done < out_of):
            return
        left = f", {(now - self._started) / done * (out_of - done):.0f} s left" if 0 < done < out_of else ""
        sys.stderr.write(f"\r\x1b[K{doing}: {done} of {out_of}{left}")
        sys.stderr.flush()
        self._drawn, self._drawn_at = True, now

    def wipe(self) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
