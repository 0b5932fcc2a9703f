"""Check a proof against an archive: no database, no network, nothing but the file and the payloads that it names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from reingest.curtailment.definitions import Definition, definition_named
from reingest.curtailment.exact import plain
from reingest.curtailment.seals import seal_of
from reingest.elexon.stack import read_stack
from reingest.elexon.system_prices import read_system_prices
from reingest.errors import ArchiveError, BadUsage, PayloadRejected
from reingest.lake.archive import Archive
from reingest.operations.date_inputs import DateInputs, FetchedStack
from reingest.operations.facts import DateFacts, derive_facts, mining_hash
from reingest.operations.proofs.document import Proof, ProvenPayload, proven_totals
from reingest.operations.sealed_files import read_sealed

PartName = Literal["file", "definitions", "payloads", "manifest", "mining", "content", "totals", "seal"]
MEANINGS: Final[dict[PartName, str]] = {
    "file": "The file is as `reingest proof` wrote it; if not, no figure in it can be trusted.",
    "definitions": "This Reingest counts by the definitions of the proof; if not, use the one that the proof names.",
    "payloads": "Every payload is in the archive with its bytes; if not, what Elexon answered cannot be shown.",
    "manifest": "The archive's own list says that each payload was asked for just that; `reingest doctor --fix` mends "
    "lines that were lost.",
    "mining": "Models, difficulties and rewards are those that the version names by their hash.",
    "content": "The payloads, read again, give the content digest; if not, they do not say what the proof says.",
    "totals": "The payloads, read again, come to every total, to the last digit.",
    "seal": "Content, payloads and previous seal give the seal; compare the seal with one that left the house.",
}
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a check: `skipped` where another part's failure left nothing to look at."""

    name: PartName
    status: Literal["pass", "fail", "skipped"]
    found: str

    @property
    def meaning(self) -> str:
        """What the part shows, and what it means where it fails."""
        return MEANINGS[self.name]


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of each part of a check; without a proof the file was none."""

    proof: Proof | None
    parts: Sequence[Part]

    @property
    def proven(self) -> bool:
        """Whether nothing failed and nothing was skipped."""
        return all(part.status == "pass" for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        """Return the check for `--json`."""
        proof = self.proof
        return {
            "proven": self.proven,
            "settlement_date": proof.settlement_date.isoformat() if proof else None,
            "version": proof.version if proof else None,
            "seal": proof.seal if proof else None,
            "parts": [
                {"name": part.name, "status": part.status, "found": part.found, "meaning": part.meaning}
                for part in self.parts
            ],
        }


def verify_proof(content: bytes, archive: Archive) -> Verified:
    """Check the content of a proof's file against an archive."""
    try:
        proof = read_sealed(content, Proof)
    except BadUsage as error:
        return Verified(None, [Part("file", "fail", str(error)), *_skipped(list(MEANINGS)[1:])])
    parts = [
        Part("file", "pass", f"version {proof.version} of {proof.settlement_date}, {len(content)} bytes"),
        _definitions(proof),
        _payloads(proof, archive),
        _manifest(proof, archive),
        _mining(proof),
    ]
    return Verified(proof, [*parts, *_derived(proof, archive, parts)])


def _definitions(proof: Proof) -> Part:
    unknown = [named for named in proof.definitions if definition_named(named) is None]
    if unknown:
        return Part("definitions", "fail", f"this Reingest does not know {', '.join(unknown)}")
    if set(proof.totals) != {definition.name for definition in _definitions_of(proof)}:
        return Part("definitions", "fail", f"the totals are by {', '.join(proof.totals)}")
    return Part("definitions", "pass", ", ".join(proof.definitions))


def _definitions_of(proof: Proof) -> tuple[Definition, ...]:
    return tuple(found for named in proof.definitions if (found := definition_named(named)) is not None)


def _payloads(proof: Proof, archive: Archive) -> Part:
    found = (_fault_of(archive, one) for one in proof.payloads)
    faults = list(dict.fromkeys(str(error) for error in found if error is not None))  # empty answers are often one
    return _listed("payloads", faults, f"{len(proof.payloads)} payloads are there, with their bytes")


def _fault_of(archive: Archive, payload: ProvenPayload) -> ArchiveError | None:
    try:
        archive.get(payload.sha256)
    except ArchiveError as error:
        return error
    return None


def _manifest(proof: Proof, archive: Archive) -> Part:
    try:
        entries = archive.read_manifest(proof.settlement_date)
        said = {(one.dataset, one.period, one.side, one.wire, one.sha256) for one in entries}
    except ArchiveError as error:
        return Part("manifest", "fail", str(error))
    unknown = [
        f"{one} is not in it"
        for one in proof.payloads
        if (one.dataset, one.period, one.side, one.wire, one.sha256) not in said
    ]
    return _listed("manifest", unknown, f"{len(proof.payloads)} payloads were asked for, as the proof says")


