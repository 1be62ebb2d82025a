"""What several JSON documents have in common."""

from __future__ import annotations

from typing import Annotated, Literal, Never, NotRequired, TypedDict

# What follows the type in `Annotated` are the values that there are.
StateName = Annotated[
    str,
    "could_not_tell",
    "missing",
    "uninitialised",
    "unknown_stamp",
    "undecided",
    "drifted",
    "unstamped",
    "behind",
    "up_to_date",
]
ExitCode = Annotated[int, 0, 1, 2, 130]
OutcomeName = Annotated[str, "done", "nothing", "planned", "skipped", "blocked", "failed"]


class ProblemJson(TypedDict):
    """An error: archmig's name for it, and one line."""

    type: str
    message: str


class EnvironmentJson(TypedDict):
    """What the object of an environment begins with."""

    name: str
    database: str
    error: ProblemJson | None


class FailedJson(TypedDict):
    """An environment of which only the error is known."""

    name: str
    database: str
    error: ProblemJson


class Envelope(TypedDict):
    """What every document of a command holds, beside its environments."""

    version: Literal[2]
    exit_code: ExitCode
    warnings: NotRequired[list[str]]


class FailureDocument(Envelope):
    """The document of a command that could not begin."""

    command: str
    error: ProblemJson
    environments: list[Never]


class FindingJson(TypedDict):
    """Something that was found, and what to do about it."""

    level: Annotated[str, "blocking", "repair", "warning", "note"]
    code: str
    subject: str
    found: str
    advice: str | None
    revision: str | None
    resolve: str | None


class LossJson(TypedDict):
    """Rows of a table, or values of a column, that go, unless a downgrade() brings them back to another place."""

    object: str
    rows: int
    unless: str | None


class FlawJson(TypedDict):
    """A flaw in a revision file."""

    code: str
    grade: Annotated[str, "error", "warning"]
    revision: str | None
    file: str
    line: int
    message: str
    fix: str
    sql: str | None


class NoticeJson(TypedDict):
    """What is no longer as archmig left it."""

    code: str
    found: str
    entry: int
    resembles: int | None
