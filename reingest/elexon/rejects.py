"""The reject codes: what can be wrong with an answer, and with one row of it.

A structural fault rejects the payload (`PayloadRejected`), a row fault rejects the row; the payload is kept
either way. Codes are stored and documented, so they never change meaning; new ones may be added.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Final, Literal

from reingest.errors import PayloadRejected, SourceError

StructuralCode = Literal[
    "empty_body",
    "too_large",
    "bad_encoding",
    "html_page",
    "doctype",
    "xml_syntax",
    "json_syntax",
    "duplicate_field",
    "unknown_shape",
    "source_error_body",
    "capped",
    "wrong_dataset",
    "wrong_date",
    "wrong_period",
    "bad_row",
]

RowCode = Literal[
    "missing_field",
    "bad_number",
    "out_of_range",
    "bad_flag",
    "bad_time",
    "bad_id",
    "wrong_start_time",
    "wrong_sign",
    "duplicate_identity",
]

STRUCTURAL_MEANINGS: Final[dict[str, str]] = {
    "empty_body": "the answer has no body, or only white space",
    "too_large": "the answer is larger than any answer can be",
    "bad_encoding": "the answer is not UTF-8, holds a NUL, or is compressed in a way that was not asked for",
    "html_page": "an HTML page stands where data was asked",
    "doctype": "the XML has a DOCTYPE, which may hide or truncate text",
    "xml_syntax": "the XML is not well-formed; a truncated answer ends here",
    "json_syntax": "the JSON cannot be read, or holds NaN or Infinity; a truncated answer ends here",
    "duplicate_field": "one object or row names a field twice, so that its value is a matter of taste",
    "unknown_shape": "the answer is well-formed, but of a shape that Reingest does not know",
    "source_error_body": "the answer's status is 200, but its body says that the source failed",
    "capped": "the source says that it cut the answer short at its own limit",
    "wrong_dataset": "the answer names another dataset than the one asked",
    "wrong_date": "a row is of another settlement date than the one asked",
    "wrong_period": "a row is of another settlement period than the one asked, or of none that the date has",
    "bad_row": "a row of a witness or of the register cannot be read, so none of it is trusted",
}

ROW_MEANINGS: Final[dict[str, str]] = {
    "missing_field": "a field that every row must have is null or absent",
    "bad_number": "a number is not written as one",
    "out_of_range": "a number of 10^16 or more, of more than 32 decimals, or an integer too large for its column",
    "bad_flag": "a flag is none of true, false, T and F",
    "bad_time": "a time is not an ISO 8601 instant with its offset",
    "bad_id": "a BM unit id has white space at its ends, or a control character inside",
    "wrong_start_time": "startTime is not the instant at which the period begins by the calendar",
    "wrong_sign": "a bid's volume is above zero, or an offer's below",
    "duplicate_identity": "several rows have the same unit, acceptance, pair and sequence number; each is rejected",
}


MEANINGS: Final[dict[str, str]] = {**STRUCTURAL_MEANINGS, **ROW_MEANINGS}
"""What each reject code means, in one line."""


def rejected(code: StructuralCode, detail: str) -> PayloadRejected:
    """Return the error for a structural fault; `concerning` adds the date and period."""
    return PayloadRejected(detail, reject_code=code)


@contextmanager
def concerning(settlement_date: date | None, period: int | None = None) -> Iterator[None]:
    """Give an error of the source raised in the block the date and period that it concerns."""
    try:
        yield
    except SourceError as error:
        error.settlement_date = settlement_date
        error.period = period
        raise
