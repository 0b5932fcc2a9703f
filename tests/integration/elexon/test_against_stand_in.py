"""The client and the parsers against the stand-in, whose writer of answers was made apart from them."""

import asyncio
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from reingest.calendar import period_count
from reingest.curtailment.words import SIDES
from reingest.elexon.bm_units import read_bm_units
from reingest.elexon.client import Answer, ElexonClient
from reingest.elexon.requests import Wire, bm_units_request, system_prices_request
from reingest.elexon.rows import StackTable, stack_table
from reingest.elexon.stack import RawStack
from reingest.elexon.stack_source import StackSource
from reingest.elexon.system_prices import SystemPrice, read_system_prices
from reingest.settings import Settings
from reingest.standin.render import XML_SHAPES, XmlShape
from reingest.standin.server import StandIn, StandInConfig

SPRING, AUTUMN = date(2026, 3, 29), date(2025, 10, 26)


async def no_archive(answer: Answer) -> None:
    """Keep nothing."""


async def fetch(url: str, settlement_date: date, wire: Wire = "xml") -> list[RawStack]:
    """Fetch both sides of every period of a date."""
    async with ElexonClient(Settings(elexon_url=url, requests_per_second=0)) as client:
        source = StackSource(client, no_archive, wire=wire)
        fetched = await asyncio.gather(
            *(
                source.fetch(settlement_date, period, side)
                for period in range(1, period_count(settlement_date) + 1)
                for side in SIDES
            )
        )
    return [one.stack for one in fetched]


def whole(stacks: list[RawStack]) -> StackTable:
    result = stack_table(stacks)
    assert result.rejects == ()
    assert result.rows.num_rows == sum(stack.rows for stack in stacks) > 0
    return result


@pytest.fixture(scope="module")
def json_rows() -> pa.Table:
    """Return the spring date's rows as JSON gives them."""
    with StandIn(StandInConfig(generate=7, small=True)) as elexon:
        return whole(asyncio.run(fetch(elexon.url, SPRING, "json"))).rows


@pytest.mark.parametrize("shape", XML_SHAPES)
def test_every_shape_gives_the_rows_of_json(shape: XmlShape, json_rows: pa.Table) -> None:
    """A whole date in each shape of XML is the same table as in JSON, without a reject."""
    with StandIn(StandInConfig(generate=7, small=True, xml_shape=shape)) as elexon:
        stacks = asyncio.run(fetch(elexon.url, SPRING))
    assert {stack.wire for stack in stacks} == {"xml"}
    assert whole(stacks).rows.equals(json_rows)


def test_xml_refused(json_rows: pa.Table) -> None:
    """From a source that refuses XML the same rows come in JSON."""
    with StandIn(StandInConfig(generate=7, small=True, refuse="xml")) as elexon:
        stacks = asyncio.run(fetch(elexon.url, SPRING))
    assert {(stack.asked, stack.wire) for stack in stacks} == {("json", "json")}
    assert whole(stacks).rows.equals(json_rows)


async def witnesses(url: str, settlement_date: date) -> tuple[SystemPrice, ...]:
    async with ElexonClient(Settings(elexon_url=url, requests_per_second=0)) as client:
        answer = await client.get(system_prices_request(settlement_date))
        register = read_bm_units((await client.get(bm_units_request())).body)
    assert len(register.units) > 10
    assert any(unit.fuel_type == "WIND" for unit in register.units)
    return read_system_prices(answer.body, settlement_date=settlement_date)


def test_system_prices_agree_with_the_stacks() -> None:
    """On a 50-period date the volumes of accepted rows sum by period to what the system prices say."""
    with StandIn(StandInConfig(generate=7, small=True)) as elexon:
        rows = whole(asyncio.run(fetch(elexon.url, AUTUMN))).rows.to_pylist()
        prices = asyncio.run(witnesses(elexon.url, AUTUMN))
    assert [price.period for price in prices] == list(range(1, 51))
    for price in prices:
        accepted = {side: Decimal(0) for side in SIDES}
        for row in rows:
            if row["period"] == price.period and row["acceptance_id"] is not None:
                accepted[row["side"]] += Decimal(row["volume"])
        assert accepted["bid"] == pytest.approx(price.total_accepted_bid_volume, abs=Decimal("1e-6"))
        assert accepted["offer"] == pytest.approx(price.total_accepted_offer_volume, abs=Decimal("1e-6"))
