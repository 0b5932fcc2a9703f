"""`reingest date --via prefect`: submit a run of the deployment, and follow it to its outcome.

Only Prefect's API is talked to, so it works from wherever the API can be reached: the flow leaves what this prints in
its artifact `result`. What it prints and the exit code are those of `reingest date` itself.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import typer

from reingest.cli.progress import Progress, stage_progress
from reingest.curtailment.checks import ExpectedTotal
from reingest.curtailment.exact import plain
from reingest.curtailment.words import Side
from reingest.errors import BadUsage, FlowRunCrashed, Interrupted, PrefectUnavailable, ReingestError
from reingest.operations.request import SIDES_OF_CHOICE, DateRequest, SideChoice
from reingest.settings import Settings, load_settings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import Artifact, FlowRun

FLOW: Final = "reingest-date"
DEPLOYMENT: Final = f"{FLOW}/reingest-date"
RESULT: Final = "result"
REPORT: Final = "report"
PROGRESS: Final = "fetch"
POLL_SECONDS: Final = 0.3
# Not by every glance: whether there is a worker changes slowly, and the answer is late by up to a minute.
LOOK_FOR_WORKERS_SECONDS: Final = 15.0


def follow(request: DateRequest, *, as_json: bool) -> int:
    """Have Prefect re-ingest a date, print the report, and return the exit code.

    Raises:
        BadUsage: the deployment does not take what is asked, or no server is known.
        PrefectUnavailable: no server, deployment or worker.
        FlowRunCrashed: the flow run ended without an outcome.
        Interrupted: it was cancelled, or the keyboard stopped the waiting; then it goes on.
        ReingestError: what the flow run itself met, with its code and exit code.
    """
    api_url = _api_url(load_settings())
    with _talking(api_url) as client, stage_progress() as progress:
        run = _submit(client, request)
        pages = api_url.removesuffix("/api")
        typer.echo(f"flow run: {pages}/runs/flow-run/{run.id}", err=True)
        try:
            ended = _wait(_Followed(client, progress), run)
        except KeyboardInterrupt:
            raise Interrupted(f"the flow run {run.name} goes on in Prefect", next_command="reingest run list") from None
        left = _artifacts(client, ended.id, RESULT, REPORT)
    if REPORT in left:
        typer.echo(f"report:   {pages}/artifacts/artifact/{left[REPORT].id}", err=True)
    if RESULT not in left:
        raise _without_result(ended, request.settlement_date)
    result = str(left[RESULT].data)  # what is not text is kept as the text of its JSON
    return _tell(json.loads(result), as_json=as_json)


def parameters(request: DateRequest) -> dict[str, Any]:
    """Return the flow's parameters for a request: what is said, and the date; the rest has its defaults.

    Raises:
        BadUsage: the deployment cannot be asked that.
    """
    if request.wait_seconds:
        raise BadUsage("a flow run waits for no other; leave --wait out, or leave --via out")
    given: dict[str, Any] = {
        "periods": ",".join(map(str, request.periods or ())),
        "plan": request.plan,
        "side": _side(request.sides),
        "source": request.source,
        "reason": request.reason,
        "force": request.force,
        "fresh": request.fresh,
        "with_disptav": request.with_disptav,
        **_expected(request.expected),
    }
    return {"settlement_date": request.settlement_date.isoformat()} | {name: one for name, one in given.items() if one}


def _side(sides: tuple[Side, ...] | None) -> SideChoice:
    for choice, chosen in SIDES_OF_CHOICE.items():
        if chosen == sides:
            return choice
    raise BadUsage(f"the form has no choice for the stacks {sides}")


def _expected(expected: tuple[ExpectedTotal, ...]) -> dict[str, str]:
    if not expected:
        return {}
    total, *others = expected
    if others:
        raise BadUsage("the form takes one expected total; store the others: reingest expected set --help")
    figures = {
        "expected_energy": total.energy_mwh,
        "expected_energy_tolerance": total.energy_tolerance_mwh,
        "expected_payment": total.payment_gbp,
        "expected_payment_tolerance": total.payment_tolerance_gbp,
    }
    return {"definition": total.definition} | {name: plain(one) for name, one in figures.items() if one is not None}


def _api_url(settings: Settings) -> str:
    """Return the address of Prefect's API: PREFECT_API_URL, else that of `make up` in this home."""
    if given := os.environ.get("PREFECT_API_URL"):
        return given.rstrip("/")
    addresses = settings.prefect_folder / "up.json"
    try:
        found: str = json.loads(addresses.read_text(encoding="utf-8"))["prefect_api"]
    except FileNotFoundError:
        raise PrefectUnavailable(
            f"PREFECT_API_URL is not set, and nothing is up in {settings.home}", next_command="make up"
        ) from None
    # It is on this machine: no proxy is asked, and whatever the client keeps, it keeps with the server.
    os.environ["PREFECT_HOME"] = str(settings.prefect_folder)
    os.environ["no_proxy"] = ",".join(filter(None, (os.environ.get("no_proxy"), "127.0.0.1")))
    return found


