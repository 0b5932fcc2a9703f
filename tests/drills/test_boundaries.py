"""That checkpoints stand at every durable boundary of the source."""

import re
from typing import Final

from tests.support.boundaries import checkpoint_names, functions_with_boundaries, unguarded_boundaries

NEED_NONE: Final = {
    ("store/database.py", "snapshot"): "a transaction that only reads",
}
"""Durable by their form and not by what they do."""


def test_checkpoints_have_different_names() -> None:
    """No two places of the source are one checkpoint, names are lower_snake, and there are 40 at the least."""
    names = checkpoint_names()
    assert len(set(names)) == len(names) >= 40
    assert [name for name in names if not re.fullmatch("[a-z]+(_[a-z]+)*", name)] == []


def test_every_durable_boundary_has_a_checkpoint() -> None:
    """A function that syncs, renames, commits or writes passes a checkpoint, or is called only by ones that do."""
    assert unguarded_boundaries(frozenset(NEED_NONE)) == []


def test_no_exception_is_left_over() -> None:
    """Each function that needs no checkpoint is one that would need it by its form."""
    assert set(NEED_NONE) <= functions_with_boundaries()
