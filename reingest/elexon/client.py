"""The HTTP client of the Insights API: one pool, bounded, evenly paced, patient where patience helps.

`ask` gives whatever Elexon's last word was, an error status too, so that it can be archived; `get` refuses
an error status. Faults of the way, 429 and 5xx are tried again; another 4xx never is, for asking the same
wrong question again cannot make it right.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
)

from reingest import __version__
from reingest.clock import utc_now
from reingest.elexon.body import read_body
from reingest.elexon.pacing import Budget, Gate, Pace, Pacer, RealWaits, SharedPacer, Waits
from reingest.elexon.rejects import concerning
from reingest.elexon.requests import Request, Wire
from reingest.elexon.retry import (
    TRANSPORT_FAULTS,
    backoff_seconds,
    certificate_fault,
    is_temporary_fault,
    is_temporary_status,
    retry_after_seconds,
)
from reingest.errors import SourceRefused, SourceTooSlow, SourceUnreachable, TlsFailed
from reingest.settings import Settings
from reingest.tls import trusted_certificates

USER_AGENT: Final = f"reingest/{__version__} (Reingest: GB wind curtailment by settlement date)"

_ACCEPT: Final[dict[Wire, str]] = {
    "xml": "application/xml, text/xml",
    "json": "application/json, text/json",
    "csv": "text/csv",
}
_ANSWERED: Final = frozenset({200, 204})
"""204 is an answer without a body, which parsing rejects as `empty_body`; any other 2xx is no whole answer."""

_EXCERPT: Final = 200

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request, after its last attempt.

    Attributes:
        request: What was asked.
        url: The whole address asked.
        status: The HTTP status.
        content_type: The Content-Type header, empty where there was none.
        body: Decompressed, otherwise byte for byte.
        requested_at: When the last attempt was sent; aware, UTC.
        answered_at: When its body was read to the end; aware, UTC.
        attempts: How many attempts were made, the last one included.
    """

    request: Request
    url: str
    status: int
    content_type: str
    body: bytes
    requested_at: datetime
    answered_at: datetime
    attempts: int

    @property
    def is_ok(self) -> bool:
        """Whether the status says that this is what was asked for."""
        return self.status in _ANSWERED

    def require_ok(self) -> "Answer":
        """Return the answer itself.

        Raises:
            SourceRefused: the status is an error or a redirect; it names the address and carries the answer.
                A redirect is never followed, because one has been seen to drop parameters on its way.
        """
        if self.is_ok:
            return self
        said = " ".join(self.body[:_EXCERPT].decode("utf-8", "replace").split())
        raise SourceRefused(
            f"{self.url} answered {self.status}{f': {said}' if said else ''}",
            status=self.status,
            answer=self,
            settlement_date=self.request.settlement_date,
            period=self.request.period,
        )


def _is_temporary(answer: Answer) -> bool:
    return is_temporary_status(answer.status)


_WORTH_ANOTHER: Final = retry_if_exception(is_temporary_fault) | retry_if_result(_is_temporary)


@dataclass(slots=True)
class _Tally:
    """What the attempts of one request have met so far."""

    dispensable: bool = False
    attempts: int = 0
    asked_seconds: float = 0.0
    fault: str = ""


