"""How long a fact waits after a failed attempt."""

from hypothesis import given
from hypothesis import strategies as st

from reingest.operations.deliveries.passes import LONGEST_WAIT_SECONDS, backoff_seconds

FIRST = st.floats(0.01, 3600)


@given(first=FIRST, attempt=st.integers(1, 10_000))
def test_the_wait_doubles_up_to_an_hour(first: float, attempt: int) -> None:
    """Whatever the attempt, the wait lies between half its bound and its bound, which doubles up to an hour."""
    bound = min(LONGEST_WAIT_SECONDS, first * 2 ** min(attempt - 1, 20))
    assert bound / 2 <= backoff_seconds(first, attempt) <= bound


@given(first=FIRST, attempt=st.integers(1, 20), asked=st.floats(0, 1e9))
def test_what_is_asked_for_is_the_least_and_an_hour_the_most(first: float, attempt: int, asked: float) -> None:
    """A sink that asks for longer gets it, and never more than an hour."""
    assert min(asked, LONGEST_WAIT_SECONDS) <= backoff_seconds(first, attempt, asked) <= LONGEST_WAIT_SECONDS


def test_waits_differ() -> None:
    """Facts that failed together do not return together."""
    assert len({backoff_seconds(10, 3) for _ in range(50)}) > 40
