"""Digests and seals as text: whatever is in them, what was printed is read back, and nothing else is."""

import contextlib
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.digests import Digests, differing, read_listing
from reingest.curtailment.seals import NO_SEAL, NamedPayload, seal_of
from reingest.errors import BadUsage

HASHES = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
MONTHS = st.builds(
    Digests, st.just("2025-03"), st.dictionaries(st.dates(date(2025, 3, 1), date(2025, 3, 31)), HASHES, max_size=31)
)
PAYLOADS = st.builds(
    NamedPayload,
    st.sampled_from(["ISPSTACK", "DISEBSP", "BOAV"]),
    st.none() | st.integers(1, 50),
    st.sampled_from([None, "bid", "offer"]),
    HASHES,
)


@given(MONTHS)
def test_a_listing_is_read_back(month: Digests) -> None:
    """What is printed of any month is read as that month."""
    assert read_listing("".join(f"{line}\n" for line in month.listing())) == month


@given(MONTHS, st.data())
def test_no_other_character_passes(month: Digests, data: st.DataObject) -> None:
    """A listing in which any one character was exchanged is refused, or says the same."""
    text = "\n".join(month.listing())
    place = data.draw(st.integers(0, len(text) - 1))
    spoilt = text[:place] + data.draw(st.sampled_from("0a\t \n-x")) + text[place + 1 :]
    with contextlib.suppress(BadUsage):
        assert (spoilt == text) == (read_listing(spoilt) == month)
        assert spoilt == text


@given(MONTHS, MONTHS)
def test_digests_are_equal_where_the_days_are(one: Digests, other: Digests) -> None:
    """Two months have the same digest exactly where no date differs."""
    assert (one.digest == other.digest) == (differing(one, other) == [])


@given(st.lists(PAYLOADS, unique=True, max_size=12), st.randoms())
def test_a_seal_is_of_payloads_in_any_order(payloads: list[NamedPayload], random: Random) -> None:
    """Order and repetition do not matter to a seal; each payload does, and so do content and the one before."""
    seal = seal_of("c", payloads, NO_SEAL)
    shuffled = payloads * 2
    random.shuffle(shuffled)
    assert seal_of("c", shuffled, NO_SEAL) == seal
    assert seal_of("d", payloads, NO_SEAL) != seal
    assert seal_of("c", payloads, "e") != seal
    for left_out in payloads:
        without = [one for one in payloads if one != left_out]
        assert seal_of("c", without, NO_SEAL) != seal


@pytest.mark.parametrize(
    "text", ["", "reingest-digest\t1", f"reingest-digest\t1\nspan\t2025-02\nday\t2025-02-30\t{'0' * 64}\ndigest x"]
)
def test_what_is_no_listing_is_refused(text: str) -> None:
    """A text that no digest printed is a usage error."""
    with pytest.raises(BadUsage):
        read_listing(text)
