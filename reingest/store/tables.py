"""The tables as SQLModel classes: what the migrations made, column by column, for typed reads.

The migrations define the schema; a test proves that these classes agree with it. Bulk rows go in by COPY and totals
come out of the views, so these are for reading rows as they stand. Energy is in MWh and payment in GBP, exact; every
instant is aware. A class is named after its table: `VersionPeriod` is `version_period`.
"""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Interval, Numeric, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

Id = Annotated[int, Field(sa_type=BigInteger, primary_key=True)]
KeyPart = Annotated[int, Field(sa_type=SmallInteger, primary_key=True)]
KeyText = Annotated[str, Field(sa_type=Text, primary_key=True)]
Big = Annotated[int, Field(sa_type=BigInteger)]
BigOrNone = Annotated[int | None, Field(sa_type=BigInteger)]
Small = Annotated[int, Field(sa_type=SmallInteger)]
SmallOrNone = Annotated[int | None, Field(sa_type=SmallInteger)]
Words = Annotated[str, Field(sa_type=Text)]
WordsOrNone = Annotated[str | None, Field(sa_type=Text)]
WordList = Annotated[list[str], Field(sa_type=ARRAY(Text))]
Instant = Annotated[datetime, Field(sa_type=DateTime(timezone=True))]
InstantOrNone = Annotated[datetime | None, Field(sa_type=DateTime(timezone=True))]
Exact = Annotated[Decimal, Field(sa_type=Numeric)]
ExactOrNone = Annotated[Decimal | None, Field(sa_type=Numeric)]
Json = Annotated[Any, Field(sa_type=JSONB, nullable=False)]
JsonOrNone = Annotated[Any | None, Field(sa_type=JSONB, nullable=True)]


class Table(SQLModel):
    """A table of the schema, named after its class."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  (a class, as SQLAlchemy has it)
        """Return the class's name in snake case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def as_row(self, *left_out: str) -> dict[str, Any]:
        """Return the values by column, in the order of the columns, without those left out."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in left_out}


class Payload(Table, table=True):
    """The bytes of one answer, kept in the archive under their sha256."""

    sha256: KeyText
    size: Big
    stored_size: Big
    first_seen_at: Instant


class Run(Table, table=True):
    """One act of a person or a schedule: what was asked, by whom, and how it ended."""

    id: UUID = Field(primary_key=True)
    kind: Words
    settlement_date: date | None
    periods: Annotated[list[int] | None, Field(sa_type=ARRAY(SmallInteger))]
    sides: WordList
    source: Words
    reason: WordsOrNone
    holder: Words
    host: Words
    pid: int
    code_version: Words
    flow_run_id: UUID | None
    started_at: Instant
    finished_at: InstantOrNone
    outcome: WordsOrNone
    exit_code: SmallOrNone
    error: JsonOrNone
    version_id: BigOrNone
    requests: int
    retries: int


class RunEvent(Table, table=True):
    """One line of a run's log."""

    id: Id
    run_id: UUID
    at: Instant
    stage: Words
    event: Words
    detail: Json


class StateMove(Table, table=True):
    """A legal move of a version's state, or of a fetch's outcome."""

    subject: KeyText
    before: KeyText
    after: KeyText


class Fetch(Table, table=True):
    """One answered request: which date, period, dataset and URL gave which payload, when, with what status."""

    id: Id
    run_id: UUID
    dataset: Words
    settlement_date: date | None
    period: SmallOrNone
    side: WordsOrNone
    wire: Words
    url: Words
    status: Small
    content_type: Words
    payload_sha256: Words
    requested_at: Instant
    answered_at: Instant
    attempts: Small
    outcome: Words
    forgotten_at: InstantOrNone


class Register(Table, table=True):
    """One state of Elexon's register of BM units; the newest row is in force."""

    id: Id
    hash: Words
    fetch_id: Big
    recorded_at: Instant
    units: int
    null_ids: int
    duplicates: int


class BmUnit(Table, table=True):
    """One BM unit of one register."""

    register_id: Id
    elexon_bm_unit: KeyText
    national_grid_bm_unit: WordsOrNone
    name: WordsOrNone
    fuel_type: WordsOrNone
    lead_party_name: WordsOrNone
    lead_party_id: WordsOrNone
    bm_unit_type: WordsOrNone
    generation_capacity_mw: ExactOrNone
    demand_capacity_mw: ExactOrNone
    gsp_group_id: WordsOrNone
    gsp_group_name: WordsOrNone
    interconnector_id: WordsOrNone
    eic: WordsOrNone


class UnitOverride(Table, table=True):
    """A person's decision that a BM unit counts as wind, or does not, whatever its fuel type says."""

    id: Id
    elexon_bm_unit: Words
    decision: Words
    reason: Words
    decided_at: Instant
    retired_at: InstantOrNone


class MinerModel(Table, table=True):
    """Mining hardware: hashrate in TH/s, power in W."""

    name: KeyText
    hashrate_th: Exact
    power_w: Exact


class DifficultyEpoch(Table, table=True):
    """Bitcoin difficulty of 2,016 blocks, in force from its first block."""

    number: int = Field(primary_key=True)
    height: int
    start: Instant
    start_uncertainty: Annotated[timedelta, Field(sa_type=Interval)]
    bits: Words
    difficulty: Exact


