"""What a person asks of one date."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, TypedDict, Unpack
from uuid import UUID

from reingest.calendar import parse_period_range, settlement_date_of
from reingest.clock import utc_now
from reingest.curtailment.checks import ENERGY_TOLERANCE_MWH, PAYMENT_TOLERANCE_GBP, ChangeLimits, ExpectedTotal
from reingest.curtailment.exact import exact_decimal
from reingest.curtailment.words import DEFAULT_DEFINITION, SIDES, DefinitionName, Side
from reingest.errors import BadUsage, FutureDate
from reingest.operations.figures_text import period_ranges
from reingest.store.runs import RunSource
from reingest.store.versions import CurrentVersion

if TYPE_CHECKING:
    from reingest.operations.plans.document import SealedPlan

Source = Literal["live", "archive"]
SideChoice = Literal["as-served", "both", "bid"]
"""Which stacks a person asks for: `bid` halves the requests, and leaves out the net definition.

`as-served` is both, unless payloads of the served version are used again: then its own.
"""

SIDES_OF_CHOICE: Final[Mapping[SideChoice, tuple[Side, ...] | None]] = {
    "as-served": None,
    "both": SIDES,
    "bid": ("bid",),
}


class Others(TypedDict, total=False):
    """What is taken as it is given; see `DateRequest`."""

    plan: bool
    source: Source
    reason: str | None
    force: bool
    wait_seconds: float
    fresh: bool
    with_disptav: bool
    flow_run_id: UUID | None


@dataclass(frozen=True, slots=True)
class WantedTotals:
    """What a person says a date must come to, as written: MWh, GBP and tolerances; None is not checked, or usual."""

    definition: DefinitionName = DEFAULT_DEFINITION
    energy: str | None = None
    payment: str | None = None
    energy_tolerance: str | None = None
    payment_tolerance: str | None = None

    def expected(self) -> tuple[ExpectedTotal, ...]:
        """Return the expectation, none where neither figure is given.

        Raises:
            BadUsage: a figure is not a number, or a tolerance is negative.
        """
        if not self.energy and not self.payment:
            return ()
        return (
            ExpectedTotal(
                definition=self.definition,
                energy_mwh=exact_decimal(self.energy) if self.energy else None,
                payment_gbp=exact_decimal(self.payment) if self.payment else None,
                energy_tolerance_mwh=_or_usual(self.energy_tolerance, ENERGY_TOLERANCE_MWH),
                payment_tolerance_gbp=_or_usual(self.payment_tolerance, PAYMENT_TOLERANCE_GBP),
            ),
        )


@dataclass(frozen=True, slots=True)
class DateRequest:
    """A re-ingestion of one settlement date, as asked.

    Attributes:
        periods: The periods to ask again; None for the whole date. The others are re-derived from the payloads of
            the version that is served.
        plan: Do everything but change what is stored or served, and say what would change.
        sides: The stacks to use; None for both, or, where served payloads are used again (from the archive, or for
            the periods that are not asked), for those that the served version has.
        source: Ask Elexon; take archived payloads, with no network at all; or take what is staged, and ask Elexon only
            for what judges it.
        expected: Totals that the date must come to, beside the stored ones.
        reason: Why, for the record.
        force: Publish a new version even where the content is the same.
        wait_seconds: How long to wait for another run to let go of the date.
        fresh: Ask everything again, though a run that broke off within the hour left answers.
        stage: Stage the periods, for a later publish, and publish nothing.
        with_disptav: Archive DISPTAV beside the witnesses; nothing is judged by it.
        flow_run_id: The Prefect flow run that asks, if one does; it is stored with the run.
        tells_people: Whether people are told when the date is held or its run fails; who runs many dates tells of all
            of them at once instead.
        sealed: A sealed plan to be applied: nothing is published but what it says.
        keep_sides: Ask for the stacks that the served version has, no others: what differs then is what they say.
        limits: How far the served figures of the default definition may move; a change beyond them holds the date.
    """

    settlement_date: date
    periods: tuple[int, ...] | None = None
    plan: bool = False
    sides: tuple[Side, ...] | None = None
    source: RunSource = "live"
    expected: tuple[ExpectedTotal, ...] = ()
    reason: str | None = None
    force: bool = False
    wait_seconds: float = 0
    fresh: bool = False
    stage: bool = False
    with_disptav: bool = False
    flow_run_id: UUID | None = None
    tells_people: bool = True
    sealed: "SealedPlan | None" = None
    keep_sides: bool = False
    limits: ChangeLimits | None = None

    @property
    def command(self) -> str:
        """The command that asks this of the date again, as far as it must say what is done."""
        if self.source == "staged":
            return f"reingest publish {self.settlement_date}"
        if not self.stage:
            return f"reingest date {self.settlement_date}"
        side = " --side bid" if self.sides == ("bid",) else ""
        return f"reingest date {self.settlement_date} --stage {period_ranges(self.periods or ())}{side}"

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
        if current.sides and (self.source == "archive" or self.periods or self.keep_sides):
            return current.sides
        return SIDES


def date_request(
    settlement_date: date,
    *,
    periods: str | None,
    side: SideChoice,
    wanted: WantedTotals,
    **others: Unpack[Others],
) -> DateRequest:
    """Return the request that a person makes, in a command or a form: periods as in 1-12 or 3,17-20.

    Raises:
        BadUsage: not a list of the date's periods, a figure that is not a number, or a negative tolerance.
    """
    return DateRequest(
        settlement_date=settlement_date,
        periods=parse_period_range(periods, settlement_date) if periods and periods.strip() else None,
        sides=SIDES_OF_CHOICE[side],
        expected=wanted.expected(),
        **others,
    )


def staging_request(request: DateRequest, periods: str) -> DateRequest:
    """Return the request that stages periods, such as 1-12, made from one that says nothing but how.

    Raises:
        BadUsage: not a list of the date's periods, or something is asked that only a run which publishes can do.
    """
    plain = DateRequest(
        settlement_date=request.settlement_date, sides=request.sides, reason=request.reason, fresh=request.fresh,
        flow_run_id=request.flow_run_id,
    )  # fmt: skip
    if request != plain:
        raise BadUsage(
            "what is staged is not published yet: beside --stage there are --side, --reason, --fresh and --json",
            settlement_date=request.settlement_date,
            next_command="reingest date --help",
        )
    return replace(plain, periods=parse_period_range(periods, request.settlement_date), stage=True)


def _or_usual(text: str | None, usual: Decimal) -> Decimal:
    tolerance = exact_decimal(text) if text else usual
    if tolerance < 0:
        raise BadUsage("a tolerance is zero or more")
    return tolerance
