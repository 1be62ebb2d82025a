"""Restores an archive into the schema of a database, in the transaction of a run, which is proven before its commit.

Why through archmig's own connection: pg_restore's would commit by itself, without the lock of runs and without a proof.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg

from architect_migrate.core.chain_errors import ChangedMeanwhileError
from architect_migrate.core.database_errors import RestoreError
from architect_migrate.core.names import quote
from architect_migrate.core.text import shortlist
from architect_migrate.core.urls import DatabaseUrl
from architect_migrate.databases.overwritten import Overwritten
from architect_migrate.databases.postgresql import held
from architect_migrate.databases.postgresql.archive import TableRows, contents, listed
from architect_migrate.databases.postgresql.connection import first_line
from architect_migrate.databases.postgresql.content import content_of, definitions
from architect_migrate.databases.postgresql.pinned import query
from architect_migrate.databases.postgresql.statements import significant
from architect_migrate.databases.values import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.databases.base import Place
    from architect_migrate.databases.postgresql.archive import Archive
    from architect_migrate.databases.postgresql.held import HeldConnection
    from architect_migrate.databases.values import Content

_NOTHING_CHANGED = "nothing was changed"
# How many bytes of rows are sent at once.
_BLOCK = 1 << 16
_SHOWN = 5
# The timeouts of a run are archmig's, whatever pg_restore sets.
_TIMEOUTS = frozenset(
    {"idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout", "transaction_timeout"}
)
# Lines of a table of contents that are about the schema itself, which stays.
_OF_SCHEMA = ("SCHEMA - ", "COMMENT - ", "ACL - ", "SECURITY LABEL - ")
_DUMPED_FROM = "Dumped from database version:"
_MEMBER = "EXISTS (SELECT FROM pg_depend e WHERE e.classid = {0}.classid AND e.objid = {0}.objid AND e.deptype = 'e')"
# What the schema has, without what came with an extension.
_OWN = f"""
    SELECT d.classid, d.objid FROM pg_depend d
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n' AND d.classid <> 'pg_extension'::regclass
          AND d.refobjid = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
          AND NOT {_MEMBER.format("d")}"""
_DROPPED = f"""
    SELECT i.type, i.identity FROM ({_OWN}) o, pg_identify_object(o.classid, o.objid, 0) i
    ORDER BY i.type NOT IN ('table', 'view', 'materialized view'), i.identity"""
# How DROP names what PostgreSQL calls otherwise.
_DROP_WORDS = {"composite type": "type", "statistics object": "statistics"}
# What would go with the schema's objects although it is not the schema's.
_DEPENDANTS = f"""
    WITH RECURSIVE own AS ({_OWN}),
    gone(classid, objid, objsubid) AS (
        SELECT classid, objid, 0 FROM own
        UNION
        SELECT d.classid, d.objid, d.objsubid FROM gone g JOIN pg_depend d
            ON d.refclassid = g.classid AND d.refobjid = g.objid AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid)),
    placed AS (
        SELECT g.*, CASE g.classid
            WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = g.objid)
            WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = g.objid)
            WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = g.objid)
            WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = g.objid) END AS relation,
            CASE g.classid
            WHEN 'pg_amop'::regclass THEN (SELECT amopfamily FROM pg_amop WHERE oid = g.objid)
            WHEN 'pg_amproc'::regclass THEN (SELECT amprocfamily FROM pg_amproc WHERE oid = g.objid) END AS family
        FROM gone g)
    SELECT DISTINCT pg_describe_object(p.classid, p.objid, p.objsubid) FROM placed p
    WHERE coalesce((SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = p.relation),
                   (SELECT opfnamespace::regnamespace::text FROM pg_opfamily WHERE oid = p.family),
                   (pg_identify_object(p.classid, p.objid, 0)).schema, '')
          NOT IN (quote_ident(current_schema()), 'pg_toast')
          AND NOT (p.classid = 'pg_cast'::regclass
                   AND EXISTS (SELECT FROM pg_depend i WHERE i.classid = p.classid AND i.objid = p.objid
                               AND i.deptype = 'i'))
          OR {_MEMBER.format("p")}
    ORDER BY 1"""
_LOCKED = """
    SELECT relname::text FROM pg_class
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relkind IN ('r', 'p')
    ORDER BY 1"""
_PATH = "SELECT current_setting('search_path')"
_AS_BEFORE = "SELECT set_config('search_path', %(path)s, false), set_config('client_encoding', 'UTF8', false)"


@dataclass(frozen=True, slots=True)
class HeldDatabase:
    """A database that is about to be overwritten, with the tables to which others cannot write."""

    reader: HeldConnection
    tables: frozenset[str]

    def overwrite(self, source: Archive, then: Content, _timeout: float, _from_here: Callable[[], None]) -> Overwritten:
        """Replace all of the schema by what an archive holds, and compare that with `then`; the caller commits.

        Raises RestoreError, ChangedMeanwhileError; everything is rolled back then.
        """
        connection = self.reader
        release = _require_fitting(connection, source)
        if {name for (name,) in query(connection, _LOCKED).fetchall()} != self.tables:
            raise ChangedMeanwhileError(str(connection.url))
        path = (query(connection, _PATH).fetchone() or ("",))[0]
        try:
            for kind, identity in query(connection, _DROPPED).fetchall():
                query(connection, f"DROP {str(_DROP_WORDS.get(kind, kind)).upper()} IF EXISTS {identity} CASCADE")
            notes = tuple(_replayed(connection, source))
            query(connection, _AS_BEFORE, {"path": path})
        except psycopg.Error as error:
            raise RestoreError(str(connection.url), first_line(error), _advice(error)) from error
        left = content_of(connection)
        _require_rows(connection, then, left)
        return Overwritten(left, (*notes, *_judged(connection, then, left, release)))


@contextmanager
def hold_unchanged(place: Place, timeout: float) -> Iterator[HeldDatabase]:
    """Hold a schema so that what is read of it now is what `overwrite` replaces: others can read it, and cannot write.

    What was written is committed at the end of the block. Raises as `held.transaction`, and RestoreError where
    something outside of the schema depends on it.
    """
    assert isinstance(place, DatabaseUrl)
    with held.transaction(place, timeout) as connection:
        if others := [str(name) for (name,) in query(connection, _DEPENDANTS).fetchall()]:
            problem = f"other parts of the database depend on the schema: {shortlist(others, _SHOWN)}"
            advice = f"{_NOTHING_CHANGED}: drop them first, and make them again afterwards"
            raise RestoreError(str(place), problem, advice)
        tables = [name for (name,) in query(connection, _LOCKED).fetchall()]
        for name in tables:
            query(connection, f"LOCK TABLE ONLY {quote(name)} IN EXCLUSIVE MODE")
        yield HeldDatabase(connection, frozenset(tables))


def _require_fitting(connection: HeldConnection, source: Archive) -> int:
    """Return the version of the server that an archive comes from. Raises RestoreError if it does not fit this one."""
    lines, there = listed(source), connection.info.server_version // 10_000
    if not any(f" SCHEMA - {connection.own_schema} " in line for line in lines):
        problem = f"it has another schema than {connection.own_schema}"
        raise RestoreError(str(source.path), problem, f"{_NOTHING_CHANGED}: name the schema in the URL of the database")
    if source.release < there:
        problem = f"the server is PostgreSQL {there}, and the newest pg_restore that is installed is {source.release}"
        advice = f"{_NOTHING_CHANGED}: install that of PostgreSQL {there}, or `pip install archmig[postgresql-server]`"
        raise RestoreError(str(source.path), problem, advice)
    stated = next(line.partition(_DUMPED_FROM)[2] for line in lines if _DUMPED_FROM in line)
    release = int(stated.split()[0].partition(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz"))
    if release > there:
        problem = f"it comes from a PostgreSQL {release} server, and this one is PostgreSQL {there}"
        raise RestoreError(str(source.path), problem, f"{_NOTHING_CHANGED}: upgrade the server first")
    return release


def _replayed(connection: HeldConnection, source: Archive) -> Iterator[str]:
    """Execute an archive; yield what it could not bring back."""
    with _selection(source) as selected:
        for part in contents(source, f"--use-list={selected}"):
            if isinstance(part, TableRows):
                _copy(connection, part)
                continue
            text = part if isinstance(part, str) else part.text
            names = [token.name for token in significant(text)]
            if names[0] == "set" and names[1] in _TIMEOUTS:
                continue
            if not _is_optional(names):
                query(connection, text)
            elif problem := _tried(connection, text):
                yield f"not brought back: {' '.join(text.split())} ({problem})"


@contextmanager
def _selection(source: Archive) -> Iterator[str]:
    """Write the table of contents without what is about the schema itself to a file; yields its path."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{line}\n" for line in listed(source) if not _is_of_schema(line))
        file.flush()
        yield file.name


