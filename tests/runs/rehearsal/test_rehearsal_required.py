"""`require_rehearsal = true`: nothing runs that has not been rehearsed, the same plan on the same schema, lately."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config.context import context_for
from architect_migrate.config.loader import read_project
from architect_migrate.core.chain_errors import ChangedMeanwhileError
from architect_migrate.ledger import store
from architect_migrate.planning.plan import Plan, RunRevision, Stamp, plan_digest
from architect_migrate.planning.results import Outcome
from architect_migrate.runs import upgrade
from support.cli import archmig
from support.plain_alembic import alembic
from support.scenarios import ask, own_chain, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext

A, B, C = (f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, x TEXT)" for name in "abc")
MATRIX = """[env.dev]
path = "dev.db"
[env.prod]
path = "prod.db"
require_rehearsal = true
rehearsal_max_age = "2h"
"""


def step(after: str | None, table: str) -> str:
    up = f"op.execute('CREATE TABLE {table} (id INTEGER PRIMARY KEY, x TEXT)')"
    down = f"op.execute('DROP TABLE {table}')"
    return f"down_revision = {after!r}\n\ndef upgrade():\n    {up}\n\ndef downgrade():\n    {down}\n"


CHAIN = {"1_a": step(None, "a"), "2_b": step("1_a", "b"), "3_c": step("2_b", "c")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """prod is at the first of three revisions and requires a rehearsal."""
    own_chain(tmp_path, CHAIN)
    script(tmp_path / "prod.db", A, "INSERT INTO a VALUES (1, 'kept')", *stamp("1_a"))
    script(tmp_path / "dev.db", A, B, C, *stamp("3_c"))
    (tmp_path / "environments.toml").write_text(MATRIX, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("ARCHITECT_ENV", raising=False)
    return tmp_path


def at(folder: Path) -> str:
    return str(ask(folder / "prod.db", "SELECT version_num FROM alembic_version")[0][0])


def context(folder: Path) -> EnvironmentContext:
    project = read_project(folder / "environments.toml", {})
    return context_for(project, project.environments[-1], None)


def aged(folder: Path, age: timedelta) -> None:
    """The newest rehearsal as if it had been so long ago; entries cannot be changed, so it is entered again."""
    file = folder / ".archmig" / "ledger.db"
    newest = store.entries(file)[-1]
    file.unlink()
    store.append(file, replace(newest, started_at=(datetime.now(UTC) - age).isoformat()))


@pytest.mark.parametrize("command", ["upgrade", "reconcile"])
def test_without_a_rehearsal_nothing_runs_and_the_dry_run_says_so_too(folder: Path, command: str) -> None:
    before = (folder / "prod.db").read_bytes()
    for word in ("--dry-run", "--yes"):
        done = archmig(command, "-e", "prod", word)
        assert (
            done.code,
            "prod: this plan has not been rehearsed\n    -> archmig rehearse --env prod\n" in done.out,
        ) == (1, True)
    assert (folder / "prod.db").read_bytes() == before


@pytest.mark.parametrize("command", ["upgrade", "reconcile"])
def test_after_its_rehearsal_the_plan_runs_and_the_ledger_says_which_that_was(folder: Path, command: str) -> None:
    assert archmig("rehearse", "-e", "prod").code == 0
    assert archmig(command, "-e", "prod", "--yes").code == 0
    assert at(folder) == "3_c"
    entry = store.entries(folder / ".archmig" / "ledger.db")[-1]
    assert (entry.action, entry.fact("rehearsal")) == (command, "1")


def test_a_rehearsal_of_another_plan_is_none(folder: Path) -> None:
    assert archmig("rehearse", "2_b", "-e", "prod").code == 0
    refused = archmig("upgrade", "-e", "prod", "--yes")
    assert "this plan has not been rehearsed: rehearsal 1 had another plan" in refused.out
    assert archmig("upgrade", "2_b", "-e", "prod", "--yes").code == 0
    assert "-> archmig rehearse --env prod\n" in archmig("upgrade", "-e", "prod", "--yes").out


def test_a_plan_for_a_revision_names_it_in_the_next_step(folder: Path) -> None:
    assert "-> archmig rehearse --env prod 2_b\n" in archmig("upgrade", "2_b", "-e", "prod", "--yes").out


def test_a_rehearsal_on_another_schema_is_none(folder: Path) -> None:
    assert archmig("rehearse", "-e", "prod").code == 0
    script(folder / "prod.db", "CREATE TABLE application_owned (id INTEGER)")
    assert "the schema has changed since rehearsal 1" in archmig("upgrade", "-e", "prod", "--yes").out


def test_rows_may_have_come_since(folder: Path) -> None:
    assert archmig("rehearse", "-e", "prod").code == 0
    script(folder / "prod.db", "INSERT INTO a VALUES (2, 'new')")
    assert archmig("upgrade", "-e", "prod", "--yes").code == 0


def test_a_rehearsal_of_a_revision_that_was_edited_since_is_none(folder: Path) -> None:
    assert archmig("rehearse", "-e", "prod").code == 0
    file = folder / "alembic" / "versions" / "3_c.py"
    file.write_text(file.read_text() + "\n# edited\n")
    assert "rehearsal 1 had another plan" in archmig("upgrade", "-e", "prod", "--yes").out


AGES = {
    "young enough": (timedelta(minutes=119), ""),
    "too old": (timedelta(hours=3), "rehearsal 1 of this plan is 3 h old, and 2 h is the most"),
    "from the future": (timedelta(hours=-3), "rehearsal 1 of this plan is -3 h old, and 2 h is the most"),
}


@pytest.mark.parametrize("name", AGES)
def test_a_rehearsal_holds_for_as_long_as_the_environment_says(folder: Path, name: str) -> None:
    age, said = AGES[name]
    assert archmig("rehearse", "-e", "prod").code == 0
    aged(folder, age)
    done = archmig("upgrade", "-e", "prod", "--yes")
    assert (done.code, said in done.out) == (int(bool(said)), True), done.out


def test_a_rehearsal_that_failed_is_none(folder: Path) -> None:
    file = folder / "alembic" / "versions" / "3_c.py"
    script(folder / "prod.db", "INSERT INTO a VALUES (2, 'kept')")
    text = file.read_text().replace(
        "def upgrade():", "def upgrade():\n    op.execute('CREATE UNIQUE INDEX u ON a(length(x))')"
    )
    file.write_text(text)
    assert archmig("rehearse", "-e", "prod").code == 2
    assert "this plan has not been rehearsed\n" in archmig("upgrade", "-e", "prod", "--yes").out


def test_a_ledger_that_cannot_be_read_has_no_rehearsal_to_show(folder: Path) -> None:
    (folder / ".archmig").mkdir()
    (folder / ".archmig" / "ledger.db").write_bytes(b"junk" * 500)
    done = archmig("upgrade", "-e", "prod", "--yes")
    assert (done.code, "cannot tell whether this plan was rehearsed" in done.out) == (1, True)


def test_it_is_asked_again_under_the_lock(folder: Path) -> None:
    """Between preview and lock the rehearsal may grow too old, or the schema another."""
    assert archmig("rehearse", "-e", "prod").code == 0
    its = context(folder)
    shown = upgrade.preview_upgrade(its)
    assert (shown.outcome, shown.plan is not None) == (Outcome.PLANNED, True)
    assert shown.plan is not None
    aged(folder, timedelta(hours=3))
    with pytest.raises(ChangedMeanwhileError):
        upgrade.upgrade(its, shown.plan, lambda *_: None)
    assert at(folder) == "1_a"


def test_a_downgrade_is_held_to_it_too(folder: Path) -> None:
    assert archmig("rehearse", "-e", "prod").code == 0
    assert archmig("upgrade", "-e", "prod", "--yes").code == 0
    refused = archmig("downgrade", "2_b", "-e", "prod", "--yes")
    assert (refused.code, at(folder)) == (1, "3_c")
    assert "-> archmig rehearse --env prod --command downgrade 2_b\n" in refused.out
    assert archmig("rehearse", "-e", "prod", "--command", "downgrade", "2_b").code == 0
    assert archmig("downgrade", "2_b", "-e", "prod", "--yes").code == 0
    assert at(folder) == "2_b"


def test_a_promotion_is_held_to_it_and_rehearsed_as_far_as_it_may_go(folder: Path) -> None:
    text = (folder / "environments.toml").read_text()
    (folder / "environments.toml").write_text(text + 'requires = ["dev"]\n')
    with closing(sqlite3.connect(folder / "dev.db")) as connection, connection:
        connection.executescript("DROP TABLE c; UPDATE alembic_version SET version_num = '2_b'")
    refused = archmig("promote", "--to", "prod", "--yes")
    assert (refused.code, "-> archmig rehearse --env prod --command promote\n" in refused.out) == (1, True)
    assert archmig("rehearse", "-e", "prod").code == 1
    assert archmig("rehearse", "-e", "prod", "--command", "promote").code == 0
    assert archmig("promote", "--to", "prod", "--yes").code == 0
    assert at(folder) == "2_b"
    assert [(entry.action, entry.result) for entry in store.entries(folder / ".archmig" / "ledger.db")] == [
        ("promote", "blocked"),
        ("rehearse", "blocked"),
        ("rehearse", "done"),
        ("promote", "done"),
    ]


def test_building_a_database_is_held_to_it(folder: Path) -> None:
    (folder / "prod.db").unlink()
    text = (folder / "environments.toml").read_text()
    (folder / "environments.toml").write_text(text + 'uninitialised = "create"\n')
    assert archmig("upgrade", "-e", "prod", "--yes").code == 1
    assert not (folder / "prod.db").exists()
    assert archmig("rehearse", "-e", "prod").code == 0
    assert archmig("upgrade", "-e", "prod", "--yes").code == 0
    assert at(folder) == "3_c"


def test_plain_alembic_is_held_to_it_up_and_down(folder: Path) -> None:
    before, ini = (folder / "prod.db").read_bytes(), folder / "alembic.ini"
    refused = alembic("-x", "env=prod", "upgrade", "head", ini=ini)
    assert refused.failure == (
        "prod: this plan has not been rehearsed (nothing was changed: archmig rehearse --env prod)"
    )
    assert (folder / "prod.db").read_bytes() == before
    assert archmig("rehearse", "-e", "prod").code == 0
    assert alembic("-x", "env=prod", "upgrade", "head", ini=ini).code == 0
    assert "--command downgrade 2_b" in alembic("-x", "env=prod", "downgrade", "-1", ini=ini).failure
    assert archmig("rehearse", "-e", "prod", "--command", "downgrade", "2_b").code == 0
    assert alembic("-x", "env=prod", "downgrade", "-1", ini=ini).code == 0
    assert at(folder) == "2_b"
    assert alembic("-x", "env=prod", "stamp", "2_b", ini=ini).code == 0


def test_the_others_are_not_held_to_it(folder: Path) -> None:
    script(folder / "dev.db", "DROP TABLE c", "UPDATE alembic_version SET version_num = '2_b'")
    assert archmig("upgrade", "-e", "dev", "--yes").code == 0


def test_a_plans_digest_is_of_its_steps_and_positions_in_any_order_of_a_set() -> None:
    ids = [f"{item}_r" for item in "abcdefgh"]
    steps = (RunRevision("x"), Stamp(("x",)))
    one = Plan(steps, (), (), frozenset(ids), frozenset([*ids, "x"]))
    other = Plan(steps, (), (), frozenset(reversed(ids)), frozenset(["x", *reversed(ids)]))
    assert plan_digest(one, "f") == plan_digest(other, "f")
    assert plan_digest(one, "f") != plan_digest(one, "g")
    assert plan_digest(one, "f") != plan_digest(Plan(steps[::-1], (), (), one.before, one.after), "f")
    assert plan_digest(one, "f") != plan_digest(Plan(steps, (), (), one.after, one.after), "f")
