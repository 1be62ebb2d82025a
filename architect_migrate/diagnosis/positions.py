"""Where on its chain a database can be: hypotheses about its position, each tested against the whole schema.

A position is a set of revisions closed under ancestry. It *fits* a database when, for everything that some revision of
the chain ever makes, the two schemas differ in nothing that matters: what the position has is there, and what only a
revision outside it makes is not. What no revision makes, cosmetic differences, and what a [[resolve]] entry allows
are no differences here. A fit with *leftovers* has something that the position once had and took back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.diagnosis.resolutions import keeper
from architect_migrate.model.compare import compare
from architect_migrate.model.diff import (
    Differs,
    Extra,
    Missing,
    OtherwiseNamed,
    Reordered,
    change_key,
    diff_of_facts,
    is_equivalent,
    matters,
)
from architect_migrate.model.facts import (
    Fact,
    IndexFact,
    ObjectFact,
    TriggerFact,
    UniqueFact,
    ViewFact,
    facts,
    table_of,
)
from architect_migrate.model.history import dropped_tables, effects, facts_at, reference
from architect_migrate.model.shuffles import disguised

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from architect_migrate.model.diff import Change
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.history import History
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.model.schema import Key, Schema

# Positions that are tested whole. Fits are few: more of them means a chain of which next to nothing can be seen.
_MOST = 256


@dataclass(frozen=True, slots=True)
class Database:
    """What is compared with positions: the schema, its facts by key, and the entries that settle differences.

    `unique` are its indexes and uniquenesses, which can do the work of one that the chain calls by another name.
    """

    schema: Schema
    found: Mapping[Key, Fact]
    unique: tuple[IndexFact | UniqueFact, ...]
    resolutions: tuple[Resolution, ...] = ()


def database_of(schema: Schema, resolutions: tuple[Resolution, ...] = ()) -> Database:
    """A schema as it is compared with positions."""
    found = facts(schema)
    unique = tuple(one for one in found.values() if isinstance(one, IndexFact | UniqueFact))
    return Database(schema, found, unique, resolutions)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A database held against one position.

    `lacking` are the differences that matter in what the position has, `lost` the indexes and triggers of it that are
    simply not there, `beyond` what is there and only revisions outside the position make, `leftovers` what the position
    once had and took back. `cosmetic` counts the rest.
    """

    position: frozenset[str]
    lacking: tuple[Change, ...] = ()
    lost: tuple[Change, ...] = ()
    beyond: tuple[Fact, ...] = ()
    leftovers: tuple[Fact, ...] = ()
    cosmetic: int = 0

    @property
    def fits(self) -> bool:
        """Whether the database can be at this position, an index or trigger lost or not."""
        return not self.lacking and not self.beyond

    @property
    def rank(self) -> tuple[int, int]:
        """What a better fit has less of: things that are lost or left over first, then cosmetic differences."""
        return len(self.lost) + len(self.leftovers), self.cosmetic


class _Touch(NamedTuple):
    """What one revision does to one fact: makes `added` of it, or takes it away, perhaps with its table."""

    revision: str
    added: Fact | None


def held_against(history: History, position: frozenset[str], database: Database) -> Comparison:
    """Compare a database with the chain's schema at a position."""
    expected = reference(history, position), facts_at(history, position)
    lacking: list[Change] = []
    lost: list[Change] = []
    beyond: list[Fact] = []
    leftovers: list[Fact] = []
    cosmetic = 0
    for change in diff_of_facts(expected, (database.schema, database.found)):
        match change:
            case OtherwiseNamed() | Reordered():
                cosmetic += 1
            case Extra(fact=fact):
                # An entry that keeps a thing says nothing of where it came from: it stays evidence of its revision.
                touches = _touches(history).get(change_key(change), ())
                if any(touch.added and touch.revision in position for touch in touches):
                    leftovers += [] if keeper(change, database.resolutions) else [fact]
                elif touches:
                    beyond.append(fact)
            case Missing() | Differs() if not matters(change) or keeper(change, database.resolutions):
                cosmetic += 1
            case Missing():
                (lost if is_easily_lost(change.fact) else lacking).append(change)
            case Differs(actual=actual):
                lacking.append(change)
                if _shape_of_others(position, actual, _touches(history).get(change_key(change), ())):
                    beyond.append(actual)
    return Comparison(position, tuple(lacking), tuple(lost), tuple(beyond), tuple(leftovers), cosmetic)


def is_easily_lost(fact: Fact) -> bool:
    """Whether a thing is dropped by hand, or forgotten when a table is copied, and no row goes with it."""
    return isinstance(fact, IndexFact | TriggerFact | ViewFact | ObjectFact)


