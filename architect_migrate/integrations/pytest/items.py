"""The test items of `pytest --archmig`: one head, each revision up and down, schema and models, lint."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.cli.report.lint import violation_text
from architect_migrate.config.chain_choice import labels_of
from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.registry import LOCAL
from architect_migrate.lint.files import graph_of
from architect_migrate.lint.lint import examine, revision_files
from architect_migrate.model.revision_graph import replaced_by_baseline
from architect_migrate.revisions.plain_alembic import run_plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from _pytest._code.code import TerminalRepr

    from architect_migrate.lint.lint import LintResult
    from architect_migrate.lint.rules import Violation
    from architect_migrate.model.environment import ProjectConfig
    from architect_migrate.revisions.plain_alembic import PlainRun
    from architect_migrate.revisions.replay import Source

_HEADS = frozenset({"AM005", "AM006", "AM007", "AM008"})
# Rules about a revision that cannot be run up and down; all other rules belong to the item `lint_clean`.
_RUNS = ("AM001", "AM101", "AM102", "AM103", "AM104", "AM2", "AM302", "AM5")


class UnsoundError(Exception):
    """A failed test item; the message is all that is shown."""


class ReadyTest(pytest.Item):
    """A test item; `check` returns what is wrong, or an empty text."""

    def __init__(self, check: Callable[[], str], **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]  # what pytest gives its items
        self.check = check

    def runtest(self) -> None:
        """Fail with the text of `check`."""
        if wrong := self.check():
            raise UnsoundError(wrong)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str | TerminalRepr:
        """The message without a traceback."""
        if isinstance(excinfo.value, UnsoundError | ArchmigError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)  # type: ignore[arg-type]  # as pytest calls it

    def reportinfo(self) -> tuple[Path, None, str]:
        """The location: the chain, not a test file."""
        return self.path, None, self.nodeid


class _Chain:
    """The checks of one chain; results that several items need are computed once in a run."""

    def __init__(self, project: ProjectConfig, source: Source) -> None:
        self.project, self.source = project, source

    @cached_property
    def examined(self) -> LintResult:
        """The findings of lint."""
        return examine(self.source, branches=labels_of(self.project))

    @cached_property
    def plain(self) -> PlainRun:
        """The outcome of running plain Alembic."""
        return run_plainly(self.source)

    def of(self, wanted: Callable[[Violation], bool]) -> str:
        """The chosen violations, as `archmig lint` shows them."""
        return "\n".join(
            violation_text(violation, Path.cwd()) for violation in self.examined.violations if wanted(violation)
        )

    def runs(self, revision: str) -> str:
        """Why a revision cannot be run up and down; empty if it can."""
        if revision in self.examined.untried:
            return f"{revision} comes after a revision that does not run, and could not be tried"
        return self.of(lambda violation: _keeps_from_running(violation, {revision}))

    def schema(self) -> str:
        """Differences between the schema that plain Alembic makes and the chain's."""
        run = self.plain
        if run.problem:
            return f"alembic upgrade heads failed: {run.problem}"
        return _headed("the schema that plain Alembic makes differs from the chain's:", run.drift)

    def models(self) -> str:
        """Differences between the schema that plain Alembic makes and the models of env.py."""
        run = self.plain
        if run.problem:
            return f"alembic upgrade heads failed: {run.problem}"
        if run.models is None:
            pytest.skip(f"there are no models to compare with: {run.no_models}")
        return _headed(
            "the schema that the revisions make differs from the models of env.py (alembic check):", run.models
        )


def ready_tests(session: pytest.Session, choose: Callable[[], tuple[ProjectConfig, Source]]) -> Iterator[pytest.Item]:
    """Yield the test items. Raises pytest.UsageError if no chain is found."""
    try:
        project, source = choose()
        graph = graph_of(revision_files(source))
        replaced = replaced_by_baseline(graph, source.chain.baseline_at)
    except ArchmigError as error:
        raise pytest.UsageError(f"--archmig: {error}") from error
    chain = _Chain(project, source)
    checks: dict[str, Callable[[], str]] = {"single_head": lambda: chain.of(lambda violation: violation.code in _HEADS)}
    # What archmig tries of a revision where the chain needs a server.
    way = "up_and_down" if source.chain.kind == LOCAL else "up"
    checks |= {
        f"{way}[{revision}]": partial(chain.runs, revision) for revision in graph.order if revision not in replaced
    }
    checks["schema_matches_the_chain"] = chain.schema
    checks["models_match_the_schema"] = chain.models
    known = frozenset(graph.order)
    checks["lint_clean"] = lambda: chain.of(
        lambda violation: violation.code not in _HEADS and not _keeps_from_running(violation, known)
    )
    for name, check in checks.items():
        yield ReadyTest.from_parent(session, name=name, nodeid=f"archmig::{name}", check=check)


def _headed(title: str, lines: Iterable[str]) -> str:
    """Lines under a title; empty without lines."""
    text = "\n".join(lines)
    return f"{title}\n{text}" if text else ""


def _keeps_from_running(violation: Violation, revisions: Collection[str]) -> bool:
    return violation.revision in revisions and violation.code.startswith(_RUNS)
