"""Seals: each version names its content, its payloads and the version before it, whatever published it."""

import re
from pathlib import Path

from reingest.curtailment.seals import NO_SEAL, seal_of
from reingest.standin.server import StandIn
from reingest.store.database import connect
from reingest.store.seals import payloads_of_version
from tests.support.days import DATE
from tests.support.sites import Site

SEALS = """
select id, content_hash, seal, previous_seal from version
where settlement_date = %s and state in ('published', 'superseded') order by served_from
"""
MIGRATION = Path(__file__).parents[3] / "migrations" / "sql" / "0008_proofs.sql"
DONE = ("--reason", "a test", "--i-understand")


def chain(site: Site) -> list[str]:
    """Return the seals of a date's versions, oldest first, each of which Python makes as Postgres did."""
    seals, previous = [], None
    with connect(site.database_url, purpose="test") as connection:
        for version_id, content_hash, seal, before in site.rows(SEALS, DATE):
            assert seal == seal_of(content_hash, payloads_of_version(connection, version_id), before)
            assert previous in (before, None)
            previous = seal
            seals.append(seal)
    return seals


def test_every_way_of_publishing_seals(published: Site, elexon: StandIn) -> None:
    """A run, a run of periods, a restore and a held version that a person publishes each seal after the one before."""
    assert published.date(DATE, "--source", "archive", "--force").exit_code == 0
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    assert published.date(DATE, "--periods", "1-2").json["outcome"] == "published"
    assert published.reingest("restore", DATE, "--version", 1, "--reason", "a test").exit_code == 0
    assert published.date(DATE, "--force", "--expect-energy", "1").exit_code == 1
    assert published.reingest("publish", DATE, "--version", 5, "--reason", "a test").exit_code == 0
    assert len(set(chain(published))) == 5
    assert published.rows(SEALS, DATE)[0][3] == NO_SEAL
    facts = published.rows("select body ->> 'seal' from outbox where settlement_date = %s order by id", DATE)
    assert [fact[0] for fact in facts] == chain(published)
    assert published.reingest("doctor", DATE).exit_code == 0


def test_the_chain_tells_of_a_withdrawal(published: Site) -> None:
    """After a reset of data the next version names the one that was taken away as the one before."""
    (withdrawn,) = chain(published)
    assert published.reingest("reset", "data", "--date", DATE, *DONE).exit_code == 0
    assert published.rows(SEALS, DATE) == []
    assert published.date(DATE, "--source", "archive").json["version"] == 2
    ((*_, previous),) = published.rows(SEALS, DATE)
    assert previous == withdrawn
    assert published.reingest("doctor", DATE).exit_code == 0


def test_the_chain_tells_what_a_backup_took_away(published: Site) -> None:
    """Where a backup that was put back knows nothing of a date, its next version names the one that was served."""
    assert published.reingest("reset", "data", "--date", DATE, *DONE).exit_code == 0
    assert published.reingest("backup", "create", "--out", "empty.dump").exit_code == 0
    assert published.date(DATE, "--source", "archive").exit_code == 0
    (taken,) = chain(published)
    assert published.reingest("backup", "restore", "empty.dump", *DONE).exit_code == 0
    assert published.date(DATE, "--source", "archive").exit_code == 0
    ((*_, previous),) = published.rows(SEALS, DATE)
    assert previous == taken
    assert published.reingest("doctor", DATE).exit_code == 0


def test_exchanged_payloads_are_found(published: Site) -> None:
    """A version that names another payload than the one that it was published with has a broken seal."""
    published.rows(
        """set session_replication_role = replica;
        update "fetch" set payload_sha256 = (select min(sha256) from payload where sha256 <> payload_sha256)
        where id = (select min(fetch_id) from version_period where period = 1 and side = 'bid')"""
    )
    found = published.reingest("doctor", DATE, "--quick", "--json").json["findings"]
    assert "seal-broken" in {one["id"] for one in found}


def test_what_was_published_before_there_were_seals_is_sealed(published: Site) -> None:
    """The upgrade gives every version that was ever served the seal that its publish would have given it."""
    for words in (("--source", "archive", "--force"), ("--source", "archive", "--force")):
        assert published.date(DATE, *words).exit_code == 0
    before = chain(published)
    published.rows("set session_replication_role = replica; update version set seal = null, previous_seal = null")
    (block,) = re.findall(r"^do \$\$.*?^end \$\$;", MIGRATION.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    published.rows(block)
    assert chain(published) == before
