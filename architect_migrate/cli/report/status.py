"""Where databases are: status, a grid of environments by revisions, and what is pending, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from architect_migrate.cli.report.chain import newest, short_names, titled, with_title
from architect_migrate.cli.report.layout import Cell, Style, block, columns_of, headed, plain, table
from architect_migrate.cli.report.rows import rows_json
from architect_migrate.cli.report.shared import Report, environment_json
from architect_migrate.core.text import clean, pluralize
from architect_migrate.diagnosis.claims import Claim
from architect_migrate.model.revision_graph import heads
from architect_migrate.planning.results import DEPARTED, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from architect_migrate.cli.documents.reading import (
        ClaimsJson,
        DriftJson,
        LastActionJson,
        ObservedJson,
        SeenJson,
        StandingJson,
        StatusJson,
    )
    from architect_migrate.cli.report.layout import Paint
    from architect_migrate.diagnosis.diagnose import Judgement
    from architect_migrate.ledger.external_changes import ExternalChange
    from architect_migrate.ledger.store import Entry
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Result, Survey


# The longest short name that stands upright above a grid.
_UPRIGHT = 4
_NONE = Cell("-", Style.DIM)
_HEADERS = (
    "environment",
    "state",
    "at",
    "stamp",
    "pending",
    "breaking",
    "behavioural",
    "gaps",
    "tolerated",
    "tracker",
    "last action",
)
_STYLES = {
    State.COULD_NOT_TELL: Style.BAD,
    State.UNKNOWN_STAMP: Style.BAD,
    State.UNDECIDED: Style.BAD,
    State.DRIFTED: Style.BAD,
    State.UNSTAMPED: Style.CAUTION,
    State.BEHIND: Style.CAUTION,
    State.UP_TO_DATE: Style.GOOD,
}
_ASKING, _WRONG = {State.UNDECIDED, State.UNKNOWN_STAMP}, {State.DRIFTED, State.UNSTAMPED}
_DECIDED, _SAYS = "archmig diagnose says what has to be decided", "archmig diagnose says what is wrong"
_ADVICE = (
    (_ASKING, _DECIDED),
    (_WRONG, f"{_SAYS}, archmig reconcile repairs it"),
    ({State.BEHIND}, "archmig upgrade runs what is pending"),
)


@dataclass(frozen=True, slots=True)
class Against:
    """Claims against truth, counted: tracker rows, revisions claimed and not there, there and not claimed, gaps.

    A gap is a revision up to the position that is not completely there.
    """

    rows: int
    false: int
    lacking: int
    gaps: int


def against(seen: Survey) -> Against:
    """What the claims of a database come to; all 0 where a digest told that it is what it claims."""
    judged = seen.diagnosis.judgements if seen.diagnosis else ()
    claimed = {Claim.EXECUTED, Claim.STAMPED}
    lacking = {judgement.revision.id for judgement in judged if _incomplete(judgement, seen)}
    return Against(
        len(seen.claims.rows),
        sum(judgement.claim in claimed and judgement.revision.id in lacking for judgement in judged),
        sum(
            judgement.claim not in claimed
            and bool(judgement.present or judgement.differing)
            and judgement.revision.id in seen.position
            for judgement in judged
        ),
        sum(revision in seen.position for revision in lacking),
    )


def _incomplete(judgement: Judgement, seen: Survey) -> bool:
    """Whether something of a revision is not there in its shape, other than what a [[resolve]] entry allows."""
    from architect_migrate.model.diff import change_key
    from architect_migrate.model.facts import key

    kept = {change_key(change) for change, _ in seen.kept}
    wanting = {key(fact) for fact in judgement.absent} | {change_key(change) for change in judgement.differing}
    return bool(wanting - kept) or (judgement.verdict.value == "missing" and bool(judgement.left_over))


def state_cell(result: Result) -> Cell:
    """The state of an environment's database, in its colour."""
    return Cell(result.state.value, _STYLES.get(result.state, Style.DIM))


def at(seen: Survey | None, graph: RevisionGraph, names: Mapping[str, str]) -> str:
    """The newest revisions of a position: `048`, `base`; `-` where nothing of the chain is there."""
    if seen is None or not seen.position:
        return "-"
    return newest(graph, seen.position, names)


