"""Sinks: where a fact is delivered. One posts it to a webhook, one appends it to a file, one makes an event of it.

All are told the same JSON object. A webhook also gets its dedupe key in the header `Idempotency-Key`, and takes the
fact with any 2xx answer; the answer's body is not read. Prefect's events are sent by those who have Prefect: the flows.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Protocol

import httpx

from reingest import __version__
from reingest.elexon.retry import certificate_fault, retry_after_seconds
from reingest.lake.appending import append_lines
from reingest.settings import Settings
from reingest.store.outbox import OwedFact, SinkName
from reingest.tls import trusted_certificates

DEDUPE_HEADER: Final = "Idempotency-Key"
USER_AGENT: Final = f"reingest/{__version__} (Reingest: facts about GB wind curtailment)"
_OVERLOADED: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a sink did not take a fact.

    Attributes:
        reason: For people; it holds nothing of the webhook's address.
        asked_seconds: How long the sink asked to be left alone, 0 where it did not.
        sink_down: Whether it is the sink that fails, and not this fact that it refuses.
    """

    reason: str
    asked_seconds: float = 0.0
    sink_down: bool = False


class Sink(Protocol):
    """Somewhere facts are delivered."""

    name: ClassVar[SinkName]

    async def send(self, fact: OwedFact, timeout_seconds: float) -> Failure | None:
        """Deliver the fact; None means that the sink has it."""
        ...


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
            sinks.append(await opened.enter_async_context(_webhook(settings, settings.webhook_url)))
        yield sinks


@asynccontextmanager
async def _webhook(settings: Settings, url: str) -> AsyncIterator["WebhookSink"]:
    async with httpx.AsyncClient(
        verify=trusted_certificates(url, settings.ca_bundle),
        headers={"user-agent": USER_AGENT, "content-type": "application/json"},
        follow_redirects=False,
    ) as client:
        yield WebhookSink(client, url)


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

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        """Post to `url`, which is nobody's to see: it may hold a token."""
        self._client = client
        self._url = url

    async def send(self, fact: OwedFact, timeout_seconds: float) -> Failure | None:
        """Post the fact; None means that the webhook answered 2xx within the time."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._post(fact)
        except TimeoutError:
            return Failure(f"no answer within {time.monotonic() - began:.1f} s", sink_down=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Failure(self._describe(error), sink_down=True)
        if response.is_success:
            return None
        return Failure(
            f"it answered {response.status_code} {response.reason_phrase}".rstrip(),
            asked_seconds=retry_after_seconds(response.headers.get("retry-after")),
            sink_down=response.status_code in _OVERLOADED,
        )

    async def _post(self, fact: OwedFact) -> httpx.Response:
        request = self._client.build_request(
            "POST", self._url, content=message_bytes(fact), headers={DEDUPE_HEADER: fact.dedupe_key}, timeout=None
        )
        response = await self._client.send(request, stream=True)
        await response.aclose()
        return response

    def _describe(self, error: Exception) -> str:
        """Name the fault without the address, whatever the library put into its text."""
        if (fault := certificate_fault(error)) is not None:
            return f"its certificate was not accepted: {fault.verify_message}"
        text = str(error).replace(self._url, "the webhook")
        return f"{type(error).__name__}: {text}" if text else type(error).__name__


def message_bytes(fact: OwedFact) -> bytes:
    """Return the message as every sink gets it: JSON in UTF-8 on one line, keys in order."""
    return json.dumps(fact.message, ensure_ascii=False, sort_keys=True).encode()
