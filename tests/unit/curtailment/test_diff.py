import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.content import Content, content_hash
from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.diff import ChangedRecord, Delta, RecordDiff, diff_records
from reingest.curtailment.exact import exact_sum
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import daily_totals
from reingest.curtailment.words import SIDES
from tests.support.curtailment import REAL_DATE, record, records, undo

DEFINITIONS = definitions_for(SIDES)

many_records = st.lists(records(), max_size=8)


def diff(old: Sequence[CurtailmentRecord], new: Sequence[CurtailmentRecord]) -> RecordDiff:
    """What differs, by all definitions."""
    return diff_records(old, new, DEFINITIONS)


def same_content(old: Sequence[CurtailmentRecord], new: Sequence[CurtailmentRecord]) -> bool:
    """Whether the records dump alike."""
    first, second = (content_hash(Content(REAL_DATE, SIDES, {}, rows, {}, {})) for rows in (old, new))
    return first == second


def test_nothing_differs() -> None:
    """A version differs from itself in nothing, and so do two empty ones."""
    for rows in ([], [record(), record(), undo()]):
        found = diff(rows, rows)
        assert not found
        assert found == RecordDiff(added=(), removed=(), changed=(), by_period={}, by_unit={})


def test_a_new_row() -> None:
    """A row that only the new version has is added, with its figures by period and by unit."""
    new = record(period=7, bm_unit="E_RHEI-1")
    found = diff([record()], [record(), new])
    assert (found.added, found.removed, found.changed) == ((new,), (), ())
    gained = Delta(Decimal(10), Decimal(500), 1)
    assert found.by_period == {7: {"so_flagged": gained, "all_bids": gained, "net": gained}}
    assert found.by_unit == {"E_RHEI-1": {"so_flagged": gained, "all_bids": gained, "net": gained}}
    assert found


def test_a_row_that_went() -> None:
    """A row that only the old version has is removed, and its figures are taken away with their sign."""
    old = undo(volume="4", original_price="-50")
    found = diff([old], [])
    assert (found.added, found.removed, found.changed) == ((), (old,), ())
    assert found.by_unit["T_LARYW-1"]["net"] == Delta(Decimal(4), Decimal(200), -1)
    assert found.by_unit["T_LARYW-1"]["all_bids"] == Delta(Decimal(0), Decimal(0), 0)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"volume": "-12.5"}, ("volume",)),
        ({"original_price": "-51", "volume": "-12.5"}, ("original_price", "volume")),
        ({"original_price": None}, ("original_price",)),
        ({"so_flag": False}, ("so_flag",)),
        ({"so_flag": None}, ("so_flag",)),
        ({"cadl_flag": True, "stor_flag": None, "repriced": True}, ("cadl_flag", "stor_flag", "repriced")),
        ({"final_price": "1"}, ("final_price",)),
        ({"transmission_loss_multiplier": "1"}, ("transmission_loss_multiplier",)),
    ],
)
def test_a_row_that_says_something_else(change: dict[str, object], fields: tuple[str, ...]) -> None:
    """A row of the same identity is changed, and the fields that differ are named."""
    old, new = record(), record(**change)
    found = diff([old], [new])
    assert found.changed == (ChangedRecord(old, new, fields),)
    assert not found.added
    assert not found.removed


def test_a_changed_flag_moves_figures_between_definitions() -> None:
    """A bid that loses its soFlag leaves `so_flagged` and stays in the others."""
    found = diff([record()], [record(so_flag=False)])
    assert found.by_period[1] == {
        "so_flagged": Delta(Decimal(-10), Decimal(-500), -1),
        "all_bids": Delta(Decimal(0), Decimal(0), 0),
        "net": Delta(Decimal(0), Decimal(0), 0),
    }


@pytest.mark.parametrize(
    "change",
    [{"period": 2}, {"side": "offer"}, {"bm_unit": "E_RHEI-1"}, {"acceptance_id": None}, {"pair_id": None}],
)
def test_another_identity_is_another_row(change: dict[str, object]) -> None:
    """A row of another period, side, unit, acceptance or pair is not the same row, changed."""
    old, new = record(), record(**change)
    found = diff([old], [new])
    assert (found.removed, found.added, found.changed) == ((old,), (new,), ())


