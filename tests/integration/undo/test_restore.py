"""Restore: any version that was ever published can be had back, and nothing is deleted by it."""

from signal import SIGCONT

from tests.support.days import DATE
from tests.support.sites import Site

TABLES_OF_A_VERSION = (
    "version_period", "curtailment_record", "reject", "daily_summary", "daily_unit_summary", "daily_mining",
    "mining_rate",
)  # fmt: skip


def dump_of(site: Site, number: int) -> str:
    ran = site.reingest("dump", DATE, "--version", number)
    assert ran.exit_code == 0, ran.err
    return ran.out


def restore(site: Site, number: int, *words: str) -> dict[str, object]:
    ran = site.reingest("restore", DATE, "--version", number, "--reason", "it was right", "--json", *words)
    assert ran.exit_code == 0, ran.err
    result: dict[str, object] = ran.json
    return result


def test_every_version_ever_published_can_be_restored(history: Site) -> None:
    """Each older version's content is served again, byte for byte, under a new number; nothing else moves."""
    dumps = {number: dump_of(history, number) for number in (1, 2, 3)}
    assert len(set(dumps.values())) == 3
    for made, number in enumerate((1, 2, 3, 4, 5), start=4):
        dumps[made] = dumps[number]
        restored = restore(history, number)
        assert (restored["outcome"], restored["version"], restored["generation"]) == ("published", made, made)
        assert history.dump(DATE) == dumps[number]
        assert {each: dump_of(history, each) for each in dumps} == dumps
    assert history.rows(
        "select number, kind, restored_from from version where restored_from is not null order by 1"
    ) == [(made, "restore", made - 3) for made in (4, 5, 6, 7, 8)]


def test_a_restore_copies_every_row(history: Site) -> None:
    """What a version has in any table, the version that restores it has too."""
    restore(history, 1)
    ids = dict(history.rows("select number, id from version where settlement_date = %s", DATE))
    for table in TABLES_OF_A_VERSION:
        rows = [
            history.rows(f"select to_jsonb({table}) - 'version_id' from {table} where version_id = %s order by 1", id_)  # noqa: S608
            for id_ in (ids[1], ids[4])
        ]
        assert rows[0] == rows[1], table
        assert rows[0] or table == "reject", table


def test_a_restore_is_on_record(history: Site) -> None:
    """Run, reason, what was restored and the fact for consumers are stored."""
    restored = restore(history, 2)
    assert history.rows("select kind, outcome, reason from run where id = %s", restored["run_id"]) == [
        ("restore", "published", "it was right")
    ]
    assert history.rows("select action, reason, detail from operator_action") == [
        ("restore_version", "it was right", {"version": 4, "restored_from": 2})
    ]
    assert history.value("select body ->> 'generation' from outbox order by id desc limit 1") == "4"


def test_the_difference_is_shown_first(history: Site) -> None:
    """Before it acts the command prints what differs from the version served, by definition, period and unit."""
    ran = history.reingest("restore", DATE, "--version", 1, "--reason", "back")
    assert ran.exit_code == 0, ran.err
    assert ran.out.index("version 3 (published) to version 1 (superseded)") < ran.out.index("is served again")
    assert "T_HILLW-1" in ran.out


def test_a_plan_changes_nothing(history: Site) -> None:
    """--plan says what a restore would do, and stores its own run and nothing else."""
    before, counts = history.dump(DATE), history.row_counts()
    ran = history.reingest("restore", DATE, "--version", 1, "--plan", "--json")
    assert (ran.exit_code, ran.json["outcome"], ran.json["decision"]) == (0, "planned", "publish")
    assert ran.json["difference"]["old"]["number"] == 3
    assert history.row_counts() == counts | {"run": counts["run"] + 1}
    assert history.dump(DATE) == before


def test_what_is_served_is_not_restored(history: Site) -> None:
    """Restoring the served version, or an older one of the same content, is `unchanged`: no version, no generation."""
    same = restore(history, 3)
    assert (same["outcome"], same["version"], history.generation(DATE)) == ("unchanged", 3, 3)
    restore(history, 1)
    older = restore(history, 1)
    assert (older["outcome"], older["version"], history.generation(DATE)) == ("unchanged", 4, 4)
    assert len(history.states(DATE)) == 4


