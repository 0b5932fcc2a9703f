"""The 30 faults of HTTP: what can go wrong between Reingest and Elexon."""

from functools import partial as bound
from typing import Any, Final

from tests.drills.faults.fault import (
    Fault,
    Stated,
    Trial,
    held,
    own_process,
    partial,
    published,
    scripted,
    source_failed,
)
from tests.drills.faults.ways import cut_tls, elexon_at, untrusted_elexon

RETRIED: Final[dict[str, str]] = {"REINGEST_ATTEMPTS": "2"}
IMPATIENT: Final[dict[str, str]] = {"REINGEST_REQUEST_TIMEOUT_SECONDS": "2"}
ONE_PERIOD: Final = "period 1 bid: "


def _passing_and_lasting(
    how: str, rule: dict[str, Any], lasting: Stated, settings: dict[str, str] | None = None
) -> tuple[Trial, Trial]:
    """A fault of the way that passes is got over by asking again; one that lasts costs its period."""
    return (
        scripted(f"{how}, once", published(), {**rule, "attempts": 1}, settings={**RETRIED, **(settings or {})}),
        scripted(f"{how}, at every attempt", lasting, rule, settings={**RETRIED, **(settings or {})}),
    )


def _status(status: int, lasting: Stated, **more: Any) -> tuple[Trial, ...]:
    return _passing_and_lasting(f"{status}", {"kind": "status", "status": status, **more}, lasting)


def _refusal(status: int) -> Trial:
    rule = {"kind": "status", "status": status}
    return scripted(f"{status} to one request", partial(f"{ONE_PERIOD}source_refused"), rule, settings=RETRIED)


UNREACHABLE: Final = partial(f"{ONE_PERIOD}source_unreachable")

