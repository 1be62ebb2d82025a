"""archmig new --from-db: what was made by hand in one database becomes a revision, proven there and back."""

from __future__ import annotations

import json
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.authoring import hotfix
from architect_migrate.core.chain_errors import NewRevisionError
from architect_migrate.databases.promotion import Promotion
from architect_migrate.databases.registry import dialect
from architect_migrate.databases.sqlite.repair.promotion import promotion
from architect_migrate.model.chain_config import beside
from support.cli import archmig
from support.new import INDEX, MATRIX, chain, written
from support.plain_alembic import alembic
from support.scenarios import INI, ask, digest, revision, script

if TYPE_CHECKING:
    from architect_migrate.model.schema import Key, Schema
    from support.cli import Done

ALEMBIC = Path(str(util.find_spec("alembic").submodule_search_locations[0]))  # type: ignore[union-attr, index]  # it is there
MOOD = "ALTER TABLE bugs ADD COLUMN mood TEXT DEFAULT 'calm' CHECK (mood <> ':none:')"
ON_MOOD = "CREATE INDEX ix_bugs_mood ON bugs (mood) WHERE mood <> 'calm'"
MOODS = """CREATE TABLE moods (
    id INTEGER PRIMARY KEY, -- the number: its own
    bug_id INTEGER REFERENCES bugs(id),
    at TEXT DEFAULT (strftime('%H:%M', 'now')),
    name TEXT UNIQUE
)"""
ON_MOODS = "CREATE INDEX ix_moods_bug ON moods (bug_id)"
TRIGGER = """CREATE TRIGGER tr_mood AFTER UPDATE OF mood ON bugs BEGIN
    INSERT INTO moods (bug_id, name) VALUES (NEW.id, ':' || NEW.mood);
END"""
V_MOODS = "CREATE VIEW v_moods AS SELECT name FROM moods"
BY_HAND = (MOOD, ON_MOOD, MOODS, ON_MOODS, TRIGGER, V_MOODS)
ALL = ("--object", "bugs", "--object", "moods", "--object", "v_moods")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("ARCHITECT_ENV", raising=False)
    return chain(tmp_path)


def by_hand(folder: Path, *statements: str) -> None:
    script(folder / "qa.db", *statements)


def texts(folder: Path, name: str) -> dict[str, str]:
    hidden = ("alembic_version", "sqlite_autoindex_alembic_version_1")
    rows = ask(folder / f"{name}.db", "SELECT name, sql FROM sqlite_master")
    return {its_name: sql for its_name, sql in rows if its_name not in hidden}


def made(*words: str) -> Done:
    done = archmig("new", "Bug mood", "--from-db", "qa", *words)
    assert done.code == 0, done.err
    return done


def refused(folder: Path, *words: str) -> str:
    before = written(folder), digest(folder / "qa.db")
    done = archmig("new", "Bug mood", "--from-db", "qa", *words)
    assert (done.code, done.out) == (2, "")
    assert (written(folder), digest(folder / "qa.db")) == before
    (line,) = done.err.splitlines()
    return line.removeprefix("archmig: ")


def test_a_hotfix_comes_home_as_a_revision_and_goes_on_to_the_others(folder: Path) -> None:
    by_hand(folder, *BY_HAND, "INSERT INTO moods (id, name) VALUES (1, 'calm')")
    there = digest(folder / "qa.db")
    done = made(*ALL, "--validate")
    assert (done.out, done.err.splitlines()) == (
        "alembic/versions/003_bug_mood.py\n",
        [
            "003_bug_mood comes after 002_index",
            "6 statements up, 5 down, proven on a scratch database, there and back",
            "table moods: its 1 row stays in qa; a data_step() would bring them",
            "archmig reconcile --env qa will find it there and stamp it; the others get it by upgrade",
        ],
    )
    assert (folder / done.out.strip()).read_text(encoding="utf-8") == FILE
    assert digest(folder / "qa.db") == there, "reading changed the file"
    assert archmig("reconcile", "-e", "qa", "--dry-run").out.startswith("qa: drifted, 1 step\n  stamp 003_bug_mood\n")
    assert archmig("reconcile", "-e", "qa", "--yes").code == 0
    assert archmig("upgrade", "-e", "prod", "--yes").code == 0
    assert archmig("check", "--all").code == 0
    assert texts(folder, "prod") == texts(folder, "qa")
    assert ask(folder / "prod.db", "SELECT title, mood FROM bugs") == [("prod", "calm")]
    assert ask(folder / "qa.db", "SELECT name FROM moods") == [("calm",)]


