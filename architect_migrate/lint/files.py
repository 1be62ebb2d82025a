"""Violations that the revision files show without being run, each by itself and together."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from architect_migrate.lint.rules import RULES, Place, Violation, violation
from architect_migrate.model.revision_graph import Revision, RevisionGraph, lineage
from architect_migrate.revisions.source_file import source_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from architect_migrate.revisions.source_file import Allowance, RevisionFile

_LONGEST = 32
_OLD = {"upgrade": "migrate", "downgrade": "rollback"}


def file_violations(file: RevisionFile, named_by_id: bool) -> Iterator[Violation]:
    """Yield the violations of one file; `named_by_id`: file names of this chain contain the id."""
    place = place_of(file)
    if file.problem:
        yield violation("AM001", place, file.problem)
        return
    if not file.id:
        problem = "its revision id is computed" if "revision" in file.unread else "it sets no revision"
        yield violation("AM002", place, problem)
        return
    if len(file.id) > _LONGEST:
        yield violation("AM003", place, f"{file.id} has {len(file.id)} characters, and Alembic stores {_LONGEST}")
    if named_by_id and file.id not in PurePath(file.file).stem:
        yield violation("AM004", place, f"{PurePath(file.file).name} contains revision {file.id}")
    if file.down is None:
        how = "is computed" if "down_revision" in file.unread else "is not set"
        yield violation("AM006", place, f"down_revision {how} (the first revision of a chain sets None)")
    yield from _function_violations(file)


def as_called(file: RevisionFile, passed: frozenset[str]) -> RevisionFile:
    """Return a file whose functions require only the arguments that env.py does not pass to them."""
    functions = (
        replace(each, required=tuple(name for name in each.required if name not in passed)) for each in file.functions
    )
    return replace(file, functions=tuple(functions)) if passed else file


def passed_by(env: Path) -> frozenset[str]:
    """Return the arguments that an env.py passes to revisions, as that of several databases does (`engine_name`)."""
    try:
        tree = ast.parse(source_text(env))
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    running = (call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "run_migrations")
    return frozenset(keyword.arg for call in running for keyword in call.keywords if keyword.arg)


def _function_violations(file: RevisionFile) -> Iterator[Violation]:
    for name, code in (("upgrade", "AM101"), ("downgrade", "AM102")):
        function, old = file.function(name), file.function(_OLD[name])
        if function is not None and function.required:
            required = ", ".join(function.required)
            message = f"{name}({required}) requires {required}, but Alembic passes no such argument"
            yield violation("AM104", place_of(file, function.line), message)
        elif not file.has(name) and old is not None:
            message = f"{old.name}() was for the old manager; Alembic calls {name}()"
            yield violation("AM103", place_of(file, old.line), message, f"rename it to {name}, without arguments")
        elif not file.has(name):
            yield violation(code, place_of(file), f"it has no {name}()")
    yield from _idle_violations(file)


def _idle_violations(file: RevisionFile) -> Iterator[Violation]:
    up, down = file.function("upgrade"), file.function("downgrade")
    if up is not None and not up.idle and down is not None and (down.idle or down.refuses):
        how = "only raises" if down.refuses else "does nothing"
        yield violation("AM105", place_of(file, down.line), f"downgrade() {how}, but upgrade() makes changes")


def chain_violations(
    files: Sequence[RevisionFile], branches: Collection[str], newest: Collection[str]
) -> Iterator[Violation]:
    """Yield the violations of the files together.

    `branches` are labels of branches that may have a head of their own. Of several heads, one among the ids in `newest`
    is reported.
    """
    sound = [file for file in files if file.id]
    first: dict[str, RevisionFile] = {}
    for each in sound:
        other = first.setdefault(each.id, each)
        if other is not each:
            yield violation("AM005", place_of(each), f"{PurePath(other.file).name} is also revision {each.id}")
    known = set(first) | {label for file in sound for label in file.labels}
    unread = " ".join(PurePath(file.file).stem for file in files if file.problem)
    for each in sound:
        for name in (*(each.down or ()), *each.depends):
            if name not in known and name not in unread:
                place = Place(each.id, each.file, each.down_line or 1)
                yield violation("AM006", place, f"it comes after {name}, which does not exist")
    graph = graph_of(files)
    yield from _circles(first.values(), graph)
    yield from _several_heads(graph, first, branches, newest)


def _circles(files: Iterable[RevisionFile], graph: RevisionGraph) -> Iterator[Violation]:
    down = {file.id: (*(file.down or ()), *file.depends) for file in files}
    for each in files:
        path, seen = [*down[each.id]], set[str]()
        while path:
            name = path.pop()
            if name == each.id and each.id not in graph.order:
                yield violation("AM008", place_of(each, each.down_line), f"{each.id} comes after itself")
                return
            path += down.get(name, ()) if name not in seen else ()
            seen.add(name)


def _several_heads(
    graph: RevisionGraph, files: dict[str, RevisionFile], branches: Collection[str], newest: Collection[str]
) -> Iterator[Violation]:
    inner = {parent for revision in graph.revisions for parent in revision.down}
    tops = [revision for revision in graph.order if revision not in inner]
    apart = [(label, lineage(graph, label)) for label in sorted(branches)]
    on_branches = frozenset[str]().union(*(one for _, one in apart))
    groups = [("the chain", [revision for revision in tops if revision not in on_branches])]
    groups += [(f"the branch {label}", [revision for revision in tops if revision in one]) for label, one in apart]
    for name, heads in groups:
        if len(heads) > 1:
            last = next((head for head in reversed(heads) if head in newest), heads[-1])
            others = " and ".join(head for head in heads if head != last)
            message = f"{name} has {len(heads)} heads, this one and {others}, whose order is undefined"
            yield violation("AM007", place_of(files[last], files[last].down_line), message)


def graph_of(files: Iterable[RevisionFile]) -> RevisionGraph:
    """Return the revisions with all of their ancestors, parents before children, otherwise in the files' order.

    Revisions with a missing ancestor or in a cycle are left out.
    """
    named: dict[str, RevisionFile] = {}
    for file in files:
        if file.id and file.down is not None:
            named.setdefault(file.id, file)
    labels = {label: each.id for each in named.values() for label in each.labels}
    parents = {each.id: _parents(each, labels) for each in named.values()}
    complete: dict[str, Revision] = {}
    grew = True
    while grew:
        grew = False
        for file in named.values():
            if file.id not in complete and all(parent in complete for parent in parents[file.id]):
                complete[file.id] = _revision(file, parents[file.id])
                grew = True
    return RevisionGraph(tuple(complete.values()))


def _parents(file: RevisionFile, labels: dict[str, str]) -> tuple[str, ...]:
    return tuple(sorted({labels.get(name, name) for name in (*(file.down or ()), *file.depends)}))


def _revision(file: RevisionFile, parents: tuple[str, ...]) -> Revision:
    return Revision(
        file.id, parents, file.title, data_step=file.has("data_step"), labels=file.labels, down=file.down or ()
    )


def can_run(file: RevisionFile) -> bool:
    """Return whether Alembic can call the file's upgrade()."""
    function = file.function("upgrade")
    return file.has("upgrade") and (function is None or not function.required)