def _mining(proof: Proof) -> Part:
    mining = proof.mining
    try:
        rates = mining.mining_rates(proof.settlement_date)
    except (KeyError, ValueError, ArithmeticError) as error:
        return Part("mining", "fail", f"difficulty and reward cannot be read: {error!r}")
    if rates is None:
        return Part("mining", "pass", "not known for this date")
    made = mining_hash(rates, mining.miner_models)
    if made != mining.hash:
        return Part("mining", "fail", f"models, difficulties and rewards give {made}, the proof says {mining.hash}")
    return Part("mining", "pass", f"{len(mining.models)} models, {len({rate.period for rate in rates})} periods")


def _derived(proof: Proof, archive: Archive, parts: Iterable[Part]) -> list[Part]:
    """Check what the payloads say, where they are there and can be read as the proof means it."""
    needed = {"definitions", "payloads", "mining"}
    if any(part.status == "fail" for part in parts if part.name in needed):
        return _skipped(["content", "totals", "seal"])
    try:
        facts = derive_facts(_inputs(proof, archive))
    except (PayloadRejected, KeyError, ValueError) as error:
        return [Part("content", "fail", f"the payloads cannot be read: {error}"), *_skipped(["totals", "seal"])]
    return [_content(proof, facts), _totals(proof, facts), _seal(proof, facts)]


def _content(proof: Proof, facts: DateFacts) -> Part:
    if facts.content_hash != proof.content_digest:
        return Part("content", "fail", f"the payloads give {facts.content_hash}, the proof says {proof.content_digest}")
    return Part("content", "pass", f"{len(facts.content.records)} records, digest {facts.content_hash}")


def _totals(proof: Proof, facts: DateFacts) -> Part:
    derived = proven_totals(facts.totals, facts.content.mining)
    faults = [
        f"{name} {figure}: the payloads come to {of_payloads}, the proof says {said}"
        for name, totals in derived.items()
        for figure, of_payloads in dict(totals).items()
        if (said := getattr(proof.totals[name], figure)) != of_payloads
    ]
    shown = "; ".join(
        f"{name} {plain(one.energy_mwh)} MWh, {plain(one.payment_gbp)} GBP" for name, one in proof.totals.items()
    )
    return _listed("totals", faults, shown)


def _seal(proof: Proof, facts: DateFacts) -> Part:
    made = seal_of(facts.content_hash, (payload.named for payload in proof.payloads), proof.previous_seal)
    if made != proof.seal:
        return Part("seal", "fail", f"content, payloads and previous seal give {made}, the proof says {proof.seal}")
    return Part("seal", "pass", made)


def _inputs(proof: Proof, archive: Archive) -> DateInputs:
    """Return what the facts are derived from; a payload's place in the proof stands for its fetch."""
    stacks = [
        _stack(archive, proof.settlement_date, number, payload)
        for number, payload in enumerate(proof.payloads)
        if payload.dataset == "ISPSTACK"
    ]
    prices = [
        price
        for payload in proof.payloads
        if payload.dataset == "DISEBSP"
        for price in read_system_prices(archive.get(payload.sha256), settlement_date=proof.settlement_date)
    ]
    return DateInputs(
        settlement_date=proof.settlement_date,
        sides=proof.sides,
        fetched={(stack.period, stack.side): stack for stack in stacks},
        system_prices={price.period: price for price in prices},
        wind_units=frozenset(proof.wind_units),
        definitions=_definitions_of(proof),
        rates=proof.mining.mining_rates(proof.settlement_date),
    )


def _stack(archive: Archive, settlement_date: date, number: int, payload: ProvenPayload) -> FetchedStack:
    period, side = payload.period, payload.side
    if period is None or side is None:
        raise ValueError(f"{payload} has no period or side")
    body = archive.get(payload.sha256)
    try:
        stack = read_stack(body, asked=payload.wire, settlement_date=settlement_date, period=period, side=side)
    except PayloadRejected as error:
        return FetchedStack(period, side, number, error=error)
    return FetchedStack(period, side, number, stack=stack)


def _listed(name: PartName, faults: Sequence[str], fine: str) -> Part:
    if not faults:
        return Part(name, "pass", fine)
    rest = len(faults) - _SHOWN
    return Part(name, "fail", "; ".join([*faults[:_SHOWN], *([f"and {rest} more"] if rest > 0 else [])]))


def _skipped(names: Iterable[PartName]) -> list[Part]:
    return [Part(name, "skipped", "not looked at: another part failed") for name in names]
