"""`reingest config`: the settings in force, where each comes from, and whether they work."""

import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import typer

from reingest.cli.arguments import AsCsv, AsJson
from reingest.cli.output import Column, Output
from reingest.errors import BadSetting, ReingestError
from reingest.settings import (
    ADDRESS_SETTINGS,
    SECRET_SETTINGS,
    Settings,
    environment_name,
    load_settings,
    load_settings_with_origins,
)

if TYPE_CHECKING:
    from reingest.store.database import Connection

app = typer.Typer(no_args_is_help=True)

SETTINGS: Final = (
    Column("setting", "setting"),
    Column("value", "value"),
    Column("origin", "from"),
    Column("environment", "environment"),
)
CHECKS: Final = (Column("status", "check"), Column("name", "what"), Column("detail", "detail"))


@dataclass(frozen=True, slots=True)
class SettingCheck:
    """Whether a part of the settings works; `error` is what a run would end with."""

    name: str
    status: Literal["pass", "fail"]
    detail: str
    error: ReingestError | None = None


@app.command()
def show(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Show every setting: its value, where it comes from, and its environment variable."""
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    loaded = load_settings_with_origins()
    rows = [
        {
            "setting": name,
            "value": _shown(name, value),
            "origin": loaded.origins[name],
            "environment": environment_name(name),
        }
        for name, value in loaded.settings
    ]
    output.write(rows, SETTINGS, rows)


@app.command()
def check(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Try the settings: the home, the certificates, the database, its schema, the register. Elexon is not asked."""
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    checks = _checks(load_settings())
    rows = [{"name": one.name, "status": one.status, "detail": one.detail} for one in checks]
    output.write(rows, CHECKS, rows)
    faults = [one.error for one in checks if one.error]
    if faults:
        raise faults[0]


def _checks(settings: Settings) -> list[SettingCheck]:
    tried = [
        _try("home", lambda: _home(settings)),
        _try("ca_bundle", lambda: _ca_bundle(settings)),
    ]
    if settings.outbox_log is not None:
        log = settings.outbox_log
        tried.append(_try("outbox_log", lambda: _outbox_log(log)))
    return [*tried, *_database_checks(settings)]


def _try(name: str, act: Callable[[], str]) -> SettingCheck:
    try:
        return SettingCheck(name, "pass", act())
    except ReingestError as error:
        return SettingCheck(name, "fail", str(error), error)


def _home(settings: Settings) -> str:
    """Look, and make nothing: the home is made by the first run that needs it."""
    there = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise BadSetting(f"home {settings.home} cannot be used: {there} is no folder that can be written")
    return f"{settings.home}{'' if there == settings.home else ', to be made'}"


def _ca_bundle(settings: Settings) -> str:
    if settings.ca_bundle is None:
        return "the certificates that ship"
    try:
        ssl.create_default_context(cafile=str(settings.ca_bundle))
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(f"ca_bundle {settings.ca_bundle} cannot be loaded: {error}") from error
    return str(settings.ca_bundle)


def _outbox_log(path: Path) -> str:
    """Look, and make nothing: the file is made by the first fact."""
    if not os.access(path if path.exists() else path.parent, os.W_OK) or path.is_dir():
        raise BadSetting(f"outbox_log {path} cannot be written; its folder must be there")
    return str(path)


def _database_checks(settings: Settings) -> list[SettingCheck]:
    """Try the database and what it must hold; what needs it is not tried where it does not answer."""
    from reingest.cli.reading import connected

    checks: list[SettingCheck] = []
    try:
        with connected() as connection:
            checks.append(SettingCheck("database", "pass", _origin(settings)))
            checks.append(_try("register", lambda: _register(connection)))
            checks.append(_try("mining", lambda: _mining(connection)))
    except ReingestError as error:
        checks.append(SettingCheck("database", "fail", str(error), error))
    return checks


def _origin(settings: Settings) -> str:
    return "DATABASE_URL" if settings.database_url else f"embedded, in {settings.postgres_folder}"


def _register(connection: "Connection") -> str:
    from reingest.calendar import settlement_date_of
    from reingest.clock import utc_now
    from reingest.store.units import load_register

    register = load_register(connection, settlement_date_of(utc_now()))
    if register is None:
        return "not fetched yet; the first run fetches it"
    return f"{len(register.wind_units):,} wind units"


def _mining(connection: "Connection") -> str:
    from reingest.curtailment.difficulty import known_until
    from reingest.store.mining_inputs import difficulty_epochs

    return f"difficulty known until {known_until(difficulty_epochs(connection)):%Y-%m-%d %H:%MZ}"


def _shown(name: str, value: object) -> object:
    """Return a setting's value for people's eyes: a password or a token is nobody's."""
    if value is None:
        return None
    if name in ADDRESS_SETTINGS:
        return shown_address(str(value))
    if name in SECRET_SETTINGS:
        from reingest.cli.db import without_password

        # SQLAlchemy's addresses name a driver, which libpq would not read as an address.
        return without_password(re.sub(r"^postgresql\+\w+://", "postgresql://", str(value)))
    return str(value)


def shown_address(url: str) -> str:
    """Return what may be shown of a secret address: scheme and host; its path is often a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/…"
