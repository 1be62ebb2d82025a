"""What an environment requires: it gets no revision that those have not had, by what is in their databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.plain_alembic import alembic
from support.scenarios import ask, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = (f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, x TEXT)" for name in "abc")
CHAIN = {"1_a": revision(None, A), "2_b": revision("1_a", B), "3_c": revision("2_b", C)}
MATRIX = """[env.dev]
path = "dev.db"
[env.qa]
path = "qa.db"
[env.prod]
path = "prod.db"
requires = ["dev", "qa"]
uninitialised = "create"
"""
KEPT_BACK = "warning: 3_c: kept back, since qa has not had it"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """dev has had all, qa two of three, prod one; each has a row."""
    own_chain(tmp_path, CHAIN)
    row = "INSERT INTO a VALUES (1, 'kept')"
    script(tmp_path / "dev.db", A, B, C, row, *stamp("3_c"))
    script(tmp_path / "qa.db", A, B, row, *stamp("2_b"))
    script(tmp_path / "prod.db", A, row, *stamp("1_a"))
    (tmp_path / "environments.toml").write_text(MATRIX, encoding="utf-8")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARCHITECT_ENV", raising=False)
    return tmp_path


def at(folder: Path, name: str) -> str:
    return str(ask(folder / f"{name}.db", "SELECT version_num FROM alembic_version")[0][0])


@pytest.mark.parametrize("command", ["upgrade", "reconcile"])
def test_what_a_required_environment_has_not_had_is_not_run(folder: Path, command: str) -> None:
    before = (folder / "prod.db").read_bytes()
    done = archmig(command, "-e", "prod", "--yes")
    assert done.code == 1
    assert "qa has not had 3_c" in done.out
    assert "archmig promote --to prod" in done.out
    assert (folder / "prod.db").read_bytes() == before


def test_what_they_have_had_is_run(folder: Path) -> None:
    assert archmig("upgrade", "2_b", "-e", "prod", "--yes").code == 0
    assert (at(folder, "prod"), ask(folder / "prod.db", "SELECT x FROM a")) == ("2_b", [("kept",)])


def test_promote_goes_as_far_as_it_may_and_says_what_is_kept_back(folder: Path) -> None:
    told = archmig("promote", "--to", "prod", "--dry-run")
    assert (told.code, at(folder, "prod")) == (1, "1_a")
    assert "run revision 2_b\n" in told.out
    assert f"  {KEPT_BACK}\n" in told.out
    done = archmig("promote", "--to", "prod", "--yes")
    assert (done.code, at(folder, "prod")) == (0, "2_b")
    assert done.err.count(KEPT_BACK) == 1
    assert archmig("upgrade", "-e", "qa", "--yes").code == 0
    assert archmig("promote", "--to", "prod", "--yes").code == 0
    assert at(folder, "prod") == "3_c"
    last = archmig("promote", "--to", "prod", "--yes")
    assert (last.code, last.out.splitlines()[1].split()[:4]) == (0, ["prod", "up", "to", "date"])


def test_one_that_has_drifted_is_brought_home_as_far_as_it_may(folder: Path) -> None:
    script(folder / "prod.db", "DROP TABLE alembic_version", "ALTER TABLE a ADD COLUMN mine TEXT")
    blocked = archmig("reconcile", "-e", "prod", "--yes")
    assert (blocked.code, "promote --to prod" in blocked.out) == (1, True)
    done = archmig("promote", "--to", "prod", "--yes")
    assert (done.code, at(folder, "prod")) == (0, "2_b")
    assert ask(folder / "prod.db", "SELECT x, mine FROM a") == [("kept", None)]


def test_a_stamp_that_lies_is_not_having_had_it(folder: Path) -> None:
    script(folder / "qa.db", "UPDATE alembic_version SET version_num = '3_c'")
    assert "qa has not had 3_c" in archmig("upgrade", "-e", "prod", "--yes").out


@pytest.mark.parametrize(
    ("what", "said"), [("nothing", "nothing of the chain is in it"), ("no file", "there is no file"), ("junk", "not a")]
)
def test_a_database_that_is_not_there_or_cannot_be_read_has_had_nothing(folder: Path, what: str, said: str) -> None:
    (folder / "qa.db").unlink()
    if what != "no file":
        (folder / "qa.db").write_bytes(b"" if what == "nothing" else b"junk" * 1000)
    done = archmig("upgrade", "2_b", "-e", "prod", "--yes")
    assert done.code == 1
    assert said in " ".join(done.out.split())
    assert archmig("promote", "--to", "prod", "--yes").code == 0
    assert at(folder, "prod") == "1_a"


def test_an_empty_environment_is_built_only_as_far_as_those_are(folder: Path) -> None:
    (folder / "prod.db").unlink()
    assert archmig("upgrade", "-e", "prod", "--yes").code == 1
    assert archmig("reconcile", "-e", "prod", "--yes").code == 1
    assert not (folder / "prod.db").exists()
    assert archmig("promote", "--to", "prod", "--yes").code == 0
    assert at(folder, "prod") == "2_b"


def test_what_is_there_by_evidence_need_not_be_promoted(folder: Path) -> None:
    script(folder / "prod.db", B, C)
    assert archmig("reconcile", "-e", "prod", "--yes").code == 0
    assert at(folder, "prod") == "3_c"


def test_an_environment_that_requires_none_is_a_usage_error(folder: Path) -> None:
    done = archmig("promote", "--to", "qa", "--yes")
    assert (done.code, done.err) == (
        2,
        (
            "archmig: qa: qa requires no environment, so there is nothing to be promoted from "
            '(give it requires = ["qa"] in environments.toml, or say archmig upgrade -e qa)\n'
        ),
    )


def test_plain_alembic_is_held_to_it_too(folder: Path) -> None:
    before = (folder / "prod.db").read_bytes()
    done = alembic("-x", "env=prod", "upgrade", "head", ini=folder / "alembic.ini")
    assert "prod: qa has not had 3_c (nothing was changed: archmig promote --to prod" in done.failure
    assert (folder / "prod.db").read_bytes() == before
    assert alembic("-x", "env=prod", "upgrade", "2_b", ini=folder / "alembic.ini").code == 0
