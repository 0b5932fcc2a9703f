"""Prefect beside a bench: its server on the bench's Postgres, its deployment, and what it was asked and takes up."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final, LiteralString

import psycopg

from deployments.children import Child
from deployments.parts import free_port
from deployments.prefect_settings import LOOPBACK, plain_environment, server_environment
from tests.bench.place import Place
from tests.support.prefect import PrefectServer, answers, wait_until

DEPLOYMENT: Final = "deployments/name/reingest-date/reingest-date"

# A line of the server's access log. A websocket is one call, however much is said over it.
_CALL: Final = re.compile(r'- "(\w+) (/api[^ ?"]*)')
# What a worker asks whether there is anything to do or not.
_POLLS: Final = re.compile(r"/get_scheduled_flow_runs$|/workers/heartbeat$")


@dataclass(frozen=True)
class PrefectPlace:
    """A Prefect server with everything registered, and its database.

    Attributes:
        child: The server's process, whose log has a line for each call.
    """

    api: PrefectServer
    child: Child
    database_url: str

    @cached_property
    def deployment_id(self) -> str:
        """Its deployment."""
        found: str = self.api.get(DEPLOYMENT)["id"]
        return found

    def submit(self, settlement_date: date) -> str:
        """Ask for a run of a date; return the flow run's id."""
        body = {"parameters": {"settlement_date": settlement_date.isoformat()}, "state": {"type": "SCHEDULED"}}
        run: str = self.api.post(f"deployments/{self.deployment_id}/create_flow_run", body)["id"]
        return run

    def state(self, flow_run_id: str) -> str:
        """Return the name of a flow run's state, from the database: asking the API would be counted."""
        return str(self.value("select state_name from flow_run where id = %s", flow_run_id))

    def has_ended(self, flow_run_id: str) -> bool:
        """Tell whether a flow run has its outcome, from the database too."""
        return self.value("select end_time from flow_run where id = %s", flow_run_id) is not None

    def seconds_since(self, state: str, flow_run_id: str) -> float:
        """Return the seconds from a flow run's entering a state to its last one."""
        query: LiteralString = """
            select extract(epoch from max(timestamp) - max(timestamp) filter (where name = %s))
            from flow_run_state where flow_run_id = %s
        """
        return float(self.value(query, state, flow_run_id))

    def calls(self) -> list[str]:
        """Return every call so far, as method and path, but the polls of a worker."""
        log = self.child.log.read_text(encoding="utf-8", errors="replace")
        return [f"{method} {path}" for method, path in _CALL.findall(log) if not _POLLS.search(path)]

    def value(self, query: LiteralString, *parameters: object) -> Any:
        """Return the one value of a query to Prefect's database."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            row = connection.execute(query, parameters).fetchone()
        return row[0] if row else None


@contextmanager
def server(place: Place, database_url: str) -> Iterator[PrefectPlace]:
    """Give a server on the database for the block, with the settings that the project sets."""
    folder = place.home / "prefect"
    folder.mkdir(exist_ok=True)
    port = free_port()
    api_url = f"http://{LOOPBACK}:{port}/api"
    child = Child(
        name="server",
        command=(sys.executable, "-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(port)),
        environment=plain_environment()
        | server_environment(folder, api_url, database_url)
        # So that it logs every call.
        | {"PREFECT_SERVER_LOGGING_LEVEL": "INFO"},
        folder=folder,
        log=folder / f"server-{port}.log",
    )
    child.start()
    try:
        prefect = PrefectPlace(PrefectServer(api_url, folder), child, database_url)
        wait_until(lambda: answers(api_url), f"Prefect's server answers, see {child.log}")
        yield prefect
    finally:
        child.end()
