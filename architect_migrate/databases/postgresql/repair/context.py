"""What the planning of repairs works with: the schemas, what a person decided, and answers about rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from architect_migrate.core.database_errors import ForbiddenQuestionError, QuestionError
from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.connection import first_line
from architect_migrate.databases.postgresql.pinned import query, taken_back
from architect_migrate.databases.postgresql.repair.beside import where_possible
from architect_migrate.databases.postgresql.repair.dependants import Dependant, Start, beside_of, dependants
from architect_migrate.databases.postgresql.statements import significant
from architect_migrate.diagnosis.resolutions import fill_of
from architect_migrate.diagnosis.suggestions import FromChain
from architect_migrate.planning.row_questions import Answer, DuplicatesOf, RowsIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from architect_migrate.databases.postgresql.pinned import Connection
    from architect_migrate.model.environment import Fill, Repair, Resolution
    from architect_migrate.model.schema import Column, Key, Schema, Table
    from architect_migrate.planning.row_questions import Question

_SIZE = """
    SELECT greatest(c.reltuples, 0)::bigint, pg_size_pretty(pg_table_size(c.oid))
    FROM pg_class c WHERE c.oid = to_regclass(quote_ident(current_schema()) || '.' || %(name)s)"""

_ASSIGNABLE = """
    SELECT o.oid = n.oid OR n.typcategory = 'S' OR EXISTS (
        SELECT FROM pg_cast c WHERE c.castsource = o.oid AND c.casttarget = n.oid AND c.castcontext IN ('a', 'i'))
    FROM pg_type o, pg_type n WHERE o.oid = to_regtype(%(old)s) AND n.oid = to_regtype(%(new)s)"""
_TYPES = frozenset({"domain", "type"})


@dataclass(frozen=True, slots=True)
class RepairContext:
    """The inputs of repair planning: tables as the chain has them and as they are, resolutions, policy, row questions.

    `expected` and `actual` map names to tables, `schemas` are both in full. `ask` answers a question about rows.
    """

    connection: Connection
    actual: Mapping[str, Table]
    expected: Mapping[str, Table]
    schemas: tuple[Schema, Schema]
    resolutions: tuple[Resolution, ...]
    repair: Repair
    ask: Callable[[Question], Answer]
    chain: FromChain = field(default_factory=FromChain)

    @property
    def version(self) -> int:
        """The major version of the server."""
        return self.connection.info.server_version // 10_000

    def column(self, table: str, column: str) -> Column | None:
        """A column of the database; None where the table or the column does not exist."""
        found = self.actual.get(table)
        return next((each for each in found.columns if each.name == column), None) if found else None

    def wanted(self, table: str, column: str) -> Column | None:
        """A column as the chain has it; None where it does not have it."""
        found = self.expected.get(table)
        return next((each for each in found.columns if each.name == column), None) if found else None

    def rows(self, table: str) -> int:
        """The number of rows of a table; 0 where the database does not have the table."""
        return self.ask(RowsIn(table)).count if table in self.actual else 0

    def fill(self, table: str, column: str) -> Fill | None:
        """The entry that says what the rows of a column get."""
        return fill_of(self.resolutions, table, column)

    def in_the_way(self, starts: Iterable[Start]) -> tuple[Dependant, ...]:
        """What depends on something that is to be changed, in the order in which it can be made again."""
        return dependants(self.connection, starts)

    def extras_of(self, start: Start, name: str = "", without: str = "") -> tuple[str, ...]:
        """What gives an object that is made anew, maybe under another name, all that it has but one topic."""
        found = beside_of(self.connection, start, name)
        return tuple(where_possible(each) for each in found if each.topic != without)

    def rebuilt_with(self, start: Start) -> tuple[str, ...]:
        """What a column that gets another type, and what PostgreSQL builds again with it, has to be given again."""
        found = beside_of(self.connection, start._replace(kind="rebuilt"))
        own = tuple(where_possible(each) for each in found if each.topic == "rebuilt")
        return own + self.extras_of(start._replace(kind="rebuilt part"))

    def size(self, table: str) -> str:
        """About how much is written when a table is written anew."""
        rows, size = query(self.connection, _SIZE, {"name": quote(table)}).fetchall()[0]
        counted = f"about {int(rows):,} rows, " if rows else ""
        return f"{table} ({counted}{size})"

    def can_answer(self, question: Question) -> Answer | str:
        """The answer to a question; where the server cannot give it, why not."""
        try:
            return self.ask(question)
        except ForbiddenQuestionError:
            raise
        except QuestionError as error:
            return error.cause

    def refused(self, sql: str) -> str:
        """Why the server does not run a SELECT; empty where it does."""
        try:
            with taken_back(self.connection):
                query(self.connection, sql).fetchall()
        except psycopg.Error as error:
            if self.connection.closed:
                raise
            return first_line(error)
        return ""

    def has_type(self, declared: str) -> bool:
        """Whether the database has a type, and has it as the chain does."""
        actual, expected = ({one.name: one for one in schema.objects if one.kind in _TYPES} for schema in self.schemas)
        names = names_in_full(declared) & expected.keys()
        if any(actual.get(name) != expected[name] for name in names):
            return False
        return not self.refused(f"SELECT NULL::{declared}")

    def is_assignable(self, old: str, new: str) -> bool:
        """Whether a column takes values of another type as they are, or refuses them, but cuts none short."""
        rows = query(self.connection, _ASSIGNABLE, {"old": old, "new": new}).fetchall()
        return bool(rows and rows[0][0])

    def doubled(self, table: str, columns: Key, where: str = "") -> Answer:
        """Count the values of columns that will occur more than once; NULLs do not count.

        For a column that the repair adds, the values that its rows will get are counted: those of the column that it is
        copied from, or its one default.
        """
        if table not in self.actual or not names_in_full(where).isdisjoint(self._added(table)):
            return Answer(0)
        sources = [self._source(table, column) for column in columns]
        if None in sources:
            return Answer(0)
        held = tuple(dict.fromkeys(source for source in sources if source))
        if held:
            found = self.can_answer(DuplicatesOf(table, held, (), where))
            # Of a type without equality, which it is still to lose: then the server refuses what is not unique.
            return found if isinstance(found, Answer) else Answer(0)
        rows = self.rows(table)
        return Answer(1, (f"one default in {rows} rows",)) if rows > 1 else Answer(0)

    def repeated(self, table: str, terms: Iterable[str], where: str, *, nulls: bool) -> int:
        """Count the values of some expressions that occur more than once; 0 where that cannot be asked yet."""
        each = [f"({term})" for term in terms]
        conditions = [*([] if nulls else [f"{term} IS NOT NULL" for term in each]), f"({where or 'true'})"]
        groups = f"SELECT 1 FROM {quote(table)} WHERE {' AND '.join(conditions)} GROUP BY {', '.join(each)}"
        sql = f"SELECT count(*) FROM ({groups} HAVING count(*) > 1) AS twice"
        if table not in self.actual or self.refused(f"SELECT * FROM ({groups}) AS none LIMIT 0"):
            return 0
        return int(query(self.connection, sql).fetchall()[0][0])

    def _source(self, table: str, column: str) -> str | None:
        """The column with a column's values: itself or the one it is copied from; "" for one default, None for NULLs.

        What each row gets a value of its own for never occurs twice.
        """
        if self.column(table, column) is not None:
            return column
        fill = self.fill(table, column)
        if fill is not None and (fill.copy_from or fill.default is not None):
            return fill.copy_from or ""
        wanted = self.wanted(table, column)
        if wanted is None or wanted.default is None or wanted.generated or not is_constant(wanted.default):
            return None
        return ""

    def _added(self, table: str) -> frozenset[str]:
        """The columns that the repair adds to a table, so that nothing can be asked of them yet."""
        columns = self.expected[table].columns if table in self.expected else ()
        return frozenset(column.name for column in columns if self.column(table, column.name) is None)


def names_in_full(sql: str) -> frozenset[str]:
    """Everything in a text that may be a name, in its strings and the bodies of functions too."""
    found: set[str] = set()
    for token in significant(sql):
        if token.kind in {"word", "quoted"}:
            found.add(token.name)
        elif token.kind == "string":
            found |= {each.name for each in significant(_content(token.text)) if each.kind in {"word", "quoted"}}
    return frozenset(found)


def _content(string: str) -> str:
    """The text that a string has between its quotes or its tags."""
    if string.endswith("'"):
        return string[string.index("'") + 1 : -1].replace("''", "'")
    return string.strip("$").partition("$")[2].rpartition("$")[0] if not string.startswith("$$") else string[2:-2]


def literals_in(sql: str) -> frozenset[str]:
    """The strings of a text."""
    return frozenset(_content(token.text) for token in significant(sql) if token.kind == "string")


def is_constant(default: str) -> bool:
    """Whether a default is one value for all rows: a literal or the moment of the transaction, with casts at most."""
    tokens = significant(default)
    words = [token.text.lower() for token in tokens]
    if words[:1] in (["now"], ["current_timestamp"], ["current_date"], ["localtimestamp"]):
        return True
    first = 1 if words[:1] in (["-"], ["+"]) else 0
    rest = words[first + 1 :]
    is_literal = tokens[first].kind == "string" or words[first][:1].isdigit() or words[first] in _CONSTANTS
    # A number with a fraction is several tokens; a cast begins with two colons.
    while (rest and rest[0] in {".", *"0123456789"}) or (rest and rest[0].isdigit()):
        rest = rest[1:]
    return is_literal and (not rest or rest[:2] == [":", ":"])


_CONSTANTS = frozenset({"true", "false", "null"})


def in_list(labels: Iterable[str]) -> str:
    """Texts as an SQL list."""
    return ", ".join(map(literal, labels))
