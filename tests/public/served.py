"""Tries archmig's command line on one project's chain in PostgreSQL; what plain Alembic makes there is the measure.

Databases are compared by the texts of pg_dump and the rows: nothing here is archmig's, whose words it is to judge.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from architect_migrate.databases.postgresql.programs import clients
from public.trial import Place, Result, TrialError, changed, noted, replayed

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

# After so many revisions another position is tried; in a short chain there are five of them.
_EACH, _FEWEST = 10, 5
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
_COLUMNS = """SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
    ORDER BY 1"""
# The statement that drops an index which no constraint needs, else a column that nothing depends on.
_INDEX = """SELECT format('DROP INDEX %I', c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid) ORDER BY 1 LIMIT 1"""
_COLUMN = """SELECT format('ALTER TABLE %I DROP COLUMN %I', c.relname, a.attname)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> %s AND NOT EXISTS (
        SELECT FROM pg_depend WHERE refobjid = c.oid AND refobjsubid = a.attnum)
    ORDER BY c.relname, a.attname LIMIT 1"""

Rows = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Facts:
    """The statements of a schema, and the values of each column of each table."""

    statements: Counter[str]
    rows: Rows


@dataclass(frozen=True, slots=True)
class Served(Place):
    """The same with databases of a PostgreSQL server, which are named as the files would be, without their suffix."""

    positions: int = 40
    server: str = ""

    def setting(self, name: str) -> str:
        return f'url = "{self.named(name)}"'

    def named(self, name: str) -> str:
        """The URL of a database with the driver of the project's people."""
        return self.url(name).replace("postgresql:", f"postgresql+{self.project.driver}:")

    def url(self, name: str) -> str:
        before, _, after = self.server.partition("@/postgres?")
        return f"{before}@/{quote(name)}?{after}"

    def variable(self, value: str) -> str:
        # Why any database: archmig lends its connection, and only the driver decides which engine is made.
        return self.filled(value).replace("{url}", f"postgresql+{self.project.driver}:///any")

    def of(self, text: str, database: Path) -> str:
        return self.filled(text).replace("{url}", self.named(database.stem))

    def environ(self, database: Path | None = None) -> dict[str, str]:
        # Why not super(): a class with slots is another one than that in which its functions were written.
        return Place.environ(self, database) | {"ARCHMIG_POSTGRESQL_SCRATCH": self.server}

    def begin(self, database: Path) -> None:
        with closing(self.connected("postgres")) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database.stem]).fetchone()
            if there is None:
                connection.execute(f'CREATE DATABASE "{database.stem}"')

    def is_there(self, database: Path) -> bool:
        return bool(database.stem)

    def connected(self, name: str) -> psycopg.Connection[Any]:
        import psycopg

        return psycopg.connect(self.url(name), autocommit=True)

    def read(self, name: str) -> Facts:
        with closing(self.connected(name)) as connection:
            programs = clients(connection.info.server_version // 10_000)
            tables = [table for (table,) in connection.execute(_TABLES).fetchall()]
            rows = {table: _values(connection, table) for table in tables}
        assert programs is not None
        command = [programs / "pg_dump", "--schema-only", "--no-owner", f"--dbname={self.url(name)}"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        lines = (line for line in text.splitlines() if line and not line.startswith(("--", "\\")))
        # Why without commas: the columns of a table that was repaired may stand in another order.
        return Facts(Counter(line.rstrip(",") for line in lines), rows)


def _values(connection: psycopg.Connection[Any], table: str) -> dict[str, list[str]]:
    name = '"' + table.replace('"', '""') + '"'
    columns = [column for (column,) in connection.execute(_COLUMNS, [name]).fetchall()]
    listed = ", ".join(f'"{column}"::text' for column in columns)
    rows = connection.execute(f"SELECT {listed} FROM {name}").fetchall() if columns else []
    return {column: [str(row[at]) for row in rows] for at, column in enumerate(columns)}


def tried_on_a_server(place: Served) -> Result:
    """Everything that is asked about one project."""
    result = Result()
    place.write()
    try:
        place.plain("plain")
        history = replayed(place, result)
        plain = place.read("plain")
        place.plain("again")
        apart = _random_columns(plain.rows, place.read("again").rows)
        result.lines["random columns"] = str(len(apart))
        with noted(result, "from nothing"):
            _built(place, result, plain, apart)
        with noted(result, "dropped"):
            _dropped(place, result, plain, apart)
        with noted(result, "positions"):
            _positions(place, result, [one["revision"] for one in history if one["revision"] != "base"])
    except TrialError as error:
        result.wrong.append(str(error))
    return result


def _random_columns(one: Rows, other: Rows) -> set[tuple[str, str]]:
    return {
        (table, name)
        for table, columns in one.items()
        for name, values in columns.items()
        if sorted(values) != sorted(other[table][name])
    }


def _differences(plain: Facts, other: Facts, apart: set[tuple[str, str]]) -> list[str]:
    lost, more = plain.statements - other.statements, other.statements - plain.statements
    found = [f"- {line}" for line in lost] + [f"+ {line}" for line in more]
    return found + [
        f"rows of {table}"
        for table in plain.rows.keys() & other.rows.keys()
        if _rows(plain.rows[table], table, apart) != _rows(other.rows[table], table, apart)
    ]


def _rows(columns: dict[str, list[str]], table: str, apart: set[tuple[str, str]]) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(values for name, values in columns.items() if (table, name) not in apart), strict=True))


def _built(place: Served, result: Result, plain: Facts, apart: set[tuple[str, str]]) -> None:
    place.begin(place.folder / "built")
    changed(place, "upgrade", "built")
    found = _differences(plain, place.read("built"), apart)
    result.lines["from nothing"] = "equal" if not found else f"differs: {found[:3]}"
    result.wrong += [f"from nothing: {each}" for each in found]


def _dropped(place: Served, result: Result, plain: Facts, apart: set[tuple[str, str]]) -> None:
    with closing(place.connected("postgres")) as connection:
        connection.execute("CREATE DATABASE dropped TEMPLATE plain")
    with closing(place.connected("dropped")) as connection:
        found = connection.execute(_INDEX).fetchone() or connection.execute(_COLUMN, [place.project.stamp]).fetchone()
        if found is None:
            result.lines["dropped"] = "nothing can be dropped"
            return
        statement = str(found[0])
        connection.execute(statement.encode())
    code, document = place.archmig("check", "dropped")
    if code != 1 or document["environments"][0]["clean"] is not False:
        result.wrong.append(f"dropped: not found after {statement}: {document}")
        return
    changed(place, "reconcile", "dropped")
    differs = _differences(plain, place.read("dropped"), apart)
    result.lines["dropped"] = f"repaired after {statement}" if not differs else f"differs: {differs[:3]}"
    result.wrong += [f"dropped: {each}" for each in differs]


def _positions(place: Served, result: Result, order: list[str]) -> None:
    stamps, each = {}, min(_EACH, max(1, len(order) // _FEWEST))
    for number, revision in enumerate(sorted({*order[::each], order[-1]}, key=order.index)):
        stamps[f"at{number}"] = _unstamped(place, f"at{number}", revision)
    _, document = place.archmig("status", *stamps)
    words: Counter[str] = Counter()
    for found in document["environments"]:
        right = stamps[found["name"]]
        word = _word(place, found, right)
        words[word] += 1
        if word not in {"right", "same schema", "asked"}:
            result.wrong.append(f"positions: at {right}: {word}")
    result.lines["positions"] = ", ".join(f"{count} {word}" for word, count in words.items())


def _unstamped(place: Served, name: str, *revisions: str) -> set[str]:
    """Let plain Alembic build a database at revisions, and take its stamp away, which is returned."""
    for revision in revisions:
        place.plain(name, revision)
    stamp = place.project.stamp
    with closing(place.connected(name)) as connection:
        found = {row[0] for row in connection.execute(f'SELECT version_num FROM "{stamp}"').fetchall()}
        connection.execute(f'DROP TABLE "{stamp}"')
    return found


def _word(place: Served, found: Any, right: set[str]) -> str:
    if found["error"]:
        return str(found["error"])
    if found["state"] == "undecided":
        return "asked"
    if set(found["heads"]) == right:
        return "right" if found["state"] == "unstamped" else str(found["state"])
    if found["heads"] and found["state"] == "unstamped":
        _unstamped(place, f"said_{found['name']}", *found["heads"])
        if place.read(found["name"]).statements == place.read(f"said_{found['name']}").statements:
            return "same schema"
    return f"said {found['state']} {found['heads']}"
