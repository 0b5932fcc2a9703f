"""What people are told of one date: that a version of it is held, or that a run of it failed."""

from collections.abc import Iterator
from typing import Any

from reingest.clock import utc_now
from reingest.curtailment.checks import Check
from reingest.curtailment.exact import plain
from reingest.curtailment.words import DefinitionName
from reingest.errors import ReingestError
from reingest.operations.date_run import DateRun
from reingest.operations.notices.notice import Notice
from reingest.store.runs import EXIT_CODES, RunOutcome

NOT_TOLD: frozenset[RunOutcome] = frozenset({"refused", "locked"})
"""Ends of a run that are nothing to tell: what was asked could not be meant, or another run does it."""


def held_notice(run: DateRun) -> Notice:
    """Return what people are told of the version that the run holds, one notice a version."""
    day, number = run.settlement_date, run.require_version()[1]
    return Notice(
        cause=f"date_held:{day}:{number}",
        kind="date_held",
        subject=f"Held: {day}, version {number}",
        text="\n".join(_held_lines(run, number)),
        detail={
            "settlement_date": day.isoformat(),
            "version": number,
            "served_version": run.current.number,
            "run_id": str(run.run.id),
            "checks": [_check(one) for one in run.failed_checks],
            "change": _change(run),
            "next": f"reingest publish {day} --version {number} --reason TEXT",
        },
        settlement_date=day,
    )


def failed_notice(run: DateRun, outcome: RunOutcome, error: ReingestError) -> Notice:
    """Return what people are told of a run that failed: of one date and one error, one notice a day."""
    day = run.settlement_date
    return Notice(
        cause=f"date_failed:{day}:{error.code}:{utc_now():%Y-%m-%d}",
        kind="date_failed",
        subject=f"Failed: {day}, {outcome.replace('_', ' ')}",
        text=f"{error.sentence}\n\n{error.code}: {error}\n\n{error.safe}\n\nNext:\n    {error.next_command}",
        detail={"run_id": str(run.run.id), "outcome": outcome, "exit_code": EXIT_CODES[outcome], **error.as_dict()},
        settlement_date=day,
    )


def _held_lines(run: DateRun, number: int) -> Iterator[str]:
    day, served = run.settlement_date, run.current.number
    still = f"version {served} is served as before" if served else "the date serves nothing yet"
    yield f"Version {number} of {day} is held: a person decides whether it is published. Until then {still}."
    yield ""
    yield "What holds it:"
    for check in run.failed_checks:
        detail = f" ({check.detail})" if check.detail else ""
        yield f"  - {check.name}: {check.actual}, expected {check.expected}{detail}"
    yield ""
    yield "Next:"
    if served:
        yield f"    reingest diff {day} {served} {number}"
    yield f"    reingest publish {day} --version {number} --reason TEXT"


def _check(check: Check) -> dict[str, str]:
    return {"name": check.name, "expected": check.expected, "actual": check.actual, "detail": check.detail}


def _change(run: DateRun) -> dict[DefinitionName, dict[str, Any]]:
    """Return by definition what the version would change of the day; before is null where nothing is served."""
    found: dict[DefinitionName, dict[str, Any]] = {}
    for outlook in run.outlook:
        if outlook.span == "day":
            old, new = outlook.served, outlook.new
            found[outlook.definition] = {
                name: {
                    "before": None if old is None else plain(getattr(old, name)),
                    "after": plain(getattr(new, name)),
                }
                for name in ("energy_mwh", "payment_gbp")
            }
    return found
