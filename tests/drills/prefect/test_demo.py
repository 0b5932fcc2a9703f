"""`make demo`, and what a killed one leaves."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.parts import CHECKOUT
from tests.support.prefect import wait_until
from tests.support.up import assert_nothing_is_left


@pytest.mark.slow
def test_the_demo_after_one_that_was_killed(open_folder: Path, tmp_path: Path, counted: Callable[..., None]) -> None:
    """A demo killed in its first run leaves nothing that the next one minds; that publishes twice, and ends clean."""
    home, user = open_folder / "demo", tmp_path
    temporary = user / "tmp"
    temporary.mkdir()
    command = (sys.executable, "-m", "scripts.demo", "--home", str(home))
    environment = {**os.environ, "HOME": str(user), "TMPDIR": str(temporary)}
    with (user / "killed").open("w") as log:
        killed = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=log, stderr=log)
        wait_until(lambda: "flow run: http" in (user / "killed").read_text(encoding="utf-8"), "a flow run is submitted")
        killed.kill()
        assert killed.wait() == -signal.SIGKILL
    ran = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    outcomes = [line.split()[1].strip(",") for line in ran.stdout.splitlines() if line.startswith("2025-03-21: ")]
    assert outcomes == ["published", "restated", "planned", "published", "unchanged"]
    assert_nothing_is_left(home, user)
    counted("make demo after a kill", wanted=1)
