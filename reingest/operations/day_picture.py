"""The picture of a day: an SVG heat strip, one row a BM unit, one column a settlement period.

It has a background of its own, so it reads the same on light and dark pages. Colours are ten classes of viridis, evenly
spaced to the eye and told apart without colour vision; the classes are those of every date, so that two pictures can be
laid side by side. All geometry is whole pixels made from exact fractions: equal content gives equal bytes.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from reingest.calendar import LONDON, SettlementPeriod
from reingest.curtailment.content import Content
from reingest.curtailment.exact import ZERO, plain
from reingest.curtailment.words import (
    COMPLETE_OUTCOMES,
    DEFAULT_DEFINITION,
    DEFINITION_NAMES,
    DefinitionName,
    PeriodOutcome,
)
from reingest.operations.day_grid import DayGrid, UnitRow, day_grid
from reingest.operations.figures_text import counted, energy, money, period_ranges
from reingest.operations.svg import element, escaped, shortened, text

MOST_ROWS: Final = 40
"""Rows at most; the units beyond them share the last one."""

COLOURS: Final = (
    "#fde725",
    "#b5de2b",
    "#6ece58",
    "#35b779",
    "#1f9e89",
    "#26828e",
    "#31688e",
    "#3e4989",
    "#482878",
    "#440154",
)
"""One a class of energy, least first."""

CLASSES: Final = tuple(map(Decimal, (1, 2, 5, 10, 20, 50, 100, 200, 500)))
"""What each class goes up to, MWh of a unit in a period; the last has no end. A large farm makes 200 in a half hour."""

_INK, _QUIET, _BAR, _NEGATIVE = "#1f2937", "#6b7280", "#475569", "#b91c1c"
_PAGE, _FIELD, _GRID = "#ffffff", "#eef0f3", "#cbd5e1"
# Each has its own slant and its own ink, so that neither alone tells them apart.
_HATCHES: Final[Mapping[PeriodOutcome, tuple[str, str]]] = {
    "failed": ("M0 8L8 0", "#b91c1c"),
    "not_published": ("M0 0L8 8", "#6b7280"),
    "not_asked": ("M4 0V8", "#94a3b8"),
}

_MARGIN, _COLUMN, _ROW = 16, 12, 15
_UNIT_WIDTH, _PARTY_WIDTH, _FIGURES_WIDTH = 116, 136, 180
_STRIP_TOP, _STRIP_HEIGHT = 92, 64
_ROWS_TOP = _STRIP_TOP + _STRIP_HEIGHT + 28
_EMPTY_HEIGHT = 5 * _ROW
_HOURS_A_TICK, _CLOCK_WIDTH, _SWATCH = 2, 36, 34
_DASH = 3
_SMALL = 11


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand, in pixels.

    Attributes:
        left: Where the first period begins.
        periods: How many columns there are.
        rows: How many rows.
    """

    left: int
    periods: int
    rows: int

    @property
    def right(self) -> int:
        """Where the last period ends."""
        return self.x(self.periods + 1)

    @property
    def width(self) -> int:
        """The whole picture's."""
        return self.right + _FIGURES_WIDTH + _MARGIN

    @property
    def bottom(self) -> int:
        """Where the rows end."""
        return _ROWS_TOP + (self.rows * _ROW or _EMPTY_HEIGHT)

    def x(self, period: int) -> int:
        """Where a period begins."""
        return self.left + (period - 1) * _COLUMN


@dataclass(frozen=True, slots=True)
class _Note:
    """A line of the legend: what a fill, or a dash, means."""

    fill: str
    words: str
    height: int = 12


