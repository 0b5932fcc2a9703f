"""What tests of the stand-in share: a recorded day to serve, and the ways to ask for it."""

import csv
import ssl
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from reingest.calendar import SettlementPeriod, settlement_periods
from reingest.standin.days import REQUIRED
from reingest.standin.server import StandIn

# Made once: httpx would read all certificates anew for every request, of which none here needs any.
TLS = ssl.create_default_context()

DAY = date(2025, 3, 1)
STACK = f"/balancing/settlement/stack/all/bid/{DAY}/5"
OFFERS = f"/balancing/settlement/stack/all/offer/{DAY}/5"
PRICES = f"/balancing/settlement/system-prices/{DAY}"

RECORDED = (
    (DAY, 5, "bid", 1, "T_ARDGW-1", 52013, -1, "true", "-179.759999999999990905", "-10.166666666666666075"),
    (DAY, 5, "bid", 2, "T_ARDGW-1", 52014, -1, "true", "-179.759999999999990905", "-1.333333333333333259"),
    (DAY, 5, "bid", 3, "T_CARF-1", 7001, 1, "", "90.25", "-1E-05"),
    (DAY, 5, "bid", 4, "1", "", "", "true", "", "-500"),
    (DAY, 5, "bid", 5, "", "", "", "false", "12.5", "-2.50"),
    (DAY, 5, "offer", 1, "T_ARDGW-1", 52015, -1, "false", "-179.76", "0.5"),
    (DAY, 5, "offer", 2, "2", "", "", "false", "61.5", "157.5"),
    (DAY, 6, "offer", 1, "T_CARF-1", 7002, 2, "false", "9999", "25"),
)
"""Eight rows with what real ones have: two acceptances, an undo, an adjustment each way, nulls, exact digits."""


def write_day(path: Path, rows: Iterable[Iterable[Any]] = RECORDED, columns: Iterable[str] = REQUIRED) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([tuple(columns), *rows])
    return path


def get(elexon: StandIn, path: str, **query: str) -> httpx.Response:
    return httpx.get(elexon.url + path, params=query or None, timeout=10, verify=TLS)


def rows_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the answer's records with every number as the text that came."""
    assert answer.status_code == 200, answer.text
    records: list[dict[str, Any]] = answer.json(parse_float=str, parse_int=str)["data"]
    return records


def period(day: date, number: int) -> SettlementPeriod:
    return settlement_periods(day)[number - 1]
