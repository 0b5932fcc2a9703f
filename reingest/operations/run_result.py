"""What a run leaves for whoever follows it from elsewhere: its exit code, its report or error, and both in words."""

from typing import Any

from reingest.errors import ReingestError
from reingest.operations.report import DateReport
from reingest.operations.report_text import report_lines


def report_result(report: DateReport) -> dict[str, Any]:
    """Return the result of a run that went through its stages: `exit_code`, `report` (as `--json`), `lines`."""
    return {"exit_code": report.exit_code, "report": report.as_dict(), "lines": list(report_lines(report))}


def error_result(error: ReingestError) -> dict[str, Any]:
    """Return the result of a run that an error stopped: `exit_code`, `error` (as `--json`)."""
    return {"exit_code": error.exit_code, "error": error.as_dict()}
