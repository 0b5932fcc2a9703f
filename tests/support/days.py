"""A recorded settlement date that is small enough to add up by hand, and the register of its units."""

import csv
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from reingest.standin.days import REQUIRED

DATE = date(2024, 1, 15)
NEXT_DATE = date(2024, 1, 16)
CALM_DATE = date(2024, 1, 17)
LATER_DATE = date(2024, 2, 1)

Row = tuple[Any, ...]
Unit = tuple[str, str, str]

REGISTER: tuple[Unit, ...] = (
    ("T_HILLW-1", "WIND", "Hill Wind Ltd"),
    ("T_HILLW-2", "WIND", "Hill Wind Ltd"),
    ("E_MOORW-1", "WIND", "Moor Wind plc"),
    ("T_GASP-1", "CCGT", "Gas Plant plc"),
    ("V__BATT001", "", "Battery Ltd"),
)
"""Elexon id, fuel type and lead party."""

A_DAY: tuple[Row, ...] = (
    (DATE, 1, "bid", 1, "T_HILLW-1", 1001, -1, "true", "-50.25", "-10.5"),
    (DATE, 1, "bid", 2, "T_HILLW-1", 1002, -1, "true", "-50.25", "-1.25"),
    (DATE, 1, "bid", 3, "T_GASP-1", 1003, -1, "false", "40", "-30"),
    (DATE, 1, "offer", 1, "T_HILLW-1", 1004, -1, "false", "-50.25", "0.5"),
    (DATE, 2, "bid", 1, "E_MOORW-1", 2001, -1, "false", "12.5", "-4"),
    (DATE, 2, "bid", 2, "1", "", "", "true", "", "-500"),
    (DATE, 2, "bid", 3, "", "", "", "true", "12.5", "-2.5"),
    (DATE, 2, "offer", 1, "T_GASP-1", 2002, 1, "false", "90", "25"),
    (DATE, 48, "bid", 1, "T_HILLW-2", 3001, -1, "true", "-70.000000000000001", "-0.123456789012345678"),
    (DATE, 48, "bid", 2, "T_HILLW-2", 3002, 1, "true", "10", "-2"),
)
"""Three periods with rows and 45 without: two acceptances, an undo, a unit that pays, a bid in a positive pair, plant,
an adjustment with a numeric id, a null id, and a product of 33 decimals."""

SO_FLAGGED = (Decimal("13.873456789012345678"), Decimal("579.079475230864197583456789012345678"), 4)
ALL_BIDS = (Decimal("17.873456789012345678"), Decimal("529.079475230864197583456789012345678"), 5)
NET = (Decimal("15.373456789012345678"), Decimal("523.954475230864197583456789012345678"), 5)
"""What the date comes to, added up by hand: MWh, GBP and records.

so_flagged: 10.5 + 1.25 + 0.123456789012345678 + 2 MWh;
    10.5 x 50.25 = 527.625, 1.25 x 50.25 = 62.8125, 0.123456789012345678 x 70.000000000000001 =
    8.641975230864197583456789012345678, and 2 x -10 = -20 GBP.
all_bids: 4 MWh more, for which the unit pays 4 x 12.5 = 50 GBP.
net: all_bids without the bid in a positive pair (2 MWh, -20 GBP) and less the undo (0.5 MWh, 25.125 GBP).
"""


def of_date(day: date, rows: Iterable[Row] = A_DAY) -> tuple[Row, ...]:
    """Return the same rows as rows of another date."""
    return tuple((day, *row[1:]) for row in rows)


def write_day(path: Path, rows: Iterable[Row]) -> Path:
    """Write stack rows as a file that the stand-in serves."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([REQUIRED, *rows])
    return path


def write_register(path: Path, units: Iterable[Unit] = REGISTER) -> Path:
    """Write BM units as a file that the stand-in serves."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("elexonBmUnit", "fuelType", "leadPartyName"), *units])
    return path


TINY_DATE = date(2024, 3, 31)
TINY_DAY: tuple[Row, ...] = (
    (TINY_DATE, 1, "bid", 1, "T_HILLW-1", 101, -1, "true", "-50.25", "-10.5"),
    (TINY_DATE, 1, "bid", 2, "T_GASP-1", 102, -1, "false", "40", "-30"),
    (TINY_DATE, 2, "bid", 1, "E_MOORW-1", 201, -1, "false", "12.5", "-4"),
    (TINY_DATE, 46, "bid", 1, "T_HILLW-2", 301, -1, "true", "-70.000000000000001", "-0.123456789012345678"),
)
"""The shortest day there is, 46 periods, three of them with rows; with bids alone it is 47 requests."""
