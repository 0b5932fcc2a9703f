"""`reingest notices`: what people were told, and whether it got out."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from reingest.cli.arguments import AsCsv, AsJson
from reingest.cli.deliveries import Every, Words, deliver_and_exit
from reingest.cli.output import Column, Output
from reingest.cli.reading import connected, reading
from reingest.errors import BadSetting, BadUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reingest.store.notices import ListedNotice, NoticeState

app = typer.Typer(no_args_is_help=True)

NOTICES: Final = (
    Column("id", "id", "count"),
    Column("created_at", "told"),
    Column("kind", "kind"),
    Column("settlement_date", "date"),
    Column("subject", "subject"),
    Column("channel", "channel"),
    Column("state", "state"),
    Column("attempts", "attempts", "count"),
    Column("next_attempt_at", "next attempt"),
    Column("delivered_at", "delivered"),
    Column("last_error", "last error"),
    Column("cause", "cause"),
)
TRIALS: Final = (Column("channel", "channel"), Column("sent", "sent"), Column("error", "error"))

_NONE_HERE: Final = "No channel is configured here (notice_webhook_url, slack_url, smtp_url)."
WORDS: Final = Words("notices", "channel", f"{_NONE_HERE} Notices can be read: reingest notices list")


@app.command("list")
def list_(
    pending: Annotated[bool, typer.Option("--pending", help="Only what is to be delivered.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="Only dead letters: every attempt failed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="How many at most.")] = 100,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List what people were told, newest first, with what became of it at each channel."""
    from reingest.store.notices import list_notices

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    states = _states(pending=pending, dead=dead)
    with reading() as connection:
        notices = list_notices(connection, states, limit=limit)
    rows = [{column.key: getattr(notice, column.key) for column in NOTICES} for notice in notices]
    output.write(notices, NOTICES, rows, after=_after_list(notices))


@app.command()
def deliver(every: Every = False, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Deliver notices by the configured channels; exit code 1 where some stay pending or dead."""
    from reingest.operations.notices.delivering import deliver_all_notices, deliver_notices

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    deliver_and_exit(deliver_all_notices if every else deliver_notices, WORDS, output)


@app.command()
def retry(
    notice: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="The notice's id, as notices list prints it.")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead letter.")] = False,
) -> None:
    """Make notices due now: one by its id, or every dead letter."""
    from reingest.store.notices import retry_dead_notices, retry_notice

    if (notice is not None) + dead != 1:
        raise BadUsage("say which: an id, or --dead", next_command="reingest notices list")
    with connected() as connection:
        count = retry_dead_notices(connection) if notice is None else retry_notice(connection, notice)
    typer.echo(f"{count} to be delivered. Next: reingest notices deliver" if count else "Nothing to deliver again.")


@app.command("test")
def send_trial(
    channel: Annotated[
        Literal["email", "slack", "webhook"] | None,
        typer.Option(help="Only this one; without it every channel that is configured."),
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Send a trial message by every configured channel, now; exit code 1 where one does not take it."""
    from reingest.operations.notices.channels import SETTING_OF_CHANNEL, configured_channels
    from reingest.operations.notices.delivering import try_channels
    from reingest.settings import environment_name, load_settings

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    settings = load_settings()
    if channel is not None and channel not in configured_channels(settings):
        variable = environment_name(SETTING_OF_CHANNEL[channel])
        raise BadSetting(f"the channel {channel} is not configured here: {variable} names it")
    failures = asyncio.run(try_channels(settings, channel))
    rows = [{"channel": name, "sent": error is None, "error": error} for name, error in failures.items()]
    output.write(rows, TRIALS, rows, after=[] if rows else [_NONE_HERE])
    raise typer.Exit(1 if any(failures.values()) else 0)


def _states(*, pending: bool, dead: bool) -> "Sequence[NoticeState]":
    from reingest.store.notices import NOTICE_STATES

    if pending and dead:
        raise BadUsage("--pending and --dead exclude each other")
    return ("pending",) if pending else ("dead",) if dead else NOTICE_STATES


def _after_list(notices: "Sequence[ListedNotice]") -> list[str]:
    states = {notice.state for notice in notices}
    if "dead" in states:
        return ["", "Dead letters are not tried again by themselves. Next: reingest notices retry --dead"]
    if states & {"pending", "no_channel"}:
        return ["", "Next: reingest notices deliver"]
    return [] if states else ["There is nothing of that."]
