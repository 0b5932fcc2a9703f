from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.sites import Site


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """Return the folder in which temporary folders are made meanwhile; root's server must be able to pass it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o755)
    with patch("tempfile.tempdir", str(folder)):
        yield folder


def test_the_idempotency_selftest_passes_and_leaves_nothing(database_url: str, tmp_path: Path, temporary: Path) -> None:
    """`selftest idempotency` publishes one of three runs, ends with 0, and leaves no trace in data or on disk."""
    site = Site(database_url, tmp_path / "home")

    ran = site.reingest("selftest", "idempotency")

    assert ran.exit_code == 0, ran.err
    *runs, verdict = ran.out.splitlines()
    assert [line.split()[2] for line in runs] == ["published,", "unchanged,", "unchanged,"]
    assert len({line.split()[-1] for line in runs}) == 1
    assert verdict.startswith("Idempotent")
    assert list(temporary.iterdir()) == []
    assert site.value("select count(*) from run") == 0
    assert not site.home.exists()
