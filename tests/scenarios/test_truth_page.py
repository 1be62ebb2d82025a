"""The examples of docs/truth.md: each is run on its database, and archmig says what the page says, line by line."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from support.cli import ask, forked
from support.paths import PROJECT
from support.scenarios import batch, script, stamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = (PROJECT / "docs" / "truth.md").read_text(encoding="utf-8")
# An example is a sentence in bold with the console blocks that follow it; other blocks stand below plain text.
EXAMPLE = re.compile(r"^\*\*([^*]+)\*\*(.*?)(?=^\*\*|^#|\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```\n(\$ .*?)^```", re.MULTILINE | re.DOTALL)
# What differs between two runs: the seconds, and the day.
VARIES = re.compile(r"\b\d+\.\d s\b|\b\d{4}-\d\d-\d\d \d\d:\d\d\b")
ENV = "from alembic import context\nfrom architect_migrate.alembic_env import run\n\nrun(context)\n"
SQL = "op.execute({!r})".format


def chain(folder: Path, revisions: dict[str, tuple[str, str | None, tuple[str, ...]]], versions: str = "") -> None:
    """Write a project: each revision's title, what it comes after, and the lines of its upgrade(), by id."""
    places = f"version_locations = {versions}\npath_separator = space\n" if versions else ""
    (folder / "alembic.ini").write_text(f"[alembic]\nscript_location = %(here)s/chain\n{places}", encoding="utf-8")
    (folder / "chain").mkdir()
    (folder / "chain" / "env.py").write_text(ENV, encoding="utf-8")
    for name, (title, after, lines) in revisions.items():
        add(folder / "chain" / "versions", name, (title, after, lines))


def add(folder: Path, name: str, revision: tuple[str, str | None, tuple[str, ...]]) -> None:
    title, after, lines = revision
    body = "\n".join(f"    {line}" for line in (*lines, "pass"))
    text = f'"""{title}"""\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = {name!r}\n'
    folder.mkdir(parents=True, exist_ok=True)
    text += f"down_revision = {after!r}\n\ndef upgrade():\n{body}\n\ndef downgrade():\n    pass\n"
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def environments(folder: Path, *names: str, more: str = "") -> None:
    lines = (f'[env.{name}]\npath = "{name}.db"\n{more}' for name in names)
    (folder / "environments.toml").write_text("".join(lines), encoding="utf-8")


def table(name: str, *columns: str) -> str:
    made = "".join(f", sa.Column({column})" for column in columns)
    return f'op.create_table("{name}", sa.Column("id", sa.Integer, primary_key=True){made})'


def retyped(folder: Path) -> None:
    lines = batch("t", 'alter_column("a", type_=sa.String(20))')
    chain(folder, {"001": ("", None, (SQL("CREATE TABLE t (a VARCHAR(10), b INTEGER)"),)), "002": ("", "001", lines)})
    environments(folder, "b")
    script(folder / "b.db", "CREATE TABLE t (a VARCHAR(20), b INTEGER)", "CREATE TABLE own (x)", *stamp("002"))


def dropped(folder: Path) -> None:
    made = (SQL("CREATE TABLE t (a VARCHAR(10), b INTEGER)"), SQL("CREATE TABLE u (x INTEGER)"))
    last = (SQL("CREATE TABLE w (x INTEGER)"),)
    gone = ('op.drop_table("u")',)
    chain(folder, {"001": ("", None, made), "002": ("", "001", gone), "003": ("", "002", ()), "004": ("", "003", last)})
    environments(folder, "b")
    script(folder / "b.db", "CREATE TABLE t (a VARCHAR(10), b INTEGER)")


KEYS = "CREATE TABLE {} (id VARCHAR(32) NOT NULL, name VARCHAR NOT NULL, owner VARCHAR(32) NOT NULL, PRIMARY KEY (id))"


