"""Posting a message to an address over HTTP, and what may be said of it when that fails."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from reingest import __version__
from reingest.elexon.retry import certificate_fault, retry_after_seconds
from reingest.settings import Settings
from reingest.tls import trusted_certificates

DEDUPE_HEADER: Final = "Idempotency-Key"
USER_AGENT: Final = f"reingest/{__version__} (Reingest: facts about GB wind curtailment)"
_OVERLOADED: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not taken.

    Attributes:
        reason: For people; it holds nothing of the address.
        asked_seconds: How long the other side asked to be left alone, 0 where it did not.
        sink_down: Whether it is the other side that fails, and not this message that it refuses.
    """

    reason: str
    asked_seconds: float = 0.0
    sink_down: bool = False


@asynccontextmanager
async def open_post(settings: Settings, url: str) -> AsyncIterator["Post"]:
    """Give what posts to an address, for the block.

    Raises:
        BadSetting: the CA bundle cannot be read.
    """
    async with httpx.AsyncClient(
        verify=trusted_certificates(url, settings.ca_bundle),
        headers={"user-agent": USER_AGENT, "content-type": "application/json"},
        follow_redirects=False,
    ) as client:
        yield Post(client, url)


class Post:
    """Posts messages to one address; any 2xx answer takes a message, and the answer's body is not read."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        """Post to `url`, which is nobody's to see: it may hold a token."""
        self._client = client
        self._url = url

    async def send(self, body: bytes, dedupe_key: str, timeout_seconds: float) -> Failure | None:
        """Post the body, with its dedupe key in a header; None means that the answer was 2xx, within the time."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._post(body, dedupe_key)
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

    async def _post(self, body: bytes, dedupe_key: str) -> httpx.Response:
        request = self._client.build_request(
            "POST", self._url, content=body, headers={DEDUPE_HEADER: dedupe_key}, timeout=None
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
