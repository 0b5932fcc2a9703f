from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.diff import Delta, diff_records
from reingest.curtailment.diff_fields import deltas_by_fields
from reingest.curtailment.exact import exactly
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import totals_of
from reingest.curtailment.words import SIDES
from tests.support.curtailment import record, records

DEFINITIONS = definitions_for(SIDES)
many_records = st.lists(records(), max_size=8)


def test_records_are_grouped_by_what_changed() -> None:
    """Rows that came, rows that went, and each set of changed fields is a group with its own figures."""
    old = [record(period=1), record(period=2), record(period=3, final_price="1"), record(period=4)]
    new = [
        record(period=1, volume="-11"),
        record(period=2, volume="-11", original_price="-60"),
        record(period=3, final_price="2", transmission_loss_multiplier="0.99"),
        record(period=5),
    ]
    groups = deltas_by_fields(diff_records(old, new, DEFINITIONS), DEFINITIONS)

    assert [(one.change, one.fields, one.records) for one in groups] == [
        ("added", (), 1),
        ("removed", (), 1),
        ("changed", ("final_price", "transmission_loss_multiplier"), 1),
        ("changed", ("original_price", "volume"), 1),
        ("changed", ("volume",), 1),
    ]
    assert [one.deltas["all_bids"] for one in groups] == [
        Delta(Decimal(10), Decimal(500), 1),
        Delta(Decimal(-10), Decimal(-500), -1),
        Delta(Decimal(0), Decimal(0), 0),
        Delta(Decimal(1), Decimal(160), 0),
        Delta(Decimal(1), Decimal(50), 0),
    ]


@given(many_records, many_records)
def test_the_groups_add_up(old: Sequence[CurtailmentRecord], new: Sequence[CurtailmentRecord]) -> None:
    """By every definition the groups come to exactly what the totals changed by, and each record is in one of them."""
    difference = diff_records(old, new, DEFINITIONS)
    groups = deltas_by_fields(difference, DEFINITIONS)
    found = len(difference.added) + len(difference.removed) + len(difference.changed)

    assert sum(one.records for one in groups) == found
    for definition in DEFINITIONS:
        before, after = totals_of(definition.select(old)), totals_of(definition.select(new))
        with exactly():
            energy = sum((one.deltas[definition.name].energy_mwh for one in groups), Decimal(0))
            payment = sum((one.deltas[definition.name].payment_gbp for one in groups), Decimal(0))
            assert energy == after.energy_mwh - before.energy_mwh
            assert payment == after.payment_gbp - before.payment_gbp