HTTP: Final[tuple[Fault, ...]] = (
    Fault("connection refused", (
        Trial("an address where nobody listens", source_failed("source_unreachable", "ConnectError"),
              make=bound(elexon_at, url="http://127.0.0.1:9/bmrs/api/v1"), settings=RETRIED, sample=True),
    )),
    Fault("DNS fails", (
        Trial("a host name that nobody has", source_failed("source_unreachable", "ConnectError"),
              make=bound(elexon_at, url="http://elexon.invalid/bmrs/api/v1")),
    )),
    Fault("TLS fails", (
        Trial("a certificate that signs itself; it is not tried again", source_failed("tls", "self-signed"),
              make=untrusted_elexon, run=own_process, settings=RETRIED),
        Trial("the connection ends in the handshake", source_failed("source_unreachable"), make=cut_tls,
              run=own_process),
    )),
    Fault("reset before headers", _passing_and_lasting("RST before a byte", {"kind": "reset_before_headers"},
                                                       UNREACHABLE)),
    Fault("reset mid-body", _passing_and_lasting("RST after half the body", {"kind": "reset_mid_body"}, UNREACHABLE)),
    Fault("slow first byte", _passing_and_lasting("no byte within the timeout", {"kind": "hang"}, UNREACHABLE,
                                                  IMPATIENT)),
    Fault("slow drip", _passing_and_lasting("never idle, and never done within the timeout",
                                            {"kind": "drip", "bytes": 1, "ms": 20}, UNREACHABLE, IMPATIENT)),
    Fault("closed early with Content-Length", _passing_and_lasting("half of what is promised",
                                                                   {"kind": "close_early"}, UNREACHABLE)),
    Fault("short body without a length", (
        *_passing_and_lasting("half of a gzip stream", {"kind": "close_without_length"}, UNREACHABLE),
        *_passing_and_lasting("the last chunk never comes", {"kind": "chunked_cut"}, UNREACHABLE),
        scripted("half a document, of its true length", partial(f"{ONE_PERIOD}xml_syntax"), {"kind": "cut"}),
    )),
    Fault("truncated gzip", (
        *_passing_and_lasting("half a gzip stream, of its true length", {"kind": "truncated_gzip"}, UNREACHABLE),
        *_passing_and_lasting("no gzip at all", {"kind": "bad_gzip"}, UNREACHABLE),
    )),
    Fault("wrong charset", (
        scripted("the header says ISO-8859-1, the body is UTF-8", published(),
                 {"kind": "content_type", "value": "application/xml; charset=iso-8859-1"}),
        scripted("a byte that is not UTF-8", partial(f"{ONE_PERIOD}bad_encoding"), {"kind": "latin1"}),
        scripted("UTF-16", partial(f"{ONE_PERIOD}bad_encoding"), {"kind": "utf16"}),
    )),
    Fault("byte order mark", (scripted("a UTF-8 BOM before the document", published(), {"kind": "bom"}),)),
    Fault("200 with no body", (
        scripted("to XML alone: JSON is asked for", published(), {"kind": "empty_body", "wire": "xml"}),
        scripted("to both", partial(f"{ONE_PERIOD}empty_body"), {"kind": "empty_body"}),
    )),
    Fault("200 with an HTML error page", (
        scripted("to one request", partial(f"{ONE_PERIOD}html_page"), {"kind": "html"}, sample=True),
        scripted("to every request", source_failed("payload_rejected", "<!DOCTYPE html>"),
                 {"kind": "html", "dataset": "ISPSTACK"}),
    )),
    Fault("200 with the other format", (
        scripted("JSON where XML was asked", published(), {"kind": "json_for_xml"}),
        scripted("XML where JSON was asked, XML being refused", published(),
                 {"kind": "status", "status": 400, "wire": "xml"}, {"kind": "xml_for_json", "wire": "json"}),
    )),
    Fault("200 with `data: []`", (
        scripted("where the system prices have volume", partial("the system prices say that it should not be"),
                 {"kind": "no_rows"}, sample=True),
        scripted("where the system prices cannot be had either", held("periods_complete", "not_published: 2"),
                 {"kind": "no_rows", "periods": 2}, {"kind": "status", "status": 404, "dataset": "DISEBSP"}),
    )),
    Fault("200 for another date", (
        scripted("every row is of the day before", partial(f"{ONE_PERIOD}wrong_date"), {"kind": "wrong_date"}),
    )),
    Fault("200 for another period", (
        scripted("every row is of the next period", partial(f"{ONE_PERIOD}wrong_period"), {"kind": "wrong_period"}),
    )),
    Fault("duplicate rows", (
        scripted("a wind row comes twice, identical: both are rejected", held("wind_rejects", "duplicate_identity"),
                 {"kind": "duplicate_row"}),
    )),
    Fault("204", (
        scripted("to XML and JSON", partial(f"{ONE_PERIOD}empty_body"), {"kind": "status", "status": 204}),
    )),
    Fault("301 loop", (
        scripted("a redirect to itself; none is followed", partial(f"{ONE_PERIOD}source_refused"),
                 {"kind": "redirect"}),
    )),
    Fault("400", (
        scripted("to XML alone: JSON is asked for", published(), {"kind": "status", "status": 400, "wire": "xml"}),
        _refusal(400),
    )),
    Fault("401 and 403", (_refusal(401), _refusal(403))),
    Fault("404", (
        _refusal(404),
        scripted("404 to every request: a wrong URL is no empty date", source_failed("source_refused", "404"),
                 {"kind": "status", "status": 404, "dataset": "ISPSTACK"}),
    )),
    Fault("408", (_refusal(408),)),
    Fault("429 with seconds", _status(429, partial("answered 429"), retry_after=0.5)),
    Fault("429 with an HTTP date", _status(429, partial("answered 429"), retry_after="date:1")),
    Fault("429 without a time", _status(429, partial("answered 429"))),
    Fault("500, 502, 503 and 504", tuple(
        trial for status in (500, 502, 503, 504) for trial in _status(status, partial(f"answered {status}"))
    )),
    Fault("503 beyond the budget", (
        scripted("the wait that is asked for is longer than the run may take",
                 source_failed("source_too_slow", "all requests of this run are spent"),
                 {"kind": "status", "status": 503, "retry_after": 3600},
                 settings={**RETRIED, "REINGEST_FETCH_BUDGET_SECONDS": "20"}),
        scripted("it lasts until the time is spent", source_failed("source_too_slow", "are spent"),
                 {"kind": "status", "status": 503},
                 settings={"REINGEST_ATTEMPTS": "20", "REINGEST_FETCH_BUDGET_SECONDS": "2"}),
    )),
)  # fmt: skip
