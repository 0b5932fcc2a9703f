"""The report of a reconciliation: every date that was due with its verdict, as plain data and in words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reingest.curtailment.exact import plain
from reingest.errors import ReingestError
from reingest.operations.figures_text import counted
from reingest.operations.reconciliation.verdicts import DIFFERING, VERDICTS, exit_code
from reingest.store.reconciliation import JudgedDate, Moved, Reconciliation


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What a reconciliation found and did.

    Attributes:
        reconciliations: The ones that this came to: the new one, and before it any that was broken off and finished
            now; none where nothing was due.
        dates: Their dates, judged or not.
        interrupted: What broke it off, where something did.
    """

    reconciliations: tuple[Reconciliation, ...] = ()
    dates: tuple[JudgedDate, ...] = ()
    interrupted: ReingestError | None = None

    @property
    def exit_code(self) -> int:
        """The gravest exit code of the verdicts, and of what broke it off."""
        return max(exit_code(self.dates), self.interrupted.exit_code if self.interrupted else 0)

    @property
    def counts(self) -> dict[str, int]:
        """How many dates got which verdict, what a person should look at first; `unjudged` where one has none."""
        return counts_of(self.dates)

    @property
    def sentence(self) -> str:
        """What it came to, such as `3 repaired, 1 held, 26 same`."""
        return counts_text(self.counts) if self.dates else "nothing due"

    @property
    def differing(self) -> tuple[JudgedDate, ...]:
        """The dates of which the source says something else than was served."""
        return tuple(one for one in self.dates if one.verdict in DIFFERING)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for `--json`: exact decimals as text."""
        return {
            "reconciliations": [str(one.id) for one in self.reconciliations],
            "exit_code": self.exit_code,
            "counts": self.counts,
            "error": self.interrupted.as_dict() if self.interrupted else None,
            "dates": [date_dict(one) for one in self.dates],
        }

    def joined(self, other: "ReconcileReport") -> "ReconcileReport":
        """Return both as one."""
        return ReconcileReport(
            (*self.reconciliations, *other.reconciliations),
            (*self.dates, *other.dates),
            self.interrupted or other.interrupted,
        )


def counts_of(dates: Iterable[JudgedDate]) -> dict[str, int]:
    """Return how many dates got which verdict, in the order in which verdicts are told."""
    found: Counter[str] = Counter(one.verdict or "unjudged" for one in dates)
    return {verdict: found[verdict] for verdict in (*VERDICTS, "unjudged") if found[verdict]}


def counts_text(counts: Mapping[str, int]) -> str:
    """Return counts in words, such as `3 repaired, 1 held, 26 same`."""
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in (*VERDICTS, "unjudged") if counts.get(verdict))


def due_sentence(dates: Iterable[JudgedDate]) -> str:
    """Return why dates were due, such as `12 dates due: 10 D+2, 2 held`."""
    reasons = Counter(one.reason for one in dates)
    listed = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return f"{counted(reasons.total(), 'date')} due: {listed}" if reasons else "nothing due"


def date_dict(one: JudgedDate) -> dict[str, Any]:
    """Return a date for `--json`: exact decimals as text."""
    return {
        "settlement_date": one.settlement_date.isoformat(),
        "reason": one.reason,
        "due_since": one.due_since.isoformat(),
        "verdict": one.verdict,
        "version": one.version,
        "run_id": str(one.run_id) if one.run_id else None,
        "energy_mwh": _moved_dict(one.figures.energy_mwh),
        "payment_gbp": _moved_dict(one.figures.payment_gbp),
        "btc": {model: _moved_dict(moved) for model, moved in sorted(one.figures.btc.items())},
        "periods": None if one.figures.periods is None else list(one.figures.periods),
        "error": dict(one.error) if one.error else None,
        "next": next_command(one),
    }


def next_command(one: JudgedDate) -> str | None:
    """Return what a person may do with a date; None where nothing is left to do."""
    day = one.settlement_date
    if one.verdict == "held" and one.version is not None:
        return f"reingest publish {day} --version {one.version} --reason TEXT"
    if one.verdict == "held":
        return f"reingest date {day} --plan"
    if one.verdict == "failed":
        return str(one.error["next"]) if one.error else f"reingest date {day}"
    if one.verdict in ("changed", "missing"):
        return f"reingest date {day}"
    return None


def _moved_dict(moved: Moved) -> dict[str, str | None]:
    sides = {"before": moved.before, "after": moved.after, "change": moved.change}
    return {name: None if value is None else plain(value) for name, value in sides.items()}
