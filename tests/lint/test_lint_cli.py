"""`archmig lint` as a person runs it: what it prints, its exit codes, and what it takes for a revision or a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from architect_migrate.lint.lint import lint
from architect_migrate.model.chain_config import beside
from architect_migrate.revisions.replay import source_of
from support.cli import archmig, executable
from support.lint_cases import INI, chain, drop, sql, text
from support.paths import PROJECT

NOTES = text("001_notes", None, sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT)"), drop("notes"))
AGAIN = text(
    "002_again",
    "001_notes",
    sql("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, due TEXT)", "CREATE INDEX ix ON notes (due)"),
    drop("notes"),
)
GONE = text(
    "003_gone", "001_notes", sql("DROP TABLE notes"), sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT)")
)
CLASH = """chain/versions/002_again.py:12: AM207 table notes exists in another shape, so nothing is created: \
no column notes.due
    CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, due TEXT)
    fix: change the existing object with ALTER statements, or choose another name; IF NOT EXISTS only hides the clash

"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("ARCHMIG_CONFIG", raising=False)
    return tmp_path


def codes(*words: str) -> list[tuple[str, str]]:
    done = archmig("lint", *words, "--json")
    assert done.code != 2, done.err
    told = json.loads(done.out)
    return [(Path(one["file"]).stem, one["code"]) for one in told["flaws"]]


def test_a_flaw_is_told_with_its_line_its_code_why_and_a_fix(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES, "002_again": AGAIN})
    done = archmig("lint")
    assert (done.code, done.err) == (1, "")
    assert done.out == f"{CLASH}2 revisions: 1 error in 1 file\n"


def test_warnings_are_counted_apart_and_end_with_1_too(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES, "003_gone": GONE})
    done = archmig("lint")
    assert done.code == 1
    assert done.out == (
        "chain/versions/003_gone.py:12: AM401 table notes is dropped with all of its rows\n"
        "    DROP TABLE notes\n"
        "    fix: if intended: # archmig: allow AM401 REASON\n\n"
        "2 revisions: 1 warning in 1 file\n"
    )


def test_what_is_allowed_with_a_reason_is_clean(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES, "003_gone": f"# archmig: allow AM401 nobody reads it\n{GONE}"})
    done = archmig("lint", "--all")
    assert (done.code, done.out) == (0, "2 revisions, no flaws\n")


def test_the_document_holds_what_the_text_says(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES, "002_again": AGAIN})
    done = archmig("lint", "--json")
    assert json.loads(done.out) == {
        "version": 2,
        "command": "lint",
        "exit_code": 1,
        "judged": 2,
        "only_upgraded": False,
        "flaws": [
            {
                "code": "AM207",
                "grade": "error",
                "revision": "002_again",
                "file": str(folder / "chain/versions/002_again.py"),
                "line": 12,
                "message": "table notes exists in another shape, so nothing is created: no column notes.due",
                "fix": "change the existing object with ALTER statements, or choose another name; "
                "IF NOT EXISTS only hides the clash",
                "sql": "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, due TEXT)",
            }
        ],
        "environments": [],
    }


def test_a_revision_is_named_by_its_beginning_and_only_it_is_judged(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES.replace("DROP TABLE notes", "SELECT 1"), "002_again": AGAIN})
    assert codes("001") == [("001_notes", "AM502")]
    assert codes("002") == [("002_again", "AM207")]
    assert codes("head") == [("002_again", "AM207")]


def test_what_keeps_an_earlier_revision_from_running_is_told_though_it_was_not_asked_for(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES.replace("CREATE TABLE", "CREATE TABEL"), "002_again": AGAIN})
    assert ("001_notes", "AM201") in codes("002")


def test_a_file_that_is_not_in_the_chain_is_judged_as_though_it_were(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES})
    (folder / "drafts").mkdir()
    (folder / "drafts" / "002_again.py").write_text(AGAIN, encoding="utf-8")
    done = archmig("lint", "drafts/002_again.py")
    assert done.out == f"{CLASH.replace('chain/versions', 'drafts')}1 revision: 1 error in 1 file\n"
    assert [path.name for path in (folder / "drafts").iterdir()] == ["002_again.py"]


