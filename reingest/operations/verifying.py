"""Verify: the checks that a date must pass, and what becomes of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from reingest.curtailment.checks import (
    Check,
    PayloadRows,
    change_within,
    expected_totals,
    field_drift,
    other_rejects,
    periods_complete,
    rows_accounted,
    wind_rejects,
    wind_rows_priced,
)
from reingest.curtailment.outcomes import accepted_gap, combine_outcomes
from reingest.curtailment.source_checks import calculation_runs, so_flags, unit_ids, witness_check
from reingest.curtailment.words import DEFAULT_DEFINITION, CheckStatus, PeriodOutcome, Side
from reingest.operations.date_run import DateRun
from reingest.settings import WitnessPolicy
from reingest.store.candidates import VersionPeriod
from reingest.store.gaps import accepted_gaps
from reingest.store.versions import Difference, lead_parties_of_version, periods_of, recomputed_differences

_SHOWN = 5
_STATUS_OF_POLICY: Final[Mapping[WitnessPolicy, CheckStatus]] = {"hold": "fail", "warn": "warn"}
"""What becomes of a date that a witness contradicts."""


def verify_date(run: DateRun) -> None:
    """Run every check that needs no stored rows; `stage` adds the one that does."""
    facts = run.require_facts()
    wind_units = run.require_register().wind_units
    run.checks = [
        periods_complete(run.settlement_date, period_outcomes(run), _accepted_gaps(run)),
        wind_rejects(facts.rejects, wind_units),
        other_rejects(facts.rejects, wind_units),
        wind_rows_priced(facts.content.records),
        rows_accounted(
            PayloadRows(period.period, period.side, period.rows, period.accepted, period.rejects)
            for period in facts.periods
        ),
        field_drift(facts.unknown_fields),
        *_source_checks(run),
        *(check for expected in run.expected for check in expected_totals(expected, facts.totals)),
        *_change_checks(run),
    ]


def _change_checks(run: DateRun) -> tuple[Check, ...]:
    """Compare what would be served with what is, where somebody said how far it may move."""
    limits = run.request.limits
    if limits is None:
        return ()
    (outlook,) = (one for one in run.outlook if (one.span, one.definition) == ("day", DEFAULT_DEFINITION))
    return change_within(limits, outlook.definition, outlook.served, outlook.new)


def _source_checks(run: DateRun) -> tuple[Check, ...]:
    """Compare the answers with each other, with the register and with what is served."""
    facts, register = run.require_facts(), run.require_register()
    served = periods_of(run.connection, run.current.id) if run.diff and run.current.id is not None else []
    return (
        *_witness_checks(run),
        calculation_runs(
            _created(facts.periods),
            _created(served),
            changed=run.diff.by_period if run.diff else (),
            latest=max((one.created_last for one in facts.stacks.values() if one.created_last), default=None),
            answered_at=max((one.answered_at for one in run.fetched.values() if one.answered_at), default=None),
        ),
        so_flags(facts.content.records, facts.stacks),
        unit_ids(facts.units_named, facts.stacks, register=register.units, wind_units=register.wind_units),
    )


def _witness_checks(run: DateRun) -> Iterator[Check]:
    otherwise = _STATUS_OF_POLICY[run.settings.witness_policy]
    verdict = run.require_facts().verdict
    return (witness_check(one, otherwise) for one in (verdict.verdicts if verdict else ()))


def _created(periods: Iterable[VersionPeriod]) -> dict[int, datetime | None]:
    """Return when the figures of each period with rows were calculated."""
    return {period.period: period.created_at for period in periods if period.outcome == "fetched"}


def period_outcomes(run: DateRun) -> dict[int, PeriodOutcome]:
    """Return the outcome of each period from those of its sides."""
    sides: dict[int, list[PeriodOutcome]] = defaultdict(list)
    for period in run.require_facts().periods:
        sides[period.period].append(period.outcome)
    return {period: combine_outcomes(outcomes) for period, outcomes in sides.items()}


def _accepted_gaps(run: DateRun) -> list[int]:
    """Return the periods of which nothing is lacking but what a person accepted as a gap of the source."""
    accepted: dict[int, set[Side]] = defaultdict(set)
    for period, side in accepted_gaps(run.connection, run.settlement_date):
        accepted[period].add(side)
    outcomes: dict[int, dict[Side, PeriodOutcome]] = defaultdict(dict)
    for one in run.require_facts().periods:
        outcomes[one.period][one.side] = one.outcome
    return [period for period, sides in accepted.items() if accepted_gap(outcomes[period], sides)]


def decide(run: DateRun) -> None:
    """Decide: hold where a check failed, leave where nothing changed, else publish.

    The served version counts as unchanged only while its stored rows still come to its stored totals; one that was
    tampered with is published again from its payloads.
    """
    if run.failed_checks:
        run.decision = "hold"
        return
    if not run.says_the_same or run.request.force or run.current.id is None:
        run.decision = "publish"
        return
    differences = recomputed_differences(run.connection, run.current.id)
    renamed = _renamed(run, run.current.id)
    run.decision = "publish" if differences or renamed else "unchanged"
    if renamed:
        run.note(f"another lead party by the register: {', '.join(renamed)}")
    if differences:
        run.note(f"the served version's totals are not what its rows come to: {_listed(differences)}")
    elif not renamed:
        run.checks.append(totals_check([]))


def _renamed(run: DateRun, version_id: int) -> list[str]:
    """Return the units whose lead party is not the one that is served: no content, and served all the same."""
    parties = run.require_register().lead_parties
    served = lead_parties_of_version(run.connection, version_id)
    return sorted(unit for unit, party in served.items() if unit in parties and parties[unit] != party)


def totals_check(differences: list[Difference]) -> Check:
    """Return the check that the stored totals are what the stored rows come to, counted again in SQL."""
    return Check(
        name="totals_recomputed",
        status="fail" if differences else "pass",
        expected="every stored total equals its rows, counted again in SQL",
        actual=f"{len(differences)} differ" if differences else "equal to the last digit",
        detail=_listed(differences),
    )


def _listed(differences: list[Difference]) -> str:
    shown = [
        f"{one.level} {one.definition} {one.subject or ''}: rows give {one.recomputed}, stored is {one.stored}"
        for one in differences[:_SHOWN]
    ]
    rest = len(differences) - len(shown)
    return "; ".join([*shown, f"and {rest} more"] if rest else shown)
