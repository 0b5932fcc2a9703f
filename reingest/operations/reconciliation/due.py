"""Which dates are due to be compared with the source, and why: told from what is known of them, whenever it is asked.

Nothing here knows when a reconciliation ran last, so one that was missed makes no difference: what it would have done
is due until it is done.

| reason | a date is due | until |
|---|---|---|
| `missing` | in the window, nothing served and nothing held | it is served or held |
| `held` | with a held version that could be published | it is published, or the source says something else |
| `stale` | whose figures the register would change | it is rebuilt |
| `provisional` | whose second run at Elexon is due | it was heard since, and is final |
| `reported` | that was found different when differences were only reported | it is published or confirmed |
| `D+2`, `D+3`, `D+8`, `D+31` | at 01:00 UTC of that day | it was heard since |
| `II` … `DF` | after a settlement run that is enabled | it was heard since |

A date is *heard* by a run that asked Elexon for the whole of it and came to an end; it counts from the run's beginning,
because what was answered before an instant says nothing of it. No date is due before 01:00 UTC of D+2: until then
Elexon has not calculated all of it twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from reingest.store.reconciliation import KnownDate
from reingest.store.settlement_runs import SettlementRun

MILESTONES: Final[Mapping[str, int]] = MappingProxyType({"D+2": 2, "D+3": 3, "D+8": 8, "D+31": 31})
"""Days after the settlement date at which it is asked again."""
COMPLETE_AFTER_DAYS: Final = 2
ASKED_AT: Final = time(1, tzinfo=UTC)
"""A date's last period is calculated anew by 00:14 UTC of D+2, whatever the clocks show in London."""
REPEAT_AFTER: Final = timedelta(hours=12)
"""How long a date that stays held, stale or provisional is left alone: less than a day, so that a daily run asks it."""

_HOLIDAYS: Final = 4
_WEEKDAYS_PER_HOLIDAY: Final = 30
_SATURDAY: Final = 5
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class DueDate:
    """A date to be compared with the source.

    Attributes:
        reason: Why, in one word; the gravest, where there are several.
        since: Since when; aware UTC.
    """

    settlement_date: date
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class DueRules:
    """By what dates are due.

    Attributes:
        now: Aware UTC.
        window_start: The first date that is missing where nothing is served of it.
        repairs: Whether differences are mended, and not only reported: one that stays as it is is asked again then.
        settlement_runs: Those that there are; only the enabled ones count.
    """

    now: datetime
    window_start: date
    repairs: bool
    settlement_runs: tuple[SettlementRun, ...] = ()


def due_dates(known: Iterable[KnownDate], rules: DueRules) -> tuple[DueDate, ...]:
    """Return the dates that are due, the newest first, each once."""
    found = (due_date(one, rules) for one in known)
    return tuple(sorted((due for due in found if due), key=lambda due: due.settlement_date, reverse=True))


def due_date(known: KnownDate, rules: DueRules) -> DueDate | None:
    """Return why a date is due, and since when; None where it is not."""
    if rules.now < milestone(known.settlement_date, COMPLETE_AFTER_DAYS):
        return None
    reason, since = next(_reasons(known, rules), (None, None))
    return DueDate(known.settlement_date, reason, since) if reason and since else None


def milestone(settlement_date: date, days: int) -> datetime:
    """Return the instant, in UTC, at which a date is asked again so many days after it."""
    return datetime.combine(settlement_date + timedelta(days=days), ASKED_AT)


def settlement_run_over(run: SettlementRun, settlement_date: date) -> datetime:
    """Return an instant by which a settlement run of a date is over.

    Working days are counted as weekdays, with more of them than England and Wales have bank holidays in between: the
    date is asked some days after the run rather than before it.
    """
    if run.months is not None:
        return milestone(_months_later(settlement_date, run.months), 1)
    weekdays = run.working_days or 0
    last = _weekdays_later(settlement_date, weekdays + _HOLIDAYS + weekdays // _WEEKDAYS_PER_HOLIDAY)
    return milestone(last, 1)


def _reasons(known: KnownDate, rules: DueRules) -> Iterator[tuple[str, datetime]]:
    """Yield why the date is due, the gravest reason first."""
    complete = milestone(known.settlement_date, COMPLETE_AFTER_DAYS)
    if not known.served and known.held_from is None and known.settlement_date >= rules.window_start:
        # Whatever it was heard to be, a date that should be served and is not is due where it may be served.
        if rules.repairs or not _heard(known, complete):
            yield "missing", complete
        return
    lasting = (("held", known.held_from), ("stale", known.stale_from), ("provisional", known.provisional_until))
    for reason, since in lasting:
        if since is not None and since <= rules.now and _asked_again(known, since, rules):
            yield reason, since
    if known.reported_at is not None and rules.repairs:
        yield "reported", known.reported_at
    if known.served:
        yield from _milestones(known, rules)


def _milestones(known: KnownDate, rules: DueRules) -> Iterator[tuple[str, datetime]]:
    """Yield the latest milestone that has passed, where the date was not heard since: one run does for all of them."""
    day = known.settlement_date
    instants = [(milestone(day, days), name) for name, days in MILESTONES.items()]
    instants += [(settlement_run_over(run, day), run.name) for run in rules.settlement_runs if run.enabled]
    at, name = max(one for one in instants if one[0] <= rules.now)
    if not _heard(known, at):
        yield name, at


def _asked_again(known: KnownDate, since: datetime, rules: DueRules) -> bool:
    """Tell whether a date in a state that lasts is asked: at once, and then, where that may mend it, now and again."""
    if not _heard(known, since):
        return True
    return rules.repairs and not _heard(known, rules.now - REPEAT_AFTER)


def _heard(known: KnownDate, since: datetime) -> bool:
    return known.heard_from is not None and known.heard_from >= since


def _weekdays_later(start: date, weekdays: int) -> date:
    day = start
    while weekdays:
        day += timedelta(days=1)
        weekdays -= day.weekday() < _SATURDAY
    return day


def _months_later(start: date, months: int) -> date:
    """Return the first day of the month after the one that many months later: no later than a month too late."""
    year, month = divmod(start.year * _MONTHS + start.month + months, _MONTHS)
    return date(year, month + 1, 1)
