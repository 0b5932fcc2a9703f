"""The report of a run: everything that its person, its flow and its log need to know, as plain data."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reingest.curtailment.checks import Check
from reingest.curtailment.diff import NO_DIFFERENCE, Delta, RecordDiff
from reingest.curtailment.exact import plain
from reingest.curtailment.verdicts import Difference, RuleVerdict, Verdict
from reingest.curtailment.witness_rules import Verification
from reingest.operations.date_run import DateRun, Decision
from reingest.operations.outlook import Figures, Outlook
from reingest.operations.verifying import period_outcomes
from reingest.store.runs import EXIT_CODES, RunOutcome


@dataclass(frozen=True, slots=True)
class DateReport:
    """What a run of one date found and did.

    Attributes:
        outcome: How the run ended, or, for a plan, `planned`.
        decision: What becomes of the facts: publish, hold or unchanged; of a plan, what would.
        version: Number of the version that was published, held or confirmed; None for a plan.
        outcomes: Periods by outcome.
        verification: What the witnesses come to: of this run or, where it could not compare them all, of the version.
        verdict: What each of the run's witnesses says; None where none was heard.
        seconds: Wall time by stage.
    """

    settlement_date: str
    run_id: str
    outcome: RunOutcome
    decision: Decision
    version: int | None
    generation: int | None
    content_hash: str
    served_version: int | None
    sides: tuple[str, ...]
    source: str
    requests: int
    retries: int
    rows: int
    records: int
    rejects: int
    periods_expected: int
    outcomes: Mapping[str, int]
    provisional_until: datetime | None
    verification: Verification
    verdict: Verdict | None
    mining_state: str
    outlook: tuple[Outlook, ...]
    checks: tuple[Check, ...]
    diff: RecordDiff
    notes: tuple[str, ...]
    seconds: Mapping[str, float]

    @property
    def exit_code(self) -> int:
        """The exit code of the outcome."""
        return EXIT_CODES[self.outcome]

    def as_dict(self) -> dict[str, Any]:
        """Return the report for `--json`: exact decimals as text."""
        return {
            "settlement_date": self.settlement_date,
            "run_id": self.run_id,
            "outcome": self.outcome,
            "exit_code": self.exit_code,
            "decision": self.decision,
            "version": self.version,
            "generation": self.generation,
            "served_version": self.served_version,
            "content_hash": self.content_hash,
            "sides": list(self.sides),
            "source": self.source,
            "requests": self.requests,
            "retries": self.retries,
            "rows": self.rows,
            "records": self.records,
            "rejects": self.rejects,
            "periods": {"expected": self.periods_expected, **self.outcomes},
            "provisional": self.provisional_until is not None,
            "provisional_until": self.provisional_until.isoformat() if self.provisional_until else None,
            "verification": self.verification,
            "witnesses": [_witness_dict(one) for one in self.verdict.verdicts] if self.verdict else [],
            "mining_state": self.mining_state,
            "totals": _outlook_dict(self.outlook),
            "checks": [_check_dict(check) for check in self.checks],
            "diff": _diff_dict(self.diff),
            "notes": list(self.notes),
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
        }


def report_of(run: DateRun, outcome: RunOutcome, seconds: Mapping[str, float]) -> DateReport:
    """Return the report of a run that went through its stages."""
    facts = run.require_facts()
    return DateReport(
        settlement_date=run.settlement_date.isoformat(),
        run_id=str(run.run.id),
        outcome=outcome,
        decision=run.decision,
        version=run.version[1] if run.version else None,
        generation=run.generation,
        content_hash=facts.content_hash,
        served_version=run.current.number,
        sides=run.sides,
        source=run.request.source,
        requests=run.run.requests,
        retries=run.run.retries,
        rows=sum(period.rows for period in facts.periods),
        records=len(facts.content.records),
        rejects=len(facts.rejects),
        periods_expected=len(run.calendar),
        outcomes=Counter(period_outcomes(run).values()),
        provisional_until=facts.provisional_until,
        verification=run.verification,
        verdict=facts.verdict,
        mining_state="unavailable" if facts.content.mining is None else "available",
        outlook=tuple(run.outlook),
        checks=tuple(run.checks),
        diff=run.diff or NO_DIFFERENCE,
        notes=tuple(run.notes),
        seconds=seconds,
    )


def _outlook_dict(outlooks: tuple[Outlook, ...]) -> dict[str, Any]:
    spans: dict[str, Any] = {}
    for outlook in outlooks:
        spans.setdefault(outlook.span, {})[outlook.definition] = {
            "served": _figures_dict(outlook.served) if outlook.served else None,
            "new": _figures_dict(outlook.new),
        }
    return spans


def _figures_dict(figures: Figures) -> dict[str, Any]:
    return {
        "energy_mwh": plain(figures.energy_mwh),
        "payment_gbp": plain(figures.payment_gbp),
        "records": figures.records,
        "mining": {model: plain(btc) for model, btc in figures.mining.items()},
    }


def _witness_dict(verdict: RuleVerdict) -> dict[str, Any]:
    return {
        "rule": verdict.rule.name,
        "dataset": verdict.rule.dataset,
        "status": verdict.status,
        "compared": verdict.compared,
        "not_compared": dict(verdict.not_compared),
        "differences": [_difference_dict(one) for one in verdict.differences],
    }


def _difference_dict(one: Difference) -> dict[str, Any]:
    amounts = {"stack": one.stack, "witness": one.witness, "difference": one.difference}
    return {
        "period": one.period,
        "side": one.side,
        "bm_unit": one.bm_unit,
        "acceptance_id": one.acceptance_id,
        "pair_id": one.pair_id,
        **{name: None if amount is None else plain(amount) for name, amount in amounts.items()},
        "wind": one.is_wind,
        "cause": one.cause,
    }


def _check_dict(check: Check) -> dict[str, str]:
    return {
        "name": check.name,
        "status": check.status,
        "expected": check.expected,
        "actual": check.actual,
        "detail": check.detail,
    }


def _diff_dict(diff: RecordDiff) -> dict[str, Any]:
    return {
        "added": len(diff.added),
        "removed": len(diff.removed),
        "changed": len(diff.changed),
        "by_period": {str(period): _deltas_dict(deltas) for period, deltas in diff.by_period.items()},
        "by_unit": {unit: _deltas_dict(deltas) for unit, deltas in diff.by_unit.items()},
    }


def _deltas_dict(deltas: Mapping[Any, Delta]) -> dict[str, dict[str, str | int]]:
    return {
        name: {
            "energy_mwh": plain(delta.energy_mwh),
            "payment_gbp": plain(delta.payment_gbp),
            "records": delta.records,
        }
        for name, delta in deltas.items()
    }
