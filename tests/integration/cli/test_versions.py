import hashlib
from datetime import date

import psycopg

from tests.integration.cli.conftest import Command
from tests.support.curtailment import record
from tests.support.versions import A_DAY, DATE, Store


def test_versions_are_listed_newest_first(store: Store, reingest: Command) -> None:
    """`versions D` lists each version with its state and its totals by the default definition."""
    store.publish()
    store.publish(A_DAY[:1], reason="restated")
    store.hold(A_DAY[:2])
    listed = reingest("versions", DATE, "--json").json

    assert [(one["number"], one["state"], one["energy_mwh"], one["reason"]) for one in listed] == [
        (3, "held", "14.623456789", None),
        (2, "published", "10.5", "restated"),
        (1, "superseded", "14.623456789", None),
    ]
    assert listed[2]["served_to"] == listed[1]["served_from"]
    assert reingest("versions", DATE, "--csv").lines[2].startswith("2,published,ingest,10.5,527.625,1,0,bid offer,")
    assert reingest("versions", DATE).lines[2].split()[:5] == ["2", "published", "ingest", "10.500", "527.62"]


def test_a_date_without_versions_is_not_found(store: Store, reingest: Command) -> None:
    """A date that was never touched is an error with the command that makes its first version."""
    ran = reingest("versions", DATE, "--json")

    assert (ran.code, ran.error["code"], ran.error["next"]) == (2, "not_found", "reingest date 2024-03-29")


def test_a_dump_ends_with_its_own_hash(store: Store, reingest: Command) -> None:
    """The last line is the sha256 of all lines before it, which is the version's content hash."""
    store.publish()
    dumped = reingest("dump", DATE).out
    body, _, last = dumped.removesuffix("\n").rpartition("\n")

    assert last == f"sha256 {hashlib.sha256(f'{body}{chr(10)}'.encode()).hexdigest()}"
    assert last.endswith(reingest("show", DATE, "--json").json["content_hash"])
    assert "record\t1\tbid\tT_LARYW-1\t1\t-1\ttrue\tfalse\tfalse\tfalse\t-50.25\t-10.5\t-\t-" in dumped.splitlines()


def test_the_same_content_dumps_the_same_bytes(store: Store, reingest: Command) -> None:
    """Two versions of the same records, stored in another order, dump byte for byte alike."""
    store.publish()
    store.publish(A_DAY[::-1])

    assert reingest("dump", DATE, "--version", 1).out == reingest("dump", DATE, "--version", 2).out


def test_a_held_version_can_be_dumped(store: Store, reingest: Command) -> None:
    """`--version` dumps any version; without it only the served one is."""
    store.hold()

    assert reingest("dump", DATE, "--version", 1).code == 0
    assert reingest("dump", DATE).code == 2
    assert reingest("dump", DATE, "--version", 2).code == 2


def test_a_dump_of_altered_rows_is_a_bug(store: Store, database_url: str, reingest: Command) -> None:
    """Stored rows that do not hash to what was published end with exit code 70, after the dump."""
    store.publish()
    with psycopg.connect(database_url) as connection:
        connection.execute("update curtailment_record set volume = volume * 2")
    ran = reingest("dump", DATE)

    assert ran.code == 70
    assert ran.out.splitlines()[-1].startswith("sha256 ")
    assert "rows have changed since" in ran.err


def test_diff_compares_the_served_version_with_the_one_before(store: Store, reingest: Command) -> None:
    """Without numbers the served version stands against the one that it replaced; an older held one does not count."""
    store.publish()
    store.hold(A_DAY[:1])
    changed = record(**A_DAY[0]._asdict() | {"volume": "-11"})
    store.publish([changed, *A_DAY[1:3]])
    shown = reingest("diff", DATE, "--json").json

    assert (shown["old"]["number"], shown["new"]["number"], shown["same"]) == (1, 3, False)
    assert shown["totals"]["so_flagged"] == {
        "old_energy_mwh": "14.623456789",
        "new_energy_mwh": "15.123456789",
        "energy_mwh": "0.5",
        "old_payment_gbp": "478.143518532",
        "new_payment_gbp": "503.268518532",
        "payment_gbp": "25.125",
        "old_records": 2,
        "new_records": 2,
    }
    assert shown["by_period"]["1"]["so_flagged"] == {"energy_mwh": "0.5", "payment_gbp": "25.125", "records": 0}
    assert list(shown["by_unit"]) == ["T_LARYW-1"]
    assert shown["records"]["changed"][0]["fields"] == {"volume": ["-10.5", "-11"]}
    assert [one["side"] for one in shown["records"]["removed"]] == ["offer"]
    assert shown["outcomes"] == [{"period": 2, "side": "offer", "old": "fetched", "new": "confirmed_empty"}]
    assert list(shown["mining"]) == ["so_flagged", "all_bids", "net"]


def test_diff_compares_a_held_version_with_the_served_one(store: Store, reingest: Command) -> None:
    """Without numbers the newest version that waits for a decision stands against what is served."""
    store.publish()
    store.hold(A_DAY[:1])
    store.hold(A_DAY[:2])
    shown = reingest("diff", DATE, "--json").json

    assert [(shown[one]["number"], shown[one]["state"]) for one in ("old", "new")] == [(1, "published"), (3, "held")]


