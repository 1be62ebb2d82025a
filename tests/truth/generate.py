"""Random chains: every revision is tried on rows after those that it comes after, before it is written down."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.util import CommandError

from truth.chain import ENVS, Chain, Revision
from truth.native import run_alone
from truth.reader import opened
from truth.row_steps import ROW_STEPS
from truth.rows import Keys, fill
from truth.scene import Scene
from truth.steps import STEPS, create_table

if TYPE_CHECKING:
    from truth.chain import Op

# What a step that does not fit the schema at hand raises: then another one is tried.
REFUSALS = (
    LookupError,
    ValueError,
    sqlite3.Error,
    sa.exc.SQLAlchemyError,
    CommandError,
    NotImplementedError,
    StopIteration,
)


@dataclass(slots=True)
class _Draft:
    """A chain while it grows; `images` are databases with rows by position."""

    chance: random.Random
    rows: bool
    revisions: list[Revision] = field(default_factory=list)
    images: dict[frozenset[str], bytes] = field(default_factory=lambda: {frozenset(): b""})
    touched: dict[str, list[str]] = field(default_factory=dict)

    @property
    def chain(self) -> Chain:
        return Chain(tuple(self.revisions), ENVS[0])


def generated(seed: str, *, rows: bool) -> Chain:
    """A chain of three to twelve revisions."""
    chance = random.Random(seed)
    draft = _Draft(chance, rows)
    branched = chance.random() < 0.35
    for _ in range(chance.randint(3, 12)):
        _add(draft, _parents(draft, branched=branched))
    if len(draft.chain.heads) > 1 and chance.random() < 0.6:
        _add(draft, draft.chain.heads, empty=chance.random() < 0.7)
    return Chain(tuple(draft.revisions), chance.choice(ENVS))


def _parents(draft: _Draft, *, branched: bool) -> tuple[str, ...]:
    heads = draft.chain.heads
    if len(draft.revisions) < 2 or not branched:
        return heads[-1:]
    drawn = draft.chance.random()
    if len(heads) > 1 and drawn < 0.2:
        return heads
    if len(heads) < 3 and drawn < 0.4:
        return (draft.chance.choice(draft.chain.ids),)
    return (draft.chance.choice(heads),)


def _add(draft: _Draft, parents: tuple[str, ...], *, empty: bool = False) -> None:
    """Add a revision; none where plain Alembic cannot run the branches that it would merge one after another."""
    name = f"r{len(draft.revisions) + 1:02}"
    before = draft.chain.closure(parents)
    try:
        image = _image(draft, before)
    except REFUSALS:
        return
    barred = frozenset(table for table, by in draft.touched.items() if not before.issuperset(by))
    ops: list[Op] = []
    drawn = draft.chance.random()
    wanted = (
        0 if empty or drawn < 0.06 or (len(parents) > 1 and drawn < 0.6) else draft.chance.choice([1, 1, 1, 2, 2, 3, 4])
    )
    only_rows = draft.rows and draft.revisions and draft.chance.random() < 0.35
    for number in range(wanted):
        first = not draft.revisions and not ops
        for _ in range(12):
            found = _tried(draft, image, barred, f"{name[1:]}{number}", first=first, only_rows=bool(only_rows))
            if found is not None:
                op, image = found
                ops.append(op)
                for table in op.touches:
                    draft.touched.setdefault(table, []).append(name)
                break
    revision = Revision(name, parents, tuple(ops))
    draft.revisions.append(revision)
    draft.images[before | {name}] = _filled(image)


def _image(draft: _Draft, position: frozenset[str]) -> bytes:
    """A database with rows at a position; of a merge it is made anew, in the chain's order."""
    if position not in draft.images:
        with opened(b"") as raw:
            for revision in draft.revisions:
                if revision.id in position:
                    run_alone(revision, raw)
                    fill(raw, Keys(10_000 * len(position)))
            draft.images[position] = raw.serialize()
    return draft.images[position]


def _filled(image: bytes) -> bytes:
    with opened(image) as raw:
        largest = max((row[0] for row in raw.execute("SELECT count(*) FROM sqlite_master")), default=0)
        fill(raw, Keys(2_000 + 1_000 * largest))
        return raw.serialize() if image else image


def _tried(
    draft: _Draft, image: bytes, barred: frozenset[str], mark: str, *, first: bool, only_rows: bool
) -> tuple[Op, bytes] | None:
    """A random step and the database after it; None where it does not run there."""
    steps = [*STEPS, *ROW_STEPS] if draft.rows else [*STEPS]
    if only_rows:
        steps = [*ROW_STEPS]
    chosen = draft.chance.choices([step for step, _ in steps], weights=[weight for _, weight in steps])[0]
    with opened(image) as raw:
        try:
            scene = Scene(draft.chance, raw, barred, set(draft.touched), mark)
            if draft.chance.random() < 0.3:
                scene.names_taken = set(barred)  # a name that was there once may come again
            op = (create_table if first else chosen)(scene)
            if op.touches & barred:
                return None
            run_alone(Revision("tried", (), (op,)), raw)
        except REFUSALS:
            return None
        return op, raw.serialize()
