"""Why a figure changed: each reason by itself, from the command line, on versions that were made for that reason."""

import csv
import io
from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from reingest.curtailment import definitions
from reingest.curtailment.exact import exact_sum
from reingest.curtailment.reasons import PARTS
from reingest.curtailment.records import CurtailmentRecord, select_records
from reingest.operations import facts
from tests.support.days import DATE
from tests.support.sites import Ran, Site

ARCHIVE = ("--source", "archive", "--force")
ENERGY = ("energy_mwh", "all_bids", None)
PAYMENT = ("payment_gbp", "all_bids", None)
PAID = {Decimal("-50.25"), Decimal("-70.000000000000001")}
BTC = ("btc", "all_bids", "S9")


def why(site: Site, *numbers: int) -> Any:
    """Ask why, require that the parts of every known change add up, and return the answer."""
    ran = site.reingest("why", DATE, *numbers, "--json")
    assert ran.exit_code == 0, ran.err
    for one in ran.json["figures"]:
        parts = [one["parts"][part] for part in PARTS]
        if None not in parts:
            assert exact_sum(map(Decimal, parts)) == Decimal(one["change"])
            assert exact_sum([Decimal(one["old"]), Decimal(one["change"])]) == Decimal(one["new"])
    return ran.json


def parts(answer: Any, figure: tuple[str, str, str | None]) -> dict[str, Decimal | None]:
    """Return the parts of a figure that are not zero."""
    (one,) = (one for one in answer["figures"] if (one["measure"], one["definition"], one["model"]) == figure)
    known = {part: None if value is None else Decimal(value) for part, value in one["parts"].items()}
    return {part: value for part, value in known.items() if value is None or value}


def version_by(site: Site, *words: object) -> None:
    """Publish another version of the date from its archived payloads."""
    ran = site.date(DATE, *ARCHIVE, *words)
    assert ran.json["outcome"] == "published", ran.err


def refused(ran: Ran) -> tuple[int, str, str]:
    """Return exit code, message and next command of a refusal."""
    return ran.exit_code, ran.error["message"], ran.error["next"]


def test_the_source(served: Site) -> None:
    """Where only answers differ, source is the whole change, and it names the payloads, the period and the unit."""
    answer = why(served)
    assert (answer["old"]["number"], answer["new"]["number"]) == (2, 3)
    assert parts(answer, ENERGY) == {"source": Decimal("11.75")}
    assert parts(answer, PAYMENT) == {"source": Decimal("590.4375")}
    assert parts(answer, BTC).keys() == {"source"}
    payloads = [(one["dataset"], one["period"], one["side"]) for one in answer["source"]["payloads"]]
    assert payloads == [("DISEBSP", None, None), ("ISPSTACK", 1, "bid"), ("ISPSTACK", 1, "offer")]
    assert answer["source"]["by_unit"]["T_HILLW-1"]["all_bids"]["energy_mwh"] == "11.75"
    assert [*answer["source"]["by_period"]] == ["1"]
    for key in ("old", "new"):
        assert served.value("select count(*) from payload where sha256 = %s", answer["source"]["payloads"][1][key])


def test_the_register(history: Site) -> None:
    """Where only what counts as wind differs, register is the whole change, and it names the unit."""
    assert history.reingest("units", "exclude", "E_MOORW-1", "--reason", "a test").exit_code == 0
    version_by(history)
    answer = why(history)
    assert parts(answer, ENERGY) == {"register": Decimal(-4)}
    assert parts(answer, PAYMENT) == {"register": Decimal(50)}
    assert (answer["register"]["units_came"], answer["register"]["units_went"]) == ([], ["E_MOORW-1"])
    assert answer["source"]["payloads"] == []
    back = why(history, 4, 1)
    assert parts(back, ENERGY) == {"source": Decimal("-23.5"), "register": Decimal(4)}
    assert back["register"]["units_came"] == ["E_MOORW-1"]


