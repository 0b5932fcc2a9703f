"""Checks of what a source may say by mistake: wrong sums, another run, flags left out, a unit's name written otherwise.

Each figure of an answer can be readable and the answer be wrong all the same. These checks compare answers with each
other, with the register and with what is served.
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from reingest.curtailment.checks import Check, shown
from reingest.curtailment.exact import ZERO, plain
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.stack_facts import StackFacts, Subject
from reingest.curtailment.verdicts import REASONS, Difference, RuleVerdict
from reingest.curtailment.witness_rules import WitnessRule
from reingest.curtailment.words import CheckStatus

FUTURE_TOLERANCE: Final = timedelta(days=3)
"""How far ahead of our own clock a calculation may claim to lie: clocks differ, and a stand-in foretells final runs."""


def witness_check(verdict: RuleVerdict, otherwise: CheckStatus = "fail") -> Check:
    """Check that a witness does not contradict the stacks.

    A difference that a rejected row or an older fetch may explain is said, and does not hold the date by itself. What
    could not be compared is said too: it is no fault, and no pass.

    Args:
        verdict: What the witness says by its rule.
        otherwise: What becomes of a date that it contradicts.
    """
    rule = verdict.rule
    differing = [one for one in verdict.differences if one.cause is None]
    explained = len(verdict.differences) - len(differing)
    without = sum(verdict.not_compared.values()) + explained
    status: CheckStatus = otherwise if differing else "pass" if verdict.status == "verified" else "warn"
    return Check(
        name=f"witness:{rule.name}",
        status=status,
        expected=rule.describe,
        actual=f"{len(differing)} of {verdict.compared - explained} differ"
        + (f", {without} could not be compared" if without else ""),
        detail=shown(_difference(one, rule) for one in differing) or "; ".join(_left(verdict, explained)),
    )


def _difference(one: Difference, rule: WitnessRule) -> str:
    said, heard = (plain(amount or ZERO) for amount in (one.stack, one.witness))
    return f"{subject_text(one)}: the rows come to {said} {rule.unit}, {rule.dataset} says {heard} {rule.unit}"


def subject_text(one: Difference) -> str:
    """Return what a difference is about, as in `period 1 bid T_LARYW-1 acceptance 1001 pair -1`."""
    acceptance = f"acceptance {one.acceptance_id}" if one.acceptance_id is not None else ""
    pair = f"pair {one.pair_id}" if one.pair_id is not None else ""
    parts = (f"period {one.period} {one.side}", one.bm_unit or "", acceptance, pair)
    return " ".join(part for part in parts if part)


def _left(verdict: RuleVerdict, explained: int) -> Iterator[str]:
    for reason, amounts in sorted(verdict.not_compared.items()):
        yield f"{amounts} could not be compared: {REASONS[reason]}"
    if explained:
        yield f"{explained} differ, which a rejected row or an earlier fetch may explain"


def calculation_runs(
    created: Mapping[int, datetime | None],
    served: Mapping[int, datetime | None],
    *,
    changed: Collection[int],
    latest: datetime | None,
    answered_at: datetime | None,
) -> Check:
    """Check that no answer is of a later run than there can be, and none that changes a figure of an earlier one.

    Elexon serves its latest run only, so an earlier one than is served comes from a stale cache.

    Args:
        created: When each period's figures were calculated.
        served: The same of what is served now.
        changed: Periods whose records differ from what is served.
        latest: The latest `createdDateTime` of any row.
        answered_at: When the last answer was complete.
    """
    wrong = []
    if latest is not None and answered_at is not None and latest > answered_at + FUTURE_TOLERANCE:
        wrong.append(f"a row was calculated at {latest.isoformat()}, and it was answered at {answered_at.isoformat()}")
    for period in sorted(changed):
        now, before = created.get(period), served.get(period)
        if now is not None and before is not None and now < before:
            wrong.append(
                f"period {period} was calculated at {now.isoformat()}, what is served of it at {before.isoformat()}"
            )
    return Check(
        name="calculation_runs",
        status="fail" if wrong else "pass",
        expected="no changed figure of an earlier run than is served, and none of the future",
        actual=f"{len(wrong)} periods are not so" if wrong else "so",
        detail=shown(wrong),
    )


def so_flags(records: Iterable[CurtailmentRecord], stacks: Mapping[Subject, StackFacts]) -> Check:
    """Check that the SO flag was not left out: a stack that never says it would count as not flagged at all.

    A single row without it is legitimate, counts as not flagged, and is said.
    """
    silent = {subject for subject, stack in stacks.items() if not stack.flagged}
    unflagged = [record for record in records if record.side == "bid" and record.so_flag is None]
    lost = sorted({(record.period, record.side) for record in unflagged} & silent)
    status: CheckStatus = "fail" if lost else "warn" if unflagged else "pass"
    named = [f"no row of period {period} {side} has one" for period, side in lost] or [
        f"period {record.period} {record.bm_unit}" for record in unflagged
    ]
    return Check(
        name="so_flags",
        status=status,
        expected="every wind bid says whether it is SO-flagged",
        actual=f"{len(unflagged)} do not" if unflagged else "so",
        detail=shown(named),
    )


def unit_ids(
    named: Collection[str],
    stacks: Mapping[Subject, StackFacts],
    *,
    register: Collection[str],
    wind_units: Collection[str],
) -> Check:
    """Check the ids that rows bear against the register.

    An id that is a wind unit's but for case, width or invisible characters holds the date: as it stands it is
    nobody's, and the farm's row would not be counted. So does an acceptance without a unit, for each belongs to one.
    An id that the register does not have is said.
    """
    unknown = sorted(frozenset(named) - frozenset(register) - frozenset(wind_units))
    wind = {_folded(unit): unit for unit in wind_units} if unknown else {}
    wrong = [f"{one!r} is not {wind[_folded(one)]}" for one in unknown if _folded(one) in wind]
    wrong += [
        f"period {period} {side}: {stack.nameless} accepted rows name no unit"
        for (period, side), stack in sorted(stacks.items())
        if stack.nameless
    ]
    status: CheckStatus = "fail" if wrong else "warn" if unknown else "pass"
    return Check(
        name="unit_ids",
        status=status,
        expected="every accepted row names a unit of the register",
        actual=f"{len(unknown)} units are not there" if unknown else "rows without a unit" if wrong else "so",
        detail=shown(wrong or unknown),
    )


def _folded(text: str) -> str:
    """Return the letters and digits that a person would read, in one case and width."""
    normal = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in normal if unicodedata.category(letter)[0] not in "CZ")
