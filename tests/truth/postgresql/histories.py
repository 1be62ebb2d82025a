"""Random histories of PostgreSQL databases: a moment of a life under plain Alembic, and what goes wrong then."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from truth.postgresql.cluster import restored
from truth.postgresql.damage import GROUPS, OWN, Site
from truth.postgresql.facts import content
from truth.postgresql.generate import REFUSALS
from truth.postgresql.native import upgrade_until

if TYPE_CHECKING:
    import random

    from truth.postgresql.facts import Content
    from truth.postgresql.life import Truth
    from truth.stamps import Damage

# The first thing that goes wrong names the history in the table.
KINDS = {
    "as it was": 10,
    "dumped and restored": 3,
    "interrupted": 10,
    "interrupted, stamp lost": 4,
    "stamp lost": 8,
    "stamp wrong": 10,
    "objects dropped": 10,
    "made by hand": 10,
    OWN: 8,
    "names": 7,
    "shapes": 16,
    "acting": 4,
    "on their way": 3,
    "taken back": 4,
}
_LIVES = 3
_TRIES = 60
# What damage raises that does not fit the database.
MISFITS = (*REFUSALS, subprocess.CalledProcessError)


@dataclass(frozen=True, slots=True)
class History:
    """`done` revisions of a life's order have run, and `half` statements of the next one (0: none of it)."""

    kind: str
    life: int
    done: int
    half: int = 0
    is_restored: bool = False
    damages: tuple[Damage, ...] = ()

    @property
    def cause(self) -> str:
        """What went wrong, in the words that findings are counted by."""
        half = ["interrupted"] * bool(self.half)
        causes = sorted({*half, *(each.kind for each in self.damages)} - {OWN})
        if len(causes) > 1:
            return "several"
        return causes[0] if causes else OWN if self.damages else self.kind

    @property
    def words(self) -> str:
        half = [f"{self.half} statements of the next revision"] if self.half else []
        return ", ".join([*half, *(each.kind for each in self.damages)])


@dataclass(frozen=True, slots=True)
class Case:
    """A database to try: what it is, and what it was before it was damaged.

    `next` is the revision that was interrupted or comes next ('' at the heads). Of its statements on rows, `rows_ran`
    of `rows_of_it` ran.
    """

    history: History
    name: str
    before: Content
    undamaged: Content
    position: frozenset[str]
    next: str = ""
    rows_ran: int = 0
    rows_of_it: int = 0

    @property
    def harmless(self) -> bool:
        """Whether nothing went wrong: a stamp that is true, and nothing but things of the application's own."""
        return not self.history.half and all(each.kind == OWN for each in self.history.damages)


def drawn(truth: Truth, name: str, chance: random.Random, kind: str = "") -> Case:
    """A random case (of a kind); histories that do not fit the chain are drawn again, and give way to plain ones."""
    for _ in range(_TRIES):
        wanted = kind or chance.choices(list(KINDS), weights=list(KINDS.values()))[0]
        number = chance.randrange(_LIVES)
        most = len(truth.life(number).order)
        done = chance.choice([most, chance.randint(1, most), chance.randint(1, most)])
        try:
            return _case(truth, name, History(wanted, number, done), chance)
        except MISFITS:
            continue
    return _case(truth, name, History("as it was", 0, len(truth.life(0).order)), chance)


def _case(truth: Truth, name: str, history: History, chance: random.Random) -> Case:
    """Make a history's database. Raises what its damage raises where it does not fit."""
    groups = _groups(history.kind, chance)
    if history.kind.startswith("interrupted"):
        history = _interrupted(truth, history, chance)
    life, cluster = truth.life(history.life), truth.cluster
    cluster.copy(life.images[history.done], name)
    position = frozenset(life.order[: history.done])
    ran, of_it, following = 0, 0, ""
    if history.half:
        following = life.order[history.done]
        ran = len(upgrade_until(cluster, name, truth.script, following, history.half).of_rows)
        of_it = len(truth.next_run(history.life, history.done).of_rows)
    with cluster.opened(name) as raw:
        undamaged = content(raw) if history.half else truth.content_of(life.images[history.done])
        site = Site(raw, cluster, truth.chain, position, chance, life.images[1 : history.done + 1])
        for group in groups:
            history = replace(history, damages=(*history.damages, _damage(site, group)))
        before = content(raw) if history.damages else undamaged
    if history.kind == "dumped and restored" or chance.random() < 0.03:
        history = replace(history, is_restored=True)
        restored(cluster, name)
        with cluster.opened(name) as raw:
            before = content(raw)
    return Case(history, name, before, undamaged, position, following, ran, of_it)


def _damage(site: Site, group: str) -> Damage:
    damage = site.chance.choice(GROUPS[group])(site)
    for statement in damage.statements:
        site.raw.execute(statement)
    # What a new label is for can be used after the commit only.
    site.raw.commit()
    return damage


def _groups(kind: str, chance: random.Random) -> list[str]:
    groups: list[str] = []
    match kind:
        case "as it was" | "dumped and restored":
            return groups
        case "interrupted" | "interrupted, stamp lost":
            groups = ["stamp lost"] * (kind != "interrupted")
        case _:
            groups = [kind]
    if chance.random() < 0.3:
        groups.append(OWN)
    while chance.random() < 0.25 and len(groups) < 4:
        groups.append(chance.choice(list(GROUPS)))
    return groups


def _interrupted(truth: Truth, history: History, chance: random.Random) -> History:
    """Each statement that was committed stays; the last one of all is the stamp."""
    done = min(history.done, len(truth.chain.ids) - 1)
    statements = truth.next_run(history.life, done).statements
    if len(statements) < 2:
        raise LookupError
    return replace(history, done=done, half=chance.randint(1, len(statements) - 1))
