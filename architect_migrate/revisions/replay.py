"""Replay of a chain: runs it once in a process of its own and caches its history."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.chain_errors import ReplayError
from architect_migrate.model.names import Names
from architect_migrate.model.revision_graph import Revision, RevisionGraph
from architect_migrate.revisions.files import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.model.history import History, Replayed


@dataclass(frozen=True)
class Source:
    """A chain as its files were at one moment; `script` is its alembic.ini, `cache` the folder of cached replays.

    Of the branches `reserved` for some environments, those in `excluded` are left out (see `model.branches`).
    Why `source_of`, `without` and unpickling return one shared object for the same files: the graph and the history
    are cached in it, and all environments must use them.
    """

    script: Path
    cache: Path | None
    fingerprint: str
    reserved: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the fields alone; the receiving process reads the chain from the cache, once."""
        return _shared, (self.script, self.cache, self.fingerprint, self.reserved, self.excluded)

    @property
    def whole(self) -> Source:
        """The same chain with all of its branches."""
        return _shared(self.script, self.cache, self.fingerprint, (), ())

    def without(self, excluded: tuple[str, ...], reserved: tuple[str, ...]) -> Source:
        """Return the same chain without the branches `excluded` of those `reserved`."""
        return _shared(self.script, self.cache, self.fingerprint, reserved, excluded)

    @cached_property
    def foreign(self) -> frozenset[str]:
        """The revisions that are left out."""
        from architect_migrate.model.branches import foreign

        return foreign(self.whole.graph, self.reserved, self.excluded) if self.excluded else frozenset()

    @cached_property
    def graph(self) -> RevisionGraph:
        """The revision graph; replays the chain unless that is cached. Raises as `history`."""
        if self.excluded:
            from architect_migrate.model.branches import graph_without

            return graph_without(self.whole.graph, self.foreign)
        cached = recall(self, "outline")
        if cached is None:
            return self.history.graph
        graph: RevisionGraph = codec.load(cached, (RevisionGraph, Revision))
        return graph

    @cached_property
    def history(self) -> History:
        """The history of the chain; replays it unless that is cached. Raises ChainError, ReplayError."""
        if self.excluded:
            from architect_migrate.model.branches import history_without

            return history_without(self.whole.history, self.foreign)
        graph, steps = recall(self, "outline"), recall(self, "steps")
        if graph is None or steps is None:
            graph, steps, _ = _replay(self.script)
            remember(self, {"outline": graph, "steps": steps})
        return replace(history_from(graph, steps), again=partial(_replayed_with_rows, self.script))

    @cached_property
    def names(self) -> Names:
        """The names of all objects that revisions create, cached in a file of their own. Raises as `history`."""
        found = recall(self, "names")
        if found is not None:
            names: Names = codec.load(found, (Names,))
            return names
        from architect_migrate.model.history import names_ever

        names = names_ever(self.whole.history)
        remember(self, {"names": codec.dump(names)})
        return names


@lru_cache(maxsize=16)
def _shared(
    script: Path, cache: Path | None, fingerprint: str, reserved: tuple[str, ...], excluded: tuple[str, ...]
) -> Source:
    """Return the one source of these files in this process."""
    return Source(script, cache, fingerprint, reserved, excluded)


def source_of(script: Path, cache: Path | None) -> Source:
    """Return the chain as its files are now. Raises ChainError."""
    return _shared(script, cache, fingerprint(script), (), ())


def is_remembered(source: Source) -> bool:
    """Return whether the replay of the chain is cached, so that none of its code has to run."""
    if source.cache is None:
        return False
    return all((source.cache / f"{source.fingerprint}.{part}.json").is_file() for part in ("outline", "steps"))


def history_from(graph: str, steps: str) -> History:
    """Build a history from its parts as JSON."""
    from architect_migrate.model import history, schema

    classes = (
        history.Replayed,
        history.ReplayedStatement,
        history.SeedRow,
        history.Passing,
        history.Rename,
        history.Move,
        history.Delta,
        *schema.CLASSES,
    )
    return history.History(codec.load(graph, (RevisionGraph, Revision)), codec.load(steps, classes))


def history_of(script: Path, cache: Path | None) -> History:
    """Return the history of an alembic.ini's chain as its files are now. Raises as `Source.history`."""
    return source_of(script, cache).history


def replay_draft(script: Path, draft: Path) -> tuple[History, Replayed]:
    """Replay the chain with the one revision in the folder `draft`; return the history and the draft's downgrade.

    Raises as `Source.history`.
    """
    from architect_migrate.model.history import History

    outline, _, rows = _replay(script, str(draft))
    history = history_from(outline, rows)
    *replayed, back = history.replayed
    return History(history.graph, tuple(replayed)), back


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder of cached replays: ARCHMIG_CACHE, else in the user's cache folder; None if neither is known."""
    if named := environ.get("ARCHMIG_CACHE"):
        return Path(named)
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base) / "archmig"
    return Path(environ["HOME"]) / ".cache" / "archmig" if environ.get("HOME") else None


def _replayed_with_rows(ini: Path) -> tuple[Replayed, ...]:
    """Replay the chain again, for the values of rows, which are not cached. Raises ReplayError."""
    graph, _, rows = _replay(ini)
    return history_from(graph, rows).replayed


def _replay(ini: Path, *draft: str) -> tuple[str, str, str]:
    """Replay the chain in a sandboxed process; return its outline, its steps, and these with rows, as JSON.

    Raises ReplayError.
    """
    import tempfile

    from architect_migrate.revisions.sandbox import run_sandboxed

    with tempfile.TemporaryDirectory(prefix="archmig-replay-") as name:
        folder = Path(name)
        done = run_sandboxed("revisions.replay_process", ini, folder, str(ini), str(folder), *draft)
        if (folder / "failed").exists():
            revision, _, cause = (folder / "failed").read_text(encoding="utf-8").partition("\n")
            raise ReplayError(str(ini), revision, cause)
        if done.returncode or not (folder / "rows").exists():
            raise ReplayError(str(ini), "", " ".join(done.stderr.split())[-500:] or f"exit code {done.returncode}")
        outline, steps, rows = ((folder / part).read_text(encoding="utf-8") for part in ("outline", "steps", "rows"))
        return outline, steps, rows


def recall(source: Source, part: str) -> str | None:
    """Return a cached part of the chain's replay; None if it is not cached."""
    if source.cache is None:
        return None
    try:
        return (source.cache / f"{source.fingerprint}.{part}.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def remember(source: Source, parts: Mapping[str, str]) -> None:
    """Cache parts of the chain's replay.

    Why errors are ignored: without the cache the chain is replayed again, which costs time only.
    """
    if source.cache is None:
        return
    try:
        source.cache.mkdir(parents=True, exist_ok=True)
        for part, text in parts.items():
            # Why a draft and a rename: another process may read the cache now, and must not see half a file.
            draft = source.cache / f".{source.fingerprint}.{part}.{os.getpid()}"
            # Why only the user may read it: statements of the chain are in it, and the rows that they insert.
            draft.touch(mode=0o600)
            draft.write_text(text, encoding="utf-8")
            draft.replace(source.cache / f"{source.fingerprint}.{part}.json")
    except OSError:
        return
