"""The documents of commands that only look."""

from __future__ import annotations

from typing import Annotated, Literal, Never, NotRequired, TypedDict

from architect_migrate.cli.documents.common import (
    Envelope,
    EnvironmentJson,
    ExitCode,
    FailedJson,
    FindingJson,
    FlawJson,
    NoticeJson,
    OutcomeName,
    StateName,
)


class TrackerJson(TypedDict):
    """Rows of the legacy tracker, counted."""

    rows: int
    false: int
    lacking: int


class ClaimsJson(TypedDict):
    """What Alembic's version table and the legacy tracker claim."""

    stamp: list[str] | None
    tracker: TrackerJson | None
    untrue: list[str]
    gaps: int


class DriftJson(TypedDict):
    """Numbers of differences from the chain."""

    breaking: int
    behavioural: int
    cosmetic: int
    extra: int
    kept: int


class RowAnswerJson(TypedDict):
    """How a person settled the rows of a revision."""

    answer: Annotated[str, "run", "done", "skip"]
    by: str
    reason: str | None


class RowsJson(TypedDict):
    """Whether the row statements of a revision ran, and why archmig says so."""

    revision: str
    ran: Annotated[str, "ran", "did_not_run", "changes_nothing", "cannot_tell"]
    basis: Annotated[str, "covered", "pending", "evidence"]
    evidence: str
    statements: list[str]
    reads_tables: bool
    unfilled: str | None
    lacking: str | None
    suggestion: Annotated[str, "run"] | None
    settled: RowAnswerJson | None


class StandingJson(TypedDict):
    """Where a database is; all null where it could not be read."""

    state: StateName
    heads: list[str] | None
    position: list[str] | None
    claims: ClaimsJson | None
    drift: DriftJson | None
    pending: list[str] | None
    rows: list[RowsJson] | None


class SeenJson(EnvironmentJson, StandingJson):
    """An environment and where its database is."""


class LastActionJson(TypedDict):
    """The newest entry of the ledger about an environment."""

    action: str
    result: str
    started_at: str
    seconds: float
    backup: str | None
    user: str
    host: str


class ObservedJson(SeenJson):
    """An environment, with what was last done to it where the command tells that."""

    last_action: LastActionJson | None


class StatusJson(ObservedJson):
    """An environment as `status` has it."""

    notice: NoticeJson | None


class StatusDocument(Envelope):
    """The document of `status`."""

    command: Literal["status"]
    environments: list[StatusJson]


class PendingDocument(Envelope):
    """The document of `pending`."""

    command: Literal["pending"]
    environments: list[ObservedJson]


class CurrentJson(EnvironmentJson):
    """The revision of an environment's database, as proven (`heads`, `gaps`) and as stamped."""

    state: StateName
    heads: list[str] | None
    stamp: list[str] | None
    gaps: int | None


class CurrentDocument(Envelope):
    """The document of `current`."""

    command: Literal["current"]
    environments: list[CurrentJson]


class CheckJson(ObservedJson):
    """An environment as `check` has it."""

    clean: bool | None
    why: str | None
    notice: NoticeJson | None


class CheckDocument(Envelope):
    """The document of `check`."""

    command: Literal["check"]
    environments: list[CheckJson]


class RevisionJson(TypedDict):
    """A revision of the chain."""

    revision: str
    parents: list[str]
    title: str
    legacy_version: str | None
    formerly: list[str]
    data_step: bool
    head: bool


class HistoryDocument(Envelope):
    """The document of `history`."""

    command: Literal["history"]
    revisions: list[RevisionJson]
    environments: list[ObservedJson]


class DifferingJson(TypedDict):
    """An object that is there in another shape."""

    object: str
    found: str


class JudgementJson(TypedDict):
    """A revision, judged by what of it is there."""

    revision: str
    title: str
    legacy_version: str | None
    claim: Annotated[str, "none", "skipped", "executed", "stamped"]
    verdict: Annotated[str, "applied", "missing", "partial", "conflicting", "superseded", "unknown", "merge"]
    present: list[str]
    missing: list[str]
    differing: list[DifferingJson]
    lingering: list[str]


class DiagnosisJson(SeenJson):
    """An environment as `diagnose` has it."""

    revisions: list[JudgementJson]
    findings: list[FindingJson]


class DiagnoseDocument(Envelope):
    """The document of `diagnose`."""

    command: Literal["diagnose"]
    environments: list[DiagnosisJson]


class BrokenJson(TypedDict):
    """Rows that break what their own table declares."""

    what: str
    rows: int


class DanglingJson(TypedDict):
    """Rows that refer to nothing."""

    table: str
    parent: str
    rows: int
    rowids: list[int]


class UntoldJson(TypedDict):
    """A table whose keys cannot be checked."""

    table: str
    why: str


class LackingRowsJson(TypedDict):
    """What a data step would insert or change."""

    revision: str
    table: str
    rows: int
    changed: int
    examples: list[str]