def test_rows_of_one_identity_are_a_multiset() -> None:
    """Of two rows of one identity, the equal ones match and only the rest differs."""
    old = [record(volume="-1"), record(volume="-2"), record(volume="-2")]
    found = diff(old, [record(volume="-2"), record(volume="-3"), record(volume="-2")])
    assert found.changed == (ChangedRecord(record(volume="-1"), record(volume="-3"), ("volume",)),)


def test_a_group_of_another_size_is_not_paired() -> None:
    """Where a group has more rows on one side, nobody can say which row became which."""
    old = [record(volume="-1")]
    new = [record(volume="-2"), record(volume="-3")]
    found = diff(old, new)
    assert (found.removed, found.added, found.changed) == (tuple(old), (new[1], new[0]), ())


def test_differences_come_in_order() -> None:
    """Differences come by period, side, unit, acceptance and pair, null first."""
    rows = [
        record(period=2),
        record(side="offer"),
        record(bm_unit="E_RHEI-1", acceptance_id=2),
        record(bm_unit="E_RHEI-1", acceptance_id=None),
    ]
    assert diff([], rows).added == (rows[3], rows[2], rows[1], rows[0])
    assert list(diff([], rows).by_period) == [1, 2]
    assert list(diff([], rows).by_unit) == ["E_RHEI-1", "T_LARYW-1"]


@given(many_records, st.randoms())
def test_equal_multisets_do_not_differ(rows: list[CurtailmentRecord], chance: random.Random) -> None:
    """The same rows in any order, under any sequence numbers, do not differ."""
    other = [row._replace(sequence_number=chance.randrange(999), row=chance.randrange(999)) for row in rows]
    chance.shuffle(other)
    assert not diff(rows, other)


@given(many_records, many_records)
def test_no_difference_is_the_same_content(old: list[CurtailmentRecord], new: list[CurtailmentRecord]) -> None:
    """Two versions' records differ exactly where their dumps do."""
    assert bool(diff(old, new)) == (not same_content(old, new))


@given(many_records, many_records)
def test_a_difference_leads_from_old_to_new(old: list[CurtailmentRecord], new: list[CurtailmentRecord]) -> None:
    """The old records less the removed, plus the added, with the changed ones exchanged, are the new records."""
    found = diff(old, new)
    rebuilt = Counter(old)
    rebuilt.subtract([*found.removed, *(change.old for change in found.changed)])
    assert min(rebuilt.values(), default=0) >= 0
    rebuilt.update([*found.added, *(change.new for change in found.changed)])
    assert same_content(list(rebuilt.elements()), new)


@given(many_records, many_records)
def test_a_difference_has_its_mirror(old: list[CurtailmentRecord], new: list[CurtailmentRecord]) -> None:
    """What is added one way is removed the other way."""
    there, back = diff(old, new), diff(new, old)
    assert (there.added, there.removed) == (back.removed, back.added)
    assert [(change.old, change.new) for change in there.changed] == [
        (change.new, change.old) for change in back.changed
    ]


@given(many_records, many_records)
def test_deltas_explain_the_totals(old: list[CurtailmentRecord], new: list[CurtailmentRecord]) -> None:
    """By every definition the deltas, by period or by unit, come to the difference of the dates' totals."""
    found, before, after = diff(old, new), daily_totals(old, DEFINITIONS), daily_totals(new, DEFINITIONS)
    for name, total in after.items():
        for groups in (found.by_period.values(), found.by_unit.values()):
            deltas = [group[name] for group in groups]
            energy = exact_sum(delta.energy_mwh for delta in deltas)
            payment = exact_sum(delta.payment_gbp for delta in deltas)
            assert energy == exact_sum([total.energy_mwh, before[name].energy_mwh.copy_negate()])
            assert payment == exact_sum([total.payment_gbp, before[name].payment_gbp.copy_negate()])
            assert sum(delta.records for delta in deltas) == total.records - before[name].records
