"""What a person settles for one run: the rows of revisions, and rows of the version table that do not count."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from architect_migrate.cli.prompt import ask
from architect_migrate.cli.terminal import say, width
from architect_migrate.core.errors import UsageError
from architect_migrate.model.environment import RowAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.row_findings import RowQuestion

    Pairs = tuple[tuple[str, RowAnswer], ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Pairs of a revision and its answer: for all environments, and for single ones by name.

    `stamps` are rows of the version table that do not count in any of them.
    """

    everywhere: Pairs = ()
    by_environment: Mapping[str, Pairs] = field(default_factory=dict)
    stamps: tuple[str, ...] = ()

    def of(self, environment: str) -> Pairs:
        """The answers that hold for an environment."""
        return (*self.everywhere, *self.by_environment.get(environment, ()))


def parsed(words: Iterable[str]) -> Pairs:
    """Pairs of a revision, as named, and its answer. Raises UsageError."""
    found: dict[str, RowAnswer] = {}
    for word in words:
        revision, equals, answer = word.partition("=")
        if not equals or not revision or answer not in {each.value for each in RowAnswer}:
            raise UsageError(f"--rows {word} names no revision and answer", "write REV=run, REV=done or REV=skip")
        if revision in found:
            raise UsageError(f"--rows settles {revision} twice", "settle each revision once")
        found[revision] = RowAnswer(answer)
    return tuple(found.items())


def asked(context: EnvironmentContext, questions: Iterable[RowQuestion], graph: RevisionGraph) -> Pairs | None:
    """Ask about the rows of each revision in turn; None as soon as one is left undecided."""
    from architect_migrate.cli.report.prompt import row_question_text

    name = context.environment.name
    found: dict[str, RowAnswer] = {}
    for question in questions:
        say(row_question_text(name, question, graph, width()))
        offered = [answer.value for answer in question.answers]
        revision = question.judgement.revision
        said = ask(f"rows of {revision} on {name}? [{'/'.join(offered)}; anything else leaves {name} as it is]").lower()
        if said not in offered:
            return None
        found[revision] = RowAnswer(said)
    return tuple(found.items())


def with_more(answers: Answers, environment: str, more: Pairs) -> Answers:
    """The answers with more of them for one environment."""
    known = answers.by_environment.get(environment, ())
    return replace(answers, by_environment={**answers.by_environment, environment: (*known, *more)})
