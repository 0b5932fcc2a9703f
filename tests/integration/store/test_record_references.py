"""What a curtailment record refers to, which is checked once a statement instead of once a row."""

import psycopg
import pytest

from tests.support.versions import Store

ONE_MORE = """
insert into curtailment_record (version_id, period, side, sequence_number, bm_unit, repriced, volume, fetch_id,
    payload_row)
select version_id + %(versions_on)s, period, side, %(number)s, bm_unit, repriced, volume, fetch_id + %(fetches_on)s,
    payload_row
from curtailment_record limit 1
"""
OF_THE_VERSION = ("check_result", "mining_rate", "daily_mining", "daily_unit_summary", "daily_summary", "reject")


@pytest.mark.parametrize(("versions_on", "fetches_on"), [(0, 1), (1, 0), (0, 10**6)])
def test_a_record_stands_in_a_payload_of_its_version(database_url: str, versions_on: int, fetches_on: int) -> None:
    """A record of no version, or of another fetch than its period's, is refused, also the owner's."""
    Store(database_url).hold()
    with psycopg.connect(database_url) as owner:
        owner.execute(ONE_MORE, {"number": 98, "versions_on": 0, "fetches_on": 0})
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match=r"has no .* from fetch"):
            owner.execute(ONE_MORE, {"number": 99, "versions_on": versions_on, "fetches_on": fetches_on})


def test_a_version_with_records_is_not_deleted(database_url: str) -> None:
    """A version cannot go before its records."""
    Store(database_url).hold()
    with psycopg.connect(database_url) as owner:
        for table in (*OF_THE_VERSION, "version_period"):
            owner.execute(psycopg.sql.SQL("delete from {}").format(psycopg.sql.Identifier(table)))
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="has records"):
            owner.execute("delete from version")