def test_a_held_version_is_published_and_not_restored(history: Site) -> None:
    """A version that was never published is refused with 2, and the message says which command publishes it."""
    assert history.date(DATE, "--source", "archive", "--expect-energy", "1").json["outcome"] == "held"
    ran = history.reingest("restore", DATE, "--version", 4, "--reason", "no", "--json")
    assert (ran.exit_code, ran.error["code"]) == (2, "bad_usage")
    assert ran.error["next"] == f"reingest publish {DATE} --version 4 --reason TEXT"
    assert history.runs()[-1] == ("refused", 2)


def test_a_restore_names_a_version_and_a_reason(history: Site) -> None:
    """Without a reason, without a number, or with one that the date does not have, it is refused with 2."""
    for words in (("--version", 9, "--reason", "no such"), ("--version", 1), ("--reason", "which?")):
        assert history.reingest("restore", DATE, *words).exit_code == 2
    assert history.generation(DATE) == 3


def test_an_altered_version_is_not_restored(history: Site) -> None:
    """A version whose stored rows are not what was published is refused, and what is served stays."""
    before = history.dump(DATE)
    history.rows("update curtailment_record set volume = volume * 2 where version_id = 1 and side = 'bid'")
    ran = history.reingest("restore", DATE, "--version", 1, "--reason", "back", "--json")
    assert (ran.exit_code, ran.error["next"]) == (2, "reingest doctor")
    assert history.dump(DATE) == before


def test_an_altered_date_gets_its_older_content_back(history: Site) -> None:
    """Where the served rows were altered, an older version of the same content is no `unchanged`: it is published."""
    before = dump_of(history, 3)
    restore(history, 1)
    restore(history, 3)
    history.rows(
        "update curtailment_record set volume = volume * 2 where side = 'bid' and version_id = "
        "(select current_version_id from settlement_day where settlement_date = %s)",
        DATE,
    )
    assert restore(history, 3)["outcome"] == "published"
    assert history.dump(DATE) == before


def test_a_date_published_meanwhile_is_a_conflict(history: Site) -> None:
    """When the date is published after the difference was shown, nothing is restored: exit 5."""
    command = history.start(
        "restore", DATE, "--version", 1, "--reason", "late", "--json", stop_at="after_restored_rows_commit"
    )
    command.wait_until_stopped()
    history.rows("update settlement_day set generation = generation + 1")
    command.send(SIGCONT)
    ran = command.finish()
    assert (ran.exit_code, ran.error["code"]) == (5, "conflict")
    assert history.states(DATE) == {1: "superseded", 2: "superseded", 3: "published", 4: "abandoned"}


def test_a_held_date_refuses_a_second_restorer(history: Site) -> None:
    """While one restore holds the date, another ends with 3, and the first one is not disturbed."""
    command = history.start("restore", DATE, "--version", 1, "--reason", "first", stop_at="after_restored_version_row")
    command.wait_until_stopped()
    assert history.reingest("restore", DATE, "--version", 2, "--reason", "second").exit_code == 3
    command.send(SIGCONT)
    assert command.finish().exit_code == 0
    assert history.dump(DATE) == dump_of(history, 1)


def test_a_restored_version_keeps_its_provisional_mark(history: Site) -> None:
    """A provisional version is provisional again when it is restored, and a final one is final."""
    history.rows("update version set provisional_until = '2030-01-01' where number = 1")
    restore(history, 1)
    assert history.show(DATE)["provisional_until"] == "2030-01-01T00:00:00Z"
    restore(history, 2)
    assert history.show(DATE)["provisional_until"] is None


def test_months_follow_a_restore(history: Site) -> None:
    """The month's total moves by what the restored version differs from the one that was served."""
    of_month = "select energy_mwh from month where definition = 'so_flagged'"
    of_date = "select energy_mwh from day where definition = 'so_flagged' and settlement_date = %s"
    month, day = history.value(of_month), history.value(of_date, DATE)
    restore(history, 1)
    assert history.value(of_date, DATE) != day
    assert history.value(of_month) - month == history.value(of_date, DATE) - day
