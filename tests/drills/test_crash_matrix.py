"""Commands killed at the checkpoints that they pass; one plain re-run at once ends like a clean run."""

import os
from contextlib import ExitStack
from pathlib import Path
from signal import SIGCONT, SIGKILL

import pytest

from tests.drills.guarantees import PAGE, page_with, promised, table
from tests.support.boundaries import checkpoint_names
from tests.support.days import TINY_DATE, TINY_DAY
from tests.support.drills import DrillSize, Tally
from tests.support.readers import Reader
from tests.support.scenarios import DATE_OF_BIDS, MODES, OTHERS, Places, Prepared, Scenario
from tests.support.sites import copy_of, recorded_elexon
from tests.support.states import left_open, state_of
from tests.support.undo_scenarios import UNDO

ELSEWHERE = {
    "cluster_folder_made", "cluster_initialised", "cluster_made", "cluster_marked_complete", "cluster_renamed",
    "database_created", "incomplete_cluster_kept", "server_file_replaced", "server_file_written", "server_launched",
    "server_log_turned", "server_programs_copied", "server_programs_renamed",
}  # fmt: skip
"""Checkpoints of the embedded server, which `test_embedded_crashes.py` kills."""
BEATING = {"after_beat", "before_beat_commit"}
"""Checkpoints of a heartbeat, which most runs do not live to see; see below."""
OVERTAKEN = {"after_abandon"}
"""Checkpoints of a run that finds its lease lost; see below."""
MENDING = {"finding_mended", "finding_recorded", "manifest_replaced", "manifest_rewritten", "stray_moved"}
"""Checkpoints of the doctor, which `test_corruptions.py` kills."""
RESUMING = {"fetches_forgotten"}
"""Checkpoints of a run that takes up what another began; the tests of resuming crash there."""
SHARED_RANGES = {"after_claims_adopted", "after_range_date_back"}
"""Checkpoints of a range that lost its connection or is broken off; `test_ranges.py` kills there."""
PAUSING = {"after_gate_pause"}
"""A checkpoint of a worker that a source told to wait, which `test_rate_gate.py` kills."""
PARTS = 2
CUT = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and application_name ~ 'reingest (run|lease)'
"""


def crash(places: Places, prepared: Prepared, place: str, home: Path) -> int:
    """Kill a run at a place, run again at once, and compare; return how often the date was read meanwhile."""
    scenario = prepared.scenario
    with copy_of(prepared.site, places.databases, home) as site, ExitStack() as meanwhile:
        seen = meanwhile.enter_context(Reader(site.database_url)).seen if scenario.start != "new" else None
        ran = site.start(*scenario.words, REINGEST_CRASH_AT=place).finish()
        assert ran.exit_code == -SIGKILL, f"it was not killed at {place}: {ran}"
        served = site.dump(TINY_DATE) if scenario in MODES else None
        again = site.reingest(*scenario.words)
        assert again.exit_code in scenario.exits, f"after {place}: {again.err}"
        if scenario in MODES:
            what, outcome = promised(prepared, place)
            assert served == getattr(prepared, what).dump, f"after {place}"
            assert again.json["outcome"] == outcome, f"after {place}"
        assert state_of(site) == prepared.new, f"after {place}"
        assert set(left_open(site)) <= scenario.leaves, f"after {place}"
    if seen is None:
        return 0
    assert seen.looks <= prepared.looks, f"a mixture was served: {place}"
    assert seen.dumps <= {prepared.old.dump, prepared.new.dump}, f"a mixture was served: {place}"
    return seen.reads


def crash_at_each(places: Places, prepared: Prepared, points: tuple[str, ...], tally: Tally, folder: Path) -> None:
    """Crash at each of these points, and count."""
    what = f"crash points, {prepared.scenario.name}"
    tally.counted(what, 0, wanted=len(points))
    for point in points:
        if tally.size.is_over:
            return
        reads = crash(places, prepared, point, folder / point / "home")
        tally.counted(what)
        tally.counted("reads during crashes, 0 mixed", reads)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_mode_killed_at_a_checkpoint(
    mode: Scenario, part: int, places: Places, drill_size: DrillSize, tally: Tally, tmp_path: Path
) -> None:
    """A kill -9 at a checkpoint of a mode leaves the old date or the new one, and the re-run what a clean run does."""
    prepared = places.prepared(mode)
    assert len(prepared.points) >= 40
    step = drill_size.pick(sample=48, ci=1, long=1)
    crash_at_each(places, prepared, prepared.points[part :: PARTS * step], tally, tmp_path)


@pytest.mark.parametrize("scenario", [*OTHERS, *UNDO], ids=lambda scenario: scenario.name)
def test_another_command_killed_at_a_checkpoint(
    scenario: Scenario, places: Places, drill_size: DrillSize, tally: Tally, tmp_path: Path
) -> None:
    """A kill -9 in any other command that writes is mended by the same command, too."""
    if drill_size.name == "sample":
        pytest.skip("a drill for CI")
    prepared = places.prepared(scenario)
    by_modes = {point for mode in MODES for point in places.prepared(mode).points}
    points = tuple(point for point in prepared.points if point not in by_modes)
    crash_at_each(places, prepared, points, tally, tmp_path)


def test_an_apply_killed_at_a_checkpoint(places: Places, drill_size: DrillSize, tally: Tally, tmp_path: Path) -> None:
    """A kill -9 at any checkpoint of an apply leaves the old date or the new one; another apply ends as planned."""
    (scenario,) = (one for one in OTHERS if one.name == "apply")
    prepared = places.prepared(scenario)
    step = drill_size.pick(sample=48, ci=1, long=1)
    crash_at_each(places, prepared, prepared.points[::step], tally, tmp_path)


@pytest.mark.parametrize("name", ["stage", "publish staged"])
def test_staging_killed_at_a_checkpoint(
    name: str, places: Places, drill_size: DrillSize, tally: Tally, tmp_path: Path
) -> None:
    """A kill -9 at any checkpoint of a stage run or its publish leaves the old date or the new one, and no hole."""
    if drill_size.name == "sample":
        pytest.skip("a drill for CI")
    (scenario,) = (one for one in OTHERS if one.name == name)
    prepared = places.prepared(scenario)
    crash_at_each(places, prepared, prepared.points, tally, tmp_path)


def test_the_guarantees_of_the_page_are_those_of_the_drills(places: Places) -> None:
    """The table of docs/guarantees.md has every checkpoint of the three modes, with what the drills hold it to."""
    page = page_with(table([places.prepared(mode) for mode in MODES]))
    if "WRITE_GUARANTEES" in os.environ:
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


def test_every_checkpoint_is_crashed_at(places: Places, drill_size: DrillSize) -> None:
    """Each checkpoint of the source is on the way of some drill; none is left out, and none is made up."""
    if drill_size.name == "sample":
        pytest.skip("a drill for CI")
    passed = {point for scenario in (*MODES, *OTHERS, *UNDO) for point in places.prepared(scenario).points}
    assert passed | ELSEWHERE | BEATING | OVERTAKEN | MENDING | RESUMING | PAUSING | SHARED_RANGES == set(
        checkpoint_names()
    )


@pytest.mark.parametrize("point", sorted(BEATING))
def test_a_heartbeat_killed_at_a_checkpoint(point: str, places: Places, tmp_path: Path) -> None:
    """A kill -9 while the heartbeat writes its beat leaves a lease that is free at once."""
    prepared = places.prepared(MODES[1])
    slow = [{"kind": "latency", "ms": 2000, "periods": 7, "dataset": "ISPSTACK"}]
    with (
        recorded_elexon(tmp_path, TINY_DAY, faults=slow) as elexon,
        copy_of(prepared.site, places.databases, tmp_path / "home") as site,
    ):
        restated, site.elexon_url = site.elexon_url, elexon.url
        run = site.start(*DATE_OF_BIDS, REINGEST_CRASH_AT=point, REINGEST_LEASE_TTL_SECONDS="2")
        assert run.finish().exit_code == -SIGKILL
        site.elexon_url = restated
        assert site.reingest(*DATE_OF_BIDS, "--fresh").exit_code == 0
        assert state_of(site) == prepared.new
        assert left_open(site) == []


@pytest.mark.parametrize("point", sorted(OVERTAKEN))
def test_an_overtaken_run_killed_at_a_checkpoint(point: str, places: Places, tmp_path: Path) -> None:
    """A run that finds itself overtaken and is killed as it gives up changes nothing of what the other published."""
    prepared = places.prepared(MODES[1])
    with copy_of(prepared.site, places.databases, tmp_path / "home") as site:
        run = site.start(*DATE_OF_BIDS, stop_at="in_publish", REINGEST_CRASH_AT=point)
        run.wait_until_stopped()
        site.rows(CUT)
        assert site.reingest(*DATE_OF_BIDS).exit_code == 0
        run.send(SIGCONT)
        assert run.finish().exit_code == -SIGKILL
        assert state_of(site) == prepared.new
        assert left_open(site) == []
