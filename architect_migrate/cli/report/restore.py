"""Going back to a backup, as text and as JSON: what it would do, what it did, and why a run is not undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.backups.restore_plan import Restored, Undoing
from architect_migrate.cli.report.layout import Style, plain, shortened
from architect_migrate.cli.report.shared import Report, environment_json, failed_json
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import clean, pluralize
from architect_migrate.databases.values import Became

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.backups.restore_plan import Restoration
    from architect_migrate.cli.documents.changing import (
        FailedRestoreJson,
        GoingBackJson,
        RestoreJson,
        ReturningRowsJson,
    )
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import EnvironmentContext

    End = Undoing | Restored | ArchmigError

_MOST = 5
_FEW = 3
_SHOWN = 12


def going_back_text(name: str, restoration: Restoration, paint: Paint = plain, _width: int = 120) -> str:
    """What going back to a backup would do to one environment."""
    record, copy = restoration.copy.record, restoration.copy
    reason = f" for {record.purpose}" if record else ""
    lines = [f"{paint(clean(name), Style.BOLD)}: to {copy.path.name}, taken {copy.taken_at:%Y-%m-%d %H:%M}{reason}"]
    if record and record.environment != name:
        lines.append(f"  {paint('a backup of another environment:', Style.CAUTION)} {clean(record.environment)}")
    if restoration.damaged:
        lines.append(f"  what is there is damaged ({clean(restoration.damaged)}); it is kept as it is")
    elif restoration.now is None:
        lines.append("  no file is there; it is made")
    lines += [f"  {line}" for line in _effects(restoration, paint)]
    return "\n".join(lines)


def _effects(restoration: Restoration, paint: Paint) -> Iterator[str]:
    lost = list(_lost(restoration))
    if lost:
        yield paint("there now, and not in the backup:", Style.BAD)
        yield from (f"  {line}" for line in _short(lost))
    changed = [
        f"{pluralize(row.changed, 'row')} of table {clean(row.table)}" for row in restoration.rows if row.changed
    ]
    if changed:
        yield f"other values in the backup: {shortened(changed, _MOST)}"
    back = [
        f"{pluralize(row.returning, 'row')} of table {clean(row.table)}" for row in restoration.rows if row.returning
    ]
    if back:
        yield f"comes back: {shortened(back, _MOST)}"
    yield from _schema(restoration)


def _schema(restoration: Restoration) -> Iterator[str]:
    """How many objects go, come back, or are others; by name where they are few."""
    tables = [(f"table {row.table}", Became.GONE) for row in restoration.rows if row.gone]
    every = [*tables, *((each.subject, each.became) for each in restoration.others)]
    for became, word in ((Became.GONE, "goes"), (Became.NEW, "comes back"), (Became.REDEFINED, "is another")):
        its = [subject for subject, its_fate in every if its_fate is became]
        if its:
            yield f"{word}: {clean(', '.join(its)) if len(its) <= _FEW else f'{len(its):,} objects of the schema'}"


def _lost(restoration: Restoration) -> Iterator[str]:
    for row in restoration.rows:
        if row.lacking:
            whole = ", which the backup does not have" if row.gone else ""
            least = "" if row.exact else "at least "
            yield f"{least}{pluralize(row.lacking, 'row')} of table {clean(row.table)}{whole}"
    for row in restoration.rows:
        for name, number in row.columns:
            if number:
                yield f"{pluralize(number, 'value')} of column {clean(row.table)}.{clean(name)}"


def _short(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _SHOWN else [*lines[: _SHOWN - 1], f"and {len(lines) - _SHOWN + 1} more"]


def written_since_text(name: str, undoing: Undoing, paint: Paint = plain) -> str:
    """Why the last run cannot be undone, and what to do instead."""
    copy = undoing.copy
    assert copy is not None
    run = f"{copy.record.purpose} of {copy.taken_at:%Y-%m-%d %H:%M}" if copy.record else "its last run"
    return "\n".join(
        [
            f"{paint(clean(name), Style.BOLD)}: {paint('not undone', Style.BAD)}: something has written since {run}:",
            *(f"  {clean(line)}" for line in _short(list(undoing.since))),
            f"  to go back all the same: archmig backup restore {copy.path.name} --env {clean(name)}",
        ]
    )


def restored_text(name: str, done: Restored, paint: Paint = plain) -> str:
    """What was done to one environment."""
    then = done.restoration.then
    holds = f"{pluralize(then.rows, 'row')} in {pluralize(len(then.tables), 'table')}"
    kept = f"; what was there before is in {done.kept.name}" if done.kept else ""
    source = done.restoration.copy.path.name
    return f"{paint(clean(name), Style.BOLD)}: {paint('done', Style.GOOD)}: {holds}, as in {source}{kept}"


def restore_report(
    previews: Mapping[EnvironmentContext, Undoing | ArchmigError],
    done: Mapping[EnvironmentContext, Restored | ArchmigError],
) -> Report:
    """How going back ended on each environment, or what it would do."""
    ends = {context: done.get(context, preview) for context, preview in previews.items()}
    return Report(
        lambda paint, _: "\n".join(
            _line(context, end, paint) for context, end in ends.items() if not isinstance(end, ArchmigError)
        ),
        lambda: (_restore_json(context, preview, ends[context]) for context, preview in previews.items()),
        notes=lambda: (
            f"archmig: {warning}"
            for end in done.values()
            if not isinstance(end, ArchmigError)
            for warning in end.warnings
        ),
    )


def _line(context: EnvironmentContext, end: Undoing | Restored, paint: Paint) -> str:
    name = context.environment.name
    if isinstance(end, Restored):
        return restored_text(name, end, paint)
    if end.since:
        return written_since_text(name, end, paint)
    if end.planned and end.restoration:
        return going_back_text(name, end.restoration, paint)
    why = f"it is what {end.copy.path.name} holds" if end.copy else "no run of archmig on it is on record"
    return f"{name}: nothing to do: {why}"


def _restore_json(
    context: EnvironmentContext, preview: Undoing | ArchmigError, end: End
) -> RestoreJson | FailedRestoreJson:
    if isinstance(preview, ArchmigError):
        return {**failed_json(context, preview), "outcome": "failed", "replaced": None}
    error = end if isinstance(end, ArchmigError) else None
    return {
        **environment_json(context.environment.name, context.environment.url, error),
        "outcome": _outcome(end),
        **_going_back_json(preview),
        "replaced": str(end.kept) if isinstance(end, Restored) and end.kept else None,
    }


def _outcome(end: End) -> str:
    match end:
        case Restored():
            return "done"
        case Undoing():
            return "blocked" if end.since else "planned" if end.planned else "nothing"
        case _:
            return "failed"


def _going_back_json(undoing: Undoing) -> GoingBackJson:
    restoration = undoing.restoration
    return {
        "backup": str(undoing.copy.path) if undoing.copy else None,
        "written_since": [*undoing.since],
        "damaged": (restoration.damaged or None) if restoration else None,
        "rows": _rows_json(restoration) if restoration else [],
        "others": [*map(str, restoration.others)] if restoration else [],
    }


def _rows_json(restoration: Restoration) -> list[ReturningRowsJson]:
    return [
        {
            "table": delta.table,
            "lacking": delta.lacking,
            "changed": delta.changed,
            "returning": delta.returning,
            "columns": dict(delta.columns),
            "gone": delta.gone,
            "exact": delta.exact,
        }
        for delta in restoration.rows
    ]
