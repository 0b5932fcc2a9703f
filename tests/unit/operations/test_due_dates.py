"""Which dates are due: against plain models, over clock changes, and for every state that a date may be in."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.operations.reconciliation.due import (
    MILESTONES,
    REPEAT_AFTER,
    DueRules,
    due_date,
    due_dates,
    milestone,
    settlement_run_over,
)
from reingest.store.reconciliation import KnownDate
from reingest.store.settlement_runs import SettlementRun

DAY = date(2025, 3, 10)
COMPLETE = milestone(DAY, 2)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SETTLEMENT_RUNS = tuple(
    SettlementRun(name, days, months, enabled=False)
    for name, days, months in (
        ("II", 5, None), ("SF", 16, None), ("R1", 39, None), ("R2", 84, None), ("R3", 154, None), ("RF", 292, None),
        ("DF", None, 28),
    )
)  # fmt: skip
HOLIDAYS = {
    *(date(2024, *day) for day in ((1, 1), (3, 29), (4, 1), (5, 6), (5, 27), (8, 26), (12, 25), (12, 26))),
    *(date(2025, *day) for day in ((1, 1), (4, 18), (4, 21), (5, 5), (5, 26), (8, 25), (12, 25), (12, 26))),
    *(date(2026, *day) for day in ((1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (8, 31), (12, 25), (12, 28))),
    *(date(2027, *day) for day in ((1, 1), (3, 26), (3, 29), (5, 3), (5, 31), (8, 30), (12, 27), (12, 28))),
}
"""Bank holidays of England and Wales, as published."""

days = st.dates(date(2024, 1, 1), date(2026, 12, 31))
instants = st.datetimes(datetime(2024, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001
known_dates = st.builds(
    KnownDate,
    settlement_date=days,
    served=st.booleans(),
    heard_from=st.none() | instants,
    held_from=st.none() | instants,
    stale_from=st.none() | instants,
    provisional_until=st.none() | instants,
    reported_at=st.none() | instants,
)


def rules(now: datetime, *, repairs: bool = True, window_start: date = date.min) -> DueRules:
    return DueRules(now, window_start, repairs, SETTLEMENT_RUNS)


def reason_of(known: KnownDate, now: datetime, *, repairs: bool = True) -> str | None:
    due = due_date(known, rules(now, repairs=repairs))
    return due.reason if due else None


@given(days, st.lists(st.timedeltas(timedelta(0), timedelta(days=60)), min_size=1, max_size=40).map(sorted))
def test_each_milestone_is_heard_once(day: date, offsets: list[timedelta]) -> None:
    """Whenever reconciliations run, a date that is heard each time is due just where a milestone passed in between."""
    served_at = milestone(day, 0)
    runs = [served_at + offset for offset in offsets]
    instants_of = [milestone(day, after) for after in MILESTONES.values()]
    heard = served_at
    for now in runs:
        known = KnownDate(day, served=True, heard_from=heard)
        assert bool(due_date(known, rules(now))) == any(heard < at <= now for at in instants_of)
        heard = now if due_date(known, rules(now)) else heard


@pytest.mark.parametrize("day", [date(2025, 3, 28), date(2025, 3, 30), date(2025, 10, 24), date(2025, 10, 26)])
def test_a_milestone_is_at_one_in_the_morning_utc(day: date) -> None:
    """Where the clocks of London change, a date is due at 01:00 UTC all the same, and not a microsecond before."""
    at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + timedelta(days=2)
    fresh = KnownDate(day, served=True, heard_from=at - timedelta(hours=20))
    assert reason_of(fresh, at - timedelta(microseconds=1)) is None
    assert reason_of(fresh, at) == "D+2"


@given(known_dates, st.timedeltas(timedelta(microseconds=1), timedelta(days=400)), st.booleans())
def test_nothing_is_due_before_it_is_complete(known: KnownDate, before: timedelta, repairs: bool) -> None:
    """Whatever is known of a date, it is not due before 01:00 UTC of D+2."""
    now = milestone(known.settlement_date, 2) - before
    assert due_date(known, rules(now, repairs=repairs)) is None


@given(known_dates, instants, st.booleans(), st.timedeltas(timedelta(0), timedelta(days=30)))
def test_what_is_due_follows_a_plain_model(
    known: KnownDate,
    now: datetime,
    repairs: bool,
    gap: timedelta,
) -> None:
    """The reasons are those of the table in the module, each judged by itself, and the gravest is told."""
    window_start = known.settlement_date - timedelta(days=3) + gap
    due = due_date(known, DueRules(now, window_start, repairs, SETTLEMENT_RUNS))
    model = modelled_reasons(known, now, window_start, repairs=repairs)
    assert (due.reason if due else None) == (model[0] if model else None)
    assert due is None or due.since <= now or due.reason == "reported"


def modelled_reasons(known: KnownDate, now: datetime, window_start: date, *, repairs: bool) -> list[str]:
    """Return why a date is due, written down without regard to how that is found out."""
    day, heard = known.settlement_date, known.heard_from or LONG_AGO
    if now < datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + timedelta(days=2):
        return []
    gone = not known.served and known.held_from is None
    if gone and day >= window_start:
        return ["missing"] if repairs or heard < milestone(day, 2) else []
    reasons = []
    for name, since in (
        ("held", known.held_from),
        ("stale", known.stale_from),
        ("provisional", known.provisional_until),
    ):
        begun = since is not None and since <= now
        if begun and since is not None and (heard < since or (repairs and heard < now - REPEAT_AFTER)):
            reasons.append(name)
    if known.reported_at is not None and repairs:
        reasons.append("reported")
    passed = [name for name, after in MILESTONES.items() if milestone(day, after) <= now]
    if known.served and heard < milestone(day, MILESTONES[passed[-1]]):
        reasons.append(passed[-1])
    return reasons


@pytest.mark.parametrize("state", ["held_from", "stale_from", "provisional_until"])
def test_a_state_that_lasts_is_asked_again_daily_where_that_may_mend_it(state: str) -> None:
    """A held, stale or provisional date is asked at once, then every half day; where nothing is mended, once."""
    onset = COMPLETE + timedelta(days=40)
    known = replace(KnownDate(DAY, served=True), **{state: onset})  # type: ignore[arg-type]  # they are all instants
    assert reason_of(replace(known, heard_from=onset - timedelta(hours=1)), onset)
    heard = replace(known, heard_from=onset + timedelta(hours=1))
    assert reason_of(heard, onset + REPEAT_AFTER) is None
    assert reason_of(heard, onset + timedelta(hours=2) + REPEAT_AFTER)
    assert reason_of(heard, onset + timedelta(days=9), repairs=False) is None


def test_a_missing_date_is_due_within_the_window_only() -> None:
    """Nothing served and nothing held is missing from the window's first date on; where it is held, it is held."""
    now = COMPLETE + timedelta(days=9)
    nothing = KnownDate(DAY, served=False)
    assert [one.reason for one in due_dates([nothing], rules(now, window_start=DAY))] == ["missing"]
    assert due_dates([nothing], rules(now, window_start=DAY + timedelta(days=1))) == ()
    assert reason_of(KnownDate(DAY, served=False, held_from=COMPLETE), now) == "held"


