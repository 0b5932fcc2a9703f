"""The content of a version, as text in one stable order, and its hash.

Content is what a date says: records, period outcomes, totals, mining. How it came about is not content, so
sequence numbers, `createdDateTime`, positions in payloads and fetches are left out: they move between two
answers that say the same. Fields that Reingest does not know (`extra`) are left out too: one that changed with
every answer would make each re-ingestion look like news; the archive keeps them.

Two versions have the same content where their dumps are equal, byte for byte. The format never changes under
its number:

    reingest-content  1
    settlement_date   2022-01-01
    sides             bid  offer
    period            1  bid  fetched
    record            period  side  bm_unit  acceptance_id  pair_id  so_flag  cadl_flag  stor_flag  repriced
                      original_price  volume  final_price  transmission_loss_multiplier
    total             so_flagged  energy_mwh  payment_gbp  records  bm_units  periods
    mining            so_flagged  S19J_PRO  btc          (or one line: mining  unavailable)
    sha256 <of all lines above, each with its line feed>

Fields are separated by tabs. `-` is null; numbers have no exponent and no trailing zeros.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from reingest.curtailment.exact import plain
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import DefinitionName, PeriodOutcome, Side

FORMAT_LINE: Final = "reingest-content\t1"
NULL: Final = "-"

_FLAGS: Final[dict[bool | None, str]] = {True: "true", False: "false", None: NULL}
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class Content:
    """What one version of a date says.

    Attributes:
        settlement_date: The date.
        sides: The stacks that were fetched.
        outcomes: What became of each period and side.
        records: The curtailment records, in any order.
        totals: The date's totals by definition.
        mining: BTC by definition and miner model; None where difficulty or reward is not known.
    """

    settlement_date: date
    sides: tuple[Side, ...]
    outcomes: Mapping[tuple[int, Side], PeriodOutcome]
    records: Sequence[CurtailmentRecord]
    totals: Mapping[DefinitionName, Totals]
    mining: Mapping[tuple[DefinitionName, str], Decimal] | None


def dump_lines(content: Content) -> Iterator[str]:
    """Yield the content's lines, without line feeds; the last is `sha256` and the hash of those before it.

    Raises:
        decimal.Inexact: a number does not fit 100 digits.
    """
    lines = list(_lines(content))
    yield from lines
    yield f"sha256 {_hash(lines)}"


def content_hash(content: Content) -> str:
    """Return the hash that the content's dump ends with: 64 hex digits.

    Raises:
        decimal.Inexact: a number does not fit 100 digits.
    """
    return _hash(_lines(content))


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _lines(content: Content) -> Iterator[str]:
    yield FORMAT_LINE
    yield f"settlement_date\t{content.settlement_date.isoformat()}"
    yield "\t".join(("sides", *sorted(content.sides)))
    for (period, side), outcome in sorted(content.outcomes.items()):
        yield f"period\t{period}\t{side}\t{outcome}"
    yield from _record_lines(content.records)
    for name, totals in sorted(content.totals.items()):
        yield _total_line(name, totals)
    yield from _mining_lines(content.mining)


def _record_lines(records: Iterable[CurtailmentRecord]) -> Iterator[str]:
    """Order by identity, then by text: rows of equal text are interchangeable, so the order is always one."""
    keyed = [(_order(record), _record_line(record)) for record in records]
    keyed.sort()
    return (line for _, line in keyed)


def _order(record: CurtailmentRecord) -> tuple[int, str, str, int, int]:
    # Null stands with zero here; the text that follows in the order tells the two apart.
    return record.period, record.side, record.bm_unit, record.acceptance_id or 0, record.pair_id or 0


def _record_line(record: CurtailmentRecord) -> str:
    acceptance, pair = record.acceptance_id, record.pair_id
    return (
        f"record\t{record.period}\t{record.side}\t{_text(record.bm_unit)}"
        f"\t{NULL if acceptance is None else acceptance}\t{NULL if pair is None else pair}"
        f"\t{_FLAGS[record.so_flag]}\t{_FLAGS[record.cadl_flag]}\t{_FLAGS[record.stor_flag]}\t{_FLAGS[record.repriced]}"
        f"\t{_number(record.original_price)}\t{plain(record.volume)}\t{_number(record.final_price)}"
        f"\t{_number(record.transmission_loss_multiplier)}"
    )


def _total_line(name: str, totals: Totals) -> str:
    return (
        f"total\t{name}\t{plain(totals.energy_mwh)}\t{plain(totals.payment_gbp)}"
        f"\t{totals.records}\t{totals.bm_units}\t{totals.periods}"
    )


def _mining_lines(mining: Mapping[tuple[DefinitionName, str], Decimal] | None) -> Iterator[str]:
    if mining is None:
        yield "mining\tunavailable"
        return
    for (name, model), btc in sorted(mining.items()):
        yield f"mining\t{name}\t{_text(model)}\t{plain(btc)}"


def _number(value: Decimal | None) -> str:
    return NULL if value is None else plain(value)


def _text(value: str) -> str:
    """Escape what would break a line or a field; a text that is a lone dash must not read as null."""
    return "\\-" if value == NULL else value.translate(_ESCAPES)