def without_allowed(file: RevisionFile, violations: Iterable[Violation], tried: bool) -> tuple[Violation, ...]:
    """Return a file's violations without those that it allows with a reason, sorted by line.

    Why allowances are checked only if the file was `tried`: otherwise an allowed violation may not have been found yet.
    """
    every = list(violations)
    reasoned = {code for allowance in file.allowances if allowance.reason for code in allowance.codes}
    left = [one for one in every if one.code not in reasoned]
    if tried:
        codes = {one.code for one in every}
        left += [one for allowance in file.allowances for one in _allowance_violations(file, allowance, codes)]
    return tuple(sorted(left, key=lambda one: (one.line, one.code)))


def _allowance_violations(file: RevisionFile, allowance: Allowance, codes: set[str]) -> Iterator[Violation]:
    place = place_of(file, allowance.line)
    if not allowance.codes:
        yield violation("AM009", place, "it allows no rule", "write # archmig: allow AM401 REASON")
    for code in allowance.codes:
        if code not in RULES:
            yield violation("AM009", place, f"there is no rule {code}", "docs/lint.md lists the codes")
        elif not allowance.reason:
            yield violation(
                "AM009", place, f"{code} has no reason, so it is not allowed", "write the reason after the code"
            )
        elif code not in codes:
            yield violation("AM009", place, f"{code} is allowed, but not violated", "remove the comment")


def place_of(file: RevisionFile, line: int = 0) -> Place:
    """Return a place in a file; without a line, that of its revision id."""
    return Place(file.id, file.file, line or file.line or 1)
