"""What a request asks for, read from its path and query as Elexon reads them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

from reingest.clock import utc_now
from reingest.curtailment.words import SIDES, Side
from reingest.errors import BadUsage
from reingest.standin.render import Wire

Dataset = Literal["ISPSTACK", "DISEBSP", "BOAV", "EBOCF", "DISPTAV", "SUMMARY", "BMUNITS", "DATA_STATUS"]

BASE_PATH: Final = "/bmrs/api/v1"

_SETTLEMENT: Final = "/balancing/settlement"
_DATE: Final = "{settlement_date}"
PATHS: Final[dict[str, Dataset]] = {
    f"{_SETTLEMENT}/stack/all/{{side}}/{_DATE}/{{period}}": "ISPSTACK",
    f"{_SETTLEMENT}/system-prices/{_DATE}": "DISEBSP",
    f"{_SETTLEMENT}/system-prices/{_DATE}/{{period}}": "DISEBSP",
    f"{_SETTLEMENT}/acceptance/volumes/all/{{side}}/{_DATE}": "BOAV",
    f"{_SETTLEMENT}/acceptance/volumes/all/{{side}}/{_DATE}/{{period}}": "BOAV",
    f"{_SETTLEMENT}/indicative/cashflows/all/{{side}}/{_DATE}": "EBOCF",
    f"{_SETTLEMENT}/indicative/cashflows/all/{{side}}/{_DATE}/{{period}}": "EBOCF",
    f"{_SETTLEMENT}/indicative/volumes/all/{{side}}/{_DATE}": "DISPTAV",
    f"{_SETTLEMENT}/indicative/volumes/all/{{side}}/{_DATE}/{{period}}": "DISPTAV",
    f"{_SETTLEMENT}/summary/{_DATE}/{{period}}": "SUMMARY",
    "/reference/bmunits/all": "BMUNITS",
    "/data-status/{counted}": "DATA_STATUS",
}
"""Elexon's paths under the base, each with its dataset; `{counted}` is one of `COUNTED`."""

COUNTED: Final = ("ISPSTACK", "DISEBSP", "DISPTAV", "EBOCF", "BOAV")
DATASETS: Final[tuple[Dataset, ...]] = get_args(Dataset)

_WITH_CSV: Final = frozenset({"ISPSTACK", "DISEBSP", "BMUNITS", "DATA_STATUS"})
_MOST_PERIODS: Final = 50
_MOST_DAYS: Final = 31
_EXACT_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, understood; two requests that are equal get the same answer.

    Attributes:
        settlement_date: None where the dataset has no date; the first date of `/data-status`.
        period: None where the whole date is asked for.
        bm_units: The units that the answer is limited to; none means all.
        counted: The dataset that `/data-status` counts.
        last_date: The last date of `/data-status`.
        is_recent: Whether `/data-status` was asked without dates, so that it answers the latest periods.
    """

    dataset: Dataset
    wire: Wire = "json"
    settlement_date: date | None = None
    period: int | None = None
    side: Side | None = None
    bm_units: tuple[str, ...] = ()
    counted: str | None = None
    last_date: date | None = None
    is_recent: bool = False


def understand(dataset: Dataset, path: Mapping[str, str], query: Sequence[tuple[str, str]]) -> Asked:
    """Return what a path's parameters and a query ask for.

    Raises:
        BadUsage: a parameter that Elexon would refuse with 400; it names the parameter.
    """
    values = dict(query)
    wire = _wire(values.get("format", "json"), dataset)
    if dataset == "DATA_STATUS":
        return _understand_status(wire, path["counted"], values)
    return Asked(
        dataset,
        wire,
        settlement_date=read_date("settlementDate", path["settlement_date"]) if "settlement_date" in path else None,
        period=_period(path["period"]) if "period" in path else None,
        side=_side(path["side"]) if "side" in path else None,
        bm_units=tuple(value for name, value in query if name == "bmUnit"),
    )


def read_date(name: str, text: str) -> date:
    """Return a date that is written exactly as `yyyy-MM-dd`.

    Raises:
        BadUsage: another form, or no such day.
    """
    if not _EXACT_DATE.fullmatch(text):
        raise BadUsage(f"{name}: '{text}' is not in the exact format yyyy-MM-dd")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadUsage(f"{name}: '{text}' is no day of the calendar") from None


def _wire(text: str, dataset: Dataset) -> Wire:
    allowed: tuple[Wire, ...] = ("json", "xml", "csv") if dataset in _WITH_CSV else ("json", "xml")
    for wire in allowed:
        if text.lower() == wire:
            return wire
    raise BadUsage(f"format: '{text}' is not one of {', '.join(allowed)}")


def _side(text: str) -> Side:
    for side in SIDES:
        if text == side:
            return side
    raise BadUsage(f"bidOffer: '{text}' is neither bid nor offer")


def _period(text: str) -> int:
    """Return a period from 1 to 50; one that the date does not have is no error and has no rows."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_PERIODS):
        raise BadUsage(f"settlementPeriod: '{text}' is not between 1 and {_MOST_PERIODS}")
    return int(text)


def _understand_status(wire: Wire, counted: str, values: Mapping[str, str]) -> Asked:
    first, last = values.get("settlementDateFrom"), values.get("settlementDateTo")
    if first is None and last is None:
        today = utc_now().date()
        return Asked("DATA_STATUS", wire, today, counted=counted, last_date=today, is_recent=True)
    begin = read_date("settlementDateFrom", first or last or "")
    end = read_date("settlementDateTo", last or first or "")
    if not timedelta(0) <= end - begin < timedelta(days=_MOST_DAYS):
        raise BadUsage(f"settlementDateTo: the range must hold between 1 and {_MOST_DAYS} days")
    return Asked("DATA_STATUS", wire, begin, counted=counted, last_date=end)
