"""One Postgres server for the whole run, and a freshly migrated database for each test that asks for one.

The server is embedded, in a folder of its own, unless `REINGEST_TEST_DATABASE_URL` names one. `DATABASE_URL` and every
other setting of the person who runs the tests are out of sight.
"""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

from reingest.store import embedded_place
from reingest.store.embedded import EmbeddedPostgres
from reingest.store.embedded_process import server_pid
from reingest.store.migrate import upgrade
from tests.fixtures import drills
from tests.support.postgres import Databases
from tests.support.prefect import hide_prefect_home
from tests.support.processes import wait_for_end
from tests.support.runs import make_run_folder, remove_run, sweep_killed_runs

GIVEN_SERVER = os.environ.get("REINGEST_TEST_DATABASE_URL")
SHARED = Path(os.environ.get("REINGEST_SHARED") or Path(__file__).parents[2] / "shared")
PREFIX = "reingest-tests-"
# What a test writes is thrown away, so the disk need not be waited for; a killed process loses nothing even so.
THROWN_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}

run_folder_key = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's folder in the first process; an xdist worker is told where it is."""
    config.pluginmanager.register(drills)
    given = getattr(config, "workerinput", None)
    if given:
        config.stash[run_folder_key] = Path(given["reingest_folder"])
        hide_prefect_home(config.stash[run_folder_key])
        return
    sweep_killed_runs(PREFIX)
    folder = make_run_folder(PREFIX, in_memory=True)
    hide_prefect_home(folder)
    config.stash[run_folder_key] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell an xdist worker the run's folder."""
    node.workerinput["reingest_folder"] = str(node.config.stash[run_folder_key])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove its folder, whatever the tests did; the workers have ended by now."""
    if hasattr(config, "workerinput"):
        return
    folder = config.stash[run_folder_key]
    if GIVEN_SERVER:
        Databases(GIVEN_SERVER, folder.name, "").drop_all()
    remove_run(folder)


@pytest.fixture(scope="session", autouse=True)
def run_folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Return the run's folder; what root's servers keep outside of a closed home is kept in it, and goes with it."""
    folder = request.config.stash[run_folder_key]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_place, "RELOCATED_UNDER", folder / "relocated")
        yield folder


@pytest.fixture(scope="session")
def databases(run_folder: Path, worker_id: str) -> Databases:
    """Return the maker of databases in the run's server, which the first worker to ask starts."""
    url = GIVEN_SERVER or EmbeddedPostgres(run_folder / "postgres", settings=THROWN_AWAY).start()
    return Databases(url, run_folder.name, worker_id)


@pytest.fixture(scope="session")
def template(databases: Databases) -> str:
    """Return the name of a database with the present schema, to be copied."""
    return databases.template(upgrade)


@pytest.fixture
def database_url(databases: Databases, template: str) -> Iterator[str]:
    """Return the URL of a database of the test's own, with the present schema."""
    with databases.database(template) as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """Return the URL of a database of the test's own in which nothing was made."""
    with databases.database() as url:
        yield url


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder for embedded servers, with a short path that every account may enter; pytest's own are not so."""
    with tempfile.TemporaryDirectory(prefix="reingest-test-", dir="/tmp") as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        yield folder
        for pid_file in folder.rglob("postmaster.pid"):
            if pid := server_pid(pid_file):
                os.kill(pid, signal.SIGQUIT)
                wait_for_end(pid)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference data beside the project's, which a bare clone does not have."""
    if not SHARED.is_dir():
        pytest.skip(f"the reference data are not at {SHARED}; REINGEST_SHARED names their folder")
    return SHARED


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the settings of whoever runs the tests: their environment, home and `reingest.toml`."""
    for name in [*os.environ]:
        if name == "DATABASE_URL" or name.startswith("REINGEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("REINGEST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, which is what Prefect and the command line use."""
    return "asyncio"
