"""Backups as text: what is there, what reading them came to, what may go, and what going back to one means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from architect_migrate.cli.report.layout import Cell, Style, plain, shortened, table
from architect_migrate.core.text import clean, count
from architect_migrate.core.urls import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from architect_migrate.backups.prune import Pruned
    from architect_migrate.backups.record import Copy
    from architect_migrate.backups.restore_plan import Restoration, Restored, Undoing
    from architect_migrate.backups.service import Verdict
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import Setting
    from architect_migrate.core.errors import ArchmigError
    from architect_migrate.databases.values import Backup, TableDelta


_LISTED = ("environment", "backup", "taken", "size", "rows", "taken for", "verified")
_MOST = 5
_FEW = 3
_SHOWN = 12


def size_text(size: int) -> str:
    """A number of bytes as people say it."""
    return f"{size / 1e6:,.1f} MB" if size >= 1_000_000 else f"{size / 1e3:,.0f} kB"


def taken_for(copy: Copy, purposes: Mapping[str, str]) -> str:
    """What a backup was taken for: by its record, else by the ledger."""
    return copy.record.purpose if copy.record else purposes.get(str(copy.path), "")


def list_text(
    found: Sequence[tuple[str, tuple[Copy, ...]]], purposes: Mapping[str, str], folder: Path, paint: Paint, width: int
) -> str:
    """The backups of each environment, oldest first, and a line of totals."""
    rows = [_listed(name, it, purposes) for name, copies in found for it in copies]
    number, size = len(rows), sum(it.size for _, copies in found for it in copies)
    owners = sum(bool(copies) for _, copies in found)
    total = f"{count(number, 'backup')} of {count(owners, 'environment')}, {size_text(size)}, in {folder}"
    return "\n".join([*table(_LISTED, rows, paint, width), "", total]) if rows else f"no backups in {folder}"


def _listed(name: str, copy: Copy, purposes: Mapping[str, str]) -> list[Cell]:
    record = copy.record
    if copy.problem:
        verified = Cell(f"no: {copy.problem}", Style.BAD)
    elif record:
        verified = Cell(record.checked_at[:16].replace("T", " "), Style.GOOD)
    else:
        verified = Cell("nothing recorded", Style.CAUTION)
    return [
        Cell(name, Style.BOLD),
        Cell(copy.path.name),
        Cell(f"{copy.taken_at:%Y-%m-%d %H:%M}"),
        Cell(size_text(copy.size)),
        Cell(f"{record.content.rows:,}" if record else "-"),
        Cell(taken_for(copy, purposes) or "-"),
        verified,
    ]


def created_text(made: Sequence[tuple[str, Backup | None]], paint: Paint, width: int) -> str:
    """The backups that were taken, and where they are."""
    rows = [[Cell(name, Style.BOLD), *_created(it)] for name, it in made]
    folders = dict.fromkeys(str(it.path.parent) for _, it in made if it)
    lines = table(("environment", "backup", "size", "rows", "tables"), rows, paint, width)
    return "\n".join([*lines, "", *(f"verified, in {it}" for it in folders)]).rstrip()


def _created(it: Backup | None) -> list[Cell]:
    if it is None:
        return [Cell("nothing is there", Style.DIM), *[Cell("-", Style.DIM)] * 3]
    return [Cell(it.path.name), Cell(size_text(it.size)), Cell(f"{it.rows:,}"), Cell(f"{it.tables:,}")]


def verdicts_text(found: Sequence[tuple[str, Verdict]], paint: Paint, width: int) -> str:
    """What reading each backup as a whole came to."""
    rows = [
        [Cell(name, Style.BOLD), Cell(it.copy.path.name), _sound(it.problem), Cell(it.problem or _holds(it))]
        for name, it in found
    ]
    return "\n".join(table(("environment", "backup", "verdict", "why"), rows, paint, width)) if rows else "no backups"


def _sound(problem: str) -> Cell:
    return Cell("not sound", Style.BAD) if problem else Cell("sound", Style.GOOD)


def _holds(verdict: Verdict) -> str:
    holds = f"{count(verdict.rows, 'row')} in {count(verdict.tables, 'table')}"
    return f"{holds}, as recorded" if verdict.copy.record else f"{holds}; nothing was recorded to compare with"


def pruned_text(found: Sequence[tuple[str, Pruned]], removed: str, paint: Paint, width: int) -> str:
    """Which backups went (`removed` is the word for it), and which stay though they are left over."""
    rows = [
        [Cell(name, Style.BOLD), Cell(it.copy.path.name), Cell("kept" if it.kept_for else removed), Cell(it.kept_for)]
        for name, it in found
    ]
    if not rows:
        return "no backup is left over"
    gone = [it for _, it in found if it.removed]
    total = f"{count(len(gone), 'backup')} {removed}, {size_text(sum(it.copy.size for it in gone))}"
    kept = len(found) - len(gone)
    more = f"; {kept} kept: archmig deletes nothing that is the only copy of something" if kept else ""
    return "\n".join([*table(("environment", "backup", "outcome", "why"), rows, paint, width), "", total + more])


def going_back_text(name: str, restoration: Restoration, paint: Paint = plain) -> str:
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
    lost = list(_lost(restoration.rows))
    if lost:
        yield paint("there now, and not in the backup:", Style.BAD)
        yield from (f"  {line}" for line in _short(lost))
    changed = [f"{count(it.changed, 'row')} of table {clean(it.table)}" for it in restoration.rows if it.changed]
    if changed:
        yield f"other values in the backup: {shortened(changed, _MOST)}"
    back = [f"{count(it.returning, 'row')} of table {clean(it.table)}" for it in restoration.rows if it.returning]
    if back:
        yield f"comes back: {shortened(back, _MOST)}"
    yield from _schema(restoration)


def _schema(restoration: Restoration) -> Iterator[str]:
    """How many objects go, come back, or are others; by name where they are few."""
    tables = [f"table {it.table}: is gone" for it in restoration.rows if it.gone]
    every = [*tables, *restoration.others]
    for ending, word in (("is gone", "goes"), ("is new", "comes back"), ("is defined otherwise", "is another")):
        its = [it.removesuffix(f": {ending}") for it in every if it.endswith(f": {ending}")]
        if its:
            yield f"{word}: {clean(', '.join(its)) if len(its) <= _FEW else f'{len(its):,} objects of the schema'}"


def _lost(deltas: Iterable[TableDelta]) -> Iterator[str]:
    every = tuple(deltas)
    for it in every:
        if it.lacking:
            whole = ", which the backup does not have" if it.gone else ""
            yield f"{'' if it.exact else 'at least '}{count(it.lacking, 'row')} of table {clean(it.table)}{whole}"
    for it in every:
        for name, number in it.columns:
            if number:
                yield f"{count(number, 'value')} of column {clean(it.table)}.{clean(name)}"


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
    holds = f"{count(then.rows, 'row')} in {count(len(then.tables), 'table')}"
    kept = f"; what was there before is in {done.kept.name}" if done.kept else ""
    source = done.restoration.copy.path.name
    return f"{paint(clean(name), Style.BOLD)}: {paint('done', Style.GOOD)}: {holds}, as in {source}{kept}"


Json = dict[str, Any]


def named_json(setting: Setting, error: ArchmigError | None = None) -> Json:
    """What every environment's object begins with."""
    problem = None if error is None else {"type": type(error).__name__, "message": mask(str(error))}
    return {"name": setting.environment.name, "database": mask(str(setting.environment.url)), "error": problem}


