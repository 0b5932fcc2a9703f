"""What is counted of the database, for metrics: samples as SQL counts them, and seconds by bucket."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from psycopg.rows import class_row

from reingest.store.database import Connection, database_errors
from reingest.store.sql import query


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a series.

    Attributes:
        labels: The label values, in the order in which the series names its labels.
    """

    series: str
    labels: tuple[str, ...]
    value: Decimal


@dataclass(frozen=True, slots=True)
class Seconds:
    """How many stages or runs took as long as one bucket says, and how long they took together.

    Attributes:
        bucket: The index of the first bound that is not exceeded; the number of bounds where all are.
    """

    series: str
    label: str
    bucket: int
    count: int
    sum: Decimal


def metric_samples(connection: Connection) -> list[Sample]:
    """Return every sample of the database at one moment."""
    with database_errors():
        rows = connection.execute(query("metric_samples")).fetchall()
    return [Sample(series, tuple(labels), value) for series, labels, value in rows]


def metric_seconds(connection: Connection, bounds: Sequence[Decimal]) -> list[Seconds]:
    """Return how long stages and runs took, in buckets with these inclusive upper bounds."""
    with database_errors(), connection.cursor(row_factory=class_row(Seconds)) as cursor:
        return cursor.execute(query("metric_seconds"), {"bounds": list(bounds)}).fetchall()
