"""The environment matrix as values: databases with their policies, and what a person settled beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, assert_never

from architect_migrate.core.errors import (
    NothingSelectedError,
    ResolutionsClashError,
    SameDatabaseError,
    UnknownEnvironmentError,
)
from architect_migrate.core.names import fold
from architect_migrate.core.urls import database_identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl


class Repair(Enum):
    """How far a repair may go: rebuild tables too, only add what is missing, or nothing at all."""

    FULL = "full"
    ADDITIVE = "additive"
    NONE = "none"


class Uninitialised(Enum):
    """What to do with a database that has nothing of the chain: pass over it, build it, or refuse."""

    SKIP = "skip"
    CREATE = "create"
    ERROR = "error"


class OnPending(Enum):
    """What an application's start does about pending revisions: say so, run them, or refuse to start."""

    WARN = "warn"
    UPGRADE = "upgrade"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Policies:
    """How one environment is to be treated; `lock_timeout` and `rehearsal_max_age` in seconds.

    `target` is a revision or "head"; `heads` are several, branch labels among them, and then `target` says nothing.
    """

    uninitialised: Uninitialised = Uninitialised.ERROR
    protected: bool = False
    repair: Repair = Repair.FULL
    target: str = "head"
    heads: tuple[str, ...] = ()
    lock_timeout: float = 5.0
    on_pending: OnPending = OnPending.WARN
    require_rehearsal: bool = False
    rehearsal_max_age: int = 86_400

    @property
    def targets(self) -> tuple[str, ...]:
        """The revisions and branches whose heads are wanted: `heads`, else `target` alone."""
        return self.heads or (self.target,)


@dataclass(frozen=True, slots=True)
class Environment:
    """One database and its policies; the path in `url` is absolute and real (symbolic links followed).

    `requires` names the environments that must have had a revision before this one gets it. `path_written` is the
    path before any link is followed; None for a database that is no file, or that is not listed.
    """

    name: str
    url: DatabaseUrl
    tags: frozenset[str] = frozenset()
    policies: Policies = Policies()
    requires: tuple[str, ...] = ()
    path_written: Path | None = field(default=None, compare=False)


class Kind(Enum):
    """The kinds of things that a [[resolve]] entry can name."""

    TABLE = "table"
    COLUMN = "column"
    INDEX = "index"
    TRIGGER = "trigger"
    VIEW = "view"
    CONSTRAINT = "constraint"
    NAMES = "names of constraints"
    REVISION = "revision"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an entry settles; `table` is None for a view, and for an index or trigger named alone.

    A constraint goes by its name, or by its `columns`, and then its name is empty.
    """

    kind: Kind
    name: str
    table: str | None = None
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        match self.kind:
            case Kind.COLUMN:
                return f"{self.table}.{self.name}"
            case Kind.CONSTRAINT if self.columns:
                return f"constraint {self.table}({', '.join(self.columns)})"
            case Kind.CONSTRAINT:
                return f"constraint {self.table}.{self.name}"
            case _:
                return f"{self.kind.value} {self.name}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry stands: the file, and its number among the [[resolve]] entries, from 1; or the policy instead."""

    file: Path
    entry: int
    policy: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.words}"

    @property
    def words(self) -> str:
        """The same without the file."""
        return self.policy or f"resolve[{self.entry}]"


@dataclass(frozen=True, slots=True)
class Fill:
    """A column's rows get the value of `copy_from`; `default` (SQL text) where that is NULL or not named.

    `nullable`: the column stays nullable, though the chain says NOT NULL.
    """

    table: str
    column: str
    copy_from: str | None
    default: str | None
    nullable: bool
    origin: Origin = field(compare=False)
    environments: frozenset[str] = frozenset()
    reason: str = ""

    @property
    def subject(self) -> Subject:
        """The column, as Keep and Drop name theirs."""
        return Subject(Kind.COLUMN, self.column, self.table)


@dataclass(frozen=True, slots=True)
class Keep:
    """The database's own shape of the subject stands, whatever the chain says."""

    subject: Subject
    origin: Origin = field(compare=False)
    environments: frozenset[str] = frozenset()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """The subject, unknown to the chain, is removed."""

    subject: Subject
    origin: Origin = field(compare=False)
    environments: frozenset[str] = frozenset()
    reason: str = ""


class RowAnswer(Enum):
    """How a person settles the rows of a revision: run its statements; they ran; they did not, and shall not."""

    RUN = "run"
    DONE = "done"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Rows:
    """Whether the row statements of a revision ran on a database of which that cannot be told."""

    revision: str
    answer: RowAnswer
    origin: Origin = field(compare=False)
    environments: frozenset[str] = frozenset()
    reason: str = ""

    @property
    def subject(self) -> Subject:
        """The revision, as Keep and Drop name theirs."""
        return Subject(Kind.REVISION, self.revision)


# `environments` of each holds names and tags; empty means every environment.
Resolution: TypeAlias = Fill | Keep | Drop | Rows


