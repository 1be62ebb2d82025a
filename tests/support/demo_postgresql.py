"""The demo's SQLite databases rebuilt in PostgreSQL: their tables, indexes, views, triggers and rows.

What PostgreSQL cannot hold is left out: `COLLATE NOCASE`, `WITHOUT ROWID`, the journal mode, texts in BLOB columns
(they become bytes), and foreign keys to tables that do not exist.
"""

from __future__ import annotations

from contextlib import closing
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from support.demo import opened
from support.paths import PROJECT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import psycopg

# The triggers that the demo adds by hand, by the statements that make them.
_NOTES = """CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_log (actor, event, subject) VALUES ('trigger', '{event}', NEW.{column}); RETURN NULL; END $$"""
_TRIGGERS = {
    "features_touch": (
        _NOTES.format(name="features_touch", event="feature changed", column="title"),
        """CREATE TRIGGER features_touch AFTER UPDATE OF title, status ON features
            FOR EACH ROW EXECUTE FUNCTION features_touch()""",
    ),
    "milestones_closed": (
        _NOTES.format(name="milestones_closed", event="milestone closed", column="name"),
        """CREATE TRIGGER milestones_closed AFTER UPDATE OF status ON milestones
            FOR EACH ROW WHEN (NEW.status = 'completed') EXECUTE FUNCTION milestones_closed()""",
    ),
}
_BOOLEAN = {"0": "false", "1": "true"}


def rebuild(path: Path, url: str) -> None:
    """Make in an empty PostgreSQL database what an SQLite file holds."""
    tables, absent = _tables(path)
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with closing(opened(path)) as source, engine.begin() as target:
        tables.create_all(target)
        for name in absent:
            target.exec_driver_sql(f"DROP TABLE {name} CASCADE")
            tables.remove(tables.tables[name])
        for statement in _beside(source):
            target.exec_driver_sql(statement.replace("%", "%%"))
        # Rows that a foreign key forbids, as a restore with disabled triggers leaves them.
        target.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in tables.tables.values():
            _fill(source, target.connection.driver_connection, table)
    engine.dispose()


def _tables(path: Path) -> tuple[sa.MetaData, set[str]]:
    """The tables of a file as PostgreSQL has them, and those that are not there but that foreign keys name."""
    tables, engine = sa.MetaData(), sa.create_engine(f"sqlite:///{path}")
    sa.event.listen(tables, "column_reflect", _retype)
    tables.reflect(engine, resolve_fks=False)
    engine.dispose()
    keys = (key for table in tables.tables.values() for key in table.foreign_keys)
    absent = {key.target_fullname.partition(".")[0] for key in keys} - {*tables.tables}
    for name in absent:
        sa.Table(name, tables, sa.Column("id", sa.Integer, primary_key=True))
    for table in tables.tables.values():
        table.indexes.clear()  # they are made from their texts, which have their order and their conditions
    return tables, absent


def _retype(_inspector: object, _table: object, column: dict[str, Any]) -> None:
    if isinstance(column["type"], sa.BLOB):
        column["type"] = sa.LargeBinary()
    if isinstance(column["type"], sa.BOOLEAN):
        column["default"] = _BOOLEAN.get(column["default"], column["default"])


def _beside(source: sqlite3.Connection) -> Iterator[str]:
    """The statements that make what is beside tables; PostgreSQL understands those of the demo's indexes and views."""
    kinds = "('view', 'index', 'trigger')"
    for kind, name, text in source.execute(
        f"SELECT type, name, sql FROM sqlite_master WHERE type IN {kinds} AND sql > ''"
    ):
        if kind == "trigger":
            yield from _TRIGGERS[name] if name in _TRIGGERS else _trigger_of_chain(name)
        else:
            yield text


def _trigger_of_chain(name: str) -> tuple[str, str]:
    """The statements by which a revision of the demo's chain makes a trigger in PostgreSQL."""
    assert name == "log_settings_change"
    spec = spec_from_file_location("app_settings", PROJECT / "alembic" / "versions" / "019_app_settings.py")
    assert spec is not None
    assert spec.loader is not None
    revision = module_from_spec(spec)
    spec.loader.exec_module(revision)
    return revision.POSTGRESQL_FUNCTION, revision.POSTGRESQL_TRIGGER


def _fill(source: sqlite3.Connection, target: psycopg.Connection[Any], table: sa.Table) -> None:
    names = ", ".join(column.name for column in table.columns)
    writers = [_bytes if isinstance(column.type, sa.LargeBinary) else str for column in table.columns]
    with target.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in source.execute(f"SELECT {names} FROM {table.name}"):
            copy.write_row([_written(write, value) for write, value in zip(writers, row, strict=True)])
    if (key := table.autoincrement_column) is not None:
        sequence = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
        target.execute(f"SELECT setval({sequence}, max({key.name})) FROM {table.name}")


def _written(write: Callable[[Any], str | bytes], value: object) -> str | bytes | None:
    return None if value is None else write(value)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
