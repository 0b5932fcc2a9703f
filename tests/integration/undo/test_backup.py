"""Backups: what is put back is what was there, byte for byte, and no number is given away twice."""

import json
import os
from pathlib import Path
from signal import SIGCONT, SIGKILL

from tests.support.days import DATE, NEXT_DATE
from tests.support.postgres import Databases
from tests.support.sites import Site, copy_of

WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
SEQUENCES = ("version_id_seq", "outbox_id_seq")
ACT = ("--reason", "it was better", "--i-understand", "--json")


def create(site: Site, *words: object) -> Path:
    ran = site.reingest("backup", "create", "--json", *words)
    assert ran.exit_code == 0, ran.err
    return Path(ran.json["path"])


def dumps(site: Site) -> list[str]:
    """Return everything that the site serves or ever served."""
    numbers = site.rows("select settlement_date, number from version where served_from is not null order by 1, 2")
    return [site.reingest("dump", day, "--version", number).out for day, number in numbers]


def test_a_backup_gives_back_what_there_was(changed: tuple[Site, Path], history_site: Site) -> None:
    """Every dump of every version is what it was when the backup was made; what there was is backed up before."""
    site, path = changed
    before, after = dumps(history_site), dumps(site)
    ran = site.reingest("backup", "restore", path, *ACT)
    assert ran.exit_code == 0, ran.err
    assert dumps(site) == before != after
    assert site.rows("select action, reason from operator_action") == [("backup_restore", "it was better")]
    assert site.reingest("backup", "restore", ran.json["backup_before"], *ACT).exit_code == 0
    assert dumps(site) == after


def test_no_number_goes_back(changed: tuple[Site, Path]) -> None:
    """After a backup is put back, versions, generations, ids, tokens and facts go on from the highest there were."""
    site, path = changed
    generation, numbers = site.generation(DATE), site.states(DATE)
    highest = {
        name: site.value("select last_value from pg_sequences where sequencename = %s", name) for name in SEQUENCES
    }
    assert site.reingest("backup", "restore", path, *ACT).exit_code == 0
    assert site.states(DATE) == {1: "superseded", 2: "superseded", 3: "published"}
    assert site.generation(DATE) == generation + 1
    assert site.generation(NEXT_DATE) == 1
    ran = site.date(DATE, "--source", "archive", "--force")
    assert ran.exit_code == 0, ran.err
    assert (ran.json["version"], ran.json["generation"]) == (max(numbers) + 1, generation + 2)
    now = {name: site.value("select last_value from pg_sequences where sequencename = %s", name) for name in SEQUENCES}
    assert now == {"version_id_seq": highest["version_id_seq"] + 1, "outbox_id_seq": highest["outbox_id_seq"] + 2}


def test_consumers_are_told_of_what_moved(changed: tuple[Site, Path]) -> None:
    """A date that serves another version after it gets a fact, like that of a publish; one that does not gets none."""
    site, path = changed
    site.reingest("backup", "restore", path, *ACT)
    (first,) = site.rows("select body from outbox where settlement_date = %s and generation = 1", DATE)[0]
    facts = site.rows("select kind, settlement_date, generation, body from outbox where id > 4 order by id")
    assert [fact[:3] for fact in facts] == [("date_published", DATE, 6)]
    body = facts[0][3]
    assert set(first) - {"replaces", "change"} <= set(body)
    assert (body["version"], body["totals"]["so_flagged"]["energy_mwh"]) == (
        3,
        site.show(DATE)["totals"]["so_flagged"]["energy_mwh"],
    )
    assert site.value("select count(*) from outbox where position is null") == 0


def test_a_backup_starts_a_new_home(history: Site, databases: Databases, template: str, tmp_path: Path) -> None:
    """In another, empty database a backup gives the same dumps, and with the archive's files the same re-derivation."""
    path = create(history)
    with databases.database(template) as url:
        other = Site(url, history.home)
        assert other.reingest("backup", "restore", path, *ACT, "--no-backup").exit_code == 0
        assert dumps(other) == dumps(history)
        assert other.generation(DATE) == 3
        assert other.date(DATE, "--source", "archive").json["outcome"] == "unchanged"


