"""Answers from the archive: the payloads of the served version, or the newest fetched, with no network."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from reingest.elexon.stack import read_stack
from reingest.elexon.system_prices import read_system_prices
from reingest.errors import PayloadRejected
from reingest.operations.date_run import DateRun, FetchedStack
from reingest.store.fetches import Fetch, fetches_of_version, newest_fetches


def archived_fetches(run: DateRun) -> list[Fetch]:
    """Return the fetches that an archive run re-derives the date from."""
    if run.current.id is not None:
        return fetches_of_version(run.connection, run.current.id)
    return newest_fetches(run.connection, run.settlement_date)


def take_archived_stacks(run: DateRun, fetches: Iterable[Fetch], periods: Collection[int], *, carried: bool) -> None:
    """Read the archived stacks of these periods into the run; those that the archive lacks stay unasked.

    Raises:
        ArchiveError: a payload is missing or altered.
    """
    run.add(
        _read(run, fetch, carried=carried)
        for fetch in fetches
        if fetch.dataset == "ISPSTACK" and fetch.period in periods and fetch.side in run.sides
    )


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


def _read(run: DateRun, fetch: Fetch, *, carried: bool) -> FetchedStack:
    if fetch.period is None or fetch.side is None:
        raise ValueError(f"fetch {fetch.id} of ISPSTACK has no period or side")
    body = run.archive.get(fetch.payload_sha256)
    fetched = FetchedStack(fetch.period, fetch.side, fetch.id, fetch.answered_at, carried=carried)
    try:
        stack = read_stack(
            body, asked=fetch.wire, settlement_date=run.settlement_date, period=fetch.period, side=fetch.side
        )
    except PayloadRejected as error:
        return replace(fetched, error=error)
    return replace(fetched, stack=stack)
