"""Flaws that the revision files show by themselves and beside each other, before any of them runs."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from architect_migrate.lint.rules import RULES, Place, Violation, violation
from architect_migrate.model.revision_graph import Revision, RevisionGraph, lineage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from architect_migrate.revisions.source_file import Allowance, RevisionFile

_LONGEST = 32
_OLD = {"upgrade": "migrate", "downgrade": "rollback"}


def file_violations(it: RevisionFile, named_by_id: bool) -> Iterator[Violation]:
    """What is wrong with one file; `named_by_id`: file names of this chain hold the id."""
    place = place_of(it)
    if it.problem:
        yield violation("AM001", place, it.problem)
        return
    if not it.id:
        how = "its id is not written out" if "revision" in it.unread else "it sets no revision"
        yield violation("AM002", place, f"{how}, so nobody can tell which revision it is")
        return
    if len(it.id) > _LONGEST:
        yield violation("AM003", place, f"{it.id} has {len(it.id)} characters, and Alembic stores {_LONGEST}")
    if named_by_id and it.id not in PurePath(it.file).stem:
        yield violation("AM004", place, f"{PurePath(it.file).name} holds revision {it.id}")
    if it.down is None:
        how = "is not written out" if "down_revision" in it.unread else "is not set"
        yield violation("AM006", place, f"down_revision {how} (the first revision of a chain says None)")
    yield from _function_violations(it)


def _function_violations(it: RevisionFile) -> Iterator[Violation]:
    for name, code in (("upgrade", "AM101"), ("downgrade", "AM102")):
        found, old = it.function(name), it.function(_OLD[name])
        if found is not None and found.required:
            wants = ", ".join(found.required)
            message = f"{name}({wants}) wants {wants}, and Alembic calls it with nothing"
            yield violation("AM104", place_of(it, found.line), message)
        elif not it.has(name) and old is not None:
            message = f"{old.name}() is what the old manager called: Alembic calls {name}()"
            yield violation("AM103", place_of(it, old.line), message, f"rename it to {name}, without arguments")
        elif not it.has(name):
            yield violation(code, place_of(it), f"it has no {name}()")
    yield from _idle_violations(it)


def _idle_violations(it: RevisionFile) -> Iterator[Violation]:
    up, down = it.function("upgrade"), it.function("downgrade")
    if up is not None and not up.idle and down is not None and (down.idle or down.refuses):
        how = "only raises" if down.refuses else "does nothing"
        yield violation(
            "AM105", place_of(it, down.line), f"downgrade() {how}, and upgrade() has something to take back"
        )


def chain_violations(
    files: Sequence[RevisionFile], branches: Collection[str], newest: Collection[str]
) -> Iterator[Violation]:
    """What is wrong with the files beside each other.

    `branches` are labels whose heads are no matter; of several heads, one among the `newest` is said to be too many.
    """
    sound = [it for it in files if it.id]
    first: dict[str, RevisionFile] = {}
    for it in sound:
        other = first.setdefault(it.id, it)
        if other is not it:
            yield violation("AM005", place_of(it), f"{PurePath(other.file).name} is revision {it.id} too")
    known = set(first) | {label for it in sound for label in it.labels}
    unread = " ".join(PurePath(it.file).stem for it in files if it.problem)
    for it in sound:
        for name in (*(it.down or ()), *it.depends):
            if name not in known and name not in unread:
                place = Place(it.id, it.file, it.down_line or 1)
                yield violation("AM006", place, f"it comes after {name}, and there is no such revision")
    graph = graph_of(files)
    yield from _circles(first.values(), graph)
    yield from _several_heads(graph, first, branches, newest)


def _circles(files: Iterable[RevisionFile], graph: RevisionGraph) -> Iterator[Violation]:
    down = {it.id: (*(it.down or ()), *it.depends) for it in files}
    for it in files:
        path, seen = [*down[it.id]], set[str]()
        while path:
            name = path.pop()
            if name == it.id and it.id not in graph.order:
                yield violation("AM008", place_of(it, it.down_line), f"{it.id} comes after itself")
                return
            path += down.get(name, ()) if name not in seen else ()
            seen.add(name)


def _several_heads(
    graph: RevisionGraph, files: dict[str, RevisionFile], branches: Collection[str], newest: Collection[str]
) -> Iterator[Violation]:
    inner = {parent for it in graph.revisions for parent in it.down}
    tops = [it for it in graph.order if it not in inner]
    apart = [(label, lineage(graph, label)) for label in sorted(branches)]
    on_branches = frozenset[str]().union(*(its for _, its in apart))
    groups = [("the chain", [it for it in tops if it not in on_branches])]
    groups += [(f"the branch {label}", [it for it in tops if it in its]) for label, its in apart]
    for name, heads in groups:
        if len(heads) > 1:
            last = next((it for it in reversed(heads) if it in newest), heads[-1])
            others = " and ".join(it for it in heads if it != last)
            message = f"{name} has {len(heads)} heads, this one and {others}: nobody can tell which is to come first"
            yield violation("AM007", place_of(files[last], files[last].down_line), message)


def graph_of(files: Iterable[RevisionFile]) -> RevisionGraph:
    """The revisions whose way to a base is whole, parents before children, in the files' order where that is free."""
    named: dict[str, RevisionFile] = {}
    for it in files:
        if it.id and it.down is not None:
            named.setdefault(it.id, it)
    labels = {label: it.id for it in named.values() for label in it.labels}
    parents = {it.id: _parents(it, labels) for it in named.values()}
    found: dict[str, Revision] = {}
    grew = True
    while grew:
        grew = False
        for it in named.values():
            if it.id not in found and all(parent in found for parent in parents[it.id]):
                found[it.id] = _revision(it, parents[it.id])
                grew = True
    return RevisionGraph(tuple(found.values()))


