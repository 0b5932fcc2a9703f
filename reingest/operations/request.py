"""What a person asks of one date."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from reingest.calendar import settlement_date_of
from reingest.clock import utc_now
from reingest.curtailment.checks import ExpectedTotal
from reingest.curtailment.words import SIDES, Side
from reingest.errors import FutureDate
from reingest.store.versions import CurrentVersion

Source = Literal["live", "archive"]


@dataclass(frozen=True, slots=True)
class DateRequest:
    """A re-ingestion of one settlement date, as asked.

    Attributes:
        periods: The periods to ask again; None for the whole date. The others are re-derived from the payloads of
            the version that is served.
        plan: Do everything but change what is stored or served, and say what would change.
        sides: The stacks to use; None for both, or, where served payloads are used again (from the archive, or for
            the periods that are not asked), for those that the served version has.
        source: Ask Elexon, or take archived payloads, with no network at all.
        expected: Totals that the date must come to, beside the stored ones.
        reason: Why, for the record.
        force: Publish a new version even where the content is the same.
    """

    settlement_date: date
    periods: tuple[int, ...] | None = None
    plan: bool = False
    sides: tuple[Side, ...] | None = None
    source: Source = "live"
    expected: tuple[ExpectedTotal, ...] = ()
    reason: str | None = None
    force: bool = False

    def refuse_the_future(self) -> None:
        """Refuse a date that has not begun.

        Raises:
            FutureDate: the date begins after today in Europe/London.
        """
        today = settlement_date_of(utc_now())
        if self.settlement_date > today:
            raise FutureDate(
                f"{self.settlement_date} has not begun; today is {today}", settlement_date=self.settlement_date
            )

    def sides_with(self, current: CurrentVersion) -> tuple[Side, ...]:
        """Return the stacks to use, given what is served now."""
        if self.sides is not None:
            return self.sides
        if current.sides and (self.source == "archive" or self.periods):
            return current.sides
        return SIDES
