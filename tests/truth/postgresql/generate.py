"""Random chains for PostgreSQL: every step is tried on rows after those that it comes after, before it is written."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alembic.util import CommandError

from truth.chain import Chain, Revision
from truth.postgresql.cluster import EMPTY
from truth.postgresql.native import ERRORS, trying
from truth.postgresql.object_steps import OBJECT_STEPS
from truth.postgresql.project import ENVS
from truth.postgresql.row_steps import ROW_STEPS, Keys, fill
from truth.postgresql.scene import Scene
from truth.postgresql.steps import STEPS, create_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from truth.chain import Op
    from truth.postgresql.cluster import Cluster, Raw

# What a step that does not fit the schema at hand raises: then another one is tried.
REFUSALS = (LookupError, ValueError, *ERRORS, CommandError, NotImplementedError, StopIteration)
_TRIES = 12


@dataclass(slots=True)
class _Draft:
    """A chain while it grows; `images` are databases with rows by position."""

    chance: random.Random
    cluster: Cluster
    rows: bool
    revisions: list[Revision] = field(default_factory=list)
    images: dict[frozenset[str], str] = field(default_factory=lambda: {frozenset(): EMPTY})
    touched: dict[str, list[str]] = field(default_factory=dict)

    @property
    def chain(self) -> Chain:
        return Chain(tuple(self.revisions), ENVS[0])


def generated(seed: str, cluster: Cluster, *, rows: bool) -> Chain:
    """A chain of three to twelve revisions."""
    chance = random.Random(seed)
    draft = _Draft(chance, cluster, rows)
    branched = chance.random() < 0.35
    for _ in range(chance.randint(3, 12)):
        _add(draft, _parents(draft, branched=branched))
    if len(draft.chain.heads) > 1 and chance.random() < 0.6:
        _add(draft, draft.chain.heads, empty=chance.random() < 0.7)
    for name in draft.images.values():
        cluster.drop(name)
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
    """Add a revision; none where the branches that it would merge do not run one after another."""
    name = f"r{len(draft.revisions) + 1:02}"
    before = draft.chain.closure(parents)
    try:
        image = _image(draft, before)
    except REFUSALS:
        return
    work = draft.cluster.copy(image, f"draft_{name}")
    with draft.cluster.opened(work) as raw, trying(raw) as run:
        ops = _ops(draft, raw, run, before, name, 0 if empty else _wanted(draft, parents))
        raw.execute("SET CONSTRAINTS ALL IMMEDIATE")
        fill(raw, Keys(2_000 + 1_000 * len(before)))
    draft.revisions.append(Revision(name, parents, tuple(ops)))
    draft.images[before | {name}] = work


def _wanted(draft: _Draft, parents: tuple[str, ...]) -> int:
    """How many steps a revision has."""
    drawn = draft.chance.random()
    if drawn < 0.06 or (len(parents) > 1 and drawn < 0.6):
        return 0
    return draft.chance.choice([1, 1, 1, 2, 2, 3, 4])


def _ops(
    draft: _Draft, raw: Raw, run: Callable[[Op], list[str]], before: frozenset[str], name: str, wanted: int
) -> list[Op]:
    barred = frozenset(thing for thing, by in draft.touched.items() if not before.issuperset(by))
    only_rows = bool(draft.rows and draft.revisions and draft.chance.random() < 0.35)
    ops: list[Op] = []
    for number in range(wanted):
        scene = Scene(draft.chance, raw, barred, set(draft.touched), f"{name[1:]}{number}")
        if draft.chance.random() < 0.3:
            scene.names_taken = set(barred)  # a name that was there once may come again
        first = not draft.revisions and not ops
        for _ in range(_TRIES):
            step = create_table if first else _chosen(draft, only_rows=only_rows)
            try:
                with raw.transaction():
                    op = step(scene)
                    if op.touches & barred:
                        raise LookupError
                    run(op)
            except REFUSALS:
                continue
            ops.append(op)
            for thing in op.touches:
                draft.touched.setdefault(thing, []).append(name)
            break
    return ops


def _chosen(draft: _Draft, *, only_rows: bool) -> Callable[[Scene], Op]:
    steps = [*ROW_STEPS] if only_rows else [*STEPS, *OBJECT_STEPS, *(ROW_STEPS if draft.rows else ())]
    return draft.chance.choices([step for step, _ in steps], weights=[weight for _, weight in steps])[0]


def _image(draft: _Draft, position: frozenset[str]) -> str:
    """A database with rows at a position; of a merge it is made anew, in the chain's order."""
    if position not in draft.images:
        name = draft.cluster.copy(EMPTY, f"draft_{'_'.join(sorted(position)[-3:])}_{len(position)}")
        with draft.cluster.opened(name) as raw, trying(raw) as run:
            for revision in draft.revisions:
                if revision.id in position:
                    for op in revision.ops:
                        run(op)
                    fill(raw, Keys(10_000 * len(position)))
        draft.images[position] = name
    return draft.images[position]