def stamp_of(seen: Survey, names: Mapping[str, str]) -> str:
    """What Alembic's table says, in short."""
    if seen.claims.stamp is None:
        return "none"
    return ", ".join(names.get(revision, revision) for revision in seen.claims.stamp) or "base"


def tracker_of(seen: Survey) -> str:
    """What the legacy tracker says and how much of it is not so; `-` where there is none to read."""
    unsynced = f"{len(seen.unsynced)} to correct"
    if not seen.claims.tracker:
        return f"none: {unsynced}" if seen.unsynced else "-"
    told = against(seen)
    if seen.unsynced:
        return f"{pluralize(told.rows, 'row')}: {unsynced}"
    wrong = [f"{told.false} false"] * bool(told.false) + [f"{told.lacking} lacking"] * bool(told.lacking)
    return pluralize(told.rows, "row") + (f": {', '.join(wrong)}" if wrong else "")


def status_text(
    results: tuple[Result, ...], graph: RevisionGraph, last: Mapping[str, str], paint: Paint = plain, width: int = 120
) -> str:
    """One line an environment and a line of totals; `last` says in a few words what was done to each."""
    names = short_names(graph)
    rows = [_row(result, graph, names, last.get(result.environment, "-")) for result in results]
    return "\n".join([*table(_HEADERS, rows, paint, width), "", *block(totals(results), "", width, "  ")])


def _row(result: Result, graph: RevisionGraph, names: Mapping[str, str], last: str) -> list[Cell]:
    name, seen = Cell(result.environment, Style.BOLD), result.survey
    if seen is None or not seen.exists:
        pending = _number(len(seen.pending) if seen else 0, Style.CAUTION)
        return [name, state_cell(result), *[_NONE] * 2, pending, *[_NONE] * 5, Cell(last)]
    drift, told = seen.drift, against(seen)
    return [
        name,
        state_cell(result),
        Cell(at(seen, graph, names)),
        Cell(stamp_of(seen, names), _stamp_style(seen)),
        _number(len(seen.pending), Style.CAUTION),
        _number(drift.get("breaking", 0), Style.BAD),
        _number(drift.get("behavioural", 0), Style.CAUTION),
        _number(told.gaps, Style.BAD),
        _number(sum(drift.get(word, 0) for word in ("cosmetic", "extra", "kept")), Style.PLAIN),
        Cell(tracker_of(seen), Style.BAD if told.false or seen.unsynced else Style.PLAIN),
        Cell(last),
    ]


def _stamp_style(seen: Survey) -> Style:
    if seen.claims.stamp is None:
        return Style.DIM
    return Style.BAD if seen.state in DEPARTED else Style.GOOD


def _number(value: int, style: Style) -> Cell:
    return Cell(f"{value:,}", style) if value else _NONE


def totals(results: tuple[Result, ...]) -> str:
    """How many environments are in which state, and what to do about it."""
    states = Counter(result.state for result in results)
    parts = ", ".join(f"{states[state]} {state.value}" for state in State if states[state])
    advice = "; ".join(_advice(results))
    if not advice and any(result.survey and result.survey.unsynced for result in results):
        advice = "archmig reconcile corrects the tracker"
    return f"{pluralize(len(results), 'environment')}: {parts}" + (f" ({advice})" if advice else "")


def _advice(results: tuple[Result, ...]) -> Iterator[str]:
    """What to do about the states of databases."""
    states = {result.state for result in results}
    yield from (said for some, said in _ADVICE if some & states)


