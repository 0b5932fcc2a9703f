import json
from datetime import date
from pathlib import Path

import psycopg
import pytest

from reingest.store.units import load_register
from tests.integration.cli.conftest import Command
from tests.support.days import A_DAY as A_RECORDED_DAY
from tests.support.sites import recorded_elexon
from tests.support.versions import A_DAY, DATE, Store


def test_runs_are_listed_newest_first(store: Store, reingest: Command) -> None:
    """`run list` shows the runs, the newest on top, with outcome and exit code."""
    store.publish()
    store.hold(A_DAY[:1])
    listed = reingest("run", "list", "--json").json

    assert [(one["outcome"], one["exit_code"], one["settlement_date"]) for one in listed] == [
        ("held", 1, "2024-03-29"),
        ("published", 0, "2024-03-29"),
    ]
    assert [one["id"] for one in listed] == [str(run.id) for run in reversed(store.runs)]
    assert reingest("run", "list").lines[1].startswith(str(store.runs[1].id))


def test_runs_can_be_filtered_and_limited(store: Store, reingest: Command) -> None:
    """Runs can be chosen by date, by outcome, and by how many."""
    store.publish()
    store.publish(settlement_date=date(2024, 3, 31))
    store.hold(A_DAY[:1])

    assert len(reingest("run", "list", "--json", "--limit", 2).json) == 2
    assert len(reingest("run", "list", "--json", "--date", DATE).json) == 2
    assert [one["outcome"] for one in reingest("run", "list", "--json", "--outcome", "held").json] == ["held"]
    assert reingest("run", "list", "--outcome", "lost", "--json").error["code"] == "bad_usage"


def test_a_run_is_shown_with_its_answers_and_version(store: Store, reingest: Command) -> None:
    """`run show ID` gives the whole run: what was asked, answers by status, the version that it made."""
    store.publish()
    shown = reingest("run", "show", store.runs[0].id, "--json").json

    assert (shown["kind"], shown["outcome"], shown["version"], shown["version_state"]) == (
        "reingest",
        "published",
        1,
        "published",
    )
    assert shown["answers"] == {"200": 97}  # 48 periods of two sides, and the register
    assert f"id               {store.runs[0].id}" in reingest("run", "show", store.runs[0].id).lines


def test_an_unknown_run_is_not_found(store: Store, reingest: Command) -> None:
    """A run that does not exist, and an id that is none, end with the command that lists runs."""
    missing = reingest("run", "show", "01a1fdd8-f325-71b1-810d-927ea9ebe32d", "--json")
    nonsense = reingest("run", "show", "seven", "--json")

    assert (missing.code, missing.error["code"], missing.error["next"]) == (2, "not_found", "reingest run list")
    assert (nonsense.code, nonsense.error["code"]) == (2, "bad_usage")


def test_units_are_those_that_count_as_wind(store: Store, reingest: Command) -> None:
    """`units list` shows wind units; `--all` every unit of the register, and which of them are wind."""
    store.publish()

    assert [unit["elexon_bm_unit"] for unit in reingest("units", "list", "--json").json] == ["T_LARYW-1", "T_MOWEO-1"]
    every = {unit["elexon_bm_unit"]: unit["wind"] for unit in reingest("units", "list", "--all", "--json").json}
    assert every == {"T_DRAXX-1": False, "T_LARYW-1": True, "T_MOWEO-1": True}
    assert reingest("units", "list").lines[-1] == "2 wind units"


def test_units_before_the_first_refresh_are_not_found(store: Store, reingest: Command) -> None:
    """Without a register the list is an error that names the refresh, never an empty list."""
    ran = reingest("units", "list", "--json")

    assert (ran.code, ran.error["next"]) == (2, "reingest units refresh")


