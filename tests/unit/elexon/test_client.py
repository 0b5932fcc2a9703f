import asyncio
import gzip
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from reingest import __version__
from reingest.clock import FixedClock, use_clock
from reingest.elexon.client import Answer, ElexonClient
from reingest.elexon.requests import bm_units_request, stack_request, system_prices_request
from reingest.errors import (
    BadSetting,
    PayloadRejected,
    SourceRefused,
    SourceTooSlow,
    SourceUnreachable,
)
from reingest.settings import Settings
from tests.unit.elexon.conftest import FakeWaits

BASE = "http://elexon.test/api"
REQUEST = stack_request(date(2026, 8, 6), 29, "bid")
URL = f"{BASE}/balancing/settlement/stack/all/bid/2026-08-06/29?format=xml"
NOON = datetime(2026, 8, 7, 12, tzinfo=UTC)


def settings(**changes: Any) -> Settings:
    return Settings(**{"elexon_url": BASE, "requests_per_second": 0} | changes)


def compressed(body: bytes, encoding: str = "gzip") -> httpx.Response:
    """Return an answer whose bytes stay as they are; httpx would unpack `content` at once."""
    return httpx.Response(200, stream=httpx.ByteStream(body), headers={"content-encoding": encoding})


async def ask(waits: FakeWaits, **changes: Any) -> Answer:
    async with ElexonClient(settings(**changes), waits=waits) as client:
        return await client.get(REQUEST)


@respx.mock
async def test_answer(waits: FakeWaits) -> None:
    """An answer carries its request, address, status, type, bytes, instants and count of attempts."""
    route = respx.get(URL).respond(200, content=b"<a/>", headers={"content-type": "application/xml"})
    with use_clock(FixedClock(NOON)):
        answer = await ask(waits)
    assert answer == Answer(REQUEST, URL, 200, "application/xml", b"<a/>", NOON, NOON, 1)
    assert route.call_count == 1


@respx.mock
async def test_headers(waits: FakeWaits) -> None:
    """Each request names the project and its version, accepts gzip alone, and prefers the format it asks for."""
    route = respx.get(URL).respond(200, content=b"<a/>")
    await ask(waits)
    headers = route.calls.last.request.headers
    assert headers["user-agent"].startswith(f"reingest/{__version__} (Reingest")
    assert headers["accept-encoding"] == "gzip"
    assert headers["accept"] == "application/xml, text/xml"


@respx.mock
@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 408, 410])
async def test_no_retry_of_other_4xx(waits: FakeWaits, status: int) -> None:
    """A 4xx other than 429 is refused after one attempt, with the address and what the source said."""
    route = respx.get(URL).respond(status, json={"statusCode": status, "message": "Resource not found"})
    with pytest.raises(SourceRefused) as caught:
        await ask(waits)
    assert route.call_count == 1
    error = caught.value
    assert f"{URL} answered {status}" in error.detail
    assert "Resource not found" in error.detail
    assert (error.settlement_date, error.period, error.status) == (date(2026, 8, 6), 29, status)
    assert isinstance(error.answer, Answer)
    assert error.answer.status == status


@respx.mock
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect_is_refused(waits: FakeWaits, status: int) -> None:
    """A redirect is never followed, because one has been seen to drop parameters."""
    respx.get(URL).respond(status, headers={"location": f"{BASE}/elsewhere"})
    elsewhere = respx.get(f"{BASE}/elsewhere").respond(200)
    with pytest.raises(SourceRefused, match=f"answered {status}"):
        await ask(waits)
    assert not elsewhere.called


@respx.mock
async def test_partial_content_is_refused(waits: FakeWaits) -> None:
    """A 206 is no whole answer."""
    respx.get(URL).respond(206, content=b"<a/>")
    with pytest.raises(SourceRefused):
        await ask(waits)


@respx.mock
async def test_no_content_is_an_answer(waits: FakeWaits) -> None:
    """A 204 is an answer with an empty body, which parsing will reject by its own code."""
    respx.get(URL).respond(204)
    assert (await ask(waits)).body == b""


@respx.mock
async def test_ask_gives_a_refused_answer_too(waits: FakeWaits) -> None:
    """`ask` returns an error answer instead of raising, so that it can be archived first."""
    respx.get(URL).respond(404, content=b"no")
    async with ElexonClient(settings(), waits=waits) as client:
        assert (await client.ask(REQUEST)).status == 404


@respx.mock
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_retry_of_status(waits: FakeWaits, status: int) -> None:
    """429 and 5xx are asked again until the answer is another one."""
    respx.get(URL).side_effect = [httpx.Response(status), httpx.Response(status), httpx.Response(200, content=b"<a/>")]
    answer = await ask(waits)
    assert (answer.status, answer.attempts) == (200, 3)
    assert len(waits.slept) == 2


