"""Replay of a chain: runs it once in a process of its own and caches its history."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core import codec
from architect_migrate.core.chain_errors import ReplayError, Want
from architect_migrate.core.secrets import mask
from architect_migrate.model.names import Names
from architect_migrate.model.revision_graph import Revision, RevisionGraph, with_replaced
from architect_migrate.revisions.files import refuse_unreadable, script_folder, seen_from_root
from architect_migrate.revisions.reads import REPLAY, cached_digest, digest_of, identity_of, reads_of, remember_reads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.history import History, Replayed


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay as JSON texts, and the digest of everything that it read."""

    digest: str
    graph: str
    steps: str


@dataclass(frozen=True)
class Source:
    """A chain as it was at one moment; `chain` is its configuration, `cache` the folder of cached replays.

    `known` is the digest under which its replay is cached, empty if none is, or if something changed that the replay
    read; `token` then tells this source from others. Of the branches `reserved` for some environments, those in
    `excluded` are left out (see `model.branches`).
    Why `source_of`, `without` and unpickling return one shared object for the same files: the graph and the history
    are cached in it, and all environments must use them.
    """

    chain: ChainConfig
    cache: Path
    known: str
    token: str = ""
    reserved: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the fields alone; the receiving process reads the chain from the cache, once."""
        return _shared, (self.chain, self.cache, self._cached_as, self.token, self.reserved, self.excluded)

    @property
    def whole(self) -> Source:
        """The same chain with all of its branches."""
        return _shared(self.chain, self.cache, self.known, self.token, (), ())

    def without(self, excluded: tuple[str, ...], reserved: tuple[str, ...]) -> Source:
        """Return the same chain without the branches `excluded` of those `reserved`."""
        return _shared(self.chain, self.cache, self.known, self.token, reserved, excluded)

    @cached_property
    def foreign(self) -> frozenset[str]:
        """The revisions that are left out."""
        from architect_migrate.model.branches import foreign

        return foreign(self.whole.graph, self.reserved, self.excluded) if self.excluded else frozenset()

    @property
    def fingerprint(self) -> str:
        """A digest of everything that the chain's history depends on. Raises as `history`."""
        return self.known or self.whole.replay.digest

    @property
    def _cached_as(self) -> str:
        """The digest under which the replay is cached by now; empty if it is not."""
        whole = self.whole
        return self.known or (whole.replay.digest if "replay" in vars(whole) else "")

    @cached_property
    def replay(self) -> Replay:
        """The replay of the whole chain, which runs the chain's code now."""
        return _replay_and_remember(self.chain, self.cache)

    @cached_property
    def graph(self) -> RevisionGraph:
        """The revision graph; replays the chain unless that is cached. Raises as `history`."""
        if self.excluded:
            from architect_migrate.model.branches import graph_without

            return graph_without(self.whole.graph, self.foreign)
        cached = recall(self, "outline")
        if cached is None:
            return self.history.graph
        return _graph_from(cached, self.chain)

    @cached_property
    def history(self) -> History:
        """The history of the chain; replays it unless that is cached. Raises ChainError, ReplayError."""
        if self.excluded:
            from architect_migrate.model.branches import history_without

            return history_without(self.whole.history, self.foreign)
        graph, steps = recall(self, "outline"), recall(self, "steps")
        if graph is None or steps is None:
            graph, steps = self.whole.replay.graph, self.whole.replay.steps
        return replace(history_from(graph, steps, self.chain), again=partial(_replayed_with_rows, self.chain))

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
def _shared(  # noqa: PLR0917  (the fields of a Source, in their order)
    chain: ChainConfig, cache: Path, known: str, token: str, reserved: tuple[str, ...], excluded: tuple[str, ...]
) -> Source:
    """Return the one source of these files in this process."""
    return Source(chain, cache, known, token, reserved, excluded)


