import ssl
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reingest.clock import FixedClock, use_clock
from reingest.elexon.retry import (
    LONGEST_WAIT_SECONDS,
    backoff_seconds,
    certificate_fault,
    is_temporary_fault,
    is_temporary_status,
    retry_after_seconds,
)

NOON = datetime(2026, 8, 7, 12, tzinfo=UTC)


def test_temporary_statuses() -> None:
    """Of all error statuses, 429 and 5xx alone may be another one next time."""
    assert {status for status in range(300, 600) if is_temporary_status(status)} == {429, *range(500, 600)}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Fri, 07 Aug 2026 12:02:00 GMT", 120),
        ("Fri, 07 Aug 2026 12:02:00 -0000", 120),
        ("Friday, 07-Aug-26 12:02:00 GMT", 120),
        ("Fri, 07 Aug 2026 11:00:00 GMT", 0),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        (None, 0),
        ("٣", 0),
        ("Fri, 99 Aug 2026 12:02:00 GMT", 0),
        ("Fri, 07 Aug 2026 12:02:00 +99999999999999999999", 0),
        ("9" * 400, float("inf")),
    ],
)
def test_retry_after(header: str | None, seconds: float) -> None:
    """Retry-After is read as seconds and as an HTTP-date; past, absent or unreadable means no wait."""
    with use_clock(FixedClock(NOON)):
        assert retry_after_seconds(header) == seconds


@settings(deadline=None)
@given(attempt=st.integers(1, 20), asked=st.floats(0, 100))
def test_backoff(attempt: int, asked: float) -> None:
    """A wait is at least what was asked for, and otherwise anywhere below a bound that doubles up to 30 s."""
    bound = min(LONGEST_WAIT_SECONDS, 0.5 * 2 ** (attempt - 1))
    assert asked <= backoff_seconds(attempt, asked) <= max(asked, bound)


def test_full_jitter() -> None:
    """Waits after equal attempts differ, so that requests that failed together do not return together."""
    waits = [backoff_seconds(5, 0) for _ in range(200)]
    assert min(waits) < 2
    assert max(waits) > 6


def test_certificate_fault_is_found_beneath() -> None:
    """A certificate fault is found however deep an HTTP error hides it, and is never worth another attempt."""
    deep = httpx.ConnectError("handshake")
    deep.__cause__ = OSError("wrapped")
    deep.__cause__.__context__ = ssl.SSLCertVerificationError("self-signed")
    assert isinstance(certificate_fault(deep), ssl.SSLCertVerificationError)
    assert not is_temporary_fault(deep)


@pytest.mark.parametrize(
    ("error", "temporary"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.ReadTimeout("slow"), True),
        (httpx.RemoteProtocolError("short"), True),
        (httpx.DecodingError("gzip"), True),
        (TimeoutError(), True),
        (ValueError("ours"), False),
    ],
)
def test_temporary_faults(error: Exception, temporary: bool) -> None:
    """Faults of the way are worth another attempt, faults of our own are not."""
    assert is_temporary_fault(error) is temporary
