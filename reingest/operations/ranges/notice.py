"""What people are told of a range: that dates of it are not as they should be, or that what is served has changed."""

from typing import Any, Final

from reingest.operations.notices.notice import Notice
from reingest.operations.ranges.report import DateEnd, RangeReport
from reingest.operations.ranges.report_text import counts_text, range_lines

_LISTED: Final = 100
"""How many dates a message has; `reingest range show` has every one."""


def range_notice(report: RangeReport) -> Notice | None:
    """Return what people are told of a range that ended or that a fault interrupted; None where it is no news.

    No news are a plan, a range in which nothing that was served before has changed and nothing is left to do, one that
    a person stopped, and one of a reconciliation, which tells people itself.
    """
    changed = [end for end in report.ends if end.is_well and end.changed_what_was_served]
    is_news = report.left or changed if report.state == "done" else report.error
    if report.plan or report.kind != "range" or not is_news:
        return None
    when = "" if report.error is None else f":{report.error.code}:{report.counts['pending']}"
    return Notice(
        cause=f"range_ended:{report.range_id}{when}",
        kind="range_ended",
        subject=f"Range {'ended' if report.state == 'done' else 'interrupted'}: {counts_text(report)}",
        text="\n".join([*range_lines(report), "", "Every date:", f"    reingest range show {report.range_id}"]),
        detail={
            "range_id": str(report.range_id),
            "state": report.state,
            "counts": dict(sorted(report.counts.items())),
            "exit_code": report.exit_code,
            "error": report.error.as_dict() if report.error else None,
            "left": [_left(end) for end in report.left[:_LISTED]],
            "changed": [end.as_dict() for end in changed[:_LISTED]],
            "next": report.next_command or f"reingest range show {report.range_id}",
        },
    )


def _left(end: DateEnd) -> dict[str, Any]:
    return {name: value for name, value in end.as_dict().items() if name != "changes"}