def test_a_draft_that_was_corrected_is_tried_anew(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES})
    draft = folder / "003_gone.py"
    draft.write_text(GONE, encoding="utf-8")
    assert codes("003_gone.py") == [("003_gone", "AM401")]
    draft.write_text(
        GONE.replace("DROP TABLE notes", "SELECT 1").replace("CREATE TABLE notes (", "SELECT ("), encoding="utf-8"
    )
    assert codes("003_gone.py") == [("003_gone", "AM501")]


def test_a_file_of_the_chain_is_named_by_its_path_and_an_sql_file_means_its_revision(folder: Path) -> None:
    read = (
        "from pathlib import Path\n"
        "for it in Path(__file__).with_suffix('.sql').read_text().split(';')[:-1]:\n"
        "    op.execute(it)"
    )
    chain(folder, {"001_notes": NOTES, "002_sql": text("002_sql", "001_notes", read, drop("moods"))})
    script = folder / "chain/versions/002_sql.sql"
    script.write_text("-- Moods.\nCREATE TABLE moods (id INTEGER);\nCREATE INDEX ix\nON mods (id);\n", encoding="utf-8")
    done = archmig("lint", "chain/versions/002_sql.sql")
    assert done.out.startswith(
        "chain/versions/002_sql.sql:3: AM202 no such table: mods\n    CREATE INDEX ix ON mods (id)"
    )


def test_a_table_that_is_made_later_names_the_revision_that_makes_it(folder: Path) -> None:
    late = text("002_late", "001_early", sql("CREATE TABLE notes (id INTEGER PRIMARY KEY)"), drop("notes"))
    early = text("001_early", None, sql("CREATE INDEX ix ON notes (id)"), sql("DROP INDEX ix"))
    chain(folder, {"001_early": early, "002_late": late})
    assert "AM202 no such table: notes (002_late creates it later)" in archmig("lint").out


def test_a_column_that_is_added_later_names_the_revision_that_adds_it(folder: Path) -> None:
    early = text("002_early", "001_notes", sql("CREATE INDEX ix ON notes (due)"), sql("DROP INDEX ix"))
    add = sql("ALTER TABLE notes ADD COLUMN due TEXT")
    late = text("003_late", "002_early", add, sql("ALTER TABLE notes DROP COLUMN due"))
    chain(folder, {"001_notes": NOTES, "002_early": early, "003_late": late})
    assert "AM203 no such column: due (003_late creates it later)" in archmig("lint").out


def test_what_comes_after_a_revision_that_does_not_run_is_said_to_be_untried(folder: Path) -> None:
    after = {f"00{n}_x": text(f"00{n}_x", f"00{n - 1}_x", "pass") for n in (3, 4)}
    old = text("002_x", "001_notes", "pass").replace("def upgrade()", "def upgrade(conn)")
    chain(folder, {"001_notes": NOTES, "002_x": old, **after})
    assert codes() == [("002_x", "AM104"), ("003_x", "AM213")]
    assert "it comes after 002_x, which does not run: it and 1 more were not tried" in archmig("lint").out


@pytest.mark.parametrize(
    ("body", "said"),
    {
        "import os; os._exit(3)": "the process that tried it died: exit code 3",
        "open('/etc/hostname', 'r+')": "upgrade() raises EscapeError: the chain's code tried to write the file",
        "raise SystemExit(0)": "upgrade() raises SystemExit: 0",
        "import not_there": "upgrade() raises ModuleNotFoundError: No module named 'not_there'",
    }.items(),
)
def test_whatever_a_revision_does_is_a_flaw_of_it(folder: Path, body: str, said: str) -> None:
    chain(folder, {"001_notes": NOTES, "002_x": text("002_x", "001_notes", body)})
    done = archmig("lint")
    assert f"AM209 {said}" in done.out


def test_a_file_that_cannot_be_imported_is_a_flaw(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES.replace("import sqlalchemy", "import not_there")})
    assert "AM001 it cannot be imported: ModuleNotFoundError: No module named 'not_there'" in archmig("lint").out


