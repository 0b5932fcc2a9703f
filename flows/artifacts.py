"""What a flow run shows in Prefect's UI: its report, its tables, the picture of the day, and its progress.

Each artifact has a fixed key, so that the UI keeps the history of each; how a run is put into words is in
`reingest.operations`.
"""

import asyncio
import math
from typing import Any, Final, Self
from uuid import UUID

from prefect.artifacts import (
    Artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

from reingest.errors import ReingestError
from reingest.operations.outcome_text import outcome_sentence
from reingest.operations.report import DateReport
from reingest.operations.report_markdown import error_markdown, picture_markdown, report_markdown
from reingest.operations.report_tables import check_rows, diff_by_period_rows, diff_by_unit_rows
from reingest.operations.run_result import error_result, report_result

SECONDS_BETWEEN: Final = 0.5


class ProgressArtifact:
    """How much of a run is done, as one artifact that moves at most twice a second; nothing waits for it.

    Its block ends when the artifact tells the last of it.
    """

    def __init__(self, key: str, describe: str) -> None:
        """Begin with nothing; the artifact is made when something is done.

        Args:
            key: the artifact's key.
            describe: what is counted.
        """
        self._key = key
        self._describe = describe
        self._done = 0
        self._percent = 0.0
        self._shown = 0.0
        self._due = -math.inf
        self._artifact: UUID | None = None
        self._showing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Show the last of it."""
        if self._showing is not None:
            await self._showing
        if self._shown != self._percent:
            await self._show()

    def add(self, count: int, of: int) -> None:
        """Count what is done, of all that there is to do."""
        self._done += count
        self._percent = 100 * self._done / of
        now = asyncio.get_running_loop().time()
        if now >= self._due and (self._showing is None or self._showing.done()):
            self._due = now + SECONDS_BETWEEN
            self._showing = asyncio.create_task(self._show())

    async def _show(self) -> None:
        self._shown = self._percent
        if self._artifact is None:
            self._artifact = await acreate_progress_artifact(self._shown, key=self._key, description=self._describe)
        else:
            await aupdate_progress_artifact(self._artifact, self._shown)


async def show_report(report: DateReport, picture: str) -> None:
    """Show a run that went through its stages: its report, the picture of the day, its checks, what differs."""
    title = f"{report.settlement_date}: energy by BM unit and settlement period"
    tables = (
        ("checks", check_rows(report), "what was checked"),
        ("diff-by-period", diff_by_period_rows(report), "against the served version, by settlement period"),
        ("diff-by-unit", diff_by_unit_rows(report), "against the served version, by BM unit"),
    )
    await asyncio.gather(
        _leave_result(report_result(report)),
        acreate_markdown_artifact(report_markdown(report), key="report", description=outcome_sentence(report)),
        acreate_markdown_artifact(picture_markdown(picture, title), key="picture", description=title),
        *(acreate_table_artifact([*rows], key=key, description=about) for key, rows, about in tables if rows),
    )


async def show_error(error: ReingestError) -> None:
    """Show an error: what happened, what is safe now, and what to do next."""
    await asyncio.gather(
        _leave_result(error_result(error)),
        acreate_markdown_artifact(error_markdown(error), key="report", description=error.sentence),
    )


async def _leave_result(result: dict[str, Any]) -> None:
    """Leave what `reingest date --via prefect` prints."""
    await Artifact(type="json", key="result", data=result, description="what --via prefect prints").acreate()
