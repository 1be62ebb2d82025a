"""The project configuration as values: databases with their policies, and [[resolve]] entries."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, assert_never

from architect_migrate.core.errors import (
    NoFileMatchesError,
    NothingSelectedError,
    ResolutionsClashError,
    SameDatabaseError,
    SeveralEnvironmentsError,
    UnknownEnvironmentError,
)
from architect_migrate.core.names import fits
from architect_migrate.core.urls import database_identity
from architect_migrate.model.chain_config import ChainConfig, beside
from architect_migrate.model.choices import OnPending, Transaction, Uninitialised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl


# The limits of [backup] where it gives none: a number of backups, and seconds.
KEEP, MAX_AGE = 10, 30 * 86_400


class Repair(Enum):
    """Scope of a repair: rebuild tables too, only add missing objects, or nothing."""

    FULL = "full"
    ADDITIVE = "additive"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policies:
    """Policies of one environment; `lock_timeout` and `rehearsal_max_age` are in seconds.

    `lock_retries` is how often a run on a server is tried again that met a lock. Of a table with more bytes than
    `proof_copy_limit` a server makes no copy for the proof.

    `target` is a revision or "head". `heads` are several revisions or branch labels, and take precedence over `target`.
    """

    uninitialised: Uninitialised = Uninitialised.ERROR
    protected: bool = False
    repair: Repair = Repair.FULL
    target: str = "head"
    heads: tuple[str, ...] = ()
    lock_timeout: float = 5.0
    lock_retries: int = 2
    on_pending: OnPending = OnPending.WARN
    require_rehearsal: bool = False
    rehearsal_max_age: int = 86_400
    transaction: Transaction = Transaction.SEGMENTS
    proof_copy_limit: int = 10**9

    @property
    def targets(self) -> tuple[str, ...]:
        """The revisions or branches to upgrade to: `heads`, else `target` alone."""
        return self.heads or (self.target,)


@dataclass(frozen=True, slots=True)
class Environment:
    """One database and its policies; the path in `url` is absolute and real (symbolic links followed).

    `requires` names the environments that must have run a revision before this one. `engine` is its name in an env.py
    for several databases; empty in all others. `path_written` is the path before any link is followed; None for a
    database that is not a file, or not listed. `original` is the file of which this one is a copy. `section` is the
    name of the entry whose pattern matches the file; empty for an environment with an entry of its own.
    """

    name: str
    url: DatabaseUrl
    tags: frozenset[str] = frozenset()
    policies: Policies = Policies()
    requires: tuple[str, ...] = ()
    engine: str = ""
    path_written: Path | None = field(default=None, compare=False)
    original: Path | None = field(default=None, compare=False)
    section: str = ""

    @property
    def words(self) -> frozenset[str]:
        """The words by which [[resolve]] entries name this environment: its name, its section and its tags."""
        return self.tags | {self.name, self.section or self.name}

    @property
    def places(self) -> tuple[Path, ...]:
        """The files whose opening by the chain's code means this database, as real paths."""
        return tuple(path for path in (self.url.path, self.original) if path is not None)

    def copied_to(self, url: DatabaseUrl) -> Environment:
        """Return the environment on a copy of its database."""
        return replace(self, url=url, original=self.original or self.url.path)


class Kind(Enum):
    """Kind of object that a [[resolve]] entry names."""

    TABLE = "table"
    COLUMN = "column"
    INDEX = "index"
    TRIGGER = "trigger"
    VIEW = "view"
    CONSTRAINT = "constraint"
    NAMES = "names of constraints"
    REVISION = "revision"
    STAMP = "stamp"
    # What only some kinds of database have, by the words of `Object.kind`.
    AGGREGATE = "aggregate"
    DOMAIN = "domain"
    EVENT_TRIGGER = "event trigger"
    EXTENSION = "extension"
    FUNCTION = "function"
    MATERIALIZED_VIEW = "materialized view"
    POLICY = "policy"
    PROCEDURE = "procedure"
    RULE = "rule"
    SEQUENCE = "sequence"
    STATISTICS = "statistics"
    TYPE = "type"

    @property
    def key(self) -> str:
        """The key of an entry that names an object of this kind."""
        return self.value.replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Subject:
    """The object of a [[resolve]] entry; `table` is None for a view, and for an index or trigger named alone.

    A constraint is given by its name, or by its `columns` with an empty name. `written` is how a message shows it.
    """

    kind: Kind
    name: str
    table: str | None = None
    columns: tuple[str, ...] = ()
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        if self.written:
            return self.written
        match self.kind:
            case Kind.COLUMN:
                return f"{self.table}.{self.name}"
            case Kind.CONSTRAINT if self.columns:
                return f"constraint {self.table}({', '.join(self.columns)})"
            case Kind.CONSTRAINT | Kind.POLICY | Kind.RULE:
                return f"{self.kind.value} {self.table}.{self.name}"
            case _:
                return f"{self.kind.value} {self.name}"

    def folded(self, fold: Fold) -> Subject:
        """Return the subject with its names as a kind of database compares them."""
        if self.kind in {Kind.REVISION, Kind.STAMP}:
            return self
        table = None if self.table is None else fold(self.table)
        return Subject(self.kind, fold(self.name), table, tuple(map(fold, self.columns)), str(self))