def between_drop_and_rename(folder: Path) -> None:
    keys = (
        'op.create_table("keys", sa.Column("id", sa.String(32), primary_key=True), '
        'sa.Column("name", sa.String, nullable=False), sa.Column("owner", sa.String(32)))'
    )
    required = batch("keys", 'alter_column("owner", existing_type=sa.String(32), nullable=False)')
    chain(
        folder,
        {
            "a1": ("users and keys", None, (table("users"), keys)),
            "b2": ("keys: owner required", "a1", required),
            "c3": ("logs", "b2", (table("logs"),)),
        },
    )
    environments(folder, "app")
    users = ("CREATE TABLE users (id INTEGER NOT NULL, PRIMARY KEY (id))", "INSERT INTO users VALUES (1)")
    rows = "INSERT INTO _alembic_tmp_keys VALUES ('k1', 'one', 'u1'), ('k2', 'two', 'u1')"
    script(folder / "app.db", *users, KEYS.format("_alembic_tmp_keys"), rows, *stamp("a1"))


def between_renames(folder: Path) -> None:
    text = '"{}", sa.String(30)'
    renames = ('op.rename_table("p", "q")', 'op.alter_column("q", "n", new_column_name="num")')
    more = (f'op.add_column("q", sa.Column({text.format("k")}))',)
    made = (table("p", text.format("n")),)
    chain(folder, {"a1": ("p", None, made), "b2": ("p is q", "a1", renames), "c3": ("q.k", "b2", more)})
    environments(folder, "app")
    rows = "INSERT INTO q VALUES (1, 'x'), (2, 'y')"
    script(folder / "app.db", "CREATE TABLE q (id INTEGER PRIMARY KEY, n VARCHAR(30))", rows, *stamp("a1"))


def key_to_nothing(folder: Path) -> None:
    key = '"source_id", sa.Integer, sa.ForeignKey("sources.id")'
    made = (table("sources", '"name", sa.String(20)'), table("replies", key, '"text", sa.Text'))
    chain(folder, {"a1": ("sources, replies", None, made), "b2": ("stars", "a1", (table("stars", key),))})
    environments(folder, "app")
    script(
        folder / "app.db",
        "CREATE TABLE sources (id INTEGER NOT NULL, name VARCHAR(20), PRIMARY KEY (id))",
        "CREATE TABLE replies (id INTEGER NOT NULL, source_id INTEGER, text TEXT, PRIMARY KEY (id), "
        'FOREIGN KEY(source_id) REFERENCES "sources_tmp" (id))',
        "INSERT INTO sources VALUES (1, 's')",
        "INSERT INTO replies VALUES (1, 1, 'hello'), (2, 1, 'again')",
        *stamp("a1"),
    )


def unnamed(folder: Path) -> None:
    made = (
        'op.create_table("tasks", sa.Column("id", sa.Integer, primary_key=True), '
        'sa.Column("source", sa.String(80)), sa.UniqueConstraint("source", name="uq_tasks_source"))'
    )
    gone = batch("tasks", 'drop_constraint("uq_tasks_source", type_="unique")')
    chain(folder, {"a1": ("tasks", None, (made,)), "b2": ("constraints go", "a1", gone)})
    environments(folder, "app")
    tasks = "CREATE TABLE tasks (id INTEGER NOT NULL, source VARCHAR(80), PRIMARY KEY (id))"
    script(folder / "app.db", tasks, "INSERT INTO tasks VALUES (1, 'a')", *stamp("a1"))


def half_filled(folder: Path) -> None:
    slug = (
        'op.add_column("events", sa.Column("slug", sa.String(80)))',
        SQL("UPDATE events SET slug = lower(replace(title, ' ', '-'))"),
        'op.create_index("ix_events_slug", "events", ["slug"])',
    )
    made = (table("events", '"title", sa.String(80)'),)
    more = (table("places"),)
    chain(
        folder,
        {"a1": ("events", None, made), "b2": ("slug of events", "a1", slug), "c3": ("places", "b2", more)},
    )
    environments(folder, "app")
    events = "CREATE TABLE events (id INTEGER NOT NULL, title VARCHAR(80), slug VARCHAR(80), PRIMARY KEY (id))"
    rows = "INSERT INTO events (id, title) VALUES (1, 'Summer Walk'), (2, 'Winter Climb')"
    script(folder / "app.db", events, rows, *stamp("a1"))