def test_a_decision_on_a_unit_is_in_force_at_once(store: Store, reingest: Command) -> None:
    """A unit can be included, excluded and reset; the register's hash follows, and each decision has its reason."""
    store.publish()
    with store.connect() as connection:
        before = load_register(connection, DATE)
        assert reingest("units", "include", "T_DRAXX-1", "--reason", "a trial").code == 0
        assert reingest("units", "exclude", "T_LARYW-1", "--reason", "sold").code == 0
        decided = load_register(connection, DATE)
        assert reingest("units", "reset", "T_DRAXX-1", "--reason", "over").code == 0
        assert reingest("units", "reset", "T_LARYW-1", "--reason", "over").code == 0
        after = load_register(connection, DATE)
        actions = connection.execute("select action, reason from operator_action order by id").fetchall()

    assert before is not None
    assert decided is not None
    assert decided.wind_units == {"T_DRAXX-1", "T_MOWEO-1"}
    assert decided.hash != before.hash
    assert after is not None
    assert (after.hash, after.lead_parties) == (before.hash, before.lead_parties)
    assert actions == [
        ("unit_include", "a trial"),
        ("unit_exclude", "sold"),
        ("unit_reset", "over"),
        ("unit_reset", "over"),
    ]


def test_a_decision_needs_a_known_unit_and_a_reason(store: Store, reingest: Command) -> None:
    """A unit that the register does not have, and an empty reason, are refused, and nothing is stored."""
    store.publish()
    unknown = reingest("units", "include", "T_NONE-1", "--reason", "x")
    empty = reingest("units", "include", "T_DRAXX-1", "--reason", " ")

    assert (unknown.code, empty.code) == (2, 2)
    assert unknown.err.startswith("reingest: not_found: the register has no BM unit T_NONE-1")
    assert empty.err.startswith("reingest: bad_usage: a decision on a unit needs a reason")
    with store.connect() as connection:
        assert connection.execute("select from operator_action").fetchall() == []


def test_an_expected_total_is_set_shown_and_replaced(store: Store, reingest: Command) -> None:
    """`expected set` puts a total in force; the next one by the same definition takes its place."""
    assert reingest("expected", "set", DATE, "--energy", "14.6", "--definition", "net").code == 0
    again = reingest("expected", "set", DATE, "--payment", "-3.5", "--payment-tolerance", "0", "--definition", "net")
    assert again.code == 0
    shown = reingest("expected", "show", "--json").json

    assert len(shown) == 1
    assert {key: shown[0][key] for key in shown[0] if key != "set_at"} == {
        "settlement_date": "2024-03-29",
        "definition": "net",
        "energy_mwh": None,
        "payment_gbp": "-3.5",
        "energy_tolerance_mwh": "0.001",
        "payment_tolerance_gbp": "0",
        "origin": "command line",
    }
    assert reingest("expected", "show", "2024-02", "--json").json == []
    assert len(reingest("expected", "show", "2024-03", "--json").json) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--definition", "net"),
        ("--energy", "five"),
        ("--energy", "NaN"),
        ("--energy", "1", "--energy-tolerance", "-1"),
        ("--energy", "1", "--definition", "gross"),
    ],
)
def test_an_expected_total_without_sense_is_refused(store: Store, reingest: Command, words: tuple[str, ...]) -> None:
    """Nothing to check, no number, a negative tolerance and an unknown definition are bad usage."""
    ran = reingest("expected", "set", DATE, *words)

    assert ran.code == 2
    assert ran.err.startswith("reingest: bad_usage: ")
    assert "No such option" not in ran.err
    assert reingest("expected", "show", "--json").json == []


def test_an_expected_total_is_retired(store: Store, reingest: Command) -> None:
    """`expected retire` takes the named definition out of force, and without a name all."""
    for definition in ("net", "all_bids", "so_flagged"):
        assert reingest("expected", "set", DATE, "--energy", "14.6", "--definition", definition).code == 0

    assert reingest("expected", "retire", DATE, "--definition", "net").out == f"{DATE} is no longer checked by net\n"
    assert {one["definition"] for one in reingest("expected", "show", "--json").json} == {"all_bids", "so_flagged"}
    assert reingest("expected", "retire", DATE).out == f"{DATE} is no longer checked by all_bids, so_flagged\n"
    assert reingest("expected", "show", "--json").json == []
    assert reingest("expected", "retire", DATE).out == f"{DATE}: no expected total was in force\n"
    assert reingest("expected", "retire", DATE, "--definition", "gross").code == 2