def day_picture(
    content: Content,
    lead_parties: Mapping[str, str | None] | None = None,
    definition: DefinitionName = DEFAULT_DEFINITION,
) -> str:
    """Return the picture of a date's content as an SVG document.

    Args:
        content: What a version, or a run, says of the date.
        lead_parties: Lead party by BM unit id, written beside the units.
        definition: Which records count.

    Raises:
        KeyError: the content has no totals by that definition, because a side was not fetched.
        ValueError: a record stands in a period that the date does not have.
    """
    grid = day_grid(content, definition, MOST_ROWS)
    left = _MARGIN + _UNIT_WIDTH + (_PARTY_WIDTH if lead_parties else 0)
    layout = _Layout(left, len(grid.periods), len(grid.rows))
    notes = _notes(grid)
    legend_top = layout.bottom + (52 if grid.rows else 16)
    height = legend_top + 12 + 18 * len(notes)
    page = element("rect", width=layout.width, height=height, rx=8, fill=_PAGE)
    drawn = (
        *_heading(grid, content),
        *_fields(layout),
        *_hatched(grid, layout),
        *_clock(grid.periods, layout),
        *_strip(grid, layout),
        *_cells(grid, layout),
        *_labels(grid, layout, lead_parties or {}),
        *(_scale(layout) if grid.rows else ()),
        *_legend(notes, legend_top),
    )
    return _document("\n".join([*_head(grid), page, *drawn]), layout.width, height)


def _head(grid: DayGrid) -> Iterator[str]:
    """Yield what stands before everything that is drawn: words for those who cannot see it, and the hatches."""
    yield element("title", escaped(_title(grid)))
    yield element("desc", escaped(_summary(grid)))
    yield element("defs", "".join(map(_pattern, _HATCHES)))


def _document(parts: str, width: int, height: int) -> str:
    return element(
        "svg",
        f"\n{parts}\n",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        font_family="Inter, system-ui, sans-serif",
        font_size=12,
        fill=_INK,
        role="img",
    )


def _title(grid: DayGrid) -> str:
    return f"Wind curtailment on {grid.settlement_date}, {grid.definition}"


def _summary(grid: DayGrid) -> str:
    totals, missing = grid.totals, len(grid.periods) - _known(grid)
    pays = " (paid by the units)" if totals.payment_gbp < 0 else ""
    where = f"{counted(totals.bm_units, 'BM unit')} and {counted(totals.periods, 'period')}"
    lacking = f"; {missing} of {len(grid.periods)} periods missing" if missing else ""
    return f"{energy(totals.energy_mwh)} MWh, {money(totals.payment_gbp)}{pays} in {where}{lacking}"


def _known(grid: DayGrid) -> int:
    """Return of how many periods something is known, zero among it."""
    return sum(outcome in COMPLETE_OUTCOMES for outcome in grid.outcomes.values())


def _heading(grid: DayGrid, content: Content) -> Iterator[str]:
    yield text(_MARGIN, 30, _title(grid), font_size=18, font_weight=600)
    yield text(_MARGIN, 51, _summary(grid), font_size=13, fill=_payment_ink(grid.totals.payment_gbp))
    others = [
        f"{name}: {energy(totals.energy_mwh)} MWh, {money(totals.payment_gbp)}"
        for name in DEFINITION_NAMES
        if name != grid.definition and (totals := content.totals.get(name))
    ]
    yield text(_MARGIN, 69, "; ".join(others), font_size=_SMALL, fill=_QUIET)


def _fields(layout: _Layout) -> Iterator[str]:
    """Draw the ground of strip and rows: what is bare is zero."""
    for top, bottom in ((_STRIP_TOP, _STRIP_TOP + _STRIP_HEIGHT), (_ROWS_TOP, layout.bottom)):
        yield element("rect", x=layout.left, y=top, width=layout.right - layout.left, height=bottom - top, fill=_FIELD)


def _pattern(outcome: PeriodOutcome) -> str:
    line, ink = _HATCHES[outcome]
    path = element("path", d=line, stroke=ink, stroke_width=2, fill="none")
    return element("pattern", path, id=outcome, width=8, height=8, patternUnits="userSpaceOnUse")


def _hatched(grid: DayGrid, layout: _Layout) -> Iterator[str]:
    """Draw the periods of which nothing is known, so that they do not pass for zero."""
    for period, outcome in grid.outcomes.items():
        if outcome not in COMPLETE_OUTCOMES:
            for top, bottom in ((_STRIP_TOP, _STRIP_TOP + _STRIP_HEIGHT), (_ROWS_TOP, layout.bottom)):
                yield element(
                    "rect",
                    x=layout.x(period),
                    y=top,
                    width=_COLUMN,
                    height=bottom - top,
                    fill=f"url(#{outcome})",
                    class_="hole",
                )


