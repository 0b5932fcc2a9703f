"""Versions and dates: what is served is what was published last, whole, from the instant that is said."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from reingest.calendar import period_count
from reingest.operations.doctor.dates import ExaminedDate, explaining
from reingest.operations.doctor.finding import Finding
from reingest.store.examined import ExaminedVersion, examined_periods
from reingest.store.gaps import accepted_gaps


def current_version(examined: ExaminedDate) -> Iterator[Finding]:
    """Find a date that points at another version than the published one, or at none."""
    day, published = examined.day, examined.published
    pointed = day.current_version_id if day else None
    if pointed == (published.id if published else None):
        return
    numbers = {version.id: f"version {version.number}, {version.state}" for version in examined.versions}
    found = "no version" if pointed is None else numbers.get(pointed, f"a version of another date (id {pointed})")
    expected = f"version {published.number}, which is published" if published else "no version: none is published"
    # With no published version to point at, only another publish can mend it.
    instead = None if published else examined.rebuilding()
    yield examined.finding("current-version-differs", found, expected, target=published, instead=instead)


def generation(examined: ExaminedDate) -> Iterator[Finding]:
    """Find a generation that is not that of the last publish."""
    day, published = examined.day, examined.published
    if day is None or published is None or day.generation == published.generation_at_last:
        return
    expected = f"generation {published.generation_at_last}, of version {published.number}"
    target = published, day.generation
    yield examined.finding("generation-differs", f"generation {day.generation}", expected, target=target)


def last_number(examined: ExaminedDate) -> Iterator[Finding]:
    """Find a counter of version numbers that is behind the versions there are."""
    largest = max((version.number for version in examined.versions), default=0)
    if examined.day is not None and examined.day.last_number < largest:
        found, expected = f"last number {examined.day.last_number}", f"{largest} or more"
        yield examined.finding("last-number-behind", found, expected, target=largest)


def chain(examined: ExaminedDate) -> Iterator[Finding]:
    """Find versions that were not served until the next one was, and publishes that are missing between two."""
    for before, after in pairwise(examined.served):
        if after.generation != before.generation_at_last + 1:
            around = f"{before.generation_at_last} and {after.generation}"
            missing = f"generations {around}, of version {after.number}, side by side"
            expected = "every generation between them"
            yield examined.finding("superseded-chain-broken", missing, expected, version=before, instead=explaining())
        swapped = published_at(before, after, examined.site.moment)
        if before.served_to != swapped:
            yield examined.finding(
                "superseded-chain-broken",
                f"served until {_text(before.served_to)}",
                f"served until {_text(swapped)}, when version {after.number} was published",
                version=before,
                target=(before, before.served_from, swapped),
            )


def served_from(examined: ExaminedDate) -> Iterator[Finding]:
    """Find versions that are said to be served from an instant at which they were not published."""
    for before, version in pairwise((None, *examined.served)):
        if version is None:
            continue
        right = published_at(before, version, examined.site.moment)
        if version.served_from != right:
            yield examined.finding(
                "served-from-impossible",
                f"served from {_text(version.served_from)}",
                f"served from {_text(right)}",
                version=version,
                target=(version, right, version.served_to),
            )


def published_at(before: ExaminedVersion | None, version: ExaminedVersion, now: datetime) -> datetime | None:
    """Return when a version was published.

    One transaction writes that instant to the version, to the one that it replaced and to the outbox; where the three
    differ, two that agree are right, else the outbox, else what can be.
    """
    accounts = [version.served_from, before.served_to if before else None, version.outbox_at]
    agreed = next((one for one in accounts if one is not None and accounts.count(one) > 1), None)
    if agreed is not None or version.outbox_at is not None:
        return agreed or version.outbox_at
    possible = (one for one in accounts if one is not None and version.created_at <= one <= now)
    return next(possible, version.served_from)


def complete(examined: ExaminedDate) -> Iterator[Finding]:
    """Find periods of the served version that are missing, too many, or without a good answer."""
    version = examined.published
    if version is None:
        return
    rows = {(row.period, row.side): row.outcome for row in examined_periods(examined.site.connection, version.id)}
    calendar = range(1, period_count(examined.settlement_date) + 1)
    wanted = {(period, side) for period in calendar for side in version.sides}
    gaps = accepted_gaps(examined.site.connection, examined.settlement_date)
    for period, side in sorted(wanted | rows.keys()):
        outcome = rows.get((period, side))
        if (period, side) not in wanted:
            found, expected = f"{outcome}", "no such period on this date"
        elif outcome == "not_published" and (period, side) in gaps:
            continue
        elif outcome not in ("fetched", "confirmed_empty"):
            found, expected = outcome or "no such period", "fetched or confirmed_empty"
        else:
            continue
        yield examined.finding(
            "date-incomplete",
            found,
            expected,
            version=version,
            about=f"period {period} {side}",
            instead=examined.rebuilding(),
        )


def held(examined: ExaminedDate) -> Iterator[Finding]:
    """Find held versions that a person could publish now; one that was altered since is another finding."""
    generation = examined.day.generation if examined.day else 0
    for version in examined.versions:
        if version.state == "held" and version.basis_generation == generation and version.id not in examined.altered:
            yield examined.finding(
                "held-date", "held, and could be published", "published, or overtaken by another run", version=version
            )


def periods_account(examined: ExaminedDate) -> Iterator[Finding]:
    """Find rows that are not accounted for, and periods that stand in another answer than their own."""
    version = examined.published
    if version is None:
        return
    rows = examined_periods(examined.site.connection, version.id)
    for row in rows:
        about = f"period {row.period} {row.side}"
        if row.rows != row.accepted + row.rejects or row.rejects != row.stored_rejects:
            found = (
                f"{row.rows} rows, {row.accepted} accepted, {row.rejects} rejects, {row.stored_rejects} of them stored"
            )
            expected = "rows = accepted + rejects, and as many rejects stored"
            yield _rebuilt(examined, "rejects-sum", version, about, found, expected)
        if not row.own_fetch:
            found, expected = f"fetch {row.fetch_id}", "a fetch of this period and side"
            yield _rebuilt(examined, "fetch-of-other-subject", version, about, found, expected)
    counted = sum(row.rows for row in rows), sum(row.stored_rejects for row in rows)
    if counted != (version.rows, version.rejects):
        found = f"{version.rows} rows and {version.rejects} rejects"
        expected = f"{counted[0]} rows and {counted[1]} rejects, over its periods"
        yield _rebuilt(examined, "rejects-sum", version, "", found, expected)


def _rebuilt(
    examined: ExaminedDate, kind: str, version: ExaminedVersion, about: str, found: str, expected: str
) -> Finding:
    return examined.finding(kind, found, expected, version=version, about=about, instead=examined.rebuilding())


def _text(instant: datetime | None) -> str:
    return instant.isoformat() if instant else "never"
