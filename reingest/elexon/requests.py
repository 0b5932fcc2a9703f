"""What Reingest asks of the Insights API: one value for each request, with its path and parameters.

Paths are those of Elexon's OpenAPI document. They are lower case, and a wrong one answers 404.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal
from urllib.parse import urlencode

from reingest.curtailment.words import Side

Wire = Literal["xml", "json", "csv"]
"""A format of the wire, as the `format` parameter names it."""

WitnessDataset = Literal["BOAV", "EBOCF", "DISPTAV"]
"""Whole days by side: acceptance volumes, indicative cashflows, and indicative volumes, which judge nothing."""

Dataset = Literal["ISPSTACK", "DISEBSP", "BMUNITS"] | WitnessDataset
"""ISPSTACK is the stack, DISEBSP the system prices (a witness), BMUNITS the register of BM units."""

_WHOLE_DAYS: Final[dict[Dataset, str]] = {
    "BOAV": "acceptance/volumes",
    "EBOCF": "indicative/cashflows",
    "DISPTAV": "indicative/volumes",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One question to Elexon.

    Attributes:
        dataset: What is asked for.
        settlement_date: None for the register, which has no date.
        period: The settlement period; None where a whole date is asked.
        side: The side of the stack or of a witness that has sides; None for other datasets.
        wire: The format asked for; what comes back is sniffed all the same.
    """

    dataset: Dataset
    settlement_date: date | None
    period: int | None
    side: Side | None
    wire: Wire

    @property
    def path(self) -> str:
        """The path below the API's base, with a leading slash."""
        if self.dataset == "ISPSTACK":
            return f"/balancing/settlement/stack/all/{self.side}/{self.settlement_date}/{self.period}"
        if self.dataset == "DISEBSP":
            return f"/balancing/settlement/system-prices/{self.settlement_date}"
        if self.dataset in _WHOLE_DAYS:
            return f"/balancing/settlement/{_WHOLE_DAYS[self.dataset]}/all/{self.side}/{self.settlement_date}"
        return "/reference/bmunits/all"

    @property
    def params(self) -> dict[str, str]:
        """The query parameters; the register takes none and always answers JSON by itself."""
        return {} if self.dataset == "BMUNITS" else {"format": self.wire}

    def url(self, base: str) -> str:
        """Return the whole address below `base`, the API's own URL with or without a trailing slash."""
        query = f"?{urlencode(self.params)}" if self.params else ""
        return f"{base.rstrip('/')}{self.path}{query}"


def stack_request(settlement_date: date, period: int, side: Side, wire: Wire = "xml") -> Request:
    """Return the request for one side of one period; ISPSTACK has no whole-day form."""
    return Request("ISPSTACK", settlement_date, period, side, wire)


def system_prices_request(settlement_date: date, wire: Wire = "json") -> Request:
    """Return the request for a date's system prices, which decide what an empty stack means."""
    return Request("DISEBSP", settlement_date, None, None, wire)


def witness_request(dataset: WitnessDataset, settlement_date: date, side: Side, wire: Wire = "json") -> Request:
    """Return the request for one side of a witness, the whole date at once."""
    return Request(dataset, settlement_date, None, side, wire)


def bm_units_request() -> Request:
    """Return the request for the register of BM units."""
    return Request("BMUNITS", None, None, None, "json")
