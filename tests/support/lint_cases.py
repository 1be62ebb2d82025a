"""For each code of `archmig lint` that is found by trying: revisions that have the flaw, and the same put right.

Every case has a first revision of its own (`GROUND`), so that one run tries them all and none meets another.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

INI = "[alembic]\nscript_location = %(here)s/chain\nfile_template = %%(rev)s\n"
ENV = "from alembic import context\nfrom architect_migrate.alembic_env import run\n\nrun(context)\n"
GROUND = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT)",
    "CREATE TABLE tags (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, hue TEXT COLLATE NOCASE)",
    "CREATE TABLE bugs (id INTEGER PRIMARY KEY, state TEXT DEFAULT 'open' CHECK (state IN ('open', 'done')), due TEXT)",
    "CREATE INDEX ix_bugs_due ON bugs (due)",
    "CREATE INDEX ix_bugs_lower ON bugs (lower(due))",
    "CREATE TABLE marks (id INTEGER PRIMARY KEY, body TEXT)",
    "CREATE VIEW titles AS SELECT title FROM notes",
)


@dataclass(frozen=True)
class Case:
    """Bodies of upgrade(), with `down` for downgrade(); `data` and `good_data` are bodies of data_step()."""

    code: str
    bad: str
    good: str
    bad_down: str = "pass"
    good_down: str = ""
    data: str = ""
    good_data: str = ""
    legacy: tuple[str, ...] = ()


def sql(*statements: str) -> str:
    return "\n".join(f"op.execute({statement!r})" for statement in statements)


def batch(call: str, table: str = "marks", *, remade: bool = False) -> str:
    return (
        f'with op.batch_alter_table("{table}", recreate="{"always" if remade else "auto"}") as batch:\n    batch.{call}'
    )


def drop(*names: str) -> str:
    return sql(*(f"DROP TABLE {name}" for name in names))


def text(name: str, after: str | None, up: str, down: str = "pass", data: str = "") -> str:
    """A revision file."""
    lines = ['"""A case."""', "", "import sqlalchemy as sa", "", "from alembic import op", ""]
    lines += [f"revision = {name!r}", f"down_revision = {after!r}", "", "", "def upgrade():", indent(up, "    ")]
    lines += ["", "", "def downgrade():", indent(down, "    ")]
    if data:
        lines += ["", "", "def data_step():", indent(data, "    ")]
    return "\n".join(lines) + "\n"


def chain(folder: Path, files: dict[str, str]) -> Path:
    """A chain of these files by name; its alembic.ini."""
    versions = folder / "chain" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (folder / "alembic.ini").write_text(INI, encoding="utf-8")
    (folder / "chain" / "env.py").write_text(ENV, encoding="utf-8")
    for name, content in files.items():
        (versions / f"{name}.py").write_text(content, encoding="utf-8")
    return folder / "alembic.ini"


def _whole(up: str, data: str) -> str:
    return f"{up}\ndata_step()" if data and "data_step()" not in up else up


def files_of(name: str, case: Case) -> dict[str, str]:
    """The files of a case: its ground, then what is bad and what is good beside each other."""
    ground = case.legacy or GROUND
    bad, good = _whole(case.bad, case.data), _whole(case.good, case.good_data)
    return {
        f"{name}_base": text(f"{name}_base", None, sql(*ground), "raise NotImplementedError"),
        f"{name}_bad": text(f"{name}_bad", f"{name}_base", bad, case.bad_down, case.data),
        f"{name}_good": text(f"{name}_good", f"{name}_base", good, case.good_down or case.bad_down, case.good_data),
    }


MOODS = "CREATE TABLE moods (id INTEGER PRIMARY KEY, name TEXT)"
UNDO_MOODS = drop("moods")
MOOD = 'add_column(sa.Column("mood", sa.Text))'
TODO = "INSERT INTO tags (name) SELECT 'todo' WHERE NOT EXISTS (SELECT 1 FROM tags WHERE name = 'todo')"
NO_TODO = sql("DELETE FROM tags WHERE name = 'todo'")

CASES = {
    "unreadable": Case("AM201", sql("CREATE TABEL moods (id INTEGER)"), sql(MOODS), "pass", UNDO_MOODS),
    "unfinished": Case("AM201", sql("CREATE TABLE moods (id INTEGER"), sql(MOODS), "pass", UNDO_MOODS),
    "no_table": Case(
        "AM202",
        sql("CREATE INDEX ix ON moods (name)"),
        sql(MOODS, "CREATE INDEX ix ON moods (name)"),
        "pass",
        UNDO_MOODS,
    ),
    "no_index": Case(
        "AM202",
        sql("DROP INDEX ix_none"),
        sql("DROP INDEX ix_bugs_due"),
        "pass",
        sql("CREATE INDEX ix_bugs_due ON bugs (due)"),
    ),
    "no_column": Case(
        "AM203",
        sql("CREATE INDEX ix ON notes (mood)"),
        sql("CREATE INDEX ix ON notes (body)"),
        "pass",
        sql("DROP INDEX ix"),
    ),
    "no_column_to_insert": Case(
        "AM203",
        "pass",
        "pass",
        data=sql("INSERT INTO tags (title) SELECT 'x' WHERE NOT EXISTS (SELECT 1 FROM tags)"),
        good_data=sql("INSERT INTO tags (name) SELECT 'x' WHERE NOT EXISTS (SELECT 1 FROM tags)"),
    ),
    "table_there": Case("AM204", sql("CREATE TABLE notes (id INTEGER)"), sql(MOODS), "pass", UNDO_MOODS),
    "index_name_in_use": Case(
        "AM205",
        sql("CREATE INDEX ix_bugs_due ON notes (body)"),
        sql("CREATE INDEX ix ON notes (body)"),
        "pass",
        sql("DROP INDEX ix"),
    ),
    "column_there": Case(
        "AM206",
        sql("ALTER TABLE notes ADD COLUMN body TEXT"),
        sql("ALTER TABLE notes ADD COLUMN mood TEXT"),
        "pass",
        sql("ALTER TABLE notes DROP COLUMN mood"),
    ),
    "other_view": Case(
        "AM207",
        sql("CREATE VIEW IF NOT EXISTS titles AS SELECT body FROM notes"),
        sql("CREATE VIEW IF NOT EXISTS titles AS SELECT title FROM notes"),
    ),
    "table_over_view": Case(
        "AM207",
        sql("CREATE TABLE IF NOT EXISTS titles (id INTEGER)"),
        sql("CREATE TABLE IF NOT EXISTS moods (id INTEGER)"),
        "pass",
        UNDO_MOODS,
    ),
    "temporary": Case(
        "AM202",
        sql("CREATE TEMP TABLE IF NOT EXISTS notes (x)", "DROP TABLE temp.notes", "DROP TABLE temp.notes"),
        sql("CREATE TEMP TABLE IF NOT EXISTS notes (x)", "INSERT INTO temp.notes VALUES (1)", "DROP TABLE temp.notes"),
    ),
    "two_statements": Case("AM208", sql("DELETE FROM tags WHERE 0; SELECT 1"), sql("SELECT 1")),
    "raises": Case(
        "AM209",
        "op.get_bind().execute(sa.text('SELECT 1')).scalar_one().strip()",
        "op.get_bind().execute(sa.text('SELECT 1')).scalar_one()",
    ),
    "commits": Case("AM210", sql("COMMIT"), "pass"),
    "commits_by_connection": Case("AM210", "op.get_bind().commit()", "pass"),
    "beside_alembic": Case(
        "AM203",
        "op.get_bind().connection.execute('SELECT mood FROM notes')",
        "op.get_bind().connection.execute('SELECT title FROM notes')",
    ),
    "commits_by_script": Case("AM210", "op.get_bind().connection.executescript('SELECT 1')", "pass"),
    "rolls_back_by_conflict": Case(
        "AM210",
        "pass",
        "pass",
        data=sql("INSERT OR ROLLBACK INTO tags (name) VALUES ('todo')"),
        good_data=sql("INSERT OR IGNORE INTO tags (name) VALUES ('todo')"),
    ),
    "attaches": Case("AM210", sql("ATTACH ':memory:' AS other"), "pass"),
    "turns_keys_off": Case("AM210", sql("PRAGMA foreign_keys = OFF"), sql("PRAGMA foreign_keys")),
    "key_to_nothing": Case(
        "AM211",
        sql("CREATE TABLE moods (id INTEGER PRIMARY KEY, run INTEGER REFERENCES runs (id))"),
        sql("CREATE TABLE moods (id INTEGER PRIMARY KEY, note INTEGER REFERENCES notes (id))"),
        UNDO_MOODS,
    ),
    "key_to_what_is_not_unique": Case(
        "AM211",
        sql("CREATE TABLE moods (id INTEGER PRIMARY KEY, title TEXT REFERENCES notes (title))"),
        sql("CREATE TABLE moods (id INTEGER PRIMARY KEY, name TEXT REFERENCES tags (name))"),
        UNDO_MOODS,
    ),
    "view_of_nothing": Case(
        "AM212",
        sql("CREATE VIEW v AS SELECT mood FROM notes"),
        sql("CREATE VIEW v AS SELECT body FROM notes"),
        sql("DROP VIEW v"),
    ),
    "trigger_of_nothing": Case(
        "AM212",
        sql("CREATE TRIGGER tr AFTER INSERT ON notes BEGIN INSERT INTO log VALUES (1); END"),
        sql("CREATE TRIGGER tr AFTER INSERT ON notes BEGIN INSERT OR IGNORE INTO tags (name) VALUES ('x'); END"),
        sql("DROP TRIGGER tr"),
    ),
    "not_null": Case(
        "AM301",
        sql("ALTER TABLE notes ADD COLUMN mood TEXT NOT NULL"),
        sql("ALTER TABLE notes ADD COLUMN mood TEXT NOT NULL DEFAULT ''"),
        sql("ALTER TABLE notes DROP COLUMN mood"),
    ),
    "not_null_by_batch": Case(
        "AM301",
        batch('add_column(sa.Column("mood", sa.Text, nullable=False))', remade=True),
        batch('add_column(sa.Column("mood", sa.Text, nullable=False, server_default=""))'),
        sql("ALTER TABLE marks DROP COLUMN mood"),
    ),
    "not_null_once_filled": Case(
        "AM301",
        batch('add_column(sa.Column("mood", sa.Text, nullable=False))', remade=True),
        sql("ALTER TABLE marks ADD COLUMN mood TEXT")
        + "\ndata_step()\n"
        + batch('alter_column("mood", nullable=False)'),
        sql("ALTER TABLE marks DROP COLUMN mood"),
        good_data=sql("UPDATE marks SET mood = 'fine' WHERE mood IS NULL"),
    ),
    "made_up_rows": Case(
        "AM303",
        "pass",
        "pass",
        data=sql("INSERT INTO notes (title) VALUES ('x')"),
        good_data="for (title,) in op.get_bind().execute(sa.text('SELECT title FROM notes')):\n    {}[title]",
    ),
    "null_there": Case(
        "AM302",
        batch('alter_column("body", nullable=False)'),
        "data_step()\n" + batch('alter_column("body", nullable=False)'),
        batch('alter_column("body", nullable=True)'),
        good_data=sql("UPDATE marks SET body = '' WHERE body IS NULL"),
    ),
    "same_value_everywhere": Case(
        "AM302",
        sql("ALTER TABLE notes ADD COLUMN slug TEXT DEFAULT ''", "CREATE UNIQUE INDEX ix_slug ON notes (slug)"),
        sql("ALTER TABLE notes ADD COLUMN slug TEXT", "CREATE UNIQUE INDEX ix_slug ON notes (slug)"),
        sql("DROP INDEX ix_slug", "ALTER TABLE notes DROP COLUMN slug"),
    ),
    "doubles": Case(
        "AM303", "pass", "pass", NO_TODO, data=sql("INSERT INTO notes (title) VALUES ('welcome')"), good_data=sql(TODO)
    ),
    "adds_up": Case(
        "AM303",
        "pass",
        "pass",
        data=sql("UPDATE notes SET title = title || '!'"),
        good_data=sql("UPDATE notes SET body = title WHERE body IS NULL"),
    ),
    "fails_again": Case(
        "AM303", "pass", "pass", data=sql("INSERT INTO tags (name) VALUES ('todo')"), good_data=sql(TODO)
    ),
    "rows_outside": Case("AM304", sql(TODO), "pass", NO_TODO, good_data=sql(TODO)),
    "filled_outside": Case(
        "AM304",
        sql("ALTER TABLE notes ADD COLUMN mood TEXT", "UPDATE notes SET mood = 'fine' WHERE mood IS NULL"),
        sql("ALTER TABLE notes ADD COLUMN mood TEXT"),
        sql("ALTER TABLE notes DROP COLUMN mood"),
        good_data=sql("UPDATE notes SET mood = 'fine' WHERE mood IS NULL"),
    ),
    "looped_outside": Case(
        "AM304",
        "for row in op.get_bind().exec_driver_sql('SELECT id FROM notes').fetchall():\n"
        '        op.execute(f"UPDATE notes SET body = title WHERE body IS NULL AND id = {row.id}")',
        "pass",
        good_data=sql("UPDATE notes SET body = title WHERE body IS NULL"),
    ),
    "overwrites": Case(
        "AM305",
        "pass",
        "pass",
        data=sql("INSERT OR REPLACE INTO notes (id, title) VALUES (1, 'welcome')"),
        good_data=sql("INSERT OR IGNORE INTO notes (id, title) VALUES (1, 'welcome')"),
    ),
    "drops_a_table": Case(
        "AM401",
        sql("DROP TABLE bugs"),
        sql("ALTER TABLE bugs RENAME TO defects"),
        sql(*GROUND[2:5]),
        sql("ALTER TABLE defects RENAME TO bugs"),
    ),
    "drops_a_column": Case(
        "AM402",
        sql("ALTER TABLE notes DROP COLUMN body"),
        sql("ALTER TABLE notes RENAME COLUMN body TO content"),
        sql("ALTER TABLE notes ADD COLUMN body TEXT"),
        sql("ALTER TABLE notes RENAME COLUMN content TO body"),
    ),
    "drops_a_column_by_batch": Case(
        "AM402",
        batch('drop_column("body")', remade=True),
        batch('alter_column("body", new_column_name="content")', remade=True),
        sql("ALTER TABLE marks ADD COLUMN body TEXT"),
        sql("ALTER TABLE marks RENAME COLUMN content TO body"),
    ),
    "deletes_rows": Case(
        "AM403", sql("DELETE FROM notes WHERE title = ''"), sql("SELECT 1 FROM notes WHERE title = ''")
    ),
    "loses_autoincrement": Case(
        "AM404",
        batch(MOOD, "tags", remade=True),
        batch(MOOD, "tags"),
        sql("ALTER TABLE tags DROP COLUMN mood"),
    ),
    "loses_an_expression_index": Case(
        "AM404",
        batch(MOOD, "bugs", remade=True),
        batch(MOOD, "bugs"),
        sql("ALTER TABLE bugs DROP COLUMN mood"),
    ),
    "cannot_go_back": Case("AM501", sql(MOODS), sql(MOODS), drop("mood"), UNDO_MOODS),
    "cannot_go_back_with_rows": Case(
        "AM501",
        sql("ALTER TABLE notes ADD COLUMN mood TEXT"),
        sql("ALTER TABLE notes ADD COLUMN mood TEXT"),
        sql(
            "CREATE UNIQUE INDEX ix ON notes (coalesce(mood, 'x') IS NULL)",
            "DROP INDEX ix",
            "ALTER TABLE notes DROP COLUMN mood",
        ),
        sql("ALTER TABLE notes DROP COLUMN mood"),
    ),
    "leaves_a_column": Case(
        "AM502",
        sql(MOODS, "ALTER TABLE notes ADD COLUMN mood TEXT"),
        sql(MOODS, "ALTER TABLE notes ADD COLUMN mood TEXT"),
        UNDO_MOODS,
        UNDO_MOODS + "\n" + sql("ALTER TABLE notes DROP COLUMN mood"),
    ),
    "brings_back_another": Case(
        "AM502",
        sql("DROP INDEX ix_bugs_due"),
        sql("DROP INDEX ix_bugs_due"),
        sql("CREATE INDEX ix_bugs_due ON bugs (state)"),
        sql("CREATE INDEX ix_bugs_due ON bugs (due)"),
    ),
    # The clashes of the legacy migrations, by their numbers.
    "legacy_003": Case(
        "AM207",
        sql(
            "CREATE TABLE IF NOT EXISTS milestones (id INTEGER PRIMARY KEY, app_id INTEGER NOT NULL)",
            "CREATE INDEX IF NOT EXISTS ix_app ON milestones (app_id)",
        ),
        sql(
            "ALTER TABLE milestones ADD COLUMN app_id INTEGER",
            "CREATE INDEX IF NOT EXISTS ix_app ON milestones (app_id)",
        ),
        "pass",
        sql("DROP INDEX ix_app", "ALTER TABLE milestones DROP COLUMN app_id"),
        legacy=("CREATE TABLE IF NOT EXISTS milestones (id INTEGER PRIMARY KEY, project_id INTEGER)",),
    ),
    "legacy_009_024": Case(
        "AM207",
        sql(
            "CREATE TABLE IF NOT EXISTS notification_log (id INTEGER PRIMARY KEY, notification_id INTEGER)",
            "CREATE INDEX ix_nl ON notification_log (notification_id)",
        ),
        sql("CREATE TABLE IF NOT EXISTS notification_deliveries (id INTEGER PRIMARY KEY, notification_id INTEGER)"),
        "pass",
        drop("notification_deliveries"),
        legacy=("CREATE TABLE notification_log (id INTEGER PRIMARY KEY, notification_type TEXT)",),
    ),
    "legacy_030_041_046": Case(
        "AM207",
        sql("CREATE TABLE IF NOT EXISTS reports (id INTEGER PRIMARY KEY, created_by TEXT, enabled INTEGER)"),
        sql("ALTER TABLE reports ADD COLUMN created_by TEXT"),
        "pass",
        sql("ALTER TABLE reports DROP COLUMN created_by"),
        legacy=("CREATE TABLE reports (id INTEGER PRIMARY KEY, owner TEXT)",),
    ),
    "legacy_045": Case(
        "AM207",
        sql(
            "CREATE TABLE IF NOT EXISTS sprints (id INTEGER PRIMARY KEY, name TEXT NOT NULL, velocity_planned INTEGER)"
        ),
        sql("ALTER TABLE sprints ADD COLUMN velocity_planned INTEGER"),
        "pass",
        sql("ALTER TABLE sprints DROP COLUMN velocity_planned"),
        legacy=("CREATE TABLE sprints (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",),
    ),
    "legacy_032": Case(
        "AM207",
        sql("CREATE INDEX IF NOT EXISTS idx_test_results_run ON llm_results (run_id)"),
        sql("CREATE INDEX IF NOT EXISTS idx_llm_results_run ON llm_results (run_id)"),
        "pass",
        sql("DROP INDEX idx_llm_results_run"),
        legacy=(
            "CREATE TABLE test_results (id INTEGER PRIMARY KEY, run_id INTEGER)",
            "CREATE INDEX idx_test_results_run ON test_results (run_id)",
            "CREATE TABLE llm_results (id INTEGER PRIMARY KEY, run_id INTEGER)",
        ),
    ),
    "legacy_034_035": Case(
        "AM206",
        'op.add_column("sessions", sa.Column("environment", sa.Text))',
        'op.add_column("sessions", sa.Column("entity", sa.Text))',
        "pass",
        'op.drop_column("sessions", "entity")',
        legacy=("CREATE TABLE sessions (id INTEGER PRIMARY KEY, environment TEXT)",),
    ),
    "legacy_006_021": Case(
        "AM211",
        sql("CREATE TABLE interactions (id INTEGER PRIMARY KEY, run_id INTEGER REFERENCES runs (id))"),
        sql("CREATE TABLE interactions (id INTEGER PRIMARY KEY, run_id INTEGER)"),
        drop("interactions"),
        legacy=("CREATE TABLE unrelated (id INTEGER PRIMARY KEY)",),
    ),
}