FILE = '''"""Bug mood.

Objects made by hand in the database of qa, as stored there.
"""

from __future__ import annotations

from alembic import op

revision = "003_bug_mood"
down_revision = "002_index"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
CREATE TABLE moods (
    id INTEGER PRIMARY KEY, -- the number: its own
    bug_id INTEGER REFERENCES bugs(id),
    at TEXT DEFAULT (strftime('%H:%M', 'now')),
    name TEXT UNIQUE
)
"""
    )
    op.execute(r"ALTER TABLE bugs ADD COLUMN mood TEXT DEFAULT 'calm' CHECK (mood <> '\\:none\\:')")
    op.execute("CREATE INDEX ix_bugs_mood ON bugs (mood) WHERE mood <> 'calm'")
    op.execute("CREATE INDEX ix_moods_bug ON moods (bug_id)")
    op.execute("CREATE VIEW v_moods AS SELECT name FROM moods")
    op.execute(
        """
CREATE TRIGGER tr_mood AFTER UPDATE OF mood ON bugs BEGIN
    INSERT INTO moods (bug_id, name) VALUES (NEW.id, ':' || NEW.mood);
END
"""
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER tr_mood")
    op.execute("DROP VIEW v_moods")
    op.execute("DROP INDEX ix_bugs_mood")
    op.execute("ALTER TABLE bugs DROP COLUMN mood")
    op.execute("DROP TABLE moods")
'''


def test_plain_alembic_runs_it_and_takes_it_back(folder: Path) -> None:
    by_hand(folder, *BY_HAND)
    before = texts(folder, "prod")
    made(*ALL)
    ini = folder / "alembic.ini"
    assert alembic("-x", "env=prod", "upgrade", "head", ini=ini).code == 0
    assert texts(folder, "prod") == texts(folder, "qa")
    assert alembic("-x", "env=prod", "downgrade", "-1", ini=ini).code == 0
    assert texts(folder, "prod") == before


def test_a_strangers_template_takes_it_too(folder: Path) -> None:
    (folder / "alembic" / "script.py.mako").write_bytes((ALEMBIC / "templates/generic/script.py.mako").read_bytes())
    by_hand(folder, *BY_HAND)
    made(*ALL)
    assert archmig("upgrade", "-e", "prod", "--yes").code == 0
    assert texts(folder, "prod") == texts(folder, "qa")


def test_whole_tables_and_views_come_only_by_name(folder: Path) -> None:
    """An application has tables of its own, and nobody means to give them to every database."""
    by_hand(folder, MOOD, ON_MOOD, MOODS, "CREATE TABLE app_state (key TEXT)", V_MOODS)
    done = made()
    assert "CREATE TABLE" not in (folder / done.out.strip()).read_text(encoding="utf-8")
    assert done.err.splitlines()[2] == (
        "left: table app_state, table moods, view v_moods (whole tables and views are only promoted by "
        "name: --object NAME)"
    )


def test_one_object_alone(folder: Path) -> None:
    by_hand(folder, MOOD, ON_MOOD, MOODS)
    told = json.loads(archmig("new", "Bug mood", "--from-db", "qa", "--object", "BUGS.mood", "--json").out)["revision"]
    assert (told["upgrade"], told["downgrade"], told["left"]) == ([MOOD], ["ALTER TABLE bugs DROP COLUMN mood"], [])


def test_what_the_chain_makes_in_another_shape_comes_by_name_where_it_can(folder: Path) -> None:
    other = "CREATE INDEX ix_bugs_title ON bugs (title, id)"
    by_hand(folder, "DROP INDEX ix_bugs_title", other, MOOD)
    assert json.loads(archmig("new", "x", "--from-db", "qa", "--dry-run", "--json").out)["revision"]["left"] == [
        {
            "object": "index ix_bugs_title on bugs",
            "why": "in another shape than the chain makes, and only promoted by name: --object NAME",
        }
    ]
    made("--object", "ix_bugs_title")
    assert archmig("upgrade", "-e", "prod", "--yes").code == 0
    assert texts(folder, "prod")["ix_bugs_title"] == other
    assert archmig("downgrade", "002", "-e", "prod", "--yes").code == 0
    assert texts(folder, "prod")["ix_bugs_title"] == "CREATE INDEX ix_bugs_title ON bugs (title)"


REBUILD = "SQLite can only do that by rebuilding the table: write such a revision by hand"
LEFT = {
    "a column that rows elsewhere have no value for": (
        ("CREATE TABLE bugs (id INTEGER PRIMARY KEY, title TEXT NOT NULL, mood TEXT NOT NULL)",),
        "column bugs.mood",
        "it is NOT NULL without a default, and the rows of other databases have no value for it",
    ),
    "a default that is another one for each row": (
        ("CREATE TABLE bugs (id INTEGER PRIMARY KEY, title TEXT NOT NULL, at TEXT DEFAULT CURRENT_TIMESTAMP)",),
        "column bugs.at",
        f"its value is not the same for every row, and {REBUILD}",
    ),
    "a stored column": (
        ("CREATE TABLE bugs (id INTEGER PRIMARY KEY, title TEXT NOT NULL, n AS (length(title)) STORED)",),
        "column bugs.n",
        f"its value is not the same for every row, and {REBUILD}",
    ),
    "another constraint": (
        ("CREATE TABLE bugs (id INTEGER PRIMARY KEY, title TEXT NOT NULL, CHECK (title <> ''))",),
        "check on bugs: title <> ''",
        REBUILD,
    ),
    "another column": (
        ("CREATE TABLE bugs (id INTEGER PRIMARY KEY, title TEXT)",),
        "column bugs.title",
        f"in another shape than the chain makes, and {REBUILD}",
    ),
}


