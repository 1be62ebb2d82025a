"""Random histories: a moment of a life under plain Alembic, and what goes wrong then."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from truth import damage
from truth.damage import GROUPS, Site
from truth.reader import VERSIONS, content, opened, texts
from truth.stamps import Damage

if TYPE_CHECKING:
    import random

    from truth.life import Truth
    from truth.reader import Content

# The first thing that goes wrong names the history in the table.
KINDS = {
    "as it was": 10,
    "interrupted": 12,
    "interrupted, stamp lost": 5,
    "stamp lost": 8,
    "stamp wrong": 10,
    "objects dropped": 12,
    "made by hand": 13,
    "application's own": 6,
    "names": 9,
    "shapes": 6,
    "on their way": 10,
    "models' create_all at head": 4,
    "taken back": 4,
}
_LIVES = 4


@dataclass(frozen=True, slots=True)
class History:
    """`done` revisions of a life's order have run, and `half` statements of the next one (0: none of it)."""

    kind: str
    life: int
    done: int
    half: int = 0
    damages: tuple[Damage, ...] = ()

    @property
    def cause(self) -> str:
        """What went wrong, in the words that findings are counted by."""
        half = ["interrupted"] * bool(self.half)
        causes = sorted({*half, *(each.kind for each in self.damages)} - {"application's own"})
        if len(causes) > 1:
            return "several"
        return causes[0] if causes else "application's own" if self.damages else "as it was"

    @property
    def words(self) -> str:
        return ", ".join(
            [*[f"{self.half} statements of the next revision"][: self.half], *(each.kind for each in self.damages)]
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A database to try: what it is, what it was before it was damaged, and what plain Alembic makes of that."""

    history: History
    image: bytes
    before: Content
    undamaged: Content
    twin: Content | None
    position: frozenset[str]

    @property
    def harmless(self) -> bool:
        """Whether nothing went wrong: a stamp that is true, and nothing but things of the application's own."""
        return not self.history.half and all(each.kind == "application's own" for each in self.history.damages)

    @property
    def lost(self) -> frozenset[str]:
        return frozenset(table for done in self.history.damages for table in done.lost)


def drawn(truth: Truth, chance: random.Random, kind: str = "") -> Case:
    """A random case (of a kind); histories that do not fit the chain are drawn again, and give way to plain ones."""
    for _ in range(60):
        wanted = kind or chance.choices(list(KINDS), weights=list(KINDS.values()))[0]
        number = chance.randrange(_LIVES)
        life = truth.life(number)
        done = chance.choice([len(life.order), chance.randint(1, len(life.order)), chance.randint(1, len(life.order))])
        try:
            history = _history(truth, History(wanted, number, done), chance)
            return case_of(truth, history)
        except (LookupError, sqlite3.Error):
            continue
    return case_of(truth, History("as it was", 0, len(truth.life(0).order)))


def case_of(truth: Truth, history: History) -> Case:
    """Build a history's database. Raises sqlite3.Error where a statement of its damage does not run."""
    with opened(_undamaged(truth, history)) as raw:
        undamaged = content(raw)
        for done in history.damages:
            damage.apply(raw, done.statements)
        image, before = raw.serialize(), content(raw)
    position = frozenset(truth.life(history.life).order[: history.done])
    return Case(history, image, before, undamaged, truth.twin(history.life, history.done), position)


def _undamaged(truth: Truth, history: History) -> bytes:
    if not history.half:
        return truth.life(history.life).images[history.done]
    return truth.half(history.life, history.done)[history.half - 1]


def _history(truth: Truth, history: History, chance: random.Random) -> History:
    groups: list[str] = []
    match history.kind:
        case "as it was":
            return history
        case "interrupted" | "interrupted, stamp lost":
            history = _interrupted(truth, history, chance)
            groups = ["stamp lost"] * (history.kind != "interrupted")
        case "models' create_all at head":
            return replace(history, done=len(truth.chain.ids), damages=(_models(truth),))
        case kind:
            groups = [kind]
    if chance.random() < 0.3:
        groups.append("application's own")
    while chance.random() < 0.25 and len(groups) < 4:
        groups.append(chance.choice(list(GROUPS)))
    for group in groups:
        history = _damaged(truth, history, group, chance)
    return history


def _interrupted(truth: Truth, history: History, chance: random.Random) -> History:
    """Without a transaction each statement stays; the last one of all is the stamp."""
    done = min(history.done, len(truth.chain.ids) - 1)
    try:
        statements = len(truth.half(history.life, done))
    except Exception as error:  # whatever the next revision raises on these rows
        raise LookupError from error
    if statements < 2:
        raise LookupError
    return replace(history, done=done, half=chance.randint(1, statements - 1))


def _damaged(truth: Truth, history: History, group: str, chance: random.Random) -> History:
    case = case_of(truth, history)
    with opened(case.image) as raw, opened(truth.head()) as head:
        site = Site(raw, head, truth.chain, case.position, chance, _triggers(truth, history))
        done = chance.choice(GROUPS[group])(site)
        damage.apply(raw, done.statements)
    return replace(history, damages=(*history.damages, done))


def _triggers(truth: Truth, history: History) -> dict[str, str]:
    """Every trigger that a life has had up to a moment."""
    found: dict[str, str] = {}
    for image in truth.life(history.life).images[1 : history.done + 1]:
        with opened(image) as raw:
            found |= texts(raw, "trigger")
    return found


def _models(truth: Truth) -> Damage:
    """Tables and indexes of the heads and nothing else: no trigger, no view, no stamp."""
    with opened(truth.head()) as head:
        gone = [f'DROP {kind} "{name}"' for kind in ("trigger", "view") for name in texts(head, kind)]
    return Damage("models' create_all at head", (*gone, f"DROP TABLE {VERSIONS}"))
