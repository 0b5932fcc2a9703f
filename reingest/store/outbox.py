"""The outbox: facts written by the publish transaction, which sinks are owed them, and the feed of all of them.

A fact gets a delivery for each known sink in the transaction that writes it, and a position in the feed after its
commit. A deliverer holds the row lock of the delivery while it sends: nobody else sends that fact meanwhile, and a
deliverer that dies lets go of it at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, get_args

from psycopg.rows import class_row

from reingest.checkpoints import checkpoint
from reingest.errors import Bug, NotFound
from reingest.store.database import Connection, database_errors
from reingest.store.runs import add_operator_action
from reingest.store.sql import query

SinkName = Literal["log", "prefect", "webhook"]
FactState = Literal["pending", "delivered", "dead", "forgotten", "no_sink"]
FACT_STATES: Final[tuple[FactState, ...]] = get_args(FactState)


@dataclass(frozen=True, slots=True)
class OwedFact:
    """A fact that is due at a sink, held by a row lock until the transaction ends.

    Attributes:
        attempts: How often its delivery was tried before.
        dedupe_key: The same at every attempt and every sink.
        message: What the sink is told.
    """

    outbox_id: int
    settlement_date: date
    attempts: int
    dedupe_key: str
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SinkLag:
    """How far a known sink is behind; the seconds are None where nothing is pending.

    Attributes:
        oldest_pending_seconds: How long ago the oldest pending fact was published.
        next_attempt_seconds: Until the next attempt may be made; negative where one is due.
    """

    sink: str
    pending: int
    dead: int
    oldest_pending_seconds: Decimal | None
    next_attempt_seconds: Decimal | None


@dataclass(frozen=True, slots=True)
class ListedFact:
    """One fact at one sink, or one that no sink is owed (`no_sink`); that a date is withdrawn is of no version."""

    id: int
    position: int | None
    settlement_date: date
    generation: int
    version: int | None
    sink: SinkName | None
    state: FactState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    last_error: str | None
    dedupe_key: str


@dataclass(frozen=True, slots=True)
class Change:
    """One publish in the feed: its position, and the message that sinks get."""

    position: int
    message: dict[str, Any]


def number_changes(connection: Connection) -> None:
    """Give every committed fact without a position the next one; where another process does it now, leave it to that.

    Args:
        connection: an autocommitting one, outside of a transaction: a position is given to what is committed only.
    """
    connection.execute(query("number_changes"))
    checkpoint("after_numbering")


def know_sinks(connection: Connection, sinks: Sequence[SinkName]) -> None:
    """Owe these sinks every fact that is published from now on."""
    with database_errors():
        connection.execute(query("know_sinks"), {"sinks": list(sinks)})
    checkpoint("after_know_sinks")


def known_sinks(connection: Connection) -> list[SinkName]:
    """Return the sinks that facts are owed to."""
    with database_errors():
        return [row[0] for row in connection.execute(query("known_sinks"))]


def claim_delivery(
    connection: Connection, sink: str, *, limit_seconds: float, settlement_date: date | None = None
) -> OwedFact | None:
    """Hold the oldest fact that is due at the sink until the transaction ends; None where nothing is due.

    Args:
        connection: in a transaction, which Postgres ends by force when it idles for longer than `limit_seconds`.
        sink: where the fact is owed.
        limit_seconds: the longest that a send takes.
        settlement_date: look at this date only.
    """
    connection.execute(query("begin_notify"), {"limit": f"{int(limit_seconds * 1000)}ms"})
    with connection.cursor(row_factory=class_row(OwedFact)) as cursor:
        return cursor.execute(query("claim_delivery"), {"sink": sink, "settlement_date": settlement_date}).fetchone()


def delivery_succeeded(connection: Connection, sink: str, fact: OwedFact) -> None:
    """Store that the sink took the fact."""
    connection.execute(query("delivery_succeeded"), {"outbox_id": fact.outbox_id, "sink": sink})
    checkpoint("after_success_mark")


def delivery_failed(
    connection: Connection, sink: str, fact: OwedFact, error: str, *, wait_seconds: float, most_attempts: int
) -> bool:
    """Store that the sink did not take the fact; it may be tried again after the wait, by database time.

    Returns:
        Whether that was the last attempt, so that the fact is a dead letter now.
    """
    row = connection.execute(
        query("delivery_failed"),
        {
            "outbox_id": fact.outbox_id,
            "sink": sink,
            "error": error,
            "wait": timedelta(seconds=wait_seconds),
            "most": most_attempts,
        },
    ).fetchone()
    checkpoint("after_failure_mark")
    if row is None:
        raise Bug("a delivery that is held has no row", settlement_date=fact.settlement_date)
    return bool(row[0] == "dead")


def sink_lags(connection: Connection) -> list[SinkLag]:
    """Return how far each known sink is behind."""
    with database_errors(), connection.cursor(row_factory=class_row(SinkLag)) as cursor:
        return cursor.execute(query("sink_lags")).fetchall()


def list_outbox(connection: Connection, states: Sequence[FactState], *, limit: int) -> list[ListedFact]:
    """Return facts in one of these states, newest first, a row a sink."""
    with database_errors(), connection.cursor(row_factory=class_row(ListedFact)) as cursor:
        return cursor.execute(query("list_outbox"), {"states": list(states), "limit": limit}).fetchall()


def retry_fact(connection: Connection, outbox_id: int) -> int:
    """Make one fact due now wherever it is pending or dead; a fact that no sink is owed is owed to every known one.

    Args:
        connection: an autocommitting one.
        outbox_id: the fact.

    Returns:
        How many deliveries that concerns; what was delivered is not delivered again.

    Raises:
        NotFound: there is no such fact.
    """
    with database_errors():
        if connection.execute(query("has_fact"), {"outbox_id": outbox_id}).fetchone() is None:
            raise NotFound(f"the outbox has no fact {outbox_id}", next_command="reingest outbox list --all")
    return _retry(connection, ["dead", "pending"], no_sink=True, outbox_id=outbox_id)


def retry_dead(connection: Connection) -> int:
    """Make every dead letter due now, with no attempts made; return how many."""
    return _retry(connection, ["dead"])


def retry_no_sink(connection: Connection) -> int:
    """Owe every fact that no sink is owed to every known one; return how many deliveries that is."""
    return _retry(connection, [], no_sink=True)


def _retry(
    connection: Connection, states: list[FactState], *, no_sink: bool = False, outbox_id: int | None = None
) -> int:
    subject = {"outbox_id": outbox_id}
    with database_errors(), connection.transaction():
        retried = connection.execute(query("retry_deliveries"), subject | {"states": states}).rowcount
        if no_sink:
            retried += connection.execute(query("owe_no_sink"), subject).rowcount
        checkpoint("before_retry_commit")
    checkpoint("after_retry_commit")
    return retried


def forget_sink(connection: Connection, sink: SinkName, reason: str) -> int:
    """Owe a sink nothing any more, what is pending or dead included; return how many deliveries that drops.

    Raises:
        NotFound: the sink is not known.
    """
    with database_errors(), connection.transaction():
        row = connection.execute(query("forget_sink"), {"sink": sink}).fetchone()
        if row is None or not row[0]:
            raise NotFound(f"no fact is owed to {sink}", next_command="reingest outbox list --all")
        dropped = connection.execute(query("forget_deliveries"), {"sink": sink}).rowcount
        add_operator_action(connection, "forget_sink", reason, sink=sink, dropped=dropped)
        checkpoint("before_forget_commit")
    checkpoint("after_forget_commit")
    return dropped


def changes_since(connection: Connection, since: int, *, limit: int) -> list[Change]:
    """Return the changes after a position, in order; every one that is committed before the call is among them.

    Where another process numbers changes at this moment, the newest may be missing; the next call has them.

    Args:
        connection: an autocommitting one.
        since: the last position that the reader saw; 0 for the beginning.
        limit: how many at most.
    """
    with database_errors(), connection.cursor(row_factory=class_row(Change)) as cursor:
        number_changes(connection)
        return cursor.execute(query("changes_since"), {"since": since, "limit": limit}).fetchall()
