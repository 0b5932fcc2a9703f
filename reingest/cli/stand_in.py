"""`reingest stand-in`: a local Elexon, what it publishes, and the faults it can be told to have."""

import csv
import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

import typer

from reingest.cli.arguments import AsCsv, AsJson, SettlementDate, settlement_date
from reingest.curtailment.exact import exact_decimal
from reingest.errors import BadUsage
from reingest.standin.days import days_between, write_rows
from reingest.standin.faults.kinds import KINDS, PLACES
from reingest.standin.render import XML_SHAPES, XmlShape
from reingest.standin.server import StandInConfig, control, serve
from reingest.standin.units import generated_register

FINAL_RUN_MINUTES: Final = 24 * 60 + 14

app = typer.Typer(no_args_is_help=True)

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1; 0 takes a free one.")]
Days = Annotated[
    list[Path] | None, typer.Option("--day", metavar="FILE.csv", help="Recorded stacks; may be given several times.")
]
Url = Annotated[
    str,
    typer.Option(metavar="URL", envvar="REINGEST_ELEXON_URL", help="Where the stand-in answers (REINGEST_ELEXON_URL)."),
]
Seed = Annotated[int, typer.Option("--generate", metavar="SEED", help="Seed of the generated days.")]


@app.command("serve")
def serve_command(
    port: Port = 0,
    day: Days = None,
    archive: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An archive folder, served byte for byte.")
    ] = None,
    register: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="BM units; without it recorded units are wind.")
    ] = None,
    generate: Annotated[
        int | None, typer.Option(metavar="SEED", help="Generate every date that nothing else serves.")
    ] = None,
    small: Annotated[bool, typer.Option("--small", help="Generated days have a few rows a period.")] = False,
    latency_ms: Annotated[float, typer.Option(min=0, help="From a request to its answer, at least.")] = 0.0,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Fault script, TOML or JSON (docs/stand-in.md).")
    ] = None,
    refuse: Annotated[str | None, typer.Option(metavar="xml", help="Answer 400 to this format.")] = None,
    xml_shape: Annotated[str, typer.Option(metavar="|".join(XML_SHAPES), help="Shape of XML answers.")] = "camel",
    created_after_minutes: Annotated[
        int, typer.Option(min=0, help="From a period's end to its createdDateTime; 14 makes dates provisional.")
    ] = FINAL_RUN_MINUTES,
) -> None:
    """Serve until SIGTERM or SIGINT; the first line printed is the base address, for REINGEST_ELEXON_URL."""
    config = StandInConfig(
        days=tuple(day or ()),
        archive=archive,
        register=register,
        generate=generate,
        small=small,
        created_after=timedelta(minutes=created_after_minutes),
        latency_ms=latency_ms,
        faults=faults or (),
        refuse=cast('Literal["xml"] | None', _one_of("refuse", refuse, (None, "xml"))),
        xml_shape=cast("XmlShape", _one_of("xml-shape", xml_shape, XML_SHAPES)),
    )
    serve(config, port, announce=_announce)


@app.command("restate")
def restate_command(
    url: Url,
    day: Annotated[
        date, typer.Option("--date", parser=settlement_date, metavar="D", help="The settlement date that changes.")
    ],
    period: Annotated[int | None, typer.Option(min=1, max=50, help="One period; without it all of the date.")] = None,
    side: Annotated[str | None, typer.Option(metavar="bid|offer", help="One side; without it both.")] = None,
    unit: Annotated[str | None, typer.Option(metavar="ID", help="One BM unit; without it all.")] = None,
    factor: Annotated[str | None, typer.Option(metavar="NUMBER", help="Multiply the volumes, exactly.")] = None,
    price: Annotated[str | None, typer.Option(metavar="GBP", help="Replace the prices.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Take the rows away.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change what a running stand-in publishes of a date, as a later run of Elexon's would."""
    body: dict[str, Any] = {
        "settlement_date": day.isoformat(),
        "period": period,
        "side": _one_of("side", side, (None, "bid", "offer")),
        "unit": unit,
        "volume_factor": None if factor is None else str(exact_decimal(factor)),
        "price": None if price is None else str(exact_decimal(price)),
        "drop": drop,
    }
    answer = control(url, "POST", "restate", body)
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        typer.echo(f"{day}: restated in {len(answer['periods'])} periods: {', '.join(map(str, answer['periods']))}")


@app.command("requests")
def requests_command(url: Url, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Print what a running stand-in was asked, in order."""
    journal = control(url, "GET", "requests")
    if as_json:
        typer.echo(json.dumps(journal))
        return
    lines = [[seen["at"], seen["attempt"], seen["status"], seen["path"], *seen["faults"]] for seen in journal["asked"]]
    if as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([["at", "attempt", "status", "path", "faults"], *lines])
        return
    for line in lines:
        typer.echo("  ".join(map(str, line)))


@app.command("faults")
def faults_command(as_json: AsJson = False) -> None:
    """List every kind of fault that a script can name, by the place where it strikes."""
    kinds = KINDS.values()
    if as_json:
        typer.echo(json.dumps([{"name": kind.name, "place": kind.place, "says": kind.says} for kind in kinds]))
        return
    for kind in kinds:
        parameters = " ".join([*kind.needs, *(f"[{name}]" for name in kind.may)])
        typer.echo(f"{kind.name:<22}{kind.place:<10}{kind.says}{f'  ({parameters})' if parameters else ''}")
    typer.echo()
    for place, says in PLACES.items():
        typer.echo(f"{place:<22}{says}")


@app.command("export")
def export_command(
    day: SettlementDate,
    generate: Seed,
    out: Annotated[Path, typer.Option(metavar="FILE.csv", help="The file to write.")],
    until: Annotated[
        date | None, typer.Option(parser=settlement_date, metavar="D", help="The last date; without it one date.")
    ] = None,
    small: Annotated[bool, typer.Option("--small", help="A few rows a period.")] = False,
) -> None:
    """Write generated days to a file that `serve --day` reads."""
    config = StandInConfig(generate=generate, small=small)
    days = config.generated_days(generated_register())
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            count = write_rows(file, map(days.period, days_between(day, until or day)))
    except OSError as error:
        raise BadUsage(f"{out} cannot be written: {error}") from error
    typer.echo(f"{out}: {count} rows")


def _announce(url: str) -> None:
    # Whoever started the stand-in waits for this line, and may read it through a pipe.
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def _one_of(flag: str, value: str | None, allowed: tuple[str | None, ...]) -> str | None:
    if value not in allowed:
        raise BadUsage(f"--{flag} {value!r} is not one of {', '.join(filter(None, allowed))}")
    return value
