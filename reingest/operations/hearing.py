"""The hearing: a run's witnesses read from the archive, one after the other, and set beside what the stacks come to.

After the stacks are let go of: an answer of 8 MB takes several times that while it is read.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from reingest.curtailment.stack_sums import NO_SUMS
from reingest.curtailment.statements import Statement
from reingest.curtailment.verdicts import Verdict
from reingest.curtailment.witness_rules import WITNESS_RULES_V0
from reingest.curtailment.witnesses import (
    HeldStacks,
    judge_acceptance_volumes,
    judge_accepted_totals,
    judge_cashflows,
)
from reingest.curtailment.words import Side
from reingest.elexon.acceptance_volumes import read_acceptance_volumes
from reingest.elexon.cashflows import read_cashflows
from reingest.errors import ArchiveError, PayloadRejected
from reingest.operations.date_run import DateRun
from reingest.store.fetches import Fetch, FetchOutcome, fetches_by_id, judge_fetches


def _read_cashflows(body: bytes, settlement_date: date) -> tuple[Statement, ...]:
    return read_cashflows(body, settlement_date=settlement_date)


def _read_volumes(body: bytes, settlement_date: date) -> tuple[Statement, ...]:
    return read_acceptance_volumes(body, settlement_date=settlement_date)


_READERS: Final[dict[str, Callable[[bytes, date], tuple[Statement, ...]]]] = {
    "BOAV": _read_volumes,
    "EBOCF": _read_cashflows,
}


def hear_witnesses(run: DateRun) -> None:
    """Put into the run's facts what its witnesses say of them; the sums that they were compared with are let go of.

    One that is missing, altered or unreadable is said, and leaves its rule unverified.
    """
    facts = run.require_facts()
    fetches = fetches_by_id(run.connection, run.witness_fetch_ids)
    outcomes: dict[int, FetchOutcome] = {}
    stacks, sums, rules = _held_stacks(run), facts.sums, WITNESS_RULES_V0
    prices = None if run.system_prices_fetch_id is None else run.system_prices
    verdict = Verdict(
        rules.name,
        (
            judge_acceptance_volumes(stacks, sums, dict(_read(run, "BOAV", fetches, outcomes)), rules),
            judge_accepted_totals(stacks, prices, rules, first_run=sums.first_run_stacks),
            judge_cashflows(stacks, sums, dict(_read(run, "EBOCF", fetches, outcomes)), rules),
        ),
    )
    run.facts = replace(facts, sums=NO_SUMS, verdict=verdict)
    run.verification = verdict.status
    run.witness_fetch_ids = [one.id for one in fetches if outcomes.get(one.id) != "unreadable"]
    judge_fetches(run.connection, outcomes)


def _held_stacks(run: DateRun) -> HeldStacks:
    facts = run.require_facts()
    return HeldStacks(
        settlement_date=run.settlement_date,
        sides=run.sides,
        facts=facts.stacks,
        answered={subject for subject, fetched in run.fetched.items() if fetched.error is None},
        rejects=facts.rejects,
        carried={subject for subject, fetched in run.fetched.items() if fetched.carried},
        wind_units=run.require_register().wind_units,
    )


def _read(
    run: DateRun, dataset: str, fetches: Collection[Fetch], outcomes: dict[int, FetchOutcome]
) -> Iterator[tuple[Side, tuple[Statement, ...]]]:
    """Yield what a dataset says of each side; note in `outcomes` what was read of each fetch."""
    for fetch in fetches:
        if fetch.dataset != dataset or fetch.side is None:
            continue
        try:
            rows = _READERS[dataset](run.archive.get(fetch.payload_sha256), run.settlement_date)
        except (ArchiveError, PayloadRejected) as error:
            said = f"{error.code}: {error}"
            run.note(f"{dataset} of the {fetch.side} side cannot be used ({said}); nothing is verified by it")
            outcomes[fetch.id] = "unreadable"
        else:
            outcomes[fetch.id] = "fetched" if rows else "empty"
            yield fetch.side, rows
