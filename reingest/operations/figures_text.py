"""Figures and periods for people: rounded for reading, never for storing; half to even, and no negative zero."""

from collections.abc import Iterable
from decimal import Decimal


def money(value: Decimal) -> str:
    """Return GBP: two places, thousands separated, the sign before the pound."""
    text = f"{value:z,.2f}"
    return f"-£{text[1:]}" if text.startswith("-") else f"£{text}"


def signed_money(value: Decimal) -> str:
    """Return a difference in GBP, with its sign."""
    text = f"{value:+z,.2f}"
    return f"{text[0]}£{text[1:]}"


def energy(value: Decimal) -> str:
    """Return MWh: three places, thousands separated."""
    return f"{value:z,.3f}"


def signed_energy(value: Decimal) -> str:
    """Return a difference in MWh, with its sign."""
    return f"{value:+z,.3f}"


def bitcoin(value: Decimal) -> str:
    """Return BTC: eight places, which is one satoshi."""
    return f"{value:z,.8f}"


def counted(number: int, noun: str) -> str:
    """Return a number of things, such as `1 period` or `48 periods`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def period_ranges(periods: Iterable[int]) -> str:
    """Return period numbers as a person writes them, such as `1-4,17`."""
    runs: list[list[int]] = []
    for number in sorted(periods):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
