"""Answers recorded from Elexon, which lie beside the project and are never copied into it."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from reingest.calendar import period_count
from reingest.elexon.fields import STACK_FIELDS, WIRE_NAMES
from reingest.elexon.rows import stack_table
from reingest.elexon.stack import read_stack
from reingest.elexon.system_prices import read_system_prices
from reingest.errors import PayloadRejected


@pytest.mark.parametrize(
    ("name", "settlement_date", "period"),
    [
        ("stack-bid-2026-07-10-20.one-row.json", date(2026, 7, 10), 20),
        ("stack-bid-2026-08-06-29.two-rows.json", date(2026, 8, 6), 29),
    ],
)
def test_stacks(recorded: Path, name: str, settlement_date: date, period: int) -> None:
    """The recorded stack rows are accepted with every digit of every number."""
    body = (recorded / name).read_bytes()
    found = read_stack(body, asked="json", settlement_date=settlement_date, period=period, side="bid")
    result = stack_table([found])
    sent = json.loads(body, parse_float=str, parse_int=str)["data"]
    assert (result.rows.num_rows, result.rejects, found.unknown_fields) == (len(sent), (), frozenset())
    for accepted, wire in zip(result.rows.to_pylist(), sent, strict=True):
        for field in STACK_FIELDS:
            if field.kind in {"decimal", "id"}:
                assert accepted[field.column] == wire[field.wire]


def test_known_rows(recorded: Path) -> None:
    """Two acceptances of T_LARYW-1 in one pair and period are two rows, with the amounts that were recorded."""
    body = (recorded / "stack-bid-2026-08-06-29.two-rows.json").read_bytes()
    found = read_stack(body, asked="xml", settlement_date=date(2026, 8, 6), period=29, side="bid")
    first, second = stack_table([found]).rows.to_pylist()
    assert (first["acceptance_id"], second["acceptance_id"]) == (52013, 52014)
    payments = [Decimal(one["volume"]) * Decimal(one["original_price"]) for one in (first, second)]
    assert [payment.quantize(Decimal("0.01")) for payment in payments] == [Decimal("1827.56"), Decimal("239.68")]
    assert first["transmission_loss_multiplier"] == "0.99265519999999995981"


@pytest.mark.parametrize("settlement_date", [date(2025, 10, 26), date(2026, 3, 29)])
def test_clock_change_days(recorded: Path, settlement_date: date) -> None:
    """The system prices of a 50-period and of a 46-period day agree with the calendar, digit for digit."""
    body = (recorded / f"system-prices-{settlement_date}.json").read_bytes()
    prices = read_system_prices(body, settlement_date=settlement_date)
    assert [price.period for price in prices] == list(range(1, period_count(settlement_date) + 1))
    sent = {int(one["settlementPeriod"]): one for one in json.loads(body, parse_float=str, parse_int=str)["data"]}
    assert all(str(price.total_accepted_bid_volume) == sent[price.period]["totalAcceptedBidVolume"] for price in prices)


def test_wrong_path(recorded: Path) -> None:
    """The recorded body of a 404 is a source's error and no empty stack."""
    body = (recorded / "http-404-wrong-path.json").read_bytes()
    with pytest.raises(PayloadRejected) as caught:
        read_stack(body, asked="xml", settlement_date=date(2026, 8, 6), period=29, side="bid")
    assert caught.value.reject_code == "source_error_body"


def test_legacy_answer_of_another_dataset(recorded: Path) -> None:
    """The recorded legacy XML is well-formed, of a known shape, and refused because it is another dataset's."""
    body = (recorded / "legacy-B1770-2023-10-01.xml").read_bytes()
    with pytest.raises(PayloadRejected) as caught:
        read_stack(body, asked="xml", settlement_date=date(2023, 10, 1), period=1, side="bid")
    assert caught.value.reject_code == "wrong_dataset"


def test_fields_are_the_documented_ones(shared: Path) -> None:
    """The fields that Reingest knows, and those that may be null, are those of Elexon's schema."""
    document = json.loads((shared / "elexon" / "insights-openapi.settlement.json").read_text())
    name = "Insights.Api.Models.Responses.Balancing.Settlement.SettlementStackResponse"
    properties = document["components"]["schemas"][name]["properties"]
    assert set(WIRE_NAMES) == set(properties)
    nullable = {wire for wire, schema in properties.items() if schema.get("nullable")}
    assert not nullable & {field.wire for field in STACK_FIELDS if field.mandatory}
    assert {field.wire for field in STACK_FIELDS if not field.mandatory} <= nullable
