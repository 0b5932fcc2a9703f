"""What a flow run shows in Prefect's UI: its report, its tables, the picture of the day, and its progress.

Each artifact has a fixed key, so that the UI keeps the history of each; how a run is put into words is in
`reingest.operations`.
"""

import asyncio
from typing import Any
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


class FetchProgress:
    """The progress of a fetch, as one artifact that moves with every batch."""

    def __init__(self) -> None:
        """Begin with nothing; the artifact is made with the first batch."""
        self._done = 0
        self._artifact: UUID | None = None
        self._turn = asyncio.Lock()

    async def add(self, periods: int, of: int) -> None:
        """Count periods as fetched, of all that are asked."""
        async with self._turn:  # batches end side by side, and the bar only goes one way
            self._done += periods
            percent = 100 * self._done / of
            if self._artifact is None:
                self._artifact = await acreate_progress_artifact(percent, key="fetch", description="periods fetched")
            else:
                await aupdate_progress_artifact(self._artifact, percent)


async def show_report(report: DateReport, picture: str) -> None:
    """Show a run that went through its stages: its report, the picture of the day, its checks, what differs."""
    await _leave_result(report_result(report))
    await acreate_markdown_artifact(report_markdown(report), key="report", description=outcome_sentence(report))
    title = f"{report.settlement_date}: energy by BM unit and settlement period"
    await acreate_markdown_artifact(picture_markdown(picture, title), key="picture", description=title)
    for key, rows, describe in (
        ("checks", check_rows(report), "what was checked"),
        ("diff-by-period", diff_by_period_rows(report), "against the served version, by settlement period"),
        ("diff-by-unit", diff_by_unit_rows(report), "against the served version, by BM unit"),
    ):
        if rows:
            await acreate_table_artifact([*rows], key=key, description=describe)


async def show_error(error: ReingestError) -> None:
    """Show an error: what happened, what is safe now, and what to do next."""
    await _leave_result(error_result(error))
    await acreate_markdown_artifact(error_markdown(error), key="report", description=error.sentence)


async def _leave_result(result: dict[str, Any]) -> None:
    """Leave what `reingest date --via prefect` prints."""
    await Artifact(type="json", key="result", data=result, description="what --via prefect prints").acreate()
