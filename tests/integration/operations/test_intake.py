"""Keeping answers: none is half kept when a run breaks off, and a fault in keeping ends the run."""

import os
import time

import pytest

from tests.support.days import DATE
from tests.support.sites import Serve, Site


def test_what_came_before_a_break_is_kept_whole(site: Site, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose time budget ends while a slow disk writes has a fetch row and a manifest line for each payload."""
    fsync = os.fsync

    def slow_fsync(descriptor: int) -> None:
        time.sleep(0.05)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow_fsync)
    slow = [{"kind": "latency", "ms": 30 * n, "dataset": "ISPSTACK", "periods": n} for n in range(1, 49)]
    site.elexon_url = serve(faults=slow).url
    ran = site.date(DATE, REINGEST_FETCH_BUDGET_SECONDS="0.9", REINGEST_CONCURRENCY="100")
    assert (ran.exit_code, ran.error["code"]) == (4, "source_too_slow")
    manifest = (site.home / "archive/manifest/2024-01.jsonl").read_text(encoding="utf-8").splitlines()
    fetches = site.value("""select count(*) from "fetch" where dataset <> 'BMUNITS'""")
    assert len(manifest) == fetches > 0
    assert site.value("select count(*) from payload") == len(list(site.home.rglob("payloads/??/*.zst")))
    assert site.value("select requests from run") == fetches + 1


def test_a_fault_in_keeping_ends_the_run(published: Site) -> None:
    """Where a fetch row cannot be written, for whatever reason, the run ends, says why, and changes nothing."""
    before = published.dump(DATE)
    published.rows('revoke insert on "fetch" from reingest_app')
    ran = published.start("date", DATE, "--json").finish(timeout=20)
    assert ran.exit_code == 69
    assert "permission denied for table fetch" in ran.err
    assert published.dump(DATE) == before
