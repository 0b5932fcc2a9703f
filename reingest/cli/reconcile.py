"""`reingest reconcile`: find the dates that may not be what the source says, compare them, and mend what differs."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson
from reingest.cli.arguments import run_id as uuid_of
from reingest.cli.output import Column, Output
from reingest.cli.output import as_json as json_text
from reingest.cli.progress import stage_progress
from reingest.cli.reading import connected, reading
from reingest.curtailment.exact import exact_decimal
from reingest.errors import BadUsage, Interrupted, NotFound
from reingest.settings import ReconcilePolicy

if TYPE_CHECKING:
    from reingest.operations.reconciliation.due import DueDate
    from reingest.operations.reconciliation.report import ReconcileReport
    from reingest.operations.reconciliation.request import ReconcileRequest
    from reingest.store.reconciliation import JudgedDate, ListedReconciliation

app = typer.Typer()

DUE: Final = (Column("settlement_date", "date"), Column("reason", "why"), Column("since", "since"))
DATES: Final = (
    Column("settlement_date", "date"),
    Column("reason", "why"),
    Column("verdict", "verdict"),
    Column("version", "version", "count"),
    Column("energy_change_mwh", "MWh", "energy"),
    Column("payment_change_gbp", "GBP", "money"),
    Column("btc_change", "BTC"),
    Column("periods", "periods"),
    Column("code", "error"),
    Column("next", "next"),
)
RECONCILIATIONS: Final = (
    Column("id", "reconciliation"),
    Column("started_at", "started"),
    Column("finished_at", "ended"),
    Column("state", "state"),
    Column("policy", "policy"),
    Column("payment_limit_gbp", "within GBP", "money"),
    Column("energy_limit_mwh", "within MWh", "energy"),
    Column("verdicts", "verdicts"),
    Column("holder", "who"),
    Column("host", "host"),
)
SETTLEMENT_RUNS: Final = (
    Column("name", "run"),
    Column("working_days", "working days after", "count"),
    Column("months", "months after", "count"),
    Column("enabled", "enabled"),
)
Jobs = Annotated[int, typer.Option(min=1, max=32, metavar="N", help="How many dates at once, a process each.")]


@app.command()
def run(
    plan: Annotated[bool, typer.Option("--plan", help="Only say what differs, this once: --policy report.")] = False,
    policy: Annotated[
        ReconcilePolicy | None,
        typer.Option(help="report says what differs; repair re-ingests it (reconcile_policy)."),
    ] = None,
    within_payment: Annotated[
        Decimal | None,
        typer.Option(parser=exact_decimal, metavar="GBP", help="Hold a date whose payment would move further."),
    ] = None,
    within_energy: Annotated[
        Decimal | None,
        typer.Option(parser=exact_decimal, metavar="MWH", help="Hold a date whose energy would move further."),
    ] = None,
    jobs: Jobs = 1,
    due: Annotated[bool, typer.Option("--due", help="Only list what is due, and why; nothing is asked.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Compare every date that is due with Elexon, and mend what differs; `reingest reconcile` means this too.

    What is due is told from what is known of each date, so it does not matter when this ran last. Exit code 1 where a
    date is held, or differs and was not mended.
    """
    from reingest.operations.reconciliation.request import AskedPolicy, reconcile_request
    from reingest.settings import load_settings

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    asked = AskedPolicy(policy, plan, within_payment, within_energy)
    request = reconcile_request(load_settings(), asked, jobs=jobs)
    if due:
        _list_due(request, output)
    else:
        raise typer.Exit(_reconcile(request, output))


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="How many at most.")] = 20,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List past reconciliations, newest first, with how many dates got which verdict."""
    from reingest.store.reconciliation import listed_reconciliations

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        found = listed_reconciliations(connection, limit=limit)
    after = (
        ["", "Next: reingest reconcile show ID"] if found else ["No reconciliations. Next: reingest reconcile --due"]
    )
    output.write(found, RECONCILIATIONS, map(_listed_row, found), after=after)


@app.command()
def show(
    reconciliation_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="As reconcile list prints it; without it the newest.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show one reconciliation: the calendar of its verdicts, and every date with how far its figures moved."""
    from reingest.operations.reconciliation.calendar_table import calendar_lines
    from reingest.operations.reconciliation.report import counts_of, counts_text, date_dict, due_sentence
    from reingest.store.reconciliation import dates_of, listed_reconciliations

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    wanted = uuid_of(reconciliation_id) if reconciliation_id else None
    with reading() as connection:
        found = listed_reconciliations(connection, limit=1, reconciliation_id=wanted)
        if not found:
            raise NotFound("there is no such reconciliation", next_command="reingest reconcile list")
        dates = dates_of(connection, found[0].id)
    counts = counts_text(counts_of(dates))
    before = [f"Reconciliation {found[0].id}: {found[0].state}; {counts}", due_sentence(dates), ""]
    document = {"reconciliation": found[0], "dates": [date_dict(one) for one in dates]}
    output.write(document, DATES, map(_date_row, dates), before=[*before, *calendar_lines(dates), ""])


