"""Runs on PostgreSQL beside plain Alembic, and what a backup and the proof of a million rows add to a statement."""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING

from scene import ARCHMIG
from timing import Row, beside, medians, once, process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 1_000_000
# As a person runs it, but for the URL: "Config" reads the chain's alembic.ini.
_PLAINLY = """import sys
from alembic import command
from alembic.config import Config
config = Config("alembic.ini", attributes={"configure_logger": False})
config.set_main_option("sqlalchemy.url", sys.argv[1].replace("%", "%%"))
command.upgrade(config, "head")
"""
_HEAD = 'import sqlalchemy as sa\n\nfrom alembic import op\n\nrevision = "{id}"\ndown_revision = {before!r}\n\n\n'
_TABLE = """CREATE TABLE events (id bigint PRIMARY KEY, name text NOT NULL, n int, x float8, flag boolean,
    made timestamptz, note text, j jsonb, amount numeric(12, 2), kind varchar(20))"""
_FILL = f"""INSERT INTO events SELECT i, 'name ' || i, i % 1000, i / 3.0, i % 2 = 0,
    '2026-01-01'::timestamptz + i * interval '1 second', repeat('note ', 1 + i % 20), jsonb_build_object('a', i),
    i / 100.0, 'kind ' || i % 7 FROM generate_series(1, {ROWS}) i"""
# What a revision does to the table, by what it is called here.
_STATEMENTS = {
    "a column added": "ALTER TABLE events ADD mood text DEFAULT 'calm'",
    "a type that rewrites the table": "ALTER TABLE events ALTER n TYPE bigint",
    "an UPDATE of every row": "UPDATE events SET kind = upper(kind)",
}


def chain(folder: Path, url: str, runs: int) -> list[Row]:
    """The 49 revisions on an empty database, and a run without work on one at head."""
    plain, ours = "plain Alembic", "archmig upgrade"
    works = {plain: _plainly(folder, url, "empty"), ours: _upgrade(folder, "empty")}
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in range(runs + 1):
        for name, work in works.items():
            _anew(url, "empty")
            seconds = once(work)
            if number:  # the first does not count: archmig replays the chain then
                found[name].append(seconds)
    upon, idle = {name: median(times) for name, times in found.items()}, "where there is nothing to do"
    none = medians(runs, {plain: _plainly(folder, url, "e000"), ours: _upgrade(folder, "e000")})
    return [
        beside(f"{plain}: 49 revisions in one transaction", upon[plain]),
        beside(f"{ours}: the same, proven", upon[ours], plain, upon[plain]),
        beside(f"{plain} {idle}", none[plain]),
        beside(f"{ours} {idle}", none[ours], plain, none[plain]),
    ]


def rows(folder: Path, url: str, at: Callable[[str, str], str]) -> list[Row]:
    """Each statement by itself, and as a revision that archmig runs: backup, copy, statement, proof. Run once."""
    _project(folder, at(url, "many"))
    _anew(url, "many")
    process(ARCHMIG, "upgrade", "r0", "--env", "many", "--yes", cwd=folder)
    _run(at(url, "many"), _FILL, "VACUUM ANALYZE events")
    _run(url, "DROP DATABASE IF EXISTS alone", "CREATE DATABASE alone TEMPLATE many")
    process(ARCHMIG, "check", "--env", "many", cwd=folder, expected=1)  # the replay
    dumped = once(lambda: _dumped(at(url, "many"), folder / "alone.dump"))
    found = [beside(f"pg_dump of {ROWS:,} rows", dumped)]
    for number, (what, statement) in enumerate(_STATEMENTS.items(), 1):
        alone = once(lambda: _run(at(url, "alone"), statement))  # noqa: B023  # it is called at once
        words = ("upgrade", f"r{number}", "--env", "many", "--yes")
        whole = once(lambda: process(ARCHMIG, *words, cwd=folder))  # noqa: B023  # it is called at once
        found += [
            beside(f"{what}: the statement alone", alone),
            beside(f"{what}: archmig upgrade as a whole", whole, "the statement and pg_dump", alone + dumped),
        ]
    return found


def _plainly(folder: Path, url: str, name: str) -> Callable[[], None]:
    place = url.replace("postgresql:", "postgresql+psycopg:").replace("/postgres?", f"/{name}?")
    return lambda: process(sys.executable, "-c", _PLAINLY, place, cwd=folder)


def _upgrade(folder: Path, name: str) -> Callable[[], None]:
    return lambda: process(ARCHMIG, "upgrade", "--env", name, "--yes", cwd=folder)


def _anew(url: str, name: str) -> None:
    _run(url, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")


def _run(url: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def _project(folder: Path, url: str) -> None:
    """A chain that makes the table, and then does each of the statements."""
    versions = folder / "chain" / "versions"
    versions.mkdir(parents=True)
    env = "from alembic import context\nfrom architect_migrate.alembic_env import run\n\nrun(context)\n"
    (folder / "chain" / "env.py").write_text(env, encoding="utf-8")
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/chain\n", encoding="utf-8")
    for number, statement in enumerate((_TABLE, *_STATEMENTS.values())):
        head = _HEAD.format(id=f"r{number}", before=f"r{number - 1}" if number else None)
        text = f'{head}def upgrade() -> None:\n    op.execute("""{statement}""")\n'
        (versions / f"r{number}.py").write_text(text, encoding="utf-8")
    settings = f'[alembic]\nconfig = "alembic.ini"\n[env.many]\nurl = "{url}"\nuninitialised = "create"\n'
    (folder / "environments.toml").write_text(settings, encoding="utf-8")


def _dumped(url: str, path: Path) -> None:
    import psycopg

    from architect_migrate.databases.postgresql.programs import clients

    with psycopg.connect(url) as connection:
        programs = clients(connection.info.server_version // 10_000)
    assert programs is not None
    subprocess.run([programs / "pg_dump", "--format=custom", f"--file={path}", f"--dbname={url}"], check=True)