@contextmanager
def _talking(api_url: str) -> Iterator["SyncPrefectClient"]:
    """Give a client for the block; what its server refuses, or that there is none, becomes the project's error."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL, temporary_settings

    try:
        with temporary_settings({PREFECT_API_URL: api_url}), get_client(sync_client=True) as client:
            yield client
    except PrefectHTTPStatusError as error:
        raise PrefectUnavailable(f"{api_url} refused: {error}") from error
    except (httpx.TransportError, RuntimeError) as error:  # the client's own word for a server that does not answer
        raise PrefectUnavailable(f"no Prefect server answers at {api_url}: {error}") from error


def _submit(client: "SyncPrefectClient", request: DateRequest) -> "FlowRun":
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    try:
        deployment = client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound:
        raise PrefectUnavailable(f"there is no deployment {DEPLOYMENT}", next_command="make up") from None
    if deployment.work_pool_name:
        _require_worker(client, deployment.work_pool_name, "nothing was submitted")
    try:
        return client.create_flow_run_from_deployment(deployment.id, parameters=parameters(request))
    except PrefectHTTPStatusError as error:
        if error.response.status_code in {409, 422}:
            raise BadUsage(f"the deployment refused: {error.response.text}") from error
        raise


def _require_worker(client: "SyncPrefectClient", work_pool: str, then: str) -> None:
    pool = client.read_work_pool(work_pool)
    if pool.status is not None and pool.status.value != "READY":
        raise PrefectUnavailable(f"work pool {work_pool} is {pool.status.value.lower()}: no worker is online; {then}")


@dataclass
class _Followed:
    """What is looked at while a run is under way."""

    client: "SyncPrefectClient"
    progress: Progress

    def look(self, run: "FlowRun") -> None:
        if run.state is not None and run.state.is_running():
            fetched = _artifacts(self.client, run.id, PROGRESS).get(PROGRESS)
            self.progress("fetch, %", round(float(fetched.data or 0)) if fetched else 0, 100)  # type: ignore[arg-type]
        else:
            self.progress("waiting for a worker", 0, 1)


def _wait(followed: _Followed, run: "FlowRun") -> "FlowRun":
    """Return the flow run as it is in its end."""
    looked = time.monotonic()
    while run.state is None or not run.state.is_final():
        followed.look(run)
        time.sleep(POLL_SECONDS)
        run = followed.client.read_flow_run(run.id)
        waits = run.state is None or run.state.is_scheduled()
        if waits and run.work_pool_name and time.monotonic() - looked > LOOK_FOR_WORKERS_SECONDS:
            _require_worker(followed.client, run.work_pool_name, f"the flow run {run.name} waits for one")
            looked = time.monotonic()
    return run


def _artifacts(client: "SyncPrefectClient", flow_run_id: UUID, *keys: str) -> dict[str, "Artifact"]:
    """Return the run's artifacts of these keys, as far as there are any."""
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey

    of_run = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run_id]), key=ArtifactFilterKey(any_=[*keys])
    )
    return {str(artifact.key): artifact for artifact in client.read_artifacts(artifact_filter=of_run)}


def _tell(result: Mapping[str, Any], *, as_json: bool) -> int:
    """Print what the flow left, as the command would have, and return its exit code."""
    if result.get("error"):
        raise _told(result["error"], int(result["exit_code"]))
    typer.echo(json.dumps(result["report"], indent=2) if as_json else "\n".join(result["lines"]))
    return int(result["exit_code"])


def _told(facts: Mapping[str, Any], exit_code: int) -> ReingestError:
    """Return the error that the flow run met, with the class's facts as they were told."""
    met = {"code": facts["code"], "exit_code": exit_code, "safe": facts["safe"], "__doc__": facts["message"]}
    day = facts["settlement_date"]
    error: ReingestError = type("ToldError", (ReingestError,), met)(
        facts["message"],
        settlement_date=date.fromisoformat(day) if day else None,
        period=facts["period"],
        next_command=facts["next"],
    )
    return error


def _without_result(run: "FlowRun", settlement_date: date) -> ReingestError:
    """Return the error for a flow run that left no result: cancelled, crashed, or stopped before it began."""
    state = run.state
    if state is None or state.is_cancelled():
        return Interrupted(f"the flow run {run.name} was cancelled", settlement_date=settlement_date)
    return FlowRunCrashed(
        f"the flow run {run.name} ended as {state.name}: {state.message}", settlement_date=settlement_date
    )