def _is_of_schema(line: str) -> bool:
    """Whether a line like `5; 2615 2200 SCHEMA - public owner` is about the schema itself."""
    return line.partition(" ")[2].lstrip("0123456789 ").startswith(_OF_SCHEMA)


def _copy(connection: HeldConnection, rows: TableRows) -> None:
    with psycopg.Cursor(connection).copy(rows.text) as copy:
        block = bytearray()
        for line in rows.lines:
            block += line
            if len(block) > _BLOCK:
                copy.write(block)
                block.clear()
        copy.write(block)


def _is_optional(names: list[str]) -> bool:
    """Whether a statement only says who owns something, who may use it, or where it is stored."""
    match names:
        case (
            ["grant" | "revoke" | "set", *_] | ["alter", "default", "privileges", *_] | ["alter", *_, "owner", "to", _]
        ):
            return True
        case _:
            return False


def _tried(connection: HeldConnection, text: str) -> str:
    """Execute a statement; return why it fails, in which case it has no effect."""
    query(connection, "SAVEPOINT archmig_optional")
    try:
        query(connection, text)
    except psycopg.errors.LockNotAvailable:
        raise
    except psycopg.Error as error:
        query(connection, "ROLLBACK TO archmig_optional")
        return first_line(error)
    query(connection, "RELEASE archmig_optional")
    return ""


