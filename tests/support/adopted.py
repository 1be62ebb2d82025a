"""Projects as `alembic init` and `flask db init` begin them, with a revision and a database, for `archmig init`."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from support.cli import execute

if TYPE_CHECKING:
    from pathlib import Path

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


def of_alembic(
    folder: Path, template: str = "generic", url: str = "sqlite:///app.db", location: str = "migrations"
) -> Path:
    """What `alembic init` writes, with a URL, a revision, and a database that is at it."""
    started(folder, "alembic", "init", "--template", template, location)
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
    started(folder, "flask", "--app", "shop", "db", "init", *words)
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
