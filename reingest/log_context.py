"""What every log line of a piece of work says beside its message: the run id and the settlement date."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from types import MappingProxyType
from uuid import UUID

_context: ContextVar[Mapping[str, str]] = ContextVar("reingest_log_context", default=MappingProxyType({}))


def log_context() -> Mapping[str, str]:
    """Return what the present piece of work adds to its log lines."""
    return _context.get()


@contextmanager
def about(*, run_id: UUID | None = None, settlement_date: date | None = None) -> Iterator[None]:
    """Let every log line of the block say which run and which date it is about."""
    named = {"run_id": run_id, "settlement_date": settlement_date}
    added = {name: str(value) for name, value in named.items() if value is not None}
    token = _context.set({**_context.get(), **added})
    try:
        yield
    finally:
        _context.reset(token)