def source_of(chain: ChainConfig, cache: Path | None) -> Source:
    """Return the chain as its files are now. Raises ChainError."""
    folder = cache or _folder_of_process()
    known = cached_digest(folder, identity_of(chain), REPLAY, os.environ)
    if not known:
        refuse_unreadable(script_folder(chain))
    # Why a token: until it is replayed, nothing says whether the chain is still that of another call.
    return _shared(chain, folder, known, "" if known else os.urandom(8).hex(), (), ())


@lru_cache(maxsize=1)
def _folder_of_process() -> Path:
    """Return a folder of cached replays for this process alone, where no other is known."""
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="archmig-cache-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def is_remembered(source: Source) -> bool:
    """Return whether the replay of the chain is cached, so that none of its code has to run."""
    return bool(source.known) and all(
        (source.cache / f"{source.known}.{part}.json").is_file() for part in ("outline", "steps")
    )


def _graph_from(text: str, chain: ChainConfig) -> RevisionGraph:
    """Build a revision graph from JSON, with what the chain's configuration adds to it."""
    graph: RevisionGraph = codec.load(text, (RevisionGraph, Revision))
    return with_replaced(graph, chain.replaces)


def history_from(graph: str, steps: str, chain: ChainConfig) -> History:
    """Build a history from its parts as JSON. Raises ChainError where the configuration names no revision."""
    from architect_migrate.databases.registry import details_of
    from architect_migrate.model import delta, history, schema, seed_rows, stops

    classes = (
        history.Replayed,
        history.ReplayedStatement,
        seed_rows.SeedRow,
        history.Passing,
        history.Rename,
        history.Move,
        delta.Delta,
        stops.Stop,
        stops.Origin,
        stops.Interim,
        *schema.CLASSES,
        *details_of(chain.kind),
    )
    return history.History(_graph_from(graph, chain), codec.load(steps, classes))


def history_of(chain: ChainConfig, cache: Path | None) -> History:
    """Return the history of a chain as its files are now. Raises as `Source.history`."""
    return source_of(chain, cache).history


def replay_draft(chain: ChainConfig, draft: Path) -> tuple[History, Replayed]:
    """Replay the chain with the one revision in the folder `draft`; return the history and the draft's downgrade.

    Raises as `Source.history`.
    """
    from architect_migrate.model.history import History

    done = _replay(chain, str(draft))
    history = history_from(done.outline, done.rows, chain)
    *replayed, back = history.replayed
    return History(history.graph, tuple(replayed)), back


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder of cached replays: ARCHMIG_CACHE, else in the user's cache folder; None if neither is known."""
    if named := environ.get("ARCHMIG_CACHE"):
        return Path(named)
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base) / "archmig"
    return Path(environ["HOME"]) / ".cache" / "archmig" if environ.get("HOME") else None


def _replayed_with_rows(chain: ChainConfig) -> tuple[Replayed, ...]:
    """Replay the chain again, for the values of rows, which are not cached. Raises ReplayError."""
    done = _replay(chain)
    return history_from(done.outline, done.rows, chain).replayed


class _Done(NamedTuple):
    """What a replay's process leaves, as JSON: the graph, the steps, these with the values of rows, what it read."""

    outline: str
    steps: str
    rows: str
    reads: str


def _replay(chain: ChainConfig, *draft: str) -> _Done:
    """Replay the chain in a sandboxed process.

    Raises ReplayError.
    """
    with replayed(chain, *draft) as folder:
        return _Done(*((folder / part).read_text(encoding="utf-8") for part in _Done._fields))


