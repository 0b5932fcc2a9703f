"""A real Prefect server for tests, and workers of it.

Nothing here imports Prefect before it is used: that takes a second, which most tests should not wait for.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg import sql

from deployments.children import MARK, Child
from deployments.parts import free_port
from deployments.prefect_settings import (
    LOOPBACK,
    WORK_POOL,
    client_environment,
    plain_environment,
    server_environment,
    worker_environment,
)
from reingest.cli.via_prefect import DEPLOYMENT
from reingest.clock import utc_now
from reingest.store.embedded_process import file_lock
from tests.support.postgres import Databases

READY_SECONDS = 90.0
FINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
# It outlives the xdist worker that starts it, and is nobody's child, so that it leaves no zombie behind.
IN_THE_BACKGROUND = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 &'


def hide_prefect_home(folder: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Keep the Prefect of this process, imported by whichever test first, out of the home of whoever runs the tests."""
    for name in [*environment]:
        if name.startswith("PREFECT_"):
            del environment[name]
    environment.update(client_environment(folder / "prefect", ""))
    del environment["PREFECT_API_URL"]


def wait_until(holds: Callable[[], bool], what: str, seconds: float = READY_SECONDS) -> None:
    """Return when it holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)


@dataclass(frozen=True)
class PrefectServer:
    """The run's server: its address, and where it and its clients keep what they keep."""

    api_url: str
    folder: Path

    @property
    def _mark(self) -> dict[str, str]:
        """By which the end of the run finds what a test left."""
        return {MARK: str(self.folder.parent)}

    def get(self, path: str) -> Any:
        """Return what the API answers."""
        return self._answer("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return what the API answers to a body."""
        return self._answer("POST", path, body or {})

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Change what stands there."""
        self._answer("PATCH", path, body)

    def delete(self, path: str) -> None:
        """Remove what stands there."""
        self._answer("DELETE", path, None)

    def artifacts(self, flow_run_id: str) -> dict[str, Any]:
        """Return the data of a flow run's artifacts, by key."""
        found = self.post("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run_id]}}})
        return {artifact["key"]: artifact["data"] for artifact in found}

    def tasks(self, flow_run_id: str, count: int) -> dict[str, str]:
        """Return the tasks of a flow run by name, with the names of their states, once so many have ended."""

        def found() -> dict[str, str]:
            tasks = self.post("task_runs/filter", {"task_runs": {"flow_run_id": {"any_": [flow_run_id]}}})
            return {one["name"]: one["state_name"] for one in tasks}

        wait_until(lambda: len(found()) >= count and "Running" not in found().values(), "the tasks are recorded")
        return found()

    def submit_to(self, deployment: str, **parameters: object) -> str:
        """Have a worker run a deployment; return the flow run's id."""
        deployment_id = self.get(f"deployments/name/{deployment}")["id"]
        run: str = self.post(f"deployments/{deployment_id}/create_flow_run", {"parameters": parameters})["id"]
        return run

    def is_over(self, flow_run_id: str) -> bool:
        """Tell whether a flow run has ended, well or not."""
        return self.get(f"flow_runs/{flow_run_id}")["state"]["type"] in FINAL

    def submit(self, settlement_date: date, **environment: str) -> str:
        """Have a worker run a date, with more environment variables than its own; return the flow run's id."""
        deployment = self.get(f"deployments/name/{DEPLOYMENT}")["id"]
        body = {
            "parameters": {"settlement_date": settlement_date.isoformat()},
            "job_variables": {"env": environment},
        }
        run: str = self.post(f"deployments/{deployment}/create_flow_run", body)["id"]
        return run

    def wait_for_end(self, flow_run_id: str, seconds: float = READY_SECONDS) -> dict[str, Any]:
        """Return the state in which a flow run has ended."""

        def state() -> dict[str, Any]:
            found: dict[str, Any] = self.get(f"flow_runs/{flow_run_id}")["state"]
            return found

        wait_until(lambda: state()["type"] in FINAL, "the flow run ends", seconds)
        return state()

    def require_registered(self) -> None:
        """Register everything, unless a test of this run did."""
        done = self.folder / "registered"
        with file_lock(self.folder / "register.lock"):
            if not done.exists():
                self.register()
                done.touch()

    def register(self, **environment: str) -> list[str]:
        """Register the work pool, the deployments and the automations, as `make deploy` does; return what it said."""
        own = {"PREFECT_API_URL": self.api_url, "REINGEST_HOME": str(self.folder.parent)}
        command = (sys.executable, "-m", "deployments.start", "register")
        variables = plain_environment() | own | environment
        done = subprocess.run(command, env=variables, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    @contextmanager
    def worker(self, environment: Mapping[str, str]) -> Iterator[Child]:
        """Register everything, and let a worker run what is submitted; one at a time, whichever test it is for."""
        with self.workers(environment, 1) as (worker,):
            yield worker

    @contextmanager
    def workers(self, environment: Mapping[str, str], count: int) -> Iterator[Sequence[Child]]:
        """Let several workers run what is submitted, of several one flow run each; only those of one test at a time."""
        with file_lock(self.folder / "worker.lock"), ExitStack() as until:
            self.require_registered()
            since, limit = utc_now(), () if count == 1 else ("--limit", "1")
            workers = [self._worker(f"worker-{number}", environment, *limit) for number in range(1, count + 1)]
            for worker in workers:
                until.callback(worker.end)
                worker.start()
            wait_until(lambda: self._online(since) >= count, "the workers are online")
            yield workers

    def _worker(self, name: str, environment: Mapping[str, str], *options: str) -> Child:
        of_worker = worker_environment(self.folder, self.api_url)
        words = ("prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process", "--name", name, *options)
        return Child(
            name=name,
            command=(sys.executable, "-m", *words),
            environment={**plain_environment(), **self._mark, **of_worker, **environment},
            folder=self.folder,
            log=self.folder / f"{name}.log",
        )

    def _online(self, since: datetime) -> int:
        """Count the workers that were heard since; those of an earlier test bear the same names."""
        workers = self.post(f"work_pools/{WORK_POOL}/workers/filter")
        return sum(datetime.fromisoformat(worker["last_heartbeat_time"]) >= since for worker in workers)

    def _answer(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        with httpx.Client(verify=False, trust_env=False, timeout=30) as client:  # noqa: S501  (it is plain HTTP)
            answer = client.request(method, f"{self.api_url}/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


def the_runs_server(run_folder: Path, databases: Databases) -> PrefectServer:
    """Return the run's server, on a database of its own in the run's Postgres; the first to ask starts it."""
    folder = run_folder / "prefect"
    folder.mkdir(exist_ok=True)
    address = folder / "address"
    with file_lock(run_folder / "prefect.lock"):
        if not address.exists():
            api_url = _start(folder, _database(databases))
            address.write_text(api_url, encoding="utf-8")
    return PrefectServer(address.read_text(encoding="utf-8"), folder)


def _start(folder: Path, database_url: str) -> str:
    port = free_port()
    api_url = f"http://{LOOPBACK}:{port}/api"
    environment = plain_environment() | server_environment(folder, api_url, database_url) | {MARK: str(folder.parent)}
    # What a test waits for: an event is written at once, and not with those of five seconds.
    environment |= {"PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "0.2"}
    server = (sys.executable, "-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(port))
    shell = ("/bin/sh", "-c", IN_THE_BACKGROUND, "sh", str(folder / "server.log"), *server)
    subprocess.run(shell, env=environment, cwd=folder, check=True, start_new_session=True)
    wait_until(lambda: answers(api_url), f"Prefect's server answers, see {folder / 'server.log'}")
    return api_url


def answers(api_url: str) -> bool:
    """Tell whether a server answers there."""
    try:
        return httpx.get(f"{api_url}/health", verify=False, trust_env=False).is_success  # noqa: S501
    except httpx.TransportError:
        return False


def _database(databases: Databases) -> str:
    name = f"{databases.run}_prefect"
    with psycopg.connect(databases.server_url, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return urlsplit(databases.server_url)._replace(path=f"/{name}").geturl()
