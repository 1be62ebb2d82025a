"""Linter: checks revision files statically, and tries them on a scratch database."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.chain_errors import ChainError, UnknownRevisionError
from architect_migrate.core.errors import UsageError
from architect_migrate.core.secrets import mask
from architect_migrate.databases.registry import LOCAL, dialect
from architect_migrate.lint.files import (
    as_called,
    can_run,
    chain_violations,
    file_violations,
    graph_of,
    passed_by,
    place_of,
    without_allowed,
)
from architect_migrate.lint.rules import Violation, violation
from architect_migrate.lint.trial import Job, TrialResult
from architect_migrate.model.revision_graph import ancestry, heads, position_at, replaced_by_baseline
from architect_migrate.revisions.files import script_folder
from architect_migrate.revisions.replay import recall_result, remember_result
from architect_migrate.revisions.sandbox import run_sandboxed
from architect_migrate.revisions.source_file import RevisionFile, revision_file_at, source_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from architect_migrate.revisions.replay import Source


@dataclass(frozen=True, slots=True)
class LintResult:
    """Result of the linter: the number of checked revisions, and their violations by file and line.

    `untried` are ids of revisions that come after one which does not run. `only_upgraded` says that no more than each
    `upgrade()` was tried, on empty tables, by a replay.
    """

    revisions: int
    violations: tuple[Violation, ...]
    untried: tuple[str, ...] = ()
    only_upgraded: bool = False


def lint(
    source: Source, only: frozenset[str] | None = None, branches: Collection[str] = (), extra: Iterable[Path] = ()
) -> tuple[Violation, ...]:
    """Return only the violations of `examine`."""
    return examine(source, only, branches, extra).violations


def examine(
    source: Source, only: frozenset[str] | None = None, branches: Collection[str] = (), extra: Iterable[Path] = ()
) -> LintResult:
    """Check a chain's revisions: those whose ids are in `only` (None: all) and those of the files in `extra`.

    `branches` are the labels that environments list in their `heads`, which may have heads of their own. A file in
    `extra` outside of the chain's folders is checked as if it were inside. No database is read: the revisions are tried
    in a process of its own, on a database in memory. A chain of a kind with servers is replayed instead.
    Raises ChainError if alembic.ini or env.py cannot be used.
    """
    from architect_migrate.lint.attempt import version_files

    paths, template = version_files(source.chain)
    added = tuple(Path(os.path.abspath(path)) for path in extra)  # noqa: PTH100  (Path.resolve would follow links)
    files = _read(source, (*paths, *(path for path in added if path not in paths)))
    judged = tuple(file for file in files if Path(file.file) in added or only is None or file.id in only)
    every = [one for file in judged for one in file_violations(file, "%(rev)s" in template)]
    every += [
        one for file in files if file.problem and file not in judged for one in file_violations(file, named_by_id=False)
    ]
    every += chain_violations(files, branches, frozenset(file.id for file in judged))
    graph = graph_of(files)
    # Why left out: their code may no longer run, and nothing of archmig runs it.
    replaced = replaced_by_baseline(graph, source.chain.baseline_at)
    judged = tuple(file for file in judged if file.id not in replaced)
    if source.chain.kind != LOCAL:
        return _replayed(source, len(judged), files, every)
    return _tried(
        source, Job(source.chain, files, graph, frozenset(file.id for file in judged), replaced), judged, every
    )


def _tried(source: Source, job: Job, judged: Sequence[RevisionFile], every: list[Violation]) -> LintResult:
    """Return the violations of files, and those of their trials on a scratch database."""
    results = _remembered(source, job)
    every += _with_makers(results)
    tried = frozenset(result.revision for result in results if not result.halted)
    untried = _untried(
        job, judged, results, frozenset(each.revision for each in every if each.code in {"AM006", "AM008"})
    )
    every += _untried_violations(job, untried, results)
    violations = tuple(
        _in_sql_file(one)
        for file in job.files
        for one in without_allowed(
            file, (one for one in every if one.file == file.file), file in judged and file.id in tried
        )
    )
    return LintResult(len(judged), violations, tuple(file.id for file in untried))


def _replayed(source: Source, number: int, files: Iterable[RevisionFile], every: list[Violation]) -> LintResult:
    """Return the violations of files, after a replay of the chain on its server. Raises ReplayError."""
    source.history  # noqa: B018  (a property that replays the chain)
    own = ((file, tuple(one for one in every if one.file == file.file)) for file in files)
    left = (one for file, its in own for one in without_allowed(file, its, tried=False))
    return LintResult(number, tuple(left), only_upgraded=True)


def _read(source: Source, paths: Iterable[Path]) -> tuple[RevisionFile, ...]:
    """The files of revisions, as env.py calls their functions."""
    passed = passed_by(script_folder(source.chain) / "env.py")
    return tuple(as_called(revision_file_at(path), passed) for path in paths)


def _in_sql_file(each: Violation) -> Violation:
    """Move a violation to the SQL file beside the revision that contains its statement, if there is one."""
    statement = dialect.from_first_word(each.sql)
    if not statement or statement in source_text(Path(each.file)):
        return each
    for path in sorted(Path(each.file).parent.rglob("*.sql")):
        before, match, _ = path.read_text(encoding="utf-8", errors="replace").partition(statement)
        if match:
            return replace(each, file=str(path), line=before.count("\n") + 1)
    return each


def revision_files(source: Source) -> tuple[RevisionFile, ...]:
    """Return the chain's revision files, parsed. Raises ChainError."""
    from architect_migrate.lint.attempt import version_files

    return tuple(revision_file_at(file) for file in version_files(source.chain)[0])


