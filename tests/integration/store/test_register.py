"""The register in force, read while it changes."""

from typing import LiteralString

import pytest

from reingest.store import units
from reingest.store.sql import query
from reingest.store.units import load_register, override_unit
from tests.support.versions import Store


def test_a_register_that_changes_while_it_is_read_is_the_old_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wind units and the hash that a version records are of one moment, even where a decision comes between them."""
    store = Store(database_url)
    store.publish()

    def query_after_a_decision(name: str) -> LiteralString:
        if name == "overrides_in_force":
            with store.connect() as another:
                override_unit(another, "T_DRAXX-1", "include", "a trial")
        return query(name)

    with store.connect() as connection:
        before = load_register(connection)
        monkeypatch.setattr(units, "query", query_after_a_decision)
        during = load_register(connection)
        monkeypatch.undo()
        after = load_register(connection)
    assert during == before
    assert during != after