def tables_and_columns(subjects: Iterable[Subject]) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Return the names of the tables and of the columns (table, column) among the objects of entries."""
    its = tuple(subjects)
    tables = frozenset(subject.name for subject in its if subject.kind is Kind.TABLE)
    columns = frozenset((subject.table or "", subject.name) for subject in its if subject.kind is Kind.COLUMN)
    return tables, columns


@dataclass(frozen=True, slots=True)
class Origin:
    """Place of a resolution: its file and its number among the [[resolve]] entries, from 1; or a policy instead."""

    file: Path
    entry: int
    policy: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.words}"

    @property
    def words(self) -> str:
        """The place without the file: `resolve[2]`, or the policy."""
        return self.policy or f"resolve[{self.entry}]"


@dataclass(frozen=True, slots=True)
class Fill:
    """Resolution that fills a column from `copy_from`, or with `default` (SQL text) where that is NULL or not given.

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
    written: str = field(default="", compare=False)

    @property
    def subject(self) -> Subject:
        """The column as a Subject, as in Keep and Drop."""
        return Subject(Kind.COLUMN, self.column, self.table, written=self.written)

    def folded(self, fold: Fold) -> Fill:
        """Return the entry with its names as a kind of database compares them."""
        return replace(self, table=fold(self.table), column=fold(self.column), written=str(self.subject))


@dataclass(frozen=True, slots=True)
class Keep:
    """Resolution that keeps the subject in the database's shape instead of the chain's."""

    subject: Subject
    origin: Origin = field(compare=False)
    environments: frozenset[str] = frozenset()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """Resolution that drops a subject which the chain does not have."""

    subject: Subject
    origin: Origin = field(compare=False)
    environments: frozenset[str] = frozenset()
    reason: str = ""


class RowAnswer(Enum):
    """Answer about a revision's row statements: run them, they have run, or they have not run and are not wanted."""

    RUN = "run"
    DONE = "done"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Rows:
    """Resolution that answers whether a revision's row statements ran, if the database does not show it."""

    revision: str
    answer: RowAnswer
    origin: Origin = field(compare=False)
    environments: frozenset[str] = frozenset()
    reason: str = ""

    @property
    def subject(self) -> Subject:
        """The revision as a Subject, as in Keep and Drop."""
        return Subject(Kind.REVISION, self.revision)


Fold: TypeAlias = "Callable[[str], str]"
# `environments` of each holds names and tags; empty means every environment.
Resolution: TypeAlias = Fill | Keep | Drop | Rows


@dataclass(frozen=True, slots=True)
class Tracker:
    """Table and column names of the legacy tracker.

    `skipped` are texts in description or checksum that mark a migration which never ran. `sync`: reconcile corrects
    the tracker's rows.
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
    """Receiver of a notification when a check's result has changed: a URL to post to, a command to run, or both."""

    webhook: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """An entry [env.NAME] whose path is a pattern: each file that it matches is an environment.

    `pattern` is the path as written, `folder` the absolute one below which files are looked for, `members` the names of
    its environments, sorted. `unread` are folders that could not be listed, each with the reason.
    """

    name: str
    pattern: str
    folder: Path
    members: tuple[str, ...]
    tags: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()

    @property
    def problem(self) -> str:
        """What of its files could not be found; empty if all were."""
        if self.unread:
            return "; ".join(self.unread)
        return "" if self.members else f"no file matches {self.pattern!r} in {self.folder}"


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """Contents of environments.toml; paths are absolute, ages in seconds, `defaults` apply to files named by path.

    `ledger` is its file; None: in `.archmig` beside environments.toml.
    `sections` are the entries that stand for several environments. `warnings` are faults that stop no command.
    `script_written` is the path of the chain's configuration before any link is followed; None if the file names none.
    """

    file: Path
    environments: tuple[Environment, ...]
    chain: ChainConfig
    default_environment: str | None = None
    defaults: Policies = Policies()
    resolutions: tuple[Resolution, ...] = ()
    tracker: Tracker | None = None
    backup_dir: Path | None = None
    backup_keep: int | None = KEEP
    backup_max_age: int | None = MAX_AGE
    notify: Notify | None = None
    script_written: Path | None = field(default=None, compare=False)
    sections: tuple[Section, ...] = ()
    ledger: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all environments, then those of the sections."""
        return (*(each.name for each in self.environments), *(each.name for each in self.sections))

    @property
    def tags(self) -> frozenset[str]:
        """The tags of all environments, and those of sections without any file."""
        its = (*(each.tags for each in self.environments), *(each.tags for each in self.sections))
        return frozenset[str]().union(*its)


def empty_project(folder: Path) -> ProjectConfig:
    """Return the configuration of a folder without environments.toml; databases can still be named by their path."""
    return ProjectConfig(file=folder / "environments.toml", environments=(), chain=beside(folder / "alembic.ini"))


def chain_of_engine(project: ProjectConfig, engine: str) -> ChainConfig:
    """Return the chain's configuration for the environments with an engine; empty where env.py is for one database."""
    its = (environment for environment in project.environments if environment.engine == engine)
    return replace(project.chain, engine=engine).at(*(place for environment in its for place in environment.places))


