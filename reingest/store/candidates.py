"""Candidates: everything of a version before it has a number, and the rows that it fills the tables with."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from reingest.curtailment.mining import MiningRate, MiningSegment
from reingest.curtailment.other_units import OtherUnit
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import DefinitionName, PeriodOutcome, Side
from reingest.store.units import Register

VersionKind = Literal["ingest", "periods", "restore"]
MiningState = Literal["available", "unavailable"]


@dataclass(frozen=True, slots=True)
class VersionPeriod:
    """What became of one side of one settlement period: `rows` of the answer = `accepted` + `rejects`."""

    period: int
    side: Side
    outcome: PeriodOutcome
    fetch_id: int | None = None
    rows: int = 0
    accepted: int = 0
    rejects: int = 0
    wind_rows: int = 0
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One rejected stack row, with the wire's text of it as JSON in `raw`."""

    fetch_id: int
    period: int
    side: Side
    payload_row: int
    code: str
    field: str | None
    message: str
    bm_unit: str | None
    wind: bool
    raw: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Everything of a version before it has a number.

    Attributes:
        definitions: Names with versions, as in `so_flagged@1`.
        unit_totals: By definition and BM unit.
        mining: BTC by definition and miner model; empty where mining is unavailable.
        other_units: What the rows of units that are not wind come to; None where they were not counted.
    """

    settlement_date: date
    kind: VersionKind
    sides: tuple[Side, ...]
    basis_generation: int
    run_id: UUID
    register: Register
    definitions: tuple[str, ...]
    mining_inputs_hash: str
    mining_state: MiningState
    system_prices_fetch_id: int | None
    provisional_until: datetime | None
    content_hash: str
    reason: str | None
    periods: Sequence[VersionPeriod]
    records: Sequence[CurtailmentRecord]
    rejects: Sequence[RejectedRow]
    totals: Mapping[DefinitionName, Totals]
    unit_totals: Mapping[DefinitionName, Mapping[str, Totals]]
    mining: Mapping[tuple[DefinitionName, str], Decimal]
    mining_rates: Sequence[MiningRate]
    other_units: Sequence[OtherUnit] | None = None


def rows_of_candidate(candidate: Candidate) -> Iterator[tuple[str, Iterable[Sequence[Any]]]]:
    """Yield the COPY block and rows, less the version id, of each table that a version fills."""
    fetch_ids = {(period.period, period.side): period.fetch_id for period in candidate.periods}
    yield "copy_version_periods", map(_period_row, candidate.periods)
    yield "copy_records", (_record_row(record, fetch_ids) for record in candidate.records)
    yield "copy_rejects", map(_reject_row, candidate.rejects)
    yield (
        "copy_daily_summaries",
        (
            (name, t.energy_mwh, t.payment_gbp, t.records, t.bm_units, t.periods, t.indicative_cashflow_gbp)
            for name, t in candidate.totals.items()
        ),
    )
    yield "copy_daily_unit_summaries", _unit_rows(candidate)
    yield (
        "copy_version_other_units",
        ((one.bm_unit, one.rows, one.energy_mwh) for one in candidate.other_units or ()),
    )
    yield "copy_daily_mining", ((name, model, btc) for (name, model), btc in candidate.mining.items())
    yield "copy_mining_rates", map(_rate_row, candidate.mining_rates)


def _period_row(one: VersionPeriod) -> tuple[Any, ...]:
    return (
        one.period, one.side, one.outcome, one.fetch_id, one.rows, one.accepted, one.rejects, one.wind_rows,
        one.created_at,
    )  # fmt: skip


def _reject_row(one: RejectedRow) -> tuple[Any, ...]:
    return (
        one.fetch_id, one.period, one.side, one.payload_row, one.code, one.field, one.message, one.bm_unit, one.wind,
        one.raw,
    )  # fmt: skip


def _unit_rows(candidate: Candidate) -> Iterator[tuple[Any, ...]]:
    parties = candidate.register.lead_parties
    for name, units in candidate.unit_totals.items():
        for unit, one in units.items():
            yield (
                name, unit, parties.get(unit), one.energy_mwh, one.payment_gbp, one.records, one.periods,
                one.indicative_cashflow_gbp,
            )  # fmt: skip


def _rate_row(rate: MiningRate) -> tuple[Any, ...]:
    first, *others = rate.segments
    segments = json.dumps([_segment(segment) for segment in rate.segments]) if others else None
    return (rate.period, rate.model, first.difficulty, first.reward, rate.btc_per_mwh, segments)


def _segment(segment: MiningSegment) -> dict[str, str]:
    return {
        "start": segment.start.isoformat(),
        "share": str(segment.share),
        "difficulty": str(segment.difficulty),
        "reward": str(segment.reward),
    }


def _record_row(record: CurtailmentRecord, fetch_ids: Mapping[tuple[int, Side], int | None]) -> tuple[Any, ...]:
    return (
        record.period, record.side, record.sequence_number, record.bm_unit, record.acceptance_id, record.pair_id,
        record.cadl_flag, record.so_flag, record.stor_flag, record.repriced, record.original_price, record.volume,
        record.final_price, record.transmission_loss_multiplier, record.created_at,
        fetch_ids[record.period, record.side], record.row, record.extra,
    )  # fmt: skip