def stamp_lost(folder: Path) -> None:
    times = (SQL("UPDATE bills SET amount = amount * 100"),)
    made = (table("bills", '"amount", sa.Integer'),)
    chain(
        folder,
        {
            "a1": ("bills", None, made),
            "b2": ("amounts in cents", "a1", times),
            "c3": ("payers", "b2", (table("payers"),)),
        },
    )
    environments(folder, "app")
    bills = "CREATE TABLE bills (id INTEGER NOT NULL, amount INTEGER, PRIMARY KEY (id))"
    payers = ("CREATE TABLE payers (id INTEGER NOT NULL, PRIMARY KEY (id))", "INSERT INTO payers VALUES (1)")
    script(folder / "app.db", bills, "INSERT INTO bills VALUES (1, 1999), (2, 500)", *payers, *stamp())


def without_its_rows(folder: Path) -> None:
    made = (
        'op.create_table("settings", sa.Column("k", sa.String(20), primary_key=True), sa.Column("v", sa.String(20)))',
        SQL("INSERT INTO settings VALUES ('theme', 'light'), ('lang', 'en')"),
        table("users"),
    )
    chain(folder, {"a1": ("settings", None, made), "b2": ("more", "a1", (table("more"),))})
    environments(folder, "app")
    users = ("CREATE TABLE users (id INTEGER NOT NULL, PRIMARY KEY (id))", "INSERT INTO users VALUES (1)")
    settings = "CREATE TABLE settings (k VARCHAR(20) NOT NULL, v VARCHAR(20), PRIMARY KEY (k))"
    script(folder / "app.db", settings, *users)


def forgotten_column(folder: Path) -> None:
    anew = (
        SQL("CREATE TABLE t_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '')"),
        SQL("INSERT INTO t_new (id) SELECT id FROM t"),
        SQL("DROP TABLE t"),
        SQL("ALTER TABLE t_new RENAME TO t"),
    )
    made = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"
    chain(folder, {"r1": ("", None, (SQL(made),)), "r2": ("", "r1", anew)})
    environments(folder, "d")
    script(folder / "d.db", made, "INSERT INTO t VALUES (1, 'alice'), (2, 'bob')", *stamp("r1"))


