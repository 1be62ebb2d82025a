"""The documents of commands that change something, or rehearse a change."""

from __future__ import annotations

from typing import Annotated, Literal, Never, NotRequired, TypedDict

from architect_migrate.cli.documents.common import (
    Envelope,
    EnvironmentJson,
    FailedJson,
    FindingJson,
    FlawJson,
    LossJson,
    OutcomeName,
    ProblemJson,
)
from architect_migrate.cli.documents.reading import StatusJson


class StepJson(TypedDict):
    """A step of a plan."""

    kind: str
    revision: str | None
    headline: str


class KeptJson(TypedDict):
    """A difference that a `[[resolve]]` entry allows."""

    found: str
    by: str
    reason: str | None


class PlanJson(TypedDict):
    """A plan."""

    steps: list[StepJson]
    blockers: list[FindingJson]
    kept: list[KeptJson]
    sql: str | None


class RehearsedReceiptJson(TypedDict):
    """What a run on a copy proved."""

    number: int | None
    stamp_before: list[str]
    stamp_after: list[str]
    seconds: float
    tables: int
    rows: int
    rows_gone: int
    tables_compared: int
    digests: dict[str, str]
    dangling_before: int
    dangling_after: int


class ReceiptJson(RehearsedReceiptJson):
    """What a run proved, and its backup."""

    backup: str | None


_Moved = TypedDict("_Moved", {"from": "list[str] | None", "to": "list[str] | None"})


class PlannedJson(EnvironmentJson, _Moved):
    """An environment and what is planned or done there."""

    outcome: OutcomeName
    detail: str
    plan: PlanJson | None
    losses: list[LossJson]
    warnings: list[str]
    rehearsal: int | None


class ChangeJson(PlannedJson):
    """An environment as the commands have it that carry plans out."""

    receipt: ReceiptJson | None


class ChangeDocument(Envelope):
    """The document of `reconcile`, `upgrade`, `downgrade`, `promote` and `rollback`."""

    command: Literal["reconcile", "upgrade", "downgrade", "promote", "rollback"]
    dry_run: NotRequired[Literal[True]]
    environments: list[ChangeJson]


class TimingJson(TypedDict):
    """How long a part of a rehearsal took."""

    part: str
    step: int | None
    seconds: float


class SizesJson(TypedDict):
    """Bytes of the database, and of the backup that the run takes."""

    before: int
    after: int
    backup: int


class TableChangeJson(TypedDict):
    """What becomes of a table's rows."""

    table: str
    lost: int
    changed: int
    columns: dict[str, int]
    gone: bool
    exact: bool


class RoundtripJson(TypedDict):
    """What going back and up again came to."""

    same: bool
    seconds_back: float
    seconds_again: float
    differences: list[str]
    losses: list[LossJson]
    failed: str | None
    nothing: bool


class RehearsalJson(PlannedJson):
    """An environment as `rehearse` has it."""

    rehearsed: Annotated[str, "upgrade", "reconcile", "downgrade", "promote"]
    receipt: RehearsedReceiptJson | None
    seconds: float
    timings: list[TimingJson]
    lock_seconds: float
    openers: list[str]
    size: SizesJson
    changes: list[TableChangeJson]
    roundtrip: RoundtripJson | None


class RehearseDocument(Envelope):
    """The document of `rehearse`."""

    command: Literal["rehearse"]
    environments: list[RehearsalJson | FailedJson]


class ReturningRowsJson(TypedDict):
    """What going back to a backup does to a table's rows."""

    table: str
    lacking: int
    changed: int
    returning: int
    columns: dict[str, int]
    gone: bool
    exact: bool


class GoingBackJson(TypedDict):
    """What going back to a backup would do."""

    backup: str | None
    written_since: list[str]
    damaged: str | None
    rows: list[ReturningRowsJson]
    others: list[str]


class RestoreJson(EnvironmentJson, GoingBackJson):
    """An environment as `backup restore` and `undo` have it."""

    outcome: OutcomeName
    replaced: str | None


class FailedRestoreJson(FailedJson):
    """An environment that failed before it was known what to go back to."""

    outcome: Literal["failed"]
    replaced: None


class RestoreDocument(Envelope):
    """The document of `backup restore` and `undo`."""

    command: Literal["backup restore", "undo"]
    environments: list[RestoreJson | FailedRestoreJson]


class TakenJson(TypedDict):
    """A backup that was taken."""

    path: str
    size: int
    tables: int
    rows: int
    digest: str


class BackedUpJson(EnvironmentJson):
    """An environment as `backup create` has it."""

    backup: TakenJson | None


class BackupCreateDocument(Envelope):
    """The document of `backup create`."""

    command: Literal["backup create"]
    environments: list[BackedUpJson | FailedJson]


