"""`make up` after one that was killed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.up import assert_nothing_is_left, started


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