@respx.mock
async def test_status_outlives_retries(waits: FakeWaits) -> None:
    """A 503 that stays is refused once the attempts are used up, and the last answer says how many they were."""
    route = respx.get(URL).respond(503, content=b"down")
    with pytest.raises(SourceRefused, match="answered 503: down") as caught:
        await ask(waits, attempts=4)
    assert route.call_count == 4
    assert isinstance(caught.value.answer, Answer)
    assert caught.value.answer.attempts == 4


@respx.mock
@pytest.mark.parametrize(
    "fault", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError, httpx.ConnectTimeout]
)
async def test_retry_of_transport_fault(waits: FakeWaits, fault: type[httpx.TransportError]) -> None:
    """A fault of the way is asked again."""
    respx.get(URL).side_effect = [fault("broken"), httpx.Response(200, content=b"<a/>")]
    assert (await ask(waits)).attempts == 2


@respx.mock
async def test_unreachable(waits: FakeWaits, caplog: pytest.LogCaptureFixture) -> None:
    """Where every attempt meets a fault of the way, the error names the address, the fault and the attempts."""
    route = respx.get(URL).mock(side_effect=httpx.ConnectError("All connection attempts failed"))
    with caplog.at_level(logging.WARNING), pytest.raises(SourceUnreachable) as caught:
        await ask(waits, attempts=3)
    assert caught.value.detail == f"{URL}: ConnectError: All connection attempts failed, after 3 attempts"
    assert (caught.value.settlement_date, caught.value.period) == (date(2026, 8, 6), 29)
    assert route.call_count == 3
    assert "attempt 3 of 3" in caplog.text


@respx.mock
@pytest.mark.parametrize(
    "header", [lambda: "7", lambda: format_datetime(NOON.replace(second=7), usegmt=True)], ids=["seconds", "date"]
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after(waits: FakeWaits, status: int, header: Callable[[], str]) -> None:
    """Retry-After is waited for in both of its forms, on 429 and on 503."""
    respx.get(URL).side_effect = [
        httpx.Response(status, headers={"retry-after": header()}),
        httpx.Response(200, content=b"<a/>"),
    ]
    start = waits.monotonic()
    with use_clock(FixedClock(NOON)):
        await ask(waits)
    assert 7 <= waits.monotonic() - start < 7.1


@respx.mock
async def test_retry_after_beyond_the_budget(waits: FakeWaits) -> None:
    """A Retry-After that outlives the budget is not waited for: the run ends at once and says why."""
    respx.get(URL).respond(429, headers={"retry-after": "86400"})
    start = waits.monotonic()
    with pytest.raises(SourceTooSlow) as caught:
        await ask(waits, fetch_budget_seconds=60)
    assert waits.monotonic() == start
    assert URL in caught.value.detail
    assert "86400.0 s is asked and 60.0 s are left; the last attempt met status 429" in caught.value.detail
    assert caught.value.settlement_date == date(2026, 8, 6)


@respx.mock
async def test_too_many_holds_every_request(waits: FakeWaits) -> None:
    """While one request is told to wait, no other goes out."""
    went: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        went.append(waits.monotonic())
        return httpx.Response(429, headers={"retry-after": "30"}) if len(went) == 1 else httpx.Response(200)

    respx.route().mock(side_effect=answer)
    async with ElexonClient(settings(concurrency=1, requests_per_second=10), waits=waits) as client:
        await asyncio.gather(*(client.ask(stack_request(date(2026, 8, 6), period, "bid")) for period in range(1, 4)))
    assert went[1] - went[0] >= 30
    assert went == sorted(went)


@respx.mock
async def test_budget(waits: FakeWaits) -> None:
    """A source that stays down ends the run when its time budget is spent, however many attempts are left."""
    respx.get(URL).respond(500)
    start = waits.monotonic()
    with pytest.raises(SourceTooSlow):
        await ask(waits, fetch_budget_seconds=20, attempts=20)
    assert waits.monotonic() - start <= 20


@respx.mock
async def test_budget_begins_when_the_client_is_entered(waits: FakeWaits) -> None:
    """A client made early loses nothing of its budget before its run begins."""
    respx.get(URL).respond(200)
    client = ElexonClient(settings(fetch_budget_seconds=5), waits=waits)
    await waits.sleep(60)
    async with client:
        assert (await client.get(REQUEST)).status == 200


@respx.mock
async def test_pacing(waits: FakeWaits) -> None:
    """Requests leave at the rate that is set, evenly, whatever their number."""
    went: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        went.append(waits.monotonic())
        return httpx.Response(200)

    respx.route().mock(side_effect=answer)
    async with ElexonClient(settings(requests_per_second=20), waits=waits) as client:
        await asyncio.gather(*(client.get(stack_request(date(2026, 8, 6), period, "bid")) for period in range(1, 49)))
    gaps = [later - earlier for earlier, later in pairwise(went)]
    assert gaps == pytest.approx([0.05] * 47)


@respx.mock
async def test_concurrency(waits: FakeWaits) -> None:
    """Never more requests are in flight than are allowed, and as many as are."""
    flying = most = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.002)
        flying -= 1
        return httpx.Response(200)

    respx.route().mock(side_effect=answer)
    async with ElexonClient(settings(concurrency=7), waits=waits) as client:
        await asyncio.gather(*(client.get(stack_request(date(2026, 8, 6), period, "bid")) for period in range(1, 49)))
    assert most == 7


