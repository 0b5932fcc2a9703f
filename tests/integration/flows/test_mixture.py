"""Made-up days and real ones do not share a database."""

import pytest

from deployments.up import refuse_mixture
from reingest.errors import Refused
from reingest.settings import ELEXON_URL
from tests.support.versions import Store

STAND_IN = "http://127.0.0.1:8731/bmrs/api/v1"


def test_the_stand_in_is_kept_from_real_days(database_url: str) -> None:
    """A database with answers of Elexon's own takes none of the stand-in, but more of its own."""
    refuse_mixture(database_url, "stand-in", STAND_IN)
    Store(database_url).publish()
    refuse_mixture(database_url, "live", ELEXON_URL)
    with pytest.raises(Refused, match="the stand-in's are made up"):
        refuse_mixture(database_url, "stand-in", STAND_IN)


def test_elexon_is_kept_from_made_up_days(database_url: str) -> None:
    """A database with answers of the stand-in takes none of Elexon's, but more of its own."""
    store = Store(database_url)
    store.publish()
    with store.connect() as connection:
        connection.execute("reset role")
        connection.execute('update "fetch" set url = %s', [f"{STAND_IN}/stack"])
    refuse_mixture(database_url, "stand-in", STAND_IN)
    refuse_mixture(database_url, "live", STAND_IN)
    with pytest.raises(Refused, match="made up"):
        refuse_mixture(database_url, "live", ELEXON_URL)
