"""Rows of the wire, in whatever order and spelling their fields came, as one list of texts a field.

Both formats meet here, so that the same data gives the same rows whichever way it came.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from reingest.elexon.rejects import rejected
from reingest.elexon.requests import Wire

Text = str | None
Group = Mapping[str, Text]
"""The texts of a field that holds fields of its own, by the names that they have on the wire."""

_MOST_USUAL: Final = 64
_LONGEST_USUAL: Final = 4096
"""Layouts of answers of one kind that are remembered, and letters in the names of one."""

NULLS: Final = frozenset({"", "NULL"})
"""Texts that mean no value: an empty element, and the word that Elexon's legacy answers use."""


@dataclass(frozen=True, slots=True)
class WireRows:
    """The rows of one answer.

    Attributes:
        wire: The format in which they came.
        rows: How many.
        columns: For each known field the text of each row, as on the wire; None for null or absent.
        extras: For each row the JSON of its unknown fields, None where it has none.
        unknown_fields: The names of unknown fields, of rows and of the envelope.
        groups: Where a group was asked for, what it holds in each row; else empty.
    """

    wire: Wire
    rows: int
    columns: dict[str, list[Text]]
    extras: list[Text]
    unknown_fields: frozenset[str]
    groups: list[Group]


class RowCollector:
    """Takes rows one by one and turns them into columns.

    A row comes as the names of its fields and their values, in step. Rows of one answer share few orders of
    fields, so the order is worked out once for each.
    """

    def __init__(
        self,
        fields: Iterable[str],
        spelling: Callable[[str], str] = str,
        *,
        group: str | None = None,
        keep_unknown: bool = True,
    ) -> None:
        """Collect these fields; names are matched in any case, after `spelling` took off what is not name.

        Args:
            fields: The fields that become columns.
            spelling: Takes off what is not name.
            group: A field that holds fields of its own; at most one.
            keep_unknown: Whether `extras` are made; where nobody keeps them, they cost half of the reading.
        """
        self._fields = tuple(fields)
        self.group = group
        self._keep_unknown = keep_unknown
        self._spelling = spelling
        self._index = {name.lower(): index for index, name in enumerate((*self._fields, *([group] if group else [])))}
        self._picked: list[tuple[Text, ...]] = []
        self._groups: list[Group] = []
        self._extras: list[Text] = []
        self._unknown: set[str] = set()
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._usual = _usual_layouts(self._fields, group, spelling)
        # No row's names are None, so the first row replaces both.
        self._names: list[str] | None = None
        self._layout = _Layout(itemgetter(0), {}, None)

    def knows(self, name: str) -> bool:
        """Say whether that is one of the fields, in any case."""
        return self._spelling(name).lower() in self._index

    def is_group(self, name: str) -> bool:
        """Say whether that is the field that holds fields of its own, in any case."""
        return self.group is not None and self._spelling(name).lower() == self.group.lower()

    def add(self, names: list[str], values: list[Any]) -> None:
        """Take one row; `values` may grow by one entry. A group is a mapping of texts, or null.

        Raises:
            PayloadRejected: `duplicate_field`, or `unknown_shape` for a row without any known field or without the
                group.
        """
        # Comparing with the row before is several times cheaper than hashing two dozen new strings.
        if names != self._names:
            self._names = names
            self._layout = self._layout_of(tuple(names))
        layout = self._layout
        if layout.group is not None:
            self._groups.append(self._texts(values[layout.group]))
        self._extras.append(layout.unknown_json(values) if layout.unknown else None)
        # What a row lacks is picked from its end.
        values.append(None)
        self._picked.append(layout.pick(values))

    def rows(self, wire: Wire, *, envelope_unknown: Iterable[str] = ()) -> WireRows:
        """Return everything taken so far."""
        columns = [list(column) for column in zip(*self._picked, strict=True)] or [[] for _ in self._fields]
        unknown = frozenset(self._unknown | {camel_case(name) for name in envelope_unknown})
        named = dict(zip(self._fields, columns, strict=True))
        return WireRows(wire, len(self._picked), named, self._extras, unknown, self._groups)

    def _texts(self, group: object) -> Group:
        if group is None:
            return {}
        if not isinstance(group, dict):
            raise rejected("unknown_shape", f"{self.group} of row {len(self._picked)} is one value, not several")
        # Of a dozen fields one or two say anything: the others are not looked at again.
        said = {name: value for name, value in group.items() if value is not None}
        for value in said.values():
            if not isinstance(value, str):
                raise rejected("unknown_shape", f"{self.group} of row {len(self._picked)} holds what is no text")
        return said

    def _layout_of(self, names: tuple[str, ...]) -> "_Layout":
        layout = self._layouts.get(names) or self._usual.get(names)
        if layout is None:
            layout = self._layouts[names] = self._lay_out(names)
            if len(self._usual) < _MOST_USUAL and sum(map(len, names)) < _LONGEST_USUAL and all(map(self.knows, names)):
                self._usual[names] = layout
        return layout

    def _lay_out(self, raw_names: tuple[str, ...]) -> "_Layout":
        names = [self._spelling(name) for name in raw_names]
        repeated = [name for name, count in Counter(name.lower() for name in names).items() if count > 1]
        if repeated:
            raise rejected("duplicate_field", f"row {len(self._picked)} names {', '.join(repeated)} more than once")
        places = [len(names)] * len(self._index)
        unknown: dict[str, int] = {}
        for place, name in enumerate(names):
            index = self._index.get(name.lower())
            if index is None:
                unknown[camel_case(name)] = place
            else:
                places[index] = place
        if len(unknown) == len(names):
            raise rejected("unknown_shape", f"row {len(self._picked)} has no field that Reingest knows")
        self._unknown |= unknown.keys()
        if self.group is None:
            return _Layout(itemgetter(*places), unknown if self._keep_unknown else {}, None)
        *places, group = places
        if group == len(names):
            raise rejected("unknown_shape", f"row {len(self._picked)} has no {self.group}")
        return _Layout(itemgetter(*places), unknown if self._keep_unknown else {}, group)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the fields of one order of fields stand."""

    pick: Callable[[list[Any]], tuple[Text, ...]]
    unknown: dict[str, int]
    group: int | None

    def unknown_json(self, values: list[Any]) -> str:
        return to_json({name: values[place] for name, place in self.unknown.items()})


@lru_cache(maxsize=16)
def _usual_layouts(
    _fields: tuple[str, ...], _group: str | None, _spelling: Callable[[str], str]
) -> dict[tuple[str, ...], _Layout]:
    """Return the layouts that answers of one kind had, to be added to: the next answer has the same.

    Only few, and only such without an unknown field: an answer can make this process remember nothing but that.
    """
    return {}


def to_json(value: object) -> str:
    """Return JSON with its keys in order, so that equal content is equal text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def camel_case(name: str) -> str:
    """Return the name as JSON would spell it: some XML writes the first letter large."""
    return name[:1].lower() + name[1:]
