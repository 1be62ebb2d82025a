"""Start states and what is done to them: a folder with one database, `it`, as it was and as it will be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.backups.record import record_file
from support.paths import PROJECT
from support.scenarios import script
from support.shop import shop
from torture.judge import State, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from torture.client import End, Server

_KEPT = "it-20200101T000000Z-1.db"
MODES = ("DELETE", "WAL")
_GROWN = """from alembic import op
import sqlalchemy as sa

revision = "006_grown"
down_revision = "005_tags"


def upgrade():
    op.execute("INSERT INTO tags (word) SELECT name FROM people WHERE name <> 'Bob'")
    with op.batch_alter_table("kinds") as batch:
        batch.add_column(sa.Column("place", sa.Text, server_default="here"))
        batch.alter_column("rank", existing_type=sa.Integer, nullable=False, server_default="0")
    op.execute("UPDATE orders SET note = 'seen' WHERE note IS NULL")


def downgrade():
    op.execute("UPDATE orders SET note = NULL WHERE note = 'seen'")
    with op.batch_alter_table("kinds") as batch:
        batch.alter_column("rank", existing_type=sa.Integer, nullable=True, server_default=None)
        batch.drop_column("place")
    op.execute("DELETE FROM tags")
"""
# A drop and another column shape, so that reconcile rebuilds two tables, adds a column and makes objects anew.
_DRIFTED = {
    "people": "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER,"
    " score REAL DEFAULT 0.5, email TEXT, state TEXT DEFAULT 'new', mine TEXT)",
    "orders": "CREATE TABLE orders (id INTEGER PRIMARY KEY, person_id INTEGER, code TEXT NOT NULL, note TEXT)",
    "ix_orders_code": "",
    "v_people": "",
    "touch": "",
    "kinds": "",
}
_BULK = (
    "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)"
    " INSERT INTO orders (id, person_id, code, note) SELECT i, 1, 'c' || i, hex(zeroblob(60)) FROM n"
)


@dataclass(frozen=True, slots=True)
class Case:
    """`build` makes the folder's database and environments.toml; `words` are the command line, given twice the same.

    `home` is the state in which the second time ends, by the one that the first time left.
    """

    name: str
    words: tuple[str, ...]
    build: Callable[[Path, Server], None]
    home: Callable[[TrialEnvironment, State], State] = lambda stage, _: stage.after

    @property
    def failed(self) -> int:
        """The exit code by which its program says that it could not."""
        return 2 if self.words[0] == "archmig" else 255


@dataclass(frozen=True, slots=True)
class TrialEnvironment:
    """A case in a journal mode: `folder` is made anew from `pristine` for every run."""

    case: Case
    mode: str
    folder: Path
    pristine: Path
    room: Path
    server: Server
    before: State
    after: State
    points: int
    seconds: float

    @property
    def database(self) -> Path:
        return self.folder / "it.db"

    def anew(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self.pristine, self.folder)

    def run(self, **befalls: object) -> End:
        return self.server.run(self.folder, *self.case.words, **befalls)

    def state(self) -> State:
        return state(self.database, self.room)


def stage(case: Case, mode: str, base: Path, server: Server) -> TrialEnvironment:
    """Set a case up: build it, keep it, and learn from a run that nothing befalls what comes after."""
    folder, pristine, room = base / "it", base / "pristine", base / "room"
    folder.mkdir(parents=True)
    case.build(folder, server)
    if (folder / "it.db").stat().st_size:
        script(folder / "it.db", f"PRAGMA journal_mode = {mode}")
    shutil.copytree(folder, pristine)
    before = state(folder / "it.db", room)
    whole = server.run(folder, *case.words)
    assert whole.code == 0, whole.err + whole.out
    after = state(folder / "it.db", room)
    assert before != after
    assert before.sound
    assert after.sound
    return TrialEnvironment(case, mode, folder, pristine, room, server, before, after, whole.points, whole.seconds)


def _grown(folder: Path) -> None:
    """The chain's sixth revision, and a fifth that can be taken back."""
    versions = folder / "alembic" / "versions"
    tags = (versions / "005_tags.py").read_text(encoding="utf-8")
    (versions / "005_tags.py").write_text(f"{tags}    op.drop_table('tags')\n", encoding="utf-8")
    (versions / "006_grown.py").write_text(_GROWN, encoding="utf-8")


def _archmig(folder: Path, server: Server, *words: str) -> None:
    end = server.run(folder, "archmig", *words)
    assert end.code == 0, end.err + end.out


