"""One more revision on top of a chain, run and taken back by archmig, held against plain Alembic's doing both."""

from __future__ import annotations

import contextlib
import random
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truth.commands import archmig
from truth.judge import Finding, process_findings
from truth.native import script_of
from truth.postgresql.compare import differences
from truth.postgresql.facts import content
from truth.postgresql.native import downgrade, upgrade
from truth.postgresql.project import write_environments
from truth.postgresql.scene import Scene, is_number, is_text, wider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from truth.commands import Said
    from truth.postgresql.facts import Content
    from truth.postgresql.life import Truth

    Way = Callable[[Scene], tuple[str, str]]

_NAME = "back"
_LAST = "z1"
_MODULE = '''"""there and back"""

import sqlalchemy as sa

from alembic import op

revision = "{revision}"
down_revision = {parents!r}
branch_labels = None
depends_on = None


def upgrade():
    {up}


def downgrade():
    {down}
'''


def _column(scene: Scene) -> tuple[str, str]:
    table = scene.table()
    new = f"op.add_column({table!r}, sa.Column('added', sa.Integer(), server_default='7', nullable=False))"
    return new, f"op.drop_column({table!r}, 'added')"


def _new_table(scene: Scene) -> tuple[str, str]:
    name = f"made_{scene.chance.randrange(9)}"
    columns = "sa.Column('id', sa.Integer(), primary_key=True), sa.Column('v', sa.Text())"
    insert = f"INSERT INTO {name} (v) SELECT id::text FROM {scene.table()}"
    return f"op.create_table({name!r}, {columns})\n    op.execute({insert!r})", f"op.drop_table({name!r})"


def _index(scene: Scene) -> tuple[str, str]:
    table = scene.table()
    return f"op.create_index('there', {table!r}, ['id'])", f"op.drop_index('there', table_name={table!r})"


def _renamed(scene: Scene) -> tuple[str, str]:
    table = scene.table()
    column = scene.plain_column(table).name
    text = "op.alter_column({!r}, {!r}, new_column_name={!r})"
    return text.format(table, column, "renamed"), text.format(table, "renamed", column)


def _renamed_table(scene: Scene) -> tuple[str, str]:
    table = scene.table()
    return f"op.rename_table({table!r}, 'renamed_table')", f"op.rename_table('renamed_table', {table!r})"


def _values(scene: Scene) -> tuple[str, str]:
    table = scene.table()
    columns = [one for one in scene.columns(table) if not one.generated and not one.identity]
    column = scene.chance.choice([one.name for one in columns if is_number(one.declared)])
    text = f"UPDATE {table} SET {column} = {column} %s 3"
    return f"op.execute({text % '+'!r})", f"op.execute({text % '-'!r})"


def _texts(scene: Scene) -> tuple[str, str]:
    table = scene.table()
    columns = [one for one in scene.columns(table) if not one.generated and not one.identity]
    column = scene.chance.choice([one.name for one in columns if is_text(one.declared)])
    there, back = f"UPDATE {table} SET {column} = {column} || '?'", f"UPDATE {table} SET {column} = left({column}, -1)"
    return f"op.execute({there!r})", f"op.execute({back!r})"


def _retyped(scene: Scene) -> tuple[str, str]:
    table = scene.table()
    column = scene.plain_column(table)
    there = f"ALTER TABLE {table} ALTER {column.name} TYPE {_declared(scene, column.declared)}"
    back = f"ALTER TABLE {table} ALTER {column.name} TYPE {column.declared}"
    return f"op.execute({there!r})", f"op.execute({back!r})"


def _declared(scene: Scene, declared: str) -> str:
    from truth.postgresql.scene import SPELT

    return SPELT[scene.chance.choice(wider(declared))]


def _required(scene: Scene) -> tuple[str, str]:
    table = scene.table()
    column = scene.plain_column(table)
    text = f"op.alter_column({table!r}, {column.name!r}, nullable=%s)"
    return text % column.not_null, text % (not column.not_null)


def _gone(scene: Scene) -> tuple[str, str]:
    """What is taken away comes back empty."""
    table = scene.table()
    column = scene.plain_column(table)
    back = f"ALTER TABLE {table} ADD COLUMN {column.name} {column.declared}"
    return f"op.drop_column({table!r}, {column.name!r})", f"op.execute({back!r})"


_WAYS: tuple[Way, ...] = (
    *(_column, _new_table, _index, _renamed, _renamed_table, _values, _texts, _retyped, _required, _gone),
)