def test_rights_and_triggers_come_back(changed: tuple[Site, Path]) -> None:
    """The schema that is put back is the one there was: the same tables, rights, functions, indexes and triggers."""
    site, path = changed
    before = schema(site)
    assert site.reingest("backup", "restore", path, *ACT).exit_code == 0
    assert schema(site) == before


def schema(site: Site) -> list[tuple[object, ...]]:
    return site.rows(
        "select relname, relkind, relacl::text, pg_get_viewdef(oid) from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'S')"
        " union all select conname, contype, null, pg_get_constraintdef(oid) from pg_constraint"
        " where connamespace = 'public'::regnamespace and contype <> 'n'"
        " union all select indexname, 'i', null, indexdef from pg_indexes where schemaname = 'public'"
        " union all select tgname, 't', null, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal"
        " union all select proname, 'f', proacl::text, pg_get_functiondef(oid) from pg_proc"
        " where pronamespace = 'public'::regnamespace"
        " union all select attrelid::regclass::text, 'c', attacl::text, attname from pg_attribute"
        " where attacl is not null order by 1, 2, 4"
    )


def test_a_plan_changes_nothing(changed: tuple[Site, Path]) -> None:
    """--plan says what would be put back, with counts by table, and writes neither row nor file."""
    site, path = changed
    counts, files, after = site.row_counts(), sorted(site.home.rglob("*")), dumps(site)
    ran = site.reingest("backup", "restore", path, "--plan", "--json")
    assert ran.exit_code == 0, ran.err
    assert ran.json["rows"] == {name: rows for name, rows in counts.items() if name != "lease"}
    assert ran.json["backup"]["tables"]["version"] == 4
    assert (site.row_counts(), sorted(site.home.rglob("*")), dumps(site)) == (counts, files, after)


def test_it_is_said_to_be_understood_and_why(changed: tuple[Site, Path]) -> None:
    """Without --i-understand, or without a reason, it is refused with 2, and nothing is touched."""
    site, path = changed
    after, files = dumps(site), sorted(site.home.rglob("*"))
    for words in (("--reason", "why"), ("--i-understand",)):
        assert site.reingest("backup", "restore", path, *words).exit_code == 2
    assert (dumps(site), sorted(site.home.rglob("*"))) == (after, files)


def test_a_damaged_backup_is_refused(history: Site) -> None:
    """A file that is not what was written, has no manifest, or is of another schema is refused with 2."""
    before = dumps(history)
    for damage in ("altered", "cut", "no manifest", "another schema", "missing"):
        path = create(history)
        spoil(path, damage)
        ran = history.reingest("backup", "restore", path, *ACT)
        assert (ran.exit_code, ran.error["code"]) == (2, "bad_usage"), damage
    assert dumps(history) == before


def spoil(path: Path, damage: str) -> None:
    """Damage a backup."""
    manifest = path.with_name(f"{path.name}.json")
    match damage:
        case "altered":
            path.write_bytes(path.read_bytes()[:-1] + b"x")
        case "cut":
            os.truncate(path, 1000)
        case "no manifest":
            manifest.unlink()
        case "another schema":
            manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"revision": "0001"}))
        case "missing":
            path.unlink()


def test_a_backup_that_cannot_be_put_back_changes_nothing(changed: tuple[Site, Path]) -> None:
    """Where a program fails on its way, as on a view of somebody's that stands on ours, all is as it was: exit 69."""
    site, path = changed
    after = dumps(site)
    site.rows("create view somebodys as select * from day")
    ran = site.reingest("backup", "restore", path, *ACT, "--no-backup")
    assert (ran.exit_code, ran.error["code"]) == (69, "backup_failed")
    assert "somebodys" in ran.error["message"]
    assert dumps(site) == after
    assert site.value("select count(*) from lease") == 0


