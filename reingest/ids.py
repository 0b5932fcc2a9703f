"""Run ids: UUIDv7, so that ids sort by the time they were made, and two in one millisecond differ."""

import secrets
from uuid import UUID

from reingest.clock import utc_now


def new_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, 74 random bits."""
    milliseconds = int(utc_now().timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62))