def only_easily_lost(things: Collection[Fact]) -> bool:
    """Whether there are things, and each is easily lost: then they say little of what became of rows."""
    return bool(things) and all(map(is_easily_lost, things))


def _shape_of_others(position: frozenset[str], actual: Fact, touches: Iterable[_Touch]) -> bool:
    """Whether a fact has a shape that a revision outside the position gives it, and no revision inside."""
    shapes = [(touch.revision in position, touch.added) for touch in touches if touch.added]
    alike = {inside for inside, shape in shapes if not _serious(shape, actual)}
    return alike == {False}


def fitting(
    history: History, database: Database, allows: Callable[[frozenset[str]], bool] | None = None
) -> tuple[Comparison, ...]:
    """Every position that fits best, smallest first; none where no position fits.

    Those that `allows` refuses do not count.
    """
    candidates = (position for position in _candidates(history, database) if allows is None or allows(position))
    fits = [comparison for comparison in _compared(history, database, candidates) if comparison.fits]
    if not fits:
        return ()
    best = min(fit.rank for fit in fits)
    return tuple(sorted((fit for fit in fits if fit.rank == best), key=lambda comparison: len(comparison.position)))


def _compared(history: History, database: Database, positions: Iterable[frozenset[str]]) -> Iterator[Comparison]:
    """Each position compared; those that differ by revisions without effects alone are compared once."""
    effective = frozenset(revision for revision, effect in effects(history).items() if effect.added or effect.removed)
    # These change no fact, but the order of columns, which is a cosmetic difference.
    effective |= disguised(history)
    known: dict[frozenset[str], Comparison] = {}
    for position in positions:
        signature = position & effective
        if signature not in known:
            known[signature] = held_against(history, position, database)
        its = known[signature]
        yield replace(its, position=position)


def borne_out(history: History, position: frozenset[str], revision: str, found: Mapping[Key, Fact]) -> bool:
    """Whether something is there that only this revision leaves at a position.

    A revision of which nothing speaks for or against it, because it leaves nothing or what earlier ones made too, is
    supported by its nearest ancestors of which something does. Where there are none, nothing speaks against it.
    """
    parents = {each.id: each.parents for each in history.graph.revisions}
    waiting, seen = [revision], set()
    while waiting:
        current = waiting.pop()
        if current in seen or current not in parents:
            continue
        seen.add(current)
        surviving = surviving_effects(history, position).get(current, {})
        said = {
            _speaks(fact, found.get(its_key), _earlier(history, position, current, its_key))
            for its_key, fact in surviving.items()
        }
        if True in said:
            continue
        if False in said:
            return False
        waiting.extend(parents[current])
    return True


def _earlier(history: History, position: frozenset[str], revision: str, its_key: Key) -> tuple[Fact, ...]:
    """The shapes that revisions of a position give a thing before this one does."""
    touches = _touches(history).get(its_key, ())
    before = takewhile(lambda touch: touch.revision != revision, touches)
    return tuple(touch.added for touch in before if touch.added and touch.revision in position)


def _speaks(fact: Fact, there: Fact | None, earlier: tuple[Fact, ...]) -> bool | None:
    """Whether what is there speaks for a revision that leaves `fact`, or against it; None where it does neither.

    Where an earlier revision made the same thing, only a shape that the earlier ones did not give it speaks for it.
    """
    if there is None or _serious(fact, there):
        return False
    if all(_serious(shape, there) for shape in earlier):
        return True
    as_before = not all(compare(shape, there) for shape in earlier)
    if compare(fact, there):
        return False if as_before else None
    return None if as_before else True


@lru_cache(maxsize=64)
def surviving_effects(history: History, position: frozenset[str]) -> dict[str, dict[Key, Fact]]:
    """What each revision of a position made, in the shape that it still has there."""
    made_by: dict[Key, str] = {}
    for revision, effect in effects(history).items():
        if revision in position:
            made_by.update(dict.fromkeys(effect.added, revision))
    found: dict[str, dict[Key, Fact]] = {}
    for its_key, fact in facts_at(history, position).items():
        found.setdefault(made_by[its_key], {})[its_key] = fact
    return found


def _is_of(touch: _Touch, tables: frozenset[str]) -> bool:
    return touch.added is not None and table_of(touch.added) in tables


