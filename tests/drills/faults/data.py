"""The 35 faults of data: answers that arrive whole and are wrong, strange or hostile."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial as bound
from typing import Any, Final

from tests.drills.faults.fault import (
    NEW_DAY,
    Fault,
    Ground,
    Stated,
    Trial,
    held,
    partial,
    plain_run,
    published,
    scripted,
)
from tests.drills.faults.ways import elexon_at, endless_body
from tests.support.days import DATE, Row
from tests.support.sites import Ran, recorded_elexon

ONE_PERIOD: Final = "period 1 bid: "
NO_XML: Final[dict[str, Any]] = {"kind": "status", "status": 400, "wire": "xml", "dataset": "ISPSTACK"}
MOST_OF_A_GIGABYTE: Final = 100
"""Megabytes; what is read of a body of 1 GB must stay far below."""

A_NEW_UNIT: Final[tuple[Row, ...]] = (*NEW_DAY, (DATE, 3, "bid", 4, "T_NEWW-9", 3004, -1, "true", "-60", "-9"))
SAME_ACCEPTANCE: Final[tuple[Row, ...]] = (*NEW_DAY, (DATE, 3, "bid", 4, "T_GASP-1", 3001, -1, "true", "-60", "-9"))


def _set(field: str, value: str, stated: Stated, *, how: str = "", more: tuple[dict[str, Any], ...] = (),
         **rule: Any) -> Trial:  # fmt: skip
    """Set a field of the first row of a wind unit."""
    raw = "bare " if rule.get("raw") else ""
    return scripted(
        how or f"`{field}` is {raw}`{value}`", stated, {"kind": "set_field", "field": field, "value": value, **rule},
        *more,
    )  # fmt: skip


@contextmanager
def _served(ground: Ground, *, rows: tuple[Row, ...]) -> Iterator[None]:
    """Have Elexon publish these rows instead, of which its witnesses know."""
    with recorded_elexon(ground.site.home.parent, rows) as elexon, elexon_at(ground, url=elexon.url):
        yield


def _run_bounded(ground: Ground) -> Ran:
    """Run into a body of 1 GB, and require that most of it was left unread."""
    with endless_body(ground, path=f"/bid/{DATE}/1?", megabytes=1024) as sent:
        ran = plain_run(ground)
    assert 0 < max(sent) < MOST_OF_A_GIGABYTE, sent
    return ran


def _cut(size: int) -> Trial:
    return scripted(f"after {size} bytes", partial(f"{ONE_PERIOD}xml_syntax"), {"kind": "cut", "bytes": size})


DOCTYPE: Final = partial(f"{ONE_PERIOD}doctype")

DATA: Final[tuple[Fault, ...]] = (
    Fault("missing field", (
        scripted("a wind row without a volume", held("wind_rejects", "missing_field"), {"kind": "missing_field"},
                 sample=True),
        scripted("a wind row without a price", held("wind_rows_priced"),
                 {"kind": "missing_field", "field": "originalPrice"}),
        scripted("a row that does not say its date", held("wind_rejects", "missing_field"),
                 {"kind": "missing_field", "field": "settlementDate"}),
    )),
    Fault("null", (
        scripted("a wind row's volume", held("wind_rejects", "missing_field"), {"kind": "null_field"}),
        scripted("a wind row's price", held("wind_rows_priced"), {"kind": "null_field", "field": "originalPrice"}),
        scripted("a wind row's id: it is nobody's", held("unit_ids", "name no unit"),
                 {"kind": "null_field", "field": "id"}),
    )),
    Fault("extra field", (
        scripted("it is kept, and said", published("carbonIntensity", "field_drift"), {"kind": "unknown_field"}),
    )),
    Fault("renamed field", (
        scripted("`volume` is called `quantity`", held("wind_rejects", "missing_field"), {"kind": "renamed_field"}),
        scripted("`originalPrice` is called `price`", held("wind_rows_priced"),
                 {"kind": "renamed_field", "field": "originalPrice", "value": "price"}),
    )),
    Fault("NaN and infinity", (
        _set("volume", "NaN", held("wind_rejects", "bad_number")),
        _set("volume", "-INF", held("wind_rejects", "bad_number")),
        _set("volume", "NaN", partial(f"{ONE_PERIOD}json_syntax"), how="a bare NaN in JSON", raw=True, more=(NO_XML,)),
    )),
    Fault("exponent numbers", (
        _set("volume", "-1.055E1", published(), how="`-1.055E1`, which is the same number"),
        _set("volume", "-1055e-2", published(), how="bare `-1055e-2` in JSON", raw=True, more=(NO_XML,)),
        _set("volume", "-1E400", held("wind_rejects", "out_of_range")),
    )),
    Fault("comma decimal", (_set("volume", "-10,55", held("wind_rejects", "bad_number")),)),
    Fault("10^18", (
        _set("volume", "-1000000000000000000", held("wind_rejects", "out_of_range")),
        _set("originalPrice", "1000000000000000000", held("wind_rejects", "out_of_range")),
    )),
    Fault("negative zero", (
        _set("volume", "-0", published(), how="a volume of zero comes as `-0`", periods=3, row=1),
    )),
    Fault("wrong sign", (
        scripted("a wind bid above zero", held("wind_rejects", "wrong_sign"), {"kind": "flipped_sign"}),
        scripted("an offer of a wind unit below zero", held("wind_rejects", "wrong_sign"),
                 {"kind": "flipped_sign", "side": "offer"}),
    )),
    Fault("unknown BM unit", (
        Trial("a unit that the register does not have: it is nobody's by the register in force, and said",
              published("T_NEWW-9", "unit_ids"), make=bound(_served, rows=A_NEW_UNIT)),
    )),
    Fault("BM unit changes case", (
        _set("id", "t_hillw-1", held("unit_ids", "'t_hillw-1' is not T_HILLW-1")),
        scripted("in every row of the date", held("unit_ids", "T_HILLW-1"),
                 {"kind": "set_field", "field": "id", "value": "T_HillW-1", "unit": "T_HILLW-1", "row": "all",
                  "dataset": "ISPSTACK"}),
    )),
    Fault("duplicate acceptance id", (
        Trial("of two units, which is legitimate", published(), make=bound(_served, rows=SAME_ACCEPTANCE)),
        scripted("a row again, with a rank of its own", held("witness:accepted_totals", "period 1 bid"),
                 {"kind": "doubled_row"}),
    )),
    Fault("conflicting duplicate", (
        scripted("the same identity with another volume: both are rejected",
                 held("wind_rejects", "duplicate_identity"), {"kind": "conflicting_duplicate"}),
    )),
    Fault("a period that the date does not have", tuple(
        _set("settlementPeriod", number, partial(f"{ONE_PERIOD}wrong_period")) for number in ("0", "49", "51", "-1")
    )),
    Fault("date mismatch inside", (
        _set("settlementDate", "2024-01-14", partial(f"{ONE_PERIOD}wrong_date")),
    )),
    Fault("startTime disagrees with the period", (
        scripted("by an hour", held("wind_rejects", "wrong_start_time"), {"kind": "wrong_start_time"}),
    )),
    Fault("soFlag is text", (_set("soFlag", "perhaps", held("wind_rejects", "bad_flag")),)),
    Fault("flags missing", (
        scripted("soFlag, in every row of a period", held("so_flags", "no row of period 1 bid"),
                 {"kind": "missing_field", "field": "soFlag", "row": "all"}),
        scripted("repricedIndicator, which every row has", held("wind_rejects", "missing_field"),
                 {"kind": "missing_field", "field": "repricedIndicator"}),
    )),
    Fault("createdDateTime in the future, or older than what is served", (
        scripted("in the year 2099", held("calculation_runs", "2099"), {"kind": "future_run"}),
        scripted("the first run, after the final one is served", held("calculation_runs", "period 1 was calculated"),
                 {"kind": "early_run", "dataset": ["ISPSTACK", "DISEBSP"]}),
    )),
    Fault("mixed runs", (
        scripted("every second row is of the first run", held("calculation_runs", "period 1 was calculated"),
                 {"kind": "mixed_runs"}),
    )),
    Fault("out of order", (scripted("the rows come in reverse", published(), {"kind": "out_of_order"}),)),
    Fault("10x rows", (
        scripted("in one period", held("witness:accepted_totals", "period 1 bid"), {"kind": "many_rows"}, sample=True),
        scripted("in every period", held("witness:accepted_totals", "period 1 bid"),
                 {"kind": "many_rows", "dataset": "ISPSTACK"}),
    )),
    Fault("0 rows on a high-wind day", (
        scripted("every bid stack is empty, the system prices are not",
                 partial("the system prices say that it should not be"),
                 {"kind": "no_rows", "dataset": "ISPSTACK", "side": "bid"}),
    )),
    Fault("Unicode", (
        _set("volume", "\u2212\u0661\u0660", held("wind_rejects", "bad_number"), how="digits of another script"),
        _set("id", "\uff34_HILLW-1", held("unit_ids", "is not T_HILLW-1"), how="a letter of another width in an id"),
        scripted("a new field with an emoji is kept", published("note", "field_drift"),
                 {"kind": "unknown_field", "field": "note", "value": "wind \U0001f32c"}),
    )),
    Fault("control characters", (
        scripted("in the document", partial(f"{ONE_PERIOD}xml_syntax"), {"kind": "control_character"}),
        _set("id", "T_HILLW-1\u0001", held("unit_ids", "is not T_HILLW-1"), how="escaped in an id in JSON",
             more=(NO_XML,)),
        _set("id", "T_HILLW\u200b-1", held("unit_ids", "is not T_HILLW-1"), how="of no width in an id"),
        _set("id", "T_HILLW-1\u0000", partial(f"{ONE_PERIOD}bad_encoding"), how="an escaped NUL in JSON",
             more=(NO_XML,)),
    )),
    Fault("CDATA", (scripted("around a volume, which is legal", published(), {"kind": "cdata"}),)),
    Fault("comments", (
        scripted("inside a number, which is legal", published(), {"kind": "comment_in_number"}),
        scripted("a processing instruction inside a number", published(), {"kind": "instruction_in_number"}),
    )),
    Fault("entities", (scripted("a document type", DOCTYPE, {"kind": "doctype"}),)),
    Fault("billion laughs", (scripted("entities of entities", DOCTYPE, {"kind": "entity_bomb"}, sample=True),)),
    Fault("quadratic blow-up", (scripted("one long entity, many times", DOCTYPE, {"kind": "quadratic_blowup"}),)),
    Fault("external entity", (scripted("a file of this machine", DOCTYPE, {"kind": "external_entity"}),)),
    Fault("deep nesting", (
        scripted("100,000 elements", partial(f"{ONE_PERIOD}xml_syntax"), {"kind": "deep_nesting"}),
        scripted("100,000 lists in JSON", partial(f"{ONE_PERIOD}json_syntax"), {"kind": "deep_nesting"}, NO_XML),
    )),
    Fault("1 GB body", (
        Trial("in chunks; no more than the largest possible answer is read", partial(f"{ONE_PERIOD}too_large"),
              run=_run_bounded),
        scripted("packed into 1 MB", partial(f"{ONE_PERIOD}too_large"), {"kind": "gzip_bomb", "megabytes": 1024}),
    )),
    Fault("truncated at every byte", tuple(_cut(size) for size in (41, 400, 999))),
)  # fmt: skip
