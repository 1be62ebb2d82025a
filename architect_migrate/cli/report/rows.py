"""Judgements of the rows that revisions change, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.registry import dialect

if TYPE_CHECKING:
    from architect_migrate.cli.documents.reading import RowAnswerJson, RowsJson
    from architect_migrate.model.environment import Rows
    from architect_migrate.planning.results import Survey
    from architect_migrate.planning.row_judgement import RowJudgement


def rows_json(seen: Survey | None) -> list[RowsJson] | None:
    """What is known of rows, revision by revision; None where a digest told it all, and no row was looked at."""
    if seen is None or (seen.diagnosis is None and not seen.rows):
        return None
    return [_judgement_json(judgement) for judgement in seen.rows]


def _judgement_json(judgement: RowJudgement) -> RowsJson:
    return {
        "revision": judgement.revision,
        "ran": judgement.ran.value.replace(" ", "_"),
        "basis": judgement.basis.value,
        "evidence": judgement.evidence,
        "statements": [dialect.without_literals(text) for text in judgement.statements],
        "reads_tables": judgement.loops,
        "unfilled": judgement.unfilled or None,
        "lacking": judgement.lacking or None,
        "suggestion": judgement.suggestion.value if judgement.suggestion else None,
        "settled": _answer_json(judgement.settled) if judgement.settled else None,
    }


def _answer_json(entry: Rows) -> RowAnswerJson:
    return {"answer": entry.answer.value, "by": entry.origin.words, "reason": entry.reason or None}
