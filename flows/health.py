"""The flow that looks after a site: the doctor, whole, once a day or when somebody asks.

What the doctor does is in `reingest.operations.doctor`. A finding ends the run as failed, so that alerts see it.
"""

import asyncio
from typing import Annotated, Any, Final

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State, StateType

from flows.forms import shown
from flows.states import state_of_error
from reingest.errors import ReingestError
from reingest.operations.doctor.consult import Consultation, Consulted, consult
from reingest.operations.doctor.examine import Examination
from reingest.operations.doctor.site import Examined
from reingest.operations.notices.of_findings import tell_findings
from reingest.settings import Settings, load_settings
from reingest.store.server import ensure_database
from reingest.tuning import tune_process

_SHOWN: Final = 1000


@flow(name="reingest-health", flow_run_name="health", retries=0, persist_result=False)
async def health(
    fix: Annotated[bool, shown("Mend what changes no published figure")] = False,
    quick: Annotated[bool, shown("Leave payloads unread")] = False,
) -> State[None]:
    """Find where database, archive and files disagree.

    Args:
        fix: Mend what changes no published figure, and look again.
        quick: Leave payloads unread and rows unhashed; only count in the database.
    """
    tune_process()
    settings = load_settings()
    try:
        url = ensure_database(settings)
        consulted = await asyncio.to_thread(_consult, settings, url, Consultation(Examined(quick=quick), fix=fix))
        await tell_findings(settings, url, consulted.last.findings)
    except ReingestError as error:
        return state_of_error(error)
    await _show(consulted)
    return _state(consulted.last)


def _consult(settings: Settings, database_url: str, wanted: Consultation) -> Consulted:
    return consult(settings, database_url, wanted, lambda _doing, _done, _total: None)


async def _show(consulted: Consulted) -> None:
    """Leave what was looked at, what was found, and what was mended."""
    last = consulted.last
    checks = "\n".join(f"| {'✗' if count else '✓'} | {name} | {count} |" for name, count in last.checks.items())
    looked = f"{last.dates:,} dates, {last.versions:,} versions, {last.payloads:,} payloads"
    report = f"# {_name(last)}\n\n{looked}\n\n|   | check | findings |\n|---|---|---|\n{checks}\n"
    await acreate_markdown_artifact(report, key="health", description=_message(last))
    for key, rows in (
        ("findings", [_row(finding.as_dict()) for finding in last.findings[:_SHOWN]]),
        ("mended", [_row(one.as_dict()) for one in consulted.mended[:_SHOWN]]),
    ):
        if rows:
            await acreate_table_artifact(rows, key=key, description="what the doctor found, and what mends it")


def _row(values: dict[str, Any]) -> dict[str, str]:
    """Return a row of a table, whose cells are texts."""
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _state(examination: Examination) -> State[None]:
    kind = StateType.COMPLETED if examination.consistent else StateType.FAILED
    return State(type=kind, name=_name(examination), message=_message(examination))


def _name(examination: Examination) -> str:
    return "Consistent" if examination.consistent else f"Findings: {len(examination.findings)}"


def _message(examination: Examination) -> str:
    if examination.consistent:
        return f"{examination.dates:,} dates agree with their payloads and records"
    kinds = sorted({finding.id for finding in examination.findings})
    return f"{', '.join(kinds)}. Next: reingest doctor"
