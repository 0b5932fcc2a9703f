"""Corruptions: what somebody may do to a site by hand, behind the application's back, each with what it is found as."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.support.days import DATE
from tests.support.sites import Site

Plant = Callable[[Site], None]

NAMES = {
    "date": DATE.isoformat(),
    "day": f"settlement_date = '{DATE}'",
    "served": f"(select current_version_id from settlement_day where settlement_date = '{DATE}')",  # noqa: S608
    "first": f"(select id from version where settlement_date = '{DATE}' and number = 1)",  # noqa: S608
    "a_run": "'00000000-0000-7000-8000-000000000001'",
    "host": os.uname().nodename,
}
NAMES["another_fetch"] = (
    f"(select fetch_id from version_period where version_id = {NAMES['served']} and period = 5 and side = 'bid')"  # noqa: S608
)
"""What statements may name in braces."""
V2 = f"{DATE} version 2"
LONG_AGO = time.time() - 7200


@dataclass(frozen=True)
class Corruption:
    """One corruption.

    Attributes:
        name: What somebody did.
        plant: Does it.
        finding: The id of the finding that must name it.
        subject: What that finding is about; one that begins so.
    """

    name: str
    plant: Plant
    finding: str
    subject: str


def sql(*statements: str, **names: str) -> Plant:
    """Return what does this as the database's owner, past every trigger and foreign key.

    Names in braces stand for `names`, which may name `NAMES` in turn.
    """
    known = NAMES | {name: text.format(**NAMES) for name, text in names.items()}

    def plant(site: Site) -> None:
        with psycopg.connect(site.database_url, autocommit=True) as connection:
            connection.execute("set session_replication_role = replica")
            for statement in statements:
                done = connection.execute(statement.format(**known).encode())
                assert done.rowcount, statement

    return plant


def archive(site: Site) -> Path:
    """Return the site's archive."""
    return site.home / "archive"


def payload(site: Site, dataset: str = "ISPSTACK", period: int | None = 1) -> Path:
    """Return the file of a payload that the date is served from."""
    sha256: str = site.value(
        'select payload_sha256 from "fetch" where dataset = %s and period is not distinct from %s '
        "and (side = 'bid' or side is null) and (settlement_date = %s or settlement_date is null) order by id limit 1",
        dataset,
        period,
        DATE,
    )
    return archive(site) / "payloads" / sha256[:2] / f"{sha256}.zst"


def flip_a_bit(site: Site) -> None:
    """Change one bit of a payload's file."""
    path = payload(site)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_the_payload(site: Site) -> None:
    """Remove a payload's file."""
    payload(site).unlink()


def cut_the_payload(site: Site) -> None:
    """Cut off the end of a payload's file."""
    path = payload(site)
    path.write_bytes(path.read_bytes()[:-7])


def lose_the_prices(site: Site) -> None:
    """Remove the file of the date's system prices."""
    payload(site, "DISEBSP", None).unlink()


def correct_a_unit(site: Site) -> None:
    """Say that a unit was another's, long after its dates were published."""
    words = ("--valid-from", "ever", "--lead-party", "Old Wind Ltd", "--reason", "it was sold later")
    assert site.reingest("units", "correct", "T_HILLW-1", *words).exit_code == 0


def lose_the_register(site: Site) -> None:
    """Remove the file of the register of BM units."""
    payload(site, "BMUNITS", None).unlink()


def add_a_payload(site: Site) -> None:
    """Put a file under a payload's name among the payloads."""
    sha256 = hashlib.sha256(b"mine").hexdigest()
    of_old(site, f"payloads/{sha256[:2]}/{sha256}.zst")


def add_notes(site: Site) -> None:
    """Put a file of one's own among the payloads."""
    of_old(site, "payloads/ab/notes.txt")


def leave_a_file(site: Site) -> None:
    """Leave what a writer that was killed leaves."""
    of_old(site, f"payloads/new/{'a' * 64}.0123456789abcdef")


def of_old(site: Site, name: str) -> None:
    """Write a file that has been there for some hours."""
    path = archive(site) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine")
    os.utime(path, (LONG_AGO, LONG_AGO))


def edit_manifest(edit: Callable[[list[str]], list[str]]) -> Plant:
    """Return what edits the lines of the month's manifest."""

    def plant(site: Site) -> None:
        path = archive(site) / "manifest" / f"{DATE:%Y-%m}.jsonl"
        path.write_text("".join(f"{line}\n" for line in edit(path.read_text().splitlines())))

    return plant


