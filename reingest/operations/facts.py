"""From payloads to facts: what a date's answers say. No database and no clock; the same payloads give the same."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from reingest.calendar import settlement_periods
from reingest.curtailment.content import Content, content_hash
from reingest.curtailment.difficulty import DifficultyEpoch
from reingest.curtailment.exact import plain
from reingest.curtailment.figures import figures_of
from reingest.curtailment.mining import MinerModel, MiningRate, mining_rates
from reingest.curtailment.other_units import OtherUnit, other_units
from reingest.curtailment.outcomes import judge_period, provisional_until
from reingest.curtailment.records import CurtailmentRecord, earliest_created, select_records, wind_row_counts
from reingest.curtailment.stack_facts import StackFacts, Subject, stack_facts, units_named
from reingest.curtailment.stack_sums import NO_SUMS, StackSums, stack_sums
from reingest.curtailment.totals import Totals, unit_totals
from reingest.curtailment.verdicts import Verdict
from reingest.curtailment.words import DefinitionName, PeriodOutcome
from reingest.elexon.rows import Reject, StackTable, stack_table
from reingest.errors import PartialDate, PayloadRejected, ReingestError
from reingest.operations.date_inputs import DateInputs, FetchedStack, MiningInputs
from reingest.store.candidates import RejectedRow, VersionPeriod

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class DateFacts:
    """What the payloads of a date say, derived with no database: the same payloads give the same facts.

    Attributes:
        sums: What the stacks come to by unit, acceptance and pair, until the witnesses were heard of it; empty where
            nobody asked.
        verdict: What the witnesses say; None until they were heard.
    """

    content: Content
    content_hash: str
    periods: Sequence[VersionPeriod]
    rejects: Sequence[RejectedRow]
    unit_totals: Mapping[DefinitionName, Mapping[str, Totals]]
    provisional_until: datetime | None
    unknown_fields: frozenset[str]
    stacks: Mapping[Subject, StackFacts]
    units_named: frozenset[str]
    other_units: Sequence[OtherUnit]
    sums: StackSums = NO_SUMS
    verdict: Verdict | None = None

    @property
    def totals(self) -> Mapping[DefinitionName, Totals]:
        """Totals by definition."""
        return self.content.totals

    @property
    def mining(self) -> Mapping[tuple[DefinitionName, str], Decimal]:
        """BTC by definition and miner model; empty where unavailable."""
        return self.content.mining or {}


def derive_facts(inputs: DateInputs) -> DateFacts:
    """Derive what the answers say: records, outcomes, totals, mining, rejects, and their content hash."""
    stacks = [fetched.stack for fetched in inputs.fetched.values() if fetched.stack is not None]
    table = stack_table(stacks)
    records = select_records(table.rows, inputs.wind_units)
    periods = _version_periods(inputs, table)
    content = _content(inputs, records, {(period.period, period.side): period.outcome for period in periods})
    return DateFacts(
        content=content,
        content_hash=content_hash(content),
        periods=periods,
        rejects=_rejected_rows(inputs, table.rejects),
        unit_totals=unit_totals(records, inputs.definitions),
        provisional_until=_provisional_until(inputs, periods),
        unknown_fields=frozenset().union(*(stack.unknown_fields for stack in stacks)),
        stacks=stack_facts(table.rows),
        units_named=units_named(table.rows, (reject.bm_unit for reject in table.rejects)),
        other_units=other_units(table.rows, inputs.wind_units),
        sums=stack_sums(table.rows, inputs.settlement_date) if inputs.witnessed else NO_SUMS,
    )


def require_periods(inputs: DateInputs, facts: DateFacts) -> None:
    """Refuse to go on where a period failed: a date with a hole is not rebuilt.

    Raises:
        PartialDate: some periods failed; it names them with their faults.
        SourceError: every period failed; the first one's own error.
    """
    lost = [period for period in facts.periods if period.outcome == "failed"]
    if not lost:
        return
    faults = {subject: fetched.error for subject, fetched in inputs.fetched.items() if fetched.error}
    if len(faults) == len(facts.periods):
        raise next(iter(faults.values()))
    listed = "; ".join(f"period {one.period} {one.side}: {_fault(faults, one)}" for one in lost[:_SHOWN])
    rest = len(lost) - _SHOWN
    raise PartialDate(
        f"{len(lost)} of {len(facts.periods)} stacks could not be had: {listed}"
        + (f"; and {rest} more" if rest > 0 else ""),
        settlement_date=inputs.settlement_date,
        period=lost[0].period,
    )


def _fault(faults: Mapping[Subject, ReingestError], period: VersionPeriod) -> str:
    error = faults.get((period.period, period.side))
    if error is None:
        return "the answer is empty, and the system prices say that it should not be"
    code = error.reject_code if isinstance(error, PayloadRejected) else error.code
    return f"{code}: {error}"


def mining_inputs(
    settlement_date: date, epochs: Sequence[DifficultyEpoch], models: Sequence[MinerModel]
) -> MiningInputs:
    """Return the date's mining rates with the hash of models, difficulties and rewards that gave them."""
    rates = mining_rates(settlement_periods(settlement_date), epochs, models=models)
    return MiningInputs(rates, mining_hash(rates, models))


