"""Findings: what the doctor can find, what each means, and the command that mends it."""

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

Severity = Literal["error", "warning"]
Mending = Literal["fix", "mend", "command", "explain"]
"""How a finding goes away: by `--fix`; by `--mend`, which changes what is served; by another command; or never.

What cannot be mended (a payload that Elexon does not serve any more) is explained: a person says why, and the finding
is listed apart from then on, as long as it stays as it was.
"""

REBUILD: Final = 'reingest date {date} --source archive --force --reason "found by the doctor"'
FETCH_AGAIN: Final = 'reingest date {date} --fresh --force --reason "found by the doctor"'
FIX: Final = "reingest doctor{scope} --fix"
MEND: Final = 'reingest doctor{scope} --mend {id} --reason "found by the doctor"'
EXPLAIN: Final = 'reingest doctor{scope} --explain {key} --reason "seen, and nothing can mend it"'


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        id: Stable; it never changes its meaning.
        severity: `error`: a figure that is or was served, or an archived answer, is in doubt; `warning`: a leftover,
            or something that waits for a person.
        mending: How it goes away.
        meaning: What is wrong.
        mended_by: What the command does.
        command: With {date}, {scope} (the date as an argument, if there is one), {version}, {key} and {id}.
    """

    id: str
    severity: Severity
    mending: Mending
    meaning: str
    mended_by: str
    command: str


def _fixed(kind: str, severity: Severity, meaning: str, mended_by: str) -> Kind:
    return Kind(kind, severity, "fix", meaning, mended_by, FIX)


def _rebuilt(kind: str, meaning: str) -> Kind:
    done = "The date is rebuilt from its archived payloads and published anew; with a payload lost, from Elexon."
    return Kind(kind, "error", "command", meaning, done, REBUILD)


def _explained(kind: str, severity: Severity, meaning: str, mended_by: str) -> Kind:
    return Kind(kind, severity, "explain", meaning, mended_by, EXPLAIN)


KINDS: Final[dict[str, Kind]] = {
    kind.id: kind
    for kind in (
        _fixed("lease-dead", "warning", "A lease whose holder died, or let it expire.", "The lease is released."),
        _fixed(
            "run-unfinished",
            "warning",
            "A run without an end, whose process is gone.",
            "The run is closed as what it came to: published, unchanged, held, or `lease_lost`.",
        ),
        _fixed(
            "version-orphaned",
            "warning",
            "A version still `staging` or `candidate`, whose run is gone.",
            "The version is abandoned; it was never served.",
        ),
        Kind(
            "held-date",
            "warning",
            "command",
            "A held version that could be published, and nobody decided.",
            "A person publishes it, once `reingest diff D` is understood; or runs the date again.",
            "reingest publish {date} --version {version} --reason TEXT",
        ),
        _rebuilt(
            "date-incomplete",
            "The served version lacks a period of the calendar, has one too many, or has one that failed, was not "
            "published or not asked.",
        ),
        Kind(
            "current-version-differs",
            "error",
            "mend",
            "The date points at another version than the one that was published last.",
            "The date points at the published version again. That changes what is served, so `--fix` leaves it alone.",
            MEND,
        ),
        _fixed(
            "generation-differs",
            "error",
            "The date's generation is not that of its last publish.",
            "The generation is set to that of the last publish.",
        ),
        _fixed(
            "last-number-behind",
            "warning",
            "The counter of the date's version numbers is behind its versions: a number could be used twice.",
            "The counter is set to the largest number.",
        ),
        _fixed(
            "superseded-chain-broken",
            "error",
            "A version was not served until the next one was published, or a publish is missing between two.",
            "The end is set to the instant of the next publish; a version that is gone can only be explained.",
        ),
        _fixed(
            "served-from-impossible",
            "error",
            "A version is said to be served from an instant at which it was not published.",
            "The instant is set to that of the publish: the end of the version before, else the outbox's.",
        ),
        _explained(
            "seal-broken",
            "error",
            "A version's seal is not that of its content, its payloads and the version before it.",
            "No seal is ever rewritten: compare it with a proof or message that left the house, and say why it is so. "
            "`reingest date D --source archive --force` publishes the date anew, with a seal of its own.",
        ),
        _explained(
            "time-impossible",
            "warning",
            "An instant that cannot be: an end before its beginning, or in the future.",
            "Nothing that is served depends on it: say why it is so.",
        ),
        _rebuilt(
            "rejects-sum",
            "Rows are not accepted plus rejected ones, or the rejects that are counted are not the ones stored.",
        ),
        _rebuilt("fetch-of-other-subject", "A period or record points at the answer of another period, side or date."),
        _explained(
            "register-differs",
            "error",
            "The register and overrides that the version names cannot be put together again.",
            "`reingest date D --force` publishes the date with the register of today; or say why it is so.",
        ),
        Kind(
            "date-stale",
            "warning",
            "command",
            "The register of BM units was changed since the date was published, and would give other figures.",
            "The date is rebuilt from its archived payloads with the register as it is now.",
            "reingest date {date} --source archive",
        ),
        Kind(
            "staged-waiting",
            "warning",
            "command",
            "Periods of a date were staged, and for a week nobody staged another or published the date.",
            "What is staged is dropped. `reingest status D` says what is missing to publish it instead.",
            "reingest purge staged {date} --yes --reason TEXT",
        ),
        _rebuilt("records-count-differs", "The served version does not have as many records as it was made with."),
        _rebuilt("daily-summary-differs", "A total of the date is not what its records come to."),
        _rebuilt("unit-summary-differs", "A total of a BM unit is not what its records come to."),
        _rebuilt("mining-differs", "A BTC total is not what records and mining rates come to."),
        _rebuilt("content-hash-differs", "The stored rows are not the content that was published."),
        _rebuilt("record-differs-from-payload", "What is served is not what its payloads say, read again."),
        _explained(
            "version-altered",
            "error",
            "The rows of a version that is not served any more, or is held, are not what they were.",
            "Stored rows are never changed, not even back: say why it is so. A held one must not be published.",
        ),
        Kind(
            "payload-missing",
            "error",
            "command",
            "A payload's file is not in the archive.",
            "The date is asked again; equal bytes take their old place, others make a new version.",
            FETCH_AGAIN,
        ),
        Kind(
            "payload-altered",
            "error",
            "command",
            "A payload's file does not hold the bytes that were archived.",
            "The date is asked again; equal bytes take their old place, others make a new version.",
            FETCH_AGAIN,
        ),
        _fixed(
            "payload-unregistered",
            "warning",
            "A file among the payloads that no fetch knows.",
            "The file is moved to `archive/strays`; nothing is deleted.",
        ),
        _fixed(
            "payload-temp-left",
            "warning",
            "A file that a writer left unfinished in `payloads/new`.",
            "The file is removed; what it was to hold was never acknowledged.",
        ),
        _fixed(
            "manifest-differs",
            "warning",
            "A manifest is not the mirror of the fetch rows.",
            "Missing lines are appended; a manifest with other faults is written anew, and the old one kept beside it.",
        ),
        _fixed(
            "fetch-without-payload",
            "error",
            "A fetch whose payload is not registered.",
            "The payload is registered again from its file.",
        ),
        _fixed(
            "outbox-row-missing",
            "error",
            "A publish that the outbox does not tell of.",
            "The message is written again; whoever had it knows it by its dedupe key.",
        ),
        Kind(
            "outbox-dead",
            "warning",
            "command",
            "A fact that a sink refused at every attempt; its date's later facts went on without it.",
            "The fact is tried again from the beginning.",
            "reingest outbox retry --dead",
        ),
        Kind(
            "outbox-overdue",
            "warning",
            "command",
            "Facts that a sink has not got for more than a day.",
            "What is due is delivered, by a machine where the sink is configured; one given up is forgotten.",
            "reingest outbox deliver",
        ),
        Kind(
            "notice-dead",
            "warning",
            "command",
            "A notice to people that a channel refused at every attempt.",
            "The notice is tried again from the beginning.",
            "reingest notices retry --dead",
        ),
        Kind(
            "notice-overdue",
            "warning",
            "command",
            "Notices to people that a channel has not got for more than a day.",
            "What is due is delivered, by a machine where the channel is configured.",
            "reingest notices deliver",
        ),
    )
}
"""Every kind of finding by its id."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        id: Its kind.
        subject: What it is about: a date, version, period, unit, run, lease or file, in words that stay the same.
        found: What is there.
        expected: What should be.
        settlement_date: The date that it concerns, if it concerns one.
        version: Number of the version that it concerns.
        target: What a mending acts on; nobody is shown it.
        instead: Another way of mending than the kind's own, with its command.
    """

    id: str
    subject: str
    found: str
    expected: str
    settlement_date: date | None = None
    version: int | None = None
    target: Any = None
    instead: tuple[Mending, str] | None = None

    @property
    def kind(self) -> Kind:
        """What it is a case of."""
        return KINDS[self.id]

    @property
    def key(self) -> str:
        """What names exactly this finding; one that looks otherwise tomorrow has another."""
        text = f"{self.id}\n{self.subject}\n{self.found}\n{self.expected}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def mending(self) -> Mending:
        """How it goes away."""
        return self.instead[0] if self.instead else self.kind.mending

    @property
    def command(self) -> str:
        """The command that mends it, as it is to be pasted."""
        return (self.instead[1] if self.instead else self.kind.command).format(
            date=self.settlement_date,
            scope=f" {self.settlement_date}" if self.settlement_date else "",
            version=self.version,
            key=self.key,
            id=self.id,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the finding for `--json`."""
        return {
            "id": self.id,
            "severity": self.kind.severity,
            "subject": self.subject,
            "settlement_date": self.settlement_date.isoformat() if self.settlement_date else None,
            "version": self.version,
            "found": self.found,
            "expected": self.expected,
            "fixable": self.mending == "fix",
            "command": self.command,
            "key": self.key,
        }
