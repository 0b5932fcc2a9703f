"""`make up`: what it starts, what is left after one that was killed, and that nothing of it stays behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deployments.children import MARK
from deployments.parts import CHECKOUT
from tests.support.prefect import wait_until
from tests.support.processes import lives
from tests.support.up import UP, Started, assert_nothing_is_left, started


@pytest.mark.slow
def test_everything_comes_up_after_a_kill(open_folder: Path, tmp_path: Path, counted: Callable[..., None]) -> None:
    """After kill -9 of a `make up` the next one comes up whole, at once, and ends leaving nothing."""
    home = open_folder / "home"
    with started(home, tmp_path) as first:
        first.wait()
        first.process.kill()
        first.process.wait()
    with started(home, tmp_path) as second:
        second.wait()
    assert second.process.returncode == 0, second.said
    assert_nothing_is_left(home, tmp_path)
    counted("make up after a kill", wanted=1)


@pytest.mark.slow
def test_nothing_stays_behind(open_folder: Path, tmp_path: Path) -> None:
    """What a killed `make up` leaves ends with it or with the next one, which leaves nothing after Ctrl-C."""
    home = open_folder / "home"
    with started(home, tmp_path) as first:
        first.wait()
        assert sorted(first.addresses["processes"]) == ["server", "stand-in", "worker"]
        refuse_another(home)
        restart_a_killed_worker(first)
        kill(first)
    # As the flow run of a worker that was killed: nobody's child, and it has the environment of whoever started it.
    orphan = subprocess.Popen(["sleep", "600"], env=os.environ | {MARK: str(home)})
    with started(home, tmp_path) as second:
        assert orphan.wait(60) == -signal.SIGTERM
        second.process.send_signal(signal.SIGINT)  # while it starts
        assert second.process.wait(60) == 0, second.said
    assert_nothing_is_left(home, tmp_path)


def refuse_another(home: Path) -> None:
    """Find that a second start in the same home is refused."""
    environment = os.environ | {"REINGEST_HOME": str(home)}
    again = subprocess.run(UP, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert (again.returncode, "another is up already" in again.stderr) == (2, True), again.stderr


def restart_a_killed_worker(up: Started) -> None:
    """Kill the worker, and find that another is started in its place."""
    psutil.Process(worker := up.addresses["processes"]["worker"]).kill()
    wait_until(lambda: up.addresses["processes"]["worker"] not in {worker, None}, "the worker is started again")


def kill(up: Started) -> None:
    """Kill it, and find that what the kernel binds to it ends with it."""
    children = up.addresses["processes"].values()
    up.process.kill()
    if sys.platform == "linux":
        wait_until(lambda: not any(map(lives, children)), "the children end with their parent", 30)