def test_diff_says_which_inputs_differ(store: Store, reingest: Command) -> None:
    """Where not only the source's answers changed, the inputs that did are named."""
    store.publish()
    store.publish(A_DAY[:3], sides=("bid",), mining=False)
    shown = reingest("diff", DATE, "--json").json

    assert list(shown["inputs"]) == ["sides", "definitions"]
    assert shown["inputs"]["sides"] == {"old": ["bid", "offer"], "new": ["bid"]}
    assert shown["totals"]["net"]["energy_mwh"] is None
    assert "Inputs that differ beside the source's answers: sides, definitions" in reingest("diff", DATE).lines
    assert "BTC net S9: 0.01036842 to unknown" in reingest("diff", DATE).lines


def test_diff_for_people_shows_only_what_changed(store: Store, reingest: Command) -> None:
    """The report names totals, periods, units and rows, and leaves out definitions that did not move."""
    store.publish()
    store.publish(A_DAY[:3])
    lines = reingest("diff", DATE, 1, 2).lines

    assert lines[0] == "2024-03-29  version 1 (superseded) to version 2 (published)"
    assert "net             16.123     16.623   0.500      583.14     618.14   35.00" in lines
    assert "offer of periods 2: fetched to confirmed_empty" in lines
    assert "2          net         0.500  35.00       -1" in lines
    assert "T_LARYW-1  net         0.500  35.00       -1" in lines
    assert not any("so_flagged" in line and line.startswith("2 ") for line in lines)
    assert "0 rows added, 1 removed, 0 changed" in lines


def test_diff_says_which_fields_changed(store: Store, reingest: Command) -> None:
    """Changed records stand together by the fields that changed, and those groups add up to the whole change."""
    store.publish(A_DAY[:3])
    repriced = record(**A_DAY[0]._asdict() | {"original_price": "-51", "final_price": "-51"})
    restated = record(**A_DAY[1]._asdict() | {"volume": "-5"})
    store.publish([repriced, restated])
    groups = reingest("diff", DATE, "--json").json["by_fields"]

    assert [(one["change"], one["fields"], one["records"]) for one in groups] == [
        ("removed", [], 1),
        ("changed", ["original_price", "final_price"], 1),
        ("changed", ["volume"], 1),
    ]
    assert [one["deltas"]["all_bids"]["energy_mwh"] for one in groups] == ["-2", "0", "0.876543211"]
    lines = reingest("diff", DATE).lines
    assert "original_price, final_price     1  all_bids     0.000     7.88" in lines
    assert "rows removed                    1  all_bids    -2.000  -140.00" in lines


def test_a_long_diff_is_cut_for_people_only(store: Store, reingest: Command) -> None:
    """A table shows the first rows and says how many more there are; CSV has every one."""
    many = [record(period=number, acceptance_id=number) for number in range(1, 48)]
    store.publish(many)
    store.publish([record(period=48)])
    lines = reingest("diff", DATE).lines

    assert "bid of periods 1-47: fetched to confirmed_empty" in lines
    assert lines[-1] == "and 84 lines more; --csv and --json have all of them"
    assert len(reingest("diff", DATE, "--csv").lines) == 1 + 48 * 3


def test_diff_as_csv_has_a_line_a_field(store: Store, reingest: Command) -> None:
    """CSV has one line for each field that changed, and the figures of rows that came or went."""
    store.publish(A_DAY[:1])
    store.publish([record(**A_DAY[0]._asdict() | {"original_price": "-51"}), A_DAY[2]])

    assert reingest("diff", DATE, "--csv").lines == [
        "change,period,side,bm_unit,acceptance_id,pair_id,field,old,new",
        "added,2,bid,T_LARYW-1,3,-1,volume,,-2",
        "added,2,bid,T_LARYW-1,3,-1,original_price,,-70",
        "added,2,bid,T_LARYW-1,3,-1,so_flag,,false",
        "changed,1,bid,T_LARYW-1,1,-1,original_price,-50.25,-51",
    ]


def test_diff_of_equal_content_says_so(store: Store, reingest: Command) -> None:
    """Two versions that say the same have one line: the same content."""
    store.publish()
    store.publish()

    assert reingest("diff", DATE).lines[1] == "The same content."


def test_diff_with_one_number_compares_it_with_the_served_version(store: Store, reingest: Command) -> None:
    """`diff D A` sets version A against the one that is served."""
    store.publish()
    store.publish(A_DAY[:1])
    store.publish(A_DAY[:2])
    shown = reingest("diff", DATE, 1, "--json").json

    assert (shown["old"]["number"], shown["new"]["number"]) == (1, 3)


def test_diff_of_a_first_version_is_not_found(store: Store, reingest: Command) -> None:
    """A date with one version has nothing to compare; the error names the command that lists versions."""
    store.publish()
    ran = reingest("diff", DATE, "--json")

    assert (ran.code, ran.error["next"]) == (2, "reingest versions 2024-03-29")
    assert reingest("diff", date(2024, 3, 30)).code == 2