def _advice(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.UndefinedObject | psycopg.errors.UndefinedFunction):
        return f"{_NOTHING_CHANGED}: if an extension brings it, create that first, then run it again"
    return f"{_NOTHING_CHANGED}: correct that, then run it again"


def _require_rows(connection: HeldConnection, then: Content, left: Content) -> None:
    """Raise RestoreError unless the restored rows, sequences and names of objects are those of the archive."""
    problems = [str(one) for one in differences(replace(then, objects={}), replace(left, objects={}))]
    problems += [f"{key} is missing" for key in sorted(then.objects.keys() - left.objects.keys())]
    problems += [f"{key} is not in the backup" for key in sorted(left.objects.keys() - then.objects.keys())]
    if problems:
        problem = f"what was restored is not what the backup holds: {shortlist(problems, _SHOWN)}"
        raise RestoreError(str(connection.url), problem, f"{_NOTHING_CHANGED}: choose another backup")


def _judged(connection: HeldConnection, then: Content, left: Content, release: int) -> Iterator[str]:
    """Yield what of the restored objects is not as it was when the backup was made, or cannot be compared."""
    there = connection.info.server_version // 10_000
    if release != there:
        yield f"definitions were not compared: PostgreSQL {there} writes them differently from {release}"
        return
    were, are = definitions(then.objects), definitions(left.objects)
    if otherwise := sorted(key for key in were if were[key] != are[key]):
        yield (
            f"restored, and written in other words than before, as PostgreSQL does with some expressions: "
            f"{shortlist(otherwise, _SHOWN)}; archmig status compares them with the chain"
        )
    same = [key for key in were if were[key] == are[key]]
    if unlike := sorted(key for key in same if then.objects[key] != left.objects[key]):
        yield f"owner, grants, options or comments are not as they were: {shortlist(unlike, _SHOWN)}"