@dataclass(frozen=True, slots=True)
class _There:
    """What is asked about: the database of archmig's runs, plain Alembic's, and the revisions to go back to."""

    truth: Truth
    folder: Path
    words: str


def there_and_back(truth: Truth, folder: Path, seed: str) -> tuple[str, list[Finding]]:
    """What came of it in a word, and what is wrong with it; nothing where plain Alembic does not go there and back."""
    chance = random.Random(f"{seed}:back")
    place = folder.parent / "back"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns(".archmig", "__pycache__", "environments.toml"))
    image = truth.life(0).images[-1]
    with truth.cluster.opened(image) as raw:
        ways = list(_ways(Scene(chance, raw, frozenset(), set(), "9")))
    if not ways:
        return "", []
    _write(truth, place, ways)
    truth.cluster.copy(image, _NAME)
    write_environments(place, {_NAME: truth.cluster.url_of(_NAME)})
    try:
        expected = _by_alembic(truth, place, image)
    except Exception:  # noqa: BLE001  (whatever the new revision raises)
        return "", []
    if differences(truth.content_of(image).facts, expected[1].facts):
        return "", []  # archmig refuses what does not lead back.
    words = "; ".join(f"{there} <-> {back}" for there, back in ways)
    return _judged(_There(truth, place, words), expected)


def _ways(scene: Scene) -> Iterator[tuple[str, str]]:
    """Up to three, of different kinds, each on another table's things than the one before may have renamed."""
    for way in scene.chance.sample(_WAYS, scene.chance.choice([1, 1, 2])):
        with contextlib.suppress(LookupError, KeyError):
            yield way(scene)


def _write(truth: Truth, place: Path, ways: list[tuple[str, str]]) -> None:
    heads = truth.chain.heads
    text = _MODULE.format(
        revision=_LAST,
        parents=heads[0] if len(heads) == 1 else heads,
        up="\n    ".join(there for there, _ in ways),
        down="\n    ".join(back for _, back in reversed(ways)),
    )
    (place / "chain" / "versions" / f"{_LAST}.py").write_text(text)


def _by_alembic(truth: Truth, place: Path, image: str) -> tuple[Content, Content]:
    script = script_of(place / "alembic.ini")
    made = truth.cluster.copy(image, "back_by_alembic")
    upgrade(truth.cluster, made, script, _LAST)
    there = _content(truth, made)
    downgrade(truth.cluster, made, script, truth.chain.heads[0])
    return there, _content(truth, made)


def _content(truth: Truth, name: str) -> Content:
    with truth.cluster.opened(name) as raw:
        return content(raw)


def _judged(at: _There, expected: tuple[Content, Content]) -> tuple[str, list[Finding]]:
    found: list[Finding] = []
    came = ""
    for words, wanted in zip((("upgrade",), ("downgrade", at.truth.chain.heads[0])), expected, strict=True):
        before = _content(at.truth, _NAME)
        said = archmig(at.folder, *words, "-e", _NAME, "--yes", "--json")
        outcome = str(said.environment(_NAME).get("outcome"))
        came = f"{words[0]} {outcome}"
        found += process_findings(_Calls((said,)))
        found += _compared(at, said, came, before if outcome != "done" else wanted)
        if outcome != "done":
            break
    return came, found


@dataclass(frozen=True, slots=True)
class _Calls:
    all: tuple[Said, ...]


def _compared(at: _There, said: Said, came: str, wanted: Content) -> Iterator[Finding]:
    now = _content(at.truth, _NAME)
    told = said.environment(_NAME)
    if not came.endswith("done"):
        yield Finding(came, f"{at.words}: {told.get('detail')} {told.get('error')} {said.err[-300:]}")
    for difference in (*differences(wanted.facts, now.facts), *differences(now.facts, wanted.facts)):
        yield Finding(f"{came}: {difference.kind}", f"{at.words}: {difference.detail}")
    if now.stamp != wanted.stamp:
        yield Finding(f"{came}: the stamp is another one", f"{at.words}: {now.stamp}, oracle {wanted.stamp}")
    for table in {*wanted.rows, *now.rows}:
        one, other = (sorted(map(repr, content.rows.get(table, ()))) for content in (wanted, now))
        if one != other:
            yield Finding(f"{came}: rows differ", f"{at.words}: {table}: {one[:2]}, now {other[:2]}")
