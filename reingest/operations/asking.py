"""The client that asks Elexon, with the rate that the settings say: kept by the process alone, or shared with all."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from reingest.elexon.client import ElexonClient
from reingest.settings import Settings
from reingest.store.rate_gate import RateGate


@asynccontextmanager
async def elexon_client(settings: Settings, database_url: str) -> AsyncIterator[ElexonClient]:
    """Give a client for the block; with `rate_gate` = `shared` it takes its slots in the database.

    Raises:
        BadSetting: the CA bundle cannot be read.
    """
    async with AsyncExitStack() as opened:
        gate: RateGate | None = None
        if settings.rate_gate == "shared" and settings.requests_per_second:
            gate = await opened.enter_async_context(RateGate(database_url, gated_source(settings.elexon_url)))
        yield await opened.enter_async_context(ElexonClient(settings, gate=gate))


def gated_source(elexon_url: str) -> str:
    """Return the name under which processes share the rate of a source: its host, and its port where one is named."""
    return urlsplit(elexon_url).netloc.rpartition("@")[2].lower()
