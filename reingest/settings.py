"""Settings: defaults, `reingest.toml`, the environment and flags, in rising order.

| setting | environment | meaning |
|---|---|---|
| `home` | `REINGEST_HOME` | data, archive, embedded database |
| `database_url` | `DATABASE_URL` | a Postgres of your own; without it the embedded one is used |
| `prefect_database_url` | `REINGEST_PREFECT_DATABASE_URL` | Prefect's own; without it `prefect` beside Reingest's |
| `elexon_url` | `REINGEST_ELEXON_URL` | base of the Insights API |
| `requests_per_second` | `REINGEST_REQUESTS_PER_SECOND` | even pacing; 0 = none |
| `rate_gate` | `REINGEST_RATE_GATE` | who keeps the rate: each `process` alone, or all processes together (`shared`) |
| `concurrency` | `REINGEST_CONCURRENCY` | requests in flight at most |
| `request_timeout_seconds` | `REINGEST_REQUEST_TIMEOUT_SECONDS` | one attempt of one request |
| `attempts` | `REINGEST_ATTEMPTS` | attempts of one request at most |
| `fetch_budget_seconds` | `REINGEST_FETCH_BUDGET_SECONDS` | all requests of one run |
| `witnesses` | `REINGEST_WITNESSES` | `on` asks Elexon's other datasets about each date; `off` leaves them out |
| `witness_policy` | `REINGEST_WITNESS_POLICY` | what a difference does: `hold` the date, or `warn` |
| `witness_patience_seconds` | `REINGEST_WITNESS_PATIENCE_SECONDS` | how long to wait for them when all else is there |
| `ca_bundle` | `REINGEST_CA_BUNDLE` | certificates to trust instead of the shipped ones |
| `lease_ttl_seconds` | `REINGEST_LEASE_TTL_SECONDS` | how long a silent holder keeps a date, 2 s to an hour |
| `webhook_url` | `REINGEST_WEBHOOK_URL` | where facts are posted after a publish; kept secret |
| `webhook_timeout_seconds` | `REINGEST_WEBHOOK_TIMEOUT_SECONDS` | one attempt of one post |
| `outbox_log` | `REINGEST_OUTBOX_LOG` | a file to which facts are appended after a publish, one JSON object a line |
| `prefect_events` | `REINGEST_PREFECT_EVENTS` | `on`: facts are told to Prefect as events, too, by its flows |
| `alert_webhook_url` | `REINGEST_ALERT_WEBHOOK_URL` | where Prefect tells of failed and held runs; kept secret |
| `outbox_attempts` | `REINGEST_OUTBOX_ATTEMPTS` | attempts to deliver one fact, after which it is a dead letter |
| `outbox_retry_seconds` | `REINGEST_OUTBOX_RETRY_SECONDS` | wait after the first failure; doubles up to an hour |
| `reconcile_policy` | `REINGEST_RECONCILE_POLICY` | a date found to differ: `report` it, or `repair` it |
| `reconcile_within_gbp` | `REINGEST_RECONCILE_WITHIN_GBP` | a repair that moves its payment further is held |
| `reconcile_within_mwh` | `REINGEST_RECONCILE_WITHIN_MWH` | a repair that moves its energy further is held |
| `reconcile_window_days` | `REINGEST_RECONCILE_WINDOW_DAYS` | how far back a missing date is due |
| `notice_webhook_url` | `REINGEST_NOTICE_WEBHOOK_URL` | where notices to people are posted as JSON; kept secret |
| `slack_url` | `REINGEST_SLACK_URL` | an incoming webhook of Slack, or of what takes its messages; kept secret |
| `notice_from` | `REINGEST_NOTICE_FROM` | the sender of notices by e-mail |
| `notice_to` | `REINGEST_NOTICE_TO` | who gets them, separated by commas |
| `smtp_url` | `REINGEST_SMTP_URL` | the mail server, smtp:// or smtps://user:password@host:port; kept secret |
| `notice_kinds` | `REINGEST_NOTICE_KINDS` | which notices are delivered: kinds separated by commas, or `all` |
| `log_level` | `REINGEST_LOG_LEVEL` | DEBUG, INFO, WARNING or ERROR |

The file is `reingest.toml` in the working folder, or the one that `REINGEST_CONFIG` names. An unknown key is refused.
"""

