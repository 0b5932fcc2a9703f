"""Make a proof of a version that is, or was, served."""

from datetime import UTC, date

from reingest.curtailment.mining import MinerModel, MiningRate
from reingest.errors import BadUsage
from reingest.operations.proofs.document import (
    FORMAT,
    Proof,
    ProvenMining,
    ProvenModel,
    ProvenPayload,
    proven_rates,
    proven_totals,
)
from reingest.operations.unaltered import is_unaltered
from reingest.store.contents import VersionFacts, content_of, version_facts
from reingest.store.database import Connection
from reingest.store.mining_inputs import miner_models, rates_of_version
from reingest.store.seals import SealOfVersion, asked_payloads, seal_of_version
from reingest.store.units import Register, register_named


def make_proof(connection: Connection, settlement_date: date, number: int) -> Proof:
    """Return the proof of a version, from what is stored of it.

    Args:
        connection: in a snapshot.
        settlement_date: the version's date.
        number: which one.

    Raises:
        NotFound: the date has no such version.
        BadUsage: it was never published, or what is stored of it is not what was published.
    """
    version = version_facts(connection, settlement_date, number)
    sealed = _require_sealed(connection, settlement_date, version)
    register = _require_register(connection, settlement_date, version)
    content = content_of(connection, settlement_date, version)
    return Proof(
        format=FORMAT,
        settlement_date=settlement_date,
        version=number,
        served_from=sealed.served_from.astimezone(UTC),
        content_digest=version.content_hash,
        seal=sealed.seal,
        previous_seal=sealed.previous_seal,
        sides=tuple(content.sides),
        definitions=tuple(version.definitions),
        wind_units=tuple(sorted(register.wind_units)),
        register_hash=version.register_hash,
        mining=_mining(connection, settlement_date, version),
        totals=proven_totals(content.totals, content.mining),
        payloads=tuple(
            ProvenPayload(dataset=one.dataset, period=one.period, side=one.side, wire=one.wire, sha256=one.sha256)
            for one in asked_payloads(connection, version.id)
        ),
        code_version=version.code_version,
    )


def _require_sealed(connection: Connection, settlement_date: date, version: VersionFacts) -> SealOfVersion:
    sealed = seal_of_version(connection, version.id)
    if sealed is None:
        raise BadUsage(
            f"version {version.number} is {version.state}; only what was published has a seal, and a proof",
            settlement_date=settlement_date,
            next_command="reingest versions {date}",
        )
    if not is_unaltered(connection, settlement_date, version.number) or sealed.seal != sealed.made_again:
        raise BadUsage(
            f"what is stored of version {version.number} is not what was published",
            settlement_date=settlement_date,
            next_command="reingest doctor {date}",
        )
    return sealed


def _require_register(connection: Connection, settlement_date: date, version: VersionFacts) -> Register:
    register = register_named(connection, version.register_id, version.register_hash)
    if register is None:
        raise BadUsage(
            f"the register that version {version.number} names cannot be put together again",
            settlement_date=settlement_date,
            next_command="reingest doctor {date}",
        )
    return register


def _mining(connection: Connection, settlement_date: date, version: VersionFacts) -> ProvenMining:
    known = version.mining_state == "available"
    rates = rates_of_version(connection, version.id, settlement_date) if known else None
    return ProvenMining(
        hash=version.mining_inputs_hash,
        models=tuple(
            ProvenModel(name=model.name, hashrate_th=model.hashrate_th, power_w=model.power_w)
            for model in miner_models(connection)
            if rates is None or _has(rates, model)
        ),
        rates=proven_rates(rates) if rates is not None else None,
    )


def _has(rates: tuple[MiningRate, ...], model: MinerModel) -> bool:
    return any(rate.model == model.name for rate in rates)