def resolutions_for(project: ProjectConfig, environment: Environment, fold: Fold) -> tuple[Resolution, ...]:
    """Return the entries that apply to an environment, in file order; every entry for a file that is not listed.

    `fold` is how its kind of database compares names.

    Raises ResolutionsClashError if two of them name the same object.
    """
    listed = any(each.name == environment.name and each == environment for each in project.environments)
    chosen = tuple(
        _folded(entry, fold)
        for entry in project.resolutions
        if not listed or not entry.environments or entry.environments & environment.words
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
    # Why: correcting the name of a constraint takes a rebuild, which this policy forbids. It is kept and reported.
    policy = Origin(project.file, 0, f'repair = "{repair.value}"')
    return (*chosen, Keep(Subject(Kind.NAMES, ""), policy))


def _folded(entry: Resolution, fold: Fold) -> Resolution:
    match entry:
        case Fill():
            return entry.folded(fold)
        case Keep() | Drop():
            return replace(entry, subject=entry.subject.folded(fold))
        case Rows():
            return entry
        case _:
            assert_never(entry)


def _settled(subject: Subject) -> tuple[str, ...]:
    """Return a key that is equal for subjects which are one object. Only some are named within a table."""
    match subject.kind:
        case Kind.COLUMN | Kind.POLICY | Kind.RULE:
            return (subject.kind.value, subject.table or "", subject.name)
        case Kind.CONSTRAINT:
            return ("constraint", subject.table or "", subject.name, *sorted(subject.columns))
        case _:
            return (subject.kind.value, subject.name)


def every_environment(project: ProjectConfig) -> tuple[Environment, ...]:
    """Return every environment in file order. Raises NothingSelectedError, NoFileMatchesError, SameDatabaseError."""
    if not project.environments:
        raise _nothing_found(project, project.sections)
    return distinct(project.environments)


def select(
    project: ProjectConfig, names: Iterable[str], tags: Iterable[str], by_path: Sequence[Environment] = ()
) -> tuple[Environment, ...]:
    """Return the environments with these names or tags in file order, then those by path; the default one if none.

    The name of a section means all of its environments, and a name with `*` all that it fits.
    Raises UnknownEnvironmentError, NothingSelectedError, NoFileMatchesError, SameDatabaseError (a database selected
    twice).
    """
    wanted, tagged = set(names), set(tags)
    if not (wanted or tagged or by_path):
        if project.default_environment is None:
            raise NothingSelectedError(str(project.file))
        wanted = {project.default_environment}
    wanted = {name for word in wanted for name in _meant(word, project.names)}
    _refuse_unknown(project, "environment", wanted, project.names)
    _refuse_unknown(project, "tag", tagged, project.tags)
    listed = tuple(one for one in project.environments if {one.name, one.section} & wanted or one.tags & tagged)
    if not (listed or by_path):
        raise _nothing_found(project, (one for one in project.sections if one.name in wanted or one.tags & tagged))
    return distinct((*listed, *by_path))


def select_one(project: ProjectConfig, word: str) -> Environment:
    """Return the environment of this name; the default one if the name is empty.

    Raises SeveralEnvironmentsError for a section, however many files it has now, and as `select`.
    """
    name = word or project.default_environment or ""
    section = next((one for one in project.sections if one.name == name), None)
    if section and section.members:
        raise SeveralEnvironmentsError(str(project.file), name, section.members)
    chosen = select(project, [word] if word else [], [])
    if len(chosen) > 1:
        raise SeveralEnvironmentsError(str(project.file), name, tuple(one.name for one in chosen))
    return chosen[0]


def _meant(word: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that a word means: those that it fits if it has a `*` and is no name itself."""
    if "*" not in word or word in names:
        return (word,)
    return tuple(name for name in names if fits(word, name)) or (word,)


def _nothing_found(project: ProjectConfig, sections: Iterable[Section]) -> NothingSelectedError | NoFileMatchesError:
    section = next(iter(sections), None)
    if section is None:
        return NothingSelectedError(str(project.file))
    return NoFileMatchesError(str(project.file), section.name, section.problem)


def distinct(environments: Iterable[Environment]) -> tuple[Environment, ...]:
    """Return the environments unchanged. Raises SameDatabaseError if two of them are one database."""
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