def say_otherwise(lines: list[str]) -> list[str]:
    """Change what a line says."""
    values: dict[str, Any] = json.loads(lines[3])
    return [*lines[:3], json.dumps(values | {"status": 500}), *lines[4:]]


def lose_the_manifests(site: Site) -> None:
    """Remove every manifest."""
    shutil.rmtree(archive(site) / "manifest")


def forge_everything(site: Site) -> None:
    """Change a record, and make its version's content hash that of what is stored now."""
    records("final_price = 1")(site)
    said = site.reingest("dump", DATE).out.splitlines()[-1].removeprefix("sha256 ")
    site.rows("update version set content_hash = %s where settlement_date = %s and number = 2", said, DATE)


def hold_a_version(site: Site) -> None:
    """Let a check hold a version that nobody decides about."""
    assert site.date(DATE, "--force", "--expect-energy", "5").json["outcome"] == "held"


def records(change: str, of: str = "acceptance_id = 1001") -> Plant:
    """Return what changes records of the served version."""
    return sql("update curtailment_record set {change} where version_id = {served} and {of}", change=change, of=of)


def totals(table: str, change: str) -> Plant:
    """Return what changes totals of the served version."""
    statement = "update {table} set {change} where version_id = {served} and definition = 'so_flagged'"
    return sql(statement, table=table, change=change)


ADD_A_RUN = """insert into run (id, kind, settlement_date, holder, host, pid, code_version)
    values ({a_run}, 'reingest', '{date}', 'somebody', '{host}', 4194304, '0')"""
COPY_A_VERSION = """insert into version (settlement_date, number, state, kind, sides, basis_generation, run_id,
    register_id, register_hash, definitions, mining_inputs_hash, mining_state, code_version, rows, rejects, records,
    content_hash)
    select settlement_date, 3, 'candidate', kind, sides, basis_generation + 1, {a_run}, register_id, register_hash,
    definitions, mining_inputs_hash, mining_state, code_version, rows, rejects, records, content_hash
    from version where id = {served}"""
A_DEAD_LEASE = """insert into lease (key, token, run_id, holder, host, pid, acquired_at, heartbeat_at, expires_at)
    select 'date:{date}', 4000, {a_run}, 'somebody', 'elsewhere', 1, now(), now(), now() + interval '1 hour'"""
DOUBLE_A_RECORD = """insert into curtailment_record (version_id, period, side, sequence_number, bm_unit, acceptance_id,
    pair_id, cadl_flag, so_flag, stor_flag, repriced, original_price, volume, fetch_id, payload_row)
    select version_id, period, side, sequence_number + 100, bm_unit, acceptance_id, pair_id, cadl_flag, so_flag,
    stor_flag, repriced, original_price, volume, fetch_id, payload_row
    from curtailment_record where version_id = {served} and acceptance_id = 1001"""
ADD_A_PERIOD = """insert into version_period (version_id, period, side, outcome, fetch_id)
    select version_id, 49, side, outcome, fetch_id from version_period where version_id = {served} and period = 48"""

