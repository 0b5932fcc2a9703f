"""What happened, in one sentence: for the state of a flow run, a log line, a message."""

from collections.abc import Mapping
from typing import Final

from reingest.operations.date_run import Decision
from reingest.operations.report import DateReport

_WOULD: Final[Mapping[Decision, str]] = {
    "publish": "publish it",
    "hold": "hold it",
    "unchanged": "find it unchanged",
}


def outcome_sentence(report: DateReport) -> str:
    """Return one sentence that tells how the run ended, and what is served now."""
    if report.outcome == "held":
        failed = [check for check in report.checks if check.status == "fail"]
        why = "; ".join(f"{check.name}: {check.actual}, expected {check.expected}" for check in failed)
        return f"Version {report.version} is held by {why}. {_still_served(report)}"
    if report.outcome == "planned":
        return f"Nothing was changed. {would(report)}"
    if report.outcome == "unchanged":
        return f"Version {report.version} is served as before, at generation {report.generation}"
    return f"Version {report.version} is served, at generation {report.generation}; {_differences(report)}"


def would(report: DateReport) -> str:
    """Return what a run would do that has only been planned."""
    return f"A run would {_WOULD[report.decision]}"


def _still_served(report: DateReport) -> str:
    return f"Version {report.served_version} is still served" if report.served_version else "Nothing is served"


def _differences(report: DateReport) -> str:
    if report.served_version is None:
        return f"{report.records:,} curtailment records, the first version of the date"
    diff = report.diff
    return (
        f"against version {report.served_version}: {len(diff.added)} records added, {len(diff.removed)} removed, "
        f"{len(diff.changed)} changed"
    )
