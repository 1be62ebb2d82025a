"""SQLite's type rules for declared types and constant defaults, as pure functions."""

from __future__ import annotations

from functools import lru_cache

from architect_migrate.core.names import literal
from architect_migrate.databases.sqlite.sql.lexer import canonical, significant, unquote

# "Determination of column affinity" of SQLite's documentation, in its order: the first that applies decides.
_BY_WORD = (
    ("INT", "INTEGER"),
    ("CHAR", "TEXT"),
    ("CLOB", "TEXT"),
    ("TEXT", "TEXT"),
    ("BLOB", "BLOB"),
    ("REAL", "REAL"),
    ("FLOA", "REAL"),
    ("DOUB", "REAL"),
)
_KEYWORD_CONSTANTS = {"true": 1, "false": 0}


@lru_cache(maxsize=1024)
def affinity_of(declared: str) -> str:
    """The affinity of a declared type by SQLite's rules: INTEGER, TEXT, BLOB, REAL or NUMERIC."""
    upper = declared.upper()
    if not upper.strip():
        return "BLOB"
    return next((affinity for word, affinity in _BY_WORD if word in upper), "NUMERIC")


@lru_cache(maxsize=4096)
def canonical_default(text: str | None, affinity: str) -> str | None:
    """One text for all defaults that store the same value; None for no default.

    A constant is written as the column stores it, anything else in canonical form: `DEFAULT NULL` is no default, `'0'`
    in an INTEGER column is 0, and `(datetime('now'))` is CURRENT_TIMESTAMP.
    """
    if text is None:
        return None
    plain = canonical(text)
    if plain == "null":
        return None
    if plain == "datetime ( 'now' )":
        return "current_timestamp"
    constant = _constant(plain)
    if constant is None:
        return plain.lower() if [token.kind for token in significant(plain)] == ["blob"] else plain
    return _stored(constant, affinity)


def _constant(plain: str) -> int | float | str | None:
    """The value of a literal; None for anything else (blobs and expressions are compared as text)."""
    tokens = significant(plain)
    sign, tokens = _sign(tokens[0].text, tokens) if tokens else (1, tokens)
    if len(tokens) != 1:
        return None
    kind, text = tokens[0].kind, tokens[0].text
    if kind == "number":
        return sign * _number(text)
    if kind == "string":
        return unquote(text)
    # An unquoted word is a string to SQLite, a quoted name in a default likewise: only keywords mean something else.
    if kind == "word" and text in _KEYWORD_CONSTANTS:
        return _KEYWORD_CONSTANTS[text]
    if kind in {"word", "quoted"} and not text.startswith("current_"):
        return unquote(text)
    return None


def _sign(first: str, tokens: list) -> tuple[int, list]:  # type: ignore[type-arg]  # tokens are passed through
    if first in {"+", "-"} and len(tokens) > 1 and tokens[1].kind == "number":
        return (-1 if first == "-" else 1), tokens[1:]
    return 1, tokens


def _number(text: str) -> int | float:
    digits = text.replace("_", "")
    if digits.startswith("0x"):
        value = int(digits, 16)
        return value - 2**64 if value in range(2**63, 2**64) else value
    return int(digits) if digits.isdigit() else float(digits)


def _stored(value: float | str, affinity: str) -> str:
    """A constant as a column of this affinity stores it, written as a literal."""
    value = stored_value(value, affinity)
    return literal(value) if isinstance(value, str) else repr(value)


def stored_value(value: float | str, affinity: str) -> float | str:
    """What a column of this affinity stores for a value."""
    if affinity in {"INTEGER", "NUMERIC", "REAL"} and isinstance(value, str):
        value = _as_number(value)
    if not isinstance(value, str):
        value = _fitting(value)
    if affinity == "TEXT" and not isinstance(value, str):
        value = _as_text(value)
    if affinity == "REAL" and not isinstance(value, str):
        value = float(value)
    if affinity in {"INTEGER", "NUMERIC"} and isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        value = int(value)
    return value


def _as_number(text: str) -> int | float | str:
    """Convert text that looks like a number, as NUMERIC affinity does; return other text unchanged."""
    plain = text.strip(" \t\n\v\f\r")
    if not plain or plain[0] not in "+-.0123456789" or "_" in plain or not plain.isascii():
        return text
    for number in (int, float):
        try:
            return number(plain)
        except ValueError:
            continue
    return text


def _fitting(value: float) -> int | float:
    """Convert an integer beyond 64 bits to a floating-point number, as SQLite does; remove the sign of zero."""
    beyond = isinstance(value, int) and value not in range(-(2**63), 2**63)
    return float(value) if beyond else value + 0


def _as_text(value: float) -> str:
    """A number as SQLite stores it in a TEXT column: 15 digits, and a point in every floating-point number."""
    if isinstance(value, int):
        return str(value)
    if value in {float("inf"), float("-inf")}:
        return "Inf" if value > 0 else "-Inf"
    digits, mark, exponent = f"{value:.15g}".partition("e")
    return (digits if "." in digits else f"{digits}.0") + mark + exponent