def pending_text(results: tuple[Result, ...], graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """What is left for each environment, and what has to be repaired before it can run."""
    names, lines = short_names(graph), list[str]()
    for result in results:
        lines += headed(result.environment, _left(result, graph, names), paint, width)
        if result.survey and 0 < len(result.survey.pending) < len(graph.revisions):
            lines += titled(graph, result.survey.pending, "  ", width)
    return "\n".join(lines)


def _left(result: Result, graph: RevisionGraph, names: Mapping[str, str]) -> str:
    seen = result.survey
    if seen is None:
        return result.state.value
    if len(seen.pending) == len(graph.revisions):
        return f"the whole chain of {pluralize(len(seen.pending), 'revision')} ({result.state.value})"
    gaps = against(seen).gaps
    number = pluralize(gaps, "gap")
    fills = f"archmig reconcile has to fill {number}"
    first = f"; first {fills}" if gaps else ""
    return f"{len(seen.pending) or 'nothing'} pending after {at(seen, graph, names)} ({result.state.value}){first}"


# Letters, so that the grid says the same without colours.
_CELLS = {
    "applied": ("a", Style.GOOD, "applied"),
    "missing": ("M", Style.BAD, "missing, though later ones are there"),
    "partial": ("P", Style.BAD, "partly there"),
    "conflicting": ("C", Style.BAD, "there in another shape"),
    "superseded": ("s", Style.DIM, "superseded, nothing of it left to see"),
    "unknown": ("u", Style.SPECIAL, "leaves nothing in the schema to see"),
    "pending": (".", Style.CAUTION, "pending"),
    "could not tell": ("?", Style.BAD, "could not tell"),
    "merge": ("m", Style.DIM, "merge, nothing to do"),
}


def words(seen: Survey | None, graph: RevisionGraph) -> list[str]:
    """One word for each revision, in chain order: its verdict, or `pending` after the position."""
    if seen is None:
        return [State.COULD_NOT_TELL.value] * len(graph.revisions)
    judged = seen.diagnosis.judgements if seen.diagnosis else ()
    verdicts = {judgement.revision.id: judgement.verdict.value for judgement in judged}
    return [verdicts.get(revision, "applied") if revision in seen.position else "pending" for revision in graph.order]


def grid_text(results: tuple[Result, ...], graph: RevisionGraph, paint: Paint = plain, width: int = 120) -> str:
    """Environments down, revisions across, in as many bands as the width asks for; the legend below."""
    names = [short_names(graph)[revision] for revision in graph.order]
    rows = [(clean(result.environment), words(result.survey, graph)) for result in results]
    margin = max([columns_of(name) for name, _ in rows], default=0) + 2
    across = max(width - margin, 10)
    shown = names if _stands_upright(names) else [f"{number}" for number in range(1, len(names) + 1)]
    lines: list[str] = []
    for start in range(0, len(names), across):
        lines += _band(shown[start : start + across], margin, paint)
        for name, one in rows:
            cells = "".join(paint(_CELLS[word][0], _CELLS[word][1]) for word in one[start : start + across])
            lines.append(f"{name}{' ' * (margin - columns_of(name))}{cells}")
        lines.append("")
    lines += _legend({word for _, item in rows for word in item}, paint)
    if not _stands_upright(names):
        lines.append("")
        for number, revision in enumerate(graph.order, 1):
            lines += block(f"{number}  {with_title(graph, revision)}", "", width, "   ")
    return "\n".join(lines)


def _stands_upright(names: Sequence[str]) -> bool:
    """Whether short names are short enough for the head of a grid; else the revisions are numbered."""
    return all(len(name) <= _UPRIGHT for name in names)


def _band(upright: Sequence[str], margin: int, paint: Paint) -> Iterator[str]:
    """The revisions' short names standing upright, or their numbers in the chain where they are long."""
    tall = max(map(len, upright), default=0)
    for row in range(tall):
        text = "".join(name.rjust(tall)[row] for name in upright)
        yield (" " * margin + paint(text, Style.DIM)).rstrip()


def _legend(used: set[str], paint: Paint) -> Iterator[str]:
    for word, (letter, style, meaning) in _CELLS.items():
        if word in used:
            yield f"{paint(letter, style)}  {meaning}"


def status_report(
    results: tuple[Result, ...],
    graph: RevisionGraph,
    last: Mapping[str, Entry],
    external_changes: Mapping[str, ExternalChange],
) -> Report:
    """Where every database is, what was last done to it, and whether it is still as archmig left it."""
    words = {name: _last_words(entry, name in external_changes) for name, entry in last.items()}
    return Report(
        partial(with_external_changes, partial(status_text, results, graph, words), external_changes),
        lambda: (_status_json(result, graph, last, external_changes) for result in results),
    )


def grid_report(
    results: tuple[Result, ...],
    graph: RevisionGraph,
    last: Mapping[str, Entry],
    external_changes: Mapping[str, ExternalChange],
) -> Report:
    """The same with a grid as its text."""
    report = status_report(results, graph, last, external_changes)
    return replace(report, text=partial(with_external_changes, partial(grid_text, results, graph), external_changes))


def with_warnings(report: Report, warnings: Sequence[str]) -> Report:
    """The report with warnings below its text. Why on stdout too: a section without files has no line of its own."""
    if not warnings:
        return report
    lines = [f"warning: {line}" for line in warnings]
    return replace(report, text=lambda paint, width: "\n".join([report.text(paint, width), "", *lines]))


def pending_report(results: tuple[Result, ...], graph: RevisionGraph) -> Report:
    """What is left to run for each database."""
    return Report(
        lambda paint, width: pending_text(results, graph, paint, width),
        lambda: (observed_json(result, graph) for result in results),
    )


def with_external_changes(
    text: Callable[[Paint, int], str], external_changes: Mapping[str, ExternalChange], paint: Paint, width: int
) -> str:
    """The text, and below it what is no longer as archmig left it."""
    if not external_changes:
        return text(paint, width)
    from architect_migrate.cli.report.ledger import external_changes_text

    return "\n".join([text(paint, width), "", *external_changes_text(external_changes, paint, width)])


def _last_words(entry: Entry, changed: bool) -> str:
    ended = "" if entry.result == "done" else f" {entry.result}"
    return f"{entry.action}{ended} {entry.started_at[:16].replace('T', ' ')}" + ("*" if changed else "")


def seen_json(result: Result, graph: RevisionGraph) -> SeenJson:
    """An environment and where its database is."""
    return {
        **environment_json(result.environment, result.database, result.error),
        **_standing_json(result.survey, graph),
    }


def observed_json(result: Result, graph: RevisionGraph, last: Entry | None = None) -> ObservedJson:
    """An environment, where its database is, and what was last done to it."""
    return {**seen_json(result, graph), "last_action": None if last is None else _last_action_json(last)}


def _status_json(
    result: Result, graph: RevisionGraph, last: Mapping[str, Entry], external_changes: Mapping[str, ExternalChange]
) -> StatusJson:
    from architect_migrate.cli.report.ledger import external_change_json

    name = result.environment
    return {**observed_json(result, graph, last.get(name)), "notice": external_change_json(external_changes.get(name))}


def _standing_json(seen: Survey | None, graph: RevisionGraph) -> StandingJson:
    if seen is None:
        state = State.COULD_NOT_TELL.name.lower()
        return {
            "state": state,
            "heads": None,
            "position": None,
            "claims": None,
            "drift": None,
            "pending": None,
            "rows": None,
        }
    return {
        "state": seen.state.name.lower(),
        "heads": [*heads(graph, seen.position)],
        "position": [revision for revision in graph.order if revision in seen.position],
        "claims": _claims_json(seen),
        "drift": _drift_json(seen.drift),
        "pending": [*seen.pending],
        "rows": rows_json(seen),
    }


def _drift_json(drift: Mapping[str, int]) -> DriftJson:
    return {
        "breaking": drift.get("breaking", 0),
        "behavioural": drift.get("behavioural", 0),
        "cosmetic": drift.get("cosmetic", 0),
        "extra": drift.get("extra", 0),
        "kept": drift.get("kept", 0),
    }


def _claims_json(seen: Survey) -> ClaimsJson:
    told = against(seen)
    return {
        "stamp": None if seen.claims.stamp is None else [*seen.claims.stamp],
        "tracker": {"rows": told.rows, "false": told.false, "lacking": told.lacking} if seen.claims.tracker else None,
        "untrue": [*seen.unsynced],
        "gaps": told.gaps,
    }


def _last_action_json(entry: Entry) -> LastActionJson:
    return {
        "action": entry.action,
        "result": entry.result,
        "started_at": entry.started_at,
        "seconds": entry.seconds,
        "backup": entry.backup or None,
        "user": entry.user,
        "host": entry.host,
    }
