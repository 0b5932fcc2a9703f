"""Versions made by hand, through the store's own way in: a small day, restated or held as a test needs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

from reingest.calendar import period_count, settlement_periods
from reingest.curtailment.checks import Check
from reingest.curtailment.content import Content, content_hash
from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.difficulty import shipped_difficulty
from reingest.curtailment.mining import daily_bitcoin, mining_rates
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import daily_totals, period_totals, unit_totals
from reingest.curtailment.words import SIDES, PeriodOutcome, Side
from reingest.store.candidates import Candidate, RejectedRow, VersionPeriod
from reingest.store.database import Connection, connect
from reingest.store.fetches import NewFetch, add_fetches
from reingest.store.leases import hold_lease
from reingest.store.publish import Publication, publish
from reingest.store.register_answers import UNIT_FIELDS, Answer, take_in
from reingest.store.runs import Run, begin_run, end_run
from reingest.store.units import Register, load_register
from reingest.store.versions import current_version, hold_version, save_checks, stage_version
from tests.support.curtailment import record, undo

DATE = date(2024, 3, 29)
UNITS = (
    ("T_LARYW-1", "WIND", "London Array Limited"),
    ("T_MOWEO-1", "WIND", "Moray East"),
    ("T_DRAXX-1", "BIOMASS", "Drax Power"),
)
A_DAY = (
    record(period=1, bm_unit="T_LARYW-1", acceptance_id=1, volume="-10.5", original_price="-50.25"),
    record(period=1, bm_unit="T_MOWEO-1", acceptance_id=2, volume="-4.123456789", original_price="12"),
    record(period=2, bm_unit="T_LARYW-1", acceptance_id=3, volume="-2", original_price="-70", so_flag=False),
    undo(period=2, bm_unit="T_LARYW-1", acceptance_id=3, volume="0.5", original_price="-70"),
)
"""Four records in two periods: each definition comes to something else."""


class Store:
    """A database, with the few acts that reading tests need; each goes through `reingest.store`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.runs: list[Run] = []

    def connect(self) -> Connection:
        return connect(self.url, purpose="test")

    def publish(self, records: Sequence[CurtailmentRecord] = A_DAY, **traits: Any) -> int:
        """Stage and publish a version of the date; return its number."""
        with self.connect() as connection:
            run, candidate, version_id, number = self._stage(connection, records, traits)
            with hold_lease(self.url, candidate.settlement_date, run.holder, 60) as lease:
                publication = Publication(
                    settlement_date=candidate.settlement_date,
                    version_id=version_id,
                    basis_generation=candidate.basis_generation,
                    provisional_until=candidate.provisional_until,
                    run_id=run.id,
                    body={"settlement_date": candidate.settlement_date.isoformat()},
                )
                publish(connection, lease, publication, url=self.url, ttl_seconds=60)
            end_run(connection, run, "published")
        return number

    def hold(self, records: Sequence[CurtailmentRecord] = A_DAY, **traits: Any) -> int:
        """Stage a version of the date and hold it; return its number."""
        with self.connect() as connection:
            run, _, version_id, number = self._stage(connection, records, traits)
            hold_version(connection, version_id)
            end_run(connection, run, "held")
        return number

    def _stage(
        self, connection: Connection, records: Sequence[CurtailmentRecord], traits: dict[str, Any]
    ) -> tuple[Run, Candidate, int, int]:
        day = traits.pop("settlement_date", DATE)
        assert isinstance(day, date)
        checks = traits.pop("checks", (Check("periods_complete", "pass", "48 periods", "48 periods", ""),))
        run = Run("reingest", settlement_date=day)
        begin_run(connection, run)
        register = load_register(connection, day) or self.register(connection, run, day)
        candidate = make_candidate(connection, run, register, records, day, **traits)
        version_id, number = stage_version(connection, candidate)
        run.version_id = version_id
        save_checks(connection, version_id, run.id, checks)
        self.runs.append(run)
        return run, candidate, version_id, number

    def register(self, connection: Connection, run: Run, day: date = DATE) -> Register:
        """Store a register of three units, two of them wind."""
        (fetch_id,) = add_fetches(connection, run.id, [a_fetch("BMUNITS", None, None, None)])
        empty = dict.fromkeys(UNIT_FIELDS)
        units = [
            SimpleNamespace(**{**empty, "elexon_bm_unit": unit, "fuel_type": fuel, "lead_party_name": party})
            for unit, fuel, party in UNITS
        ]
        take_in(connection, Answer(units, fetch_id=fetch_id, null_ids=0, duplicates=0, day=day))
        found = load_register(connection, day)
        assert found is not None
        return found