def test_a_running_date_refuses_it(changed: tuple[Site, Path]) -> None:
    """While a run holds any date nothing is put back: exit 3, and no backup is made either."""
    site, path = changed
    command = site.start("restore", DATE, "--version", 2, "--reason", "slow", stop_at="after_restored_version_row")
    command.wait_until_stopped()
    files = sorted(site.home.rglob("*.dump"))
    assert site.reingest("backup", "restore", path, *ACT).exit_code == 3
    assert sorted(site.home.rglob("*.dump")) == files
    command.send(SIGKILL)
    command.finish()


def test_a_reader_sees_all_of_the_old_or_all_of_the_new(changed: tuple[Site, Path], history_site: Site) -> None:
    """A dump that begins while a backup is put back waits for it, and prints what is served afterwards, whole."""
    site, path = changed
    command = site.start("backup", "restore", path.name, *ACT, "--no-backup", stop_at="before_put_back_commit")
    command.wait_until_stopped()
    readers = [site.start("dump", DATE), site.start("versions", DATE, "--json"), site.start("show", DATE, "--json")]
    while site.value(WAITING) < len(readers):
        assert not any(reader.ended for reader in readers)
    command.send(SIGCONT)
    dump, versions, show = (reader.finish() for reader in readers)
    assert command.finish().exit_code == 0
    assert dump.out == history_site.dump(DATE)
    assert [one["number"] for one in versions.json] == [3, 2, 1]
    assert show.json["version"] == 3


def test_backups_are_listed(history: Site) -> None:
    """The newest comes first, with what it holds; an unregistered file is not a backup."""
    assert "No backups" in history.reingest("backup", "list").out
    paths = [create(history, "--reason", reason) for reason in ("one", "two")]
    (history.home / "backups" / "stray.dump").write_bytes(b"")
    listed = history.reingest("backup", "list", "--json").json
    assert [(Path(one["path"]), one["reason"], one["dates"]) for one in listed] == [
        (paths[1], "two", 2),
        (paths[0], "one", 2),
    ]
    assert all(path.stat().st_mode & 0o077 == 0 for path in paths)
    assert history.reingest("backup", "list", "--csv").out.count("\n") == 3


def test_a_backup_is_not_written_over(history: Site, tmp_path: Path) -> None:
    """--out names a file that is not there yet; payloads are said not to be in it."""
    target = tmp_path / "elsewhere" / "mine.dump"
    ran = history.reingest("backup", "create", "--out", target)
    assert ran.exit_code == 0, ran.err
    assert f"copy the folder {history.home / 'archive'}" in ran.out
    assert history.reingest("backup", "create", "--out", target).exit_code == 2


def test_a_home_that_is_none_is_refused(history: Site, tmp_path: Path) -> None:
    """A folder of backups that leads out of the home is refused with 2, and the message names both."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (history.home / "backups").symlink_to(victim)
    ran = history.reingest("backup", "create", "--json")
    assert (ran.exit_code, ran.error["code"]) == (2, "bad_usage")
    assert str(victim) in ran.error["message"]
    assert str(history.home) in ran.error["message"]
    assert list(victim.iterdir()) == []


def test_a_copy_is_a_site_of_its_own(history: Site, databases: Databases, tmp_path: Path) -> None:
    """A backup of one database put back into another that lived on tells consumers what they do not know yet."""
    with copy_of(history, databases, tmp_path / "copy") as other:
        assert other.reingest("restore", DATE, "--version", 2, "--reason", "here only").exit_code == 0
        path = create(other)
        history.rows("update settlement_day set generation = 90, last_number = 95 where settlement_date = %s", DATE)
        assert history.reingest("backup", "restore", path, *ACT).exit_code == 0
        assert history.dump(DATE) == other.dump(DATE)
        assert history.generation(DATE) == 91
        assert history.date(DATE, "--source", "archive", "--force").json["version"] == 96