def test_a_file_of_expected_totals_is_imported_whole(store: Store, reingest: Command, tmp_path: Path) -> None:
    """`expected import` takes every line, with defaults for tolerances that are not given."""
    file = tmp_path / "expected.csv"
    file.write_text(
        "settlement_date,definition,energy_mwh,payment_gbp,energy_tolerance_mwh\n"
        "2024-03-29,so_flagged,14.623456789,478.143518532,\n"
        "2024-03-30,all_bids,1e2,,0.5\n"
    )

    assert reingest("expected", "import", file).out == "2 expected totals of 2 dates are in force\n"
    shown = reingest("expected", "show", "--json").json
    assert [(one["energy_mwh"], one["payment_gbp"], one["energy_tolerance_mwh"]) for one in shown] == [
        ("14.623456789", "478.143518532", "0.001"),
        ("100", None, "0.5"),
    ]
    assert {one["origin"] for one in shown} == {"file expected.csv"}


def test_a_file_with_one_bad_line_changes_nothing(store: Store, reingest: Command, tmp_path: Path) -> None:
    """Where one line is wrong none is taken, and the error names the line."""
    file = tmp_path / "expected.csv"
    file.write_text(
        "settlement_date,definition,energy_mwh,payment_gbp\n2024-03-29,so_flagged,1,2\n2024-03-30,so_flagged,x,2\n"
    )
    ran = reingest("expected", "import", file)

    assert ran.code == 2
    assert "line 3: energy_mwh 'x' is not a number" in ran.err
    assert reingest("expected", "show").out == "None. Next: reingest expected import FILE.csv\n"


def test_difficulty_is_listed_and_extended(store: Store, reingest: Command, tmp_path: Path) -> None:
    """`mining list` shows the shipped epochs; `mining extend` adds later ones and names served dates without BTC."""
    shipped = reingest("mining", "list", "--json").json
    last = shipped["epochs"][-1]
    number = last["number"] + 1
    file = tmp_path / "difficulty.csv"
    file.write_text(
        "epoch,height,start_time_utc,start_time_uncertainty_s,bits,difficulty\n"
        f"{number},{number * 2016},2026-06-29T00:00:00Z,0,{last['bits']},{last['difficulty']}\n"
    )
    store.publish(mining=False)
    ran = reingest("mining", "extend", file)

    assert ran.out.startswith("1 epochs added or known better; BTC is estimated for dates that end by ")
    assert "1 served dates have no BTC yet. Next: reingest date 2024-03-29 --source archive" in ran.out
    assert len(reingest("mining", "list", "--json").json["epochs"]) == len(shipped["epochs"]) + 1


def test_a_difficulty_table_that_contradicts_is_refused(store: Store, reingest: Command, tmp_path: Path) -> None:
    """An epoch that leaves a gap after the known ones, or a file that is not there, changes nothing."""
    file = tmp_path / "difficulty.csv"
    file.write_text(
        "epoch,height,start_time_utc,start_time_uncertainty_s,bits,difficulty\n"
        f"900,{900 * 2016},2046-06-29T00:00:00Z,0,1d00ffff,1\n"
    )

    assert reingest("mining", "extend", file).code == 2
    assert reingest("mining", "extend", tmp_path / "none.csv").code == 2


