"""Lives of a database under plain Alembic: revision after revision, rows between them, images of every moment."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truth.native import between_statements, upgraded
from truth.reader import content_of, opened, quote, texts
from truth.rows import Keys, fill

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

    from truth.chain import Chain
    from truth.reader import Content

# Below are keys of rows that the chain itself inserts.
FIRST_KEY = 1_000


@dataclass(frozen=True, slots=True)
class Life:
    """`order` is one in which the chain may run; `images[n]` the database after its first n revisions, with rows."""

    order: tuple[str, ...]
    images: tuple[bytes, ...]


@dataclass(slots=True)
class Truth:
    """What plain Alembic makes of a chain: the oracle. Everything is computed once, when it is asked for."""

    chain: Chain
    script: ScriptDirectory
    seed: str
    lives: dict[int, Life] = field(default_factory=dict)
    twins: dict[tuple[int, int], Content | None] = field(default_factory=dict)
    halves: dict[tuple[int, int], list[bytes]] = field(default_factory=dict)
    head_image: bytes = b""

    def head(self) -> bytes:
        """An empty database upgraded to all heads."""
        if not self.head_image:
            self.head_image = upgraded(self.script, b"", "heads")
        return self.head_image

    def life(self, number: int) -> Life:
        if number not in self.lives:
            self.lives[number] = _lived(self, number)
        return self.lives[number]

    def half(self, life: int, done: int) -> list[bytes]:
        """After each statement of the revision that comes after the first `done`."""
        if (life, done) not in self.halves:
            lived = self.life(life)
            self.halves[life, done] = between_statements(self.script, lived.images[done], lived.order[done])
        return self.halves[life, done]

    def twin(self, life: int, done: int) -> Content | None:
        """The undamaged database of that moment, upgraded to all heads; None where plain Alembic fails on its rows."""
        if (life, done) not in self.twins:
            try:
                found = content_of(upgraded(self.script, self.life(life).images[done], "heads"))
            except Exception:  # noqa: BLE001  (whatever a revision raises on these rows)
                self.twins[life, done] = None
            else:
                self.twins[life, done] = found
        return self.twins[life, done]


def goes_through(truth: Truth, image: bytes) -> bool:
    """Whether plain Alembic upgrades a database to all heads, and leaves no row that refers to nothing."""
    try:
        after = upgraded(truth.script, image, "heads")
        with opened(after) as raw:
            return not raw.execute("PRAGMA foreign_key_check").fetchall()
    except Exception:  # noqa: BLE001  (whatever a revision raises, and a key without a parent)
        return False


def _lived(truth: Truth, number: int) -> Life:
    """A life in any order, or in Alembic's where one branch is in the way of another that comes later."""
    try:
        life = _in_order(truth, number, order_of(truth.chain, f"{truth.seed}:{number}"))
    except Exception:  # noqa: BLE001  (whatever a revision raises)
        life = None
    if life is None or any(map(_refers_to_nothing, life.images)):
        order = tuple(each.revision for each in truth.script.walk_revisions())
        return _in_order(truth, number, order[::-1])
    return life


def _refers_to_nothing(image: bytes) -> bool:
    """Whether a foreign key is to a missing table: a branch copied its text after another one renamed the parent."""
    with opened(image) as raw:
        tables = texts(raw, "table")
        there = {name.lower() for name in tables}
        keys = (raw.execute(f"PRAGMA foreign_key_list({quote(name)})").fetchall() for name in tables)
        return any(str(key[2]).lower() not in there for its in keys for key in its)


def _in_order(truth: Truth, number: int, order: tuple[str, ...]) -> Life:
    keys = Keys(FIRST_KEY)
    image, images = b"", [b""]
    for name in order:
        image = _next(truth, image, name)
        with opened(image) as raw:
            fill(raw, keys, random.Random(f"{truth.seed}:{number}:{name}"))
            image = raw.serialize()
        images.append(image)
    return Life(order, tuple(images))


def _next(truth: Truth, image: bytes, name: str) -> bytes:
    """The database after the next revision; where its rows forbid that, the application has deleted them first."""
    try:
        return upgraded(truth.script, image, name)
    except Exception:  # noqa: BLE001  (whatever the revision raises)
        with opened(image) as raw:
            for table in texts(raw, "table"):
                raw.execute(f"DELETE FROM {quote(table)}")
            return upgraded(truth.script, raw.serialize(), name)


def order_of(chain: Chain, seed: str) -> tuple[str, ...]:
    """Any order in which each revision comes after its parents; the same one when the chain lacks a revision."""
    left, order = list(chain.revisions), list[str]()
    while left:
        ready = [revision for revision in left if set(revision.parents) <= set(order)]
        chosen = min(ready, key=lambda revision: random.Random(f"{seed}:{revision.id}").random())
        left.remove(chosen)
        order.append(chosen.id)
    return tuple(order)
