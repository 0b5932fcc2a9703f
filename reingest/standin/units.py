"""The fleet of generated days: invented wind farms and other units, the same for every seed and date.

Names and ids are made up in the manner of the real ones (`T_` and `E_` plant, `2__` and `C__` supplier units, `V__`
secondary units), so that a demo reads like the real thing and no line of Elexon's register is copied.
"""

from collections.abc import Iterator
from typing import Final

from reingest.standin.model import WireRecord
from reingest.standin.register import Register, unit_record, unit_type

_FARMS: Final = """
ALDMO Aldermoor Offshore|4|260
ARDGW Ardgarroch|2|92
AUCHW Auchenlaw|1|46
BALKW Balkeith|1|58
BARVW Barvaig|2|71
BEINW Beinn Odhar Mor|1|108
BIRKO Birkness Bank|4|300
BLAEW Blaeberry Hill|1|37
BRACW Brackenrig|2|66
BURNW Burnfoot Moss|1|29
CAIRW Cairn Lochan|3|118
CARNW Carnbeg|1|54
CLACW Clachmore|1|43
CORRW Corrieduff|2|89
CRAGW Craigenlee|1|61
CULLW Cullaloe Law|1|24
DALNW Dalnamein|2|74
DOGSO Dogger South|4|305
DRUMW Drumderg Rig|1|39
DUNLW Dunlichity|1|50
EASTO East Wash|3|240
ERICW Ericht Braes|2|83
FALDO Faldstone Sands|2|180
FINNW Finnart Hill|1|33
GARVW Garvock Moor|2|97
GLENW Glen Ullie|3|112
GREYW Greystone Edge|1|28
HARTW Hartfell|2|145
HELMO Helmsdale Deep|3|190
INVEW Inverarder|1|69
KEITW Keithope|1|48
KILBW Kilbrannan|2|78
LAMMW Lammer Law|3|126
LOCHW Lochurd|1|35
LUNDO Lundy Reach|2|210
MAREW Mareburn|1|41
MOYHW Moyhall|2|86
NORTO North Skerry|3|275
OCHIW Ochil Head|1|52
PENTO Pentland Firth East|3|220
RANNW Rannagulzion|1|63
ROTHW Rothmaise|1|44
SKERO Skerryvore|2|255
STRAW Strathbran|3|104
TARLW Tarland Muir|1|31
TULLW Tullymurdoch|1|57
WHITW Whitelaw Brae|2|132
YARRW Yarrow Heights|1|49
"""
_EMBEDDED_FARMS: Final = ("E_BRAEW-1", "E_CROFW-1", "E_DENHW-1", "E_FORDW-1", "E_GARTW-1", "E_HOLMW-1", "C__AWIND011")
_PLANT: Final = (
    ("CCGT", "CARF", 12, 440),
    ("CCGT", "STAY", 12, 380),
    ("NPSHYD", "SLOY", 8, 40),
    ("PS", "DINW", 6, 290),
)
_OTHERS: Final = (("BIOMASS", "DRXB", 4, 640), ("OCGT", "INDQ", 6, 50))
_PARTIES: Final = ("Caledon Renewables Limited", "Northwind Generation plc", "Firth Energy Trading", "Albion Power Ltd")


def generated_register() -> Register:
    """Return the fleet as a register: about 85 wind units, 110 others, one null id and one unit that stands twice."""
    units = [*_wind_farms(), *_plant(), *_supplier_units()]
    twice = units[0] | {"eic": "48W00000TWICE-1X"}
    unnamed = _unit("", "WIND", "Unnamed", 0) | {"nationalGridBmUnit": "ACHYW-1"}
    return Register((*units, twice, unnamed))


def _wind_farms() -> Iterator[WireRecord]:
    for line in _FARMS.strip().splitlines():
        name, units, capacity = line.split("|")
        code, title = name.split(" ", 1)
        for number in range(1, int(units) + 1):
            yield _unit(f"T_{code}-{number}", "WIND", f"{title} {number}", int(capacity))
    for position, identity in enumerate(_EMBEDDED_FARMS):
        yield _unit(identity, "WIND", f"Embedded wind {position + 1}", 12 + 5 * position)


def _plant() -> Iterator[WireRecord]:
    for fuel, code, units, capacity in (*_PLANT, *_OTHERS):
        for number in range(1, units + 1):
            yield _unit(f"T_{code}-{number}", fuel, f"{code} {number}", capacity)


def _supplier_units() -> Iterator[WireRecord]:
    """Yield aggregated demand and batteries, whose fuel type is null, as it is for most of Elexon's register."""
    for number in range(1, 31):
        yield _unit(f"2__ABATT{number:03}", "", f"Battery {number}", 20 + number)
    for number in range(1, 16):
        yield _unit(f"V__BFLEX{number:03}", "", f"Flexible demand {number}", 5 + number)
    for number in range(1, 16):
        yield _unit(f"E_STOR-{number}", "", f"Storage {number}", 49)


def _unit(identity: str, fuel: str, name: str, capacity: int) -> WireRecord:
    party = sum(map(ord, name)) % len(_PARTIES)
    return unit_record(
        {
            "elexonBmUnit": identity,
            "nationalGridBmUnit": identity.rpartition("_")[2],
            "fuelType": fuel,
            "bmUnitName": name,
            "bmUnitType": unit_type(identity),
            "leadPartyName": _PARTIES[party],
            "leadPartyId": _PARTIES[party].split()[0].upper(),
            "generationCapacity": f"{capacity}.000",
            "demandCapacity": "0.000",
            "productionOrConsumptionFlag": "P",
            "transmissionLossFactor": f"-0.00{party + 11}321",
        }
    )
