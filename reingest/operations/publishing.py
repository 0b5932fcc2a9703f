"""The end of a run: the candidate is staged, then published or held, or the served version is confirmed."""

from contextlib import suppress
from dataclasses import replace

from reingest.checkpoints import checkpoint
from reingest.errors import Bug, DatabaseError, Moved
from reingest.operations.date_run import DateRun
from reingest.operations.messages import date_published
from reingest.operations.notices.notice import notify
from reingest.operations.notices.of_dates import held_notice
from reingest.operations.verifying import totals_check
from reingest.store.candidates import Candidate
from reingest.store.database import database_errors
from reingest.store.publish import Confirmation, Publication, confirm, publish
from reingest.store.versions import (
    abandon_version,
    held_twin,
    hold_version,
    recomputed_differences,
    save_checks,
    stage_version,
)
from reingest.store.witnesses import save_verdict, verification_of


def stage_decision(run: DateRun) -> None:
    """Write the candidate, and count its totals again from the rows that were written.

    Nothing is written for an unchanged date, nor for a held candidate that is held already.
    """
    if run.decision == "unchanged":
        return
    candidate = candidate_of(run)
    twin = held_twin(run.connection, candidate) if run.decision == "hold" else None
    run.version = twin or stage_version(run.connection, candidate)
    run.run.version_id = run.version[0]
    differences = recomputed_differences(run.connection, run.version[0])
    run.checks.append(totals_check(differences))
    save_checks(run.connection, run.version[0], run.run.id, run.checks)
    _save_verdict(run, run.version[0])
    if run.failed_checks:
        run.decision = "hold"
        _hold(run, run.version[0], is_new=twin is None)


def publish_decision(run: DateRun) -> None:
    """Make the candidate current, or confirm the served version; a held one is left held.

    Raises:
        Conflict: the date was published by another meanwhile.
        LeaseLost: the lease is not ours any more.
    """
    if run.decision == "unchanged":
        _confirm(run)
    elif run.decision == "publish":
        _publish(run)


def _hold(run: DateRun, version_id: int, *, is_new: bool) -> None:
    """Hold the version, and tell people in the same transaction; of one that was held before they know."""
    with database_errors(), run.connection.transaction():
        if is_new:
            hold_version(run.connection, version_id)
        if run.request.tells_people:
            run.told = notify(run.connection, held_notice(run))
        checkpoint("before_hold_commit")
    checkpoint("after_hold_commit")


def _save_verdict(run: DateRun, version_id: int) -> None:
    verdict = run.require_facts().verdict
    if verdict is not None:
        answers = (run.system_prices_fetch_id, *run.witness_fetch_ids)
        judged_by = [fetch_id for fetch_id in answers if fetch_id is not None]
        save_verdict(run.connection, version_id, run.run.id, verdict, judged_by)
    run.verification = verification_of(run.connection, version_id)


def candidate_of(run: DateRun) -> Candidate:
    """Return everything of the version to be, before it has a number."""
    facts, inputs = run.require_facts(), run.mining_inputs
    return Candidate(
        settlement_date=run.settlement_date,
        kind="periods" if run.request.periods else "ingest",
        sides=run.sides,
        basis_generation=run.basis_generation,
        run_id=run.run.id,
        register=run.require_register(),
        definitions=tuple(definition.named for definition in run.definitions),
        mining_inputs_hash=inputs.hash if inputs else "",
        mining_state="available" if facts.content.mining is not None else "unavailable",
        system_prices_fetch_id=run.system_prices_fetch_id,
        provisional_until=facts.provisional_until,
        content_hash=facts.content_hash,
        reason=run.request.reason,
        periods=facts.periods,
        records=facts.content.records,
        rejects=facts.rejects,
        totals=facts.totals,
        unit_totals=facts.unit_totals,
        mining=facts.mining,
        mining_rates=(inputs.rates if inputs else None) or (),
        other_units=facts.other_units,
    )


def _publish(run: DateRun) -> None:
    version_id, number = run.require_version()
    facts = run.require_facts()
    publication = Publication(
        settlement_date=run.settlement_date,
        version_id=version_id,
        basis_generation=run.basis_generation,
        provisional_until=facts.provisional_until,
        run_id=run.run.id,
        body=date_published(
            run.settlement_date,
            version=number,
            run_id=run.run.id,
            content_hash=facts.content_hash,
            provisional=facts.provisional_until is not None,
            totals=facts.totals,
        ),
        reason=run.request.reason,
    )
    try:
        run.generation = publish(
            run.connection,
            run.require_lease(),
            publication,
            url=run.database_url,
            ttl_seconds=run.settings.lease_ttl_seconds,
        )
    except Moved:
        # Where the heartbeat cuts this connection too, the version is abandoned by whoever has the date next.
        with suppress(DatabaseError):
            run.reconnect()
            abandon_version(run.connection, version_id)
        raise
    run.reconnect()


def _confirm(run: DateRun) -> None:
    facts, current = run.require_facts(), run.current
    if current.id is None or current.number is None:
        raise Bug("an unchanged date has a current version", settlement_date=run.settlement_date)
    confirmation = Confirmation(
        version_id=current.id,
        basis_generation=run.basis_generation,
        provisional_until=facts.provisional_until,
        run_id=run.run.id,
        register_recorded_at=run.require_register().recorded_at,
        staged=_staged_fetches(run),
    )
    try:
        provisional_until = confirm(run.connection, run.require_lease(), confirmation)
    except DatabaseError:
        run.still_ours()  # a lost lease has its connection cut; a confirmation publishes nothing
        raise
    # Of another run than the version's own: what could not be verified then may be verified by now.
    save_checks(run.connection, current.id, run.run.id, run.checks)
    _save_verdict(run, current.id)
    run.facts = replace(facts, provisional_until=provisional_until)
    run.version = (current.id, current.number)
    run.run.version_id = current.id
    run.generation = current.generation


def _staged_fetches(run: DateRun) -> tuple[int, ...]:
    """Return the fetches that are staged no longer once the run's date is confirmed; none but where it took them."""
    if run.request.source != "staged":
        return ()
    return tuple(fetched.fetch_id for fetched in run.fetched.values() if fetched.fetch_id is not None)
