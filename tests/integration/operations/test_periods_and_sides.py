"""Runs of a part of a date: some periods, or one side."""

from decimal import Decimal

from reingest.standin.server import StandIn
from tests.support.days import A_DAY, ALL_BIDS, DATE, SO_FLAGGED
from tests.support.sites import Serve, Site


def stacks_asked(elexon: StandIn) -> list[tuple[str, int]]:
    """Return side and period of each stack that was asked, sorted."""
    paths = [seen.path.partition("?")[0].split("/") for seen in elexon.requests() if "/stack/" in seen.path]
    return sorted((parts[-3], int(parts[-1])) for parts in paths)


def test_only_the_asked_periods_are_asked(published: Site, elexon: StandIn) -> None:
    """A period-range run asks the stacks of its periods, the system prices and the witnesses, and nothing else."""
    ran = published.date(DATE, "--periods", "1-3,48")
    assert (ran.json["outcome"], ran.json["requests"]) == ("unchanged", 13)
    assert stacks_asked(elexon) == sorted((side, period) for side in ("bid", "offer") for period in (1, 2, 3, 48))
    assert len(elexon.requests()) == 13


def test_the_other_periods_are_carried_over(published: Site, serve: Serve) -> None:
    """Periods that were not asked come from the served version's payloads, whatever the source says of them now."""
    elexon = serve()
    elexon.restate(DATE, period=1, unit="T_HILLW-1", volume_factor="2")
    elexon.restate(DATE, period=48, volume_factor="100")
    published.elexon_url = elexon.url
    ran = published.date(DATE, "--periods", "1-12")
    assert ran.json["outcome"] == "published"
    assert set(ran.json["diff"]["by_period"]) == {"1"}
    # 10.5 + 1.25 MWh come a second time.
    assert ran.json["totals"]["day"]["so_flagged"]["new"]["energy_mwh"] == str(SO_FLAGGED[0] + Decimal("11.75"))
    assert published.value("select kind from version where number = 2") == "periods"
    carried = (
        "select count(*) from version_period new join version_period old using (period, side)"
        " where new.version_id = 2 and old.version_id = 1 and new.fetch_id = old.fetch_id"
    )
    assert published.value(carried) == 2 * 36


def test_a_period_range_without_a_version_is_held(site: Site) -> None:
    """Without a served version nothing can be carried over: periods were not asked, so the date is held."""
    ran = site.date(DATE, "--periods", "1-12")
    assert (ran.exit_code, ran.json["outcome"]) == (1, "held")
    assert ran.json["periods"] == {"expected": 48, "fetched": 2, "confirmed_empty": 10, "not_asked": 36}
    assert site.dump(DATE) == ""


def test_one_side_halves_the_requests(site: Site, elexon: StandIn) -> None:
    """With --side bid no offer is asked; both gross definitions are published, and net is not."""
    ran = site.date(DATE, "--side", "bid")
    assert ran.json["outcome"] == "published"
    assert stacks_asked(elexon) == [("bid", period) for period in range(1, 49)]
    totals = site.show(DATE)["totals"]
    assert set(totals) == {"so_flagged", "all_bids"}
    assert totals["all_bids"]["payment_gbp"] == str(ALL_BIDS[1])
    assert site.value("select count(*) from curtailment where net or side = 'offer'") == 0


def test_both_sides_after_one_is_another_version(site: Site) -> None:
    """A date of bids alone is completed by a run of both sides: the records stay, net comes with the undo offers."""
    site.date(DATE, "--side", "bid")
    ran = site.date(DATE)
    assert (ran.json["outcome"], ran.json["version"]) == ("published", 2)
    assert set(site.show(DATE)["totals"]) == {"so_flagged", "all_bids", "net"}


def test_a_period_range_keeps_to_the_sides_that_are_served(site: Site, elexon: StandIn) -> None:
    """Periods of a date of bids alone are asked for bids alone, unless the command says otherwise."""
    site.date(DATE, "--side", "bid")
    elexon.reset()
    assert site.date(DATE, "--periods", "2").json["outcome"] == "unchanged"
    assert stacks_asked(elexon) == [("bid", 2)]
    assert site.date(DATE, "--periods", "2", "--side", "both").json["outcome"] == "held"


def test_an_expectation_of_net_holds_a_date_of_bids_alone(site: Site) -> None:
    """A total that needs both sides cannot be met by one, so it holds."""
    ran = site.date(DATE, "--side", "bid", "--expect-energy", "15.373", "--expect-definition", "net")
    assert ran.json["outcome"] == "held"
    assert len(A_DAY) > ran.json["rows"]
