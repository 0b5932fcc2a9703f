"""The kinds of fault, each with the place where it strikes, its parameters and what it does, in one sentence.

`reingest stand-in faults` prints this table, `docs/stand-in.md` repeats it, and a test compares the three.
"""

from dataclasses import dataclass
from typing import Final, Literal

Place = Literal["delay", "run", "rows", "body", "answer", "delivery"]
"""Where a fault strikes, in the order in which an answer passes the places."""

PLACES: Final[dict[Place, str]] = {
    "delay": "before the answer; several add up",
    "run": "the stacks, as another calculation run had them; witnesses follow",
    "rows": "the rows of this answer; other datasets stay as they are",
    "body": "the bytes of this answer",
    "answer": "instead of the answer; the first that matches counts",
    "delivery": "the way of the bytes to the client; the first that matches counts",
}


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault: its name, place, what it does, and its parameters."""

    name: str
    place: Place
    says: str
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


_ROW: Final = ("row", "unit")


def _kinds() -> tuple[FaultKind, ...]:
    return (
        *_of_time(),
        *_of_runs(),
        *_of_rows(),
        *_of_fields(),
        *_of_bodies(),
        *_of_xml(),
        *_of_answers(),
        *_of_ways(),
    )


def _of_time() -> tuple[FaultKind, ...]:
    return (
        FaultKind("latency", "delay", "the first byte comes `ms` later", needs=("ms",)),
        FaultKind("hang", "delivery", "nothing comes for `seconds` (an hour without it), then the connection closes",
                  may=("seconds",)),
        FaultKind("drip", "delivery", "the body comes `bytes` (64) at a time, `ms` (20) apart", may=("bytes", "ms")),
    )  # fmt: skip


def _of_runs() -> tuple[FaultKind, ...]:
    return (
        FaultKind("early_run", "run", "createdDateTime is 14 minutes after the period: the first, provisional run"),
        FaultKind("stale_rows", "run", "what the last restatement replaced, or else the first run"),
        FaultKind("mixed_runs", "rows", "every second row has the createdDateTime of the first run"),
        FaultKind("late_row", "rows", "a row's createdDateTime is that of the first run", may=_ROW),
        FaultKind("future_run", "rows", "createdDateTime lies in the year 2099"),
    )


def _of_rows() -> tuple[FaultKind, ...]:
    return (
        FaultKind("no_rows", "rows", "`data` is empty"),
        FaultKind("dropped_row", "rows", "a row is missing", may=_ROW),
        FaultKind("doubled_row", "rows", "a row comes again at the end, with a sequence number of its own", may=_ROW),
        FaultKind("duplicate_row", "rows", "a row comes twice, identical", may=_ROW),
        FaultKind("conflicting_duplicate", "rows", "a row comes twice, the second with another volume", may=_ROW),
        FaultKind("flipped_sign", "rows", "a row's amounts change their sign", may=_ROW),
        FaultKind("scaled", "rows", "a row's amounts are multiplied by `factor`", needs=("factor",), may=_ROW),
        FaultKind("off_by", "rows", "a row's amount, of a witness the first pair that it names, is `by` more",
                  needs=("by",), may=("field", *_ROW)),
        FaultKind("swapped_unit", "rows", "a row bears the id of the next other unit", may=_ROW),
        FaultKind("many_rows", "rows", "all rows come `copies` (10) times, numbered on", may=("copies",)),
        FaultKind("out_of_order", "rows", "the rows come in reverse"),
    )  # fmt: skip


def _of_fields() -> tuple[FaultKind, ...]:
    return (
        FaultKind("wrong_date", "rows", "every row says the day before"),
        FaultKind("wrong_period", "rows", "every row says the next period"),
        FaultKind("wrong_start_time", "rows", "startTime is an hour off the period", may=_ROW),
        FaultKind("missing_field", "rows", "`field` (volume) is absent", may=("field", *_ROW)),
        FaultKind("renamed_field", "rows", "`field` (volume) is called `value` (quantity)",
                  may=("field", "value", *_ROW)),
        FaultKind("null_field", "rows", "`field` (volume) is null", may=("field", *_ROW)),
        FaultKind("bad_number", "rows", "`field` (volume) is `value` (12,5)", may=("field", "value", *_ROW)),
        FaultKind("set_field", "rows", "`field` is `value`; with `raw` it stands in JSON without quotes",
                  needs=("field", "value"), may=("raw", *_ROW)),
        FaultKind("unknown_field", "rows", "`field` (carbonIntensity) with `value` (42) is new",
                  may=("field", "value", *_ROW)),
    )  # fmt: skip


def _of_bodies() -> tuple[FaultKind, ...]:
    return (
        FaultKind("cut", "body", "the body ends after `bytes` (half), and Content-Length says so", may=("bytes",)),
        FaultKind("empty_body", "body", "the body has no bytes"),
        FaultKind("html", "body", "an HTML page of a gateway, with status 200"),
        FaultKind("json_for_xml", "body", "JSON, whatever was asked"),
        FaultKind("xml_for_json", "body", "XML, whatever was asked"),
        FaultKind("content_type", "body", "the content type is `value`, the body as it was", needs=("value",)),
        FaultKind("unknown_shape", "body", "well-formed, but with names that nobody knows"),
        FaultKind("trailing_garbage", "body", "text follows the end of the document"),
        FaultKind("control_character", "body", "a control character stands in the text"),
        FaultKind("bom", "body", "a UTF-8 byte order mark comes first"),
        FaultKind("utf16", "body", "the document is encoded in UTF-16"),
        FaultKind("latin1", "body", "a byte that is not UTF-8 stands in the text"),
        FaultKind("deep_nesting", "body", "100,000 lists or elements, one in the other"),
        FaultKind("huge_body", "body", "`megabytes` (64) of white space inside the document", may=("megabytes",)),
    )


def _of_xml() -> tuple[FaultKind, ...]:
    return (
        FaultKind("doctype", "body", "XML with a document type"),
        FaultKind("external_entity", "body", "XML whose entity names a file of the reader's machine"),
        FaultKind("entity_bomb", "body", "XML whose entities expand to gigabytes (billion laughs)"),
        FaultKind("quadratic_blowup", "body", "XML that repeats one long entity many times"),
        FaultKind("comment_in_number", "body", "XML with a comment inside the first volume"),
        FaultKind("instruction_in_number", "body", "XML with a processing instruction inside the first volume"),
        FaultKind("cdata", "body", "XML whose first volume stands in a CDATA section, which is legal"),
    )


def _of_answers() -> tuple[FaultKind, ...]:
    return (
        FaultKind("status", "answer", "HTTP `status`; Retry-After: `retry_after` seconds, `date:N` for an HTTP date",
                  needs=("status",), may=("retry_after",)),
        FaultKind("redirect", "answer", "`status` (301) to `location`, or without it to itself, for ever",
                  may=("status", "location")),
    )  # fmt: skip


def _of_ways() -> tuple[FaultKind, ...]:
    return (
        FaultKind("reset_before_headers", "delivery", "the connection is reset (RST) before any byte"),
        FaultKind("reset_mid_body", "delivery", "the connection is reset (RST) after `bytes` (half) of the body",
                  may=("bytes",)),
        FaultKind("close_before_headers", "delivery", "the connection closes in order before any byte"),
        FaultKind("close_early", "delivery", "Content-Length promises all, the connection closes after `bytes` (half)",
                  may=("bytes",)),
        FaultKind("close_without_length", "delivery", "no Content-Length, the connection closes after `bytes` (half)",
                  may=("bytes",)),
        FaultKind("chunked_cut", "delivery", "chunked, and the last chunk never comes", may=("bytes",)),
        FaultKind("not_http", "delivery", "bytes that are not HTTP"),
        FaultKind("bad_gzip", "delivery", "Content-Encoding says gzip, the bytes are none"),
        FaultKind("truncated_gzip", "delivery", "gzip that ends after half, Content-Length says so"),
        FaultKind("gzip_bomb", "delivery", "gzip that unpacks to `megabytes` (256) of white space", may=("megabytes",)),
    )  # fmt: skip


KINDS: Final[dict[str, FaultKind]] = {kind.name: kind for kind in _kinds()}
"""Every kind of fault by name, in the order of the documentation."""
