"""Answers from the archive: the payloads of the served version, or the newest fetched, with no network."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from reingest.elexon.requests import Wire
from reingest.elexon.stack import RawStack, read_stack
from reingest.elexon.system_prices import read_system_prices
from reingest.errors import PayloadRejected
from reingest.lake.archive import Archive
from reingest.operations.date_inputs import FetchedStack
from reingest.operations.date_run import DateRun
from reingest.operations.witness_datasets import datasets_of
from reingest.store.fetches import Fetch, fetches_of_version, newest_fetches


def archived_fetches(run: DateRun) -> list[Fetch]:
    """Return the fetches that an archive run re-derives the date from.

    They are those of the served version. What it has no fetch of, because none was had or because somebody took it
    away, is taken from the newest good answer.
    """
    served = fetches_of_version(run.connection, run.current.id) if run.current.id is not None else []
    return [*served, *newest_fetches(run.connection, run.settlement_date, beside=run.current.id)]


def take_archived_stacks(run: DateRun, fetches: Iterable[Fetch], periods: Collection[int], *, carried: bool) -> None:
    """Read the archived stacks of these periods into the run; those that the archive lacks stay unasked.

    Raises:
        ArchiveError: a payload is missing or altered.
    """
    read = EmptyOnce()
    stacks = (
        read(run.archive, run.settlement_date, fetch)
        for fetch in fetches
        if fetch.dataset == "ISPSTACK" and fetch.period in periods and fetch.side in run.sides
    )
    run.add(replace(stack, carried=True) if carried else stack for stack in stacks)


def take_archived_prices(run: DateRun, fetches: Iterable[Fetch]) -> None:
    """Read the archived system prices into the run, if there are any.

    Raises:
        ArchiveError: the payload is missing or altered.
        PayloadRejected: it is not the system prices of the date.
    """
    for fetch in fetches:
        if fetch.dataset == "DISEBSP":
            body = run.archive.get(fetch.payload_sha256)
            prices = read_system_prices(body, settlement_date=run.settlement_date)
            run.system_prices = {price.period: price for price in prices}
            run.system_prices_fetch_id = fetch.id


def take_archived_witnesses(run: DateRun, fetches: Iterable[Fetch]) -> None:
    """Take the archived witnesses into the run, to be heard when the facts are derived."""
    wanted = datasets_of(run.settings, with_disptav=run.request.with_disptav)
    run.witness_fetch_ids += [fetch.id for fetch in fetches if fetch.dataset in wanted and fetch.side in run.sides]


@dataclass(frozen=True, slots=True)
class EmptyOnce:
    """Reads archived stacks of one date, each payload that is an empty list once.

    Such answers are the same bytes whatever was asked: half the stacks of a calm date are one file.
    """

    _known: dict[tuple[str, Wire], RawStack] = field(default_factory=dict)

    def __call__(self, archive: Archive, settlement_date: date, fetch: Fetch) -> FetchedStack:
        """Read one archived stack; what is wrong with its content stands in the result.

        Raises:
            ArchiveError: the payload is missing or altered.
        """
        key = fetch.payload_sha256, fetch.wire
        known = self._known.get(key)
        if known is not None and fetch.period is not None and fetch.side is not None:
            stack = replace(known, period=fetch.period, side=fetch.side)
            return FetchedStack(fetch.period, fetch.side, fetch.id, fetch.answered_at, stack)
        fetched = read_archived(archive, settlement_date, fetch)
        if fetched.stack is not None and not fetched.stack.rows:
            self._known[key] = fetched.stack
        return fetched


def read_archived(archive: Archive, settlement_date: date, fetch: Fetch) -> FetchedStack:
    """Read one archived stack; what is wrong with its content stands in the result.

    Raises:
        ArchiveError: the payload is missing or altered.
    """
    if fetch.period is None or fetch.side is None:
        raise ValueError(f"fetch {fetch.id} of ISPSTACK has no period or side")
    body = archive.get(fetch.payload_sha256)
    fetched = FetchedStack(fetch.period, fetch.side, fetch.id, fetch.answered_at)
    try:
        stack = read_stack(
            body, asked=fetch.wire, settlement_date=settlement_date, period=fetch.period, side=fetch.side
        )
    except PayloadRejected as error:
        return replace(fetched, error=error)
    return replace(fetched, stack=stack)