@pytest.mark.parametrize("case", LEFT.values(), ids=LEFT)
def test_what_takes_a_rebuild_is_left_by_name(folder: Path, case: tuple[tuple[str, ...], str, str]) -> None:
    statements, what, why = case
    by_hand(folder, "DROP VIEW v_bugs", "DROP TABLE bugs", *statements)
    expected = f"qa: nothing in it can be promoted: {what} ({why}) (nothing was written)"
    assert refused(folder) == refused(folder, "--object", "bugs") == expected


def test_a_unique_that_a_new_column_has_is_told_and_the_column_comes(folder: Path) -> None:
    by_hand(folder, "DROP VIEW v_bugs", "DROP TABLE bugs")
    by_hand(folder, "CREATE TABLE bugs (id INTEGER PRIMARY KEY, title TEXT NOT NULL, code TEXT UNIQUE)")
    done = made("--object", "bugs.code")
    assert '"ALTER TABLE bugs ADD COLUMN code TEXT"' in (folder / done.out.strip()).read_text(encoding="utf-8")
    assert done.err.splitlines()[2].startswith("left: unique bugs(code) (SQLite can only do that by rebuilding")


NEEDS = {
    "a view over a table that was not named": (("--object", "v_moods"), "error in view v_moods: no such table"),
    "a trigger that writes to one": (("--object", "bugs"), "error in trigger tr_mood: no such table: main.moods"),
    "an index of a column that was not named": (("--object", "ix_bugs_mood"), "no such column: mood"),
    "a key to a table that was not named": (
        ("--object", "tied"),
        "foreign key tied(mood_id) to moods refers to a table that the chain does not make",
    ),
    "an index of a table that was not named": (("--object", "ix_moods_bug"), "no such table: main.moods"),
}


@pytest.mark.parametrize("case", NEEDS.values(), ids=NEEDS)
def test_what_needs_more_than_was_named_is_refused(folder: Path, case: tuple[tuple[str, ...], str]) -> None:
    by_hand(folder, *BY_HAND, "CREATE TABLE tied (mood_id INTEGER REFERENCES moods(id))")
    said = refused(folder, *case[0])
    assert case[1] in said
    assert "nothing was written" in said


def test_a_name_that_means_nothing_is_refused_with_the_nearest(folder: Path) -> None:
    by_hand(folder, MOOD)
    assert refused(folder, "--object", "bugs.moood") == (
        "qa: it has no 'bugs.moood' that differs from the chain (did you mean 'bugs.mood'?; nothing was written)"
    )


def test_a_database_that_has_nothing_more_is_refused(folder: Path) -> None:
    assert refused(folder) == "qa: it has nothing beyond the chain (nothing was written)"


def test_a_database_that_is_not_there_is_refused(folder: Path) -> None:
    done = archmig("new", "x", "--from-db", "qaa")
    assert "no environment 'qaa' (did you mean 'qa'?)" in done.err
    (folder / "qa.db").unlink()
    assert "qa.db: no such file" in archmig("new", "x", "--from-db", "qa").err
    assert not (folder / "qa.db").exists()


def test_what_the_chain_took_away_is_no_hotfix_of_a_database_that_is_behind(folder: Path) -> None:
    late = revision(
        "002_index", "DROP INDEX ix_bugs_title", "DROP VIEW v_bugs", "CREATE VIEW v_all AS SELECT * FROM bugs"
    )
    (folder / "alembic" / "versions" / "003_late.py").write_text(
        f"from alembic import op\n\nrevision = '003_late'\n{late}", encoding="utf-8"
    )
    once = "the chain removed it, so it is only promoted by name: --object NAME"
    assert refused(folder) == (
        f"qa: nothing in it can be promoted: index ix_bugs_title on bugs, view v_bugs ({once}) (nothing was written)"
    )
    by_hand(folder, MOOD)
    told = json.loads(archmig("new", "Bug mood", "--from-db", "qa", "--dry-run", "--json").out)["revision"]
    assert (told["parent"], told["upgrade"]) == ("003_late", [MOOD])
    assert [one["object"] for one in told["left"]] == ["index ix_bugs_title on bugs", "view v_bugs"]
    assert refused(folder, "--object", "v_bugs") == (
        "qa: it has view v_bugs because it is behind, and a pending revision removes it "
        "(archmig upgrade -e qa first; nothing was written)"
    )
    assert archmig("upgrade", "-e", "qa", "--yes").code == 0
    by_hand(folder, INDEX)
    made("--object", "ix_bugs_title", "--object", "bugs.mood")
    assert archmig("reconcile", "--all", "--yes").code == 0
    assert archmig("check", "--all").code == 0
    assert {"ix_bugs_title", "v_all"} <= texts(folder, "prod").keys()


