"""Violations in the statements that a revision ran, classified by SQLite's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import fold
from architect_migrate.core.text import shortlist
from architect_migrate.databases.registry import dialect
from architect_migrate.lint.files import place_of
from architect_migrate.lint.rules import Violation, violation
from architect_migrate.model.diff import Extra, Missing, diff, explain, needs_repair
from architect_migrate.model.facts import describe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from architect_migrate.databases.statement import Clash, Statement
    from architect_migrate.lint.rules import Place
    from architect_migrate.lint.trial import Trial
    from architect_migrate.model.diff import Change
    from architect_migrate.revisions.source_file import RevisionFile

# Why by text: SQLite reports all of these with the one code SQLITE_ERROR.
_BEGINNINGS = (
    ("no such table: ", "AM202"),
    ("no such view: ", "AM202"),
    ("no such index: ", "AM202"),
    ("no such trigger: ", "AM202"),
    ("no such column: ", "AM203"),
    ("duplicate column name: ", "AM206"),
    ("unknown column ", "AM203"),
    ("there is already a table named ", "AM204"),
    ("Cannot add a NOT NULL column", "AM301"),
    ("unrecognized token", "AM201"),
    ("incomplete input", "AM201"),
)
_SEVERAL = "You can only execute one statement at a time."


def missing_object(error: str) -> tuple[str, str]:
    """Return the rule's code for one of SQLite's messages, and the folded name of the missing object, or empty."""
    for beginning, code in _BEGINNINGS:
        if error.startswith(beginning):
            name = error.removeprefix(beginning).partition(" in ")[0].partition(" - ")[0]
            return code, fold(name.strip('"').removeprefix("main."))
    words = error.split()
    if error.endswith("syntax error"):
        return "AM201", ""
    if words[-2:] == ["already", "exists"]:
        return ("AM205" if words[0] == "index" else "AM204"), fold(words[1]) if len(words) > 2 else ""
    if " has no column named " in error:
        return "AM203", fold(words[-1])
    return "AM208", ""


def statement_violations(file: RevisionFile, trial: Trial, blamed: Collection[str]) -> Iterator[Violation]:
    """Yield the violations in the statements of an upgrade().

    `blamed` are the words of statements that failed before. Why: a statement that lacks only one of them is a
    consequence, and is not reported.
    """
    words = set(blamed)
    for one in trial.statements:
        place = place_of(file, one.line)
        if one.refused:
            yield _refused(place, one.refused, one.sql)
        elif one.error:
            yield from _failure(file, one, words)
        elif one.clash and (message := clash_in_words(one.clash)):
            yield violation("AM207", place, message, sql=one.sql)
        words |= names_in_failed(one)
    if trial.refused:
        yield _refused(place_of(file, trial.raised_line), trial.refused)
    if trial.raised and not trial.failed:
        yield violation("AM209", place_of(file, trial.raised_line), f"{trial.function}() raises {trial.raised}")


def _refused(place: Place, attempt: str, sql: str = "") -> Violation:
    return violation("AM210", place, f"it tries to {attempt}, but the whole run is one transaction", sql=sql)


def _failure(file: RevisionFile, one: Statement, blamed: Collection[str]) -> Iterator[Violation]:
    code, name = missing_object(one.error)
    if one.error in blamed:
        return
    if name and name in blamed and code in {"AM202", "AM203"}:
        return
    if one.error == _SEVERAL:
        yield violation(
            "AM208", place_of(file, one.line), one.error, "write one op.execute() for each statement", one.sql
        )
        return
    yield violation(code, place_of(file, one.line), one.error.replace(": main.", ": ", 1), sql=one.sql)


def names_in_failed(one: Statement) -> frozenset[str]:
    """Return the names in a statement that failed or silently did nothing, on which later statements may depend."""
    if not one.error and not (one.clash and clash_in_words(one.clash)):
        return frozenset()
    names = dialect.words_of(one.sql)
    # Why the message too: a broken view or trigger makes many statements fail with the same message.
    return names | {one.error} if one.error.startswith("error in ") else names


def clash_in_words(clash: Clash) -> str:
    """Describe how the existing object differs from a CREATE IF NOT EXISTS; empty if it does not."""
    changes = [change for change in diff(clash.wanted, clash.found) if needs_repair(change)]
    if not changes:
        return ""
    parts = shortlist([_missed(change) for change in changes], 4, "; ")
    return f"{clash.kind} {clash.name} exists in another shape, so nothing is created: {parts}"


def _missed(change: Change) -> str:
    match change:
        case Missing():
            return f"no {describe(change.fact)}"
        case Extra():
            return f"{describe(change.fact)} as well{': ' * bool(change.harmful)}{change.harmful}"
        case _:
            return explain(change).replace("the chain says", "this statement says")
