"""The state of one run of one date, as its stages fill it in."""

import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal

from reingest.calendar import SettlementPeriod, settlement_periods
from reingest.curtailment.checks import Check, ExpectedTotal, failed
from reingest.curtailment.definitions import Definition, definitions_for
from reingest.curtailment.diff import RecordDiff
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.witness_rules import Verification
from reingest.curtailment.words import Side
from reingest.elexon.system_prices import SystemPrice
from reingest.errors import Bug, DatabaseUnreachable
from reingest.lake.archive import Archive
from reingest.operations.date_inputs import DateInputs, FetchedStack, MiningInputs
from reingest.operations.facts import DateFacts
from reingest.operations.request import DateRequest
from reingest.operations.services import DateServices
from reingest.settings import Settings
from reingest.store.database import Connection, bound_lock_waits, connect, was_cut
from reingest.store.heartbeat import Lease
from reingest.store.runs import Run
from reingest.store.units import Register
from reingest.store.versions import NEVER_PUBLISHED, CurrentVersion

if TYPE_CHECKING:
    from reingest.operations.fetching import Fetcher
    from reingest.operations.outlook import Outlook
    from reingest.operations.staging.staged_date import StagedDate

PATIENCE_SECONDS: Final = 30.0
"""How long a run that holds its date tries to reach a Postgres that went away."""
RETRY_SECONDS: Final = 0.25

Progress = Callable[[str, int, int], None]
"""Told the stage's name, how much of it is done, and out of how much."""

Batch = tuple[int, ...]
"""Periods that are asked as one unit of work."""

EachBatch = Callable[["Fetcher", Batch], Coroutine[Any, Any, int]]
"""How a batch is fetched; the Prefect flow makes a task of it."""


async def fetch_batch(fetcher: "Fetcher", batch: Batch) -> int:
    """Fetch one batch, and nothing around it."""
    return await fetcher.fetch_batch(batch)


Decision = Literal["publish", "hold", "unchanged"]


