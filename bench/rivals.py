"""What a user would do instead: loops of Python, stock Alembic, dbmate and sqlite3, and other readers of schemas."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from scene import BIN, PROJECT, databases, plain, statements
from timing import process

import alembic

PYTHON_LOOP = """\
import pathlib, sqlite3
for path in sorted(pathlib.Path("data").glob("*.db")):
    connection = sqlite3.connect(path)
    connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
"""
ALEMBIC_LOOP = 'set -e; for ini in stock/ini/*.ini; do "$1" -c "$ini" upgrade head; done'
DBMATE_LOOP = """set -e; for db in data/*.db
do "$1" --no-dump-schema --migrations-dir "$2" --url "sqlite:$PWD/$db" up; done"""
SQLITE_LOOP = 'set -e; for db in data/*.db; do sqlite3 "$db" < "$1"; done'


def python_loop(folder: Path) -> None:
    process(BIN / "python", "-c", PYTHON_LOOP, cwd=folder)


def stock_alembic(folder: Path, count: int) -> None:
    """Alembic as `alembic init` leaves it, with this project's versions, and an alembic.ini for each database."""
    stock = folder / "stock"
    shutil.rmtree(stock, ignore_errors=True)
    (stock / "ini").mkdir(parents=True)
    templates = Path(alembic.__file__).parent / "templates" / "generic"
    (stock / "alembic").mkdir()
    for name in ("env.py", "script.py.mako"):
        shutil.copyfile(templates / name, stock / "alembic" / name)
    for path in databases(folder, count):
        text = (templates / "alembic.ini.mako").read_text(encoding="utf-8")
        text = text.replace("${script_location}", f"{stock}/alembic")
        text = text.replace("driver://user:pass@localhost/dbname", f"sqlite:///{path}")
        versions = f"version_locations = {PROJECT / 'alembic' / 'versions'}\nprepend_sys_path = {PROJECT}\n"
        text = text.replace("prepend_sys_path = .\n", versions)
        (stock / "ini" / f"{path.stem}.ini").write_text(text, encoding="utf-8")


def alembic_loop(folder: Path) -> None:
    process("sh", "-c", ALEMBIC_LOOP, "sh", BIN / "alembic", cwd=folder)


def dbmate(scratch: Path) -> Path | None:
    """dbmate's own binary: from ARCHMIG_BENCH_DBMATE, else installed with npm; None where there is no npm.

    The binary itself, without the Node.js script around it that would only make it slower.
    """
    if named := os.environ.get("ARCHMIG_BENCH_DBMATE"):
        return Path(named)
    npm = shutil.which("npm")
    if npm is None:
        return None
    home = scratch / "dbmate"
    home.mkdir(exist_ok=True)
    (home / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    done = subprocess.run([npm, "install", "--silent", "dbmate"], cwd=home, capture_output=True, check=False)
    found = sorted(home.glob("node_modules/@dbmate/*/bin/dbmate*"))
    return found[0] if done.returncode == 0 and found else None


def dbmate_migrations(scratch: Path) -> Path:
    """The chain as dbmate would have it: the same statements, a file for each revision."""
    folder = scratch / "migrations"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, (revision, texts) in enumerate(statements()):
        text = f"-- migrate:up\n{plain(texts)}\n-- migrate:down\n"
        (folder / f"{number:06}_{revision}.sql").write_text(text, encoding="utf-8")
    return folder


def dbmate_loop(folder: Path, binary: Path, migrations: Path) -> None:
    process("sh", "-c", DBMATE_LOOP, "sh", binary, migrations, cwd=folder)


def raw_sql(scratch: Path) -> Path:
    """The whole chain as one SQL file in one transaction."""
    file = scratch / "chain.sql"
    texts = [text for _, one in statements() for text in one]
    file.write_text(f"BEGIN IMMEDIATE;\n{plain(texts)}COMMIT;\n", encoding="utf-8")
    return file


def sqlite_loop(folder: Path, file: Path) -> None:
    process("sh", "-c", SQLITE_LOOP, "sh", file, cwd=folder)


def inspected(engine: sa.Engine) -> None:
    """Read by SQLAlchemy's own bulk calls: what an Inspector knows of all tables."""
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        inspector.get_multi_columns()
        inspector.get_multi_pk_constraint()
        inspector.get_multi_foreign_keys()
        inspector.get_multi_indexes()
        inspector.get_multi_unique_constraints()
        inspector.get_multi_check_constraints()


def compared(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """Compare a database with models as Alembic's autogenerate does."""
    with engine.connect() as connection:
        compare_metadata(MigrationContext.configure(connection), metadata)
