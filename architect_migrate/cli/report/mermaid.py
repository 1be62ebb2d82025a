"""An entity diagram of some tables in Mermaid's language: their keys, and what refers to what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.model.schema import Column, ForeignKey, Table

# Words that Mermaid takes for kinds of keys where a column's name is wanted, and the letter by which it hides numbers.
_HIDING = "\N{LATIN SMALL LIGATURE FL}"
_KEY_WORDS = re.compile(r"pk|fk|uk", re.IGNORECASE)


def diagram(tables: Iterable[Table], others: Iterable[Table]) -> str:
    """The tables with the columns of their keys and every reference between them and to the `others` around them."""
    inside, outside = list(tables), list(others)
    shown = {each.name: each for each in (*inside, *outside)}
    lines = ["erDiagram"]
    for table in inside:
        lines += _entity(table, _keys(table))
    for table in outside:
        lines += _entity(table, dict.fromkeys(table.primary_key, "PK"))
    for table in inside:
        for reference in references(table):
            parent = shown.get(reference.parent)
            lines.append(_relation(table, reference, parent.spelling or parent.name if parent else reference.parent))
    return "\n".join(lines)


def references(table: Table) -> list[ForeignKey]:
    """A table's foreign keys in an order that does not change."""
    return sorted(table.foreign_keys, key=lambda key: (key.columns, key.parent, key.parent_columns))


def _keys(table: Table) -> dict[str, str]:
    """The columns that belong to a key, and to which kinds of key."""
    found: dict[str, list[str]] = {name: ["PK"] for name in table.primary_key}
    for reference in references(table):
        for column in reference.columns:
            kinds = found.setdefault(column, [])
            kinds += ["FK"] if "FK" not in kinds else []
    for unique in sorted(table.uniques):
        if len(unique) == 1:
            found.setdefault(unique[0], []).append("UK")
    return {column: ", ".join(kinds) for column, kinds in found.items()}


def _entity(table: Table, keys: dict[str, str]) -> Iterator[str]:
    lines = [f"        {_attribute(column, keys[column.name])}" for column in table.columns if column.name in keys]
    name = f"    {_text(table.spelling or table.name)}"
    yield from (f"{name} {{", *lines, "    }") if lines else (name,)


def _attribute(column: Column, kinds: str) -> str:
    name = column.spelling or column.name
    word = _word(name, "")
    comment = f" {_text(name)}" if word != name else ""
    return f"{_word(column.declared, '()')} {word} {kinds}{comment}"


def _relation(table: Table, each: ForeignKey, parent: str) -> str:
    """Who refers may be many, or one where its columns are a key; it refers to one, or to none where it may be NULL."""
    mine = {column.name: column for column in table.columns}
    filled = all(mine[name].not_null for name in each.columns if name in mine)
    key = tuple(sorted(each.columns))
    single = key in table.uniques or key == tuple(sorted(table.primary_key))
    ends = f"{'||' if filled else '|o'}--{'o|' if single else 'o{'}"
    return f"    {_text(parent)} {ends} {_text(table.spelling or table.name)} : {_text(', '.join(each.columns))}"


def _text(text: str) -> str:
    """Text in quotes; what is neither letter nor digit is written by its number, for many a sign means something.

    Mermaid itself hides such numbers behind one letter while it reads, so that letter is written by its number, too.
    """
    told = "".join(
        character if (character.isalnum() and character != _HIDING) or character == "_" else f"#{ord(character)};"
        for character in text or "(empty)"
    )
    return f'"{told}"'


def _word(text: str, also: str) -> str:
    """A word as Mermaid takes it for a type or a column: what else the text holds becomes an underscore."""
    word = (
        "".join(
            character if (character.isascii() and character.isalnum()) or character in also else "_"
            for character in text
        )
        or "_"
    )
    word = word if word[0].isalpha() or word[0] == "_" else f"_{word}"
    return f"{word}_" if _KEY_WORDS.fullmatch(word) else word