class FailedStepJson(TypedDict):
    """A data step whose rows could not be compared."""

    revision: str
    why: str


class DataStepsJson(TypedDict):
    """What running data steps on a copy showed."""

    asked: list[str]
    untried: list[str]
    outlived: list[str]
    lacking: list[LackingRowsJson]
    failed: list[FailedStepJson]


class AuditJson(TypedDict):
    """An environment as `verify` has it."""

    name: str
    database: str
    error: None
    sound: bool
    in_part: bool
    why: str | None
    state: StateName
    heads: list[str] | None
    stamp: list[str] | None
    pending: list[str] | None
    drift: list[str]
    damage: list[str]
    broken: list[BrokenJson]
    broken_untold: list[UntoldJson]
    dangling: list[DanglingJson] | None
    keys_untold: list[UntoldJson] | None
    data_steps: DataStepsJson | None
    rows: list[RowsJson] | None
    seconds: float


class VerifyDocument(Envelope):
    """The document of `verify`."""

    command: Literal["verify"]
    environments: list[AuditJson | FailedJson]


class SpentJson(TypedDict):
    """What statements of one kind cost."""

    seconds: float
    statements: int
    rows: int


class StatementJson(TypedDict):
    """What a statement cost."""

    statement: str
    kind: str
    times: int
    seconds: float
    rows: int


class StepCostJson(TypedDict):
    """What a step cost."""

    step: str
    revision: str | None
    seconds: float
    outside: float
    statements: int
    rows: int
    spent: dict[str, SpentJson]
    slowest: list[StatementJson]


class ProfileJson(TypedDict):
    """What each step cost."""

    size: int | None
    seconds: float
    steps: list[StepCostJson]


class ProfiledJson(EnvironmentJson, ProfileJson):
    """An environment as `profile` has it."""

    outcome: OutcomeName
    detail: str


class ProfileDocument(Envelope):
    """The document of `profile`; `chain` is there where no environment was named."""

    command: Literal["profile"]
    chain: NotRequired[ProfileJson]
    environments: list[ProfiledJson | FailedJson]


class PageJson(TypedDict):
    """A page of the schema's documentation."""

    path: str
    state: Annotated[str, "new", "changed", "gone", "same"]


class DocsDocument(Envelope):
    """The document of `docs`."""

    command: Literal["docs"]
    folder: str
    pages: list[PageJson]
    environments: list[SeenJson]


class LintDocument(Envelope):
    """The document of `lint`."""

    command: Literal["lint"]
    judged: int
    only_upgraded: bool
    flaws: list[FlawJson]
    environments: list[Never]


class LedgerJson(TypedDict):
    """The ledger as a whole."""

    path: str
    entries: int
    hash: str | None
    problem: str | None


class FactJson(TypedDict):
    """A fact of a ledger entry."""

    name: str
    value: str


_Heads = TypedDict("_Heads", {"from": "list[str]", "to": "list[str]"})


class EntryJson(_Heads):
    """An entry of the ledger."""

    number: int
    environment: str
    database: str
    action: str
    result: str
    started_at: str
    seconds: float
    executed: list[str]
    inferred: list[str]
    forced: list[str]
    findings: list[str]
    detail: str
    backup: str | None
    user: str
    host: str
    command: str
    facts: list[FactJson]
    hash: str | None


class NoticedJson(EnvironmentJson):
    """An environment as `log` has it."""

    notice: NoticeJson | None


class LogDocument(Envelope):
    """The document of `log`."""

    command: Literal["log"]
    ledger: LedgerJson
    entries: list[EntryJson]
    environments: list[NoticedJson]


class ShowDocument(Envelope):
    """The document of `show`."""

    command: Literal["show"]
    ledger: LedgerJson
    entry: EntryJson | None
    environments: list[Never]


class VerdictJson(TypedDict):
    """How the check of an environment came out."""

    verdict: Literal["clean", "differs", "cannot_tell"]
    state: StateName
    heads: list[str]
    pending: list[str]
    breaking: int
    behavioural: int
    why: str | None
    error: str | None


class ToldVerdictJson(VerdictJson):
    """The result of a check that was reported, and when."""

    since: str


class CountedFindingJson(TypedDict):
    """Findings of a kind, counted."""

    level: Annotated[str, "blocking", "repair", "warning", "note"]
    code: str
    count: int
    first: str


_Change = TypedDict("_Change", {"from": "ToldVerdictJson | None", "to": "VerdictJson"})


class NewsJson(_Change):
    """An environment whose check has another result than the last one that was reported."""

    name: str
    database: str
    findings: list[CountedFindingJson]


class NotifyDocument(TypedDict):
    """What `check --notify` sends; it is no document of a command."""

    version: Literal[2]
    event: Literal["check"]
    text: str
    time: str
    host: str
    config: str
    exit_code: ExitCode
    environments: list[NewsJson]
