"""Lives of a PostgreSQL database under plain Alembic: revision after revision, with rows between them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truth.life import FIRST_KEY, order_of
from truth.postgresql.cluster import EMPTY
from truth.postgresql.facts import content
from truth.postgresql.native import upgrade, upgrade_until
from truth.postgresql.row_steps import Keys, fill
from truth.postgresql.scene import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic.script import ScriptDirectory

    from truth.chain import Chain
    from truth.postgresql.cluster import Cluster
    from truth.postgresql.facts import Content
    from truth.postgresql.native import Run


@dataclass(frozen=True, slots=True)
class Life:
    """`order` is one in which the chain may run; `images[n]` the database after its first n revisions, with rows."""

    order: tuple[str, ...]
    images: tuple[str, ...]


@dataclass(slots=True)
class Truth:
    """What plain Alembic makes of a chain: the oracle. Everything is made once, when it is asked for."""

    chain: Chain
    script: ScriptDirectory
    cluster: Cluster
    seed: str
    lives: dict[int, Life] = field(default_factory=dict)
    runs: dict[tuple[int, int], Run] = field(default_factory=dict)
    contents: dict[str, Content] = field(default_factory=dict)
    twins: dict[tuple[int, int], Content | None] = field(default_factory=dict)
    positions: dict[frozenset[str], tuple[str, Content]] = field(default_factory=dict)

    def head(self) -> str:
        """An empty database upgraded to all heads."""
        return self._at(frozenset(self.chain.ids))[0]

    def content_at(self, revisions: Iterable[str]) -> Content:
        """What an empty database has after these revisions and all that they come after."""
        return self._at(self.chain.closure(revisions))[1]

    def _at(self, position: frozenset[str]) -> tuple[str, Content]:
        if position not in self.positions:
            name = self.cluster.copy(EMPTY, f"at_{len(self.positions)}")
            for revision in self.chain.tips(position):
                upgrade(self.cluster, name, self.script, revision)
            with self.cluster.opened(name) as raw:
                self.positions[position] = name, content(raw)
        return self.positions[position]

    def content_of(self, image: str) -> Content:
        """What an image has."""
        if image not in self.contents:
            with self.cluster.opened(image) as raw:
                self.contents[image] = content(raw)
        return self.contents[image]

    def life(self, number: int) -> Life:
        if number not in self.lives:
            self.lives[number] = _lived(self, number)
        return self.lives[number]

    def twin(self, number: int, done: int) -> Content | None:
        """A moment of a life, upgraded to all heads; None where plain Alembic fails on its rows."""
        if (number, done) not in self.twins:
            name = self.cluster.copy(self.life(number).images[done], "twin")
            try:
                upgrade(self.cluster, name, self.script, "heads")
                with self.cluster.opened(name) as raw:
                    self.twins[number, done] = content(raw)
            except Exception:  # noqa: BLE001  (whatever a revision raises on these rows)
                self.twins[number, done] = None
            finally:
                self.cluster.drop(name)
        return self.twins[number, done]

    def next_run(self, number: int, done: int) -> Run:
        """The statements of the revision that comes after the first `done` of a life. Raises what it raises."""
        if (number, done) not in self.runs:
            life = self.life(number)
            name = self.cluster.copy(life.images[done], "next")
            try:
                self.runs[number, done] = upgrade_until(self.cluster, name, self.script, life.order[done])
            finally:
                self.cluster.drop(name)
        return self.runs[number, done]


def _lived(truth: Truth, number: int) -> Life:
    try:
        return _in_order(truth, number, order_of(truth.chain, f"{truth.seed}:{number}"))
    except Exception:  # noqa: BLE001  (what one branch makes may be in the way of another that comes later)
        return _in_order(truth, number, tuple(revision.id for revision in truth.chain.revisions))


def _in_order(truth: Truth, number: int, order: tuple[str, ...]) -> Life:
    keys = Keys(FIRST_KEY)
    images = [EMPTY]
    for place, name in enumerate(order, 1):
        image = _next(truth, images[-1], f"life_{number}_{place}", name)
        with truth.cluster.opened(image) as raw:
            fill(raw, keys, random.Random(f"{truth.seed}:{number}:{name}"))
        images.append(image)
    return Life(order, tuple(images))


def _next(truth: Truth, before: str, name: str, revision: str) -> str:
    """The database after the next revision; where its rows forbid that, the application has deleted them first."""
    truth.cluster.copy(before, name)
    try:
        upgrade(truth.cluster, name, truth.script, revision)
    except Exception:  # noqa: BLE001  (whatever the revision raises)
        truth.cluster.copy(before, name)
        with truth.cluster.opened(name) as raw:
            raw.execute(f"TRUNCATE {', '.join(tables_of(raw))} CASCADE")
        upgrade(truth.cluster, name, truth.script, revision)
    return name
