"""Mend: what changes no published figure; each act is on the record before it is done.

A finding about a date is looked at again under the date's lease, and mended as it is then.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from reingest.checkpoints import checkpoint
from reingest.errors import ArchiveError, BadUsage, Bug, LeaseLost, ReingestError
from reingest.ids import new_id
from reingest.lake.upkeep import mirror_lines, move_aside, remove_unfinished
from reingest.operations.date_run import Progress
from reingest.operations.doctor import outbox, versions
from reingest.operations.doctor.archive import manifest_entries
from reingest.operations.doctor.dates import ExaminedDate
from reingest.operations.doctor.finding import KINDS, Finding
from reingest.operations.doctor.site import Site, live_runs
from reingest.operations.messages import date_published
from reingest.store.leases import hold_lease
from reingest.store.mending import (
    mend_served_span,
    point_at_version,
    register_payload,
    release_dead_lease,
    set_generation,
    set_last_number,
    tell_again,
    what_a_run_came_to,
)
from reingest.store.runs import Holder, Run, RunOutcome, add_operator_action, add_run_events, end_run
from reingest.store.versions import abandon_version, totals_of_version

DEFAULT_REASON: Final = "doctor --fix"


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of a finding: what was done, or why nothing was."""

    finding: Finding
    done: str | None = None
    left: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Return it for `--json`."""
        return self.finding.as_dict() | {"done": self.done, "left": self.left}


def fix(site: Site, findings: Iterable[Finding], reason: str, progress: Progress) -> list[Mended]:
    """Mend every finding that changes no published figure; one that fails leaves the others to be mended."""
    fixable = [finding for finding in findings if finding.mending == "fix"]
    in_order = sorted(fixable, key=lambda finding: list(KINDS).index(finding.id))
    alone = [finding for finding in in_order if finding.id in _ALONE]
    dates = sorted({one.settlement_date for one in in_order if one.id not in _ALONE and one.settlement_date})
    mended: list[Mended] = []
    for finding in alone:
        mended.append(_attempt(site, finding, _ALONE[finding.id], reason))
        progress("mend", len(mended), len(fixable))
    for settlement_date in dates:
        of_date = [one for one in in_order if one.settlement_date == settlement_date and one.id not in _ALONE]
        mended += _mend_date(site, settlement_date, of_date, reason)
        progress("mend", len(mended), len(fixable))
    return mended


def mend_served(site: Site, findings: Iterable[Finding], kind: str, reason: str) -> list[Mended]:
    """Mend the findings of one kind whose mending changes what is served, because a person says so.

    Raises:
        BadUsage: no reason, or a kind that is mended otherwise.
    """
    if not reason.strip():
        raise BadUsage("what changes what is served is mended with a reason")
    if kind not in _SERVED:
        raise BadUsage(f"--mend is for {', '.join(_SERVED)}; {kind} is mended by the command that is printed with it")
    mended = []
    for finding in findings:
        if finding.id == kind and finding.mending == "mend":
            attempts = partial(_attempts, site, [finding], _SERVED[kind], reason)
            mended += _under_lease(site, finding.settlement_date, [finding], attempts)
    return mended


def explain(site: Site, findings: Iterable[Finding], key: str, reason: str) -> Finding:
    """Record why a finding is as it is; it is listed apart from then on.

    Raises:
        BadUsage: no reason, or no such finding.
    """
    if not reason.strip():
        raise BadUsage("a finding is explained with a reason")
    for finding in findings:
        if finding.key == key:
            _record(site, "explain", finding, reason)
            return finding
    raise BadUsage(f"there is no finding {key} now", next_command="reingest doctor")


def _mend_date(site: Site, settlement_date: date, findings: list[Finding], reason: str) -> list[Mended]:
    """Mend what concerns the state of a date, as it is once its lease is held."""

    def mend() -> Iterator[Mended]:
        for check, act in _OF_DATE:
            seen = ExaminedDate.read(site, settlement_date)
            yield from _attempts(site, [one for one in check(seen) if one.mending == "fix"], act, reason)

    return _under_lease(site, settlement_date, findings, mend)


def _under_lease(
    site: Site, settlement_date: date | None, findings: list[Finding], act: Callable[[], Iterable[Mended]]
) -> list[Mended]:
    if settlement_date is None:
        raise Bug("a finding about a date's state has no date")
    try:
        with hold_lease(site.database_url, settlement_date, Holder(new_id()), site.settings.lease_ttl_seconds):
            return list(act())
    except ReingestError as error:
        return [Mended(finding, left=f"{error.code}: {error}") for finding in findings]


def _attempts(site: Site, findings: Iterable[Finding], act: "Act", reason: str) -> list[Mended]:
    return [_attempt(site, finding, act, reason) for finding in findings]


def _attempt(site: Site, finding: Finding, act: "Act", reason: str) -> Mended:
    try:
        _record(site, finding.id, finding, reason)
        checkpoint("finding_recorded")
        done = act(site, finding)
        checkpoint("finding_mended")
        return Mended(finding, done=done)
    except ReingestError as error:
        return Mended(finding, left=f"{error.code}: {error}")


def _record(site: Site, action: str, finding: Finding, reason: str) -> None:
    """Put the decision on the record: without an effect it may stay, an effect without it never."""
    add_operator_action(
        site.connection,
        f"doctor:{action}",
        reason,
        settlement_date=finding.settlement_date,
        id=finding.id,
        key=finding.key,
        subject=finding.subject,
        found=finding.found,
        expected=finding.expected,
    )


def _release_lease(site: Site, finding: Finding) -> str:
    released = release_dead_lease(site.connection, finding.target)
    return "released" if released else "it was taken over meanwhile"


def _close_run(site: Site, finding: Finding) -> str:
    unfinished = finding.target
    came_to = what_a_run_came_to(site.connection, unfinished.id)
    outcome: RunOutcome = "lease_lost"
    if came_to.published:
        outcome = "published"
    elif came_to.confirmed:
        outcome = "unchanged"
    elif came_to.held:
        outcome = "held"
    run = Run(unfinished.kind, unfinished.settlement_date, id=unfinished.id)
    run.version_id, run.requests, run.retries = came_to.version_id, came_to.requests, came_to.retries
    error = (
        None
        if outcome != "lease_lost"
        else LeaseLost("the run's process is gone; the doctor closed it", settlement_date=unfinished.settlement_date)
    )
    add_run_events(site.connection, run, [("doctor", "closed", {"outcome": outcome})])
    end_run(site.connection, run, outcome, error)
    return f"closed as {outcome}"


def _abandon(site: Site, finding: Finding) -> str:
    abandon_version(site.connection, finding.target.id)
    return "abandoned"


def _register(site: Site, finding: Finding) -> str:
    sha256 = finding.target.sha256
    body = site.archive.get(sha256)
    register_payload(site.connection, sha256, len(body), site.archive.payload_path(sha256).stat().st_size)
    return "registered from its file"


def _move_aside(site: Site, finding: Finding) -> str:
    return f"moved to {move_aside(site.archive, finding.target.path)}"


def _remove(site: Site, finding: Finding) -> str:
    remove_unfinished(site.archive, finding.target.path)
    return "removed"


def _mirror(site: Site, finding: Finding) -> str:
    month, faults = finding.target
    if faults.only_missing:
        if not site.archive.append_manifest(faults.missing):
            raise ArchiveError(f"{finding.subject} is held by another process")
        return f"{len(faults.missing)} lines appended"

    def lines_of(old: list[bytes]) -> list[bytes]:
        under_way = {str(run.id) for run in live_runs(site.connection)}
        return mirror_lines(old, manifest_entries(site, month), under_way)

    kept = site.archive.rewrite_manifest(month, lines_of)
    return f"written anew; the old one is {kept}"


def _set_generation(site: Site, finding: Finding) -> str:
    version, seen = finding.target
    moved = set_generation(site.connection, finding.settlement_date or date.min, version.generation_at_last, seen)
    return f"generation {version.generation_at_last}" if moved else "it moved meanwhile"


def _set_last_number(site: Site, finding: Finding) -> str:
    set_last_number(site.connection, finding.settlement_date or date.min, finding.target)
    return f"last number {finding.target}"


def _set_span(site: Site, finding: Finding) -> str:
    version, served_from, served_to = finding.target
    mend_served_span(site.connection, version.id, served_from, served_to)
    return "set to the instant of the publish"


def _point(site: Site, finding: Finding) -> str:
    published = finding.target
    point_at_version(site.connection, published.id, published.generation_at_last)
    return f"version {published.number} is served"


def _tell_again(site: Site, finding: Finding) -> str:
    version, retired = finding.target
    publish = {
        "settlement_date": finding.settlement_date,
        "generation": version.generation,
        "version_id": version.id,
        "retired": retired,
        "now": version.served_from,
    }
    body = date_published(
        finding.settlement_date or date.min,
        version=version.number,
        run_id=version.run_id,
        content_hash=version.content_hash,
        provisional=version.provisional_until is not None,
        totals=totals_of_version(site.connection, version.id),
    )
    tell_again(site.connection, publish, body)
    return "written again"


Act = Callable[[Site, Finding], str]

_ALONE: Final[Mapping[str, Act]] = {
    "lease-dead": _release_lease,
    "run-unfinished": _close_run,
    "version-orphaned": _abandon,
    "payload-unregistered": _move_aside,
    "payload-temp-left": _remove,
    "fetch-without-payload": _register,
    "manifest-differs": _mirror,
}
_OF_DATE: Final = (
    (versions.generation, _set_generation),
    (versions.last_number, _set_last_number),
    (versions.served_from, _set_span),
    (versions.chain, _set_span),
    (outbox.messages, _tell_again),
)
_SERVED: Final[Mapping[str, Act]] = {"current-version-differs": _point}
