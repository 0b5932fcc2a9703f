"""Publish a held version: a person's decision, with a reason, on the record."""

from dataclasses import dataclass
from datetime import date

from reingest.errors import BadUsage, Conflict
from reingest.operations.acts import end_act, hold_date, recorded
from reingest.operations.messages import date_published
from reingest.operations.outbox.delivering import know_configured_sinks
from reingest.operations.unaltered import is_unaltered
from reingest.settings import Settings
from reingest.store.database import Connection, connect
from reingest.store.migrate import require_schema
from reingest.store.publish import Publication, publish
from reingest.store.runs import Run, add_operator_action
from reingest.store.versions import (
    NumberedVersion,
    current_version,
    totals_of_version,
    version_by_number,
)


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A held version that a person published."""

    settlement_date: date
    version: int
    generation: int
    run_id: str


def publish_held(
    settings: Settings, database_url: str, settlement_date: date, number: int, reason: str, wait_seconds: float = 0
) -> PublishedVersion:
    """Make a held version the current one of its date, waiting so long for another run of it to end.

    Raises:
        NotFound: the date has no such version.
        BadUsage: the version is not held, or no reason is given.
        Conflict: the date was published again since the version was made.
        Locked: another run holds the date.
    """
    if not reason.strip():
        raise BadUsage("a held version is published with a reason", settlement_date=settlement_date)
    run = Run(kind="publish", settlement_date=settlement_date, reason=reason)
    with connect(database_url, purpose=f"publish {settlement_date}") as connection:
        require_schema(connection)
        with recorded(database_url, connection, run):
            generation = _publish(settings, database_url, connection, run, number, wait_seconds)
    end_act(database_url, run, "published")
    return PublishedVersion(settlement_date, number, generation, str(run.id))


def _publish(
    settings: Settings, database_url: str, connection: Connection, run: Run, number: int, wait_seconds: float
) -> int:
    settlement_date, reason = run.settlement_date, run.reason
    if settlement_date is None or reason is None:
        raise BadUsage("a version belongs to a date, and is published with a reason")
    with hold_date(settings, database_url, connection, run, wait_seconds) as lease:
        version = version_by_number(connection, settlement_date, number)
        _require_publishable(connection, settlement_date, version)
        run.version_id = version.id
        # Before the publish: a decision without an effect is on the record, an effect without a decision never.
        add_operator_action(connection, "publish_held", reason, settlement_date=settlement_date, version_id=version.id)
        know_configured_sinks(settings, connection)
        publication = Publication(
            settlement_date=settlement_date,
            version_id=version.id,
            basis_generation=version.basis_generation,
            provisional_until=version.provisional_until,
            run_id=run.id,
            body=date_published(
                settlement_date,
                version=version.number,
                run_id=run.id,
                content_hash=version.content_hash,
                provisional=version.provisional_until is not None,
                totals=totals_of_version(connection, version.id),
            ),
            reason=reason,
        )
        return publish(connection, lease, publication, url=database_url, ttl_seconds=settings.lease_ttl_seconds)


def _require_publishable(connection: Connection, settlement_date: date, version: NumberedVersion) -> None:
    if version.state != "held":
        raise BadUsage(
            f"version {version.number} is {version.state}; only a held version can be published",
            settlement_date=settlement_date,
            next_command="reingest versions {date}",
        )
    if not is_unaltered(connection, settlement_date, version.number):
        raise BadUsage(
            f"the stored rows of version {version.number} are not what the run held",
            settlement_date=settlement_date,
            next_command="reingest doctor {date}",
        )
    current = current_version(connection, settlement_date)
    if current.generation != version.basis_generation:
        raise Conflict(
            f"version {version.number} was made from generation {version.basis_generation}, "
            f"the date is at {current.generation} by now",
            settlement_date=settlement_date,
            next_command="reingest date {date}",
        )
