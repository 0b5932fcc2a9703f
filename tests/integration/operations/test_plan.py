"""A plan: the stages of a run, printed, with nothing changed."""

from signal import SIGCONT

from tests.support.days import A_DAY, DATE, NEXT_DATE
from tests.support.sites import Serve, Site

MAY_GROW = {"run", "run_event", "fetch", "payload", "register", "register_entry", "register_change", "bm_unit"}


def test_a_plan_changes_nothing_but_its_traces(published: Site, serve: Serve) -> None:
    """A plan writes archive files, fetch rows and its own run; every other table is as it was."""
    elexon = serve()
    elexon.restate(DATE, period=1, volume_factor="2")
    published.elexon_url = elexon.url
    before, counts = published.dump(DATE), published.row_counts()
    files = len(list(published.home.rglob("*.zst")))
    ran = published.date(DATE, "--plan")
    grown = {table for table, count in published.row_counts().items() if count != counts[table]}
    assert (ran.exit_code, ran.json["outcome"], ran.json["decision"]) == (0, "planned", "publish")
    assert grown == {"run", "run_event", "fetch", "payload"}
    assert len(list(published.home.rglob("*.zst"))) > files
    assert published.dump(DATE) == before
    assert published.runs()[-1] == ("planned", 0)
    assert published.value("select kind from run where outcome = 'planned'") == "plan"


def test_a_first_plan_stores_the_register_and_no_date(site: Site) -> None:
    """A plan of a date that was never published needs the register, and leaves the date unknown."""
    counts = site.row_counts()
    assert site.date(DATE, "--plan").json["outcome"] == "planned"
    grown = {table for table, count in site.row_counts().items() if count != counts[table]}
    assert grown == MAY_GROW
    assert site.dump(DATE) == ""


def test_a_run_does_what_the_plan_said(published: Site, serve: Serve) -> None:
    """Totals now and then of day, month and year, BTC of each miner, and the diff are those of the run that follows."""
    elexon = serve((*A_DAY, (NEXT_DATE, 1, "bid", 1, "T_HILLW-1", 1, -1, "true", "-5", "-7")))
    published.elexon_url = elexon.url
    assert published.date(NEXT_DATE).exit_code == 0
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="1.5")
    plan = published.date(DATE, "--plan").json
    run = published.date(DATE).json
    for said in ("totals", "diff", "content_hash", "periods", "records", "rows", "requests", "decision"):
        assert plan[said] == run[said], said
    assert set(plan["totals"]) == {"day", "month", "year"}
    assert set(plan["diff"]["by_period"]) == {"1"}
    assert set(plan["diff"]["by_unit"]) == {"T_HILLW-1"}
    checks = {check["name"]: check["status"] for check in run["checks"]}
    assert checks == {check["name"]: check["status"] for check in plan["checks"]} | {"totals_recomputed": "pass"}


def test_the_totals_after_a_run_are_those_that_it_announced(published: Site, serve: Serve) -> None:
    """What a run says the month and year come to is what is served of them afterwards."""
    elexon = serve()
    elexon.restate(DATE, unit="E_MOORW-1", price="-3")
    published.elexon_url = elexon.url
    announced = published.date(DATE).json["totals"]
    for span, name in (("month", "2024-01"), ("year", "2024")):
        shown = published.show(name)
        for definition, figures in announced[span].items():
            served = shown["totals"][definition] | {"mining": shown["mining"][definition]}
            assert {key: served[key] for key in figures["new"]} == figures["new"]


def test_a_plan_needs_no_lease(published: Site) -> None:
    """A plan of a date runs beside a run that holds it, for it changes nothing."""
    run = published.start("date", DATE, stop_at="after_lease")
    try:
        run.wait_until_stopped()
        assert published.date(DATE, "--plan").json["decision"] == "unchanged"
    finally:
        run.send(SIGCONT)
        assert run.finish().exit_code == 0


def test_a_plan_says_that_a_run_would_hold(published: Site) -> None:
    """A plan with a wrong expectation names the check that would hold the date, and makes no version."""
    plan = published.date(DATE, "--plan", "--expect-energy", "1").json
    assert plan["decision"] == "hold"
    assert [check["name"] for check in plan["checks"] if check["status"] == "fail"] == ["expected_energy:so_flagged"]
    assert published.states(DATE) == {1: "published"}
