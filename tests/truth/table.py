"""What was found, counted by kind of history and by kind of false word."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truth.trial import Found, Tried


def table(results: Sequence[Tried], *, examples: int) -> str:
    """Two Markdown tables and some examples."""
    found = [one for result in results for one in result.found]
    chains = sum(bool(result.cases) for result in results)
    lines = [f"{chains} chains, {sum(len(result.cases) for result in results)} databases, {len(found)} false words", ""]
    return "\n".join([*lines, *_by_history(results, found), "", *_by_reason(results), *_by_kind(found, examples)])


def _by_history(results: Sequence[Tried], found: Sequence[Found]) -> list[str]:
    databases = Counter(kind for result in results for kind in result.cases)
    outcomes = Counter(outcome for result in results for outcome in result.outcomes)
    names = sorted({outcome for _, outcome in outcomes})
    wrong: dict[str, set[str]] = defaultdict(set)
    for one in found:
        wrong[one.cause].add(one.at)
    lines = [
        f"| what went wrong | databases | {' | '.join(names)} | with a false word |",
        f"| --- |{' ---: |' * (len(names) + 2)}",
    ]
    for kind, number in sorted(databases.items()):
        counts = " | ".join(str(outcomes[kind, name]) for name in names)
        lines.append(f"| {kind} | {number} | {counts} | {len(wrong[kind])} |")
    return lines


def _by_reason(results: Sequence[Tried]) -> list[str]:
    reasons = [reason for result in results for reason in result.reasons]
    if not reasons:
        return []
    lines = ["| what reconcile said | times | by what diagnose had said |", "| --- | ---: | --- |"]
    for outcome, number in Counter(outcome for _, outcome in reasons).most_common():
        states = Counter(state for state, one in reasons if one == outcome)
        lines.append(
            f"| {outcome} | {number} | {', '.join(f'{name} {times}' for name, times in states.most_common())} |"
        )
    return [*lines, ""]


def _by_kind(found: Sequence[Found], examples: int) -> list[str]:
    kinds = Counter(one.finding.kind for one in found)
    lines = ["| false word | times | by what went wrong |", "| --- | ---: | --- |"]
    for kind, number in kinds.most_common():
        by = Counter(one.cause for one in found if one.finding.kind == kind)
        lines.append(f"| {kind} | {number} | {', '.join(f'{name} {times}' for name, times in by.most_common())} |")
    for kind, _ in kinds.most_common():
        shown = [one for one in found if one.finding.kind == kind][:examples]
        lines += [f"\n{kind}\n    {one.at} ({one.cause}; {one.words})\n    {one.finding.detail[:600]}" for one in shown]
    return lines
