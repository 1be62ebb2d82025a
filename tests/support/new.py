"""What the tests of new revisions share: a small chain with the project's own template, and two databases on it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from support.paths import PROJECT
from support.scenarios import own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

BUGS = """CREATE TABLE bugs (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL
)"""
INDEX = "CREATE INDEX ix_bugs_title ON bugs (title)"
VIEW = "CREATE VIEW v_bugs AS SELECT id FROM bugs"
CHAIN = {"001_bugs": revision(None, BUGS), "002_index": revision("001_bugs", INDEX, VIEW)}
MATRIX = """[env.qa]
path = "qa.db"
[env.prod]
path = "prod.db"
"""


def chain(folder: Path) -> Path:
    """Two revisions, and qa and prod with a row each, at the second."""
    own_chain(folder, CHAIN)
    shutil.copy(PROJECT / "alembic" / "script.py.mako", folder / "alembic")
    for name in ("qa", "prod"):
        script(folder / f"{name}.db", BUGS, INDEX, VIEW, f"INSERT INTO bugs VALUES (1, '{name}')", *stamp("002_index"))
    (folder / "environments.toml").write_text(MATRIX, encoding="utf-8")
    return folder


def written(folder: Path) -> set[str]:
    """Every file and folder below, but for what Python keeps for itself."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}
