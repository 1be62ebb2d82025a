"""The smallest case that still has a finding: damage, revisions and their statements are left out one after another."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from truth.histories import case_of, drawn
from truth.trial import Tried, chain_of, tried, truth_of, workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truth.chain import Chain, Op, Revision
    from truth.histories import History
    from truth.stamps import Damage
    from truth.trial import Asked

    Small = tuple[Chain, History]
    # What is left out: one thing that went wrong, some revisions, or one statement of a revision.
    Cut = Damage | tuple[str, ...] | tuple[str, Op]

_AT_ONCE = (4, 2, 1)


def shrunk(asked: Asked, kind: str) -> Tried:
    """Leave out what the finding does not need, and answer what came of the rest; `asked.keep` keeps that."""
    with workshop() as folder:
        chain = chain_of(asked)
        truth = truth_of(_emptied(folder), chain, asked.name)
        assert truth is not None, "plain Alembic cannot run this chain"
        chance = random.Random(f"{asked.name}:{asked.databases[0]}")
        smallest: Small = (chain, drawn(truth, chance, asked.history).history)
        quiet = replace(asked, keep="")
        for cut in _cuts(*smallest):
            wanted = (smaller for smaller in _without(*smallest, cut) if kind in _kinds(folder, smaller, quiet))
            smallest = next(wanted, smallest)
        return _tried(folder, smallest, asked) or Tried()


def _cuts(chain: Chain, history: History) -> Iterator[Cut]:
    """The newest revisions first: what has not run yet matters least."""
    yield from history.damages
    names = chain.ids[::-1]
    for size in _AT_ONCE:
        for start in range(0, len(names), size):
            yield names[start : start + size]
    for revision in reversed(chain.revisions):
        for op in reversed(revision.ops):
            yield revision.id, op


def _without(chain: Chain, history: History, cut: Cut) -> Iterator[Small]:
    """Smaller cases; where revisions go, both that they had run and that they had not."""
    match cut:
        case (str(name), op) if not isinstance(op, str):
            yield _without_op(chain, name, op), history
        case tuple():
            names = {str(name) for name in cut}
            smaller = chain
            for revision in [each for each in chain.revisions if each.id in names]:
                smaller = _without_revision(smaller, revision.id)
            gone = len(chain.revisions) - len(smaller.revisions)
            if gone and smaller.revisions:
                yield from (
                    (smaller, replace(history, done=done))
                    for done in sorted({history.done, history.done - gone}, reverse=True)
                    if 0 <= done <= len(smaller.revisions)
                )
        case _:
            yield chain, replace(history, damages=tuple(damage for damage in history.damages if damage is not cut))


def _without_op(chain: Chain, name: str, op: Op) -> Chain:
    return replace(
        chain,
        revisions=tuple(
            replace(revision, ops=tuple(other for other in revision.ops if other is not op))
            if revision.id == name
            else revision
            for revision in chain.revisions
        ),
    )


def _without_revision(chain: Chain, name: str) -> Chain:
    """The chain without a revision; its children come after its parents."""
    gone = next(revision for revision in chain.revisions if revision.id == name)
    rest = (revision for revision in chain.revisions if revision is not gone)
    return replace(chain, revisions=tuple(replace(revision, parents=_parents(revision, gone)) for revision in rest))


def _parents(child: Revision, gone: Revision) -> tuple[str, ...]:
    if gone.id not in child.parents:
        return child.parents
    return tuple(dict.fromkeys([*(parent for parent in child.parents if parent != gone.id), *gone.parents]))


def _kinds(folder: Path, small: Small, asked: Asked) -> set[str]:
    result = _tried(folder, small, asked)
    return {one.finding.kind for one in result.found} if result else set()


def _tried(folder: Path, small: Small, asked: Asked) -> Tried | None:
    """None where that case cannot be built."""
    chain, history = small
    truth = truth_of(_emptied(folder), chain, asked.name)
    try:
        if truth is None or (history.half and history.half >= len(truth.half(history.life, history.done))):
            return None
        case = case_of(truth, history)
    except Exception:  # noqa: BLE001  (whatever plain Alembic raises of a chain that lacks something)
        return None
    return tried(truth, folder, {f"d{asked.databases[0]:03}": case}, asked)


def _emptied(folder: Path) -> Path:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return folder
