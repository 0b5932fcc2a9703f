"""What is never emptied."""

from pathlib import Path

import pytest

from deployments.empty_home import empty_home
from deployments.parts import Source
from reingest.errors import Refused
from reingest.settings import Settings


@pytest.mark.parametrize(
    ("settings", "source"),
    [
        ({"database_url": "postgresql://db.example/reingest"}, "stand-in"),
        ({"prefect_database_url": "postgresql+asyncpg://db.example/prefect"}, "stand-in"),
        ({}, "live"),
    ],
)
def test_what_is_not_ours_or_not_made_up_is_kept(settings: dict[str, str], source: Source, tmp_path: Path) -> None:
    """A database of somebody's own, and a home of real days, are refused before anything is touched."""
    kept = tmp_path / "archive" / "payload"
    kept.parent.mkdir()
    kept.touch()
    with pytest.raises(Refused):
        empty_home(Settings(home=tmp_path, **settings), source)
    assert kept.exists()
    assert not (tmp_path / "postgres").exists()
