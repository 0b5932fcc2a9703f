"""The stand-in's own endpoints, under `/_standin/`: restate, script faults, look at what was asked.

| endpoint | does |
|---|---|
| `GET /_standin/requests` | what was asked, in order, and how often |
| `POST /_standin/restate` | changes what is published of a date |
| `PUT /_standin/faults` | replaces the fault script: `{"seed": 7, "rule": [...]}` |
| `POST /_standin/reset` | forgets what was asked, so that attempts count from 1 |
| `POST /_standin/warm` | makes all answers of a date beforehand: `{"settlement_date": "2025-03-01", "wire": "xml"}` |
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Final, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from reingest.calendar import settlement_periods
from reingest.curtailment.words import SIDES, Side
from reingest.errors import BadUsage
from reingest.standin.answers import Answers
from reingest.standin.asked import Asked
from reingest.standin.days import row_from_cells
from reingest.standin.publication import Restatement
from reingest.standin.render import Wire

CONTROL_PATH: Final = "/_standin"

Model = TypeVar("Model", bound=BaseModel)


class RestateRequest(BaseModel):
    """The body of `POST /_standin/restate`; see `Restatement` for what each field does."""

    model_config = ConfigDict(extra="forbid")

    settlement_date: date
    period: Annotated[int, Field(ge=1, le=50)] | None = None
    side: Side | None = None
    unit: str | None = None
    volume_factor: Decimal | None = None
    price: Decimal | None = None
    drop: bool = False
    rows: list[dict[str, str]] = []
    created_at: AwareDatetime | None = None

    def restatement(self) -> Restatement:
        """Return the restatement that is asked for.

        Raises:
            BadUsage: nothing is to be changed, or a new row cannot be used.
        """
        if not (self.drop or self.rows or self.volume_factor is not None or self.price is not None):
            raise BadUsage("a restatement needs one of volume_factor, price, drop or rows")
        if self.rows and self.period is None:
            raise BadUsage("new rows need the period that they are added to")
        return Restatement(
            settlement_date=self.settlement_date,
            period=self.period,
            side=self.side,
            bm_unit=self.unit,
            volume_factor=self.volume_factor,
            original_price=None if self.price is None else str(self.price),
            drop=self.drop,
            add=tuple(row_from_cells({"sequenceNumber": "1", **cells}) for cells in self.rows),
            created_at=self.created_at,
        )


class WarmRequest(BaseModel):
    """The body of `POST /_standin/warm`."""

    model_config = ConfigDict(extra="forbid")

    settlement_date: date
    wire: Wire = "xml"
    witnesses: bool = False


def parsed(model: type[Model], body: bytes) -> Model:
    """Return the body as a model.

    Raises:
        BadUsage: it is not JSON, or not what the model needs.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise BadUsage(faults) from error


def warm(answers: Answers, request: WarmRequest) -> int:
    """Make every answer that a date needs, and return how many they are: both sides, the prices, the register.

    The witnesses, which are long, are made where they are asked for.
    """
    day, wire = request.settlement_date, request.wire
    stacks = [
        Asked("ISPSTACK", wire, day, period=period.number, side=side)
        for period in settlement_periods(day)
        for side in SIDES
    ]
    wanted = [*stacks, Asked("DISEBSP", wire, day), Asked("DISEBSP", "json", day), Asked("BMUNITS", "json")]
    if request.witnesses:
        wanted += [Asked(dataset, "json", day, side=side) for dataset in ("BOAV", "EBOCF") for side in SIDES]
    for asked in wanted:
        answers.answer(asked)
    return len(wanted)
