"""Which failures of a request are worth another attempt, and how long to wait before it."""

import random
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from reingest.clock import utc_now

FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 30.0

TOO_MANY_REQUESTS: Final = 429
SERVER_ERRORS: Final = range(500, 600)

TRANSPORT_FAULTS: Final = (httpx.TransportError, httpx.DecodingError, TimeoutError)
"""Faults of the way, not of the question: refused, reset, cut short (a body below its Content-Length, a gzip
stream without its end), too slow."""


def is_temporary_status(status: int) -> bool:
    """Say whether the status may be another one next time: 429 and 5xx, and never another 4xx."""
    return status == TOO_MANY_REQUESTS or status in SERVER_ERRORS


def certificate_fault(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Return the certificate fault beneath an HTTP error, which no retry will cure, or None."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def is_temporary_fault(error: BaseException) -> bool:
    """Say whether the error is a fault of the way that another attempt may not meet."""
    return isinstance(error, TRANSPORT_FAULTS) and certificate_fault(error) is None


def retry_after_seconds(header: str | None) -> float:
    """Read a Retry-After header in either of its forms, seconds or an HTTP-date (RFC 9110, 10.2.3).

    Returns:
        Seconds from now, 0 where the header is absent, past or unreadable.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    return max(0.0, (_aware(instant) - utc_now()).total_seconds())


def _aware(instant: datetime) -> datetime:
    """An HTTP-date is in GMT by definition, and "-0000" comes back naive."""
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def backoff_seconds(attempt: int, asked_seconds: float) -> float:
    """Return how long to wait after the attempt of that number (1 is the first).

    Full jitter: anything between zero and the exponential bound, so that requests that failed together do not
    return together. What the source asked for is the least.
    """
    bound = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
    return max(asked_seconds, random.uniform(0, bound))  # noqa: S311  (spreads load, keeps no secret)
