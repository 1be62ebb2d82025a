"""Tells whether a value survived in another class, as when its column gets another type."""

from __future__ import annotations

import math

# Up to here every integer has a float of its own.
_EXACT = 2**53


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
