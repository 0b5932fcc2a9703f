"""Tombstones as SQL derives them, compared with a plain model that goes by the diff."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count, groupby, pairwise
from typing import Any, Final

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reingest.curtailment.diff import diff_records
from reingest.curtailment.records import CurtailmentRecord
from tests.support.curtailment import record
from tests.support.versions import DATE, Store

IDENTITY: Final = ("period", "side", "bm_unit", "acceptance_id", "pair_id")
SAYS: Final = ("original_price", "volume", "so_flag")
TOLD: Final = """
select period, side, bm_unit, acceptance_id, pair_id, original_price, volume, so_flag, gone_with, back_with
from tombstones(%s)
"""
NAME: Final = "encode(sha256(id::text::bytea), 'hex')"
OTHER_ANSWERS: Final = (
    f'insert into payload (sha256, size, stored_size) select {NAME}, 1, 1 from "fetch" on conflict do nothing',  # noqa: S608
    f'update "fetch" set payload_sha256 = {NAME}',  # noqa: S608
)
"""Every fetch has an answer of its own; the versions made by hand would share theirs."""

rows = st.builds(
    record,
    period=st.sampled_from([1, 2]),
    acceptance_id=st.sampled_from([None, 1]),
    volume=st.sampled_from(["-1", "-2"]),
    original_price=st.sampled_from(["-50", "7"]),
)
histories = st.lists(st.lists(rows, max_size=5), min_size=3, max_size=5)
days = count()


@settings(
    max_examples=4,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(histories)
def test_tombstones_go_by_the_diff(database_url: str, history: list[list[CurtailmentRecord]]) -> None:
    """Whatever versions follow each other, rows that the diff calls removed are gone, until they are back."""
    store, day = Store(database_url), DATE + timedelta(days=next(days))
    for version in history:
        store.publish(version, settlement_date=day, sides=("bid",), mining=False)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in OTHER_ANSWERS:
            connection.execute(statement)
        told = connection.execute(TOLD, [day]).fetchall()
    assert Counter(told) == Counter(model(history))


def model(history: Sequence[Sequence[CurtailmentRecord]]) -> Iterator[tuple[Any, ...]]:
    """Yield the tombstones of versions that are numbered from 1."""
    for number, (old, new) in enumerate(pairwise(history), start=1):
        removed = sorted(map(whole, diff_records(old, new, ()).removed), key=str)
        for row, copies in groupby(removed):
            kept = list(map(whole, new)).count(row)
            for place, _ in enumerate(copies, start=kept + 1):
                yield (*row, number + 1, back(history, number, row, place))


def back(history: Sequence[Sequence[CurtailmentRecord]], number: int, row: tuple[Any, ...], place: int) -> int | None:
    """Return the version that has as many copies of the row again, or as many rows of its group as before."""
    group = row[: len(IDENTITY)]
    before = list(map(identity, history[number - 1])).count(group)
    for later, version in enumerate(history[number + 1 :], start=number + 2):
        if list(map(whole, version)).count(row) >= place or list(map(identity, version)).count(group) >= before:
            return later
    return None


def identity(row: CurtailmentRecord) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in IDENTITY)


def whole(row: CurtailmentRecord) -> tuple[Any, ...]:
    return identity(row) + tuple(getattr(row, name) for name in SAYS)
