"""The chain and positions on it in few words: short names, ranges of revisions, where each environment is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.model.revision_graph import heads, on_branches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

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
    if not position:
        return "base"
    found = ", ".join(names.get(head, head) for head in heads(graph, position))
    left = frozenset(graph.order) - position
    return f"{found} (head)" if left <= on_branches(graph) else found


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
