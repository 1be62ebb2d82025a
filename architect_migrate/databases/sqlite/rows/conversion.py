"""Tells whether a value survives in another class, as when its column gets another type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, literal
from architect_migrate.databases.sqlite.rows.exact import of_columns
from architect_migrate.databases.sqlite.sql.affinity import affinity_of, stored_value

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from architect_migrate.databases.sqlite.rows.exact import RowTable

# Up to here every integer has a float of its own.
_EXACT = 2**53
_FUNCTION = "archmig_stored"
_TYPES = """SELECT x.name, CASE WHEN l.strict AND upper(x.type) = 'ANY' THEN '' ELSE x.type END
            FROM pragma_table_list(:name) l, pragma_table_xinfo(:name, 'main') x WHERE l.schema = 'main'"""


def survives(before: object, after: object, codec: str) -> bool:
    """Whether `after` is what another type stores for `before`, and can be turned back into it.

    5 as 5.0 or '5' and back, but neither '007' nor '1e2' as a number. Where `codec` is not utf-8, text comes as its
    stored bytes.
    """
    before, after = _text(before, codec), _text(after, codec)
    match before, after:
        case (int() | float(), int() | float()):
            return before == after and math.copysign(1, before) == math.copysign(1, after)
        case str(), (int() | float()):
            return before in _written(after)
        case ((int() | float()), str()):
            return after in _written(before)
        case _:
            return type(before) is type(after) and before == after


def _text(value: object, codec: str) -> object:
    if not isinstance(value, bytes) or codec == "utf-8":
        return value
    try:
        return value.decode(codec)
    except UnicodeDecodeError:
        return value


def _written(number: float) -> frozenset[str]:
    """How a number is written, by SQLite and by Python, without anything to lose."""
    if isinstance(number, int):
        return frozenset({str(number)})
    short = f"{number:.15g}"
    forms = {repr(number), *((short, f"{short}.0") if float(short) == number else ())}
    if number.is_integer() and abs(number) < _EXACT:
        forms.add(f"{number:.0f}")
    return frozenset(forms)


def as_stored_in(
    before: sqlite3.Connection, after: sqlite3.Connection, new: RowTable, columns: Iterable[tuple[str, str]]
) -> dict[str, str]:
    """SQL, by that for each column as it is, for what its column of the new table stores, where values survive that.

    `columns` are pairs of a name in the table before and its name in the new one. Why a function in Python: in SQL
    0.0 and -0.0 are one, and a conversion says nothing of what it loses.
    """
    affinities = {fold(name): affinity_of(declared) for name, declared in after.execute(_TYPES, {"name": new.name})}
    before.create_function(_FUNCTION, 2, _stored, deterministic=True)
    found = {}
    for old, now in columns:
        (value,) = of_columns((old,))
        # Text that is no number stays as it is, also where it is not valid, and would not come through.
        number = (
            f"typeof({value}) = 'text' AND {value} NOT GLOB '*[^-+.e0-9]*' OR typeof({value}) IN ('integer', 'real')"
        )
        stored = f"{_FUNCTION}({value}, {literal(affinities[fold(now)])})"
        found[value] = f"CASE WHEN {number} THEN {stored} ELSE {value} END"
    return found


def _stored(value: float | str, affinity: str) -> float | str:
    stored = stored_value(value, affinity)
    return stored if survives(value, stored, "utf-8") else value
