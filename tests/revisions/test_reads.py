"""A replayed history counts only while everything that the replay read is the same."""

from __future__ import annotations

import os
import shutil
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.chain_config import beside
from architect_migrate.revisions.replay import is_remembered, source_of
from support.replays import real as replay

if TYPE_CHECKING:
    from collections.abc import Callable

ENV = """from alembic import context
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""


@pytest.fixture(autouse=True)
def own_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests share replays; these are about when archmig does."""
    monkeypatch.setattr("architect_migrate.revisions.replay._replay", replay)


def project(folder: Path, body: str, extra: str = "") -> Path:
    """A chain of one revision whose table has the columns that `body` puts into the list `columns`."""
    versions = folder / "chain" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(f"[alembic]\nscript_location = %(here)s/chain\n{extra}", encoding="utf-8")
    (folder / "chain" / "env.py").write_text(ENV, encoding="utf-8")
    (versions / "a1.py").write_text(
        "import os, sys\nfrom pathlib import Path\nfrom alembic import op\nHERE = Path(__file__).parent\n"
        "revision, down_revision = 'a1', None\n\ndef upgrade():\n    columns = ['id']\n"
        + "".join(f"    {line}\n" for line in body.splitlines())
        + "    op.execute(f\"CREATE TABLE t ({', '.join(columns)})\")\n\ndef downgrade():\n    pass\n",
        encoding="utf-8",
    )
    return folder / "alembic.ini"


def columns(ini: Path) -> list[str]:
    (replayed,) = source_of(beside(ini), Path(os.environ["ARCHMIG_CACHE"])).history.replayed
    (table,) = replayed.delta.changed.tables
    return [column.name for column in table.columns]


@dataclass(frozen=True)
class Reading:
    """A way in which a revision may learn a column; `before` and `after` make the project of two moments."""

    body: str
    before: Callable[[Path], None]
    after: Callable[[Path], None]