def mining_hash(rates: Iterable[MiningRate] | None, models: Iterable[MinerModel]) -> str:
    """Return the hash of models, difficulties and rewards: what a version records of its mining inputs."""
    basis = "\n".join(
        f"{rate.period} {rate.model} {plain(segment.difficulty)} {plain(segment.reward)} {segment.share}"
        for rate in rates or ()
        for segment in rate.segments
    )
    hardware = "\n".join(f"{model.name} {plain(model.hashrate_th)} {plain(model.power_w)}" for model in models)
    return hashlib.sha256(f"{hardware}\n{basis}".encode()).hexdigest()


def _content(
    inputs: DateInputs, records: Sequence[CurtailmentRecord], outcomes: Mapping[Subject, PeriodOutcome]
) -> Content:
    periods = (period.number for period in inputs.calendar)
    figures = figures_of(records, inputs.definitions, inputs.rates, periods)
    return Content(
        settlement_date=inputs.settlement_date,
        sides=inputs.sides,
        outcomes=outcomes,
        records=records,
        totals=figures.totals,
        mining=figures.mining,
    )


def _version_periods(inputs: DateInputs, table: StackTable) -> list[VersionPeriod]:
    """Return one entry for every period of the calendar and every side, asked or not."""
    rejects = Counter((reject.period, reject.side) for reject in table.rejects)
    wind = wind_row_counts(table.rows, inputs.wind_units)
    created = earliest_created(table.rows)
    return [
        _version_period(inputs, subject, rejects[subject], wind.get(subject, 0), created.get(subject[0]))
        for period in inputs.calendar
        for side in inputs.sides
        for subject in [(period.number, side)]
    ]


def _version_period(
    inputs: DateInputs, subject: Subject, rejects: int, wind_rows: int, created_at: datetime | None
) -> VersionPeriod:
    period, side = subject
    fetched = inputs.fetched.get(subject)
    if fetched is None:
        return VersionPeriod(period, side, "not_asked")
    if fetched.stack is None:
        return VersionPeriod(period, side, "failed", fetched.fetch_id)
    rows = fetched.stack.rows
    return VersionPeriod(
        period=period,
        side=side,
        outcome=judge_period(side, rows, inputs.system_prices.get(period)),
        fetch_id=fetched.fetch_id,
        rows=rows,
        accepted=rows - rejects,
        rejects=rejects,
        wind_rows=wind_rows,
        created_at=created_at or _created_by_witness(inputs, fetched),
    )


def _created_by_witness(inputs: DateInputs, fetched: FetchedStack) -> datetime | None:
    """Return when an empty period was calculated, by DISEBSP; else the latest that it can have been."""
    price = inputs.system_prices.get(fetched.period)
    return (price.created_at if price else None) or fetched.answered_at


def _provisional_until(inputs: DateInputs, periods: Sequence[VersionPeriod]) -> datetime | None:
    """Return until when the date is provisional; a period that was not answered has no run to be late."""
    calendar = {period.number: period for period in inputs.calendar}
    return provisional_until(
        (calendar[period.period], period.created_at)
        for period in periods
        if period.outcome in ("fetched", "confirmed_empty")
    )


def _rejected_rows(inputs: DateInputs, rejects: Sequence[Reject]) -> list[RejectedRow]:
    wind_units = inputs.wind_units
    rows = []
    for reject in rejects:
        fetch_id = inputs.fetched[reject.period, reject.side].fetch_id
        if fetch_id is None:
            raise ValueError(f"period {reject.period} {reject.side} has rows and no fetch")
        rows.append(
            RejectedRow(
                fetch_id=fetch_id,
                period=reject.period,
                side=reject.side,
                payload_row=reject.row,
                code=reject.code,
                field=reject.column,
                message=reject.message,
                bm_unit=reject.bm_unit,
                wind=reject.bm_unit in wind_units,
                raw=reject.raw,
            )
        )
    return rows