def files_and_revisions(source: Source, words: Sequence[str]) -> tuple[frozenset[str], tuple[Path, ...]]:
    """Resolve words of the command line to revision ids and revision files.

    A revision may be given by an unambiguous beginning of its id; an SQL file stands for the revision file of the same
    name. Raises UnknownRevisionError, UsageError.
    """
    named = tuple(_revision_file(Path(each)) for each in words if Path(each).suffix in {".py", ".sql"})
    others = [each for each in words if Path(each).suffix not in {".py", ".sql"}]
    if not others:
        return frozenset(), named
    graph = graph_of(revision_files(source))
    ids: set[str] = set()
    for word in others:
        matches = heads(graph, position_at(graph, word))
        if len(matches) != 1 and word not in {"head", "heads"}:
            raise UnknownRevisionError(word, matches, graph.order)
        ids.update(matches)
    return frozenset(ids), named


def _revision_file(path: Path) -> Path:
    file = path.with_suffix(".py")
    if not file.is_file():
        raise UsageError(f"{file} is not a file", "name a revision by its id, or the path of its file")
    return file


def _remembered(source: Source, job: Job) -> tuple[TrialResult, ...]:
    """Return the results of the trial, from the cache if the same files were tried before and read the same.

    Why a halted trial is not cached: its cause may be the machine, not the revision.
    """
    classes = (TrialResult, Violation)
    key = blake2b(codec.dump(job).encode(), digest_size=8).hexdigest()
    if (text := recall_result(source.cache, source.chain, f"lint-{key}", "lint")) is not None:
        return tuple(codec.load(text, classes))
    results, reads = _results(job)
    if reads and not any(result.halted for result in results):
        remember_result(source.cache, source.chain, f"lint-{key}", reads, {"lint": codec.dump(results)})
    return results


def _results(job: Job) -> tuple[tuple[TrialResult, ...], str]:
    """Try the revisions in a process; return the results and what the process read, as its Watch wrote it.

    If the process dies, the last result says why, and nothing is known of what it read. Raises ChainError.
    """
    if not job.judged & frozenset(job.graph.order):
        return (), ""
    with tempfile.TemporaryDirectory(prefix="archmig-lint-") as name:
        folder = Path(name)
        (folder / "job").write_text(codec.dump(job), encoding="utf-8")
        done = run_sandboxed("lint.process", job.chain.root, folder, name)
        if (folder / "failed").exists():
            raise ChainError(str(job.chain.ini), (folder / "failed").read_text(encoding="utf-8"))
        lines = (folder / "results").read_text(encoding="utf-8").splitlines() if (folder / "results").exists() else []
        results = tuple(codec.load(line, (TrialResult, Violation)) for line in lines)
        if done.returncode == 0:
            return results, (folder / "reads").read_text(encoding="utf-8")
        cause = mask(" ".join(done.stderr.split()))[-300:] or f"exit code {done.returncode}"
        if not (folder / "current").exists():
            raise ChainError(str(job.chain.ini), cause)
        return (*results, _ended(job, (folder / "current").read_text(encoding="utf-8"), cause)), ""


def _ended(job: Job, revision: str, cause: str) -> TrialResult:
    file = next(each for each in job.files if each.id == revision)
    message = f"the process that tried it died: {cause}"
    return TrialResult(revision, (violation("AM209", place_of(file), message),), halted=True)


def _with_makers(results: Sequence[TrialResult]) -> list[Violation]:
    """Return the violations of the results; those of a missing table or column name the revision that adds it later."""
    makers = {made: result.revision for result in reversed(results) for made in result.makes}
    named: list[Violation] = []
    for each in results:
        lacks = dict(each.lacks)
        for place, one in enumerate(each.violations):
            maker = _maker(one, lacks.get(place, ""), makers)
            later = f" ({maker} creates it later)" if maker and maker != each.revision else ""
            named.append(replace(one, message=one.message + later))
    return named


def _maker(each: Violation, name: str, makers: Mapping[tuple[str, str], str]) -> str:
    """Return the revision that creates a table, or a column of a table that the statement names; empty if none does."""
    if each.code == "AM202":
        return makers.get((name, ""), "")
    tables = dialect.every_word_of(each.sql) if name else frozenset[str]()
    return next((maker for (table, column), maker in makers.items() if column == name and table in tables), "")


def _untried(
    job: Job, judged: Sequence[RevisionFile], results: Sequence[TrialResult], reported: Collection[str]
) -> list[RevisionFile]:
    """Return the files that an earlier revision kept from being tried, in chain order, without the `reported` ids."""
    done, order = {result.revision for result in results}, job.graph.order
    left = [file for file in judged if file.id and file.id not in done and file.id not in reported and can_run(file)]
    return sorted(left, key=lambda file: order.index(file.id) if file.id in order else len(order))


def _untried_violations(job: Job, untried: Sequence[RevisionFile], results: Sequence[TrialResult]) -> list[Violation]:
    """Return one violation for all untried files, at the first of them."""
    if not untried:
        return []
    halted = {result.revision for result in results if result.halted}
    halted |= {file.id for file in job.files if file.id and not can_run(file)}
    cause = " and ".join(sorted(halted & ancestry(job.graph, [untried[0].id])))
    them = "it was" if len(untried) == 1 else f"it and {len(untried) - 1} more were"
    why = f"{cause}, which does not run" if cause else "one that is missing or cannot be read"
    return [violation("AM213", place_of(untried[0]), f"it comes after {why}: {them} not tried")]
