"""The way in which a chain's env.py comes by its database, found by running the replay with one setting after another.

A replay runs the chain's code on a scratch database, in a process that reaches nothing else. Its error says what is
lacking (`Want`), and each setting that may help is tried.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from architect_migrate.authoring.adopt.sources import is_likely
from architect_migrate.core.chain_errors import ReplayError, Want
from architect_migrate.model.chain_config import PATH, URL
from architect_migrate.revisions.files import chain_option, script_folder
from architect_migrate.revisions.replay import source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from architect_migrate.authoring.adopt.sources import Named
    from architect_migrate.model.chain_config import ChainConfig

# How often the chain is replayed before archmig gives up, and how many variables are tried.
_MOST, _VARIABLES, _ALONE = 12, 8, 3
# What a variable gets that is no database's, and that has to be there.
ANYTHING = "0"
_APP = "The Flask application that env.py works in, as module:create_app"
_VARIABLE = "The environment variable from which the database's URL comes"


@dataclass(frozen=True, slots=True)
class Way:
    """A chain with the settings that its env.py needs.

    `opened` are the databases that env.py opened by itself, in order. `engines` are those of an env.py for several
    databases, each with its file, or None where that is not known. `error` is what is left if it does not run.
    """

    chain: ChainConfig
    opened: tuple[Path, ...] = ()
    engines: tuple[tuple[str, Path | None], ...] = ()
    error: ReplayError | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """Replays of a chain with other settings; `ask` asks a person for a text, and returns an empty one for none."""

    named: Named
    ask: Callable[[str], str]
    opened: list[Path] = field(default_factory=list)
    known: dict[tuple[ChainConfig, tuple[Path, ...]], ReplayError | None] = field(default_factory=dict)

    def error(self, chain: ChainConfig) -> ReplayError | None:
        """Replay a chain, once with the same settings; return its error. Raises ChainError."""
        # Why the places too: they are not compared.
        key = (chain, chain.places)
        if key not in self.known:
            self.known[key] = _replayed(chain)
        return self.known[key]


def _replayed(chain: ChainConfig) -> ReplayError | None:
    # Why a cache of its own: a cached replay does not say which databases env.py opens.
    with TemporaryDirectory(prefix="archmig-init-") as folder:
        try:
            source_of(chain, Path(folder)).history  # noqa: B018  (a property that replays the chain)
        except ReplayError as error:
            return error
    return None


def find_way(chain: ChainConfig, trial: Trial) -> Way:
    """Find the settings with which a chain runs. Raises ChainError, and ReplayError for what no setting helps."""
    names = (chain_option(chain, "databases") or "").replace(",", " ").split()
    if not chain.app and b"flask" in (script_folder(chain) / "env.py").read_bytes():
        # Why written down: the variable need not be set where archmig runs next time.
        chain = replace(chain, app=os.environ.get("FLASK_APP", ""))
    chain, error = _followed(replace(chain, engine=names[0] if names else ""), trial)
    if error and error.want is Want.ENGINE:
        return _of_engines(chain, error, trial)
    opened = tuple(trial.opened)
    if opened or _may_be_variable(error):
        found = _by_variable(chain.at(), trial) or (error and _by_answer(chain.at(), trial))
        if found:
            chain, error = found, trial.error(found)
    if error and error.want is None:
        raise error
    return Way(chain, opened, tuple((name, None) for name in names), error)


def _followed(chain: ChainConfig, trial: Trial) -> tuple[ChainConfig, ReplayError | None]:
    """Give a chain what its errors say that it lacks, until it runs or nothing helps."""
    error = trial.error(chain)
    for _ in range(_MOST):
        better = next(_tried(_answers(chain, error, trial), error, trial), None) if error else None
        if better is None:
            break
        chain, error = better
    return chain, error


def _answers(chain: ChainConfig, error: ReplayError, trial: Trial) -> Iterator[ChainConfig]:
    """Yield the settings that may be what an error asks for."""
    match error.want:
        case Want.DATABASE:
            path = Path(error.named[0]) if error.named else Path()
            if path.is_absolute() and path not in trial.opened:
                trial.opened.append(path)
                yield chain.at(*trial.opened)
        case Want.VARIABLE:
            values = (URL, PATH, ANYTHING) if is_likely(error.named[0]) else (ANYTHING, URL, PATH)
            yield from (_with(chain, error.named, value) for value in values)
        case Want.APP:
            yield from (replace(chain, app=app) for app in trial.named.applications if app != chain.app)
            if answer := trial.ask(_APP):
                yield replace(chain, app=answer)
        case Want.ENGINE | Want.BASELINE | None:
            pass


def _tried(
    chains: Iterable[ChainConfig], before: ReplayError, trial: Trial
) -> Iterator[tuple[ChainConfig, ReplayError | None]]:
    """Yield those of the settings with which a chain comes further, each with what it lacks then."""
    for chain in chains:
        error = trial.error(chain)
        if error is None or error.revision or _is_other(before, error):
            yield chain, error


def _is_other(before: ReplayError, error: ReplayError) -> bool:
    """Whether an error asks for something else; a URL that was taken for a path does not."""
    odd = any("sqlite:" in name for name in error.named)
    return error.want is not None and not odd and (error.want, error.named) != (before.want, before.named)


def _with(chain: ChainConfig, names: Iterable[str], value: str) -> ChainConfig:
    return replace(chain, variables=(*chain.variables, *((name, value) for name in names)))


def _may_be_variable(error: ReplayError | None) -> bool:
    """Whether a variable may be lacking: another kind of database is opened, or env.py fails otherwise."""
    return error is not None and not error.revision and error.want in {None, Want.DATABASE}


def _by_variable(chain: ChainConfig, trial: Trial) -> ChainConfig | None:
    """Return the chain with the variable or argument of -x by which env.py takes any database; None for none."""
    known = {name for name, _ in chain.variables}
    names = [name for name in trial.named.variables if name not in known][:_VARIABLES]
    singly = [(name, value) for value in (URL, PATH) for name in names]
    first = [(name, URL) for name in names[:_ALONE]]
    if name := next((each for each in first if _runs(_with(chain, each[:1], each[1]), trial)), None):
        return _with(chain, name[:1], name[1])
    for value in (URL, PATH):
        if names and _runs(whole := _with(chain, names, value), trial):
            alone = (_with(chain, [name], given) for name, given in singly if given == value)
            return next((each for each in alone if _runs(each, trial)), whole)
    options = (replace(chain, x=(f"{name}={value}",)) for name in trial.named.options[:_ALONE] for value in (URL, PATH))
    return next((each for each in options if _runs(each, trial)), None)


def _by_answer(chain: ChainConfig, trial: Trial) -> ChainConfig | None:
    if not (name := trial.ask(_VARIABLE)):
        return None
    return next((each for value in (URL, PATH) if _runs(each := _with(chain, [name], value), trial)), None)


def _runs(chain: ChainConfig, trial: Trial) -> bool:
    """Whether env.py runs the chain on the database that it is given; a revision may fail then."""
    error = trial.error(chain)
    return error is None or (bool(error.revision) and error.want is not Want.DATABASE)


def _of_engines(chain: ChainConfig, error: ReplayError, trial: Trial) -> Way:
    """Find the file of each engine among those that env.py opened: with its own file alone, the chain runs on it."""
    left, engines = [*trial.opened], list[tuple[str, Path | None]]()
    for engine in error.named:
        its = replace(chain, engine=engine)
        file = next((path for path in left if _runs(its.at(path), trial)), None)
        if file:
            left.remove(file)
        engines.append((engine, file))
    first, place = engines[0]
    chosen = replace(chain, engine=first).at(*([place] if place else []))
    return Way(chosen, tuple(trial.opened), tuple(engines), trial.error(chosen))
