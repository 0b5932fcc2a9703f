"""Sinks: where a fact is delivered. One posts it to a webhook, one appends it to a file, one makes an event of it.

All are told the same JSON object. A webhook also gets its dedupe key in the header `Idempotency-Key`, and takes the
fact with any 2xx answer; the answer's body is not read. Prefect's events are sent by those who have Prefect: the flows.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import ClassVar, TypeAlias

from reingest.lake.appending import append_lines
from reingest.operations.deliveries import passes
from reingest.operations.deliveries.posting import Failure, Post, open_post
from reingest.settings import Settings
from reingest.store.outbox import OwedFact, SinkName

Sink: TypeAlias = passes.Sink[OwedFact]
"""Somewhere facts are delivered."""

_prefect_events: ContextVar[Sink | None] = ContextVar("reingest_prefect_events", default=None)


@contextmanager
def prefect_events_by(sink: Sink) -> Iterator[None]:
    """Have whatever is delivered within the block delivered to this sink too, where `prefect_events` is on."""
    token = _prefect_events.set(sink)
    try:
        yield
    finally:
        _prefect_events.reset(token)


@asynccontextmanager
async def open_sinks(settings: Settings) -> AsyncIterator[list[Sink]]:
    """Give the configured sinks for the block, those that cannot be slow first.

    Prefect's events are among them within `prefect_events_by` only; what is owed to them waits for that.

    Raises:
        BadSetting: the CA bundle cannot be read.
    """
    async with AsyncExitStack() as opened:
        sinks: list[Sink] = []
        if settings.outbox_log is not None:
            sinks.append(LogSink(settings.outbox_log))
        if settings.prefect_events == "on" and (events := _prefect_events.get()) is not None:
            sinks.append(events)
        if settings.webhook_url is not None:
            sinks.append(WebhookSink(await opened.enter_async_context(open_post(settings, settings.webhook_url))))
        yield sinks


class LogSink:
    """Appends each fact to a file as one line of JSON, on disk before it counts as delivered."""

    name: ClassVar[SinkName] = "log"

    def __init__(self, path: Path) -> None:
        """Append to `path`, whose folder must be there."""
        self._path = path

    async def send(self, fact: OwedFact, timeout_seconds: float) -> Failure | None:
        """Append the fact; None means that it is on disk."""
        try:
            append_lines(self._path, message_bytes(fact) + b"\n", patience_seconds=timeout_seconds)
        except OSError as error:
            return Failure(f"{self._path}: {error.strerror or error}", sink_down=True)
        return None


class WebhookSink:
    """Posts each fact to an address."""

    name: ClassVar[SinkName] = "webhook"

    def __init__(self, post: Post) -> None:
        """Send by `post`."""
        self._post = post

    async def send(self, fact: OwedFact, timeout_seconds: float) -> Failure | None:
        """Post the fact; None means that the webhook answered 2xx within the time."""
        return await self._post.send(message_bytes(fact), fact.dedupe_key, timeout_seconds)


def message_bytes(fact: OwedFact) -> bytes:
    """Return the message as every sink gets it: JSON in UTF-8 on one line, keys in order."""
    return json.dumps(fact.message, ensure_ascii=False, sort_keys=True).encode()
