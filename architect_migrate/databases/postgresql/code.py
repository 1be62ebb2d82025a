"""What code in a statement may do to rows: DO blocks, functions, procedures, and texts that are executed.

A replay runs on empty tables, where a loop over rows does nothing. So what code might write is read in it: the tables
that it names, if it contains a statement that writes, and every table, if such a statement is put together while it
runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.catalog import bodies_of
from architect_migrate.databases.postgresql.statements import significant, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    from architect_migrate.databases.postgresql.statements import Token

_WRITING = frozenset({"copy", "delete", "insert", "merge", "truncate", "update"})
# The words and signs after which a statement begins in code; elsewhere the same words belong to a clause.
_BEFORE = frozenset(
    {"", ";", "(", ">", "analyze", "as", "atomic", "begin", "else", "in", "loop", "query", "then", "verbose"}
)
# What EXECUTE goes on with in the definition of a trigger, and in a GRANT.
_OF_CLAUSE = frozenset({"function", "on", "procedure"})
_READ, _OF_SERVER = frozenset({"plpgsql", "sql"}), frozenset({"c", "internal"})
_BLOCK = frozenset({"begin", "declare"})


@dataclass(frozen=True, slots=True)
class Code:
    """What a text may do: the `names` in it, those of what it `calls`, and whether it `writes` rows.

    `is_dynamic` says that it executes a text of which not all is known, which may write.
    """

    names: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    writes: bool = False
    is_dynamic: bool = False

    def __or__(self, other: Code) -> Code:
        """Return what both together may do."""
        return Code(
            self.names | other.names,
            self.calls | other.calls,
            self.writes or other.writes,
            self.is_dynamic or other.is_dynamic,
        )


def may_write(connection: psycopg.Connection[object], sql: str, tables: Iterable[str]) -> frozenset[str]:
    """Return the tables, of some, whose rows the code in a statement may write."""
    return _tables(_with_bodies(connection, code_in(sql)), tables)


def written_by_functions(connection: psycopg.Connection[object], sql: str, tables: Iterable[str]) -> frozenset[str]:
    """Return the tables, of some, whose rows the functions may write that a statement calls."""
    return _tables(_with_bodies(connection, Code(calls=_calls(significant(sql)))), tables)


def code_in(sql: str) -> Code:
    """Return what a text may do, with the blocks of code that it contains as strings."""
    tokens = significant(sql)
    names = _names(tokens)
    # Which tables refer to those that are emptied does not stand in the text.
    cascades = verb(sql) == "truncate" and "cascade" in names
    found = Code(names, _calls(tokens), any(_begins_writing(tokens)), cascades or any(_is_dynamic(tokens)))
    for token in tokens:
        if token.kind == "string" and (token.text.startswith("$") or verb(_content(token)) in _BLOCK):
            found |= code_in(_content(token))
    return found


def _tables(code: Code, tables: Iterable[str]) -> frozenset[str]:
    if code.is_dynamic:
        return frozenset(tables)
    return code.names & frozenset(tables) if code.writes else frozenset()


def _with_bodies(connection: psycopg.Connection[object], code: Code) -> Code:
    """The same with the functions and procedures of the schema that are called, and those that they call."""
    known: set[str] = set()
    while asked := code.calls - known:
        known |= asked
        for language, body in bodies_of(connection, asked):
            # What a function in another language does is not known; PostgreSQL's own and those in C write no rows.
            code |= code_in(body) if language in _READ else Code(is_dynamic=language not in _OF_SERVER)
    return code


def _names(tokens: list[Token]) -> frozenset[str]:
    return frozenset(token.name for token in tokens if token.kind in {"word", "quoted"})


def _calls(tokens: list[Token]) -> frozenset[str]:
    followed = pairwise(tokens)
    return frozenset(token.name for token, then in followed if token.kind in {"word", "quoted"} and then.text == "(")


def _begins_writing(tokens: list[Token]) -> Iterator[bool]:
    before = ""
    for token in tokens:
        yield token.kind == "word" and token.name in _WRITING and before in _BEFORE
        before = token.name


def _is_dynamic(tokens: list[Token]) -> Iterator[bool]:
    """Whether each token executes a text that writes, or of which the beginning is not known.

    At the beginning of a statement EXECUTE runs one that was prepared, which has been looked at.
    """
    for at, token in enumerate(tokens):
        if at and token.kind == "word" and token.name == "execute" and at + 1 < len(tokens):
            after = [one for one in tokens[at + 1 : at + 4] if one.text not in {"(", "format"}]
            first = after[0] if after else token
            if first.kind == "string":
                yield verb(_content(first)) in {*_WRITING, *_BLOCK, "call", "do", "select", "with", ""}
            else:
                yield first.name not in _OF_CLAUSE


def _content(token: Token) -> str:
    """What is between the quotes of a string."""
    if token.text.startswith("$"):
        tag = token.text[: token.text.index("$", 1) + 1]
        return token.text.removeprefix(tag).removesuffix(tag)
    return token.text[token.text.index("'") + 1 : -1].replace("''", "'")