@dataclass
class DateRun:
    """One run of one date. Each stage fills in what it finds; later stages read it.

    Attributes:
        cleanup: What must be undone when the run ends, the lease first of all.
        services: What the process lends to its dates.
        notes: Sentences for people, such as that JSON was taken where XML was asked.
        staged: What is staged of the date, in a run that publishes that.
        moved: What is not as it was when the plan was made that the run applies.
        witness_fetch_ids: The witnesses' answers that the run has; whoever hears them reads them from the archive.
        verification: What the witnesses come to for the facts; of a version, by the verdict that counts.
        told: Whether there is something that people are told of this run.
        decision: What to do with the facts: publish them, hold them, or leave the served version as it is.
    """

    settings: Settings
    database_url: str
    request: DateRequest
    run: Run
    connection: Connection
    archive: Archive
    progress: Progress
    cleanup: ExitStack
    services: DateServices
    each_batch: EachBatch = fetch_batch
    current: CurrentVersion = NEVER_PUBLISHED
    sides: tuple[Side, ...] = ()
    lease: Lease | None = None
    register: Register | None = None
    mining_inputs: MiningInputs | None = None
    fetched: dict[Subject, FetchedStack] = field(default_factory=dict)
    resumed: frozenset[Subject] = frozenset()
    staged: "StagedDate | None" = None
    system_prices: dict[int, SystemPrice] = field(default_factory=dict)
    system_prices_fetch_id: int | None = None
    witness_fetch_ids: list[int] = field(default_factory=list)
    facts: DateFacts | None = None
    verification: Verification = "unverified"
    expected: tuple[ExpectedTotal, ...] = ()
    checks: list[Check] = field(default_factory=list)
    diff: RecordDiff | None = None
    outlook: "Sequence[Outlook]" = ()
    decision: Decision = "hold"
    version: tuple[int, int] | None = None
    generation: int | None = None
    notes: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    told: bool = False

    @property
    def settlement_date(self) -> date:
        """The date that the run is about."""
        return self.request.settlement_date

    @property
    def calendar(self) -> tuple[SettlementPeriod, ...]:
        """The date's periods, from the calendar."""
        return settlement_periods(self.settlement_date)

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """The definitions that mean something for the sides at hand."""
        return definitions_for(self.sides)

    @property
    def inputs(self) -> DateInputs:
        """What the facts of the date are derived from.

        Raises:
            Bug: a stage ran before the one it needs.
        """
        return DateInputs(
            settlement_date=self.settlement_date,
            sides=self.sides,
            fetched=self.fetched,
            system_prices=self.system_prices,
            wind_units=self.require_register().wind_units,
            definitions=self.definitions,
            rates=self.mining_inputs.rates if self.mining_inputs else None,
            witnessed=bool(self.witness_fetch_ids),
        )

    @property
    def asked(self) -> frozenset[int]:
        """The periods to ask again."""
        whole = (period.number for period in self.calendar)
        return frozenset(self.request.periods or whole)

    @property
    def to_ask(self) -> list[Subject]:
        """What is still to be asked of the source, in order: what was asked for and is not at hand."""
        return [
            (period, side) for period in sorted(self.asked) for side in self.sides if (period, side) not in self.fetched
        ]

    @property
    def basis_generation(self) -> int:
        """The date's generation that the run began from."""
        return self.current.generation

    @property
    def failed_checks(self) -> tuple[Check, ...]:
        """The checks that hold the date."""
        return failed(self.checks)

    @property
    def says_the_same(self) -> bool:
        """Whether the facts are the content that the served version was published with."""
        return self.facts is not None and self.facts.content_hash == self.current.content_hash

    def note(self, sentence: str) -> None:
        """Say something to people, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def require_facts(self) -> DateFacts:
        """Return what the read stage derived.

        Raises:
            Bug: a stage ran before the one it needs.
        """
        if self.facts is None:
            raise Bug("the facts of the date were not derived yet", settlement_date=self.settlement_date)
        return self.facts

    def require_register(self) -> Register:
        """Return the register in force.

        Raises:
            Bug: a stage ran before the one it needs.
        """
        if self.register is None:
            raise Bug("the register was not loaded yet", settlement_date=self.settlement_date)
        return self.register

    def require_version(self) -> tuple[int, int]:
        """Return id and number of the version that this run made, or found.

        Raises:
            Bug: a stage ran before the one it needs.
        """
        if self.version is None:
            raise Bug("no version was staged", settlement_date=self.settlement_date)
        return self.version

    def require_lease(self) -> Lease:
        """Return the lease that the run took.

        Raises:
            Bug: a stage ran before the one it needs.
        """
        if self.lease is None:
            raise Bug("the date's lease was not taken yet", settlement_date=self.settlement_date)
        return self.lease

    def release_stacks(self) -> None:
        """Let go of the rows as text, most of a run's memory, once the facts are derived from them."""
        self.fetched = {subject: replace(fetched, stack=None) for subject, fetched in self.fetched.items()}

    def still_ours(self) -> None:
        """Stop where the lease was lost.

        Raises:
            LeaseLost: a heartbeat found it gone.
        """
        if self.lease is not None:
            self.lease.require()

    def reconnect(self) -> Connection:
        """Open another connection where the run's own broke, as at a restart of Postgres; return the one in use.

        As long as the lease is held it is tried again for half a minute: nobody else can have the date meanwhile.

        Raises:
            DatabaseUnreachable: Postgres cannot be reached.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while was_cut(self.connection):
            self.connection.close()
            try:
                again = connect(self.database_url, purpose=f"run {self.settlement_date}")
            except DatabaseUnreachable:
                if self.lease is None or self.lease.is_lost or time.monotonic() >= give_up:
                    raise
                time.sleep(RETRY_SECONDS)
            else:
                self.connection = self.cleanup.enter_context(again)
                bound_lock_waits(self.connection, self.settings.lease_ttl_seconds / 2)
        return self.connection

    def add(self, fetched: Iterable[FetchedStack]) -> None:
        """Take in what came of stack requests."""
        self.fetched.update({(one.period, one.side): one for one in fetched})
