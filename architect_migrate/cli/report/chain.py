"""The chain and positions on it in few words: short names, ranges of revisions, where each environment is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.cli.report.layout import block, columns_of
from architect_migrate.core.text import clean
from architect_migrate.model.revision_graph import heads, on_branches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from architect_migrate.model.revision_graph import RevisionGraph


def short_names(graph: RevisionGraph) -> dict[str, str]:
    """Every revision by the part of its id before the first underscore, where that part is its alone."""
    beginnings: dict[str, int] = {}
    for revision in graph.order:
        beginning = revision.partition("_")[0]
        beginnings[beginning] = beginnings.get(beginning, 0) + 1
    return {each: first if beginnings[first := each.partition("_")[0]] == 1 and first else each for each in graph.order}


def place(graph: RevisionGraph, position: frozenset[str], names: Mapping[str, str]) -> str:
    """A position by its newest revisions, in short: `048 (head)`, `base`. What is left on branches does not count."""
    found, left = newest(graph, position, names), frozenset(graph.order) - position
    return f"{found} (head)" if position and left <= on_branches(graph) else found


def newest(graph: RevisionGraph, position: frozenset[str], names: Mapping[str, str]) -> str:
    """The newest revisions of a position: `048`, `base`."""
    return ", ".join(names.get(head, head) for head in heads(graph, position)) or "base"


def titled(graph: RevisionGraph, revisions: Iterable[str], indent: str, width: int) -> Iterator[str]:
    """Revisions with their titles, a line each; a long title continues below itself."""
    titles = {revision.id: revision.title for revision in graph.revisions}
    chosen = [*revisions]
    longest = max((columns_of(clean(revision)) for revision in chosen), default=0)
    for revision in chosen:
        name = clean(revision)
        margin = f"{indent}{name}{' ' * (longest - columns_of(name))}  "
        if columns_of(margin) > width // 2:
            yield f"{indent}{name}"
            yield from block(titles.get(revision, ""), f"{indent}  ", width)
            continue
        first, *rest = block(titles.get(revision, ""), " " * columns_of(margin), width)
        yield f"{margin}{first.strip()}".rstrip()
        yield from rest


def with_title(graph: RevisionGraph, revision: str, name: str = "") -> str:
    """A revision by its name, else its id, with its title: `3f2a9c1e7b04 (Add due dates)`."""
    title = next((other.title for other in graph.revisions if other.id == revision), "")
    return f"{name or revision} ({title})" if title else name or revision


def ranges(graph: RevisionGraph, revisions: Collection[str], names: Mapping[str, str]) -> str:
    """Revisions in chain order, neighbours drawn together: `007..009, 011`."""
    places = [n for n, name in enumerate(graph.order) if name in revisions]
    return ", ".join(
        names[graph.order[first]] + (f"..{names[graph.order[last]]}" if last > first else "")
        for first, last in _runs(places)
    )


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and last of every run of consecutive numbers."""
    start = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
            yield numbers[start], numbers[at - 1]
            start = at