def test_the_others_are_judged_beside_a_file_that_python_cannot_read(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES, "002_again": AGAIN, "003_bad": "revision = "})
    assert codes() == [("002_again", "AM207"), ("003_bad", "AM001")]
    assert codes("002") == [("002_again", "AM207"), ("003_bad", "AM001")]


def test_what_comes_after_a_file_that_python_cannot_read_is_untried_and_no_more(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES, "002_x": "revision = ", "003_x": text("003_x", "002_x", "pass")})
    assert codes() == [("002_x", "AM001"), ("003_x", "AM213")]
    assert "AM213 it comes after one that is missing or cannot be read: it was not tried" in archmig("lint").out


def test_a_file_may_say_its_encoding(folder: Path) -> None:
    ini = chain(folder, {"001_notes": NOTES})
    file = ini.parent / "chain/versions/001_notes.py"
    file.write_bytes(b"# coding: latin-1\n# \xe9\n" + NOTES.encode())
    assert codes() == []
    file.write_bytes(b"# \xe9\n" + NOTES.encode())
    assert codes() == [("001_notes", "AM001")]


def test_a_module_that_was_missing_is_looked_for_again(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES.replace("import sqlalchemy as sa", "import missing_once")})
    (folder / "alembic.ini").write_text(f"{INI}prepend_sys_path = %(here)s\n", encoding="utf-8")
    assert codes() == [("001_notes", "AM001")]
    (folder / "missing_once.py").touch()
    assert codes() == []


def test_a_branch_that_an_environment_lists_may_have_a_head(folder: Path) -> None:
    branch = text("002_dev", "001_notes", "pass") + "branch_labels = 'dev'\n"
    chain(folder, {"001_notes": NOTES, "002_dev": branch, "002_x": text("002_x", "001_notes", "pass")})
    assert codes() == [("002_x", "AM007")]
    (folder / "environments.toml").write_text('[env.dev]\npath = "dev.db"\nheads = ["head", "dev"]\n', encoding="utf-8")
    assert codes() == []
    assert not (folder / "dev.db").exists()


REFUSED = {
    "no such revision": (("099",), "the chain has no revision '099'"),
    "no such file": (("099.py",), "099.py is not a file (name a revision by its id, or the path of its file)"),
    "all and one": (("001", "--all"), "--all contradicts a revision or file"),
    "an ini that is not there": (("-c", "other.ini"), "other.ini: No such file or directory"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_ends_with_2_and_one_line(folder: Path, name: str) -> None:
    words, said = REFUSED[name]
    chain(folder, {"001_notes": NOTES})
    done = archmig("lint", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_an_env_that_fails_is_no_flaw_of_a_revision(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES})
    (folder / "chain" / "env.py").write_text("import not_there\n", encoding="utf-8")
    done = archmig("lint")
    assert done.code == 2
    assert "No module named 'not_there'" in done.err


def test_a_stranger_s_env_that_opens_a_database_of_its_own_is_no_hindrance(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES, "002_again": AGAIN})
    own = """from alembic import context
from sqlalchemy import create_engine
with create_engine("sqlite://").connect() as connection:
    context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
"""
    (folder / "chain" / "env.py").write_text(own, encoding="utf-8")
    assert codes() == [("002_again", "AM207")]


def test_an_ini_can_be_named_instead_of_an_environments_toml(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain(folder / "there", {"001_notes": NOTES})
    monkeypatch.chdir(folder)
    assert archmig("lint", "-c", "there/alembic.ini").out == "1 revision, no flaws\n"


def test_the_installed_command_leaves_nothing_behind(folder: Path) -> None:
    chain(folder, {"001_notes": NOTES, "002_again": AGAIN})
    before = sorted(folder.rglob("*"))
    done = executable("lint", cwd=folder, environ={"COLUMNS": ""})
    assert (done.code, done.out) == (1, f"{CLASH}2 revisions: 1 error in 1 file\n")
    assert sorted(folder.rglob("*")) == before


def test_the_project_s_own_revisions_are_clean() -> None:
    source = source_of(beside(PROJECT / "alembic.ini"), Path(os.environ["ARCHMIG_CACHE"]))
    assert lint(source) == ()
