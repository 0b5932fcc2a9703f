import asyncio
import logging
import re
from datetime import date

import httpx
import pytest
import respx

from reingest.elexon.client import Answer, ElexonClient
from reingest.elexon.requests import Wire
from reingest.elexon.stack_source import FetchedStack, StackSource
from reingest.errors import PayloadRejected, SourceRefused
from reingest.settings import Settings
from tests.support.elexon import as_json, as_xml, row
from tests.unit.elexon.conftest import FakeWaits

DATE = date(2026, 8, 6)
XML, JSON = as_xml([row()]), as_json([row()])
UNKNOWN = b"<Stack><Entry/></Stack>"


class Archive:
    """Keeps what it is given, in order."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    async def keep(self, answer: Answer) -> None:
        await asyncio.sleep(0)
        self.answers.append(answer)

    @property
    def seen(self) -> list[tuple[Wire, int]]:
        return [(answer.request.wire, answer.status) for answer in self.answers]


def serve(xml: httpx.Response, json: httpx.Response) -> None:
    respx.route(params={"format": "xml"}).mock(return_value=xml)
    respx.route(params={"format": "json"}).mock(return_value=json)


async def fetch(archive: Archive, times: int = 1, *, wire: Wire = "xml") -> list[FetchedStack]:
    settings = Settings(elexon_url="http://elexon.test", requests_per_second=0)
    async with ElexonClient(settings, waits=FakeWaits()) as client:
        source = StackSource(client, archive.keep, wire=wire)
        return [await source.fetch(DATE, 29, "bid") for _ in range(times)]


@respx.mock
async def test_xml() -> None:
    """Where XML is answered, nothing else is asked."""
    serve(httpx.Response(200, content=XML), httpx.Response(500))
    archive = Archive()
    (fetched,) = await fetch(archive)
    assert (fetched.stack.wire, fetched.stack.rows, fetched.fallback) == ("xml", 1, None)
    assert fetched.answer is archive.answers[0]
    assert archive.seen == [("xml", 200)]


@respx.mock
async def test_json_in_answer_to_xml() -> None:
    """JSON in answer to XML is taken as it is, without asking again."""
    serve(httpx.Response(200, content=JSON), httpx.Response(500))
    archive = Archive()
    (fetched,) = await fetch(archive)
    assert (fetched.stack.asked, fetched.stack.wire) == ("xml", "json")
    assert archive.seen == [("xml", 200)]


@respx.mock
async def test_json_asked() -> None:
    """A source told to ask for JSON never asks for XML, and calls it no fallback."""
    serve(httpx.Response(500), httpx.Response(200, content=JSON))
    archive = Archive()
    (fetched,) = await fetch(archive, wire="json")
    assert (fetched.stack.asked, fetched.fallback) == ("json", None)
    assert archive.seen == [("json", 200)]


@respx.mock
@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (httpx.Response(400, content=b"format"), "xml was refused: .*answered 400: format"),
        (httpx.Response(406), "xml was refused: .*answered 406"),
        (httpx.Response(415), "xml was refused: .*answered 415"),
        (httpx.Response(200), "the xml could not be read .empty_body: the body is empty"),
        (httpx.Response(204), "the xml could not be read .empty_body"),
        (httpx.Response(200, content=UNKNOWN), "the xml could not be read .unknown_shape"),
    ],
)
async def test_fallback(xml: httpx.Response, why: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where XML is refused, absent or of an unknown shape, JSON is asked, said why, and remembered for the run."""
    serve(xml, httpx.Response(200, content=JSON))
    archive = Archive()
    with caplog.at_level(logging.WARNING):
        first, second = await fetch(archive, 2)
    assert archive.seen == [("xml", xml.status_code), ("json", 200), ("json", 200)]
    assert [answer.body for answer in archive.answers] == [xml.content, JSON, JSON]
    assert first.fallback == second.fallback
    assert re.search(why, first.fallback or "")
    assert "this run asks for JSON from here on" in caplog.text
    assert (first.stack.asked, first.stack.rows) == ("json", 1)


@respx.mock
async def test_what_json_refuses_too() -> None:
    """A question that JSON refuses as well was a wrong question: XML is asked again the next time."""
    serve(httpx.Response(400), httpx.Response(400))
    settings = Settings(elexon_url="http://elexon.test", requests_per_second=0)
    archive = Archive()
    async with ElexonClient(settings, waits=FakeWaits()) as client:
        source = StackSource(client, archive.keep)
        for _ in range(2):
            with pytest.raises(SourceRefused):
                await source.fetch(DATE, 29, "bid")
    assert archive.seen == [("xml", 400), ("json", 400)] * 2


@respx.mock
@pytest.mark.parametrize("status", [401, 403, 404, 503])
async def test_refusals_that_json_would_not_cure(status: int) -> None:
    """Any other refusal is final, and its answer has been archived."""
    serve(httpx.Response(status), httpx.Response(200, content=JSON))
    archive = Archive()
    with pytest.raises(SourceRefused):
        await fetch(archive)
    assert archive.seen == [("xml", status)]


@respx.mock
async def test_rejected_payload_is_archived_first() -> None:
    """A payload of another period is rejected, not asked for in another format, and archived before it was parsed."""
    serve(httpx.Response(200, content=as_xml([row(settlementPeriod="30")])), httpx.Response(200, content=JSON))
    archive = Archive()
    with pytest.raises(PayloadRejected) as caught:
        await fetch(archive)
    assert caught.value.reject_code == "wrong_period"
    assert (caught.value.settlement_date, caught.value.period) == (DATE, 29)
    assert archive.seen == [("xml", 200)]


@respx.mock
async def test_several_fall_back_at_once() -> None:
    """Requests under way when XML is found wanting each fall back by themselves; the reason stays one."""
    serve(httpx.Response(406), httpx.Response(200, content=JSON))
    archive = Archive()
    settings = Settings(elexon_url="http://elexon.test", requests_per_second=0)
    async with ElexonClient(settings, waits=FakeWaits()) as client:
        source = StackSource(client, archive.keep)
        fetched = await asyncio.gather(*(source.fetch(DATE, 29, "bid") for _ in range(4)))
    assert all(one.stack.rows == 1 for one in fetched)
    assert archive.seen.count(("json", 200)) == 4