@lru_cache(maxsize=8)
def _touches(history: History) -> dict[Key, tuple[_Touch, ...]]:
    """For everything that the chain ever makes, what its revisions do to it, in replay order."""
    found: dict[Key, list[_Touch]] = {}
    for revision, effect in effects(history).items():
        gone = dropped_tables(effect)
        beside = {
            k for k, touches in found.items() if gone and any(t.added and table_of(t.added) in gone for t in touches)
        }
        for its_key in effect.added.keys() | effect.removed.keys() | beside:
            found.setdefault(its_key, []).append(_Touch(revision, effect.added.get(its_key)))
    return {its_key: tuple(touches) for its_key, touches in found.items()}


class _Line(NamedTuple):
    """Revisions between two forks or merges; `keys` are the facts that no later line changes."""

    revisions: tuple[str, ...]
    parents: tuple[str, ...]
    keys: tuple[Key, ...]


@lru_cache(maxsize=8)
def _lines(history: History) -> tuple[_Line, ...]:
    """The chain cut at its forks and merges, parents before children."""
    cut, line_of = _cut(history.graph)
    last: dict[Key, int] = {}
    for its_key, touches in _touches(history).items():
        last[its_key] = max(line_of[touch.revision] for touch in touches)
    parents = {
        revision.id: tuple(one for one in revision.parents if one in line_of) for revision in history.graph.revisions
    }
    keys: dict[int, list[Key]] = {}
    for its_key, number in last.items():
        keys.setdefault(number, []).append(its_key)
    return tuple(_Line(tuple(one), parents[one[0]], tuple(keys.get(at, ()))) for at, one in enumerate(cut))


def _cut(graph: RevisionGraph) -> tuple[list[list[str]], dict[str, int]]:
    """The lines as lists of revisions, and the number of each revision's line."""
    known = set(graph.order)
    children = Counter(parent for revision in graph.revisions for parent in revision.parents)
    lines: list[list[str]] = []
    line_of: dict[str, int] = {}
    for each in graph.revisions:
        parents = [one for one in each.parents if one in known]
        if len(parents) == 1 and children[parents[0]] == 1:
            line_of[each.id] = line_of[parents[0]]
            lines[line_of[each.id]].append(each.id)
        else:
            line_of[each.id] = len(lines)
            lines.append([each.id])
    return lines, line_of


def _candidates(history: History, database: Database) -> Iterator[frozenset[str]]:
    """The positions that nothing which can be judged line by line speaks against.

    Lines are decided one after another. A fact is judged at the last line that changes it, when its expected shape is
    known, so that a line keeps few candidates and the product of all lines stays small.
    """
    lines = _lines(history)
    reached: list[frozenset[str]] = [frozenset()]
    for line in lines:
        reached = [
            position | frozenset(line.revisions[:length])
            for position in reached
            for length in _lengths(history, line, position, database)
        ][:_MOST]
    yield from reached


def _lengths(history: History, line: _Line, position: frozenset[str], database: Database) -> list[int]:
    """How many revisions of a line a database can have, at a position of the lines before it."""
    longest = len(line.revisions) if position.issuperset(line.parents) else 0
    against = [0] * (longest + 2)
    place = {revision: at for at, revision in enumerate(line.revisions[:longest])}
    for its_key in line.keys:
        touches = _touches(history)[its_key]
        starts = [0, *(place[touch.revision] + 1 for touch in touches if touch.revision in place)]
        for start, end in zip(starts, [*starts[1:], longest + 1], strict=True):
            there = position | frozenset(line.revisions[:start]) if start else position
            if _contradicts(its_key, touches, there, database):
                against[start] += 1
                against[end] -= 1
    found, total = [], 0
    for length in range(longest + 1):
        total += against[length]
        if total == 0:
            found.append(length)
    return found


def _contradicts(its_key: Key, touches: tuple[_Touch, ...], position: frozenset[str], database: Database) -> bool:
    """Whether one fact speaks against a position. It lets pass what only a whole comparison can judge."""
    expected: Fact | None = None
    once = False
    for touch in touches:
        if touch.revision in position:
            once = once or touch.added is not None
            expected = touch.added
    actual = database.found.get(its_key)
    if expected is None:
        return actual is not None and not once
    if actual is None and is_easily_lost(expected):
        return False
    if actual is None:
        stand_in = isinstance(expected, IndexFact | UniqueFact) and any(
            is_equivalent(expected, other, database.found) for other in database.unique
        )
        missing = Missing(expected)
        return matters(missing) and not stand_in and not keeper(missing, database.resolutions)
    differences = compare(expected, actual)
    change = Differs(expected, actual, differences)
    return bool(differences) and matters(change) and not keeper(change, database.resolutions)


def _serious(expected: Fact, actual: Fact) -> bool:
    differences = compare(expected, actual)
    return bool(differences) and matters(Differs(expected, actual, differences))
