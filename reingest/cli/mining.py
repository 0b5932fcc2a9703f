"""`reingest mining`: Bitcoin difficulty, which mining estimates are made from."""

from pathlib import Path
from typing import Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, text_of
from reingest.cli.output import Column, Output, instant
from reingest.cli.reading import connected, listing, reading

app = typer.Typer(no_args_is_help=True)

COLUMNS: Final = (
    Column("number", "epoch"),
    Column("height", "first block"),
    Column("start", "start"),
    Column("start_uncertainty", "uncertain by"),
    Column("bits", "bits"),
    Column("difficulty", "difficulty", "rate"),
)


@app.command("list")
def list_(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the difficulty epochs known, and until when BTC can be estimated."""
    from reingest.curtailment.difficulty import known_until
    from reingest.store.listings import list_difficulty
    from reingest.store.mining_inputs import difficulty_epochs

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with listing() as session:
        rows = [epoch.as_row() for epoch in list_difficulty(session)]
    with reading() as connection:
        until = known_until(difficulty_epochs(connection))
    document = {"known_until": until, "epochs": rows}
    output.write(document, COLUMNS, rows, after=["", f"BTC is estimated for dates that end by {instant(until)}"])


@app.command()
def extend(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table with the columns of the one that ships: difficulty.csv.")
    ],
) -> None:
    """Add difficulty epochs from a file; what is known already must agree with it."""
    from reingest.curtailment.difficulty import known_until, read_difficulty
    from reingest.store.mining_inputs import difficulty_epochs, save_difficulty
    from reingest.store.reads import dates_without_mining

    epochs = read_difficulty(text_of(file))
    with connected() as connection:
        written = save_difficulty(connection, epochs)
        until = known_until(difficulty_epochs(connection))
        without = dates_without_mining(connection)
    typer.echo(f"{written} epochs added or known better; BTC is estimated for dates that end by {instant(until)}")
    if without:
        typer.echo(f"{len(without)} served dates have no BTC yet. Next: reingest date {without[0]} --source archive")