def _clock(periods: Sequence[SettlementPeriod], layout: _Layout) -> Iterator[str]:
    """Draw the local times of even hours between strip and rows, and where the clocks change."""
    baseline, free = _ROWS_TOP - 10, 0
    for period in periods:
        begins, x = period.start.astimezone(LONDON), layout.x(period.number)
        if begins.minute == 0 and begins.hour % _HOURS_A_TICK == 0:
            yield _tick(x, layout)
            if x >= free:  # on a 46-period day 02:00 comes an hour after 00:00
                yield text(
                    x, baseline, f"{begins:%H:%M}", text_anchor="middle", font_size=_SMALL, fill=_QUIET, class_="clock"
                )
                free = x + _CLOCK_WIDTH
        change = begins.utcoffset() != period.end.astimezone(LONDON).utcoffset()
        if change and period.number < len(periods):
            yield from _clock_change(period, layout)
    yield text(layout.right, baseline, "24:00", text_anchor="middle", font_size=_SMALL, fill=_QUIET)


def _tick(x: int, layout: _Layout) -> str:
    path = f"M{x} {_STRIP_TOP}v{_STRIP_HEIGHT}M{x} {_ROWS_TOP}V{layout.bottom}"
    return element("path", d=path, stroke=_GRID, stroke_width=1)


def _clock_change(last_before: SettlementPeriod, layout: _Layout) -> Iterator[str]:
    x = layout.x(last_before.number + 1)
    before, after = last_before.start.astimezone(LONDON), last_before.end.astimezone(LONDON)
    back = after.hour <= before.hour
    words = "01:00 to 02:00 comes twice" if back else "01:00 to 02:00 does not exist"
    yield element("path", d=f"M{x} {_STRIP_TOP - 8}V{layout.bottom}", stroke=_INK, stroke_dasharray="3 3")
    yield text(x + 4, _STRIP_TOP - 3, f"clocks go {'back' if back else 'forward'}: {words}", font_size=_SMALL)


def _strip(grid: DayGrid, layout: _Layout) -> Iterator[str]:
    """Draw each period's energy as a bar, with the largest one named."""
    energies = {period: totals.energy_mwh for period, totals in grid.by_period.items()}
    highest, lowest = max(ZERO, *energies.values()), min(ZERO, *energies.values())
    yield text(_MARGIN, _STRIP_TOP + 10, "MWh, all units", font_size=_SMALL, fill=_QUIET)
    if highest == lowest:
        return
    peak = max(energies, key=lambda period: (energies[period], -period))
    begins = grid.periods[peak - 1].start.astimezone(LONDON)
    yield text(_MARGIN, _STRIP_TOP + 26, energy(energies[peak]))
    yield text(_MARGIN, _STRIP_TOP + 40, f"at {begins:%H:%M}, period {peak}", font_size=_SMALL, fill=_QUIET)
    pixels = Fraction(_STRIP_HEIGHT) / (Fraction(highest) - Fraction(lowest))
    zero = _STRIP_TOP + round(Fraction(highest) * pixels)
    for period, mwh in energies.items():
        if mwh:
            yield _bar(layout.x(period), zero, Fraction(mwh) * pixels)
        if grid.by_period[period].payment_gbp < 0:
            mark = f"M{layout.x(period) + 1} {_STRIP_TOP + _STRIP_HEIGHT + 3}h{_COLUMN - 2}"
            yield element("path", d=mark, stroke=_NEGATIVE, stroke_width=3, class_="pays")


def _bar(x: int, zero: int, height: Fraction) -> str:
    """Draw a bar up from zero, or down; however little it is, it shows."""
    pixels = max(1, round(height if height > 0 else -height))
    top = zero - pixels if height > 0 else zero
    return element("rect", x=x + 1, y=top, width=_COLUMN - 2, height=pixels, fill=_BAR, class_="bar")


def _cells(grid: DayGrid, layout: _Layout) -> Iterator[str]:
    """Draw the cells, those of one colour as one path: a day of a hundred units stays small.

    Below zero there is no colour but a dash, as in a minus sign.
    """
    paths: dict[str, list[str]] = {colour: [] for colour in (*COLOURS, _INK)}
    for number, row in enumerate(grid.rows):
        middle = _ROWS_TOP + number * _ROW + _ROW // 2
        for period, mwh in row.energy_mwh.items():
            if mwh:
                colour = COLOURS[bisect_left(CLASSES, mwh)] if mwh > 0 else _INK
                paths[colour].append(f"M{layout.x(period) + 1} {middle}h{_COLUMN - 1}")
    for colour, cells in paths.items():
        if cells:
            width = _DASH if colour == _INK else _ROW - 1
            yield element("path", d="".join(cells), stroke=colour, stroke_width=width, class_="cells")