class ListedJson(TypedDict):
    """A backup in the list."""

    path: str
    taken_at: str
    taken_for: str | None
    size: int
    tables: int | None
    rows: int | None
    digest: str | None
    verified_at: str | None
    problem: str | None


class ListedBackupsJson(EnvironmentJson):
    """An environment as `backup list` has it."""

    backups: list[ListedJson]


class BackupListDocument(Envelope):
    """The document of `backup list`."""

    command: Literal["backup list"]
    environments: list[ListedBackupsJson | FailedJson]


class VerifiedJson(TypedDict):
    """What reading a backup came to."""

    path: str
    problem: str | None
    recorded: bool


class VerifiedBackupsJson(EnvironmentJson):
    """An environment as `backup verify` has it."""

    backups: list[VerifiedJson]


class BackupVerifyDocument(Envelope):
    """The document of `backup verify`; `backup` is there where one was named."""

    command: Literal["backup verify"]
    backup: NotRequired[VerifiedJson]
    environments: list[VerifiedBackupsJson | FailedJson]


class PrunedJson(TypedDict):
    """A backup that is left over."""

    path: str
    removed: bool
    kept_for: str | None


class PrunedBackupsJson(EnvironmentJson):
    """An environment as `backup prune` has it."""

    backups: list[PrunedJson]


class BackupPruneDocument(Envelope):
    """The document of `backup prune`."""

    command: Literal["backup prune"]
    environments: list[PrunedBackupsJson | FailedJson]


class LeftJson(TypedDict):
    """What a database has more and a new revision does not bring."""

    object: str
    why: str


class NewRevisionJson(TypedDict):
    """A revision file that was made, or would be."""

    id: str
    title: str
    parent: str | None
    begins: str | None
    path: str
    text: str
    upgrade: list[str] | None
    downgrade: list[str] | None
    left: list[LeftJson]
    flaws: list[FlawJson]


class NewDocument(Envelope):
    """The document of `new`."""

    command: Literal["new"]
    dry_run: NotRequired[Literal[True]]
    revision: NewRevisionJson
    environments: list[Never]


class MadeJson(TypedDict):
    """What was left out of a baseline, and the revision that makes it."""

    object: str
    revision: str


class AdoptedJson(TypedDict):
    """An environments.toml that was written, or would be, and the chain's configuration."""

    config: str
    text: str
    chain: str
    notes: list[str]


class CheckedJson(TypedDict):
    """What lint found in revisions, counted."""

    judged: int
    errors: int
    warnings: int


class InitDocument(Envelope, AdoptedJson):
    """The document of `init`; with `--dry-run` only what would be written."""

    command: Literal["init"]
    dry_run: NotRequired[Literal[True]]
    lint: NotRequired[CheckedJson | None]
    next: NotRequired[str]
    problem: NotRequired[ProblemJson]
    environments: list[StatusJson]


class BaselineJson(TypedDict):
    """A baseline that was written, or would be."""

    path: str
    at: str
    text: str
    entry: str
    tables: list[str]
    assumes: list[str]
    made: list[MadeJson]
    left: list[str]
    state: str | None
    position: list[str] | None


class BaselineDocument(Envelope):
    """The document of `baseline`."""

    command: Literal["baseline"]
    dry_run: NotRequired[Literal[True]]
    baseline: BaselineJson
    environments: list[Never]


_FromTo = TypedDict("_FromTo", {"from": "str"})


class OldFileJson(_FromTo):
    """An old revision file that was moved, from its place to another one."""

    to: str


class SquashJson(TypedDict):
    """A squashed revision that was written, or would be."""

    revision: str
    path: str
    text: str
    replaces: list[str]
    old_files: list[OldFileJson]
    objects: int
    rows: int
    moment: list[str]
    behind: list[str]


class SquashDocument(Envelope):
    """The document of `squash`."""

    command: Literal["squash"]
    dry_run: NotRequired[Literal[True]]
    squash: SquashJson
    environments: list[Never]


_Source = TypedDict("_Source", {"from": "str"})


class CreatedJson(EnvironmentJson, _Source):
    """An environment that was made."""

    path: str
    size: int
    tables: int
    rows: int
    digest: str
    not_resolved: list[str]
    warnings: list[str]


class EnvCreateDocument(Envelope):
    """The document of `env create`."""

    command: Literal["env create"]
    config: str
    environments: list[CreatedJson]


class DroppedJson(EnvironmentJson):
    """An environment that was taken away."""

    backup: str | None
    removed: str | None
    warnings: list[str]


class EnvDropDocument(Envelope):
    """The document of `env drop`."""

    command: Literal["env drop"]
    config: str
    environments: list[DroppedJson]


class NameJson(TypedDict):
    """An environment of the demo."""

    name: str


class DemoDocument(Envelope):
    """The document of `demo`."""

    command: Literal["demo"]
    config: str
    environments: list[NameJson]
