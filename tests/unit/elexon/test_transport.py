"""The client against a bare server, for faults that no HTTP library would let a test make."""

import gzip
import ssl
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reingest.elexon.client import Answer, ElexonClient
from reingest.elexon.requests import stack_request
from reingest.errors import SourceTooSlow, SourceUnreachable, TlsFailed
from reingest.settings import Settings
from tests.support.http import drip, hang, raw_server, whole
from tests.support.tls import server_context, write_certificate
from tests.unit.elexon.conftest import FakeWaits

REQUEST = stack_request(date(2026, 8, 6), 29, "bid")
PACKED = gzip.compress(b"<a/>" * 99, mtime=0)
CUT = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<a/>"
CUT_CHUNK = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n<a/>"
BAD_HEAD = b"HTTP/1.1 two hundred\r\n\r\n"


async def ask(url: str, **changes: Any) -> Answer:
    settings = Settings(**{"elexon_url": url, "requests_per_second": 0} | changes)
    async with ElexonClient(settings, waits=FakeWaits()) as client:
        return await client.get(REQUEST)


@pytest.mark.parametrize("fault", [None, CUT, CUT_CHUNK, BAD_HEAD, b""], ids=["reset", "cut", "chunk", "head", "eof"])
async def test_broken_answers_are_retried(fault: bytes | None) -> None:
    """A connection that breaks, or a body shorter than announced, is a fault of the way and is asked again."""
    async with raw_server([fault, fault, whole(b"<a/>")]) as server:
        answer = await ask(server.url)
    assert (answer.body, answer.attempts) == (b"<a/>", 3)


@pytest.mark.parametrize(
    "packed", [PACKED[:-4], PACKED[:12], b"not gzip", PACKED + b"!"], ids=["no end", "cut", "other", "more"]
)
async def test_damaged_gzip_is_retried(packed: bytes) -> None:
    """A gzip stream that is damaged or ends early is a fault of the way, even where HTTP saw nothing missing."""
    packing = "content-encoding: gzip\r\n"
    async with raw_server([whole(packed, packing), whole(PACKED, packing)]) as server:
        answer = await ask(server.url)
    assert (answer.body, answer.attempts) == (b"<a/>" * 99, 2)


async def test_a_cut_body_is_never_an_answer() -> None:
    """A body that is always cut short ends as unreachable, never as a shorter answer."""
    async with raw_server([CUT]) as server:
        with pytest.raises(SourceUnreachable, match="RemoteProtocolError"):
            await ask(server.url, attempts=3)
    assert len(server.heads) == 3


async def test_slow_drip() -> None:
    """An answer that drips in, byte by byte and never idle, is cut off at the timeout of one attempt and retried."""
    async with raw_server([drip, drip, whole(b"<a/>")]) as server:
        answer = await ask(server.url, request_timeout_seconds=0.2)
    assert answer.attempts == 3


async def test_budget_ends_a_request_under_way() -> None:
    """A request that is under way when the run's budget ends is given up."""
    async with raw_server([hang]) as server:
        settings = Settings(elexon_url=server.url, requests_per_second=0, fetch_budget_seconds=0.2)
        async with ElexonClient(settings) as client:
            with pytest.raises(SourceTooSlow, match=r"the 0\.2 s for all requests"):
                await client.get(REQUEST)


async def test_refused_connection() -> None:
    """Where nobody listens the source is unreachable."""
    async with raw_server([None]) as server:
        url = server.url
    with pytest.raises(SourceUnreachable, match="ConnectError"):
        await ask(url, attempts=2)


async def test_http_1_1() -> None:
    """The request that goes out is HTTP/1.1 with the whole path and query."""
    async with raw_server([whole(b"<a/>")]) as server:
        await ask(server.url)
    assert server.heads[0].startswith("GET /balancing/settlement/stack/all/bid/2026-08-06/29?format=xml HTTP/1.1\r\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a PEM file with a certificate for localhost that signs itself, and its key."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "localhost.pem")


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """Return a server's context with that certificate."""
    return server_context(certificate)


async def test_untrusted_certificate(tls: ssl.SSLContext) -> None:
    """A certificate that nobody vouches for is refused at once, with a code of its own and no second attempt."""
    async with raw_server([whole(b"<a/>")], tls=tls) as server:
        with pytest.raises(TlsFailed, match="self-signed") as caught:
            await ask(server.url)
    assert caught.value.code == "tls"
    assert server.heads == []


async def test_custom_ca_bundle(tls: ssl.SSLContext, certificate: Path) -> None:
    """A certificate of one's own authority is accepted with the setting `ca_bundle`."""
    async with raw_server([whole(b"<a/>")], tls=tls) as server:
        assert (await ask(server.url, ca_bundle=certificate)).body == b"<a/>"


async def test_certificate_of_another_host(tls: ssl.SSLContext, certificate: Path) -> None:
    """A trusted certificate for another name is refused as well."""
    async with raw_server([whole(b"<a/>")], tls=tls) as server:
        with pytest.raises(TlsFailed):
            await ask(server.url.replace("localhost", "127.0.0.1"), ca_bundle=certificate)


def test_verification_has_no_switch() -> None:
    """No setting turns the verification of certificates off."""
    assert not [name for name in Settings.model_fields if "verify" in name or "insecure" in name]
