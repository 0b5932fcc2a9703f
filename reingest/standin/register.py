"""The register of BM units that the stand-in answers at `/reference/bmunits/all`."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from reingest.errors import BadUsage
from reingest.standin.model import WireRecord

TEXTS: Final = (
    "nationalGridBmUnit",
    "elexonBmUnit",
    "eic",
    "fuelType",
    "leadPartyName",
    "bmUnitType",
    "bmUnitName",
    "leadPartyId",
    "demandCapacity",
    "generationCapacity",
    "productionOrConsumptionFlag",
    "transmissionLossFactor",
    "workingDayCreditAssessmentImportCapability",
    "nonWorkingDayCreditAssessmentImportCapability",
    "workingDayCreditAssessmentExportCapability",
    "nonWorkingDayCreditAssessmentExportCapability",
    "gspGroupId",
    "gspGroupName",
    "interconnectorId",
)
"""The register's fields of text; capacities and loss factors are text there too, such as `"171.000"`."""


class Register:
    """BM units in the order of the answer; ids may be null or occur twice, as they do at Elexon."""

    def __init__(self, records: Iterable[WireRecord]) -> None:
        """Keep the records and find them by Elexon's id, the first of two with the same one."""
        self.records = tuple(records)
        self._by_id: dict[str, WireRecord] = {}
        for record in self.records:
            identity = record["elexonBmUnit"]
            if isinstance(identity, str):
                self._by_id.setdefault(identity, record)

    def text(self, bm_unit: str, field: str) -> str | None:
        """Return a text field of a unit; None where it is null or the unit is unknown."""
        value = self._by_id.get(bm_unit, {}).get(field)
        return value if isinstance(value, str) else None

    def ids(self, *, wind: bool) -> tuple[str, ...]:
        """Return the ids of the units whose fuel type is WIND, or of all others, each once, in order."""
        return tuple(unit for unit in self._by_id if (self.text(unit, "fuelType") == "WIND") is wind)

    def merged(self, other: "Register") -> "Register":
        """Return this register with those units of the other that it does not know."""
        new = (record for record in other.records if record["elexonBmUnit"] not in self._by_id)
        return Register((*self.records, *new))


def read_register(path: Path) -> Register:
    """Read a register from a CSV file whose columns are named as Elexon's fields; empty is null.

    Raises:
        BadUsage: the file cannot be read, or has no column `elexonBmUnit`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            if "elexonBmUnit" not in (lines.fieldnames or ()):
                raise BadUsage(f"{path} has no column elexonBmUnit")
            return Register(unit_record(cells) for cells in lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadUsage(f"{path} cannot be read as a CSV file: {error}") from error


def wind_register(bm_units: Iterable[str]) -> Register:
    """Return a register that knows nothing of the units but that they burn wind."""
    return Register(
        unit_record({"elexonBmUnit": unit, "fuelType": "WIND", "bmUnitName": unit, "bmUnitType": unit_type(unit)})
        for unit in bm_units
    )


def unit_type(bm_unit: str) -> str:
    """Return Elexon's type of a unit from its id: S for supplier units (`2__`, `C__`), else the first letter."""
    return "S" if bm_unit[:1] in {"2", "C"} else bm_unit[:1]


def unit_record(cells: Mapping[str, str]) -> WireRecord:
    """Return Elexon's record of one unit, in the order of the specification; what `cells` lacks is null."""
    texts: WireRecord = {field: cells.get(field) or None for field in TEXTS}
    flags: WireRecord = {"fpnFlag": None, "creditQualifyingStatus": False, "demandInProductionFlag": False}
    return {field: (texts | flags)[field] for field in _ORDER}


_ORDER: Final = (
    *TEXTS[:6],
    "fpnFlag",
    *TEXTS[6:16],
    "creditQualifyingStatus",
    "demandInProductionFlag",
    *TEXTS[16:],
)