def test_a_correction_of_the_register(history: Site) -> None:
    """What is served is replayed by the register that it names, whatever was corrected since; then that is why."""
    correct = ("units", "correct", "T_GASP-1", "--valid-from", "2024-01-01", "--reason", "a test")
    assert history.reingest(*correct, "--fuel-type", "WIND").exit_code == 0
    assert history.reingest("replay", DATE).exit_code == 0
    assert history.date(DATE, *ARCHIVE).json["outcome"] == "published"
    answer = why(history)
    assert parts(answer, ENERGY) == {"register": Decimal(30)}
    assert parts(answer, PAYMENT) == {"register": Decimal(-1200)}
    assert answer["register"]["units_came"] == ["T_GASP-1"]
    assert history.reingest(*correct, "--lead-party", "Wind plc", "--fuel-type", "WIND").exit_code == 0
    version_by(history)
    assert (why(history)["register"]["by_unit"], history.reingest("replay", DATE).exit_code) == ({}, 0)
    assert "some with another lead party" in history.reingest("why", DATE).out


def test_the_definition(history: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a definition's meaning changed, definition is the whole change, as long as the code has both of them."""
    before = definitions.DEFINITIONS
    paid = replace(before[1], version=2, matches=lambda record: record.original_price in PAID)
    monkeypatch.setattr(definitions, "DEFINITIONS", (before[0], paid, before[2]))
    monkeypatch.setattr(definitions, "EARLIER", (before[1],))
    # SQL, which counts the totals again, knows nothing of the new meaning, so the version waits for a decision.
    assert history.date(DATE, *ARCHIVE).json["outcome"] == "held"
    answer = why(history)
    assert answer["definition"]["new"] == ["so_flagged@1", "all_bids@2", "net@1"]
    assert parts(answer, ENERGY) == {"definition": Decimal("-7.5")}
    assert parts(answer, ("energy_mwh", "so_flagged", None)) == {}
    monkeypatch.setattr(definitions, "EARLIER", ())
    code, message, next_command = refused(history.reingest("why", DATE, "--json"))
    assert (code, next_command) == (2, f"reingest diff {DATE}")
    assert "version 3 was totalled by all_bids@1, which this code does not have" in message


def test_the_code(history: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no input explains is the code's, and the version that it now derives otherwise is named."""

    def without_a_unit(rows: pa.Table, wind: Collection[str]) -> tuple[CurtailmentRecord, ...]:
        return select_records(rows, set(wind) - {"T_HILLW-1"})

    with monkeypatch.context() as older_code:
        older_code.setattr(facts, "select_records", without_a_unit)
        version_by(history)
    assert parts(why(history), ENERGY) == {"code": Decimal("-35.25")}
    history.reingest("units", "exclude", "E_MOORW-1", "--reason", "a test")
    version_by(history)
    answer = why(history)
    assert parts(answer, ENERGY) == {"register": Decimal(-4), "code": Decimal("35.25")}
    assert answer["code"]["derived_otherwise"] == [4]
    assert "Code: version 4 was made by" in history.reingest("why", DATE).out


def test_mining(history: Site) -> None:
    """BTC that one version lacks is unknown with its reasons; one that was mined with another difficulty says so."""
    history.rows("create table put_aside as select * from difficulty_epoch")
    history.rows("delete from difficulty_epoch where start >= '2024-01-01'")
    version_by(history)
    history.rows("delete from difficulty_epoch")
    history.rows("insert into difficulty_epoch select * from put_aside")
    history.rows("update difficulty_epoch set difficulty = difficulty * 2")
    version_by(history)
    answer = why(history)
    assert parts(answer, BTC) == {"source": None, "register": None, "definition": None, "mining": None, "code": None}
    assert (parts(answer, ENERGY), answer["mining"][0]["old"]) == ({}, None)
    assert "unknown" in history.reingest("why", DATE).out
    answer = why(history, 3, 5)
    (mined,) = (one for one in answer["figures"] if (one["measure"], one["definition"], one["model"]) == BTC)
    assert parts(answer, BTC) == {"mining": Decimal(mined["new"]) - Decimal(mined["old"])}
    (move,) = answer["mining"]
    assert (len(move["periods"]), move["old"], move["new"]) == (
        48,
        [["73197634206448.34", "6.25"]],
        [["146395268412896.68", "6.25"]],
    )


def test_restored_and_partly_renewed_versions(history: Site, elexon_of_the_day: Callable[..., str]) -> None:
    """A restored version is explained by what it restored; a range of periods by the answers of those periods alone."""
    assert history.reingest("restore", DATE, "--version", 1, "--reason", "back").exit_code == 0
    assert parts(why(history), ENERGY) == {"source": Decimal("-23.5")}
    assert [one["parts"] for one in why(history, 1, 4)["figures"] if any(map(Decimal, one["parts"].values()))] == []
    history.elexon_url = elexon_of_the_day(unit="T_HILLW-2", volume_factor="2")
    assert history.date(DATE, "--periods", "48", "--fresh").json["outcome"] == "published"
    answer = why(history)
    assert {one["period"] for one in answer["source"]["payloads"]} == {None, 48}
    assert parts(answer, ENERGY) == {"source": Decimal("2.123456789012345678")}


def test_one_side_and_both(history: Site) -> None:
    """Without offers there is no net: what it changed by is unknown; the gross figures are explained."""
    version_by(history, "--side", "bid")
    answer = why(history)
    assert answer["definition"]["new"] == ["so_flagged@1", "all_bids@1"]
    assert parts(answer, ENERGY) == {}
    (net,) = (one for one in answer["figures"] if (one["measure"], one["definition"]) == ("energy_mwh", "net"))
    assert (net["old"], net["new"], net["change"]) == ("37.873456789012345678", None, None)
    assert {net["parts"][part] for part in ("source", "definition", "code")} == {None}
    assert len([one for one in answer["source"]["payloads"] if one["new"] is None]) == 48
    assert parts(why(history, 4, 3), ENERGY) == {}


def test_what_cannot_be_had_is_said(history: Site) -> None:
    """A payload, a register or rows that are not what they were end it with an error and the next command."""
    history.rows("alter table daily_summary disable trigger all")
    history.rows("update daily_summary set energy_mwh = 1 where version_id = 2 and definition = 'net'")
    assert refused(history.reingest("why", DATE, "--json")) == (
        2,
        "the stored rows of version 2 are not what it was made as",
        f"reingest doctor {DATE}",
    )
    assert history.reingest("why", DATE, 1, 3).exit_code == 0
    sha256 = history.value(
        "select payload_sha256 from version_payload where version_id = 1 and period = 1 and side = 'bid'"
    )
    (path,) = history.home.rglob(f"{sha256}.zst")
    path.unlink()
    code, message, next_command = refused(history.reingest("why", DATE, 1, 3, "--json"))
    assert (code, next_command) == (4, f"reingest doctor {DATE}")
    assert message.startswith(f"version 1: payload {sha256} is not in the archive")
    history.rows("alter table version disable trigger all")
    history.rows("update version set register_hash = repeat('0', 64)")
    code, message, _ = refused(history.reingest("why", DATE, 1, 3, "--json"))
    assert (code, message) == (2, "the register that version 1 names cannot be put together any more")
    assert history.reingest("why", DATE, 1, 9).exit_code == 2


def test_csv_has_every_figure(served: Site) -> None:
    """--csv has one exact row a figure: the numbers that --json has."""
    ran = served.reingest("why", DATE, 1, 3, "--csv")
    rows = [*csv.DictReader(io.StringIO(ran.out))]
    expected = [
        {"measure": one["measure"], "definition": one["definition"], "model": one["model"] or ""}
        | {key: one[key] for key in ("old", "new", "change")}
        | {f"part_{part}": value for part, value in one["parts"].items()}
        for one in why(served, 1, 3)["figures"]
    ]
    assert rows == expected
    assert len(rows) == 3 + 3 + 9