def no_trace(folder: Path) -> None:
    keep = "CREATE TABLE keep (id INTEGER PRIMARY KEY, price INTEGER)"
    made = (keep, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    second = (SQL("ALTER TABLE t ADD COLUMN c TEXT"), SQL("UPDATE keep SET price = price * 100"))
    last = (SQL("DROP TABLE t"),)
    chain(folder, {"r1": ("", None, tuple(map(SQL, made))), "r2": ("", "r1", second), "r3": ("", "r2", last)})
    environments(folder, "d")
    script(folder / "d.db", *made, "INSERT INTO keep VALUES (1, 5)", *stamp("r1"))


def shared_name(folder: Path) -> None:
    made = ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE logs (id INTEGER PRIMARY KEY, v TEXT)")
    trigger = "CREATE TRIGGER g AFTER INSERT ON t BEGIN {} END"
    step = 'op.execute("INSERT INTO t (id, v) SELECT 7, 1 WHERE NOT EXISTS (SELECT 1 FROM t)")'
    chain(
        folder,
        {
            "r1": ("", None, tuple(map(SQL, made))),
            "r2": ("", "r1", ("data_step()",)),
            "r3": ("", "r2", (SQL(trigger.format("SELECT 1;")),)),
        },
    )
    with (folder / "chain" / "versions" / "r2.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\ndef data_step():\n    {step}\n")
    environments(folder, "d")
    does = trigger.format("DELETE FROM logs WHERE id < 3; UPDATE logs SET v = 'over' WHERE id = 3;")
    script(folder / "d.db", *made, does)


def outside(folder: Path) -> None:
    chain(folder, {}, "%(here)s/core %(here)s/plugin")
    add(folder / "core", "c1", ("core", None, (table("people"),)))
    add(folder / "plugin", "p1", ("plugin", None, (table("badges"),)))
    environments(folder, "app")
    tables = (f"CREATE TABLE {name} (id INTEGER NOT NULL, PRIMARY KEY (id))" for name in ("people", "badges"))
    script(folder / "app.db", *tables, *stamp("c1", "p1"))
    forked("status", cwd=folder)
    more = 'op.add_column("badges", sa.Column("colour", sa.String(9)))'
    add(folder / "plugin", "p2", ("plugin: colour", "p1", (more,)))


def token(folder: Path) -> None:
    insert = "op.execute(sa.text('INSERT INTO k VALUES (:v)').bindparams(v=secrets.token_hex(8)))"
    lines = ("import secrets", SQL("CREATE TABLE k (v TEXT)"), insert)
    chain(folder, {"001": ("", None, lines)})
    environments(folder, "a", "b", more='uninitialised = "create"\n')


BUILT: dict[str, Callable[[Path], None]] = {
    "A new revision appears in a folder outside of `script_location`": outside,
    "A revision inserts a random token and the time.": token,
    "The newest revision only changes a type to a similar one": retyped,
    "A revision only drops a table": dropped,
    "The newest revisions change rows and drop a table.": no_trace,
    "A batch operation was killed between DROP TABLE and RENAME.": between_drop_and_rename,
    "A run was killed between two renames.": between_renames,
    "A foreign key refers to a table that does not exist": key_to_nothing,
    "The database lacks a named UNIQUE.": unnamed,
    "A run was killed between ADD COLUMN and the UPDATE that fills the column.": half_filled,
    "The stamp is lost after a revision that multiplied amounts": stamp_lost,
    "A table is there without the rows that its revision inserts:": without_its_rows,
    "A revision makes a table anew, changes the declaration of a column, and forgets to copy it:": forgotten_column,
    "A trigger shares its name with one of the chain, and does something else:": shared_name,
}


def examples() -> dict[str, list[list[str]]]:
    """The console of each example by its title: commands, each with the lines that it says."""
    found: dict[str, list[list[str]]] = {}
    for title, text in EXAMPLE.findall(PAGE):
        commands = [
            command.rstrip("\n").split("\n")
            for block in BLOCK.findall(text)
            for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        ]
        if commands:
            found[" ".join(title.split())] = commands
    return found


def said(folder: Path, command: str) -> list[str]:
    """What a command prints, as a terminal shows it; of sqlite3 only that it ran, since tokens differ."""
    words = shlex.split(command)
    if words[0] == "sqlite3":
        rows = ask(folder / words[1], words[2])
        return ["|".join(map(str, row)) for row in rows]
    done = forked(*words[1:], cwd=folder)
    return [VARIES.sub("…", line.rstrip()) for line in (done.err + done.out).splitlines()]


def test_every_example_of_the_page_is_run_here() -> None:
    assert examples().keys() == BUILT.keys()


@pytest.mark.parametrize("title", BUILT)
def test_archmig_says_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    BUILT[title](tmp_path)
    for command, *lines in examples()[title]:
        wanted = [VARIES.sub("…", line.rstrip()) for line in lines]
        found = said(tmp_path, command)
        random = BUILT[title] is token and command.startswith("sqlite3")
        starts = range(len(found) - len(wanted) + 1)
        assert random or any(found[at : at + len(wanted)] == wanted for at in starts), "\n".join(found)