def _shop(
    folder: Path, *more: str, at: str = "004_kinds", drifted: bool = False, policies: tuple[str, ...] = ()
) -> None:
    shop(folder, _DRIFTED if drifted else None, more, at).under("lock_timeout = 30.0", *policies).context()
    _grown(folder)


def drifted_shop(folder: Path) -> None:
    """A shop where reconcile rebuilds both tables and makes the rest anew."""
    _shop(folder, drifted=True)


def _drifted(folder: Path, _: Server) -> None:
    _shop(folder, at="", drifted=True)


def _bulky(folder: Path, _: Server) -> None:
    _shop(folder, _BULK, drifted=True)


def _behind(folder: Path, _: Server) -> None:
    _shop(folder)


def _nothing(folder: Path, _: Server) -> None:
    _shop(folder, policies=('uninitialised = "create"',))
    (folder / "it.db").write_bytes(b"")


def _at_head(folder: Path, server: Server) -> None:
    _shop(folder)
    _archmig(folder, server, "upgrade", "-e", "it", "--yes")
    shutil.rmtree(folder / ".archmig")


def _upgraded(folder: Path, server: Server) -> None:
    _shop(folder, _BULK)
    _archmig(folder, server, "upgrade", "-e", "it", "--yes")


def _other(stage: TrialEnvironment, left: State) -> State:
    """An undo that was done is itself undone by the next."""
    return stage.before if left == stage.after else stage.after


def _backed_up(folder: Path, server: Server) -> None:
    _shop(folder, _BULK)
    _archmig(folder, server, "backup", "create", "-e", "it")
    script(folder / "it.db", "UPDATE orders SET note = 'other' || id", "DROP VIEW v_people", "CREATE TABLE late (a)")
    # Under a name that no later backup has, so that the words of the command can give it.
    (copy,) = (folder / ".archmig" / "backups").glob("*.db")
    record_file(copy).rename(record_file(copy.with_name(_KEPT)))
    copy.rename(copy.with_name(_KEPT))


def _demo(name: str) -> Callable[[Path, Server], None]:
    def build(folder: Path, _: Server) -> None:
        made = folder.parent / "demo"
        command = [str(Path(sys.executable).with_name("archmig")), "demo", str(made)]
        subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, env=os.environ)
        text = (made / "environments.toml").read_text(encoding="utf-8")
        text = text.replace('config = "alembic.ini"', f'config = "{PROJECT}/alembic.ini"')
        head, _main, rest = text.partition("[env.main]")
        head, entries = head.replace('"main"', '"it"'), rest[rest.index("[[resolve]]") :]
        place = made / "data" / ("" if name == "main" else name) / "architect.db"
        shutil.copyfile(place, folder / "it.db")
        (folder / "environments.toml").write_text(f'{head}[env.it]\npath = "it.db"\n{entries}', encoding="utf-8")
        shutil.rmtree(made)

    return build


def _demo_at_head(folder: Path, server: Server) -> None:
    _demo("dev")(folder, server)
    _archmig(folder, server, "reconcile", "-e", "it", "--yes")
    shutil.rmtree(folder / ".archmig")


_ON = ("-e", "it", "--yes")
_ALEMBIC = ("alembic", "-x", "env=it")
SHOP = (
    Case("reconcile, drifted shop", ("archmig", "reconcile", *_ON), _drifted),
    Case("reconcile, drifted shop of 25,000 rows", ("archmig", "reconcile", *_ON), _bulky),
    Case("upgrade, shop two behind", ("archmig", "upgrade", *_ON), _behind),
    Case("upgrade, empty file", ("archmig", "upgrade", *_ON), _nothing),
    Case("downgrade, shop at head", ("archmig", "downgrade", "004_kinds", *_ON), _at_head),
    Case("backup restore, shop of 25,000 rows", ("archmig", "backup", "restore", _KEPT, *_ON), _backed_up),
    Case("undo of an upgrade, shop of 25,000 rows", ("archmig", "undo", *_ON), _upgraded, _other),
    Case("alembic upgrade, shop two behind", (*_ALEMBIC, "upgrade", "head"), _behind),
    Case("alembic upgrade, empty file", (*_ALEMBIC, "upgrade", "head"), _nothing),
    Case("alembic downgrade, shop at head", (*_ALEMBIC, "downgrade", "004_kinds"), _at_head),
)
DEMO = (
    Case("reconcile, demo qa", ("archmig", "reconcile", *_ON), _demo("qa")),
    Case("reconcile, demo dev", ("archmig", "reconcile", *_ON), _demo("dev")),
    Case("downgrade, demo dev at head", ("archmig", "downgrade", "040", *_ON), _demo_at_head),
)
