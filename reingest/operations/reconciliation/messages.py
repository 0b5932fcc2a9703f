"""What people are told of a reconciliation: one message a cause, which lists every date that it is about.

A history that changed is always told, as is a date that is held now and was not before, one that could not be
compared, and a fault that stopped all of it. That a date which was missing is served now is no news, and a date that
stays held was told of when it was held.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Final

from reingest.errors import ReingestError
from reingest.operations.figures_text import counted
from reingest.operations.notices.notice import Notice
from reingest.operations.reconciliation.report import date_dict, next_command
from reingest.operations.reconciliation.words import altogether, change_text
from reingest.settings import NoticeKind
from reingest.store.reconciliation import JudgedDate, Reconciliation, Verdict

_MESSAGES: Final[tuple[tuple[Verdict, NoticeKind, str], ...]] = (
    ("repaired", "history_changed", "repaired: other figures are served now than before"),
    ("changed", "history_changed", "found to differ from what is served, and left"),
    ("held", "date_held", "held for a person: what was served still is"),
    ("failed", "date_failed", "not compared: the source did not give them"),
)
"""The verdict, the kind of notice, and what became of the dates."""


def notices_of(
    reconciliation: Reconciliation,
    dates: Sequence[JudgedDate],
    newly_held: Collection[date],
    broken_off: ReingestError | None,
) -> Iterator[Notice]:
    """Yield what people are told; nothing where nothing changed and nothing is left to do.

    Args:
        reconciliation: the cause.
        dates: all of its dates.
        newly_held: those of which it made a version that is held.
        broken_off: the fault that stopped it, if one did; a person who stops it knows.
    """
    if broken_off is not None:
        yield _notice_of_fault(reconciliation, dates, broken_off)
    for verdict, kind, told in _MESSAGES:
        about = [one for one in dates if one.verdict == verdict]
        if verdict == "held":
            about = [one for one in about if one.settlement_date in newly_held]
        if about:
            yield _notice(reconciliation, verdict, kind, about, told)


def _notice(
    reconciliation: Reconciliation, name: Verdict, kind: NoticeKind, about: Sequence[JudgedDate], told: str
) -> Notice:
    subject = f"{counted(len(about), 'date')} {told}"
    moved = "" if name == "failed" else f" ({altogether(about)})"
    lines = [f"  {_line(one)}" for one in about]
    show = f"reingest reconcile show {reconciliation.id}"
    return Notice(
        cause=f"reconciliation:{reconciliation.id}:{name}",
        kind=kind,
        subject=subject + moved,
        text="\n".join([f"{subject}{moved}.", "", *lines, "", f"Next: {show}"]),
        detail={"reconciliation": str(reconciliation.id), "dates": [date_dict(one) for one in about], "next": show},
        settlement_date=about[0].settlement_date if len(about) == 1 else None,
    )


def _notice_of_fault(reconciliation: Reconciliation, dates: Sequence[JudgedDate], error: ReingestError) -> Notice:
    left = sum(one.verdict is None for one in dates)
    subject = f"Reconciliation broken off, {left} of {counted(len(dates), 'date')} not compared: {error.sentence}"
    lines = [
        f"{subject}",
        "",
        f"{error.code}: {error}",
        "",
        "What was not come to stays due.",
        "",
        "Next: reingest reconcile",
    ]
    return Notice(
        cause=f"reconciliation:{reconciliation.id}:broken_off",
        kind="range_ended",
        subject=subject,
        text="\n".join(lines),
        detail={
            "reconciliation": str(reconciliation.id),
            "dates": len(dates),
            "left": left,
            "error": error.as_dict(),
            "next": "reingest reconcile",
        },
    )


def _line(one: JudgedDate) -> str:
    """Return a date with how far it moved, what stopped it, and what a person may do with it."""
    error = f"{one.error['code']}: {one.error['message']}" if one.error else ""
    command = next_command(one)
    parts = [str(one.settlement_date), change_text(one), error, f"Next: {command}" if command else ""]
    return "  ".join(part for part in parts if part)