@respx.mock
async def test_slot_is_free_during_a_backoff(waits: FakeWaits) -> None:
    """A request that waits before its next attempt holds up no other one."""
    answered: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        answered.append(request.url.path)
        return httpx.Response(500 if len(answered) == 1 else 200)

    respx.route().mock(side_effect=answer)
    async with ElexonClient(settings(concurrency=1), waits=waits) as client:
        await asyncio.gather(client.get(REQUEST), client.get(bm_units_request()))
    assert [path.rsplit("/", 1)[-1] for path in answered] == ["29", "all", "29"]


@respx.mock
async def test_gzip(waits: FakeWaits) -> None:
    """A compressed body arrives as what was compressed, also where it has several members."""
    packed = gzip.compress(b"<a>") + gzip.compress(b"</a>")
    respx.get(URL).mock(return_value=compressed(packed))
    assert (await ask(waits)).body == b"<a></a>"


@respx.mock
async def test_empty_gzip(waits: FakeWaits) -> None:
    """An empty body is empty whatever its compression is said to be."""
    respx.get(URL).mock(return_value=compressed(b""))
    assert (await ask(waits)).body == b""


@respx.mock
async def test_gzip_bomb(waits: FakeWaits, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small body that unpacks to more than any answer has is rejected before it is unpacked."""
    monkeypatch.setattr("reingest.elexon.client.read_body.__defaults__", (1000,))
    bomb = gzip.compress(b"0" * 500) + gzip.compress(b"0" * 500_000)
    assert len(bomb) < 1000
    route = respx.get(URL).mock(return_value=compressed(bomb))
    with pytest.raises(PayloadRejected, match="more than 1000 bytes") as caught:
        await ask(waits)
    assert caught.value.reject_code == "too_large"
    assert (caught.value.settlement_date, caught.value.period) == (date(2026, 8, 6), 29)
    assert route.call_count == 1


@respx.mock
async def test_too_large_a_body(waits: FakeWaits, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body larger than any answer is rejected while it is being read."""
    monkeypatch.setattr("reingest.elexon.client.read_body.__defaults__", (1000,))
    respx.get(URL).respond(200, content=b"0" * 1001)
    with pytest.raises(PayloadRejected) as caught:
        await ask(waits)
    assert caught.value.reject_code == "too_large"


@respx.mock
async def test_unasked_compression(waits: FakeWaits) -> None:
    """A compression that was not asked for is rejected instead of being parsed as text."""
    respx.get(URL).mock(return_value=compressed(b"\x1b", "br"))
    with pytest.raises(PayloadRejected) as caught:
        await ask(waits)
    assert caught.value.reject_code == "bad_encoding"


def test_bad_ca_bundle(tmp_path: Path) -> None:
    """A CA bundle that is absent or holds no certificate is a wrong setting, found before anything is sent."""
    with pytest.raises(BadSetting, match="ca_bundle"):
        ElexonClient(settings(ca_bundle=tmp_path / "absent.pem"))
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(BadSetting, match="ca_bundle"):
        ElexonClient(settings(ca_bundle=tmp_path / "empty.pem"))


@respx.mock
async def test_request_without_a_date(waits: FakeWaits) -> None:
    """An error of the register's request names no date, and one of the system prices' no period."""
    respx.route().respond(404)
    async with ElexonClient(settings(), waits=waits) as client:
        with pytest.raises(SourceRefused) as register:
            await client.get(bm_units_request())
        with pytest.raises(SourceRefused) as prices:
            await client.get(system_prices_request(date(2026, 8, 6)))
    assert register.value.settlement_date is None
    assert (prices.value.settlement_date, prices.value.period) == (date(2026, 8, 6), None)
