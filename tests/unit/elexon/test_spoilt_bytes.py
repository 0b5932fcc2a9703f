"""An answer that was cut short, changed or made up is never taken for another one."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reingest.elexon.fields import WIRE_NAMES
from reingest.elexon.rejects import STRUCTURAL_MEANINGS
from reingest.elexon.rows import stack_table
from reingest.elexon.stack import RawStack
from reingest.errors import PayloadRejected
from tests.support.elexon import XML_SHAPES, as_json, as_xml, row, stack

NAMES = ["data", "Data", "metadata", "datasets", "extra", *WIRE_NAMES]
ROWS = [row(), row(sequenceNumber="39", acceptanceId="52014", parAdjustedVolume="-1.5")]
BODIES = {"json": as_json(ROWS)} | {shape: as_xml(ROWS, shape) for shape in XML_SHAPES}


def stack_or_code(body: bytes) -> RawStack | str:
    """Return the rows of an answer, or the code of its reject; any other error is the test's failure."""
    try:
        return stack(body)
    except PayloadRejected as error:
        return error.reject_code


@pytest.mark.parametrize("wire", BODIES)
def test_at_every_byte(wire: str) -> None:
    """Cut at every byte, an answer gives either every row as it was, or a declared reject."""
    body = BODIES[wire]
    whole = stack(body)
    for length in range(len(body)):
        found = stack_or_code(body[:length])
        assert found == whole or found in STRUCTURAL_MEANINGS


@pytest.mark.parametrize("wire", BODIES)
def test_a_changed_byte(wire: str) -> None:
    """With any one byte changed, an answer keeps its number of rows or is a declared reject."""
    body = BODIES[wire]
    for place in range(0, len(body), 3):
        for byte in (b"<", b"}", b"\x00", b"\xff", b"9"):
            found = stack_or_code(body[:place] + byte + body[place + 1 :])
            assert found in STRUCTURAL_MEANINGS if isinstance(found, str) else found.rows == 2


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything(body: bytes) -> None:
    """Whatever bytes come, the answer is rows or a declared reject, never another error."""
    found = stack_or_code(body)
    assert isinstance(found, RawStack) or found in STRUCTURAL_MEANINGS


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    )
)
def test_any_json(document: object) -> None:
    """Whatever JSON comes, with Elexon's names at any depth, the answer is rows or a declared reject."""
    for body in (json.dumps(document), json.dumps({"data": [document]}), json.dumps({"data": document})):
        found = stack_or_code(body.encode())
        assert isinstance(found, RawStack) or found in STRUCTURAL_MEANINGS
        if isinstance(found, RawStack):
            result = stack_table([found])
            assert result.rows.num_rows + len(result.rejects) == found.rows
