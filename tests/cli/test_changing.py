"""The commands that change databases show first, ask, do all or nothing, and tell what came of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from architect_migrate.cli import progress
from support.cli import archmig, ask, build, execute, plainly
from support.plain_alembic import alembic
from support.scenarios import own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

_TIMES = re.compile(r"-\d{8}T\d{6}Z-|\d+\.\d(?= s|  )")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    plainly(monkeypatch)
    return tmp_path


def timeless(text: str) -> str:
    return _TIMES.sub(lambda one: "-T-" if one.group().startswith("-") else "0.0", text)


DRY = """\
lost: drifted, 3 steps
  run revision 002_tags (Tags, with the one that everybody needs)
  complete 003_due (Due dates of notes): create index ix_notes_due
  stamp 003_due
empty: uninitialised, nothing of the chain is in it; its policy is to skip it
"""
DRY_SQL = """\
lost: drifted, 3 steps
  run revision 002_tags (Tags, with the one that everybody needs)
  complete 003_due (Due dates of notes): create index ix_notes_due
  stamp 003_due

BEGIN IMMEDIATE;

-- run revision 002_tags
CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE INDEX ix_tags_name ON tags (name);
INSERT INTO tags (name) SELECT 'todo' WHERE NOT EXISTS (SELECT 1 FROM tags WHERE name = 'todo');
-- 002_tags: these are its statements on an empty database; those of data_step() depend on the rows
-- and are known only when it runs

-- create index ix_notes_due
CREATE INDEX ix_notes_due ON notes (due);

-- stamp 003_due
CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL, \
CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
DELETE FROM alembic_version;
INSERT INTO alembic_version (version_num) VALUES ('003_due');

COMMIT;

"""
TWINS = """\
home: up to date, at its target
behind, twin: behind, 2 steps
  run revision 003_due (Due dates of notes)
  stamp 003_due

BEGIN IMMEDIATE;

-- run revision 003_due
ALTER TABLE notes ADD COLUMN due TEXT;
CREATE INDEX ix_notes_due ON notes (due);

-- stamp 003_due
CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL, \
CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
DELETE FROM alembic_version;
INSERT INTO alembic_version (version_num) VALUES ('003_due');

COMMIT;

"""
PLANS = """\
behind: behind, 2 steps
  run revision 003_due (Due dates of notes)
  stamp 003_due
lost: drifted, 3 steps
  run revision 002_tags (Tags, with the one that everybody needs)
  complete 003_due (Due dates of notes): create index ix_notes_due
  stamp 003_due
"""
RUN = """\
behind: done: at 003_due, 2 steps, 4 rows in 3 tables kept, 0.0 s
lost: done: at 003_due, 3 steps, 6 rows in 3 tables kept, 0.0 s
"""
SUMMARY = """\
environment  state before   outcome        from  to   steps  rows kept  seconds  backup
home         up to date     nothing to do  003   003  -      -          -        -
behind       behind         done           002   003  2      4          0.0      behind-T-1.db
lost         drifted        done           003   003  3      6          0.0      lost-T-1.db
empty        uninitialised  skipped        -     -    -      -          -        -
gone         missing        skipped        -     -    -      -          -        -

5 environments: 1 nothing to do, 2 done, 2 skipped; 10 rows in 6 tables kept, proven in 0.0 s
backups in {folder}/.archmig/backups
"""
LOSSES = """\
behind: behind, 2 steps
  take back revision 002_tags (Tags, with the one that everybody needs)
  stamp 001_notes
  loses 1 row of table tags

BEGIN IMMEDIATE;

-- take back revision 002_tags
DROP TABLE tags;

-- stamp 001_notes
CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL, \
CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
DELETE FROM alembic_version;
INSERT INTO alembic_version (version_num) VALUES ('001_notes');

COMMIT;

"""
REFUSED = """\
environment  state before  outcome  from  to
lost         drifted       blocked  003   003

1 environment: 1 blocked

lost: drifted, blocked by 1 finding
  no stamp: 7 differences from the chain matter
    -> run archmig reconcile first: it repairs the schema and stamps it