def _parents(it: RevisionFile, labels: dict[str, str]) -> tuple[str, ...]:
    return tuple(sorted({labels.get(name, name) for name in (*(it.down or ()), *it.depends)}))


def _revision(it: RevisionFile, parents: tuple[str, ...]) -> Revision:
    return Revision(it.id, parents, it.title, data_step=it.has("data_step"), labels=it.labels, down=it.down or ())


def can_run(it: RevisionFile) -> bool:
    """Whether Alembic could call the file's upgrade()."""
    found = it.function("upgrade")
    return it.has("upgrade") and (found is None or not found.required)


def settled(it: RevisionFile, violations: Iterable[Violation], tried: bool) -> tuple[Violation, ...]:
    """A file's flaws without those that it allows, in order of lines.

    Where all of them are known, because it was `tried`, what its allowances lack are flaws as well.
    """
    found = list(violations)
    reasoned = {code for allowance in it.allowances if allowance.reason for code in allowance.codes}
    left = [one for one in found if one.code not in reasoned]
    if tried:
        codes = {one.code for one in found}
        left += [one for allowance in it.allowances for one in _allowance_violations(it, allowance, codes)]
    return tuple(sorted(left, key=lambda one: (one.line, one.code)))


def _allowance_violations(it: RevisionFile, allowance: Allowance, found: set[str]) -> Iterator[Violation]:
    place = place_of(it, allowance.line)
    if not allowance.codes:
        yield violation("AM009", place, "nothing is allowed by it", "write # archmig: allow AM401 REASON")
    for code in allowance.codes:
        if code not in RULES:
            yield violation("AM009", place, f"there is no {code}", "docs/lint.md lists the codes")
        elif not allowance.reason:
            yield violation(
                "AM009", place, f"{code} is allowed without a reason, and so is not", "say why, after the code"
            )
        elif code not in found:
            yield violation(
                "AM009", place, f"{code} is allowed, and nothing of that kind is there", "take the comment out"
            )


def place_of(it: RevisionFile, line: int = 0) -> Place:
    """A place in a file: the line of its id where none is given."""
    return Place(it.id, it.file, line or it.line or 1)
