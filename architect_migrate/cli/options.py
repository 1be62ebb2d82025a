"""The options that all commands share, declared once, and the wrappers that add them to a command's function."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from architect_migrate.cli.by_path import files_among
from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import guarded
from architect_migrate.config.entry_paths import looks_like_url
from architect_migrate.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Names = Annotated[
    list[str] | None,
    typer.Option("--env", "-e", metavar="ENV", help="An environment by name; repeatable."),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", help="All environments with this tag; repeatable."),
]
Paths = Annotated[
    list[Path] | None,
    typer.Option("--db", metavar="PATH", help="A database file, or a pattern like 'data/*.db'; repeatable."),
]
All = Annotated[bool, typer.Option("--all", help="All environments.")]
Environments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ENV]...", help="Environments by name, like -e ENV."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="The environments.toml to use, instead of the nearest one."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout (docs/json.md).")]
Debug = Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, metavar="N", help="Work on N databases at a time.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the steps of the plan; change nothing.")]
DrySql = Annotated[bool, typer.Option("--sql", help="Print the steps and every SQL statement; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Grid = Annotated[bool, typer.Option("--grid", help="Print a table of environments by revisions.")]
RowAnswers = Annotated[
    list[str] | None,
    typer.Option(
        "--rows",
        metavar="REV=ANSWER",
        help="Settle whether REV changed rows: REV=run, REV=done or REV=skip; repeatable.",
    ),
]
ReplacedStamps = Annotated[
    list[str] | None,
    typer.Option(
        "--replace-stamp",
        metavar="ROW",
        help="Drop ROW of the version table and stamp what the schema proves; repeatable.",
    ),
]
OneRevision = Annotated[
    str | None, typer.Option("--revision", metavar="REV", help="One revision, by its id or the start of it.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Name every effect and every finding.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[REV] [ENV]...",
        help="The revision to go to (an id, +N or REV+N; default: the target of each environment), and environments.",
    ),
]
DownTarget = Annotated[
    str, typer.Argument(metavar="REV", help="The newest revision that stays: an id, base, -N or REV-N.")
]
PromoteTo = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="ENV", help="An environment by name; repeatable."),
]
Roundtrip = Annotated[
    bool, typer.Option("--roundtrip", help="Then take the revisions back, run them again and compare.")
]
EveryStep = Annotated[bool, typer.Option("--verbose", "-v", help="Show every step, not only the slowest.")]
Head = Annotated[str | None, typer.Option("--head", metavar="REV", help="The head to take back, if there are several.")]
LoseRows = Annotated[bool, typer.Option("--lose-rows", help="Accept that rows and values are lost.")]
MeasuredWords = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[REV] [ENV]...", help="One revision, to be measured statement by statement, and environments."
    ),
]
UpgradeSql = Annotated[
    bool,
    typer.Option(
        "--sql",
        help="Print the SQL script that Alembic prints offline; with --dry-run, the steps and every statement. "
        "Change nothing.",
    ),
]
Notify = Annotated[
    bool,
    typer.Option("--notify", help="Send what changed since the last check to [notify] of environments.toml."),
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
    """Make the callback that takes the options before the command; `version` declares the option `--version`."""

    def run(context: typer.Context, **values: Any) -> None:
        context.obj = Options(**{name: values[name] for name in _GLOBAL})

    return _declared(run, {**_GLOBAL, "version": (version, False)})


def selecting(body: Callable[..., int]) -> Callable[..., None]:
    """Make a command on environments, named by options or as words; `body(options, ...)` returns its exit code."""
    return _command(body, {"environments": (Environments, None), **_SELECTING, **_GLOBAL})


def selecting_by_option(body: Callable[..., int]) -> Callable[..., None]:
    """Make a command on environments whose words mean something else, or are interpreted by its body."""
    return _command(body, {**_SELECTING, **_GLOBAL})


def solitary(body: Callable[..., int]) -> Callable[..., None]:
    """Make a command that works on no environment."""
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
    """Give a function these parameters for Typer to read."""
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
    """Raise UsageError for a URL in the place of a file: its password would be shown as part of a file's name."""
    every = (one for value in values for one in (value if isinstance(value, list) else [value]))
    if any(isinstance(value, Path) and looks_like_url(value) for value in every):
        raise UsageError("a URL was given where a path is expected", "list the database in environments.toml as a url")


def _merged(context: typer.Context, after: dict[str, Any]) -> Options:
    """Merge the options before the command with those after it, which win; environments as words are names."""
    before: Options = context.obj or Options()
    words, files = files_among(after.pop("environments", None) or (), after.get("paths") or before.paths)
    names = [*(after.get("names") or ()), *words]
    after = {**after, "paths": [*(after.get("paths") or before.paths), *files]}
    said: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in {**after, "names": names}.items()
        if value
    }
    return replace(before, command=context.command_path.partition(" ")[2], **said)
