"""The drift of the demo's twelve databases, rebuilt in PostgreSQL: found as in SQLite, and brought home with every row.

What the demo plants and PostgreSQL cannot hold is named in `support.demo_postgresql`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from support.cli import archmig, plainly
from support.demo import FILLED, database, load
from support.demo_postgresql import rebuild
from support.paths import PROJECT
from support.postgresql import connected, database_at
from support.postgresql_repairs import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.postgresql_repairs import Rows

EMPTY = ("test", "env1", "env2", "feature1", "feature2")
ABSENT = "feature3"
# Why not all by default: each takes three to nine seconds. `make torture` brings all of them home.
HOME = FILLED if int(os.environ.get("ARCHMIG_EXAMPLES", "0")) else ("prod", "env3")
# Numbers are booleans to SQLite, and no sequence belongs to a key there.
RETYPED = {"claude_patterns.enabled", "tmux_sessions.is_worker"}
OTHERWISE = {("qa", "001_baseline"): "partial", ("dev", "016_tmux_project_groups"): "conflicting"}
ALIKE = ("table ", "column ", "index ", "view ", "unique ")
# What the chain's code writes into rows that were there before.
WRITTEN = {"tmux_sessions.environment", "tmux_sessions.is_worker"}


@dataclass(frozen=True)
class Planted:
    """The demo as SQLite files, and its databases on a server; a folder of each has an environments.toml."""

    files: Path
    served: Path
    server: str


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, url_of: Callable[[int | None], str]) -> Iterator[Planted]:
    server, files = url_of(None), tmp_path_factory.mktemp("files")
    load("build").build(files)
    served = tmp_path_factory.mktemp("served")
    settings = (files / "environments.toml").read_text().replace('"alembic.ini"', f'"{PROJECT / "alembic.ini"}"')
    with connected(server) as connection, pytest.MonkeyPatch.context() as patch:
        plainly(patch)
        patch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", server)
        for name in (*FILLED, *EMPTY, ABSENT):
            path = database(files, name)
            settings = settings.replace(f'path = "{path.relative_to(files)}"', f'url = "{database_at(server, name)}"')
            if name != ABSENT:
                connection.execute(f"CREATE DATABASE {name}")
                rebuild(path, database_at(server, name))
        (served / "environments.toml").write_text(settings)
        yield Planted(files, served, server)
        for name in (*FILLED, *EMPTY):
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def found(folder: Path, command: str, *environments: str) -> dict[str, Any]:
    done = archmig("-c", str(folder / "environments.toml"), command, *environments, "--json")
    return {one["name"]: one for one in json.loads(done.out)["environments"]}


def test_it_is_found_as_in_sqlite_and_comes_home_with_every_row(planted: Planted) -> None:
    lite, served = found(planted.files, "diagnose"), found(planted.served, "diagnose")
    for name in (*FILLED, *EMPTY, ABSENT):
        assert [served[name][key] for key in ("state", "heads", "position", "pending")] == [
            lite[name][key] for key in ("state", "heads", "position", "pending")
        ]
        assert verdicts(served[name]) == verdicts(lite[name], OTHERWISE), name
        assert differences(served[name]) == differences(lite[name]), name
    asked = {one["resolve"] for name in FILLED for one in served[name]["findings"] if one["level"] == "blocking"}
    assert [entry.split("\n")[1:] for entry in asked] == [
        ['table = "features"', 'column = "milestone_id"', "keep = true"]
    ], "a foreign key cannot be made over rows that refer to nothing; SQLite makes it all the same"
    with (planted.served / "environments.toml").open("a") as file:
        file.writelines(f"\n{entry}\n" for entry in asked)
    brought_home(planted)


def verdicts(one: Any, otherwise: dict[tuple[str, str], str] | None = None) -> dict[str, tuple[str, str]]:
    """The verdict and the claim of each revision."""
    return {
        each["revision"]: ((otherwise or {}).get((one["name"], each["revision"]), each["verdict"]), each["claim"])
        for each in one["revisions"]
    }


def differences(one: Any) -> set[tuple[str, str]]:
    """The findings about what both kinds of database describe in the same words."""
    return {
        (each["code"], each["subject"])
        for each in one["findings"]
        if each["subject"].startswith(ALIKE) and each["subject"].removeprefix("column ") not in RETYPED
    }


def brought_home(planted: Planted) -> None:
    before = {name: rows_in(planted, name) for name in HOME}
    config = ("-c", str(planted.served / "environments.toml"))
    done = archmig(*config, "reconcile", *HOME, "--yes")
    assert done.code == 0, done.err
    for name in HOME:
        assert lost(before[name], rows_in(planted, name)) == {}, name
    assert archmig(*config, "check", *HOME).code == 0
    again = found(planted.served, "reconcile", *HOME, *EMPTY, ABSENT)
    outcomes = dict.fromkeys(HOME, "nothing") | dict.fromkeys((*EMPTY, ABSENT), "skipped")
    assert {name: one["outcome"] for name, one in again.items()} == outcomes


def rows_in(planted: Planted, name: str) -> Rows:
    with connected(database_at(planted.server, name)) as connection:
        return rows_of(connection)


def lost(before: Rows, after: Rows) -> dict[str, list[tuple[str | None, ...]]]:
    """The rows of each table, in the columns that it had, that are not there as often as before."""
    missing = {}
    for table, rows in before.items():
        columns = [column for column in (rows or [{}])[0] if f"{table}.{column}" not in WRITTEN]
        gone = Counter(values(table, columns, rows)) - Counter(values(table, columns, after[table]))
        if gone:
            missing[table] = [*gone]
    return missing


def values(table: str, columns: list[str], rows: list[dict[str, str | None]]) -> Iterator[tuple[str | None, ...]]:
    numbers: dict[str | None, str | None] = {"true": "1", "false": "0"}
    for row in rows:
        yield tuple(
            numbers.get(row[name], row[name]) if f"{table}.{name}" in RETYPED else row[name] for name in columns
        )
