"""Projects as `alembic init` and `flask db init` begin them, with a revision and a database, for `archmig init`."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from support.cli import execute

if TYPE_CHECKING:
    from collections.abc import Mapping

REVISION = '''"""Create notes."""

import sqlalchemy as sa
from alembic import op

revision = "1_notes"
down_revision = None
branch_labels = None
depends_on = None


def upgrade({engine}):
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("title", sa.Text))


def downgrade({engine}):
    op.drop_table("notes")
'''
NOTES = "CREATE TABLE notes (id INTEGER NOT NULL, title TEXT, PRIMARY KEY (id));"
STAMP = """CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,
CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)); INSERT INTO alembic_version VALUES ('1_notes');"""
# An application with Flask-SQLAlchemy; `{uri}` and `{binds}` are expressions.
SHOP = """import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = {uri}
    app.config["SQLALCHEMY_BINDS"] = {binds}
    db.init_app(app)
    Migrate(app, db)
    return app
"""


def started(folder: Path, *words: str, **environ: str) -> str:
    """Run a module of Python in the project's folder, as a person does; return what it printed."""
    command = [sys.executable, "-B", "-m", *words]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def begun(folder: Path, *words: str) -> None:
    """Write what a command writes that begins a chain in a project."""
    for name, content in _written_by(*words).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


# Why cached: the command writes the same each time, and takes a second to start.
@lru_cache(maxsize=32)
def _written_by(*words: str) -> Mapping[str, bytes]:
    """Return the files, by their paths, that a command writes in a folder with an application of Flask."""
    with TemporaryDirectory() as name:
        application = Path(name, "shop.py")
        application.write_text(SHOP.format(uri='"sqlite:///shop.db"', binds="{}"), encoding="utf-8")
        started(Path(name), *words)
        application.unlink()
        return {str(path.relative_to(name)): path.read_bytes() for path in Path(name).rglob("*") if path.is_file()}


def of_alembic(
    folder: Path, template: str = "generic", url: str = "sqlite:///app.db", location: str = "migrations"
) -> Path:
    """What `alembic init` writes, with a URL, a revision, and a database that is at it."""
    begun(folder, "alembic", "init", "--template", template, location)
    ini = folder / "alembic.ini"
    text = ini.read_text(encoding="utf-8")
    if template != "multidb":
        text = re.sub(r"^sqlalchemy\.url = .*$", f"sqlalchemy.url = {url}", text, flags=re.MULTILINE)
    ini.write_text(text, encoding="utf-8")
    engine = "engine_name" if template == "multidb" else ""
    add_revision(folder / location, engine)
    execute(folder / "app.db", NOTES + STAMP)
    return folder


def of_flask(folder: Path, *words: str, uri: str = '"sqlite:///shop.db"', binds: str = "{}") -> Path:
    """What `flask db init` writes, for an application with its database in the folder `instance`."""
    (folder / "shop.py").write_text(SHOP.format(uri=uri, binds=binds), encoding="utf-8")
    begun(folder, "flask", "--app", "shop", "db", "init", *words)
    add_revision(folder / "migrations", "engine_name" if "--multidb" in words else "")
    (folder / "instance").mkdir(exist_ok=True)
    execute(folder / "instance" / "shop.db", NOTES + STAMP)
    return folder


def add_revision(chain: Path, engine: str = "") -> None:
    """Write the one revision of a chain."""
    (chain / "versions").mkdir(exist_ok=True)
    (chain / "versions" / "1_notes.py").write_text(REVISION.format(engine=engine), encoding="utf-8")


def contents(folder: Path) -> dict[str, str]:
    """Every file and folder of a project, with a digest of what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }
