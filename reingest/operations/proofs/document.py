"""What is in a proof. Its format never changes under its number.

| member | meaning |
|---|---|
| `format` | `reingest-proof 1` |
| `settlement_date`, `version`, `served_from` | the date, its version, and since when that is or was served |
| `content_digest` | the hash that the version's dump ends with |
| `seal`, `previous_seal` | the version's seal, and that of the version that it replaced |
| `sides`, `definitions` | the stacks, and the definitions of the totals with their versions |
| `wind_units`, `register_hash` | the BM units that counted as wind; the name of the register that says so |
| `mining` | miner models, and difficulty and reward by period; `rates` is null where they were not known |
| `totals` | by definition: MWh, GBP, counts, and BTC by model |
| `payloads` | what each payload was asked for, the format asked for, and its hash; those of witnesses too |
| `code_version` | the Reingest that made the version |
| `sha256` | the hash of all the rest |
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from reingest.calendar import SettlementPeriod, settlement_periods
from reingest.curtailment.mining import MinerModel, MiningRate, MiningSegment, rate_of
from reingest.curtailment.seals import NamedPayload
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import DefinitionName, Side
from reingest.operations.sealed_files import Exact, Sealed, Sha256

FORMAT: Final = "reingest-proof 1"


class ProvenPayload(Sealed):
    """A payload, and what it was asked for: no period is the whole date, no side is both."""

    dataset: str
    period: int | None
    side: Side | None
    wire: Literal["xml", "json", "csv"]
    sha256: Sha256

    @property
    def named(self) -> NamedPayload:
        """The payload as a seal names it."""
        return NamedPayload(self.dataset, self.period, self.side, self.sha256)

    def __str__(self) -> str:
        """Return it for people."""
        about = " ".join(str(part) for part in (self.dataset, self.period, self.side) if part is not None)
        return f"{about} ({self.sha256[:12]}…)"


class ProvenModel(Sealed):
    """A miner model: TH/s and W."""

    name: str
    hashrate_th: Exact
    power_w: Exact


class ProvenPart(Sealed):
    """A part of a settlement period with one difficulty and one reward; without a start it begins with the period."""

    start: datetime | None
    share: str
    difficulty: Exact
    reward: Exact


class ProvenRates(Sealed):
    """Difficulty and reward of the periods from `first` to `last`."""

    first: int
    last: int
    parts: tuple[ProvenPart, ...]


class ProvenMining(Sealed):
    """The mining inputs of a date; `rates` is null where difficulty or reward was not known."""

    hash: Sha256
    models: tuple[ProvenModel, ...]
    rates: tuple[ProvenRates, ...] | None

    @property
    def miner_models(self) -> tuple[MinerModel, ...]:
        """The models as mining is computed with them."""
        return tuple(MinerModel(one.name, one.hashrate_th, one.power_w) for one in self.models)

    def mining_rates(self, settlement_date: date) -> tuple[MiningRate, ...] | None:
        """Return the date's mining rates, period by period and model by model.

        Raises:
            KeyError: a period that the date does not have.
            ValueError: a share that is no fraction.
        """
        if self.rates is None:
            return None
        calendar = {period.number: period for period in settlement_periods(settlement_date)}
        return tuple(
            rate_of(number, model, _segments(calendar[number], rates.parts))
            for rates in self.rates
            for number in range(rates.first, rates.last + 1)
            for model in self.miner_models
        )


class ProvenTotals(Sealed):
    """Totals by one definition: MWh, GBP, counts, and BTC by miner model (none where mining is not known)."""

    energy_mwh: Exact
    payment_gbp: Exact
    records: int
    bm_units: int
    periods: int
    btc: dict[str, Exact]


class Proof(Sealed):
    """A proof; see the module."""

    format: Literal["reingest-proof 1"]
    settlement_date: date
    version: int
    served_from: datetime
    content_digest: Sha256
    seal: Sha256
    previous_seal: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64}|-)$")]
    sides: tuple[Side, ...]
    definitions: tuple[str, ...]
    wind_units: tuple[str, ...]
    register_hash: str
    mining: ProvenMining
    totals: dict[DefinitionName, ProvenTotals]
    payloads: tuple[ProvenPayload, ...]
    code_version: str


def proven_totals(
    totals: Mapping[DefinitionName, Totals], mining: Mapping[tuple[DefinitionName, str], Decimal] | None
) -> dict[DefinitionName, ProvenTotals]:
    """Return totals and BTC by definition as a proof has them."""
    return {
        name: ProvenTotals(
            energy_mwh=total.energy_mwh,
            payment_gbp=total.payment_gbp,
            records=total.records,
            bm_units=total.bm_units,
            periods=total.periods,
            btc={model: btc for (definition, model), btc in (mining or {}).items() if definition == name},
        )
        for name, total in totals.items()
    }


def proven_rates(rates: Iterable[MiningRate]) -> tuple[ProvenRates, ...]:
    """Return the difficulties and rewards of a date's mining rates, periods with the same ones together."""
    parts = {rate.period: tuple(_parts(rate.segments)) for rate in rates}
    return tuple(_runs(sorted(parts.items())))


def _runs(parts: Sequence[tuple[int, tuple[ProvenPart, ...]]]) -> Iterator[ProvenRates]:
    for same, periods in groupby(parts, key=lambda one: one[1]):
        numbers = [number for number, _ in periods]
        yield ProvenRates(first=numbers[0], last=numbers[-1], parts=same)


def _parts(segments: Sequence[MiningSegment]) -> Iterator[ProvenPart]:
    for place, segment in enumerate(segments):
        yield ProvenPart(
            start=segment.start if place else None,
            share=str(segment.share),
            difficulty=segment.difficulty,
            reward=segment.reward,
        )


def _segments(period: SettlementPeriod, parts: Sequence[ProvenPart]) -> tuple[MiningSegment, ...]:
    starts = [part.start or period.start for part in parts]
    return tuple(
        MiningSegment(start, end, Fraction(part.share), part.difficulty, part.reward)
        for part, (start, end) in zip(parts, pairwise([*starts, period.end]), strict=True)
    )
