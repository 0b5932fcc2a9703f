"""Mining hardware, difficulty, and the BTC of a version."""

from datetime import timedelta
from typing import Annotated

from sqlalchemy import Interval
from sqlmodel import Field

from reingest.store.tables.columns import Exact, Id, Instant, JsonOrNone, KeyPart, KeyText, Table, Words


class MinerModel(Table, table=True):
    """Mining hardware: hashrate in TH/s, power in W."""

    name: KeyText
    hashrate_th: Exact
    power_w: Exact


class DifficultyEpoch(Table, table=True):
    """Bitcoin difficulty of 2,016 blocks, in force from its first block."""

    number: int = Field(primary_key=True)
    height: int
    start: Instant
    start_uncertainty: Annotated[timedelta, Field(sa_type=Interval)]
    bits: Words
    difficulty: Exact


class DailyMining(Table, table=True):
    """A version's BTC by definition and miner model."""

    version_id: Id
    definition: KeyText
    miner_model: KeyText
    btc: Exact


class MiningRate(Table, table=True):
    """What a MWh of one period mines on one model, with the difficulty and reward that gave it."""

    version_id: Id
    period: KeyPart
    miner_model: KeyText
    difficulty: Exact
    reward: Exact
    btc_per_mwh: Exact
    segments: JsonOrNone
