"""How many requests go out in a second."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

SECOND: Final = timedelta(seconds=1)
HEARD_LATE: Final = timedelta(seconds=0.1)
"""By how much a stand-in may hear one request later than another: it shares the test's process, and its two cores."""


def surely_in_a_second(heard: Sequence[datetime]) -> int:
    """Return how many requests, of which it is known when each was heard, went out in some second at the least.

    Args:
        heard: Instants, in order.
    """
    return most_within(heard, SECOND - HEARD_LATE)


def most_within(heard: Sequence[datetime], span: timedelta) -> int:
    """Return how many of these instants, which are in order, lie in such a span at the most."""
    most = last = 0
    for first, began in enumerate(heard):
        while last < len(heard) and heard[last] < began + span:
            last += 1
        most = max(most, last - first)
    return most