def text(name: str, content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")

    return write


def same_times(name: str, content: str) -> Callable[[Path], None]:
    """Another text of the same length with the times of the old one, as some checkouts leave it."""

    def write(folder: Path) -> None:
        old = (folder / name).stat()
        (folder / name).write_text(content, encoding="utf-8")
        os.utime(folder / name, ns=(old.st_atime_ns, old.st_mtime_ns))

    return write


def package_with(name: str, content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        text("shop/__init__.py", "")(folder)
        text(f"shop/{name}", content)(folder)

    return write


def zipped(content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        with zipfile.ZipFile(folder / "lib.zip", "w") as archive:
            archive.writestr("inzip.py", content)

    return write


def linked(to: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name in ("one", "two"):
            text(f"{name}/x", "")(folder)
            text(f"{name}/{name}.txt", "")(folder)
        (folder / "now").unlink(missing_ok=True)
        (folder / "now").symlink_to(to)

    return write


def nothing(_: Path) -> None:
    pass


ROOT = "HERE.parents[1]"
READINGS = {
    "json": Reading(
        f"import json; columns += json.loads(({ROOT} / 'x.json').read_text())",
        text("x.json", '["a"]'),
        text("x.json", '["b"]'),
    ),
    "a large file": Reading(
        f"columns += [{ROOT}.joinpath('x.txt').read_bytes()[:1].decode()]",
        text("x.txt", "a" * (5 << 20)),
        same_times("x.txt", "b" * (5 << 20)),
    ),
    "kept times": Reading(f"columns += [open({ROOT} / 'x.txt').read()]", text("x.txt", "a"), same_times("x.txt", "b")),
    "os.open": Reading(
        f"columns += [os.read(os.open({ROOT} / 'x.txt', os.O_RDONLY), 9).decode()]",
        text("x.txt", "a"),
        text("x.txt", "b"),
    ),
    "a file that is missing at first": Reading(
        f"try:\n    columns += [open({ROOT} / 'x.txt').read()]\nexcept OSError:\n    pass", nothing, text("x.txt", "b")
    ),
    "Path.exists": Reading(f"columns += ['b'] if ({ROOT} / 'x').exists() else []", nothing, text("x", "")),
    "os.path.isfile": Reading(f"columns += ['b'] if os.path.isfile({ROOT} / 'x') else []", nothing, text("x", "")),
    "os.access": Reading(f"columns += ['b'] if os.access({ROOT} / 'x', os.R_OK) else []", nothing, text("x", "")),
    "glob": Reading(
        f"columns += sorted(p.stem for p in ({ROOT} / 'sql').glob('*.sql'))",
        text("sql/a.sql", ""),
        text("sql/b.sql", ""),
    ),
    "os.listdir": Reading(f"columns += sorted(os.listdir({ROOT} / 'sql'))", text("sql/a", ""), text("sql/b", "")),
    "os.listdir of where it is": Reading(
        f"os.chdir({ROOT} / 'sql'); columns += sorted(os.listdir())", text("sql/a", ""), text("sql/b", "")
    ),
    "os.walk": Reading(
        f"columns += sorted(n for _, _, names in os.walk({ROOT} / 'sql') for n in names)",
        text("sql/deep/a", ""),
        text("sql/deep/b", ""),
    ),
    "os.fwalk": Reading(
        f"columns += sorted(n for _, _, names, _ in os.fwalk({ROOT} / 'sql') for n in names)",
        text("sql/deep/a", ""),
        text("sql/deep/b", ""),
    ),
    "a link that points elsewhere": Reading(
        f"columns += [p.stem for p in ({ROOT} / 'now').resolve().glob('*.txt')]", linked("one"), linked("two")
    ),
    "a helper module": Reading(
        "from shop.tables import COLUMNS; columns += COLUMNS",
        text("shop/tables.py", "COLUMNS = ['a']"),
        text("shop/tables.py", "COLUMNS = ['b']"),
    ),
    "a helper module with kept times": Reading(
        "from shop.tables import COLUMNS; columns += COLUMNS",
        text("shop/tables.py", "COLUMNS = ['a']"),
        same_times("shop/tables.py", "COLUMNS = ['b']"),
    ),
    "an import that fails at first": Reading(
        "try:\n    from extra import COLUMNS; columns += COLUMNS\nexcept ImportError:\n    pass",
        nothing,
        text("extra.py", "COLUMNS = ['b']"),
    ),
    "a module that hides another": Reading(
        "import sys; sys.path.insert(0, '.'); import wave; columns += getattr(wave, 'COLUMNS', [])",
        nothing,
        text("wave.py", "COLUMNS = ['b']"),
    ),
    "a namespace package": Reading(
        "import pkgutil, plugins; columns += sorted(m.name for m in pkgutil.iter_modules(plugins.__path__))",
        text("plugins/a.py", ""),
        text("plugins/b.py", ""),
    ),
    "importlib.resources": Reading(
        "from importlib.resources import files; columns += [(files('shop') / 'x.txt').read_text()]",
        package_with("x.txt", "a"),
        text("shop/x.txt", "b"),
    ),
    "a zip file": Reading(
        f"sys.path.insert(0, str({ROOT} / 'lib.zip')); import inzip; columns += inzip.COLUMNS",
        zipped("COLUMNS = ['a']"),
        zipped("COLUMNS = ['b']"),
    ),
}


@pytest.mark.parametrize("name", READINGS)
def test_what_a_revision_read_is_compared(name: str, tmp_path: Path) -> None:
    reading = READINGS[name]
    ini = project(tmp_path, reading.body)
    reading.before(tmp_path)
    before = columns(ini)
    assert is_remembered(source_of(beside(ini), Path(os.environ["ARCHMIG_CACHE"])))
    reading.after(tmp_path)
    assert not is_remembered(source_of(beside(ini), Path(os.environ["ARCHMIG_CACHE"])))
    assert columns(ini) != before


VARIABLES = {
    "os.environ.get": "columns += [os.environ.get('SHOP', 'a')]",
    "os.getenv": "columns += [os.getenv('SHOP', 'a')]",
    "in": "columns += ['b'] if 'SHOP' in os.environ else []",
    "copy": "columns += [os.environ.copy().get('SHOP', 'a')]",
    "items": "columns += [v for k, v in os.environ.items() if k.lower() == 'shop']",
    "environb": "columns += [os.environb.get(b'SHOP', b'a').decode()]",
    "bar": "columns += [(os.environ | {}).get('SHOP', 'a')]",
    "expandvars": "columns += [os.path.expandvars('$SHOP').strip('$')]",
}


@pytest.mark.parametrize("name", VARIABLES)
def test_the_variables_that_it_asked_for_are_compared(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini = project(tmp_path, VARIABLES[name])
    monkeypatch.delenv("SHOP", raising=False)
    before = columns(ini)
    monkeypatch.setenv("SHOP", "b")
    assert columns(ini) != before
    # Both are remembered: two environments take turns without a replay.
    monkeypatch.delenv("SHOP")
    assert is_remembered(source_of(beside(ini), Path(os.environ["ARCHMIG_CACHE"])))
    assert columns(ini) == before


def test_other_variables_and_files_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ini = project(tmp_path, "columns += [os.environ.get('SHOP', 'a')]")
    columns(ini)
    monkeypatch.setenv("OTHER", "1")
    monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
    for name in ("app.db", "app.db-wal", "notes.txt", "chain/versions/__pycache__/a1.cpython-311.pyc"):
        text(name, "")(tmp_path)
    assert is_remembered(source_of(beside(ini), Path(os.environ["ARCHMIG_CACHE"])))


def test_another_place_with_the_same_texts_shares_nothing(tmp_path: Path) -> None:
    columns(project(tmp_path / "one", "columns += ['one'] if 'one' in str(HERE) else []"))
    two = Path(shutil.copytree(tmp_path / "one", tmp_path / "two")) / "alembic.ini"
    assert not is_remembered(source_of(beside(two), Path(os.environ["ARCHMIG_CACHE"])))
    assert columns(two) == ["id"]


def test_what_changes_while_it_is_replayed_is_not_remembered(tmp_path: Path) -> None:
    body = f"import re; p = {ROOT} / 'x.txt'; columns += [p.read_text()]; os.environ.get('A')"
    ini = project(tmp_path, f"{body}\nimport posix, time\nwhile p.read_text() == 'a': time.sleep(0.01)")
    text("x.txt", "a")(tmp_path)
    threading.Timer(3, text("x.txt", "b"), [tmp_path]).start()
    assert columns(ini) == ["id", "a"]
    assert not is_remembered(source_of(beside(ini), Path(os.environ["ARCHMIG_CACHE"])))
    assert columns(ini) == ["id", "b"]