import os
import tomllib
from collections.abc import Mapping
from contextvars import ContextVar
from decimal import Decimal
from email.utils import getaddresses
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from reingest.errors import BadSetting

ELEXON_URL = "https://data.elexon.co.uk/bmrs/api/v1"
CONFIG_FILE = "reingest.toml"
ADDRESS_SETTINGS = frozenset({"webhook_url", "alert_webhook_url", "notice_webhook_url", "slack_url", "smtp_url"})
"""Secret ones of which only the host may be shown: their path is often a token."""
SECRET_SETTINGS = frozenset({"database_url", "prefect_database_url", *ADDRESS_SETTINGS})

WitnessPolicy = Literal["hold", "warn"]
"""What becomes of a date whose witnesses contradict it."""
ReconcilePolicy = Literal["report", "repair"]
"""What becomes of a date that a reconciliation finds to differ."""
NoticeKind = Literal["date_held", "date_failed", "range_ended", "history_changed", "doctor_findings", "dead_letters"]
"""What people may be told of: see docs/notices.md."""
NOTICE_KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Origin = Literal["default", "file", "environment", "flag"]

_flags: ContextVar[Mapping[str, object]] = ContextVar("reingest_flags", default=MappingProxyType({}))


def default_home() -> Path:
    """Return the folder for data where none is set: `$XDG_DATA_HOME/reingest`, or its usual place."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "reingest"


class Settings(BaseModel):
    """The settings in force. Seconds are seconds, rates are per second, paths are absolute."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    home: Path = Field(default_factory=default_home)
    database_url: str | None = None
    prefect_database_url: str | None = None
    elexon_url: str = Field(default=ELEXON_URL, pattern=r"^https?://")
    requests_per_second: float = Field(default=20.0, ge=0, le=1000)
    rate_gate: Literal["process", "shared"] = "process"
    concurrency: int = Field(default=10, ge=1, le=100)
    request_timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    attempts: int = Field(default=5, ge=1, le=20)
    fetch_budget_seconds: float = Field(default=900.0, gt=0)
    witnesses: Literal["on", "off"] = "on"
    witness_policy: WitnessPolicy = "hold"
    witness_patience_seconds: float = Field(default=20.0, ge=0, le=600)
    ca_bundle: Path | None = None
    lease_ttl_seconds: float = Field(default=60.0, ge=2, le=3600)
    webhook_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]")
    webhook_timeout_seconds: float = Field(default=10.0, gt=0, le=300)
    outbox_log: Path | None = None
    prefect_events: Literal["on", "off"] = "off"
    alert_webhook_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]")
    outbox_attempts: int = Field(default=12, ge=1, le=100)
    outbox_retry_seconds: float = Field(default=10.0, gt=0, le=3600)
    reconcile_policy: ReconcilePolicy = "repair"
    reconcile_within_gbp: Decimal | None = Field(default=None, ge=0)
    reconcile_within_mwh: Decimal | None = Field(default=None, ge=0)
    reconcile_window_days: int = Field(default=35, ge=0, le=3660)
    notice_webhook_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]")
    slack_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]")
    notice_from: str | None = None
    notice_to: str | None = None
    smtp_url: str | None = Field(default=None, pattern=r"^smtps?://[^\s/]")
    notice_kinds: str = "all"
    log_level: LogLevel = "WARNING"

    @field_validator("home", "outbox_log")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        """Make the path absolute, so that a later change of folder moves nothing."""
        return path and path.expanduser().absolute()

    @field_validator("notice_from", "notice_to")
    @classmethod
    def _of_addresses(cls, text: str | None) -> str | None:
        """Take a list of e-mail addresses, with or without names."""
        if text is not None and not all("@" in address for _, address in getaddresses([text])):
            raise ValueError("not an e-mail address, or several separated by commas")
        return text

    @field_validator("smtp_url")
    @classmethod
    def _with_addresses(cls, url: str | None, info: ValidationInfo) -> str | None:
        """Take a mail server only with a sender and somebody to send to."""
        if url is not None and not (info.data.get("notice_from") and info.data.get("notice_to")):
            raise ValueError("a mail server needs notice_from and notice_to")
        return url

    @field_validator("notice_kinds")
    @classmethod
    def _of_kinds(cls, text: str) -> str:
        """Take `all`, or kinds that there are."""
        if unknown := _words(text) - {*NOTICE_KINDS, "all"}:
            raise ValueError(f"there is no {', '.join(sorted(unknown))}; there is all, or {', '.join(NOTICE_KINDS)}")
        return text

    @property
    def noticed_kinds(self) -> tuple[NoticeKind, ...]:
        """Which notices are delivered."""
        wanted = _words(self.notice_kinds)
        return tuple(kind for kind in NOTICE_KINDS if kind in wanted or "all" in wanted)

    @property
    def archive_folder(self) -> Path:
        """Where payloads are archived."""
        return self.home / "archive"

    @property
    def prefect_folder(self) -> Path:
        """Where everything of Prefect is kept: its home, its logs, the addresses of what is up."""
        return self.home / "prefect"

    @property
    def backups_folder(self) -> Path:
        """Where backups are written, each with its manifest."""
        return self.home / "backups"

    @property
    def postgres_folder(self) -> Path:
        """Where the embedded server keeps its data."""
        return self.home / "postgres"


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


