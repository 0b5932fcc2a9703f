"""The words that every layer shares, as literal types."""

from typing import Final, Literal

Side = Literal["bid", "offer"]
"""Which stack a row stands in: `bid` turns a unit down, `offer` turns it up (or undoes a turn-down)."""

PeriodOutcome = Literal["fetched", "confirmed_empty", "not_published", "failed", "not_asked"]
"""What became of one settlement period; only `fetched` and `confirmed_empty` make a complete date."""

DefinitionName = Literal["so_flagged", "all_bids", "net"]
"""The name of a filter over curtailment records; a total without it means nothing."""

CheckStatus = Literal["pass", "fail", "warn"]
"""How a check ended: `fail` holds the date, `warn` is only said."""

SIDES: Final[tuple[Side, ...]] = ("bid", "offer")
PERIOD_OUTCOMES: Final[tuple[PeriodOutcome, ...]] = (
    "fetched",
    "confirmed_empty",
    "not_published",
    "failed",
    "not_asked",
)
COMPLETE_OUTCOMES: Final[frozenset[PeriodOutcome]] = frozenset({"fetched", "confirmed_empty"})
DEFINITION_NAMES: Final[tuple[DefinitionName, ...]] = ("so_flagged", "all_bids", "net")
DEFAULT_DEFINITION: Final[DefinitionName] = "so_flagged"
