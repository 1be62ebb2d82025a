"""Pruning: removes backups beyond [backup] keep and max_age, unless one holds the only copy of something."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from architect_migrate.backups.record import Copy, remove
from architect_migrate.backups.service import catalogue, complete, content_now, is_own, verify
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import pluralize
from architect_migrate.databases.registry import access, keeper
from architect_migrate.databases.values import Content, TableDelta
from architect_migrate.ledger.recorder import enter, entered_on_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.base import Place

# A database or backup in which the contents of another backup may be found again.
_Elsewhere = tuple["Place", Content]


@dataclass(frozen=True, slots=True)
class Pruned:
    """A surplus backup: removed, or kept for the reason in `kept_for`."""

    copy: Copy
    kept_for: str

    @property
    def removed(self) -> bool:
        """Whether it was removed, or would be in a dry run."""
        return not self.kept_for


def surplus(copies: Sequence[Copy], keep: int | None, max_age: int | None, now: datetime) -> tuple[Copy, ...]:
    """Return the backups of one environment beyond `keep` and older than `max_age` seconds; `copies` is oldest first.

    With both limits, only backups that exceed both. The newest one, the one that `undo` restores with all since, and
    damaged ones or those without a record are never surplus. Why the last: their contents cannot be compared with other
    backups.
    """
    if keep is None and max_age is None:
        return ()
    sound = [copy for copy in copies if copy.record and not copy.problem]
    newest = sound[-max(keep or 1, 1) :]
    runs = [at for at, copy in enumerate(sound) if copy.record and copy.record.after]
    since = sound[runs[-1] :] if runs else []
    young = [] if max_age is None else [copy for copy in sound if now - copy.taken_at <= timedelta(seconds=max_age)]
    return tuple(copy for copy in sound if copy not in newest and copy not in since and copy not in young)


def prune(context: EnvironmentContext) -> tuple[Pruned, ...]:
    """Remove the environment's surplus backups and return all of them, those included that had to be kept.

    Raises BackupError, and what `reading` raises for the database.
    """
    started = time.time()
    surplus_backups = []
    with entered_on_failure(context, "backup prune", started):
        for pruned in planned_removals(context):
            if pruned.removed:
                remove(pruned.copy)
            surplus_backups.append(pruned)
    removed = [each.copy.path.name for each in surplus_backups if each.removed]
    if removed:
        enter(context, "backup prune", started, detail=f"removed {', '.join(removed)}")
    return tuple(surplus_backups)


def prune_after_run(context: EnvironmentContext) -> tuple[str, ...]:
    """Prune after a run and return what was removed. Why an error is a warning: the run itself is done."""
    try:
        names = [each.copy.path.name for each in prune(context) if each.removed]
    except ArchmigError as error:
        return (f"old backups were not removed: {error}",)
    if not names:
        return ()
    limits = f"beyond the limits of [backup], {limits_text(context.keep, context.max_age)}"
    return (f"removed {pluralize(len(names), 'old backup')} {limits}: {', '.join(names)}",)


def limits_text(keep: int | None, max_age: int | None) -> str:
    """Describe the limits of [backup] as environments.toml has them."""
    hours = (max_age or 0) // 3_600
    age = f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"
    parts = [f"keep = {keep}"] * (keep is not None) + [f'max_age = "{age}"'] * (max_age is not None)
    return " and ".join(parts)


def planned_removals(context: EnvironmentContext) -> Iterator[Pruned]:
    """Yield what `prune` would do with each surplus backup, oldest first; nothing is removed."""
    copies = catalogue(context)
    over = surplus(copies, context.keep, context.max_age, datetime.now(UTC))
    if not over:
        return
    elsewhere: list[_Elsewhere] = [(context.environment.url, content_now(context))]
    # Why verify: only a backup that can still be read counts as another copy.
    verified = [
        each
        for each in reversed(copies)
        if each not in over and each.record and not each.problem and not verify(each).problem
    ]
    elsewhere += [(each.path, complete(each.path, each.record.content)) for each in verified if each.record]
    exempt = {context.graph.version_table.lower()}
    for copy in over:
        assert copy.record is not None
        # Why verify: what its record lacks is read from the file, which has to be the recorded one.
        if copy.record.file and (problem := verify(copy).problem):
            yield Pruned(copy, problem)
            continue
        content = complete(copy.path, copy.record.content)
        why = _only_here(copy, content, elsewhere, exempt)
        if why:
            elsewhere.append((copy.path, content))
        yield Pruned(copy, why)


def _only_here(copy: Copy, content: Content, elsewhere: Sequence[_Elsewhere], exempt: set[str]) -> str:
    """Describe something of which this backup is the only copy; empty if there is nothing."""
    lost = sorted(content.objects.keys() - {key for _, each in elsewhere for key in each.objects})
    if lost:
        return f"nothing else has {lost[0]}{f' and {len(lost) - 1} more objects' if len(lost) > 1 else ''}"
    for name, rows in content.tables.items():
        # Why these are exempt: a stamp and SQLite's own tables hold no user data.
        if not rows.number or name.lower() in exempt or is_own(copy, name):
            continue
        if all(each.tables.get(name) != rows for _, each in elsewhere) and (
            why := _rows_only_here(copy, name, elsewhere)
        ):
            return why
    return ""


def _rows_only_here(copy: Copy, table: str, elsewhere: Sequence[_Elsewhere]) -> str:
    why = f"nothing else has its table {table}"
    with access.reading(copy.path) as backup:
        for place, content in elsewhere:
            if table not in content.tables:
                continue
            with access.reading(place) as other:
                (delta,) = keeper.row_deltas(backup, other, [table])
            if not (why := _difference(delta)):
                return ""
    return why


def _difference(delta: TableDelta) -> str:
    if delta.lacking or delta.changed:
        number = delta.lacking + delta.changed
        return f"nothing else has {number:,} of its rows of table {delta.table}"
    if not delta.exact:
        return f"no key distinguishes the rows of table {delta.table}"
    full = [name for name, values in delta.columns if values]
    return f"nothing else has column {delta.table}.{full[0]}" if full else ""
