"""The verdict on each date of a reconciliation: what was found, what became of it, and how far its figures moved.

| verdict | what it says |
|---|---|
| `same` | the source says what is served |
| `changed` | it says something else; by the policy `report` nothing was done |
| `missing` | it has the date, which is not served; by the policy `report` nothing was done |
| `repaired` | it says something else, which is served now |
| `published` | the date was missing, and is served now |
| `held` | what it says is kept for a person, and not served; by the policy `report` it would have been |
| `failed` | it could not be asked, or not all of it |
| `locked` | another run had the date; it is due again |
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from reingest.curtailment.words import DEFAULT_DEFINITION
from reingest.errors import every_error
from reingest.operations.ranges.report import Change, DateEnd
from reingest.store.reconciliation import Figures, JudgedDate, Made, Moved, Planned, Verdict
from reingest.store.runs import RunOutcome

VERDICTS: Final[tuple[Verdict, ...]] = (
    "failed",
    "held",
    "repaired",
    "published",
    "changed",
    "missing",
    "locked",
    "same",
)
"""In the order in which they are told: what a person should look at comes first."""

DIFFERING: Final[frozenset[Verdict]] = frozenset({"repaired", "published", "changed", "missing", "held"})
"""Verdicts on dates of which the source says something else than was served."""

_EXIT_CODES: Final[Mapping[Verdict, int]] = MappingProxyType(
    {"same": 0, "repaired": 0, "published": 0, "changed": 1, "missing": 1, "held": 1, "locked": 3, "failed": 4}
)
_VERDICTS_OF_OUTCOMES: Final[Mapping[RunOutcome, Verdict]] = MappingProxyType(
    {"unchanged": "same", "published": "repaired", "held": "held", "locked": "locked"}
)
_EXIT_CODES_OF_ERRORS: Final[Mapping[str, int]] = MappingProxyType(
    {kind.code: kind.exit_code for kind in every_error()}
)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a date after its run.

    Attributes:
        end: How its run ended.
        made: The version that runs of the reconciliation published or held.
        planned: What its plan would have done.
    """

    end: DateEnd | None = None
    made: Made | None = None
    planned: Planned | None = None


def judged(due: JudgedDate, found: Found) -> JudgedDate:
    """Return the date with its verdict; without one where it has not been run.

    What is stored counts before what a run said: one that was killed after its publish is found unchanged by the next.
    """
    end, made = found.end, found.made
    if made is not None:
        verdict: Verdict = "held" if not made.published else "repaired" if made.served_before else "published"
        return replace(due, verdict=verdict, run_id=made.run_id, version=made.version, figures=made.figures)
    if end is None or end.outcome is None:
        return due
    verdict = _verdict_of_plan(found.planned) if end.outcome == "planned" else _verdict_of_outcome(end.outcome)
    differs = verdict in DIFFERING
    return replace(
        due,
        verdict=verdict,
        run_id=end.run_id,
        version=end.version,
        figures=_figures(end.changes, found.planned) if differs else Figures(),
        error=end.error.as_dict() if end.error and verdict == "failed" else None,
    )


def exit_code(dates: Iterable[JudgedDate]) -> int:
    """Return the gravest exit code of the dates' verdicts; the larger, the graver."""
    return max((_exit_code(one) for one in dates), default=0)


def _exit_code(one: JudgedDate) -> int:
    if one.verdict is None:
        return 0
    if one.verdict == "failed" and one.error:
        return _EXIT_CODES_OF_ERRORS.get(str(one.error["code"]), _EXIT_CODES["failed"])
    return _EXIT_CODES[one.verdict]


def _verdict_of_outcome(outcome: RunOutcome) -> Verdict:
    return _VERDICTS_OF_OUTCOMES.get(outcome, "failed")


def _verdict_of_plan(planned: Planned | None) -> Verdict:
    if planned is None:
        return "changed"  # its log was purged meanwhile: nobody can say that it is the same
    if planned.decision == "hold":
        return "held"
    if planned.decision == "unchanged":
        return "same"
    return "changed" if planned.served else "missing"


def _figures(changes: Iterable[Change], planned: Planned | None) -> Figures:
    """Return the figures that a run told; what it did not tell of is what it was."""
    moved = {
        change.figure: Moved(change.before, change.after)
        for change in changes
        if change.definition == DEFAULT_DEFINITION
    }
    energy, payment = (planned.energy_mwh, planned.payment_gbp) if planned else (None, None)
    return Figures(
        energy_mwh=moved.get("energy_mwh", Moved(energy, energy)),
        payment_gbp=moved.get("payment_gbp", Moved(payment, payment)),
        btc={figure.removeprefix("btc:"): one for figure, one in moved.items() if figure.startswith("btc:")},
        periods=tuple(planned.periods) if planned else None,
    )
