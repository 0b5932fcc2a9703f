"""Metrics of a site, as Prometheus reads them: what is counted is in `store/sql/metrics.sql`, what it means is here.

Everything is counted from the database at the moment of asking, so no process needs to live for it. A counter falls
only where rows were purged or reset, which Prometheus takes for a restart.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, product
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from reingest import __version__
from reingest.curtailment.witness_rules import VERIFICATIONS
from reingest.curtailment.words import SIDES, PeriodOutcome
from reingest.settings import NOTICE_KINDS
from reingest.store.database import Connection, snapshot
from reingest.store.metrics import Sample, Seconds, metric_samples, metric_seconds
from reingest.store.runs import EXIT_CODES, RunKind
from reingest.store.versions import VersionState

BOUNDS: Final = tuple(map(Decimal, ("0.01", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "300")))
"""Upper bounds of the buckets of seconds."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series.

    Attributes:
        labels: The names of its labels, each with every value that it can have; those of a label without such a list
            come from the data.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of its labels."""
        return tuple(name for name, _ in self.labels)

    @property
    def always(self) -> Iterator[tuple[str, ...]]:
        """The label values that it has even where nothing was counted yet."""
        return product(*(values for _, values in self.labels))


_KINDS: Final = ("kind", get_args(RunKind))
_OPEN: Final[tuple[str, ...]] = ()
_SOURCE: Final = ("source", _OPEN)

SERIES: Final = (
    Series("reingest_info", "gauge", "Always 1; the version of the code that counted.", (("version", _OPEN),)),
    Series("reingest_runs_total", "counter", "Runs that ended.", (_KINDS, ("outcome", tuple(EXIT_CODES)))),
    Series("reingest_runs_open", "gauge", "Runs without an end: under way, or their process died."),
    Series("reingest_run_seconds", "histogram", "Wall time of runs that ended.", (("kind", _OPEN),)),
    Series("reingest_stage_seconds", "histogram", "Wall time of the stages of runs.", (("stage", _OPEN),)),
    Series("reingest_requests_total", "counter", "Requests to Elexon that were answered."),
    Series("reingest_retries_total", "counter", "Attempts of requests beyond the first."),
    Series("reingest_records_published_total", "counter", "Records of published versions; an unchanged run adds none."),
    Series("reingest_lock_failures_total", "counter", "Runs that ended because another held the date."),
    Series("reingest_lease_waits_total", "counter", "Runs that waited for a date that another held."),
    Series("reingest_lease_wait_seconds_total", "counter", "Seconds that runs waited for a date."),
    Series(
        "reingest_recoveries_total",
        "counter",
        "Runs that took up what a broken-off run had fetched (resumed), and runs whose lease was taken over.",
        (("how", ("resumed", "taken_over")),),
    ),
    Series("reingest_doctor_fixes_total", "counter", "What the doctor mended.", (("finding", _OPEN),)),
    Series(
        "reingest_doctor_findings", "gauge", "What the doctor finds now; only with --doctor.", (("finding", _OPEN),)
    ),
    Series(
        "reingest_dates",
        "gauge",
        "Dates that are served, of these the provisional ones, and dates with a held version that could be published.",
        (("state", ("published", "provisional", "held")),),
    ),
    Series(
        "reingest_verification",
        "gauge",
        "Dates that are served, by what Elexon's other datasets say of them.",
        (("verification", VERIFICATIONS),),
    ),
    Series(
        "reingest_periods",
        "gauge",
        "Settlement periods of the versions served.",
        (("outcome", get_args(PeriodOutcome)), ("side", SIDES)),
    ),
    Series("reingest_staged_dates", "gauge", "Dates of which periods are staged and not published."),
    Series(
        "reingest_staged_idle_seconds",
        "gauge",
        "How long ago anything was staged of the staged date that waits longest; 0 where none is staged.",
    ),
    Series("reingest_versions", "gauge", "Versions there are.", (("state", get_args(VersionState)),)),
    Series("reingest_abandoned_ratio", "gauge", "Share of the versions that were abandoned; 0 without any version."),
    Series(
        "reingest_outbox_facts",
        "gauge",
        "Facts by what became of their delivery to a sink.",
        (("sink", _OPEN), ("state", _OPEN)),
    ),
    Series(
        "reingest_outbox_oldest_pending_seconds",
        "gauge",
        "Age of the oldest fact that a known sink has not got; 0 where it has all of them.",
        (("sink", _OPEN),),
    ),
    Series("reingest_outbox_position", "gauge", "The last position in the feed of changes."),
    Series("reingest_notices_total", "counter", "Notices to people.", (("kind", NOTICE_KINDS),)),
    Series(
        "reingest_notice_deliveries",
        "gauge",
        "Notices by what became of their delivery by a channel.",
        (("channel", _OPEN), ("state", _OPEN)),
    ),
    Series("reingest_gate_slots_total", "counter", "Requests that were let out by the shared rate gate.", (_SOURCE,)),
    Series(
        "reingest_gate_wait_seconds_total",
        "counter",
        "Seconds that requests waited for their slot there, because another was before them.",
        (_SOURCE,),
    ),
    Series(
        "reingest_gate_pauses_total", "counter", "Times that a source had all processes wait (Retry-After).", (_SOURCE,)
    ),
)
"""Every series that there is; docs/metrics.md is made from it."""


def metrics_text(connection: Connection, findings: Mapping[str, int] | None = None) -> str:
    """Return the metrics in Prometheus' text format, all of one moment.

    Args:
        connection: an autocommitting one; it keeps to reading one moment afterwards.
        findings: how often the doctor found what, by the id of the kind; None where it was not asked.

    Raises:
        DatabaseError: Postgres cannot be used.
    """
    with snapshot(connection):
        samples, seconds = metric_samples(connection), metric_seconds(connection, BOUNDS)
    samples.append(Sample("reingest_info", (__version__,), Decimal(1)))
    found = findings or {}
    samples += [Sample("reingest_doctor_findings", (kind,), Decimal(count)) for kind, count in found.items()]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counted(samples, seconds))
    return generate_latest(registry).decode()


class _Counted(Collector):
    """What was counted, as the library's families of metrics."""

    def __init__(self, samples: Iterable[Sample], seconds: Iterable[Seconds]) -> None:
        self._samples: dict[str, dict[tuple[str, ...], Decimal]] = defaultdict(dict)
        for sample in samples:
            self._samples[sample.series][sample.labels] = sample.value
        self._seconds: dict[tuple[str, str], list[Seconds]] = defaultdict(list)
        for one in seconds:
            self._seconds[one.series, one.label].append(one)

    def collect(self) -> Iterator[Metric]:
        """Yield each series with its values."""
        for series in SERIES:
            yield self._histogram(series) if series.kind == "histogram" else self._values(series)

    def _values(self, series: Series) -> Metric:
        kind = CounterMetricFamily if series.kind == "counter" else GaugeMetricFamily
        family = kind(series.name, series.meaning, labels=series.label_names)
        values = dict.fromkeys(series.always, Decimal(0)) | self._samples[series.name]
        for labels, value in sorted(values.items()):
            family.add_metric(labels, float(value))
        return family

    def _histogram(self, series: Series) -> Metric:
        family = HistogramMetricFamily(series.name, series.meaning, labels=series.label_names)
        for (name, label), parts in sorted(self._seconds.items()):
            if name == series.name:
                family.add_metric([label], _buckets(parts), float(sum(part.sum for part in parts)))
        return family


def _buckets(parts: Sequence[Seconds]) -> list[tuple[str, float]]:
    """Return upper bounds with how many took no longer, the last one unbounded."""
    counts = {part.bucket: part.count for part in parts}
    cumulated = accumulate(counts.get(bucket, 0) for bucket in range(len(BOUNDS) + 1))
    return list(zip([*map(str, BOUNDS), "+Inf"], map(float, cumulated), strict=True))
