"""The tables as SQLModel classes: what the migrations made, column by column, for typed reads.

The migrations define the schema; a test proves that these classes agree with it. Bulk rows go in by COPY and totals
come out of the views, so these are for reading rows as they stand. Energy is in MWh and payment in GBP, exact; every
instant is aware. A class is named after its table: `VersionPeriod` is `version_period`.
"""

from reingest.store.tables.acts import Lease, OperatorAction, RateGate, Run, RunEvent
from reingest.store.tables.answers import Fetch, Payload, StateMove
from reingest.store.tables.columns import Table
from reingest.store.tables.dates import CheckResult, ExpectedTotal, ServedSpan, SettlementDay, Version, VersionPeriod
from reingest.store.tables.mining import DailyMining, DifficultyEpoch, MinerModel, MiningRate
from reingest.store.tables.notices import Notice, NoticeChannel, NoticeDelivery
from reingest.store.tables.outbox import Outbox, OutboxDelivery, OutboxSink
from reingest.store.tables.ranges import RangeDate, RangeRun
from reingest.store.tables.reconciliation import Reconciliation, ReconciliationDate, SettlementRun
from reingest.store.tables.register import (
    BmUnit,
    Register,
    RegisterChange,
    RegisterEntry,
    UnitOverride,
    UnitProposal,
)
from reingest.store.tables.rows import (
    CurtailmentRecord,
    DailySummary,
    DailyUnitSummary,
    Reject,
    VersionOtherUnit,
)
from reingest.store.tables.staging import StagedStack
from reingest.store.tables.witnesses import SourceGap, VersionWitness, WitnessDifference, WitnessVerdict

__all__ = [
    "BmUnit",
    "CheckResult",
    "CurtailmentRecord",
    "DailyMining",
    "DailySummary",
    "DailyUnitSummary",
    "DifficultyEpoch",
    "ExpectedTotal",
    "Fetch",
    "Lease",
    "MinerModel",
    "MiningRate",
    "Notice",
    "NoticeChannel",
    "NoticeDelivery",
    "OperatorAction",
    "Outbox",
    "OutboxDelivery",
    "OutboxSink",
    "Payload",
    "RangeDate",
    "RangeRun",
    "RateGate",
    "Reconciliation",
    "ReconciliationDate",
    "Register",
    "RegisterChange",
    "RegisterEntry",
    "Reject",
    "Run",
    "RunEvent",
    "ServedSpan",
    "SettlementDay",
    "SettlementRun",
    "SourceGap",
    "StagedStack",
    "StateMove",
    "Table",
    "UnitOverride",
    "UnitProposal",
    "Version",
    "VersionOtherUnit",
    "VersionPeriod",
    "VersionWitness",
    "WitnessDifference",
    "WitnessVerdict",
]
