"""The ledger as text and as JSON: a line an entry, or all of one; and what is no longer as archmig left it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import short_names
from architect_migrate.cli.report.layout import Cell, Style, block, plain, table
from architect_migrate.cli.report.shared import Report, complaint, environment_json
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import clean, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from architect_migrate.cli.documents.common import NoticeJson
    from architect_migrate.cli.documents.reading import EntryJson, LedgerJson, NoticedJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.ledger.external_changes import ExternalChange
    from architect_migrate.ledger.store import Entry


_HEADERS = ("entry", "when (UTC)", "environment", "action", "result", "from", "to", "who", "seconds", "backup")
_STYLES = {"done": Style.GOOD, "failed": Style.BAD, "blocked": Style.BAD, "interrupted": Style.CAUTION}
_ROWS = "rows of "
# Facts that have a place of their own in what is shown.
_LISTS = ("inferred", "forced")
_MEANT = {
    "executed": "",
    "inferred": "taken as applied by what the schema shows, and completed where it was not whole",
    "forced": "so because a person said so",
}


def log_text(
    shown: Sequence[Entry], older: int, file: Path, names: Mapping[str, str], *, paint: Paint = plain, width: int = 120
) -> str:
    """A line an entry, in the order given, and how many `older` ones there are; `names` are short ones of revisions."""
    if not file.exists():
        return no_ledger(file)
    total = f"{pluralize(len(shown), 'entry', 'entries')} of {file}"
    if older:
        total += f"; {older:,} older: -n 0 shows all"
    lines = (
        table(_HEADERS, [_row(entry, names) for entry in shown], paint, width) if shown else ["nothing of that kind"]
    )
    return "\n".join([*lines, "", *block(f"{total} (archmig show N tells all of one)", "", width, "  ")])


def no_ledger(file: Path) -> str:
    """What is said where nothing was ever entered."""
    return f"no ledger in {clean(str(file.parent))}: archmig has not changed anything there yet"


def _row(entry: Entry, names: Mapping[str, str]) -> list[Cell]:
    return [
        Cell(str(entry.number)),
        Cell(_moment(entry)[:16]),
        Cell(entry.environment, Style.BOLD),
        Cell(entry.action),
        Cell(entry.result, _STYLES.get(entry.result, Style.PLAIN)),
        *(
            Cell(", ".join(names.get(head, head) for head in heads) or "-")
            for heads in (entry.from_heads, entry.to_heads)
        ),
        Cell(entry.user),
        Cell(f"{entry.seconds:.1f}"),
        Cell(Path(entry.backup).name or "-"),
    ]


def _moment(entry: Entry) -> str:
    return entry.started_at[:19].replace("T", " ")


def show_text(entry: Entry, paint: Paint = plain, width: int = 120) -> str:
    """All of one entry."""
    result = paint(entry.result, _STYLES.get(entry.result, Style.PLAIN))
    lines = [
        f"{paint(f'entry {entry.number}', Style.BOLD)}: {clean(entry.action)} of {clean(entry.environment)}: {result}"
    ]
    for name, value in _fields(entry):
        lines += [
            f"  {name:8}  {line.strip()}" if not n else line for n, line in enumerate(block(value, " " * 12, width))
        ]
    for name, one in (("executed", entry.steps), *((kind, _facts(entry, kind)) for kind in _LISTS)):
        if one:
            lines += _listed(name, one, paint, width)
    if entry.findings:
        lines += _listed("in the way", entry.findings, paint, width)
    rest = [(name, value) for name, value in entry.facts if name not in _LISTS]
    lines += _aligned("evidence", [fact for fact in rest if not fact[0].startswith(_ROWS)], paint, width)
    proven = [(name.removeprefix(_ROWS), value) for name, value in rest if name.startswith(_ROWS)]
    lines += _aligned("rows proven, by the digest of every value that was there before", proven, paint, width)
    return "\n".join([*lines, "", f"  hash {entry.hash}" if entry.hash else "  no hash: an older archmig wrote it"])


def _fields(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "when", f"{_moment(entry)} UTC, {entry.seconds:.1f} s"
    yield "who", f"{entry.user} on {entry.host}: {entry.command}"
    yield "database", entry.database
    if entry.from_heads or entry.to_heads:
        # A run that failed on its way has committed the revisions before.
        is_known = entry.result == "done" or entry.to_heads
        after = f" before, {', '.join(entry.to_heads) or 'base'} after" if is_known else ""
        yield "stamp", (", ".join(entry.from_heads) or "none") + after
    if entry.detail:
        yield ("detail" if entry.result == "done" else "why"), entry.detail
    if entry.backup:
        yield "backup", entry.backup


def _facts(entry: Entry, kind: str) -> tuple[str, ...]:
    return tuple(value for name, value in entry.facts if name == kind)


def _listed(name: str, its: Sequence[str], paint: Paint, width: int) -> Iterator[str]:
    meant = f": {_MEANT[name]}" if _MEANT.get(name) else ""
    yield f"\n  {paint(name, Style.BOLD)}, {len(its):,}{meant}"
    for line in its:
        yield from block(line, "    ", width)


def _aligned(title: str, pairs: Sequence[tuple[str, str]], paint: Paint, width: int) -> Iterator[str]:
    if not pairs:
        return
    yield f"\n  {paint(title, Style.BOLD)}"
    longest = max(len(clean(name)) for name, _ in pairs)
    for name, value in pairs:
        margin = " " * (longest + 6)
        first, *more = block(value, margin, width)
        yield f"    {clean(name):{longest}}  {first.strip()}"
        yield from more


def external_changes_text(
    external_changes: Mapping[str, ExternalChange], paint: Paint = plain, width: int = 120
) -> Iterable[str]:
    """What is no longer as archmig left it, an environment a paragraph; the star is the one in the table above."""
    for name, external_change in external_changes.items():
        for line in block(f"{name}: {external_change} (archmig show {external_change.entry.number})", "  ", width):
            yield f"{paint('*', Style.CAUTION)}{line[1:]}" if line.strip().startswith(f"{clean(name)}: ") else line


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger as it was read: `problem` says what is wrong with it, empty where nothing is."""

    file: Path
    entries: tuple[Entry, ...]
    problem: str


