"""The archive: every payload is there as it was archived, nothing else is, and the manifests mirror the fetch rows."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from reingest.lake.archive import UNDATED, ManifestEntry
from reingest.lake.upkeep import ManifestFaults, manifest_faults, payload_files, payload_state, unfinished_files
from reingest.operations.doctor.dates import ExaminedDate, explaining
from reingest.operations.doctor.finding import Finding, Mending
from reingest.operations.doctor.site import Site
from reingest.store.examined import ExaminedPayload, fetches_of_month, months_of_fetches, payloads_of, unregistered

_REFRESH: Final[tuple[Mending, str]] = ("command", "reingest units refresh")
_BAD: Final = {"missing": "payload-missing", "altered": "payload-altered"}
_FOUND: Final = {"missing": "no such file", "altered": "other bytes"}


def payloads_of_date(examined: ExaminedDate) -> Iterator[Finding]:
    """Find payloads of a date's fetches that are missing, altered or not registered."""
    for payload, state in examined.payloads:
        about = _about(payload)
        if payload.size is None:
            yield _unregistered_fetch(payload, examined.settlement_date)
        if state != "good":
            yield examined.finding(
                _BAD[state],
                found=f"{_FOUND[state]}, for {about}",
                expected=f"{payload.size} bytes of this hash",
                about=_path(payload.sha256),
                target=payload,
                instead=None if payload.served else explaining(),
            )


def payloads_of_register(site: Site) -> Iterator[Finding]:
    """Find payloads of the register of BM units, and others without a date, that are missing, altered or unknown."""
    if not site.examined.whole:
        return
    for payload in payloads_of(site.connection, None, site.ceiling):
        if payload.size is None:
            yield _unregistered_fetch(payload, None)
        state = payload_state(site.archive, payload.sha256, payload.stored_size, read=not site.examined.quick)
        if state != "good":
            yield Finding(
                _BAD[state],
                subject=_path(payload.sha256),
                found=f"{_FOUND[state]}, for {_about(payload)}",
                expected=f"{payload.size} bytes of this hash",
                target=payload,
                instead=_REFRESH if payload.dataset == "BMUNITS" else explaining(),
            )


def strays(site: Site) -> Iterator[Finding]:
    """Find files among the payloads that no fetch knows, and that no run under way can have written."""
    if not site.examined.whole:
        return
    files = [file for file in payload_files(site.archive) if file.written_at < site.quiet_since]
    named = {file.sha256 for file in files if file.sha256}
    unknown = set(unregistered(site.connection, sorted(named)))
    for file in files:
        if file.sha256 is None or file.sha256 in unknown:
            found = "a file that no fetch knows" if file.sha256 else "a file that is no payload"
            yield Finding("payload-unregistered", file.path, found, "a registered payload, or no file", target=file)


def leftovers(site: Site) -> Iterator[Finding]:
    """Find files in `payloads/new` whose writer is gone."""
    if not site.examined.whole:
        return
    for file in unfinished_files(site.archive):
        if file.written_at < site.quiet_since:
            yield Finding("payload-temp-left", file.path, "a file being written by nobody", "no file", target=file)


def manifests(site: Site) -> Iterator[Finding]:
    """Find manifests that are not the mirror of the fetch rows."""
    months = months_of_fetches(site.connection, site.ceiling)
    for month in months:
        if not (site.examined.whole or _overlaps(site, month)):
            continue
        faults = manifest_faults_of(site, month)
        if faults:
            yield Finding(
                "manifest-differs",
                subject=f"manifest/{month:%Y-%m}.jsonl" if month else f"manifest/{UNDATED}.jsonl",
                found=f"{len(faults.missing)} lines missing, {faults.unlike} unlike their rows, "
                f"{faults.unreadable} unreadable",
                expected="a line for each fetch, and no other",
                target=(month, faults),
            )


def manifest_faults_of(site: Site, month: date | None) -> ManifestFaults:
    """Return the faults of a month's manifest, less the lines that runs under way have still to append."""
    lines = site.archive.manifest_lines(month)  # before the rows: a row is written before its line
    faults = manifest_faults(lines, manifest_entries(site, month))
    live = {str(run_id) for run_id in site.live_ids}
    faults.missing = [one for one in faults.missing if one.run_id not in live and int(one.fetch_id) <= site.ceiling]
    return faults


def manifest_entries(site: Site, month: date | None) -> list[ManifestEntry]:
    """Return what a month's manifest should mirror; a fetch without its payload's row counts for nothing."""
    rows = fetches_of_month(site.connection, month)
    return [ManifestEntry(**row) for row in rows if row["size"] is not None]


def _unregistered_fetch(payload: ExaminedPayload, settlement_date: date | None) -> Finding:
    return Finding(
        "fetch-without-payload",
        subject=_path(payload.sha256),
        found=f"no payload row, for {_about(payload)}",
        expected="a payload row",
        settlement_date=settlement_date,
        target=payload,
    )


def _overlaps(site: Site, month: date | None) -> bool:
    start, end = site.examined.start, site.examined.end
    return month is not None and start is not None and end is not None and start.replace(day=1) <= month < end


def _path(sha256: str) -> str:
    return f"payloads/{sha256[:2]}/{sha256}.zst"


def _about(payload: ExaminedPayload) -> str:
    parts = [payload.dataset, f"period {payload.period}" if payload.period else "", payload.side or ""]
    return " ".join(part for part in parts if part)
