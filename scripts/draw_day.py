"""Draw the day of docs/pictures from generated stacks, written as Elexon answers them and read as a run does."""

from datetime import date
from pathlib import Path
from typing import Final

from reingest.calendar import settlement_periods
from reingest.curtailment.content import Content
from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.records import select_records
from reingest.curtailment.totals import daily_totals
from reingest.curtailment.words import SIDES
from reingest.elexon.rows import stack_table
from reingest.elexon.stack import RawStack, read_stack
from reingest.operations.day_picture import day_picture
from reingest.standin.asked import Asked
from reingest.standin.documents import records_of
from reingest.standin.fleet import fleet_of
from reingest.standin.generate import GeneratedDays
from reingest.standin.register import Register
from reingest.standin.render import render
from reingest.standin.units import generated_register

SETTLEMENT_DATE: Final = date(2025, 3, 21)
SEED: Final = 321
PICTURE: Final = Path(__file__).parents[1] / "docs" / "pictures" / f"day-{SETTLEMENT_DATE}.svg"


def main() -> None:
    """Draw the day of the demo."""
    PICTURE.write_text(picture_of_the_demo(), encoding="utf-8")


def picture_of_the_demo() -> str:
    """Return the picture of the day that the demo ingests, as it is published first."""
    register = generated_register()
    return day_picture(generated_content(SETTLEMENT_DATE, SEED, register), lead_parties(register))


def generated_content(settlement_date: date, seed: int, register: Register) -> Content:
    """Return what a date's generated stacks say, as a run would store it; its mining is left out."""
    stacks = _stacks(settlement_date, seed, register)
    records = select_records(stack_table(stacks).rows, frozenset(register.ids(wind=True)))
    return Content(
        settlement_date=settlement_date,
        sides=SIDES,
        outcomes={(one.period, one.side): "fetched" if one.rows else "confirmed_empty" for one in stacks},
        records=records,
        totals=daily_totals(records, definitions_for(SIDES)),
        mining=None,
    )


def lead_parties(register: Register) -> dict[str, str | None]:
    """Return the lead party of each wind unit."""
    return {unit: register.text(unit, "leadPartyName") for unit in register.ids(wind=True)}


def _stacks(settlement_date: date, seed: int, register: Register) -> list[RawStack]:
    days = GeneratedDays(seed, fleet_of(register))
    return [
        read_stack(
            render(
                records_of(
                    Asked("ISPSTACK", settlement_date=settlement_date, period=period.number, side=side),
                    [days.period(period)],
                    register,
                ),
                "json",
            ),
            asked="json",
            settlement_date=settlement_date,
            period=period.number,
            side=side,
        )
        for period in settlement_periods(settlement_date)
        for side in SIDES
    ]


if __name__ == "__main__":
    main()