def copy_json(copy: Copy, purposes: Mapping[str, str]) -> Json:
    """One backup."""
    record = copy.record
    return {
        "path": str(copy.path),
        "taken_at": copy.taken_at.isoformat(),
        "taken_for": taken_for(copy, purposes) or None,
        "size": copy.size,
        "tables": len(record.content.tables) if record else None,
        "rows": record.content.rows if record else None,
        "digest": record.content.digest if record else None,
        "verified_at": record.checked_at if record else None,
        "problem": copy.problem or None,
    }


def made_json(made: Backup | None) -> Json | None:
    """A backup that was taken now; null where there was nothing to back up."""
    if made is None:
        return None
    return {"path": str(made.path), "size": made.size, "tables": made.tables, "rows": made.rows, "digest": made.digest}


def verdict_json(verdict: Verdict) -> Json:
    """What reading a backup as a whole came to."""
    recorded = verdict.copy.record is not None
    return {"path": str(verdict.copy.path), "problem": verdict.problem or None, "recorded": recorded}


def pruned_json(it: Pruned, removed: bool) -> Json:
    """A backup that is left over."""
    return {"path": str(it.copy.path), "removed": removed and it.removed, "kept_for": it.kept_for or None}


def going_back_json(undoing: Undoing) -> Json:
    """What restore and undo would do, or why undo does not."""
    it = undoing.restoration
    return {
        "backup": str(undoing.copy.path) if undoing.copy else None,
        "written_since": [*undoing.since],
        "damaged": (it.damaged or None) if it else None,
        "rows": [
            {
                "table": delta.table,
                "lacking": delta.lacking,
                "changed": delta.changed,
                "returning": delta.returning,
                "columns": dict(delta.columns),
                "gone": delta.gone,
                "exact": delta.exact,
            }
            for delta in (it.rows if it else ())
        ],
        "others": [*it.others] if it else [],
    }