def test_config_show_names_value_origin_and_variable(
    store: Store, reingest: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each setting shows where its value comes from: default, file, environment or flag, in rising order."""
    (tmp_path / "reingest.toml").write_text("concurrency = 3\nattempts = 2\n")
    monkeypatch.setenv("REINGEST_ATTEMPTS", "4")
    shown = {one["setting"]: one for one in reingest("config", "show", "--json", "--log-level", "debug").json}

    assert shown["concurrency"] == {
        "setting": "concurrency",
        "value": "3",
        "origin": "file",
        "environment": "REINGEST_CONCURRENCY",
    }
    assert (shown["attempts"]["value"], shown["attempts"]["origin"]) == ("4", "environment")
    assert (shown["log_level"]["value"], shown["log_level"]["origin"]) == ("DEBUG", "flag")
    assert shown["request_timeout_seconds"]["origin"] == "default"


def test_config_show_keeps_the_password_to_itself(reingest: Command) -> None:
    """The database URL is shown without its password."""
    ran = reingest("config", "show", "--database-url", "postgresql://ann:secret@db.example/wind")

    assert "secret" not in ran.out
    assert "host=db.example dbname=wind user=ann" in ran.out


def test_config_show_keeps_every_secret(reingest: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect's database is shown without its password, the webhook without what follows its host."""
    monkeypatch.setenv("REINGEST_PREFECT_DATABASE_URL", "postgresql+asyncpg://ann:secret@db.example/prefect")
    monkeypatch.setenv("REINGEST_WEBHOOK_URL", "https://bob:secret@hooks.example/secret?key=secret")
    ran = reingest("config", "show")

    assert "secret" not in ran.out + ran.err
    assert "host=db.example dbname=prefect user=ann" in ran.out
    assert "https://hooks.example/…" in ran.out


def test_config_check_looks_at_the_outbox_log(
    store: Store, reingest: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A log in a folder that is not there fails the check, before a publish would find out."""
    monkeypatch.setenv("REINGEST_OUTBOX_LOG", str(tmp_path / "facts.jsonl"))
    assert {"name": "outbox_log", "status": "pass"}.items() <= reingest("config", "check", "--json").json[2].items()
    monkeypatch.setenv("REINGEST_OUTBOX_LOG", str(tmp_path / "missing" / "facts.jsonl"))

    assert reingest("config", "check").code == 2


def test_config_check_passes_where_all_works(store: Store, reingest: Command) -> None:
    """`config check` tries home, certificates, database, register and mining, and asks Elexon nothing."""
    store.publish()
    ran = reingest("config", "check", "--json")

    assert ran.code == 0
    assert [(one["name"], one["status"]) for one in ran.json] == [
        ("home", "pass"),
        ("ca_bundle", "pass"),
        ("database", "pass"),
        ("register", "pass"),
        ("mining", "pass"),
    ]


def test_config_check_ends_as_a_run_would(store: Store, reingest: Command, tmp_path: Path) -> None:
    """A part that does not work is named, and the exit code is that of the run which would fail on it."""
    (tmp_path / "file").write_text("")
    home = reingest("config", "check", "--home", tmp_path / "file" / "home", "--json")
    database = reingest("config", "check", "--database-url", "postgresql://nobody@127.0.0.1:9/none", "--json")

    assert (home.code, home.error["code"]) == (2, "bad_setting")
    assert (database.code, database.error["code"]) == (69, "database_unreachable")
    assert [one["status"] for one in database.json] == ["pass", "pass", "fail"]


def test_a_certificate_file_that_is_none_is_named(
    store: Store, reingest: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CA bundle that cannot be loaded fails the check before any request would."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate")
    monkeypatch.setenv("REINGEST_CA_BUNDLE", str(bundle))

    assert reingest("config", "check", "--json").error["code"] == "bad_setting"


def test_a_schema_of_another_revision_is_refused(store: Store, database_url: str, reingest: Command) -> None:
    """Every read refuses a schema that is not this code's, with the command that brings it up to date."""
    with psycopg.connect(database_url) as connection:
        connection.execute("update alembic_version set version_num = '0000'")

    for words in (("show",), ("run", "list"), ("units", "list")):
        ran = reingest(*words, "--json")
        assert (ran.code, ran.error["code"], ran.error["next"]) == (69, "schema_behind", "reingest db upgrade")


def test_a_setting_that_is_wrong_is_refused(reingest: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad setting stops every command with its name and origin, but not its help."""
    monkeypatch.setenv("REINGEST_CONCURRENCY", "many")
    ran = reingest("show", "--json")

    assert (ran.code, ran.error["code"]) == (2, "bad_setting")
    assert "concurrency (from environment)" in ran.error["message"]
    assert reingest("show", "--help").code == 0


def test_a_read_writes_nothing_to_stderr(store: Store, reingest: Command) -> None:
    """A read that goes well leaves stderr empty, so that a pipe of it holds only data."""
    store.publish()
    ran = reingest("show", DATE, "--json")

    assert ran.err == ""
    assert json.loads(ran.out)["version"] == 1


def test_the_register_is_refreshed_from_elexon(
    store: Store, reingest: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`units refresh` fetches and stores the register once; a second refresh of the same finds nothing new."""
    with recorded_elexon(tmp_path, A_RECORDED_DAY) as elexon:
        monkeypatch.setenv("REINGEST_ELEXON_URL", elexon.url)
        first = reingest("units", "refresh", "--json").json
        second = reingest("units", "refresh").lines

    assert first["changed"] is True
    assert first["wind_units"] == len(reingest("units", "list", "--json").json) > 0
    assert second[0].startswith(f"the register has not changed: {first['units']} units, {first['wind_units']} of them")
    runs = reingest("run", "list", "--json").json
    assert [(run["kind"], run["outcome"]) for run in runs] == [("units", "unchanged"), ("units", "published")]
