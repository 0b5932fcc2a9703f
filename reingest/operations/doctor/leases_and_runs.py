"""Leases, runs and versions that somebody left: whoever held them is gone.

What is under way is never a finding. Its state can change between two looks, so each leftover is looked at twice, and
its process in between.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.site import Site, live_runs
from reingest.store.examined import open_versions, unfinished_runs
from reingest.store.leases import date_key, leases

_KEY: Final = "date:"


def dead_leases(site: Site) -> Iterator[Finding]:
    """Find leases whose holder died or let them expire."""
    for lease in leases(site.connection):
        settlement_date = date_of_key(lease.key)
        if not lease.alive and site.examined.covers(settlement_date):
            yield Finding(
                "lease-dead",
                subject=f"lease {lease.key}",
                found=f"held by run {lease.run_id} ({lease.holder} on {lease.host}, process {lease.pid}), "
                f"{'which let it expire' if lease.expired else 'which is gone'}",
                expected="a holder that lives, or no lease",
                settlement_date=settlement_date,
                target=lease,
            )


def ended_runs(site: Site) -> Iterator[Finding]:
    """Find runs without an end whose process is gone."""
    first = unfinished_runs(site.connection)
    live = {run.id for run in live_runs(site.connection)}
    still = {run.id for run in unfinished_runs(site.connection)}
    for run in first:
        if run.id in still - live and site.examined.covers(run.settlement_date):
            yield Finding(
                "run-unfinished",
                subject=f"run {run.id}",
                found=f"{run.kind} begun {run.started_at:%Y-%m-%d %H:%M:%SZ} by {run.holder} on {run.host}, "
                f"process {run.pid}, which is gone",
                expected="an outcome",
                settlement_date=run.settlement_date,
                target=run,
            )


def orphaned_versions(site: Site) -> Iterator[Finding]:
    """Find versions that a run left open when it died."""
    first = open_versions(site.connection)
    live = {run.id for run in live_runs(site.connection)}
    still = {version.id for version in open_versions(site.connection)}
    for version in first:
        if version.id in still and version.run_id not in live and site.examined.covers(version.settlement_date):
            yield Finding(
                "version-orphaned",
                subject=f"{version.settlement_date} version {version.number}",
                found=f"{version.state}, and its run is not under way",
                expected="abandoned",
                settlement_date=version.settlement_date,
                version=version.number,
                target=version,
            )


def date_of_key(key: str) -> date | None:
    """Return the date that a lease key is about, None where it is about none."""
    if not key.startswith(_KEY):
        return None
    settlement_date = date.fromisoformat(key.removeprefix(_KEY))
    return settlement_date if date_key(settlement_date) == key else None
