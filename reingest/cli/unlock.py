"""`reingest unlock`: end a lease whose holder is gone, or is to be stopped."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import typer

from reingest.cli.arguments import AsJson, Reason, run_id, settlement_date
from reingest.cli.asking import confirmed
from reingest.cli.locks import lease_lines
from reingest.cli.output import as_json as json_text
from reingest.cli.reading import connected
from reingest.errors import BadUsage
from reingest.operations.unlock import Unlocked, find_lease, require_unlockable, unlock_lease
from reingest.store.leases import EXCLUSIVE_KEY, HeldLease, date_key

NOT_RELEASED: Final = 1
Told = Literal["none_held", "not_the_owner", "cancelled"] | Unlocked


def unlock(
    what: Annotated[str, typer.Argument(metavar="D|exclusive", help="A settlement date, or the lease on everything.")],
    reason: Reason,
    owner: Annotated[
        str | None, typer.Option(metavar="RUN", help="Only where this run holds it; its id, as status --locks prints.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Though the holder lives: it stops, publishing nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """End a lease, so that the next run need not wait; its holder can publish nothing any more."""
    key, wanted = _key(what), run_id(owner) if owner else None
    if not reason.strip():
        raise BadUsage("a lease is unlocked with a reason; --reason is empty")
    with connected() as connection:
        held = find_lease(connection, key)
        if held is None:
            _tell(key, "none_held", [f"No lease currently held on {key}."], as_json=as_json)
            return
        if wanted is not None and held.run_id != wanted:
            said = f"{key} is held by run {held.run_id}, not by {wanted}: not released."
            _tell(key, "not_the_owner", [said], as_json=as_json)
            raise typer.Exit(NOT_RELEASED)
        require_unlockable(held, force=force)
        typer.echo("\n".join(lease_lines(held)), err=True)
        if not yes and not confirmed("Unlock it?"):
            _tell(key, "cancelled", ["Operation cancelled."], as_json=as_json)
            raise typer.Exit(NOT_RELEASED)
        done = unlock_lease(connection, held, reason, force=force)
    _tell(key, done, _done_lines(held, done), as_json=as_json)


def _done_lines(held: HeldLease, done: Unlocked) -> Sequence[str]:
    if done == "gone":
        return [f"{held.key} was released or taken over meanwhile; nothing was done.", "Next: reingest status --locks"]
    day = held.key.removeprefix("date:")
    following = "reingest status --locks" if held.key == EXCLUSIVE_KEY else f"reingest date {day}"
    return [f"{held.key} is free; run {held.run_id} can publish nothing any more.", f"Next: {following}"]


def _tell(key: str, result: Told, lines: Sequence[str], *, as_json: bool) -> None:
    typer.echo(json_text({"key": key, "result": result, "message": " ".join(lines)}) if as_json else "\n".join(lines))


def _key(what: str) -> str:
    return EXCLUSIVE_KEY if what in {"exclusive", EXCLUSIVE_KEY} else date_key(settlement_date(what))
