"""History by replay: the chain is run once, in a process of its own, and what it did is remembered."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.chain_errors import ReplayError
from architect_migrate.model.revision_graph import Outline, Revision
from architect_migrate.revisions.files import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.model.history import History, Replayed


@dataclass(frozen=True, slots=True)
class Source:
    """A chain as its files were at one moment: `script` is its alembic.ini, `cache` where replays are remembered.

    Of the branches that are `reserved` for some environments, those `excluded` are not in it (see `branches`).
    """

    script: Path
    cache: Path | None
    fingerprint: str
    reserved: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def whole(self) -> Source:
        """The same chain with all its branches."""
        return replace(self, reserved=(), excluded=())


def source_of(script: Path, cache: Path | None) -> Source:
    """The chain as its files are now. Raises ChainError."""
    return Source(script, cache, fingerprint(script))


def is_remembered(source: Source) -> bool:
    """Whether the chain was replayed before, so that nothing has to be run to learn what it does."""
    if source.cache is None:
        return False
    return all((source.cache / f"{source.fingerprint}.{part}.json").is_file() for part in ("outline", "steps"))


@lru_cache(maxsize=64)
def foreign_at(source: Source) -> frozenset[str]:
    """The revisions that are not in it."""
    from architect_migrate.model.branches import foreign

    return foreign(outline_at(source.whole), source.reserved, source.excluded) if source.excluded else frozenset()


@lru_cache(maxsize=16)
def outline_at(source: Source) -> Outline:
    """The chain in outline; replays it unless that was done before. Raises as `history_at`."""
    if source.excluded:
        from architect_migrate.model.branches import outline_without

        return outline_without(outline_at(source.whole), foreign_at(source))
    found = recall(source, "outline")
    if found is None:
        return history_at(source).outline
    outline: Outline = codec.load(found, (Outline, Revision))
    return outline


@lru_cache(maxsize=16)
def history_at(source: Source) -> History:
    """The chain and what each of its revisions does. Raises ChainError, ReplayError."""
    if source.excluded:
        from architect_migrate.model.branches import history_without

        return history_without(history_at(source.whole), foreign_at(source))
    outline, steps = recall(source, "outline"), recall(source, "steps")
    if outline is None or steps is None:
        outline, steps = _replay(source.script)
        remember(source, {"outline": outline, "steps": steps})
    return _history(outline, steps)


def _history(outline: str, steps: str) -> History:
    """A history from its parts as JSON."""
    from architect_migrate.model import history, schema

    classes = (history.Replayed, history.ReplayedStatement, history.Passing, history.Delta, *schema.CLASSES)
    return history.History(codec.load(outline, (Outline, Revision)), codec.load(steps, classes))


def history_of(script: Path, cache: Path | None) -> History:
    """The chain of an alembic.ini, as it is now, and what each of its revisions does."""
    return history_at(source_of(script, cache))


def replay_draft(script: Path, draft: Path) -> tuple[History, Replayed]:
    """The chain with the revision of a folder `draft`, and what taking that one back did. Raises as `history_at`."""
    from architect_migrate.model.history import History

    found = _history(*_replay(script, str(draft)))
    *replayed, back = found.replayed
    return History(found.outline, tuple(replayed)), back


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Where replays are remembered: ARCHMIG_CACHE, else the user's cache folder; None where there is no home."""
    if named := environ.get("ARCHMIG_CACHE"):
        return Path(named)
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base) / "archmig"
    return Path(environ["HOME"]) / ".cache" / "archmig" if environ.get("HOME") else None


def _replay(ini: Path, *draft: str) -> tuple[str, str]:
    """Outline and steps as JSON, from a process that can reach nothing but its scratch folder."""
    import tempfile

    from architect_migrate.revisions.sandbox import run_confined

    with tempfile.TemporaryDirectory(prefix="archmig-replay-") as name:
        folder = Path(name)
        done = run_confined("revisions.replay_process", ini, folder, str(ini), str(folder), *draft)
        if (folder / "failed").exists():
            revision, _, cause = (folder / "failed").read_text(encoding="utf-8").partition("\n")
            raise ReplayError(str(ini), revision, cause)
        if done.returncode or not (folder / "steps").exists():
            raise ReplayError(str(ini), "", " ".join(done.stderr.split())[-500:] or f"exit code {done.returncode}")
        return (folder / "outline").read_text(encoding="utf-8"), (folder / "steps").read_text(encoding="utf-8")


def recall(source: Source, part: str) -> str | None:
    """What was remembered of the chain as its files are; None where nothing was."""
    if source.cache is None:
        return None
    try:
        return (source.cache / f"{source.fingerprint}.{part}.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def remember(source: Source, parts: Mapping[str, str]) -> None:
    """Remember what was learnt by running the chain; a cache that cannot be written costs time, never a run."""
    if source.cache is None:
        return
    try:
        source.cache.mkdir(parents=True, exist_ok=True)
        for part, text in parts.items():
            draft = source.cache / f".{source.fingerprint}.{part}.{os.getpid()}"
            draft.write_text(text, encoding="utf-8")
            draft.replace(source.cache / f"{source.fingerprint}.{part}.json")
    except OSError:
        return
