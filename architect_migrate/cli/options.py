"""The options that all commands share, declared once: `command` adds them to a function and takes care of the end."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import guarded
from architect_migrate.config.loader import looks_like_url
from architect_migrate.core.errors import UsageError
from architect_migrate.runs.rehearsal.results import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Names = Annotated[list[str] | None, typer.Option("--env", "-e", metavar="NAME", help="This environment; repeatable.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Those with this tag; repeatable.")]
Paths = Annotated[
    list[Path] | None,
    typer.Option("--db", metavar="PATH", help="This file, though it be in no environments.toml; repeatable."),
]
All = Annotated[bool, typer.Option("--all", help="Every environment.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="This environments.toml, not the one found from here."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout (docs/json.md).")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, metavar="N", help="Work on N databases at a time.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, its steps and its SQL; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Grid = Annotated[bool, typer.Option("--grid", help="Environments by revisions, one cell each.")]
OneRevision = Annotated[
    str | None, typer.Option("--revision", metavar="REV", help="One revision, by any beginning that is its alone.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Every effect and every finding by name.")]
Target = Annotated[str | None, typer.Argument(metavar="[REV]", help="Up to this revision, not the environment's own.")]
DownTarget = Annotated[str, typer.Argument(metavar="REV", help="The newest revision to stay, or base.")]
PromoteTo = Annotated[list[str], typer.Option("--to", metavar="NAME", help="This environment; repeatable.")]
Roundtrip = Annotated[bool, typer.Option("--roundtrip", help="Then take it back and run it again, and compare.")]
Rehearsed = Annotated[
    Command | None,
    typer.Option("--command", help="Rehearse this one; else upgrade, or reconcile where the database has drifted."),
]
EveryStep = Annotated[bool, typer.Option("--verbose", "-v", help="Every step, not the slowest alone.")]
Head = Annotated[
    str | None, typer.Option("--head", metavar="REV", help="Of several newest revisions, the one to take back.")
]
LoseRows = Annotated[bool, typer.Option("--lose-rows", help="Rows and values that go with it may go.")]
Measured = Annotated[str | None, typer.Argument(metavar="[REV]", help="This revision alone, statement by statement.")]
Sql = Annotated[bool, typer.Option("--sql", help="Print the SQL that Alembic would run; change nothing.")]
Notify = Annotated[
    bool,
    typer.Option("--notify", help="Tell [notify] in environments.toml what came out otherwise than the last time."),
]

_GLOBAL: dict[str, tuple[Any, Any]] = {"config": (ConfigFile, None), "as_json": (Json, False), "debug": (Debug, False)}
_SELECTING: dict[str, tuple[Any, Any]] = {
    "names": (Names, None),
    "tags": (Tags, None),
    "everything": (All, False),
    "paths": (Paths, None),
    "jobs": (Jobs, 1),
}


def preceding(version: object) -> Callable[..., None]:
    """Take the options that stand before the command; `version` declares one that shows the version."""

    def run(context: typer.Context, **values: Any) -> None:
        context.obj = Options(**{name: values[name] for name in _GLOBAL})

    return _declared(run, {**_GLOBAL, "version": (version, False)})


def selecting(body: Callable[..., int]) -> Callable[..., None]:
    """A command on environments: `body(options, ...)` returns its exit code."""
    return _command(body, {**_SELECTING, **_GLOBAL})


def solitary(body: Callable[..., int]) -> Callable[..., None]:
    """A command that works on no environment."""
    return _command(body, _GLOBAL)


def _command(body: Callable[..., int], shared: dict[str, tuple[Any, Any]]) -> Callable[..., None]:
    own = [
        parameter
        for parameter in inspect.signature(body, eval_str=True).parameters.values()
        if parameter.name != "options"
    ]

    @wraps(body)
    def run(context: typer.Context, **values: Any) -> None:
        options = _merged(context, {name: values.pop(name) for name in shared})

        def work() -> int:
            _refuse_urls((options.config, *options.paths, *values.values()))
            return body(options, **values)

        raise SystemExit(guarded(options, work))

    del run.__wrapped__  # else the hints would be read from the body
    return _declared(run, shared, own)


def _declared(
    run: Callable[..., None], shared: dict[str, tuple[Any, Any]], own: Iterable[inspect.Parameter] = ()
) -> Callable[..., None]:
    """The function, with these parameters for Typer to read."""
    parameters = [inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)]
    parameters += [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in shared.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions take any attribute
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _refuse_urls(values: Iterable[object]) -> None:
    """Raise UsageError for a URL in the place of a file: it would be shown, and be a file's name, with its password."""
    if any(isinstance(value, Path) and looks_like_url(value) for value in values):
        raise UsageError("a URL stands where a file or folder is to be named", "name that, or list the URL as a url")


def _merged(context: typer.Context, after: dict[str, Any]) -> Options:
    """What was said after the command, and where that says nothing, what was said before it."""
    before: Options = context.obj or Options()
    said: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in after.items() if value
    }
    return replace(before, command=context.command_path.partition(" ")[2], **said)