class ElexonClient:
    """Asks Elexon, as an async context manager; one client a run, since it holds the run's time budget.

    Example:
        async with ElexonClient(settings) as client:
            answer = await client.get(stack_request(date(2026, 8, 6), 29, "bid"))
    """

    def __init__(self, settings: Settings, *, waits: Waits | None = None, gate: Gate | None = None) -> None:
        """Build the client from the settings; nothing is sent.

        Args:
            settings: where, how fast, how patiently.
            waits: the time that passes; the machine's own without it.
            gate: where the rate is shared with other processes; without it this client keeps it alone.

        Raises:
            BadSetting: the CA bundle cannot be read.
        """
        self._settings = settings
        self._waits = waits or RealWaits()
        self._gate = gate
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._was_heard = False
        self._start_budget()
        self._http = httpx.AsyncClient(
            verify=trusted_certificates(settings.elexon_url, settings.ca_bundle),
            headers={"user-agent": USER_AGENT, "accept-encoding": "gzip"},
            timeout=settings.request_timeout_seconds,
            limits=httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency),
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        """Open the pool and start the budget."""
        self._start_budget()
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._http.aclose()

    @property
    def was_heard(self) -> bool:
        """Whether anything was heard from the source: a whole answer, of whatever status."""
        return self._was_heard

    async def get(self, request: Request) -> Answer:
        """Return the answer to a request.

        Raises:
            SourceRefused: an error status that is not retried, or that outlived its retries.
            SourceUnreachable: only faults of the way, until the attempts were used up.
            SourceTooSlow: the budget of the run is spent.
            TlsFailed: the source's certificate was not accepted.
            PayloadRejected: the body is too large, or compressed in a way that was not asked for.
        """
        return (await self.ask(request)).require_ok()

    async def ask(self, request: Request, *, dispensable: bool = False) -> Answer:
        """Return Elexon's last word on a request, whatever its status.

        Args:
            request: what to ask.
            dispensable: whether the run can do without the answer: then it is tried twice at most, and however long
                Elexon says to wait with it, no other request waits.

        Raises:
            SourceUnreachable: only faults of the way, until the attempts were used up.
            SourceTooSlow: the budget of the run is spent.
            TlsFailed: the source's certificate was not accepted.
            PayloadRejected: the body is too large, or compressed in a way that was not asked for.
        """
        tally = _Tally(dispensable=dispensable)
        url = request.url(self._settings.elexon_url)
        with concerning(request.settlement_date, request.period):
            try:
                return await self._retrying(tally)(self._attempt, request, url, tally)
            except SourceTooSlow as error:
                met = f"; the last attempt met {tally.fault}" if tally.fault else ""
                raise SourceTooSlow(f"{url}: {error.detail}{met}") from error
            except TRANSPORT_FAULTS as error:
                if (fault := certificate_fault(error)) is not None:
                    raise TlsFailed(f"{url}: {fault.verify_message}") from error
                raise SourceUnreachable(f"{url}: {_describe(error)}, after {tally.attempts} attempts") from error

    def _start_budget(self) -> None:
        self._budget = Budget(self._settings.fetch_budget_seconds, self._waits)
        self._pacer = self._pace()

    def _pace(self) -> Pace:
        rate = self._settings.requests_per_second
        if self._gate is None or not rate:
            return Pacer(rate, self._budget, self._waits)
        return SharedPacer(self._gate, rate, self._budget, self._waits)

    def _retrying(self, tally: _Tally) -> AsyncRetrying:
        def wait(state: RetryCallState) -> float:
            return backoff_seconds(state.attempt_number, tally.asked_seconds)

        def last_word(state: RetryCallState) -> Answer:
            outcome: Answer = state.outcome.result()  # type: ignore[union-attr]
            return outcome

        return AsyncRetrying(
            retry=_WORTH_ANOTHER,
            stop=stop_after_attempt(min(self._settings.attempts, 2) if tally.dispensable else self._settings.attempts),
            wait=wait,
            sleep=self._budget.sleep,
            retry_error_callback=last_word,
        )

    async def _attempt(self, request: Request, url: str, tally: _Tally) -> Answer:
        """Make one attempt; the slot is free again as soon as the body is read, before anyone parses it."""
        async with self._slots:
            await self._pacer.turn()
            tally.attempts += 1
            tally.asked_seconds = 0.0
            requested_at = utc_now()
            try:
                async with asyncio.timeout(min(self._settings.request_timeout_seconds, self._budget.left)):
                    response, body = await self._exchange(request, url)
            except TRANSPORT_FAULTS as error:
                self._budget.require()
                self._note(tally, url, _describe(error))
                raise
        self._was_heard = True
        if is_temporary_status(response.status_code):
            tally.asked_seconds = retry_after_seconds(response.headers.get("retry-after"))
            if not tally.dispensable:
                await self._pacer.pause(tally.asked_seconds)
            self._note(tally, url, f"status {response.status_code}")
        content_type = response.headers.get("content-type", "")
        return Answer(request, url, response.status_code, content_type, body, requested_at, utc_now(), tally.attempts)

    async def _exchange(self, request: Request, url: str) -> tuple[httpx.Response, bytes]:
        asked = self._http.build_request("GET", url, headers={"accept": _ACCEPT[request.wire]})
        response = await self._http.send(asked, stream=True)
        try:
            return response, await read_body(response)
        finally:
            await response.aclose()

    def _note(self, tally: _Tally, url: str, fault: str) -> None:
        tally.fault = fault
        logger.warning("%s: %s, attempt %d of %d", url, fault, tally.attempts, self._settings.attempts)


def _describe(error: BaseException) -> str:
    """Name the fault even where the library gives it no text, as it does for timeouts."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