@app.command()
def runs(
    enable: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Ask dates again after this run; may be repeated.")
    ] = None,
    disable: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Ask them after it no more; may be repeated.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; it is stored with what you did.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the runs of settlement (II to DF), and have dates asked again after some; none is enabled at first."""
    from reingest.store.settlement_runs import enable_settlement_runs, settlement_runs

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    if bool(enable or disable) != bool(reason and reason.strip()):
        raise BadUsage("--enable and --disable need a --reason, and a --reason one of them")
    with connected() as connection:
        for names, enabled in ((enable, True), (disable, False)):
            if names:
                enable_settlement_runs(connection, names, reason or "", enabled=enabled)
        found = settlement_runs(connection)
    rows = [{column.key: getattr(one, column.key) for column in SETTLEMENT_RUNS} for one in found]
    output.write(rows, SETTLEMENT_RUNS, rows)


def _list_due(request: "ReconcileRequest", output: Output) -> None:
    from reingest.operations.figures_text import counted
    from reingest.operations.reconciliation.running import due_now
    from reingest.settings import load_settings

    with reading() as connection:
        found = due_now(load_settings(), connection, repairs=request.repairs)
    rows = [_due_row(one) for one in found]
    told = f"{counted(len(found), 'date')} due. Next: reingest reconcile" if found else "Nothing is due."
    output.write(rows, DUE, rows, after=["", told] if found else [told])


def _reconcile(request: "ReconcileRequest", output: Output) -> int:
    """Reconcile to the end, or until somebody stops it; print what came of it, and return the exit code."""
    from reingest.cli.stopping import run_until_stopped
    from reingest.operations.ranges.lanes import Stopping
    from reingest.operations.reconciliation.running import reconcile
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database
    from reingest.tuning import keep_imports

    keep_imports()
    settings, stopping = load_settings(), Stopping()
    with stage_progress() as progress:
        act = reconcile(settings, ensure_database(settings), request, progress, stopping=stopping)
        report = run_until_stopped(act, stopping, next_command="reingest reconcile")
    if output.json:
        typer.echo(json_text(report.as_dict()))
    else:
        output.write(report, DATES, map(_date_row, report.dates), after=_after(report))
    if stopping.asked and any(one.verdict is None for one in report.dates):
        raise Interrupted("the reconciliation was asked to stop", next_command="reingest reconcile")
    return report.exit_code


def _after(report: "ReconcileReport") -> list[str]:
    if not report.dates:
        return ["Nothing is due."]
    if not any(one.verdict is None for one in report.dates):
        return ["", f"{report.sentence}. Next: reingest reconcile show"]
    error = report.interrupted
    why = [f"Broken off by {error.code}: {error}"] if error else []
    return ["", *why, f"{report.sentence}. What was not come to stays due. Next: reingest reconcile"]


def _due_row(one: "DueDate") -> dict[str, object]:
    return {"settlement_date": one.settlement_date, "reason": one.reason, "since": one.since}


def _listed_row(one: "ListedReconciliation") -> dict[str, object]:
    from reingest.operations.reconciliation.report import counts_text

    row: dict[str, Any] = {column.key: getattr(one, column.key) for column in RECONCILIATIONS}
    return row | {"verdicts": counts_text(one.verdicts)}


def _date_row(one: "JudgedDate") -> dict[str, object]:
    from reingest.operations.figures_text import period_ranges
    from reingest.operations.reconciliation.report import next_command
    from reingest.operations.reconciliation.words import bitcoin_text

    figures = one.figures
    btc = ", ".join(f"{bitcoin_text(moved.change)} {model}" for model, moved in sorted(figures.btc.items()))
    return {
        "settlement_date": one.settlement_date,
        "reason": one.reason,
        "verdict": one.verdict,
        "version": one.version,
        "energy_change_mwh": figures.energy_mwh.change,
        "payment_change_gbp": figures.payment_gbp.change,
        "btc_change": btc or None,
        "periods": period_ranges(figures.periods) if figures.periods else None,
        "code": one.error["code"] if one.error else None,
        "next": next_command(one),
    }
