"""Telling right after an act: one try within a few seconds, which leaves pending what it cannot deliver."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reingest.errors import ReingestError
from reingest.store.database import Connection, within

log = logging.getLogger(__name__)

SOON_SECONDS: Final = 3.0
"""What an act may spend on telling of itself, all its sinks or channels together."""
_CUT_MARGIN_SECONDS: Final = 1.0


@contextmanager
def soon(trouble: str) -> Iterator[float]:
    """Give the deadline of one try, on the monotonic clock; what goes wrong in the block is logged and not raised.

    Args:
        trouble: what to say of it, as `people could not be told now`.
    """
    try:
        yield time.monotonic() + SOON_SECONDS
    except ReingestError as error:
        log.warning("%s: %s", trouble, error)
    except Exception:
        # An edge: what is told of has happened, so not even a fault of ours may become its outcome.
        log.exception("%s", trouble)


@contextmanager
def cut_after(connection: Connection, deadline: float | None) -> Iterator[None]:
    """Bound what waits for Postgres in the block: a network that swallows everything must not hold up an act.

    Args:
        connection: cut a little after the deadline.
        deadline: on the monotonic clock; None where nobody waits for it.
    """
    if deadline is None:
        yield
        return
    with within(connection, max(0.0, deadline - time.monotonic()) + _CUT_MARGIN_SECONDS):
        yield