"""


def test_a_dry_run_prints_the_steps_exits_1_and_changes_nothing(folder: Path) -> None:
    before = (folder / "lost.db").read_bytes()
    done = archmig("reconcile", "--dry-run", "-e", "lost", "-e", "empty")
    assert (done.out, done.err, done.code) == (DRY, "", 1)
    assert (folder / "lost.db").read_bytes() == before


@pytest.mark.parametrize("words", [("--dry-run", "--sql"), ("--sql",), ("--sql", "--yes")])
def test_with_sql_it_prints_every_statement_and_still_changes_nothing(folder: Path, words: tuple[str, ...]) -> None:
    before = (folder / "lost.db").read_bytes()
    done = archmig("reconcile", "lost", *words)
    assert (done.out, done.err, done.code) == (DRY_SQL, "", 1)
    assert (folder / "lost.db").read_bytes() == before


def test_equal_plans_are_printed_once_with_all_their_environments(folder: Path) -> None:
    twin(folder)
    done = archmig("upgrade", "behind", "twin", "home", "--dry-run", "--sql")
    assert (done.out, done.code) == (TWINS, 1)
    told = archmig("reconcile", "behind", "twin", "--yes").err
    assert told.startswith("behind, twin: behind, 2 steps\n  run revision 003_due (Due dates of notes)\n  stamp")


def twin(folder: Path) -> None:
    """A database like that of `behind`, as the environment `twin`."""
    (folder / "twin.db").write_bytes((folder / "behind.db").read_bytes())
    config = folder / "environments.toml"
    config.write_text(f"{config.read_text()}\n[env.twin]\npath = 'twin.db'\n")


def test_a_preview_that_failed_is_reported_once(folder: Path) -> None:
    done = archmig("upgrade", "+2", "behind", "--dry-run")
    line = "archmig: behind: +2: only 1 revision after 002_tags (archmig history lists them)\n"
    assert (done.out, done.err, done.code) == ("", line, 2)


def test_a_dry_run_may_look_at_everything_unnamed_and_exits_0_where_nothing_is_to_do(folder: Path) -> None:
    assert archmig("reconcile", "--dry-run").code == 1
    assert archmig("reconcile", "--dry-run", "-e", "home", "-e", "gone").code == 0


def test_reconcile_tells_its_plans_on_stderr_and_its_results_on_stdout(folder: Path) -> None:
    done = archmig("reconcile", "--all", "--yes")
    assert (timeless(done.err), done.code) == (PLANS + RUN, 0)
    assert timeless(done.out) == SUMMARY.replace("{folder}", str(folder))


def test_after_reconcile_all_is_well_and_a_second_one_has_nothing_to_do(folder: Path) -> None:
    archmig("reconcile", "--all", "--yes")
    assert archmig("check").code == 0
    again = archmig("reconcile", "--all")
    assert again.out.endswith("\n5 environments: 3 nothing to do, 2 skipped\n")
    assert (again.err, again.code) == ("", 0)
    assert ask(folder / "lost.db", "SELECT colour FROM notes ORDER BY id") == [("red",), (None,), (None,)]
    assert re.search(r"^lost .* reconcile \d{4}-\d\d-\d\d \d\d:\d\d$", archmig("status").out, re.MULTILINE)


@pytest.mark.parametrize(
    "words", [["reconcile", "-e", "lost"], ["upgrade", "-e", "behind"], ["downgrade", "base", "-e", "behind"]]
)
def test_without_a_terminal_nothing_is_asked_and_nothing_changed(folder: Path, words: list[str]) -> None:
    before = {path: path.read_bytes() for path in folder.glob("*.db")}
    done = archmig(*words)
    assert (done.out, done.code) == ("", 2)
    assert done.err.endswith(
        "archmig: stdin is not a terminal, so nothing can be confirmed. Nothing was changed "
        f"(look with archmig {words[0]} --dry-run, then pass --yes)\n"
    )
    assert {path: path.read_bytes() for path in folder.glob("*.db")} == before


@pytest.mark.parametrize("words", [["reconcile"], ["upgrade"], ["downgrade", "base"], ["reconcile", "--yes"]])
def test_what_changes_something_asks_for_a_name(folder: Path, words: list[str]) -> None:
    done = archmig(*words)
    assert (done.out, done.code) == ("", 2)
    assert done.err == (
        f"archmig: archmig {words[0]} changes databases, and none was named "
        "(name them with -e ENV, --tag TAG or --db PATH, or pass --all)\n"
    )


def test_an_upgrade_of_what_is_not_where_it_claims_is_refused_and_names_reconcile(folder: Path) -> None:
    done = archmig("upgrade", "-e", "lost", "--yes")
    assert (done.out, done.err, done.code) == (REFUSED, "", 1)


def test_an_upgrade_stops_at_the_revision_that_was_named(folder: Path) -> None:
    (folder / "new.db").touch()
    text = (folder / "environments.toml").read_text()
    (folder / "environments.toml").write_text(f"{text}\n[env.new]\npath = 'new.db'\nuninitialised = 'create'\n")
    assert archmig("upgrade", "002", "-e", "new", "--yes").code == 0
    assert ask(folder / "new.db", "SELECT version_num FROM alembic_version") == [("002_tags",)]
    assert ask(folder / "new.db", "SELECT name FROM tags") == [("todo",)]


def test_upgrade_sql_prints_what_alembic_would_run_and_touches_nothing(folder: Path) -> None:
    before = (folder / "behind.db").read_bytes()
    done = archmig("upgrade", "-e", "behind", "--sql")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"-- behind: sqlite:///{folder}/behind.db\nBEGIN;\n")
    assert "\nALTER TABLE notes ADD COLUMN due TEXT;\n" in done.out
    assert (folder / "behind.db").read_bytes() == before


def test_upgrade_sql_refuses_what_is_not_where_it_claims(folder: Path) -> None:
    done = archmig("upgrade", "-e", "lost", "--sql")
    assert (done.out, done.code) == ("", 1)
    assert "run archmig reconcile first" in done.err


def test_a_downgrade_says_beforehand_which_rows_are_lost(folder: Path) -> None:
    done = archmig("downgrade", "001", "-e", "behind", "--dry-run", "--sql")
    assert (done.out, done.code) == (LOSSES, 1)
    done = archmig("downgrade", "001", "-e", "behind", "--yes")
    assert done.code == 0
    assert "  loses 1 row of table tags\n" in done.err
    assert ask(folder / "behind.db", "SELECT version_num FROM alembic_version") == [("001_notes",)]


def test_a_blocked_environment_prints_the_entry_that_would_settle_it(folder: Path) -> None:
    execute(
        folder / "lost.db",
        "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO tags VALUES (1, 'a'), (2, 'a')",
    )
    done = archmig("reconcile", "-e", "lost", "--yes")
    assert done.code == 1
    assert "lost: drifted, blocked by " in done.out
    assert "[[resolve]]\n" in done.out
    assert "[[resolve]]\n" in archmig("diagnose", "-e", "lost").out


def test_a_failing_revision_rolls_back_and_stops_no_other(folder: Path) -> None:
    file = folder / "chain" / "versions" / "003_due.py"
    file.write_text(
        file.read_text() + "\n\nimport os\n\n_up = upgrade\n\n\ndef upgrade():\n    _up()\n"
        "    if os.environ.get('ARCHMIG_REPLAY') is None:\n        raise ValueError('not today')\n"
    )
    before = (folder / "behind.db").read_bytes()
    done = archmig("reconcile", "-e", "behind", "-e", "lost", "--yes")
    assert done.code == 2
    assert "archmig: behind: revision 003_due failed in upgrade(): ValueError: not today" in done.err
    told = [line.split()[:3] for line in done.out.splitlines()[1:3]]
    assert told == [["behind", "behind", "failed"], ["lost", "drifted", "done"]]
    assert (folder / "behind.db").read_bytes() == before


def test_what_a_revision_says_can_show_no_secret_and_steer_no_terminal(folder: Path) -> None:
    file = folder / "chain" / "versions" / "003_due.py"
    told = "postgresql://app:s3cret@db/x is \\x1b[31mgone"
    raising = f'    if os.environ.get("ARCHMIG_REPLAY") is None:\n        raise ValueError("{told}")\n'
    file.write_text(f"{file.read_text()}\n\nimport os\n\n_up = upgrade\n\n\ndef upgrade():\n    _up()\n{raising}")
    done = archmig("upgrade", "-e", "behind", "--yes")
    assert (done.code, done.err.count("postgresql://***@db/x is \\x1b[31mgone")) == (2, 1), done.err
    plain = alembic("-x", "env=behind", "upgrade", "head", ini=folder / "alembic.ini")
    assert "postgresql://***@db/x is \\x1b[31mgone" in plain.out
    assert "s3cret" not in done.out + done.err + plain.out + plain.err + archmig("log").out + archmig("show").out


def test_a_log_of_a_long_run_has_signs_of_life(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SILENCE", 0.0)
    done = archmig("upgrade", "-e", "behind", "--yes")
    assert done.err.splitlines()[3:-1] == [
        "behind: backing up",
        "behind: step 1 of 2: run revision 003_due",
        "behind: step 2 of 2: stamp 003_due",
        "behind: proving that every row is there",
    ]
    assert archmig("downgrade", "002", "-e", "behind", "--yes", "--json").err == ""


def test_several_jobs_come_to_the_same(folder: Path) -> None:
    done = archmig("reconcile", "--all", "--yes", "--jobs", "2")
    assert (timeless(done.out), done.code) == (SUMMARY.replace("{folder}", str(folder)), 0)
    assert archmig("check", "-j", "2").code == 0


def test_the_json_of_reconcile_is_one_document_with_its_receipts(folder: Path) -> None:
    done = archmig("reconcile", "--all", "--yes", "--json")
    told = json.loads(done.out)
    assert (done.err, done.code, told["version"], told["command"], told["exit_code"]) == ("", 0, 2, "reconcile", 0)
    by_name = {one["name"]: one for one in told["environments"]}
    assert {name: one["outcome"] for name, one in by_name.items()} == {
        "home": "nothing",
        "behind": "done",
        "lost": "done",
        "empty": "skipped",
        "gone": "skipped",
    }
    lost = by_name["lost"]
    assert (lost["from"], lost["to"], lost["error"]) == (["003_due"], ["003_due"], None)
    assert [one["headline"] for one in lost["plan"]["steps"]] == [
        "run revision 002_tags",
        "create index ix_notes_due",
        "stamp 003_due",
    ]
    assert (lost["receipt"]["rows"], lost["receipt"]["stamp_after"]) == (6, ["003_due"])


def test_the_json_of_a_dry_run_carries_the_sql(folder: Path) -> None:
    told = json.loads(archmig("reconcile", "--dry-run", "--json", "-e", "lost").out)
    assert told["dry_run"] is True
    assert "CREATE INDEX ix_notes_due ON notes (due);" in told["environments"][0]["plan"]["sql"]


RENAMES = {
    "a table": (
        ("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO person VALUES (1, 'x')"),
        ("ALTER TABLE person RENAME TO people",),
        "ALTER TABLE people RENAME TO person",
        "DROP TABLE people",
        "loses 1 row of table people, unless its downgrade() brings them back to table person",
    ),
    "a column": (
        ("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO person VALUES (1, 'x')"),
        ("ALTER TABLE person RENAME COLUMN name TO title",),
        "ALTER TABLE person RENAME COLUMN title TO name",
        "ALTER TABLE person DROP COLUMN title",
        "loses 1 value of column person.title, unless its downgrade() brings them back to column person.name",
    ),
}


@pytest.mark.parametrize("case", RENAMES)
@pytest.mark.parametrize("way", ["brings back", "drops"])
def test_what_a_revision_renamed_is_lost_only_where_its_downgrade_does_not_bring_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, way: str
) -> None:
    first, second, back, drop, said = RENAMES[case]
    undo = back if way == "brings back" else drop
    file = revision("a1", *second).replace("downgrade():\n    pass", f"downgrade():\n    op.execute({undo!r})")
    home = own_chain(tmp_path, {"a1": revision(None, first[0]), "b2": file})
    script(home.database, *first, *second, *stamp("b2"))
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    home.context()
    shown = archmig("downgrade", "a1", "-e", "it", "--dry-run")
    assert said in " ".join((shown.out + shown.err).split())
    done = archmig("downgrade", "a1", "-e", "it", "--yes")
    assert done.code == (0 if way == "brings back" else 2), done.out + done.err
    assert way == "drops" or ask(home.database, "SELECT name FROM person") == [("x",)]
