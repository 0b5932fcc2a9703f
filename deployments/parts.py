"""The parts of `make up`: which processes there are, how each is started, and when each is ready."""

import socket
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Self

import httpx

from deployments.children import MARK, Child
from deployments.prefect_settings import (
    LOOPBACK,
    WORK_POOL,
    plain_environment,
    server_environment,
    worker_environment,
)
from reingest.settings import Settings, environment_name

CHECKOUT: Final = Path(__file__).resolve().parents[1]
SEED: Final = "321"
"""Of the days that the stand-in generates; the same as the demo's."""
WORKER: Final = "up"

Source = Literal["stand-in", "live"]

# Only plain HTTP is spoken here, so no certificates are read; nor is a proxy asked for what is on this machine.
_HTTP: Final = httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False, timeout=5)


@dataclass(frozen=True)
class Parts:
    """The processes, and where they answer.

    Attributes:
        register: Ends by itself, once the deployments are registered.
        stand_in: None where the live Elexon is asked.
    """

    settings: Settings
    api_url: str
    elexon_url: str
    server: Child
    register: Child
    worker: Child
    stand_in: Child | None

    @classmethod
    def of(cls, settings: Settings, source: Source, prefect_database_url: str) -> Self:
        """Return the parts of a home, with free ports chosen; nothing is started."""
        folder = settings.prefect_folder
        port, elexon_port = free_port(), free_port()
        api_url = f"http://{LOOPBACK}:{port}/api"
        elexon_url = f"http://{LOOPBACK}:{elexon_port}/bmrs/api/v1" if source == "stand-in" else settings.elexon_url
        server = ("prefect", "server", "start", "--host", LOOPBACK, "--port", str(port))
        worker = ("prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process", "--name", WORKER)
        stand_in = ("reingest", "stand-in", "serve", "--port", str(elexon_port), "--generate", SEED)
        of_worker = worker_environment(folder, api_url) | _elexon(source, elexon_url)
        return cls(
            settings=settings,
            api_url=api_url,
            elexon_url=elexon_url,
            server=_child(settings, "server", server, server_environment(folder, api_url, prefect_database_url)),
            register=_child(settings, "register", ("deployments.register",), of_worker),
            worker=_child(settings, "worker", worker, of_worker),
            stand_in=_child(settings, "stand-in", stand_in, {}) if source == "stand-in" else None,
        )

    @property
    def lasting(self) -> tuple[Child, ...]:
        """The processes that run until the end, each before those that need it."""
        return tuple(child for child in (self.server, self.stand_in, self.worker) if child is not None)

    @property
    def ui_url(self) -> str:
        """Prefect's pages."""
        return self.api_url.removesuffix("/api")

    def server_answers(self) -> bool:
        """Tell whether Prefect's server answers."""
        try:
            return _HTTP.get(f"{self.api_url}/health").is_success
        except httpx.TransportError:
            return False

    def worker_is_online(self, since: datetime) -> bool:
        """Tell whether the worker was heard since; one of an earlier start has the same name."""
        try:
            answer = _HTTP.post(f"{self.api_url}/work_pools/{WORK_POOL}/workers/filter", json={})
        except httpx.TransportError:
            return False
        if not answer.is_success:  # the pool may not be registered yet
            return False
        return any(_heard(worker) > since for worker in answer.json() if worker["name"] == WORKER)

    def addresses(self) -> dict[str, Any]:
        """Return where everything answers, for programs."""
        return {
            "prefect_ui": self.ui_url,
            "prefect_api": self.api_url,
            "elexon": self.elexon_url,
            "home": str(self.settings.home),
            "processes": {child.name: child.pid for child in self.lasting},
        }

    def describe(self) -> str:
        """Return where everything answers, and what to do there, for people."""
        elexon = "stand-in Elexon" if self.stand_in else "live Elexon"
        postgres = "DATABASE_URL's" if self.settings.database_url else str(self.settings.postgres_folder)
        submit = f"REINGEST_HOME={self.settings.home} reingest date 2025-03-21 --via prefect"
        lines = {
            "Prefect": self.ui_url,
            "run a date": f"{self.ui_url}/deployments, reingest-date, Run; or\n{'':<18}{submit}",
            elexon: self.elexon_url,
            "Postgres": postgres,
            "logs": str(self.server.log.parent),
        }
        return "\n".join(f"{name:<18}{value}" for name, value in lines.items())


def free_port() -> int:
    """Return a port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _child(settings: Settings, name: str, words: tuple[str, ...], variables: Mapping[str, str]) -> Child:
    logs = settings.prefect_folder / "logs"
    logs.mkdir(exist_ok=True)
    own = {MARK: str(settings.home), environment_name("home"): str(settings.home)}
    if settings.database_url:
        own[environment_name("database_url")] = settings.database_url
    return Child(
        name=name,
        command=(sys.executable, "-m", *words),
        environment={**plain_environment(), **own, **variables},
        # Not the checkout: Prefect reads the settings of whatever project it is started in.
        folder=settings.prefect_folder,
        log=logs / f"{name}.log",
    )


def _elexon(source: Source, url: str) -> dict[str, str]:
    if source == "live":
        return {}
    # The stand-in is on this machine and ours: there is nobody to spare.
    return {environment_name("elexon_url"): url, environment_name("requests_per_second"): "0"}


def _heard(worker: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(worker["last_heartbeat_time"])