def make_candidate(
    connection: Connection,
    run: Run,
    register: Register,
    records: Sequence[CurtailmentRecord],
    day: date,
    *,
    sides: tuple[Side, ...] = SIDES,
    outcomes: dict[int, PeriodOutcome] | None = None,
    mining: bool = True,
    provisional_until: datetime | None = None,
    rejects: Sequence[RejectedRow] = (),
    reason: str | None = None,
) -> Candidate:
    """Return a candidate with everything derived from its records as the operations derive it."""
    definitions = definitions_for(sides)
    periods = range(1, period_count(day) + 1)
    subjects = [(period, side) for period in periods for side in sides]
    fetch_ids = add_fetches(connection, run.id, [a_fetch("ISPSTACK", day, *subject) for subject in subjects])
    fetched = dict(zip(subjects, fetch_ids, strict=True))
    version_periods = [_period(subject, fetched, records, outcomes or {}, rejects) for subject in subjects]
    rates = mining_rates(settlement_periods(day), shipped_difficulty()) if mining else None
    by_period = period_totals(records, definitions, periods)
    btc = {
        (definition.name, model): amount
        for definition in definitions
        for model, amount in daily_bitcoin(
            {period: totals[definition.name].energy_mwh for period, totals in by_period.items()}, rates or ()
        ).items()
    }
    content = Content(
        settlement_date=day,
        sides=sides,
        outcomes={(period.period, period.side): period.outcome for period in version_periods},
        records=records,
        totals=daily_totals(records, definitions),
        mining=btc if rates else None,
    )
    return Candidate(
        settlement_date=day,
        kind="ingest",
        sides=sides,
        basis_generation=current_version(connection, day).generation,
        run_id=run.id,
        register=register,
        definitions=tuple(f"{definition.name}@{definition.version}" for definition in definitions),
        mining_inputs_hash="m" * 64,
        mining_state="available" if rates else "unavailable",
        system_prices_fetch_id=None,
        provisional_until=provisional_until,
        content_hash=content_hash(content),
        reason=reason,
        periods=version_periods,
        records=[replace_row(one, row) for row, one in enumerate(records)],
        rejects=rejects,
        totals=content.totals,
        unit_totals=unit_totals(records, definitions),
        mining=btc,
        mining_rates=rates or (),
    )


def replace_row(one: CurtailmentRecord, row: int) -> CurtailmentRecord:
    """Return the record at its own place in the payload; a stack's sequence number tells its rows apart."""
    return one._replace(row=row, sequence_number=row + 1)


def a_fetch(dataset: str, day: date | None, period: int | None, side: Side | None) -> NewFetch:
    """Return an answered request with a payload of its own."""
    midnight = datetime.combine(day or DATE, time(), tzinfo=UTC)
    name = f"{dataset}{day}{period}{side}".encode().hex()[:64].rjust(64, "0")
    return NewFetch(
        dataset=dataset,
        settlement_date=day,
        period=period,
        side=side,
        wire="xml",
        url=f"https://elexon.test/{dataset}/{day}/{period}/{side}",
        status=200,
        content_type="application/xml",
        sha256=name,
        size=10,
        stored_size=10,
        requested_at=midnight + timedelta(days=2),
        answered_at=midnight + timedelta(days=2, seconds=1),
        attempts=1,
    )


def _period(
    subject: tuple[int, Side],
    fetched: dict[tuple[int, Side], int],
    records: Sequence[CurtailmentRecord],
    outcomes: dict[int, PeriodOutcome],
    rejects: Sequence[RejectedRow],
) -> VersionPeriod:
    accepted = sum((one.period, one.side) == subject for one in records)
    rejected = sum((one.period, one.side) == subject for one in rejects)
    return VersionPeriod(
        *subject,
        outcome=outcomes.get(subject[0], "fetched" if accepted else "confirmed_empty"),
        fetch_id=fetched[subject],
        rows=accepted + rejected,
        accepted=accepted,
        rejects=rejected,
        wind_rows=accepted,
    )