def test_dates_come_newest_first_and_once() -> None:
    """What people look at first is compared first."""
    known = [KnownDate(DAY + timedelta(days=offset), served=True) for offset in range(5)]
    found = [due.settlement_date for due in due_dates(known, rules(COMPLETE + timedelta(days=99)))]
    assert found == sorted({one.settlement_date for one in known}, reverse=True)


@pytest.mark.parametrize("run", SETTLEMENT_RUNS[:-1], ids=lambda run: run.name)
def test_a_date_is_asked_after_its_settlement_run(run: SettlementRun) -> None:
    """By the bank holidays as published, every date is asked after the run and within four weeks of it."""
    for offset in range(366):
        day = date(2024, 12, 1) + timedelta(days=offset)
        over, ran_on = settlement_run_over(run, day), working_days_later(day, run.working_days or 0)
        assert ran_on < over.date() <= ran_on + timedelta(days=28)


def test_the_last_run_is_counted_in_months() -> None:
    """DF is over on the first day of a month, after 28 months and before 29 and a day."""
    for month in range(1, 13):
        day = date(2024, month, 28)
        over = settlement_run_over(SETTLEMENT_RUNS[-1], day).date()
        assert timedelta(days=28 * 30) < over - day < timedelta(days=29 * 31)
        assert over.day == 2


def test_enabled_settlement_runs_are_milestones() -> None:
    """A date is due once after each settlement run that is enabled, and after no other."""
    enabled = tuple(SettlementRun(run.name, run.working_days, run.months, enabled=True) for run in SETTLEMENT_RUNS)
    overs = [settlement_run_over(run, DAY) for run in enabled]
    assert all(one < other for one, other in pairwise(overs))
    for run, over in zip(enabled, overs, strict=True):
        known = KnownDate(DAY, served=True, heard_from=over - timedelta(seconds=1))
        found = due_date(known, DueRules(over, date.min, repairs=True, settlement_runs=enabled))
        assert found is not None
        assert found.reason in (run.name, "D+31")
    late = KnownDate(DAY, served=True, heard_from=overs[3] - timedelta(seconds=1))
    assert reason_of(late, overs[3]) is None


def working_days_later(day: date, working_days: int) -> date:
    while working_days:
        day += timedelta(days=1)
        working_days -= day.weekday() < 5 and day not in HOLIDAYS
    return day
