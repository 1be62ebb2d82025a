"""An audit as text and as JSON: a line for each thing that was looked at, what is wrong with it, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import place, short_names
from architect_migrate.cli.report.layout import Style, block, plain, shortened
from architect_migrate.cli.report.rows import rows_json
from architect_migrate.cli.report.shared import Report, environments_json
from architect_migrate.cli.report.status import stamp_of
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import clean, pluralize
from architect_migrate.databases.values import Integrity, forbidden_values
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.results import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from architect_migrate.cli.documents.reading import AuditJson, DanglingJson, DataStepsJson, LackingRowsJson
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.values import Keys, Orphans
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.runs.rehearsal.verify import DataSteps, LackingRows, Verification


_FEW = 8
_LABEL = 17


def audit_text(its: Verification, graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """One environment: sound or not, and why, part by part."""
    sound = "sound, as far as it was checked" if its.in_part else "sound"
    word = paint(sound, Style.GOOD) if its.sound else paint("not as it should be", Style.BAD)
    lines = [f"{paint(clean(its.environment), Style.BOLD)}: {word}"]
    for label, (good, said), details in _parts(its, graph):
        style = Style.GOOD if good else Style.BAD
        first, *rest = [*block(said, "", width - _LABEL - 2)] or [""]
        lines.append(f"  {label:<{_LABEL}}{paint(first, style)}")
        lines += [f"{'':{_LABEL + 2}}{line}" for line in rest]
        for detail in details:
            lines += block(detail, f"{'':{_LABEL + 4}}", width)
    return "\n".join(lines)


def _parts(its: Verification, graph: RevisionGraph) -> Iterator[tuple[str, tuple[bool, str], list[str]]]:
    """Label, whether it is well and what is said of it, and more lines."""
    name = its.environment
    if its.survey is None:
        restore = f"-> archmig backup list -e {name}, then archmig backup restore -e {name}"
        yield "integrity_check", (False, "the database is damaged"), [*its.integrity.damage, restore]
        yield "the rest", (True, "not checked: the database is damaged"), []
        return
    if its.keys is None or its.data is None:
        absent = "the server has no such database" if its.survey.served else "no file there"
        there = absent if its.survey.state is State.MISSING else "nothing of the chain is in it"
        yield "database", (not its.why, its.why or f"{there}; its policy is to skip it"), []
        return
    yield "schema", *_schema(its, graph)
    yield its.integrity.check, *_rows(its.integrity)
    yield "foreign keys", *_keys(its.keys)
    yield "data steps", *_data(its.data)
    if notes := [f"{one.revision}: {one.lacking}" for one in its.survey.rows if one.lacking]:
        said = "not all rows that revisions insert are there; they may have been deleted since"
        yield "rows of revisions", (True, said), notes


def _schema(its: Verification, graph: RevisionGraph) -> tuple[tuple[bool, str], list[str]]:
    assert its.survey is not None
    if its.survey.state is State.UNINITIALISED and not its.why:
        return (True, "nothing of the chain is in it; its policy is to skip it"), []
    names = short_names(graph)
    stamp = f"stamped {stamp_of(its.survey, names)}" if its.survey.claims.stamp is not None else "no stamp"
    at = f"at {place(graph, its.survey.position, names)}, {stamp}"
    if not its.why:
        return (True, f"{at}, {its.survey.likeness}"), []
    more = [f"and {len(its.drift) - _FEW} more"] if len(its.drift) > _FEW else []
    verb = {State.BEHIND: "upgrade", State.UNINITIALISED: "upgrade"}.get(its.survey.state, "reconcile")
    advice = f"-> archmig diagnose -e {its.environment}, then archmig {verb} -e {its.environment}"
    return (False, f"{at}: {its.why}"), [*its.drift[:_FEW], *more, advice]


def _rows(integrity: Integrity) -> tuple[tuple[bool, str], list[str]]:
    untold = [f"cannot check {clean(table)}: {why}" for table, why in integrity.unchecked]
    broken = [clean(value) for value in forbidden_values(integrity.broken)]
    if integrity.damage:
        advice = "-> REINDEX an index; restore the database if the pages of a table are damaged"
        return (False, "the server reports damage"), [*map(clean, integrity.damage), advice, *broken, *untold]
    if not broken:
        return (True, "ok"), untold
    values = sum(integrity.broken.values())
    said = (
        f"the file is sound, but {pluralize(values, 'value')} {'is' if values == 1 else 'are'} as the own table forbids"
        if integrity.check == Integrity().check
        else f"{pluralize(values, 'row')} {'is' if values == 1 else 'are'} as the own table forbids"
    )
    return (False, said), [*broken, *untold]


def _keys(keys: Keys) -> tuple[tuple[bool, str], list[str]]:
    untold = [f"cannot check {clean(table)}: {why}" for table, why in keys.unchecked]
    if not keys.orphans:
        return (True, f"every row refers to something ({pluralize(keys.tables, 'table')} with keys)"), untold
    rows = sum(orphan.rows for orphan in keys.orphans)
    said = f"{pluralize(rows, 'row')} {'refers' if rows == 1 else 'refer'} to nothing"
    return (False, said), [*(_orphans(orphan) for orphan in keys.orphans), *untold]


def _orphans(orphans: Orphans) -> str:
    rowids = f" (rowid {', '.join(map(str, orphans.rowids))}{', ...' if orphans.rows > len(orphans.rowids) else ''})"
    rows = f"{pluralize(orphans.rows, 'row')} of {clean(orphans.table)} to {clean(orphans.parent)}"
    return f"{rows}{rowids}" if orphans.rowids else rows


def _data(data: DataSteps) -> tuple[tuple[bool, str], list[str]]:
    steps = pluralize(len(data.asked), "data step")
    outlived = [f"not asked, since later revisions took away what they wrote to: {shortened(data.outlived, _FEW)}"]
    notes = outlived if data.outlived else []
    if data.untried:
        untried = f"{pluralize(len(data.untried), 'data step')} not run, since that would write to the database"
        return (True, f"cannot tell: {untried}"), [shortened(data.untried, _FEW), *notes]
    wrong = [*(_lacking(revision) for revision in data.lacking)]
    wrong += [f"cannot check {revision}: {why}" for revision, why in data.failed]
    if not wrong:
        return (True, f"the rows of {steps} are there" if data.asked else "none applied"), notes
    advice = "-> insert them if they are missed: they may have been deleted or changed on purpose"
    rows = sum(revision.rows for revision in data.lacking)
    changed = sum(revision.changed for revision in data.lacking)
    said = [f"{pluralize(rows, 'row')} that data steps bring {'is' if rows == 1 else 'are'} missing"] if rows else []
    said += [f"{pluralize(changed, 'row')} that they would change"] if changed else []
    said += (
        [f"{pluralize(len(data.failed), 'data step')} of {len(data.asked)} could not be asked"] if data.failed else []
    )
    return (False, ", ".join(said)), [*wrong, *([advice] if data.lacking else []), *notes]


def _lacking(lacking_rows: LackingRows) -> str:
    said = [f"{pluralize(lacking_rows.rows, 'row')} of {clean(lacking_rows.table)}"] if lacking_rows.rows else []
    said += (
        [f"{pluralize(lacking_rows.changed, 'row')} of {clean(lacking_rows.table)} it would change"]
        if lacking_rows.changed
        else []
    )
    more = "; ..." if lacking_rows.rows > len(lacking_rows.examples) else ""
    shown = f" ({'; '.join(lacking_rows.examples)}{more})" if lacking_rows.examples else ""
    return f"{lacking_rows.revision}: {', '.join(said)}{shown}"


def audit_report(
    contexts: Sequence[EnvironmentContext], found: Sequence[Verification | ArchmigError], graph: RevisionGraph
) -> Report:
    """Whether each database is sound, and why not."""
    audits = [one for one in found if not isinstance(one, ArchmigError)]
    return Report(
        lambda paint, width: "\n\n".join(audit_text(one, graph, paint, width) for one in audits),
        lambda: environments_json(contexts, found, lambda _, one: _audit_json(one, graph)),
    )


def _audit_json(its: Verification, graph: RevisionGraph) -> AuditJson:
    seen = its.survey
    return {
        "name": its.environment,
        "database": its.database,
        "error": None,
        "sound": its.sound,
        "in_part": its.in_part,
        "why": its.why or None,
        "state": (seen.state if seen else State.COULD_NOT_TELL).name.lower(),
        "heads": [*heads(graph, seen.position)] if seen else None,
        "stamp": None if seen is None or seen.claims.stamp is None else [*seen.claims.stamp],
        "pending": [*seen.pending] if seen else None,
        "drift": [*its.drift],
        "damage": [*its.integrity.damage],
        "broken": [{"what": line, "rows": number} for line, number in sorted(its.integrity.broken.items())],
        "broken_untold": [{"table": table, "why": why} for table, why in its.integrity.unchecked],
        "dangling": None if its.keys is None else [_dangling_json(one) for one in its.keys.orphans],
        "keys_untold": None
        if its.keys is None
        else [{"table": table, "why": why} for table, why in its.keys.unchecked],
        "data_steps": None if its.data is None else _data_steps_json(its.data),
        "rows": rows_json(seen),
        "seconds": round(its.seconds, 3),
    }


def _dangling_json(rows: Orphans) -> DanglingJson:
    return {"table": rows.table, "parent": rows.parent, "rows": rows.rows, "rowids": [*rows.rowids]}


def _data_steps_json(data: DataSteps) -> DataStepsJson:
    return {
        "asked": [*data.asked],
        "untried": [*data.untried],
        "outlived": [*data.outlived],
        "lacking": [_lacking_json(rows) for rows in data.lacking],
        "failed": [{"revision": revision, "why": why} for revision, why in data.failed],
    }


def _lacking_json(rows: LackingRows) -> LackingRowsJson:
    return {
        "revision": rows.revision,
        "table": rows.table,
        "rows": rows.rows,
        "changed": rows.changed,
        "examples": [*rows.examples],
    }
