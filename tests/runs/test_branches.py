"""Branches that some environments have to themselves: those get them, the others never do, by archmig or by alembic."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.branches import foreign, history_without
from architect_migrate.model.chain_config import beside
from architect_migrate.model.history import reference
from architect_migrate.model.revision_graph import Revision, RevisionGraph, lineage
from architect_migrate.revisions.replay import history_of
from support.cli import archmig
from support.plain_alembic import alembic
from support.scenarios import INI, ask, own_chain, script, stamp

if TYPE_CHECKING:
    from support.cli import Done


def graph(*revisions: tuple[str, tuple[str, ...], tuple[str, ...]]) -> RevisionGraph:
    """Revisions as (id, down revisions, labels)."""
    return RevisionGraph(tuple(Revision(one, down, down=down, labels=labels) for one, down, labels in revisions))


TRUNK = (("1", (), ()), ("2", ("1",), ()))
DEV = (("d1", ("1",), ("dev",)), ("d2", ("d1",), ()))
E1 = (("e1", ("2",), ("e",)), ("e2", ("e1",), ()))
CASES = {
    "nothing is reserved": (graph(*TRUNK, *DEV), (), (), set()),
    "a branch that is listed here": (graph(*TRUNK, *DEV), ("dev",), (), set()),
    "a branch of others": (graph(*TRUNK, *DEV), ("dev",), ("dev",), {"d1", "d2"}),
    "a label that no revision bears": (graph(*TRUNK), ("dev",), ("dev",), set()),
    "one of two": (graph(*TRUNK, *DEV, *E1), ("dev", "e"), ("e",), {"e1", "e2"}),
    "a branch on a branch": (graph(*TRUNK, *DEV, ("x1", ("d2",), ("x",))), ("dev", "x"), ("x",), {"x1"}),
    "the branch below a branch": (
        graph(*TRUNK, *DEV, ("x1", ("d2",), ("x",))),
        ("dev", "x"),
        ("dev",),
        {"d1", "d2", "x1"},
    ),
    "a merge with the trunk": (graph(*TRUNK, *DEV, ("m", ("2", "d1"), ())), ("dev",), ("dev",), {"d2"}),
    "what comes after such a merge": (
        graph(*TRUNK, *DEV, ("m", ("2", "d2"), ()), ("3", ("m",), ())),
        ("dev",),
        ("dev",),
        set(),
    ),
    "a merge of two branches": (
        graph(*TRUNK, *DEV, *E1, ("m", ("d2", "e2"), ())),
        ("dev", "e"),
        ("e",),
        {"e1", "e2", "m"},
    ),
    "what the trunk depends on": (
        RevisionGraph((*graph(*TRUNK, *DEV).revisions, Revision("3", ("2", "d1"), down=("2",)))),
        ("dev",),
        ("dev",),
        {"d2"},
    ),
    "a branch that depends on the trunk": (
        RevisionGraph((*graph(*TRUNK, *DEV).revisions, Revision("d3", ("d2", "2"), down=("d2",)))),
        ("dev",),
        ("dev",),
        {"d1", "d2", "d3"},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_belongs_to_others(case: tuple[RevisionGraph, tuple[str, ...], tuple[str, ...], set[str]]) -> None:
    chain, reserved, excluded, expected = case
    assert foreign(chain, reserved, excluded) == expected


A, B, C, D, E = (f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, x TEXT)" for name in "abcde")


def both(after: str | None, up: str, down: str, more: str = "") -> str:
    return (
        f"down_revision = {after!r}\n{more}\n\ndef upgrade():\n    op.execute({up!r})\n"
        f"\ndef downgrade():\n    op.execute({down!r})\n"
    )


CHAIN = {
    "1_base": both(None, A, "DROP TABLE a"),
    "dev/d1_try": both(
        "1_base", "ALTER TABLE a ADD COLUMN tried TEXT", "ALTER TABLE a DROP COLUMN tried", 'branch_labels = ("dev",)'
    ),
    "dev/d2_toy": both("d1_try", D, "DROP TABLE d"),
    "slot/s1_slot": both(
        "1_base", "ALTER TABLE a ADD COLUMN slot INTEGER", "ALTER TABLE a DROP COLUMN slot", 'branch_labels = ("slot",)'
    ),
    "2_next": both("1_base", B, "DROP TABLE b"),
    "3_more": both("2_next", "ALTER TABLE a ADD COLUMN more TEXT", "ALTER TABLE a DROP COLUMN more"),
}
MATRIX = """[defaults]
uninitialised = "create"
[env.prod]
path = "prod.db"
[env.dev]
path = "dev.db"
heads = ["head", "dev"]
[env.slot]
path = "slot.db"
heads = ["head", "slot"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    versions = tmp_path / "alembic" / "versions"
    for name in ("dev", "slot"):
        (versions / name).mkdir(parents=True)
    own_chain(tmp_path / "empty", {"1": "down_revision = None"})
    (tmp_path / "alembic" / "env.py").write_text(ENV, encoding="utf-8")
    (tmp_path / "alembic.ini").write_text(f"{INI}\nrecursive_version_locations = true\n", encoding="utf-8")
    for name, text in CHAIN.items():
        revision = name.rpartition("/")[2]
        (versions / f"{name}.py").write_text(
            f"from alembic import op\n\nrevision = {revision!r}\n{text}", encoding="utf-8"
        )
    (tmp_path / "environments.toml").write_text(MATRIX, encoding="utf-8")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARCHITECT_ENV", raising=False)
    return tmp_path


ENV = "from alembic import context\n\nfrom architect_migrate.alembic_env import run\n\nrun(context)\n"


def heads_of(name: str) -> list[str]:
    return [row[0] for row in ask_at(name, "SELECT version_num FROM alembic_version ORDER BY 1")]


def ask_at(name: str, sql: str) -> list[tuple[str, ...]]:
    return ask(Path(f"{name}.db"), sql)


def columns(name: str) -> list[str]:
    return [row[0] for row in ask_at(name, "SELECT name FROM pragma_table_info('a')")]


def built(*words: str) -> Done:
    done = archmig(*words)
    assert done.code == 0, done.err
    return done


def test_each_environment_is_built_with_its_own_branches_and_no_others(folder: Path) -> None:
    built("upgrade", "--all", "--yes")
    assert heads_of("prod") == ["3_more"]
    assert heads_of("dev") == ["3_more", "d2_toy"]
    assert heads_of("slot") == ["3_more", "s1_slot"]
    assert columns("prod") == ["id", "x", "more"]
    assert columns("dev") == ["id", "x", "more", "tried"]
    assert columns("slot") == ["id", "x", "more", "slot"]
    assert re.sub(r"20\d\d-\d\d-\d\d \d\d:\d\d", "2026-11-24 03:00", built("status").out) == STATUS
    built("check", "--all")
    assert built("reconcile", "--all", "--yes").out.count("nothing to do") == 4


STATUS = """\
environment  state       at     stamp  last action
prod         up to date  3      3      upgrade 2026-11-24 03:00
dev          up to date  3, d2  3, d2  upgrade 2026-11-24 03:00
slot         up to date  3, s1  3, s1  upgrade 2026-11-24 03:00

3 environments: 3 up to date
"""


def test_a_database_without_a_stamp_is_judged_by_its_own_branches(folder: Path) -> None:
    script(folder / "prod.db", A, "ALTER TABLE a ADD COLUMN slot INTEGER", D, "INSERT INTO a VALUES (1, 'x', 7)")
    script(folder / "slot.db", A, "INSERT INTO a VALUES (1, 'x')")
    built("reconcile", "--all", "--yes")
    assert heads_of("prod") == ["3_more"]
    assert ask_at("prod", "SELECT id, x, slot, more FROM a") == [(1, "x", 7, None)]
    assert heads_of("slot") == ["3_more", "s1_slot"]


def test_the_branch_alone_can_be_taken_back(folder: Path) -> None:
    built("upgrade", "-e", "dev", "--yes")
    built("downgrade", "3_more", "-e", "dev", "--yes")
    assert (heads_of("dev"), columns("dev")) == (["3_more"], ["id", "x", "more"])
    assert archmig("check", "-e", "dev").code == 1


@pytest.mark.parametrize("target", ["dev@head", "d1_try", "d2"])
def test_a_branch_of_others_is_refused_by_name(folder: Path, target: str) -> None:
    done = archmig("upgrade", target, "-e", "prod", "--yes")
    assert (done.code, done.err) == (
        2,
        (
            "archmig: prod: revision d1_try is on the branch 'dev', which is reserved for other environments "
            "(nothing was changed: add the branch to this environment's heads, or name another revision)\n"
        ),
    )
    assert not (folder / "prod.db").exists()


def test_a_word_in_heads_that_means_nothing_is_told_for_that_environment_alone(folder: Path) -> None:
    (folder / "environments.toml").write_text(
        f'{MATRIX}[env.odd]\npath = "odd.db"\nheads = ["slto"]\n', encoding="utf-8"
    )
    done = archmig("upgrade", "--all", "--yes")
    assert done.code == 2
    assert done.err.splitlines()[0] == "archmig: odd: the chain has no revision 'slto' (did you mean 'slot'?)"
    assert heads_of("dev") == ["3_more", "d2_toy"]


def test_what_nobody_lists_is_everybodys(folder: Path) -> None:
    (folder / "environments.toml").write_text(
        '[env.prod]\npath = "prod.db"\nuninitialised = "create"\n', encoding="utf-8"
    )
    built("upgrade", "--all", "--yes")
    assert heads_of("prod") == ["3_more", "d2_toy", "s1_slot"]


@pytest.mark.parametrize("words", [("upgrade", "heads"), ("upgrade", "dev@head"), ("stamp", "heads")])
def test_plain_alembic_refuses_a_branch_of_others_and_changes_nothing(folder: Path, words: tuple[str, ...]) -> None:
    script(folder / "prod.db", A, "INSERT INTO a VALUES (1, 'x')", *stamp("1_base"))
    before = (folder / "prod.db").read_bytes()
    done = alembic("-x", "env=prod", *words, ini=folder / "alembic.ini")
    assert "which is reserved for other environments" in done.failure
    assert (folder / "prod.db").read_bytes() == before


def test_plain_alembic_gives_an_environment_its_branch(folder: Path) -> None:
    done = alembic("-x", "env=dev", "upgrade", "dev@head", ini=folder / "alembic.ini")
    assert done.code == 0, done.out
    assert heads_of("dev") == ["d2_toy"]
    assert alembic("-x", "env=dev", "upgrade", "3_more", ini=folder / "alembic.ini").code == 0
    assert archmig("check", "-e", "dev").code == 0


def test_of_a_chain_without_a_branch_nothing_of_it_is_left(folder: Path) -> None:
    history = history_of(beside(folder / "alembic.ini"), None)
    left_out = lineage(history.graph, "dev")
    found = history_without(history, left_out)
    assert found.graph.order == tuple(revision for revision in history.graph.order if revision not in left_out)
    (table,) = (each for each in reference(found, frozenset(found.graph.order)).tables if each.name == "a")
    assert [column.name for column in table.columns] == ["id", "x", "more", "slot"]
    assert len(found.graph.digests) == min(history.graph.order.index(one) for one in left_out)
