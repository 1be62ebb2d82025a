"""The smallest case that still has a finding: damage, statements and revisions are left out one after another."""

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

    from truth.chain import Chain, Revision
    from truth.histories import History
    from truth.trial import Asked

Small = tuple["Chain", "History"]


def shrunk(asked: Asked, kind: str) -> Tried:
    """Try smaller and smaller cases, and answer what came of the smallest, which is kept if that is asked for."""
    with workshop() as folder:
        chain = chain_of(asked)
        truth = truth_of(_emptied(folder), chain, asked.name)
        assert truth is not None, "plain Alembic cannot run this chain"
        chance = random.Random(f"{asked.name}:{asked.databases[0]}")
        smallest: Small = (chain, drawn(truth, chance, asked.history).history)
        quiet = replace(asked, keep="")
        growing = True
        while growing:
            growing = False
            for smaller in _smaller(*smallest):
                if kind in _kinds(folder, smaller, quiet):
                    smallest, growing = smaller, True
                    break
        return _tried(folder, smallest, asked) or Tried()


def _kinds(folder: Path, small: Small, asked: Asked) -> set[str]:
    result = _tried(folder, small, asked)
    return {it.finding.kind for it in result.found} if result else set()


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


def _smaller(chain: Chain, history: History) -> Iterator[Small]:
    """The newest revision is left out first: what is not there yet matters least."""
    for number in range(len(history.damages)):
        damages = history.damages[:number] + history.damages[number + 1 :]
        yield chain, replace(history, damages=damages)
    for revision in reversed(chain.revisions):
        if len(chain.revisions) > 1:
            yield from _without(chain, history, revision)
        for number in range(len(revision.ops) if len(revision.ops) > 1 else 0):
            fewer = replace(revision, ops=revision.ops[:number] + revision.ops[number + 1 :])
            revisions = tuple(fewer if it is revision else it for it in chain.revisions)
            yield replace(chain, revisions=revisions), history
    if history.half > 1:
        yield chain, replace(history, half=history.half - 1)


def _without(chain: Chain, history: History, gone: Revision) -> Iterator[Small]:
    """The chain without a revision; its children come after its parents. Whether it had run is tried both ways."""
    revisions = tuple(
        replace(it, parents=_parents(it, gone)) if gone.id in it.parents else it
        for it in chain.revisions
        if it is not gone
    )
    for done in {history.done, history.done - 1}:
        if 0 <= done <= len(revisions):
            yield replace(chain, revisions=revisions), replace(history, done=done)


def _parents(child: Revision, gone: Revision) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(it for it in child.parents if it != gone.id), *gone.parents]))
