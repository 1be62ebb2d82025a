"""The ledger as text: one line an entry, or all of one; and what is no longer as archmig left it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.cli.report.layout import Cell, Style, block, plain, table
from architect_migrate.core.text import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import Setting
    from architect_migrate.ledger.external_changes import Notice
    from architect_migrate.ledger.store import Entry


_HEADERS = ("entry", "when (UTC)", "environment", "action", "from", "to", "result", "who", "seconds", "backup")
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
    total = f"{count(len(shown), 'entry', 'entries')} of {clean(str(file))}"
    if older:
        total += f"; {older:,} older: -n 0 shows all"
    lines = table(_HEADERS, [_row(it, names) for it in shown], paint, width) if shown else ["nothing of that kind"]
    return "\n".join([*lines, "", f"{total} (archmig show N tells all of one)"])


def no_ledger(file: Path) -> str:
    """What is said where nothing was ever entered."""
    return f"no ledger in {clean(str(file.parent))}: archmig has not changed anything there yet"


def _row(it: Entry, names: Mapping[str, str]) -> list[Cell]:
    return [
        Cell(str(it.number)),
        Cell(_moment(it)[:16]),
        Cell(it.environment, Style.BOLD),
        Cell(it.action),
        *(Cell(", ".join(names.get(head, head) for head in heads) or "-") for heads in (it.from_heads, it.to_heads)),
        Cell(it.result, _STYLES.get(it.result, Style.PLAIN)),
        Cell(it.user),
        Cell(f"{it.seconds:.1f}"),
        Cell(Path(it.backup).name or "-"),
    ]


def _moment(it: Entry) -> str:
    return it.started_at[:19].replace("T", " ")


def show_text(it: Entry, paint: Paint = plain, width: int = 120) -> str:
    """All of one entry."""
    result = paint(it.result, _STYLES.get(it.result, Style.PLAIN))
    lines = [f"{paint(f'entry {it.number}', Style.BOLD)}: {clean(it.action)} of {clean(it.environment)}: {result}"]
    for name, value in _fields(it):
        lines += [
            f"  {name:8}  {line.strip()}" if not n else line for n, line in enumerate(block(value, " " * 12, width))
        ]
    for name, its in (("executed", it.steps), *((kind, _facts(it, kind)) for kind in _LISTS)):
        if its:
            lines += _listed(name, its, paint, width)
    if it.findings:
        lines += _listed("in the way", it.findings, paint, width)
    rest = [(name, value) for name, value in it.facts if name not in _LISTS]
    lines += _aligned("evidence", [fact for fact in rest if not fact[0].startswith(_ROWS)], paint, width)
    proven = [(name.removeprefix(_ROWS), value) for name, value in rest if name.startswith(_ROWS)]
    lines += _aligned("rows proven, by the digest of every value that was there before", proven, paint, width)
    return "\n".join([*lines, "", f"  hash {it.hash}" if it.hash else "  no hash: an older archmig wrote it"])


def _fields(it: Entry) -> Iterator[tuple[str, str]]:
    yield "when", f"{_moment(it)} UTC, {it.seconds:.1f} s"
    yield "who", f"{it.user} on {it.host}: {it.command}"
    yield "database", it.database
    if it.from_heads or it.to_heads:
        after = f" before, {', '.join(it.to_heads) or 'base'} after" if it.result == "done" else ""
        yield "stamp", (", ".join(it.from_heads) or "none") + after
    if it.detail:
        yield ("detail" if it.result == "done" else "why"), it.detail
    if it.backup:
        yield "backup", it.backup


def _facts(it: Entry, kind: str) -> tuple[str, ...]:
    return tuple(value for name, value in it.facts if name == kind)


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


def notices_text(notices: Mapping[str, Notice], paint: Paint = plain, width: int = 120) -> Iterable[str]:
    """What is no longer as archmig left it, an environment a paragraph; the star is the one in the table above."""
    for name, notice in notices.items():
        for line in block(f"{name}: {notice} (archmig show {notice.entry.number})", "  ", width):
            yield f"{paint('*', Style.CAUTION)}{line[1:]}" if line.strip().startswith(f"{clean(name)}: ") else line


Json = dict[str, Any]


def ledger_json(file: Path, every: Sequence[Entry], problem: str) -> Json:
    """The ledger as a whole; the newest hash is what somebody who keeps it elsewhere can compare later."""
    newest = every[-1].hash if every else ""
    return {"path": str(file), "entries": len(every), "hash": newest or None, "problem": problem or None}


def entry_json(it: Entry) -> Json:
    """All of an entry."""
    lists = {kind: [value for name, value in it.facts if name == kind] for kind in ("inferred", "forced")}
    return {
        "number": it.number,
        "environment": it.environment,
        "database": it.database,
        "action": it.action,
        "result": it.result,
        "started_at": it.started_at,
        "seconds": it.seconds,
        "from": [*it.from_heads],
        "to": [*it.to_heads],
        "executed": [*it.steps],
        **lists,
        "findings": [*it.findings],
        "detail": it.detail,
        "backup": it.backup or None,
        "user": it.user,
        "host": it.host,
        "command": it.command,
        "facts": [{"name": name, "value": value} for name, value in it.facts if name not in lists],
        "hash": it.hash or None,
    }


def notice_json(notice: Notice | None) -> Json | None:
    """What is no longer as archmig left it; null where all is."""
    if notice is None:
        return None
    return {
        "code": notice.code,
        "found": notice.found,
        "entry": notice.entry.number,
        "resembles": notice.resembles or None,
    }


def noticed_json(setting: Setting, notices: Mapping[str, Notice]) -> Json:
    """An environment with what is noticed of it."""
    name = setting.environment.name
    return {
        "name": name,
        "database": str(setting.environment.url),
        "error": None,
        "notice": notice_json(notices.get(name)),
    }
