"""The verdict on a date, from how its run ended and what is stored; and the calendar that shows verdicts."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.errors import PartialDate, SourceUnreachable
from reingest.operations.ranges.report import Change, DateEnd, EndError
from reingest.operations.reconciliation.calendar_table import NO_DAY, NOT_DUE, SIGNS, calendar_rows
from reingest.operations.reconciliation.report import counts_of, counts_text, next_command
from reingest.operations.reconciliation.verdicts import VERDICTS, Found, exit_code, judged
from reingest.store.reconciliation import Figures, JudgedDate, Made, Moved, Planned, Verdict
from reingest.store.runs import EXIT_CODES, RunOutcome

DAY = date(2025, 3, 10)
RUN = UUID(int=1)
DUE = JudgedDate(DAY, "D+31", datetime(2025, 4, 10, 1, tzinfo=UTC))
FIGURES = Figures(Moved(Decimal(1), Decimal(3)), Moved(Decimal(5), Decimal(-5)), {}, (4,))


def end(outcome: RunOutcome, error: EndError | None = None) -> DateEnd:
    changes = (
        Change("energy_mwh", "so_flagged", Decimal(1), Decimal(3)),
        Change("energy_mwh", "net", None, Decimal(9)),
    )
    return DateEnd(DAY, outcome, EXIT_CODES[outcome], RUN, 2, error, changes=changes)


def planned(decision: str, *, served: bool = True) -> Planned:
    return Planned(DAY, decision, [4], served, Decimal(1), Decimal(5))  # type: ignore[arg-type]  # one of three


@pytest.mark.parametrize(
    ("outcome", "plan", "verdict"),
    [
        ("unchanged", None, "same"),
        ("held", None, "held"),
        ("locked", None, "locked"),
        ("planned", planned("unchanged"), "same"),
        ("planned", planned("publish"), "changed"),
        ("planned", planned("publish", served=False), "missing"),
        ("planned", planned("hold"), "held"),
        ("planned", None, "changed"),
        ("partial", None, "failed"),
        ("conflict", None, "failed"),
        ("bug", None, "failed"),
    ],
)
def test_a_verdict_follows_the_run(outcome: RunOutcome, plan: Planned | None, verdict: Verdict) -> None:
    """Each outcome of a run has its verdict; of a plan its decision has."""
    assert judged(DUE, Found(end(outcome), planned=plan)).verdict == verdict


@pytest.mark.parametrize(
    ("published", "served_before", "verdict"),
    [(True, True, "repaired"), (True, False, "published"), (False, True, "held"), (False, False, "held")],
)
def test_what_is_stored_counts_before_what_a_run_said(
    published: bool,
    served_before: bool,
    verdict: Verdict,
) -> None:
    """A date that its second run found unchanged, because the first one was killed after its publish, is repaired."""
    made = Made(RUN, 3, published, served_before, FIGURES)
    one = judged(DUE, Found(end("unchanged"), made))
    assert (one.verdict, one.version, one.figures) == (verdict, 3, FIGURES)


def test_what_was_not_come_to_has_no_verdict() -> None:
    """A date that was not run is left as it was: it stays due, and counts as no fault."""
    assert judged(DUE, Found()) == judged(DUE, Found(DateEnd(DAY))) == DUE
    assert (counts_of([DUE]), exit_code([DUE]), next_command(DUE)) == ({"unjudged": 1}, 0, None)


def test_a_plan_tells_every_figure() -> None:
    """What a plan did not tell of is as it is served; only the default definition counts."""
    figures = judged(DUE, Found(end("planned"), planned=planned("publish"))).figures
    assert (figures.energy_mwh.change, figures.payment_gbp.change, figures.periods) == (Decimal(2), Decimal(0), (4,))


def test_the_gravest_verdict_decides_the_exit_code() -> None:
    """A date that failed counts with its own error's exit code, and the larger code is the graver."""
    partial, unreachable = (
        judged(DUE, Found(end("partial", EndError.from_dict(error.as_dict()))))
        for error in (PartialDate(), SourceUnreachable())
    )
    held = judged(DUE, Found(end("held")))
    assert [exit_code([one]) for one in (held, partial, unreachable)] == [1, 4, 4]
    assert exit_code([held, partial]) == 4
    assert next_command(partial) == "reingest date D"
    assert next_command(held) == f"reingest publish {DAY} --version 2 --reason TEXT"


@given(st.lists(st.sampled_from([*VERDICTS, None])))
def test_counts_are_told_in_one_order(verdicts: list[Verdict | None]) -> None:
    """Every date is counted once, whatever its verdict, and what a person should look at comes first."""
    counts = counts_of([JudgedDate(DAY, "D+8", DUE.due_since, verdict) for verdict in verdicts])
    assert sum(counts.values()) == len(verdicts)
    assert list(counts) == [name for name in (*VERDICTS, "unjudged") if name in counts]
    assert counts_text(counts).count(",") == max(len(counts) - 1, 0)


@given(st.dictionaries(st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.sampled_from([*VERDICTS, None])))
def test_the_calendar_has_a_sign_for_each_date(verdicts: dict[date, Verdict | None]) -> None:
    """Each date stands at its day of its month, and every other day that the month has is not due."""
    dates = [JudgedDate(day, "D+8", DUE.due_since, verdict) for day, verdict in verdicts.items()]
    shown = {
        (month, day): sign
        for month, signs in calendar_rows(dates)
        for day, sign in enumerate(signs, 1)
        if sign != NO_DAY
    }
    for (month, day), sign in shown.items():
        found = verdicts.get(date.fromisoformat(f"{month}-{day:02}"), "not due")
        assert sign == (NOT_DUE if found == "not due" else SIGNS[found or "unjudged"])
    assert {date.fromisoformat(f"{month}-{day:02}") for month, day in shown} >= set(verdicts)
