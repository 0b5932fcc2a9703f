"""Two dozen small payloads in every shape that Reingest reads: what mutations begin from."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from reingest.curtailment.statements import Statement
from reingest.elexon.acceptance_volumes import read_acceptance_volumes
from reingest.elexon.bm_units import Register, read_bm_units
from reingest.elexon.cashflows import read_cashflows
from reingest.elexon.stack import RawStack, read_stack
from reingest.elexon.system_prices import SystemPrice, read_system_prices
from reingest.standin.model import Number, WireRecord
from reingest.standin.render import Document, XmlShape, render
from tests.support.elexon import DATE, PERIOD, XML_SHAPES, WireRow, as_json, as_xml, row

Reading: TypeAlias = RawStack | tuple[SystemPrice, ...] | tuple[Statement, ...] | Register
Kind: TypeAlias = Literal["stack", "prices", "volumes", "cashflows", "units"]

ROWS: Final[tuple[WireRow, ...]] = (
    row(),
    row(sequenceNumber="39", acceptanceId="52014", parAdjustedVolume="-1.5", volume="-1E-05"),
)
ODD: Final[tuple[WireRow, ...]] = (
    row(id=None, acceptanceId=None, bidOfferPairId=None, soFlag=None, createdDateTime=None),
    row(
        sequenceNumber="40",
        id="1",
        acceptanceId=None,
        bidOfferPairId=None,
        originalPrice=None,
        newField="caf\u00e9 <&>",
    ),
    row(sequenceNumber="41", id="T_A-1", volume="0E-18", transmissionLossMultiplier=None),
)


def _price(period: int, hour: str) -> WireRow:
    return {
        "settlementDate": DATE.isoformat(),
        "settlementPeriod": str(period),
        "startTime": f"{DATE}T{hour}:00Z",
        "createdDateTime": "2026-08-07T13:44:36Z",
        "systemSellPrice": "90.5",
        "totalAcceptedBidVolume": "-610.833333333333333333",
        "totalAcceptedOfferVolume": "0E-18",
        "totalAdjustmentSellVolume": "-500",
        "totalAdjustmentBuyVolume": "0",
    }


PRICES: Final[tuple[WireRow, ...]] = (_price(PERIOD, "13:00"), _price(PERIOD + 1, "13:30"))


def _statement(**fields: Any) -> WireRecord:
    return {
        "settlementDate": DATE.isoformat(),
        "settlementPeriod": PERIOD,
        "startTime": f"{DATE}T13:00:00Z",
        "createdDateTime": "2026-08-07T13:44:36Z",
        "bmUnit": "T_LARYW-1",
        "leadPartyName": None,
        **fields,
    }


PAIRS: Final[WireRecord] = {"negative1": Number("-10.166666666666666075"), "positive1": None, "positive2": Number("1")}
VOLUMES: Final = (
    _statement(acceptanceId=52013, pairVolumes=PAIRS),
    _statement(acceptanceId=52014, bmUnit=None, pairVolumes=dict.fromkeys(PAIRS)),
)
CASHFLOWS: Final = (_statement(bidOfferPairCashflows=PAIRS), _statement(bidOfferPairCashflows=None))


def _unit(**fields: Any) -> dict[str, Any]:
    whole = {
        "nationalGridBmUnit": "LARYO-1",
        "elexonBmUnit": "T_LARYW-1",
        "eic": None,
        "fuelType": "WIND",
        "leadPartyName": "Lar\u00ed Wind",
        "generationCapacity": "171.000",
        "demandCapacity": "0.000",
    }
    return whole | fields


UNITS: Final = (_unit(), _unit(elexonBmUnit="T_A-1", fuelType=None), _unit(elexonBmUnit=None), _unit(eic="48W0"))


@dataclass(frozen=True)
class Payload:
    """One payload: its name, what it is, its bytes, and what it was asked for."""

    name: str
    kind: Kind
    body: bytes
    settlement_date: date = DATE
    period: int = PERIOD

    @property
    def is_xml(self) -> bool:
        return self.body.lstrip()[:1] == b"<"

    def read(self, body: bytes) -> Reading:
        """Read some bytes as Reingest would read this payload."""
        return _READERS[self.kind](self, body)


_READERS: Final[dict[Kind, Callable[[Payload, bytes], Reading]]] = {
    "stack": lambda payload, body: read_stack(
        body, asked="xml", settlement_date=payload.settlement_date, period=payload.period, side="bid"
    ),
    "prices": lambda payload, body: read_system_prices(body, settlement_date=payload.settlement_date),
    "volumes": lambda payload, body: read_acceptance_volumes(body, settlement_date=payload.settlement_date),
    "cashflows": lambda payload, body: read_cashflows(body, settlement_date=payload.settlement_date),
    "units": lambda _, body: read_bm_units(body),
}


def _indented(body: bytes) -> bytes:
    return body.replace(b"><", b">\n  <")


def payloads() -> tuple[Payload, ...]:
    """Return the two dozen."""
    stacks = {
        "one row": as_json(ROWS[:1]),
        "two rows": as_json(ROWS),
        "odd rows": as_json(ODD),
        "no rows": as_json(()),
        "escaped": json.dumps(json.loads(as_json(ODD))).encode(),
        "indented": json.dumps(json.loads(as_json(ROWS), parse_float=str, parse_int=str), indent=1).encode(),
        **{f"XML {shape}": as_xml(ROWS, shape) for shape in XML_SHAPES},
        **{f"XML {shape}, odd rows": as_xml(ODD, shape) for shape in XML_SHAPES[1:3]},
        "XML indented": _indented(as_xml(ROWS)),
        "XML no rows": as_xml(()),
    }
    prices = {
        "JSON": as_json(PRICES, "DISEBSP"),
        "XML": as_xml(PRICES, "camel", "DISEBSP"),
        "XML legacy": as_xml(PRICES, "legacy", "DISEBSP"),
    }
    shapes: tuple[XmlShape, ...] = ("camel", "pascal")
    volumes = {
        "JSON": render(Document("BOAV", VOLUMES), "json"),
        **{f"XML {shape}": render(Document("BOAV", VOLUMES), "xml", shape) for shape in shapes},
    }
    cashflows = {"JSON": render(Document("EBOCF", CASHFLOWS), "json")}
    units = {
        "one unit": json.dumps(UNITS[:1]).encode(),
        "units": json.dumps(UNITS).encode(),
        "units, indented": json.dumps(UNITS, indent=1, ensure_ascii=False).encode(),
    }
    return (
        *(Payload(f"stack, {name}", "stack", body) for name, body in stacks.items()),
        *(Payload(f"prices, {name}", "prices", body) for name, body in prices.items()),
        *(Payload(f"volumes, {name}", "volumes", body) for name, body in volumes.items()),
        *(Payload(f"cashflows, {name}", "cashflows", body) for name, body in cashflows.items()),
        *(Payload(f"register, {name}", "units", body) for name, body in units.items()),
    )


def recorded_payloads() -> tuple[Payload, ...]:
    """Return what was recorded from Elexon, where it lies beside the project; nothing where it does not."""
    shared = Path(os.environ.get("REINGEST_SHARED") or Path(__file__).parents[4] / "shared")
    folder = shared / "elexon" / "recorded"
    known: dict[str, tuple[Kind, date, int]] = {
        "stack-bid-2026-07-10-20.one-row.json": ("stack", date(2026, 7, 10), 20),
        "stack-bid-2026-08-06-29.two-rows.json": ("stack", date(2026, 8, 6), 29),
        "system-prices-2025-10-26.json": ("prices", date(2025, 10, 26), 1),
        "legacy-B1770-2023-10-01.xml": ("prices", date(2023, 10, 1), 1),
        "http-404-wrong-path.json": ("stack", DATE, PERIOD),
    }
    return tuple(
        Payload(name, kind, (folder / name).read_bytes(), day, period)
        for name, (kind, day, period) in known.items()
        if (folder / name).is_file()
    )
