"""Folders to measure in: databases at head or of zero bytes, their environments.toml, and the rivals' own files."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from timing import process

from architect_migrate.model.chain_config import beside

if TYPE_CHECKING:
    from collections.abc import Iterable

PROJECT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
ARCHMIG = BIN / "archmig"
INI = PROJECT / "alembic.ini"


def environments(folder: Path, count: int, ini: Path = INI) -> Path:
    """A folder with environments.toml for `count` databases in data/, of which none is there yet."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    lines = ["[alembic]", f"config = {json.dumps(str(ini))}", "[defaults]", 'uninitialised = "create"']
    lines += ["[tracker]", 'table = "schema_versions"', 'version = "version"']
    for path in databases(folder, count):
        lines += [f"[env.{path.stem}]", f'path = "data/{path.name}"']
    (folder / "environments.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def databases(folder: Path, count: int) -> list[Path]:
    return [folder / "data" / f"e{number:03}.db" for number in range(count)]


def emptied(folder: Path, count: int) -> None:
    """Every database of zero bytes, and no trace of an earlier run."""
    shutil.rmtree(folder / ".archmig", ignore_errors=True)
    shutil.rmtree(folder / "data")
    (folder / "data").mkdir()
    for path in databases(folder, count):
        path.touch()


def at_head(folder: Path, count: int, ini: Path = INI) -> Path:
    """`count` copies of one database that archmig built."""
    environments(folder, count, ini)
    first, *others = databases(folder, count)
    archmig(folder, "upgrade", "--env", first.stem, "--yes")
    for path in others:
        shutil.copyfile(first, path)
    return folder


def archmig(folder: Path, *arguments: str, expected: int = 0) -> None:
    process(ARCHMIG, *arguments, cwd=folder, expected=expected)


def statements(ini: Path = INI) -> list[tuple[str, tuple[str, ...]]]:
    """What each revision runs on an empty database, as replay recorded it."""
    from architect_migrate.model.history import recorded_sql
    from architect_migrate.revisions.replay import cache_folder, history_of

    return list(recorded_sql(history_of(beside(ini), cache_folder(os.environ))).items())


def plain(texts: Iterable[str]) -> str:
    return "".join(f"{text.rstrip().rstrip(';')};\n" for text in texts)


def synthetic(folder: Path, tables: int, revisions: int) -> Path:
    """An alembic.ini with a chain of `revisions` that makes `tables` tables, the rest indexes that come and go."""
    shutil.rmtree(folder, ignore_errors=True)
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n", encoding="utf-8")
    shutil.copyfile(PROJECT / "alembic" / "env.py", folder / "alembic" / "env.py")
    for number in range(revisions):
        up, down = _deeds(number, tables, revisions)
        text = (
            f'"""Revision {number}."""\n\nimport sqlalchemy as sa\n\nfrom alembic import op\n\n'
            f'revision = "r{number:04}"\ndown_revision = {f"r{number - 1:04}" if number else None!r}\n'
            f"branch_labels = None\ndepends_on = None\n\n\ndef upgrade() -> None:\n    {up}\n\n\n"
            f"def downgrade() -> None:\n    {down}\n"
        )
        (versions / f"r{number:04}.py").write_text(text, encoding="utf-8")
    return folder / "alembic.ini"


def _deeds(number: int, tables: int, revisions: int) -> tuple[str, str]:
    if number < tables:
        columns = ", ".join(f'sa.Column("c{at}", sa.Text())' for at in range(8))
        return (
            f'op.create_table("t{number:03}", sa.Column("id", sa.Integer(), primary_key=True), {columns})',
            f'op.drop_table("t{number:03}")',
        )
    place = number - tables
    make = f'op.create_index("ix_{place // 2:04}", "t{place // 2 % tables:03}", ["c{place // 2 % 8}"])'
    drop = f'op.drop_index("ix_{place // 2:04}", "t{place // 2 % tables:03}")'
    last_without_pair = number == revisions - 1 and place % 2 == 0
    if last_without_pair:
        return "pass", "pass"
    return (make, drop) if place % 2 == 0 else (drop, make)
