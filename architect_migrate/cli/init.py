"""The command `archmig init`, which writes the environments.toml of a project."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.options import Yes
from architect_migrate.cli.present import narrating, present
from architect_migrate.cli.prompt import answer_to, ask, require_terminal
from architect_migrate.cli.selection import cache, to_read
from architect_migrate.cli.terminal import say, tell
from architect_migrate.config.locate import named_config
from architect_migrate.core.errors import ArchmigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from architect_migrate.cli.report.init import Standing
    from architect_migrate.lint.lint import LintResult
    from architect_migrate.revisions.replay import Source

Chain = Annotated[
    str,
    typer.Option("--chain", metavar="FILE[:SECTION]", help="The alembic.ini or pyproject.toml, if there are several."),
]
Databases = Annotated[
    list[Path] | None,
    typer.Option("--db", metavar="PATH", help="A database, instead of those that are found; repeatable."),
]
EnvNames = Annotated[
    list[str] | None,
    typer.Option("--env", "-e", metavar="NAME", help="The name of each --db, in the same order; repeatable."),
]
App = Annotated[
    str, typer.Option("--app", metavar="MODULE:NAME", help="The Flask application in whose context env.py runs.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the file; write nothing.")]
# So many revisions are checked by lint; of a longer chain only the newest.
_CHECKED = 25


def init(
    options: Options,
    *,
    chain: Chain = "",
    databases: Databases = None,
    names: EnvNames = None,
    app: App = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Write environments.toml for a project that has an Alembic chain.

    Finds the chain, how env.py comes by its database, and the databases, by reading files and by replaying the chain on
    a scratch database. At a terminal it asks what it cannot know; --yes takes what it found. Then it shows the status
    of the databases. Nothing but environments.toml is written.
    """
    from architect_migrate.authoring.adopt import adopt
    from architect_migrate.cli.report.init import dry_report, init_report

    if not (yes or dry_run):
        require_terminal("look with archmig init --dry-run, then pass --yes")
    file = Path.cwd() / (options.config or named_config(os.environ) or "environments.toml")
    wish = adopt.Wish(file, Path.cwd(), chain, tuple(databases or ()), tuple(names or ()), app)
    person = _Found() if yes or dry_run else _Asked()
    adoption = adopt.work_out(wish, person, cache(), say if narrating(options) else lambda _: None)
    if dry_run:
        return present(options, 0, dry_report(adoption))
    if not person.agrees(f"{adoption.text}\nWrite this to {adoption.file}?"):
        say("nothing was written")
        return 1
    adopt.write(adoption)
    standing = _standing(replace(options, config=adoption.file, names=(), paths=()))
    return present(options, standing.exit_code, init_report(adoption, standing))


def _standing(options: Options) -> Standing:
    """Survey the databases and check the revisions, as `status` and `lint` do."""
    from architect_migrate.cli.gather import surveyed
    from architect_migrate.cli.log import known
    from architect_migrate.cli.report.init import Standing
    from architect_migrate.cli.report.status import status_report
    from architect_migrate.runs import observe

    try:
        contexts, began = to_read(options), time.time()
        graph = contexts[0].chain
        results = surveyed(contexts, options, partial(observe.observe, action="status"))
        status = status_report(results, graph, *known(contexts, results, began))
        return Standing(results, status, *_linted(contexts[0].source.whole))
    except ArchmigError as error:
        tell(f"archmig: {error}")
        return Standing(error=error)


def _linted(source: Source) -> tuple[LintResult, str]:
    """Check the revisions, of a long chain only the newest; return what was found, and in which of them."""
    from architect_migrate.lint.lint import examine
    from architect_migrate.model.revision_graph import heads

    if len(source.graph.order) <= _CHECKED:
        return examine(source), "lint"
    newest = frozenset(heads(source.graph, frozenset(source.graph.order)))
    return examine(source, newest), "lint of the newest"


@dataclass(frozen=True, slots=True)
class _Found:
    """What stands for a person with `--yes`: every question has its default, and what cannot be known is refused."""

    def choice(self, question: str, options: Sequence[str]) -> int | None:  # noqa: ARG002  (of the protocol)
        return None

    def text(self, question: str) -> str:  # noqa: ARG002  (of the protocol)
        return ""

    def agrees(self, question: str) -> bool:  # noqa: ARG002  (of the protocol)
        return True


@dataclass(frozen=True, slots=True)
class _Asked:
    """A person at the terminal."""

    def choice(self, question: str, options: Sequence[str]) -> int | None:
        for number, option in enumerate(options, 1):
            say(f"  {number}  {option}")
        answer = ask(f"{question} [1-{len(options)}]")
        return int(answer) - 1 if answer.isdecimal() and 0 < int(answer) <= len(options) else None

    def text(self, question: str) -> str:
        return ask(f"{question} [none]:")

    def agrees(self, question: str) -> bool:
        answer = answer_to(f"{question} [Y/n]")
        return answer is not None and answer.lower() in {"", "y", "yes"}