class LoadedSettings(BaseModel):
    """Settings with the origin of each value."""

    model_config = ConfigDict(frozen=True)

    settings: Settings
    origins: dict[str, Origin]


def environment_name(setting: str) -> str:
    """Return the environment variable of a setting."""
    return "DATABASE_URL" if setting == "database_url" else f"REINGEST_{setting.upper()}"


def use_flags(**flags: object) -> None:
    """Put the command line's global flags in force for every later `load_settings`; None is no flag."""
    _flags.set(MappingProxyType({name: value for name, value in flags.items() if value is not None}))


def load_settings(**flags: object) -> Settings:
    """Return the settings in force; a flag that is None does not count.

    Raises:
        BadSetting: an unknown key, or a value out of its bounds; it names the setting and its origin.
    """
    return load_settings_with_origins(**flags).settings


def load_settings_with_origins(**flags: object) -> LoadedSettings:
    """Return the settings in force with the origin of each.

    Raises:
        BadSetting: an unknown key, or a value out of its bounds; it names the setting and its origin.
    """
    layers: list[tuple[Origin, dict[str, Any]]] = [
        ("file", _from_file()),
        ("environment", _from_environment()),
        ("flag", {**_flags.get(), **{name: value for name, value in flags.items() if value is not None}}),
    ]
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = dict.fromkeys(Settings.model_fields, "default")
    for origin, layer in layers:
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    try:
        return LoadedSettings(settings=Settings.model_validate(values), origins=origins)
    except ValidationError as error:
        raise BadSetting(_explain(error, origins)) from error


def _from_environment() -> dict[str, str]:
    names = {name: environment_name(name) for name in Settings.model_fields}
    return {name: os.environ[variable] for name, variable in names.items() if os.environ.get(variable)}


def _from_file() -> dict[str, Any]:
    named = os.environ.get("REINGEST_CONFIG")
    path = Path(named or CONFIG_FILE)
    if not path.is_file():
        if named:
            raise BadSetting(f"REINGEST_CONFIG names {path}, which is not a file")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path} is not TOML: {error}") from error


def _explain(error: ValidationError, origins: dict[str, Origin]) -> str:
    faults = []
    for fault in error.errors():
        name = str(fault["loc"][0])
        faults.append(f"{name} (from {origins.get(name, 'file')}): {fault['msg']}")
    return "; ".join(faults)