@dataclass(frozen=True, slots=True)
class Tracker:
    """The legacy tracker's table and columns; `skipped` marks, in description or checksum, what never ran.

    `sync`: reconcile corrects its rows to the truth.
    """

    table: str = "schema_versions"
    version: str = "version"
    applied_at: str = "applied_at"
    description: str = "description"
    checksum: str = "checksum"
    skipped: tuple[str, ...] = ("skipped", "manual-skip")
    sync: bool = False


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told when a check comes out otherwise than the last: a URL to post to, a command to run, or both."""

    webhook: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """All of environments.toml; paths are absolute, `defaults` for files named by path, ages in seconds.

    `script_written` is the path to `script` before any link is followed; None where the file names none.
    """

    file: Path
    environments: tuple[Environment, ...]
    script: Path
    default_environment: str | None = None
    defaults: Policies = Policies()
    resolutions: tuple[Resolution, ...] = ()
    tracker: Tracker | None = None
    backup_dir: Path | None = None
    backup_keep: int | None = None
    backup_max_age: int | None = None
    notify: Notify | None = None
    script_written: Path | None = field(default=None, compare=False)


def empty_project(folder: Path) -> ProjectConfig:
    """What holds in a folder without environments.toml, so that a database can still be named by its path."""
    return ProjectConfig(file=folder / "environments.toml", environments=(), script=folder / "alembic.ini")


def resolutions_for(project: ProjectConfig, environment: Environment) -> tuple[Resolution, ...]:
    """The entries that hold for an environment, in file order; for a file that is not listed, every entry.

    Raises ResolutionsClashError where two of them settle one thing.
    """
    listed = any(each.name == environment.name and each == environment for each in project.environments)
    words = environment.tags | {environment.name}
    chosen = tuple(
        entry for entry in project.resolutions if not listed or not entry.environments or entry.environments & words
    )
    seen: dict[tuple[str, ...], Resolution] = {}
    for entry in chosen:
        first = seen.setdefault(_settled(entry.subject), entry)
        if first is not entry:
            numbers = first.origin.entry, entry.origin.entry
            raise ResolutionsClashError(str(project.file), environment.name, str(entry.subject), *numbers)
    repair = environment.policies.repair
    if repair is Repair.FULL:
        return chosen
    # The name of a constraint takes a rebuild, which such a policy forbids: then it stands as it is, and is told.
    policy = Origin(project.file, 0, f'repair = "{repair.value}"')
    return (*chosen, Keep(Subject(Kind.NAMES, ""), policy))


def _settled(subject: Subject) -> tuple[str, ...]:
    """What a subject is to SQLite: case does not tell names apart; only columns and constraints live in a table."""
    match subject.kind:
        case Kind.COLUMN:
            return ("column", fold(subject.table or ""), fold(subject.name))
        case Kind.CONSTRAINT:
            columns = sorted(fold(column) for column in subject.columns)
            return ("constraint", fold(subject.table or ""), fold(subject.name), *columns)
        case Kind.REVISION:
            return ("revision", subject.name)
        case Kind.TABLE | Kind.VIEW | Kind.INDEX | Kind.TRIGGER | Kind.NAMES:
            return (subject.kind.value, fold(subject.name))
        case _:
            assert_never(subject.kind)


def everything(project: ProjectConfig) -> tuple[Environment, ...]:
    """Every environment, in file order; raises NothingSelectedError for a file without any."""
    if not project.environments:
        raise NothingSelectedError(str(project.file))
    return project.environments


def select(
    project: ProjectConfig, names: Iterable[str], tags: Iterable[str], by_path: Sequence[Environment] = ()
) -> tuple[Environment, ...]:
    """The environments of these names or tags in file order, then those by path; with none, the default.

    Raises UnknownEnvironmentError, NothingSelectedError, SameDatabaseError (a file chosen twice).
    """
    wanted, tagged = set(names), set(tags)
    if not (wanted or tagged or by_path):
        if project.default_environment is None:
            raise NothingSelectedError(str(project.file))
        wanted = {project.default_environment}
    _refuse_unknown(project, "environment", wanted, (one.name for one in project.environments))
    _refuse_unknown(project, "tag", tagged, (tag for one in project.environments for tag in one.tags))
    listed = (one for one in project.environments if one.name in wanted or one.tags & tagged)
    return distinct((*listed, *by_path))


def distinct(environments: Iterable[Environment]) -> tuple[Environment, ...]:
    """The same environments; raises SameDatabaseError when two of them are one database."""
    seen: dict[str, Environment] = {}
    for environment in environments:
        key = database_identity(environment.url)
        if key in seen:
            raise SameDatabaseError(seen[key].name, environment.name, str(environment.url.path or environment.url))
        seen[key] = environment
    return tuple(seen.values())


def _refuse_unknown(project: ProjectConfig, kind: str, words: set[str], known: Iterable[str]) -> None:
    right = tuple(sorted(set(known)))
    for word in sorted(words.difference(right)):
        raise UnknownEnvironmentError(str(project.file), kind, word, right)
