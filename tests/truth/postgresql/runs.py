"""Runs of archmig on the databases of a chain, with what lay in each of them before and after."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from truth.commands import archmig
from truth.postgresql.facts import content
from truth.postgresql.native import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from truth.commands import Said
    from truth.postgresql.facts import Content
    from truth.postgresql.histories import Case
    from truth.postgresql.life import Truth

# One of so many sound databases is also given to `upgrade`, as a copy.
_SOME = 2
COPY = "up_"


@dataclass(frozen=True, slots=True)
class Runs:
    """`first` and `second` are reconcile's, `looks` what was said afterwards, `upgraded` of copies of sound databases.

    `found`, `after` and `again` are contents before and after each run, by database, those of copies too; `alembics`
    what plain Alembic makes of each database that nothing has damaged, None where it fails. `left` is what lies about.
    """

    upgraded: Said
    first: Said
    second: Said
    diagnose: Said
    check: Said
    found: dict[str, Content]
    after: dict[str, Content]
    again: dict[str, Content]
    alembics: dict[str, Content | None]
    left: tuple[str, ...]

    @property
    def all(self) -> tuple[Said, ...]:
        return (self.upgraded, self.first, self.second, self.diagnose, self.check)


def copied(truth: Truth, cases: Iterable[Case]) -> tuple[str, ...]:
    """Copies of some of the databases that nothing has damaged and that are behind."""
    behind = [case.name for case in cases if case.harmless and case.position != frozenset(truth.chain.ids)]
    return tuple(truth.cluster.copy(name, f"{COPY}{name}") for name in behind[::_SOME])


@contextmanager
def _own_temporary_files(folder: Path) -> Iterator[None]:
    """A folder for temporary files of these runs alone: what is left there is theirs."""
    place = folder.parent / "temporary"
    place.mkdir(exist_ok=True)
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(place)
    try:
        yield
    finally:
        tempfile.tempdir = before[0]
        del os.environ["TMPDIR"]
        if before[1] is not None:
            os.environ["TMPDIR"] = before[1]


def run_all(truth: Truth, folder: Path, cases: Sequence[Case], copies: Sequence[str]) -> Runs:
    """Reconcile every database twice and upgrade the copies."""
    with _own_temporary_files(folder):
        return _all_runs(truth, folder, cases, copies)


def _all_runs(truth: Truth, folder: Path, cases: Sequence[Case], copies: Sequence[str]) -> Runs:
    names = [case.name for case in cases]
    alembics = {case.name: _by_alembic(truth, case.name) for case in cases if case.harmless}
    kept = frozenset(_about(truth, folder))

    def ask(*words: str) -> Said:
        return archmig(folder, *words, "--json")

    def contents(of: Iterable[str]) -> dict[str, Content]:
        return {name: _content(truth, name) for name in of}

    every = [word for name in names for word in ("-e", name)]
    found = contents([*names, *copies])
    upgraded = ask("upgrade", "--yes", *(word for name in copies or names[:1] for word in ("-e", name)))
    first = ask("reconcile", "--yes", *every)
    after = contents([*names, *copies])
    second = ask("reconcile", "--yes", *every)
    again = contents(names)
    looks = ask("diagnose", *every), ask("check", *every)
    left = tuple(sorted(_about(truth, folder) - kept))
    return Runs(upgraded, first, second, *looks, found, after, again, alembics, left)


def _content(truth: Truth, name: str) -> Content:
    with truth.cluster.opened(name) as raw:
        return content(raw)


def _by_alembic(truth: Truth, name: str) -> Content | None:
    made = truth.cluster.copy(name, "alembics")
    try:
        upgrade(truth.cluster, made, truth.script, "heads")
    except Exception:  # noqa: BLE001  (whatever a revision raises on these rows)
        return None
    else:
        return _content(truth, made)
    finally:
        truth.cluster.drop(made)


def _about(truth: Truth, folder: Path) -> set[str]:
    """Databases on the server, sessions in the trial's databases, and files, but for backups and the ledger."""
    names = {str(name) for (name,) in truth.cluster.admin.execute("SELECT datname FROM pg_database").fetchall()}
    others = "SELECT concat_ws(' ', datname, application_name, state) FROM pg_stat_activity WHERE datname = ANY(%s)"
    sessions = {str(one) for (one,) in truth.cluster.admin.execute(others, (sorted(truth.cluster.names),)).fetchall()}
    wanted = (".dump", ".json", "ledger.db")
    files = {str(path) for path in folder.rglob("*") if path.is_file() and not path.name.endswith(wanted)}
    files -= {path for path in files if path.endswith((".pyc", "said.out", "said.err")) or "ledger.db-" in path}
    temporary = {str(path) for path in Path(tempfile.gettempdir()).iterdir()}
    return names | sessions | files | temporary
