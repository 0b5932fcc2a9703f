"""The register of a settlement date, read now and as a version had it."""

from datetime import timedelta

from reingest.store.unit_decisions import override_unit
from reingest.store.units import load_register, register_named
from tests.support.versions import DATE, Store


def test_a_version_finds_the_register_that_it_named(database_url: str) -> None:
    """Whatever is decided afterwards, a version's register comes back exactly as it was read then."""
    store = Store(database_url)
    store.publish()
    with store.connect() as connection:
        before = load_register(connection, DATE)
        override_unit(connection, "T_DRAXX-1", "include", "a trial")
        store.publish()
        after = load_register(connection, DATE)
        override_unit(connection, "T_DRAXX-1", None, "over")
        override_unit(connection, "T_LARYW-1", "exclude", "sold")
        assert before is not None
        assert after is not None
        assert register_named(connection, before.id, before.hash) == before
        assert register_named(connection, after.id, after.hash) == after
        assert after.wind_units - before.wind_units == {"T_DRAXX-1"}
        assert register_named(connection, before.id, "f" * 64) is None


def test_the_hash_is_of_what_matters_for_the_date(database_url: str) -> None:
    """What is decided on a unit that is wind already moves the instant of the register and not its hash."""
    store = Store(database_url)
    store.publish()
    with store.connect() as connection:
        before = load_register(connection, DATE)
        override_unit(connection, "T_LARYW-1", "include", "it is wind by its fuel type, too")
        after = load_register(connection, DATE + timedelta(days=1))
    assert before is not None
    assert after is not None
    assert (after.hash, after.lead_parties) == (before.hash, before.lead_parties)
    assert after.recorded_at > before.recorded_at