def log_report(
    ledger: Ledger,
    found: Sequence[Entry],
    contexts: Sequence[EnvironmentContext],
    external_changes: Mapping[str, ExternalChange],
    *,
    in_text: int,
    in_json: int,
) -> Report:
    """The entries that were asked for, newest first: how many the text and the document have, 0 being all."""

    def text(paint: Paint, width: int) -> str:
        shown = found[: in_text or None]
        older = len(found) - len(shown)
        return log_text(shown, older, ledger.file, _short_names(contexts), paint=paint, width=width)

    return Report(
        text,
        lambda: (_external_changes_json(context, external_changes) for context in contexts),
        lambda: {"ledger": _ledger_json(ledger), "entries": [_entry_json(entry) for entry in found[: in_json or None]]},
        lambda: (complaint(f"{name}: {external_change}") for name, external_change in external_changes.items()),
    )


def show_report(ledger: Ledger, entry: Entry | None) -> Report:
    """All of one entry; None where there is no ledger."""
    return Report(
        lambda paint, width: show_text(entry, paint, width) if entry else no_ledger(ledger.file),
        more=lambda: {"ledger": _ledger_json(ledger), "entry": _entry_json(entry) if entry else None},
    )


def _short_names(contexts: Sequence[EnvironmentContext]) -> dict[str, str]:
    """The short names of revisions; none where the chain cannot be read."""
    with suppress(ArchmigError):
        return short_names(contexts[0].chain) if contexts else {}
    return {}


def _ledger_json(ledger: Ledger) -> LedgerJson:
    """The ledger as a whole; somebody who keeps the newest hash elsewhere can compare it later."""
    newest = ledger.entries[-1].hash if ledger.entries else ""
    return {
        "path": str(ledger.file),
        "entries": len(ledger.entries),
        "hash": newest or None,
        "problem": ledger.problem or None,
    }


def _entry_json(entry: Entry) -> EntryJson:
    return {
        "number": entry.number,
        "environment": entry.environment,
        "database": entry.database,
        "action": entry.action,
        "result": entry.result,
        "started_at": entry.started_at,
        "seconds": entry.seconds,
        "from": [*entry.from_heads],
        "to": [*entry.to_heads],
        "executed": [*entry.steps],
        "inferred": [*_facts(entry, "inferred")],
        "forced": [*_facts(entry, "forced")],
        "findings": [*entry.findings],
        "detail": entry.detail,
        "backup": entry.backup or None,
        "user": entry.user,
        "host": entry.host,
        "command": entry.command,
        "facts": [{"name": name, "value": value} for name, value in entry.facts if name not in _LISTS],
        "hash": entry.hash or None,
    }


def external_change_json(external_change: ExternalChange | None) -> NoticeJson | None:
    """What is no longer as archmig left it; null where all is."""
    if external_change is None:
        return None
    return {
        "code": external_change.code,
        "found": external_change.found,
        "entry": external_change.entry.number,
        "resembles": external_change.resembles or None,
    }


def _external_changes_json(context: EnvironmentContext, external_changes: Mapping[str, ExternalChange]) -> NoticedJson:
    environment = context.environment
    return {
        **environment_json(environment.name, environment.url),
        "notice": external_change_json(external_changes.get(environment.name)),
    }
