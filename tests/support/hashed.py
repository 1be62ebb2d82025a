"""A chain as Alembic names revisions by itself, with hashes, and a database for each state that one can be in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.scenarios import ENV, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

USERS, NOTES, DUE, TAGS, MERGE = "3f2a9c1e7b04", "a1c47d90be52", "77e0d3b5f918", "c05e8a2461fd", "e9b1745c0a36"
_USERS = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"
_NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INTEGER, title TEXT)"
_DUE = ("ALTER TABLE notes ADD COLUMN due TEXT", "CREATE INDEX ix_notes_due ON notes (due)")
_TAGS = "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT)"
_CHAIN = {
    USERS: (None, "Create the table of users", (_USERS,)),
    NOTES: (USERS, "Create the table of notes", (_NOTES,)),
    DUE: (NOTES, "Give notes a due date and an index that finds those that are overdue", _DUE),
    TAGS: (NOTES, "Create the table of tags", (_TAGS,)),
    MERGE: ((DUE, TAGS), "Merge due dates and tags", ()),
}
_ALL = (_USERS, _NOTES, *_DUE, _TAGS)
_ROWS = (
    "INSERT INTO users VALUES (1, 'Ada')",
    "INSERT INTO notes (id, user_id, title) VALUES (1, 1, 'one'), (2, 1, 'two')",
)
_LEFT = "CREATE TABLE _alembic_tmp_notes (id INTEGER PRIMARY KEY, user_id INTEGER, title TEXT, due TEXT)"
DATABASES = {
    "up-to-date": (*_ALL, *_ROWS, *stamp(MERGE)),
    "behind": (_USERS, _NOTES, *_ROWS, *stamp(NOTES)),
    "drifted": (_USERS, _NOTES, _DUE[0], _TAGS, *_ROWS, *stamp(MERGE), "CREATE TABLE cache (k TEXT)"),
    "unstamped": (*_ALL, *_ROWS),
    "unknown-stamp": (*_ALL, *stamp("0badc0ffee00")),
    "undecided": (*_ALL, *_ROWS, *stamp(MERGE), _LEFT, "INSERT INTO _alembic_tmp_notes VALUES (7, 1, 'lost', NULL)"),
    "empty": (),
}
# A name as long as those that cloud providers give.
LONG = "production-eu-central-1"


def hashed(folder: Path) -> Path:
    """The chain, environments.toml and the databases; `missing` has no file, and `no-database` is none."""
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n", encoding="utf-8")
    (folder / "alembic" / "env.py").write_text(ENV, encoding="utf-8")
    for name, (after, title, statements) in _CHAIN.items():
        lines = [f'"""{title}."""', "from alembic import op", f"revision = {name!r}", f"down_revision = {after!r}"]
        lines += ["def upgrade():", *(f"    op.execute({statement!r})" for statement in statements), "    pass"]
        (versions / f"{name}.py").write_text("\n".join([*lines, "def downgrade():", "    pass", ""]), encoding="utf-8")
    names = [*DATABASES, "missing", "no-database", LONG]
    config = "\n".join(f'[env.{name}]\npath = "{name}.db"\n' for name in names)
    (folder / "environments.toml").write_text(config, encoding="utf-8")
    for name, statements in {**DATABASES, LONG: DATABASES["drifted"]}.items():
        script(folder / f"{name}.db", *statements)
    (folder / "no-database.db").write_text("this is a text\n" * 100, encoding="utf-8")
    return folder
