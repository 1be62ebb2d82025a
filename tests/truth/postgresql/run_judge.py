"""What runs did, held against plain Alembic: the schema, every row, the stamp."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from truth.judge import Finding
from truth.postgresql.compare import differences, own
from truth.postgresql.judge import beyond_rows
from truth.postgresql.runs import COPY
from truth.row_truth import NOT_RUN, invented, lost_or_changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truth.commands import Said
    from truth.postgresql.facts import Content, Key
    from truth.postgresql.histories import Case
    from truth.postgresql.life import Truth
    from truth.postgresql.runs import Runs
    from truth.row_truth import Wrong

_DONE = ("done", "nothing")
# What is wrong where a row statement ran twice, or not at all.
_OF_STATEMENTS = (*NOT_RUN, "row invented", "value changed", "text changed again")
# Damages that took values away with them.
_LOSING = ("table dropped", "column dropped", "later step by hand")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|\d+")


@dataclass(frozen=True, slots=True)
class Rows:
    """A database as `row_truth` takes it."""

    before: Content
    undamaged: Content
    twin: Content | None
    lost: frozenset[str]


def judged_runs(truth: Truth, case: Case, runs: Runs) -> list[Finding]:
    """Everything that a run did otherwise than it said, or than plain Alembic."""
    name = case.name
    found = [
        *_looked_only(case, runs),
        *_outcome(truth, case, runs, name, runs.first),
        *_agreement(case, runs),
        *(_outcome(truth, case, runs, f"{COPY}{name}", runs.upgraded) if f"{COPY}{name}" in runs.found else ()),
        *(_sound(truth, case, runs) if case.harmless else ()),
        *_defects(case, runs),
    ]
    return list({finding.kind: finding for finding in reversed(found)}.values())


def outcome_of(said: Said, name: str) -> str:
    """The outcome with its reason, to be counted."""
    environment = said.environment(name)
    outcome = str(environment.get("outcome"))
    if outcome == "blocked":
        blockers = (environment.get("plan") or {}).get("blockers") or []
        codes = sorted({str(one.get("code")) for one in blockers})
        return f"{outcome}: {', '.join(codes) or _general(str(environment.get('detail')))}"
    if outcome in {"failed", "None"}:
        error = environment.get("error") or {}
        return f"{outcome}: {error.get('type')}: {_general(str(error.get('message') or environment.get('detail')))}"
    return outcome


def _general(text: str) -> str:
    return _QUOTED.sub("…", text)[:90]


def _looked_only(case: Case, runs: Runs) -> Iterator[Finding]:
    """What was looked at is as it was."""
    for what in changes(case.before, runs.found[case.name]):
        yield Finding("looking changed something", what)


def changes(before: Content, after: Content) -> Iterator[str]:
    """Everything that is not exactly as before, but for sequences that gave out numbers: those are never taken back."""
    if before.stamp != after.stamp:
        yield f"stamp {before.stamp} to {after.stamp}"
    yield from (f"{key}: {fact}" for key, fact in sorted(before.facts.items() ^ after.facts.items())[:3])
    yield from (f"names: {name}" for name in sorted(before.held.names ^ after.held.names)[:3])
    for table in sorted({*before.held.stored, *after.held.stored}):
        if before.held.stored.get(table) != after.held.stored.get(table):
            yield f"rows of {table}"
    yield from _set_back(before, after)


def _set_back(before: Content, after: Content) -> Iterator[str]:
    for name, (last, called) in before.held.sequences.items():
        now = after.held.sequences.get(name)
        if now is not None and now < (last, called):
            yield f"sequence {name} set back from {last} {called} to {now}"


def _outcome(truth: Truth, case: Case, runs: Runs, name: str, said: Said) -> Iterator[Finding]:
    """What one run says that it did."""
    word, outcome = said.words[0], str(said.environment(name).get("outcome"))
    before, after = runs.found[name], runs.after[name]
    if reached := _reached(said.environment(name)):
        yield from _stopped(reached, (before, after), f"{word} stopped")
        return
    if outcome not in _DONE:
        changed = list(changes(before, after))
        if changed:
            yield Finding(f"{word} {outcome}, but something was changed", "; ".join(changed))
        return
    if outcome == "nothing" and (changed := list(changes(before, after))):
        yield Finding(f"{word} nothing, but something was changed", "; ".join(changed))
    yield from _schema(truth, runs, name, f"{word} {outcome}", said)
    if set(after.stamp or ()) != set(truth.chain.heads):
        yield Finding(f"{word} {outcome}: the stamp is not the heads", f"{after.stamp}, heads {truth.chain.heads}")
    for wrong in _wrongs(truth, case, before, after):
        yield Finding(f"{word} {outcome}: {wrong.kind}{_beyond(truth, case, wrong)}", wrong.detail)
    yield from _own(before, after, f"{word} {outcome}")
    for what in _set_back(before, after):
        yield Finding(f"{word} {outcome}: sequence set back", what)
    for what in sorted(one for one in after.held.names - before.held.names if "archmig" in one or "pg_temp" in one):
        yield Finding(f"{word} {outcome}: something was left", what)


def _reached(said: dict[str, Any]) -> list[str]:
    """The stamp that a run says to have committed before it failed; nothing where it failed otherwise."""
    error = said.get("error") or {}
    return list(said["receipt"]["stamp_after"]) if error.get("type") == "StoppedAtError" else []


def _stopped(reached: list[str], contents: tuple[Content, Content], word: str) -> Iterator[Finding]:
    """What a run that stopped between two segments left, of a database that another run completes."""
    before, after = contents
    if sorted(after.stamp or ()) != sorted(reached):
        yield Finding(f"{word}: another stamp", f"{after.stamp}, said {reached}")
    yield from _own(before, after, word)
    for what in (*_set_back(before, after), *sorted(one for one in after.held.names if "archmig" in one)):
        yield Finding(f"{word}: something was left", what)


def _schema(truth: Truth, runs: Runs, name: str, word: str, said: Said) -> Iterator[Finding]:
    told = json.dumps([runs.diagnose.environment(name), said.environment(name)])
    for difference in differences(truth.content_at(truth.chain.heads).facts, runs.after[name].facts):
        if difference.told and difference.told in told:
            continue
        untold = " (untold)" if difference.told else ""
        yield Finding(f"{word}: {difference.kind}{untold}", difference.detail)


def _wrongs(truth: Truth, case: Case, before: Content, after: Content) -> list[Wrong]:
    lost = frozenset(each.kind for each in case.history.damages if each.kind.startswith(_LOSING))
    twin = truth.twin(case.history.life, case.history.done)
    rows = Rows(before, case.undamaged, twin, lost)
    return [*lost_or_changed(rows, after), *(invented(rows, after) if twin is not None else ())]


def _beyond(truth: Truth, case: Case, wrong: Wrong) -> str:
    """Why rows could not have told; such findings are counted apart."""
    return beyond_rows(truth, case) if wrong.kind in _OF_STATEMENTS else ""


def _own(before: Content, after: Content, word: str) -> Iterator[Finding]:
    for key in before.facts:
        if own(key, before.facts) and not _is_there(key, after) and _has_place(key, before, after):
            yield Finding(f"{word}: application's own {key[0]} gone", " ".join(key))


def _is_there(key: Key, after: Content) -> bool:
    """Whether something is there, also where the table that it stands on has another name now."""
    mine = {part for part in key[1:] if part.startswith("x_")}
    return key in after.facts or any(one[0] == key[0] and mine & {*one[1:]} for one in after.facts)


def _has_place(key: Key, before: Content, after: Content) -> bool:
    """Whether the table that something of the application's stands on is still there."""
    tables = [part for part in key[1:] if ("table", part) in before.facts and not part.startswith("x_")]
    return all(("table", table) in after.facts for table in tables)