def test_odd_names_and_texts_and_virtual_tables_arrive_as_they_were(folder: Path) -> None:
    odd = 'CREATE TABLE "odd ""one""" (\r\n\tid INTEGER, x TEXT DEFAULT \'a\\:b\' , y TEXT DEFAULT \'☃ %s :z\')'
    by_hand(folder, odd, "CREATE VIRTUAL TABLE found USING fts5(title)")
    made("--object", 'odd "one"', "--object", "found")
    assert archmig("upgrade", "-e", "prod", "--yes").code == 0
    assert texts(folder, "prod") == texts(folder, "qa")
    assert texts(folder, "prod")['odd "one"'] == odd


def test_an_environment_may_bear_any_name(folder: Path) -> None:
    (folder / "environments.toml").write_text("[env.'q\"\"\"a\\']\npath = 'qa.db'\n", encoding="utf-8")
    by_hand(folder, MOOD)
    done = archmig("new", "Bug mood", "--from-db", 'q"""a\\')
    assert (done.code, done.out) == (0, "alembic/versions/003_bug_mood.py\n")


def test_what_a_branch_brings_is_no_hotfix(folder: Path) -> None:
    (folder / "alembic.ini").write_text(f"{INI}recursive_version_locations = true\n", encoding="utf-8")
    listed = MATRIX.replace('"qa.db"\n', '"qa.db"\nheads = ["head", "dev"]\n')
    (folder / "environments.toml").write_text(listed, encoding="utf-8")
    by_hand(folder, "ALTER TABLE bugs ADD COLUMN tried TEXT")
    assert archmig("new", "Try", "--branch", "dev", "--from-db", "qa").out == "alembic/versions/dev/003_try.py\n"
    assert archmig("reconcile", "-e", "qa", "--yes").code == 0
    by_hand(folder, MOOD)
    assert MOOD.replace(":", "\\:") in (folder / made().out.strip()).read_text(encoding="utf-8")
    assert archmig("upgrade", "-e", "prod", "--yes").code == 0
    assert archmig("reconcile", "-e", "qa", "--yes").code == 0
    stamps = {name: ask(folder / f"{name}.db", "SELECT * FROM alembic_version ORDER BY 1") for name in ("qa", "prod")}
    assert stamps == {"qa": [("003_try",), ("004_bug_mood",)], "prod": [("004_bug_mood",)]}
    assert archmig("check", "--all").code == 0


def test_what_does_not_make_the_same_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof does not take the statements' word for it."""
    by_hand(folder, MOOD, ON_MOOD)

    def otherwise(reference: Schema, actual: Schema, names: tuple[str, ...], once: frozenset[Key]) -> Promotion:
        found = promotion(reference, actual, names, once)
        return Promotion(
            tuple(one.replace("'calm'", "'wild'") for one in found.upgrade),
            found.downgrade[:1],
            found.brought,
            found.replaced,
            found.left,
            found.tables,
            found.names,
            found.unknown,
        )

    monkeypatch.setattr(dialect, "promotion", otherwise)
    assert "003_bug_mood: it would not make column bugs.mood as the database has it" in refused(folder)


def test_what_leaves_something_when_taken_back_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(folder, MOOD)
    real = hotfix.prove

    def mangled(ini: Path, place: Path, revision: str, wanted: Promotion) -> None:
        (file,) = place.glob("*.py")
        text = file.read_text(encoding="utf-8").replace("ALTER TABLE bugs DROP COLUMN mood", "SELECT 1")
        file.write_text(text, encoding="utf-8")
        real(ini, place, revision, wanted)

    monkeypatch.setattr(hotfix, "prove", mangled)
    assert "its downgrade would not restore check on bugs: " in refused(folder)


def test_an_error_names_the_revision_that_does_not_run(folder: Path) -> None:
    with pytest.raises(NewRevisionError, match="no such table"):
        raise_for(folder)


def raise_for(folder: Path) -> None:
    place = folder / "draft"
    place.mkdir()
    text = f"from alembic import op\nrevision = '003_x'\n{revision('002_index', 'DROP TABLE zz')}"
    (place / "003_x.py").write_text(text, encoding="utf-8")
    hotfix.prove(beside(folder / "alembic.ini"), place, "003_x", Promotion((), (), (), (), (), (), (), ()))
