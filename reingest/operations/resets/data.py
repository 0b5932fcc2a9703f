"""Reset of data: all versions of dates go, served ones too; the archive keeps what they were made from."""

from dataclasses import replace

from reingest.operations.resets.plan import ResetPlan, ResetRequest
from reingest.store.database import Connection
from reingest.store.purging import sizes_of_versions
from reingest.store.resetting import SpannedVersion, remove_versions, versions_in_span, withdraw_dates

_MOST_COMMANDS = 3


def plan(connection: Connection, request: ResetRequest, blank: ResetPlan) -> ResetPlan:
    """Return what would go: every row of every version of the dates."""
    versions = versions_in_span(connection, request.span)
    served = [version for version in versions if version.state == "published"]
    ids = [version.id for version in versions]
    return replace(
        blank,
        takes=sizes_of_versions(connection, ids),
        ids=ids,
        served_dates=len(served),
        next_commands=[*map(_rebuild, served[:_MOST_COMMANDS]), *(["..."] if len(served) > _MOST_COMMANDS else [])],
    )


def take_away(connection: Connection, request: ResetRequest, plan: ResetPlan) -> dict[str, int]:
    """Withdraw the dates and delete their versions; return how many rows went, by table."""
    gone = {size.name: size.rows for size in sizes_of_versions(connection, plan.ids)}
    withdraw_dates(connection, request.span, request.reason)
    remove_versions(connection, plan.ids)
    return gone


def _rebuild(version: SpannedVersion) -> str:
    side = "" if len(version.sides) > 1 else f" --side {version.sides[0]}"
    return f"reingest date {version.settlement_date} --source archive{side}"