CORRUPTIONS = (
    Corruption(
        "a record is dropped",
        sql("delete from curtailment_record where version_id = {served} and acceptance_id = 3001"),
        "records-count-differs",
        V2,
    ),
    Corruption("a record is doubled", sql(DOUBLE_A_RECORD), "records-count-differs", V2),
    Corruption(
        "the sign of a price is flipped",
        records("original_price = -original_price"),
        "daily-summary-differs",
        f"{V2} so_flagged",
    ),
    Corruption("a volume is changed", records("volume = volume - 0.001"), "unit-summary-differs", V2),
    Corruption("a price is changed", records("original_price = original_price + 0.01"), "content-hash-differs", V2),
    Corruption("a record stands in another period", records("period = 7"), "daily-summary-differs", V2),
    Corruption("an acceptance id is changed", records("acceptance_id = 77"), "content-hash-differs", V2),
    Corruption("a flag is changed", records("stor_flag = true"), "content-hash-differs", V2),
    Corruption(
        "a record and its hash are forged", forge_everything, "record-differs-from-payload", f"{V2} period 1 bid"
    ),
    Corruption(
        "a record stands in another payload", records("fetch_id = {another_fetch}"), "fetch-of-other-subject", V2
    ),
    Corruption(
        "the daily row is stale",
        totals("daily_summary", "energy_mwh = energy_mwh + 1"),
        "daily-summary-differs",
        f"{V2} so_flagged",
    ),
    Corruption(
        "a payment lost its sign",
        totals("daily_summary", "payment_gbp = -payment_gbp"),
        "daily-summary-differs",
        f"{V2} so_flagged",
    ),
    Corruption(
        "the daily row is gone",
        sql("delete from daily_summary where version_id = {served} and definition = 'net'"),
        "daily-summary-differs",
        f"{V2} net",
    ),
    Corruption(
        "a unit's row is stale",
        totals("daily_unit_summary", "payment_gbp = payment_gbp + 1"),
        "unit-summary-differs",
        f"{V2} so_flagged",
    ),
    Corruption("BTC is stale", totals("daily_mining", "btc = btc * 2"), "mining-differs", f"{V2} so_flagged"),
    Corruption(
        "a mining rate is changed",
        sql("update mining_rate set btc_per_mwh = btc_per_mwh * 2 where version_id = {served} and period = 1"),
        "mining-differs",
        V2,
    ),
    Corruption(
        "the version counts fewer records",
        sql("update version set records = 4 where id = {served}"),
        "records-count-differs",
        V2,
    ),
    Corruption(
        "the version counts fewer rows", sql("update version set rows = 1 where id = {served}"), "rejects-sum", V2
    ),
    Corruption(
        "a reject is gone",
        sql(
            "update version_period set accepted = accepted - 1, rejects = rejects + 1 "
            "where version_id = {served} and period = 2 and side = 'bid'"
        ),
        "rejects-sum",
        f"{V2} period 2 bid",
    ),
    Corruption(
        "a served period failed",
        sql("update version_period set outcome = 'failed' where version_id = {served} and period = 2"),
        "date-incomplete",
        f"{V2} period 2 bid",
    ),
    Corruption(
        "a served period is gone",
        sql("delete from version_period where version_id = {served} and period = 48 and side = 'bid'"),
        "date-incomplete",
        f"{V2} period 48 bid",
    ),
    Corruption("a period too many is served", sql(ADD_A_PERIOD), "date-incomplete", f"{V2} period 49 bid"),
    Corruption(
        "a period has another's fetch",
        sql(
            "update version_period set fetch_id = {another_fetch} "
            "where version_id = {served} and period = 6 and side = 'bid'"
        ),
        "fetch-of-other-subject",
        f"{V2} period 6 bid",
    ),
    Corruption(
        "a version served earlier is changed",
        sql("update daily_summary set energy_mwh = 1 where version_id = {first} and definition = 'net'"),
        "version-altered",
        f"{DATE} version 1",
    ),
    Corruption("a unit has another lead party", correct_a_unit, "date-stale", str(DATE)),
    Corruption("a bit of a payload is flipped", flip_a_bit, "payload-altered", f"{DATE} payloads/"),
    Corruption("a payload is gone", lose_the_payload, "payload-missing", f"{DATE} payloads/"),
    Corruption("a payload is cut short", cut_the_payload, "payload-altered", f"{DATE} payloads/"),
    Corruption("the system prices are gone", lose_the_prices, "payload-missing", f"{DATE} payloads/"),
    Corruption("the register's payload is gone", lose_the_register, "payload-missing", "payloads/"),
    Corruption("a payload is nobody's", add_a_payload, "payload-unregistered", "payloads/"),
    Corruption("notes lie among the payloads", add_notes, "payload-unregistered", "payloads/ab/notes.txt"),
    Corruption("a writer left its file", leave_a_file, "payload-temp-left", "payloads/new/"),
    Corruption(
        "a payload is not registered",
        sql(
            "delete from payload where sha256 = (select payload_sha256 from \"fetch\" where dataset = 'ISPSTACK' "
            "and {day} and period = 1 and side = 'bid')"
        ),
        "fetch-without-payload",
        "payloads/",
    ),
    Corruption(
        "a manifest line is lost",
        edit_manifest(lambda lines: lines[:5] + lines[6:]),
        "manifest-differs",
        f"manifest/{DATE:%Y-%m}.jsonl",
    ),
    Corruption("a manifest line is edited", edit_manifest(say_otherwise), "manifest-differs", "manifest/"),
    Corruption(
        "a manifest line cannot be read", edit_manifest(lambda lines: ["{", *lines]), "manifest-differs", "manifest/"
    ),
    Corruption("the manifests are gone", lose_the_manifests, "manifest-differs", "manifest/"),
    Corruption("a lease is dead", sql(A_DEAD_LEASE), "lease-dead", f"lease date:{DATE}"),
    Corruption("a run has no end", sql(ADD_A_RUN), "run-unfinished", "run 00000000-0000-7000-8000-000000000001"),
    Corruption("a candidate is orphaned", sql(ADD_A_RUN, COPY_A_VERSION), "version-orphaned", f"{DATE} version 3"),
    Corruption("a version is held", hold_a_version, "held-date", f"{DATE} version 3"),
    Corruption(
        "the generation was moved",
        sql("update settlement_day set generation = 9 where {day}"),
        "generation-differs",
        str(DATE),
    ),
    Corruption(
        "an older version is pointed at",
        sql("update settlement_day set current_version_id = {first} where {day}"),
        "current-version-differs",
        str(DATE),
    ),
    Corruption(
        "the served version is said to be superseded",
        sql("update version set state = 'superseded', served_to = now() where id = {served}"),
        "current-version-differs",
        str(DATE),
    ),
    Corruption(
        "the date's row is gone",
        sql("delete from settlement_day where {day}"),
        "current-version-differs",
        str(DATE),
    ),
    Corruption(
        "two versions were served at once",
        sql("update version set served_to = served_to + interval '1 hour' where id = {first}"),
        "superseded-chain-broken",
        f"{DATE} version 1",
    ),
    Corruption(
        "a version is served from tomorrow on",
        sql("update version set served_from = now() + interval '1 day' where id = {served}"),
        "served-from-impossible",
        V2,
    ),
    Corruption(
        "a version between two is gone",
        sql(
            "update version set basis_generation = 5 where id = {served}",
            "update outbox set generation = 6 where version_id = {served}",
            "update settlement_day set generation = 6 where {day}",
        ),
        "superseded-chain-broken",
        f"{DATE} version 1",
    ),
    Corruption(
        "a message was removed from the outbox",
        sql("delete from outbox where version_id = {served}"),
        "outbox-row-missing",
        V2,
    ),
    Corruption(
        "the counter of versions was set back",
        sql("update settlement_day set last_number = 1 where {day}"),
        "last-number-behind",
        str(DATE),
    ),
    Corruption(
        "a message is dead",
        sql(
            "update outbox_delivery set state = 'dead', dead_at = now(), delivered_at = null "
            "where outbox_id = (select id from outbox where version_id = {served})"
        ),
        "outbox-dead",
        f"date_published:{DATE}:2 at log",
    ),
    Corruption(
        "a message waits",
        sql(
            "update outbox set created_at = created_at - interval '2 days' where version_id = {served}",
            "update outbox_delivery set state = 'pending', delivered_at = null, next_attempt_at = now() "
            "where outbox_id = (select id from outbox where version_id = {served})",
        ),
        "outbox-overdue",
        "sink log",
    ),
    Corruption(
        "a seal is forged", sql("update version set seal = repeat('0', 64) where id = {served}"), "seal-broken", V2
    ),
    Corruption(
        "a version is said to follow no other",
        sql("update version set previous_seal = '-', seal = version_seal(id, '-') where id = {served}"),
        "seal-broken",
        V2,
    ),
    Corruption(
        "a run ended before it began",
        sql(
            "update run set finished_at = started_at - interval '1 day' "
            "where id = (select id from run order by started_at limit 1)"
        ),
        "time-impossible",
        "run ",
    ),
    Corruption(
        "a unit of the register was removed",
        sql("delete from bm_unit where elexon_bm_unit = 'T_HILLW-1'"),
        "register-differs",
        V2,
    ),
    Corruption(
        "a period was staged and forgotten",
        sql(
            "insert into staged_stack (settlement_date, period, side, outcome, rows, fetch_id, run_id, staged_at) "
            "select settlement_date, period, side, 'fetched', 1, id, run_id, now() - interval '8 days' from \"fetch\" "
            "where {day} and dataset = 'ISPSTACK' and period = 1 and side = 'bid' order by id limit 1"
        ),
        "staged-waiting",
        str(DATE),
    ),
    Corruption(
        "a channel refused a notice",
        sql(
            "insert into notice (cause, kind, settlement_date, subject, text, detail) "
            "values ('a cause', 'date_held', '{date}', 'a subject', 'a text', '{{}}')",
            "insert into notice_channel (channel) values ('email')",
            "insert into notice_delivery (notice_id, channel, settlement_date, state, attempts, dead_at) "
            "select id, 'email', settlement_date, 'dead', 8, now() from notice",
        ),
        "notice-dead",
        "a cause by email",
    ),
    Corruption(
        "a notice waits",
        sql(
            "insert into notice (cause, kind, settlement_date, subject, text, detail, created_at) "
            "values ('a cause', 'date_held', '{date}', 'a subject', 'a text', '{{}}', now() - interval '2 days')",
            "insert into notice_channel (channel) values ('webhook') on conflict do nothing",
            "insert into notice_delivery (notice_id, channel, settlement_date) "
            "select id, 'webhook', settlement_date from notice",
        ),
        "notice-overdue",
        "channel webhook",
    ),
)
