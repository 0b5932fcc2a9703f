"""How many requests go out in a second."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

SECOND: Final = timedelta(seconds=1)


def most_in_a_second(went: Sequence[datetime], second: timedelta = SECOND) -> int:
    """Return how many of these instants, which are in order, lie in one second at the most; or in less than one."""
    most = last = 0
    for first, began in enumerate(went):
        while last < len(went) and went[last] < began + second:
            last += 1
        most = max(most, last - first)
    return most