def _agreement(case: Case, runs: Runs) -> Iterator[Finding]:
    """Both runs of reconcile and what is said afterwards go together."""
    name = case.name
    one, other = (said.environment(name).get("outcome") for said in (runs.first, runs.second))
    state = runs.diagnose.environment(name).get("state")
    clean = runs.check.environment(name).get("clean")
    said = f"reconcile {one}, again {other}, diagnose {state}, check clean {clean}"
    if changed := list(changes(runs.after[name], runs.again[name])):
        yield Finding(f"{one}: the second reconcile changed something", f"{said}; {'; '.join(changed)}")
    if one in _DONE:
        if other != "nothing":
            yield Finding(f"{one}: the second reconcile says {other}", f"{said}; {_detail(runs.second, name)}")
        if state != "up_to_date" or clean is not True:
            yield Finding(f"{one}, then {state}, clean {clean}", f"{said}; {_told(runs.diagnose, name)}")
    elif other != one:
        yield Finding(f"{one}: the second reconcile says {other}", f"{said}; {_detail(runs.first, name)}")
    elif state == "up_to_date" or clean is True:
        yield Finding(f"{one}, but called clean", said)


def _sound(truth: Truth, case: Case, runs: Runs) -> Iterator[Finding]:
    """What plain Alembic upgrades is upgraded, if nothing of the application's own is lost by that."""
    by_alembic = runs.alembics[case.name]
    if by_alembic is None:
        return
    mine = [key for key in case.before.facts if own(key, case.before.facts)]
    if any(key not in by_alembic.facts for key in mine):
        return
    for name, said in ((case.name, runs.first), (f"{COPY}{case.name}", runs.upgraded)):
        if name in runs.found and said.environment(name).get("outcome") not in _DONE:
            yield Finding(f"undamaged: {said.words[0]} {outcome_of(said, name)}", _detail(said, name))


def _detail(said: Said, name: str) -> str:
    environment = said.environment(name)
    blockers = [one.get("found") for one in (environment.get("plan") or {}).get("blockers") or []]
    return f"{environment.get('detail')} {environment.get('error') or ''} {blockers[:2] or ''}".strip()


def _told(said: Said, name: str) -> str:
    found = said.environment(name).get("findings") or []
    return str([(one.get("code"), one.get("subject"), one.get("found")) for one in found][:3])


def _defects(case: Case, runs: Runs) -> Iterator[Finding]:
    for said in runs.all:
        for name in (case.name, f"{COPY}{case.name}"):
            environment = said.environment(name)
            text = json.dumps([environment.get("error"), environment.get("detail")])
            if any(word in text for word in ("bug in archmig", "defect of archmig", "Assertion", '"Unexpected')):
                yield Finding(f"defect told by {said.words[0]}", text)
