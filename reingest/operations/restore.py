"""Restore: an older version's content, published again as a new version; nothing is deleted."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from reingest.checkpoints import checkpoint
from reingest.errors import BadUsage, Conflict, Moved
from reingest.operations.acts import end_act, hold_date, recorded
from reingest.operations.messages import date_published
from reingest.operations.outbox.delivering import know_configured_sinks
from reingest.operations.unaltered import is_unaltered
from reingest.operations.verifying import totals_check
from reingest.settings import Settings
from reingest.store.database import Connection, connect
from reingest.store.heartbeat import Lease
from reingest.store.migrate import require_schema
from reingest.store.publish import Publication, publish
from reingest.store.runs import EXIT_CODES, Run, add_operator_action
from reingest.store.version_copies import copy_version
from reingest.store.versions import (
    CurrentVersion,
    NumberedVersion,
    abandon_version,
    current_version,
    hold_version,
    recomputed_differences,
    save_checks,
    totals_of_version,
    version_by_number,
)


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What a person asks to have back.

    Attributes:
        number: The version whose content is wanted.
        basis_generation: The generation at which the person looked at the difference; None where nobody did.
        plan: Only say what would become of it.
        wait_seconds: How long to wait for another run of the date to end.
    """

    settlement_date: date
    number: int
    reason: str
    basis_generation: int | None = None
    plan: bool = False
    wait_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a restore.

    Attributes:
        restored_from: The version whose content was asked for.
        version: The version that serves it now, or would be held; None for a plan that would publish.
        generation: The date's generation after it.
        decision: What was done, or in a plan would be.
    """

    settlement_date: date
    outcome: Literal["published", "unchanged", "held", "planned"]
    decision: Literal["publish", "unchanged", "hold"]
    restored_from: int
    version: int | None
    generation: int
    run_id: str

    @property
    def exit_code(self) -> int:
        """The exit code of the outcome."""
        return EXIT_CODES[self.outcome]


def restore_version(settings: Settings, database_url: str, request: RestoreRequest) -> Restored:
    """Publish an older version's content as a new version of its date.

    Raises:
        NotFound: the date has no such version.
        BadUsage: the version was never published, its rows were altered since, or no reason is given.
        Conflict: the date was published again since the person looked.
        Locked: another run holds the date.
        LeaseLost: another run took the date over meanwhile.
    """
    if not request.reason.strip() and not request.plan:
        raise BadUsage("a version is restored with a reason", settlement_date=request.settlement_date)
    run = Run(kind="restore", settlement_date=request.settlement_date, reason=request.reason)
    with connect(database_url, purpose=f"restore {request.settlement_date}") as connection:
        require_schema(connection)
        with recorded(database_url, connection, run):
            if request.plan:
                restored = _plan(connection, run, request)
            else:
                with hold_date(settings, database_url, connection, run, request.wait_seconds) as lease:
                    restored = _restore(_Act(settings, database_url, connection, run, lease, request))
    end_act(database_url, run, restored.outcome)
    return restored


@dataclass(frozen=True, slots=True)
class _Act:
    """A restore under way: everything that its steps share."""

    settings: Settings
    database_url: str
    connection: Connection
    run: Run
    lease: Lease
    request: RestoreRequest

    def ended(
        self,
        outcome: Literal["published", "unchanged", "held"],
        decision: Literal["publish", "unchanged", "hold"],
        version: int | None,
        generation: int,
    ) -> Restored:
        request = self.request
        return Restored(
            request.settlement_date, outcome, decision, request.number, version, generation, str(self.run.id)
        )


def _plan(connection: Connection, run: Run, request: RestoreRequest) -> Restored:
    current, source = _look(connection, request)
    same = _serves_the_same(connection, current, source)
    return Restored(
        request.settlement_date,
        "planned",
        "unchanged" if same else "publish",
        request.number,
        current.number if same else None,
        current.generation,
        str(run.id),
    )


def _restore(act: _Act) -> Restored:
    current, source = _look(act.connection, act.request)
    if _serves_the_same(act.connection, current, source):
        act.run.version_id = current.id
        return act.ended("unchanged", "unchanged", current.number, current.generation)
    version_id, number = copy_version(
        act.connection,
        source,
        basis_generation=current.generation,
        run_id=act.run.id,
        reason=act.request.reason,
    )
    act.run.version_id = version_id
    check = totals_check(recomputed_differences(act.connection, version_id))
    save_checks(act.connection, version_id, act.run.id, [check])
    if check.status == "fail":
        hold_version(act.connection, version_id)
        return act.ended("held", "hold", number, current.generation)
    act.lease.require()
    know_configured_sinks(act.settings, act.connection)
    generation = _publish(act, source, version_id, number, current.generation)
    checkpoint("after_restore")
    return act.ended("published", "publish", number, generation)


def _look(connection: Connection, request: RestoreRequest) -> tuple[CurrentVersion, NumberedVersion]:
    """Return what is served and what is wanted, once the one is what the person saw and the other may be restored."""
    current = current_version(connection, request.settlement_date)
    if request.basis_generation not in (None, current.generation):
        raise Conflict(
            f"the date is at generation {current.generation} by now, the difference was shown at "
            f"{request.basis_generation}",
            settlement_date=request.settlement_date,
        )
    source = version_by_number(connection, request.settlement_date, request.number)
    _require_restorable(source)
    _require_unaltered(connection, source)
    return current, source


def _require_restorable(source: NumberedVersion) -> None:
    if source.state == "held":
        raise BadUsage(
            f"version {source.number} is held: it was never published, so it is published and not restored",
            settlement_date=source.settlement_date,
            next_command=f"reingest publish {{date}} --version {source.number} --reason TEXT",
        )
    if source.state not in ("published", "superseded"):
        raise BadUsage(
            f"version {source.number} is {source.state}; only one that was published can be restored",
            settlement_date=source.settlement_date,
            next_command="reingest versions {date}",
        )


def _require_unaltered(connection: Connection, source: NumberedVersion) -> None:
    if not is_unaltered(connection, source.settlement_date, source.number):
        raise BadUsage(
            f"the stored rows of version {source.number} are not what was published",
            settlement_date=source.settlement_date,
            next_command="reingest doctor",
        )


def _serves_the_same(connection: Connection, current: CurrentVersion, source: NumberedVersion) -> bool:
    """Tell whether what is served is what is wanted; a served version that was altered since is not."""
    if current.id is None or current.number is None or current.content_hash != source.content_hash:
        return False
    return is_unaltered(connection, source.settlement_date, current.number)


def _publish(act: _Act, source: NumberedVersion, version_id: int, number: int, basis_generation: int) -> int:
    connection, settlement_date = act.connection, source.settlement_date
    # Before the publish: a decision without an effect is on the record, an effect without a decision never.
    add_operator_action(
        connection,
        "restore_version",
        act.request.reason,
        settlement_date=settlement_date,
        version_id=version_id,
        version=number,
        restored_from=source.number,
    )
    publication = Publication(
        settlement_date=settlement_date,
        version_id=version_id,
        basis_generation=basis_generation,
        provisional_until=source.provisional_until,
        run_id=act.run.id,
        body=date_published(
            settlement_date,
            version=number,
            run_id=act.run.id,
            content_hash=source.content_hash,
            provisional=source.provisional_until is not None,
            totals=totals_of_version(connection, version_id),
        ),
        reason=act.request.reason,
    )
    ttl_seconds = act.settings.lease_ttl_seconds
    try:
        return publish(connection, act.lease, publication, url=act.database_url, ttl_seconds=ttl_seconds)
    except Moved:
        with connect(act.database_url, purpose="abandon") as another:  # the publish may have cost the first one
            abandon_version(another, version_id)
        raise