@contextmanager
def replayed(chain: ChainConfig, *arguments: str, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[Path]:
    """Replay the chain into a folder that is removed afterwards; `arguments` are those of `replay_process`.

    `more` are environment variables of its process.

    Raises ReplayError.
    """
    import tempfile

    from architect_migrate.databases.registry import scratch_on
    from architect_migrate.revisions.sandbox import run_sandboxed

    with (
        tempfile.TemporaryDirectory(prefix="archmig-replay-") as name,
        scratch_on(chain, cache_folder(os.environ)) as scratch,
    ):
        folder, ini = Path(name), str(chain.ini)
        # Why not as an argument: other users see those, and variables may hold passwords.
        (folder / "chain").write_text(codec.dump(chain.on_scratch(scratch)), encoding="utf-8")
        done = run_sandboxed("revisions.replay_process", chain.root, folder, str(folder), *arguments, more=more)
        if (folder / "failed").exists():
            failed = codec.load((folder / "failed").read_text(encoding="utf-8"), ())
            revision, cause, place, fix, wanted, named = failed
            want = Want(wanted) if wanted else None
            raise ReplayError(ini, revision, cause, seen_from_root(place, chain), fix, want, named)
        if done.returncode or not (folder / "rows").exists():
            current = (folder / "current").read_text(encoding="utf-8") if (folder / "current").exists() else ""
            ended = f"its process ended with code {done.returncode}"
            raise ReplayError(ini, current, mask(" ".join(done.stderr.split()))[-500:] or ended)
        yield folder


def _replay_and_remember(chain: ChainConfig, cache: Path) -> Replay:
    """Replay the chain, and cache the replay unless something that it read changed meanwhile.

    If another source of the same chain has been replayed by now, its replay is taken.
    """
    if known := cached_digest(cache, identity_of(chain), REPLAY, os.environ):
        outline, cached = _read(cache, known, "outline"), _read(cache, known, "steps")
        if outline is not None and cached is not None:
            return Replay(known, outline, cached)
    done = _replay(chain)
    digest = remember_result(cache, chain, REPLAY, done.reads, {"outline": done.outline, "steps": done.steps})
    return Replay(digest, done.outline, done.steps)


def remember_result(cache: Path, chain: ChainConfig, result: str, reads: str, parts: Mapping[str, str]) -> str:
    """Cache parts of a run of the chain's code under the digest of what it read, and return this.

    `reads` is what the run's Watch wrote. If something that the code read changed while it ran, nothing is cached, and
    the digest is one that no other run has.
    """
    fields, on_disk = json.loads(reads)
    if not on_disk:
        return os.urandom(16).hex()
    read = reads_of(fields)
    digest = digest_of(identity_of(chain), result, read, on_disk, os.environ)
    if _write(cache, digest, parts):
        with suppress(OSError):
            # Why last: a process that finds the digest here reads the parts.
            remember_reads(cache, identity_of(chain), result, read, digest)
    return digest


def recall_result(cache: Path, chain: ChainConfig, result: str, part: str) -> str | None:
    """Return a cached part of a run of the chain's code; None if it is not cached or what the run read has changed."""
    digest = cached_digest(cache, identity_of(chain), result, os.environ)
    return _read(cache, digest, part) if digest else None


def recall(source: Source, part: str) -> str | None:
    """Return a cached part of the chain's replay; None if it is not cached."""
    return _read(source.cache, source._cached_as, part) if source._cached_as else None  # noqa: SLF001  (of the class above)


def remember(source: Source, parts: Mapping[str, str]) -> None:
    """Cache parts that were computed from the chain's replay."""
    _write(source.cache, source.fingerprint, parts)


def _read(cache: Path, digest: str, part: str) -> str | None:
    try:
        return (cache / f"{digest}.{part}.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _write(cache: Path, digest: str, parts: Mapping[str, str]) -> bool:
    """Write parts to the cache.

    Why errors are no more than a False: without the cache the chain is replayed again, which costs time only.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for part, text in parts.items():
            # Why a draft and a rename: another process may read the cache now, and must not see half a file.
            draft = cache / f".{digest}.{part}.{os.getpid()}"
            # Why only the user may read it: statements of the chain are in it, with the rows of data steps.
            draft.touch(mode=0o600)
            draft.write_text(text, encoding="utf-8")
            draft.replace(cache / f"{digest}.{part}.json")
    except OSError:
        return False
    return True
