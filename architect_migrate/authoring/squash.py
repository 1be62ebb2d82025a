"""Squashes the beginning of a chain into one revision, and proves that the new chain makes the same."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.authoring.moment import is_of_moment
from architect_migrate.authoring.squash_files import NOTHING, OldFiles, places, put
from architect_migrate.authoring.squash_proof import Made, prove, refuse_changing
from architect_migrate.authoring.squash_text import text_of
from architect_migrate.authoring.surroundings import elsewhere
from architect_migrate.core.chain_errors import ReplayError, SquashError
from architect_migrate.core.text import joined
from architect_migrate.databases.registry import access, marks, reader
from architect_migrate.model.history import replays, writes_of
from architect_migrate.model.revision_graph import ancestry, revision_named
from architect_migrate.revisions.replay import replayed
from architect_migrate.revisions.replay_process import IMAGE
from architect_migrate.revisions.static_graph import files_of, folders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.values import Snapshot
    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.history import History
    from architect_migrate.model.revision_graph import Revision
    from architect_migrate.revisions.replay import Source


@dataclass(frozen=True, slots=True)
class Squashed:
    """A revision that takes the place of all that come before it, and of itself.

    `path` is its file, `text` what is in it. `replaces` are the revisions that it stands for, `old` their files with
    the places to which these are moved. `made` is what it makes, `head` what the whole chain makes; both are without
    the tables in `hidden`. `moment` are the revisions that may have computed a constant row from the date,
    or at random.
    """

    revision: str
    path: Path
    text: str
    replaces: tuple[str, ...]
    old: tuple[tuple[Path, Path], ...]
    made: Made
    head: Made
    hidden: tuple[str, ...]
    moment: tuple[str, ...] = ()

    @property
    def objects(self) -> int:
        """How many objects were found equal."""
        return len(self.made.first.objects)

    @property
    def rows(self) -> int:
        """How many rows were found equal."""
        return sum(len(table.rows) for table in self.made.first.rows)


def squashed(source: Source, to: str, old_files: OldFiles = OldFiles.MOVE) -> Squashed:
    """Work out the revision that stands for all up to `to`, and prove it. Writes nothing.

    Raises SquashError where the new chain would not make the same, UnknownRevisionError, ChainError, ReplayError.
    """
    chain, graph = source.chain, source.graph
    last = revision_named(graph, to)
    position = ancestry(graph, [last])
    _refuse(chain, source.history, last, position)
    mine = tuple(each for each in graph.revisions if each.id in position)
    files = files_of(chain)
    old = tuple(files[each.id] for each in mine)
    moves = places(chain, old, last, old_files)
    others = tuple(file for revision, file in files.items() if revision not in position)
    hidden = (graph.version_table,)
    made = _made_twice(chain, others, hidden)
    refuse_changing(made)
    steps = {each.id: files[each.id] for each in mine if each.data_step}
    whole = _merged(mine, last)

    def proven(steps: Mapping[str, Path], by_steps: frozenset[str]) -> str:
        text = text_of(whole, made, steps, by_steps)
        prove(made, _made_anew(chain, (*others, *old), hidden, {files[last]: text}), last)
        return text

    text, carried = _first_proven(proven, steps, _only_by_steps(source.history, position))
    new = {files[last]: text}
    head = _made_twice(chain, (), hidden) if others else made
    if others:
        prove(head, _made_anew(chain, old, hidden, new), "the head")
    moment = _of_moment(source.history, {each.id: files[each.id] for each in mine}, carried)
    return Squashed(last, files[last], text, whole.replaces, moves, made, head, hidden, moment)


def _first_proven(
    proven: Callable[[Mapping[str, Path], frozenset[str]], str], steps: Mapping[str, Path], by_steps: frozenset[str]
) -> tuple[str, Mapping[str, Path]]:
    """Return the text that is proven, and the data steps that it carries as code: all of them, or none."""
    try:
        return proven(steps, by_steps), steps
    except SquashError as error:
        if not steps:
            raise
        # Later revisions may have changed the tables of a step, so that its code does not run any more.
        try:
            return proven({}, frozenset()), {}
        except SquashError:
            raise error from None


def _of_moment(history: History, files: Mapping[str, Path], steps: Collection[str]) -> tuple[str, ...]:
    """The revisions that write rows and ask for the moment or chance; a data step that is carried will ask again."""
    return tuple(
        revision
        for revision, file in files.items()
        if any(each.writes for each in replays(history)[revision].statements)
        and is_of_moment(file, in_step=revision not in steps)
    )


def _merged(mine: tuple[Revision, ...], last: str) -> Revision:
    """The last of some revisions as it stands for all of them."""
    ids = (one for each in mine for one in (*each.replaces, each.id) if one != last)
    labels = tuple(label for each in mine for label in each.labels)
    newest = next(each for each in mine if each.id == last)
    return replace(newest, replaces=(*dict.fromkeys(ids), last), labels=labels)


def write(chain: ChainConfig, new: Squashed) -> None:
    """Move the old files away, write the new one and replay the chain. Raises as `squashed`; all is then as before."""

    def check() -> None:
        # Why again: what the chain's code imports or reads may have been moved with an old file.
        prove(new.head, _made_anew(chain, (), new.hidden, {}), "the head")

    put(chain, new.old, new.path, new.text, check)


def behind(contexts: Iterable[EnvironmentContext], new: Squashed) -> tuple[str, ...]:
    """Return the environments whose stamp is one of the revisions that are gone. Raises as `read_stamp`."""
    gone = {*new.replaces} - {new.revision}
    return tuple(context.environment.name for context in contexts if gone & {*_stamp(context)})


def _stamp(context: EnvironmentContext) -> tuple[str, ...]:
    environment = context.environment
    if not access.exists(environment.url) or access.is_empty(environment.url):
        return ()
    return marks.read_stamp(environment.url, environment.policies.lock_timeout, context.graph.version_table)


def _refuse(chain: ChainConfig, history: History, last: str, position: frozenset[str]) -> None:
    """Raise SquashError for what cannot be squashed."""
    graph = history.graph
    if chain.baseline:
        raise SquashError(last, "the chain begins with a baseline, which already stands for what comes first", NOTHING)
    if chain.engine:
        problem = "env.py is for several databases, and a revision makes something else in each of them"
        raise SquashError(last, problem, f"{NOTHING}: write the revision by hand, with the function of each engine")
    if len(position) == 1:
        raise SquashError(last, "nothing comes before it", f"{NOTHING}: name a later revision")
    for each in graph.revisions:
        if each.id not in position and (cut := set(each.parents) & position - {last}):
            problem = f"{each.id} comes after {joined(sorted(cut))}, which would be gone"
            raise SquashError(last, problem, f"{NOTHING}: name a revision in which the branches have met")

    for revision in graph.order:
        if revision in position and (refused := replays(history)[revision].refused):
            problem = f"would {refused}, which a replay leaves out, so that nothing can be proven of it"
            raise SquashError(revision, problem, f"{NOTHING}: take it out of the revision, and do it by hand")


def _only_by_steps(history: History, position: frozenset[str]) -> frozenset[str]:
    """The tables that data steps fill, and no other statement."""
    statements = [each for revision in position for each in replays(history)[revision].statements]
    by_steps = writes_of(each for each in statements if each.in_data_step)
    return by_steps - writes_of(each for each in statements if not each.in_data_step)


def _made_twice(
    chain: ChainConfig, without: Collection[Path], hidden: tuple[str, ...], new: Mapping[Path, str] | None = None
) -> Made:
    """What a chain makes without some of its files and with new ones, in two runs: at other seconds and elsewhere."""
    at = datetime.now().astimezone()
    other = elsewhere(chain, (file for folder in folders_of(chain) for file in folder.rglob("*.py")))
    first = _made(chain, without, hidden, new, "1")
    # Why: times of the moment are often kept in seconds, and those of the two runs have to differ.
    time.sleep(1.01 - time.time() % 1)
    try:
        return Made(first, _made(other, without, hidden, new, "2"), at, (socket.gethostname(), os.fspath(chain.root)))
    except ReplayError as error:
        if other == chain:
            raise
        problem = f"the revisions ask for environment variables, and do not run with other values: {error.cause}"
        advice = f"{NOTHING}: constants cannot depend on them; take os.environ out of the revisions"
        raise SquashError(error.revision or str(chain.ini), problem, advice) from error


def _made_anew(chain: ChainConfig, without: Collection[Path], hidden: tuple[str, ...], new: Mapping[Path, str]) -> Made:
    """What the squashed chain makes. Raises SquashError where it does not run."""
    try:
        return _made_twice(chain, without, hidden, new)
    except ReplayError as error:
        problem = f"the squashed chain would not run: {error.cause}"
        advice = f"{NOTHING}: squash up to an earlier revision, or write the revision by hand"
        raise SquashError(error.revision or str(chain.ini), problem, advice) from error


def _made(
    chain: ChainConfig,
    without: Collection[Path],
    hidden: tuple[str, ...],
    new: Mapping[Path, str] | None,
    seed: str,
) -> Snapshot:
    """What a chain makes without some of its files, and with new ones; `seed` is that of Python's hashes."""
    more = {"PYTHONHASHSEED": seed}
    if not without and not new:
        with replayed(chain, IMAGE, more=more) as folder:
            return reader.snapshot_of(folder / "image.db", hidden)
    with (
        _versions(chain, without, new or {}) as versions,
        replayed(replace(chain, versions=versions), IMAGE, more=more) as folder,
    ):
        return reader.snapshot_of(folder / "image.db", hidden)


@contextmanager
def _versions(chain: ChainConfig, without: Collection[Path], new: Mapping[Path, str]) -> Iterator[tuple[Path, ...]]:
    """Folders like those of the chain's revisions, without some files and with new ones.

    Why links: revisions may read files beside them, and modules there.
    """
    with tempfile.TemporaryDirectory(prefix="archmig-squash-") as name:
        folders = folders_of(chain)
        for at, folder in enumerate(folders):
            for file in sorted(folder.rglob("*")):
                place = Path(name, str(at), file.relative_to(folder))
                if file.is_file() and file not in without and "__pycache__" not in file.parts:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.symlink_to(file)
            Path(name, str(at)).mkdir(exist_ok=True)
        for path, text in new.items():
            at = next(at for at, folder in enumerate(folders) if path.is_relative_to(folder))
            place = Path(name, str(at), path.relative_to(folders[at]))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        yield tuple(Path(name, str(at)) for at in range(len(folders)))
