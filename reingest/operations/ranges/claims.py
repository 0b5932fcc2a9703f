"""The dates of a range that this process has: claimed one by one, kept over a lost connection, given back or ended."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Self
from uuid import UUID

from reingest.checkpoints import checkpoint
from reingest.errors import DatabaseError, ReingestError
from reingest.operations.ranges.report import Change, DateEnd
from reingest.store.database import Connection, connect, database_errors, was_cut
from reingest.store.migrate import require_schema
from reingest.store.ranges import (
    Claim,
    DatesLeft,
    StoredRange,
    adopt_claims,
    claim_range_date,
    end_range_date,
    finish_range,
    free_dead_claims,
    give_back_range_date,
    leave_range,
    made_since,
    range_by_id,
    range_dates_left,
    reopen_range,
    run_range_dates_again,
    share_range,
)


@dataclass
class Claims:
    """This process's share of a range.

    A session advisory lock on `token` shows that it lives, for as long as the connection does. Every call needs the
    database; after `reconnect` each may be made again, whether or not the last one got through.

    Attributes:
        in_hand: What it has now, by position.
        stopped_by: The fault that ended its work before the range was done.
    """

    database_url: str
    stored: StoredRange
    connection: Connection
    token: int
    in_hand: dict[int, Claim] = field(default_factory=dict)
    stopped_by: ReingestError | None = None

    @classmethod
    def open(cls, database_url: str, range_id: UUID) -> Self:
        """Join a range.

        Raises:
            NotFound: there is no such range.
            DatabaseError: Postgres cannot be used.
        """
        connection = connect(database_url, purpose=f"range {range_id}")
        try:
            require_schema(connection)
            found = range_by_id(connection, range_id)
            return cls(database_url, found, connection, share_range(connection, found))
        except BaseException:
            connection.close()
            raise

    @contextmanager
    def until_left(self) -> Iterator[None]:
        """Leave the range when the block ends, by whatever; where its database is gone, its locks are gone with it."""
        try:
            yield
        finally:
            with suppress(DatabaseError):
                for claim in list(self.in_hand.values()):
                    self.give_back(claim)
                leave_range(self.connection, self.stored, self.stopped_by)
            self.connection.close()

    def reconnect(self) -> None:
        """Open another connection where this one broke, and keep what is in hand.

        Raises:
            DatabaseError: Postgres cannot be used yet.
        """
        if not was_cut(self.connection):
            return
        self.connection.close()
        connection = connect(self.database_url, purpose=f"range {self.stored.id}")
        try:
            token = share_range(connection, self.stored)
            adopt_claims(connection, self.stored.id, self.token, token, self.in_hand)
        except BaseException:
            connection.close()
            raise
        self.connection, self.token = connection, token

    def reopen(self) -> None:
        """Have the range run, and take back what dead processes had."""
        reopen_range(self.connection, self.stored.id)
        self.free_dead()

    def next(self) -> Claim | None:
        """Take the next date; None where every date has ended or is somebody's."""
        claim = claim_range_date(self.connection, self.stored.id, self.token)
        if claim is not None:
            self.in_hand[claim.position] = claim
        return claim

    def as_made(self, claim: Claim, end: DateEnd) -> DateEnd:
        """Return how a date ended in the range: found unchanged by a run, it may be what a killed one had published."""
        if end.outcome != "unchanged" or claim.had_since is None:
            return end
        made = made_since(self.connection, claim.settlement_date, claim.had_since)
        if made is None:
            return end
        return replace(
            end,
            outcome="published",
            decision="publish",
            run_id=made.run_id,
            version=made.version,
            changes=tuple(map(Change.from_dict, made.changes)),
        )

    def end(self, claim: Claim, end: DateEnd) -> bool:
        """Store how a date ended; tell whether it was still ours to end."""
        told = end.as_dict()
        del told["settlement_date"]
        ended = end_range_date(self.connection, self.stored.id, claim.position, self.token, told)
        self.in_hand.pop(claim.position, None)
        return ended

    def give_back(self, claim: Claim, *, locked: bool = False, died: bool = False) -> None:
        """Leave a date to whoever asks next, or to later."""
        give_back_range_date(self.connection, self.stored.id, claim, self.token, locked=locked, died=died)
        self.in_hand.pop(claim.position, None)

    def run_again(self, claims: Iterable[Claim]) -> None:
        """Have dates that ended be run once more."""
        run_range_dates_again(self.connection, self.stored.id, [claim.position for claim in claims])

    def free_dead(self) -> int:
        """Take back the dates of dead processes; return how many there were."""
        return free_dead_claims(self.connection, self.stored.id)

    def left(self) -> DatesLeft:
        """Return how many dates have not ended."""
        return range_dates_left(self.connection, self.stored.id)

    def finish(self, tell: Callable[[], object]) -> None:
        """End the range where every date has ended.

        Args:
            tell: called in the transaction of whichever process ends it.
        """
        with database_errors(), self.connection.transaction():
            if finish_range(self.connection, self.stored.id):
                tell()
            checkpoint("before_range_finish_commit")
        checkpoint("after_range_finish")
