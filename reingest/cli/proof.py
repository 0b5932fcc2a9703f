"""`reingest proof` and `reingest verify-proof`: a small file that shows what a version says and was made from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reingest.cli.arguments import AsJson, SettlementDate
from reingest.cli.output import as_json as json_text
from reingest.cli.output import write_text
from reingest.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reingest.operations.proofs.verifying import Verified

NOT_PROVEN = 1
"""The exit code where some part of a proof failed."""
_MARKS = {"pass": "ok", "fail": "FAIL", "skipped": "-"}


def proof(
    settlement_date: SettlementDate,
    version: Annotated[int | None, typer.Option(metavar="N", help="Another version than the one served.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there, instead of printing.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a proof: totals, content digest, seal, and all that they were made from, for who has only the archive."""
    # Imported when it runs: `--help` needs none of it.
    from reingest.cli.reading import reading
    from reingest.operations.proofs.making import make_proof
    from reingest.operations.sealed_files import sealed_text
    from reingest.store.contents import current_number

    with reading() as connection:
        number = current_number(connection, settlement_date) if version is None else version
        made = make_proof(connection, settlement_date, number)
    text = sealed_text(made)
    if out is None:
        typer.echo(text, nl=False)
        return
    write_text(out, text)
    size = len(text.encode())
    if as_json:
        said = {"file": out, "bytes": size, "settlement_date": settlement_date, "version": number, "seal": made.seal}
        typer.echo(json_text(said))
    else:
        typer.echo(f"{settlement_date}: proof of version {number} in {out}, {size:,} bytes, seal {made.seal}")
        typer.echo(f"Next: reingest verify-proof {out}")


def verify_proof(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `reingest proof` wrote.")],
    archive: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The archive of payloads; without it, that of the home.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a proof against the archive, with no database and no network; exit code 1 where a part of it fails."""
    from reingest.lake.archive import Archive
    from reingest.operations.proofs.verifying import verify_proof as verify
    from reingest.settings import load_settings

    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadUsage(f"{file} cannot be read: {error.strerror or error}") from error
    verified = verify(content, Archive(archive or load_settings().archive_folder))
    typer.echo(json_text(verified.as_dict()) if as_json else "\n".join(_lines(verified)))
    raise typer.Exit(0 if verified.proven else NOT_PROVEN)


def _lines(verified: "Verified") -> "Iterator[str]":
    for part in verified.parts:
        yield f"{_MARKS[part.status]:<4}  {part.name}: {part.found}"
        if part.status == "fail":
            yield f"      {part.meaning}"
    if verified.proof is None or not verified.proven:
        yield "NOT PROVEN"
        return
    proof = verified.proof
    yield f"PROVEN: version {proof.version} of {proof.settlement_date} says what its payloads say"
    yield f"Next: compare the seal {proof.seal} with one that left the house when it was published"