class Version(Table, table=True):
    """An immutable set of records of one date, built from a named list of fetches."""

    id: Id
    settlement_date: date
    number: int
    state: Words
    kind: Words
    sides: WordList
    basis_generation: Big
    run_id: UUID
    register_id: Big
    register_hash: Words
    definitions: WordList
    mining_inputs_hash: Words
    mining_state: Words
    code_version: Words
    system_prices_fetch_id: BigOrNone
    rows: int
    rejects: int
    records: int
    provisional_until: InstantOrNone
    content_hash: Words
    seal: WordsOrNone
    reason: WordsOrNone
    created_at: Instant
    served_from: InstantOrNone
    served_to: InstantOrNone
    restored_from: int | None


class SettlementDay(Table, table=True):
    """One settlement date: the version served, and the generation that every publish moves by one."""

    settlement_date: date = Field(primary_key=True)
    current_version_id: BigOrNone
    generation: Big
    provisional_until: InstantOrNone
    confirmed_at: InstantOrNone
    confirmed_by: UUID | None
    last_number: int
    withdrawn_fetches: Annotated[list[int] | None, Field(sa_type=ARRAY(BigInteger))]


class VersionPeriod(Table, table=True):
    """What became of one side of one settlement period; rows = accepted + rejects."""

    version_id: Id
    period: KeyPart
    side: KeyText
    outcome: Words
    fetch_id: BigOrNone
    rows: int
    accepted: int
    rejects: int
    wind_rows: int
    created_at: InstantOrNone


class CurtailmentRecord(Table, table=True):
    """A stack row of a wind BM unit, signed as Elexon signs it; acceptance and pair may be null."""

    __mapper_args__: ClassVar[Any] = {
        "primary_key": ["version_id", "period", "side", "bm_unit", "acceptance_id", "pair_id", "sequence_number"]
    }

    version_id: Big
    period: Small
    side: Words
    sequence_number: int
    bm_unit: Words
    acceptance_id: BigOrNone
    pair_id: int | None
    cadl_flag: bool | None
    so_flag: bool | None
    stor_flag: bool | None
    repriced: bool
    original_price: ExactOrNone
    volume: Exact
    final_price: ExactOrNone
    transmission_loss_multiplier: ExactOrNone
    created_at: InstantOrNone
    fetch_id: Big
    payload_row: int
    extra: JsonOrNone


class Reject(Table, table=True):
    """A stack row that was not accepted, with the wire's text of it."""

    __mapper_args__: ClassVar[Any] = {"primary_key": ["version_id", "fetch_id", "payload_row", "code", "field"]}

    version_id: Big
    fetch_id: Big
    period: Small
    side: Words
    payload_row: int
    code: Words
    field: WordsOrNone
    message: Words
    bm_unit: WordsOrNone
    wind: bool
    raw: Json


class DailySummary(Table, table=True):
    """A version's totals by definition."""

    version_id: Id
    definition: KeyText
    energy_mwh: Exact
    payment_gbp: Exact
    records: int
    bm_units: int
    periods: int


class DailyUnitSummary(Table, table=True):
    """A version's totals by definition and BM unit."""

    version_id: Id
    definition: KeyText
    bm_unit: KeyText
    lead_party: WordsOrNone
    energy_mwh: Exact
    payment_gbp: Exact
    records: int
    periods: int


class DailyMining(Table, table=True):
    """A version's BTC by definition and miner model."""

    version_id: Id
    definition: KeyText
    miner_model: KeyText
    btc: Exact


class MiningRate(Table, table=True):
    """What a MWh of one period mines on one model, with the difficulty and reward that gave it."""

    version_id: Id
    period: KeyPart
    miner_model: KeyText
    difficulty: Exact
    reward: Exact
    btc_per_mwh: Exact
    segments: JsonOrNone


class ExpectedTotal(Table, table=True):
    """What a date should come to by one definition; in force until retired."""

    id: Id
    settlement_date: date
    definition: Words
    energy_mwh: ExactOrNone
    payment_gbp: ExactOrNone
    energy_tolerance_mwh: Exact
    payment_tolerance_gbp: Exact
    origin: Words
    set_at: Instant
    retired_at: InstantOrNone


class CheckResult(Table, table=True):
    """What one check of one run said of a version."""

    version_id: Id
    run_id: UUID = Field(primary_key=True)
    name: KeyText
    status: Words
    expected: WordsOrNone
    actual: WordsOrNone
    detail: Words


class OperatorAction(Table, table=True):
    """What a person decided, and why."""

    id: Id
    at: Instant
    who: Words
    host: Words
    action: Words
    settlement_date: date | None
    version_id: BigOrNone
    reason: Words
    detail: Json


class Lease(Table, table=True):
    """The right to change one date."""

    key: KeyText
    token: Big
    run_id: UUID
    holder: Words
    host: Words
    pid: int
    acquired_at: Instant
    heartbeat_at: Instant
    expires_at: Instant


class Outbox(Table, table=True):
    """A fact written by the publish transaction, delivered after it."""

    id: Id
    settlement_date: date
    generation: Big
    version_id: BigOrNone
    kind: Words
    body: Json
    dedupe_key: Words
    created_at: Instant
    position: BigOrNone


class OutboxSink(Table, table=True):
    """Where facts are delivered; one that is forgotten is owed nothing any more."""

    sink: KeyText
    known_since: Instant
    forgotten_at: InstantOrNone


class OutboxDelivery(Table, table=True):
    """One fact owed to one sink: whether it was delivered, and how often that was tried."""

    outbox_id: Id
    sink: KeyText
    settlement_date: date
    state: Words
    attempts: int
    next_attempt_at: Instant
    last_attempt_at: InstantOrNone
    last_error: WordsOrNone
    delivered_at: InstantOrNone
    dead_at: InstantOrNone