def _labels(grid: DayGrid, layout: _Layout, lead_parties: Mapping[str, str | None]) -> Iterator[str]:
    if not grid.rows:
        yield _no_curtailment(grid, layout)
        return
    for words, x in (("MWh", layout.right + 80), ("GBP", layout.right + _FIGURES_WIDTH)):
        yield text(x, _ROWS_TOP - 10, words, text_anchor="end", font_size=_SMALL, fill=_QUIET)
    for number, row in enumerate(grid.rows):
        baseline = _ROWS_TOP + number * _ROW + _ROW - 4
        alone = len(row.bm_units) == 1
        name = row.bm_units[0] if alone else f"{len(row.bm_units)} more units"
        yield text(_MARGIN, baseline, shortened(name, 15), fill=_payment_ink(row.totals.payment_gbp), class_="unit")
        party = lead_parties.get(row.bm_units[0]) if alone else None
        if party:
            yield text(_MARGIN + _UNIT_WIDTH, baseline, shortened(party, 20), font_size=_SMALL, fill=_QUIET)
        yield from _figures(row, layout.right, baseline)


def _figures(row: UnitRow, right: int, baseline: int) -> Iterator[str]:
    totals = row.totals
    yield text(right + 80, baseline, energy(totals.energy_mwh), text_anchor="end", class_="mwh")
    yield text(
        right + _FIGURES_WIDTH,
        baseline,
        money(totals.payment_gbp),
        text_anchor="end",
        fill=_payment_ink(totals.payment_gbp),
    )


def _no_curtailment(grid: DayGrid, layout: _Layout) -> str:
    known, periods = _known(grid), len(grid.periods)
    words = "no curtailment" if known == periods else f"no curtailment in the {known} of {periods} periods at hand"
    middle = (layout.left + layout.right) // 2, (_ROWS_TOP + layout.bottom) // 2 + 5
    # The page shows around the letters, so that they read on hatching too.
    halo = {"stroke": _PAGE, "stroke_width": 6, "paint_order": "stroke"}
    return text(*middle, words, text_anchor="middle", font_size=15, **halo)


def _scale(layout: _Layout) -> Iterator[str]:
    """Draw the colours with the energy that they stand for."""
    top = layout.bottom + 14
    yield text(_MARGIN, top + 10, "MWh, one unit", font_size=_SMALL, fill=_QUIET)
    for number, (colour, above) in enumerate(zip(COLOURS, (ZERO, *CLASSES), strict=True)):
        x = layout.left + number * _SWATCH
        yield element("rect", x=x, y=top, width=_SWATCH, height=12, fill=colour)
        yield text(x, top + 25, plain(above), text_anchor="middle", font_size=_SMALL, fill=_QUIET)


def _notes(grid: DayGrid) -> list[_Note]:
    """Return what the legend must explain, beside the colours: only what the picture has."""
    notes = []
    for outcome in _HATCHES:
        periods = [period for period, found in grid.outcomes.items() if found == outcome]
        if periods:
            noun = "period" if len(periods) == 1 else "periods"
            words = f"{outcome.replace('_', ' ')}: {noun} {period_ranges(periods)}"
            notes.append(_Note(f"url(#{outcome})", words))
    if any(totals.payment_gbp < 0 for totals in (*grid.by_period.values(), *(row.totals for row in grid.rows))):
        notes.append(_Note(_NEGATIVE, "payment below zero: the unit pays"))
    if any(mwh < 0 for row in grid.rows for mwh in row.energy_mwh.values()):
        notes.append(_Note(_INK, "energy below zero: offers undid more than bids took", _DASH))
    return notes


def _legend(notes: Sequence[_Note], top: int) -> Iterator[str]:
    for number, note in enumerate(notes):
        middle = top + 18 * number + 6
        yield element("rect", x=_MARGIN, y=middle - note.height // 2, width=22, height=note.height, fill=note.fill)
        yield text(_MARGIN + 30, middle + 4, note.words)


def _payment_ink(payment_gbp: Decimal) -> str:
    return _NEGATIVE if payment_gbp < 0 else _INK
