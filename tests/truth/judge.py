"""Words held against the truth: what archmig said of one database, and what is in it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from truth.compare import differences, own
from truth.life import goes_through
from truth.native import upgraded
from truth.reader import content_of, opened, quote
from truth.row_steps import ROW_KINDS
from truth.row_truth import NOT_RUN, invented, lost_or_changed, same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truth.chain import Revision
    from truth.commands import Said
    from truth.histories import Case
    from truth.life import Truth
    from truth.reader import Content, Key
    from truth.row_truth import Wrong

_DONE = ("done", "nothing")


@dataclass(frozen=True, slots=True)
class Answers:
    """One call for all databases of a chain; `first` and `second` are reconcile's."""

    status_before: Said
    check_before: Said
    diagnose_before: Said
    first: Said
    second: Said
    status: Said
    check: Said
    diagnose: Said
    upgrade: Said

    @property
    def all(self) -> tuple[Said, ...]:
        return (
            self.status_before,
            self.check_before,
            self.diagnose_before,
            self.first,
            self.second,
            self.status,
            self.check,
            self.diagnose,
            self.upgrade,
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is what findings are counted by; `detail` says what is true."""

    kind: str
    detail: str


def judged(truth: Truth, case: Case, name: str, answers: Answers, first: Content, second: Content) -> list[Finding]:
    """Every false word about one database; `first` and `second` are what lay there after each reconcile."""
    oracle = _head(truth)
    found = [
        *_words_before(truth, case, name, answers, oracle),
        *(_undamaged(truth, case, name, answers) if case.harmless else ()),
        *_outcome(truth, case, name, answers, first, oracle),
        *_agreement(case, name, answers, first, second),
        *_defects(name, answers),
    ]
    return list({finding.kind: finding for finding in reversed(found)}.values())


class Calls(Protocol):
    """The calls that a trial made."""

    @property
    def all(self) -> tuple[Said, ...]: ...


def process_findings(answers: Calls) -> list[Finding]:
    """What goes for a call as a whole: its exit code, its document, what it wrote to stderr."""
    found = []
    for said in answers.all:
        command = said.words[0]
        if said.code not in {0, 1, 2}:
            found.append(Finding(f"exit code {said.code} of {command}", said.err[-600:]))
        elif not said.document:
            found.append(Finding(f"no JSON document of {command}", said.out[:300] + said.err[-300:]))
        elif said.document.get("exit_code") != said.code:
            found.append(Finding(f"exit code of {command} is not the document's", str(said.code)))
        elif said.document.get("error"):
            found.append(Finding(f"{command} could not begin", str(said.document["error"])))
        if "Traceback" in said.err:
            found.append(Finding(f"traceback of {command}", said.err[-800:]))
    return found


def _head(truth: Truth) -> Content:
    return content_of(truth.head())


def _words_before(truth: Truth, case: Case, name: str, answers: Answers, oracle: Content) -> Iterator[Finding]:
    """What status and check say of the database as it was found."""
    status = answers.status_before.environment(name)
    clean = answers.check_before.environment(name).get("clean") is True
    up_to_date = status.get("state") == "up_to_date"
    if clean != up_to_date:
        yield Finding("before: status and check disagree", f"up_to_date {up_to_date}, clean {clean}")
    if clean:
        told = json.dumps(answers.diagnose_before.environment(name))
        yield from _schema("clean before", case.before, oracle, status, told)
        if (case.before.stamp or ()) != truth.chain.heads and set(case.before.stamp or ()) != set(truth.chain.heads):
            yield Finding("clean before: the stamp is not the heads", str(case.before.stamp))


def _undamaged(truth: Truth, case: Case, name: str, answers: Answers) -> Iterator[Finding]:
    """A database that plain Alembic would just upgrade is where its stamp says, and nothing is wrong with it."""
    status, first = answers.status_before.environment(name), answers.first.environment(name)
    stamp = truth.chain.tips(case.position)
    if set(status.get("heads") or ()) != set(stamp):
        yield Finding("undamaged: status sees another position", f"{status.get('heads')}, the stamp is true: {stamp}")
    if status.get("state") not in {"up_to_date", "behind"}:
        yield Finding(f"undamaged: status says {status.get('state')}", json.dumps(status)[:400])
    if first.get("outcome") not in _DONE and goes_through(truth, case.image) and not _loses_own(truth, case):
        told = _detail(answers.first, name)
        # A batch operation that casts a value to another one is refused on purpose (section 5 of the model).
        if "would not survive" not in told or not _casts_away(truth, case):
            yield Finding(f"undamaged: reconcile says {first.get('outcome')}", told)


def _loses_own(truth: Truth, case: Case) -> bool:
    """Whether plain Alembic, which upgrades the database, drops or breaks something of the application's own."""
    image = upgraded(truth.script, case.image, "heads")
    after = content_of(image)
    mine = [key for key in case.before.facts if own(key, case.before.facts)]
    views = [key[1] for key in mine if key[0] == "view"]
    return any(key not in after.facts for key in mine) or not all(_can_be_read(image, view) for view in views)


def _can_be_read(image: bytes, view: str) -> bool:
    with opened(image) as raw:
        try:
            raw.execute(f"SELECT * FROM {quote(view)} LIMIT 0")
        except sqlite3.OperationalError:
            return False
        return True


def _casts_away(truth: Truth, case: Case) -> bool:
    """Whether plain Alembic, which upgrades the database, makes a number of a text that is not that number."""
    after = content_of(upgraded(truth.script, case.image, "heads"))
    rows = {row.get("id"): row for table in after.rows.values() for row in table}
    texts = (
        (value, rows.get(row.get("id"), {}))
        for table in case.before.rows.values()
        for row in table
        for value in row.values()
        if isinstance(value, str)
    )
    return any(
        isinstance(now, int | float) and value.startswith(str(now).removesuffix(".0")) and value != str(now)
        for value, row in texts
        for now in row.values()
    )


def _outcome(
    truth: Truth, case: Case, name: str, answers: Answers, after: Content, oracle: Content
) -> Iterator[Finding]:
    """What reconcile says that it did."""
    outcome = answers.first.environment(name).get("outcome")
    if outcome not in _DONE:
        if after.digest != case.before.digest:
            yield Finding(f"{outcome or 'error'}, but something was changed", _changed(case.before, after))
        return
    told = json.dumps([answers.diagnose.environment(name), answers.first.environment(name)])
    yield from _schema(str(outcome), after, oracle, answers.status.environment(name), told)
    if set(after.stamp or ()) != set(truth.chain.heads):
        yield Finding(f"{outcome}: the stamp is not the heads", f"{after.stamp}, heads {truth.chain.heads}")
    wrongs = [*lost_or_changed(case, after), *(invented(case, after) if case.twin is not None else ())]
    for wrong in wrongs:
        yield Finding(f"{outcome}: {wrong.kind}{_beyond_telling(truth, case, wrong)}", wrong.detail)
    for key in case.before.facts:
        if own(key, case.before.facts) and not _is_there(key, after) and _has_place(key, case.before, after):
            yield Finding(f"{outcome}: application's own {key[0]} gone", " ".join(key[1:]))


def _beyond_telling(truth: Truth, case: Case, wrong: Wrong) -> str:
    """Why rows could not have told what is wrong with them; such false words are counted apart."""
    if (wrong.kind in NOT_RUN or _is_alembics(truth, case, wrong)) and _is_covered(truth, case):
        return " (a false stamp covers it)"
    if wrong.kind in NOT_RUN and _is_made_by_hand(truth, case):
        return " (without a stamp, what was made by hand says that it ran)"
    if wrong.kind == "row invented" and _brings(truth, case, wrong.detail.partition(" ")[0]):
        return " (a data step brings it where no stamp that the schema supports says that it ran)"
    if _is_pending(truth, case):
        return " (beyond a stamp that fits, as for Alembic)"
    return " (without a stamp, nothing of it is in the schema)" if _is_begun_unseen(truth, case) else ""


def _is_begun_unseen(truth: Truth, case: Case) -> bool:
    """Whether a revision was interrupted before it left anything in the schema, and no stamp is there."""
    if case.before.stamp or not case.history.half:
        return False
    image = b""
    for name in truth.chain.tips(case.position):
        image = upgraded(truth.script, image, name)
    return all(each.cosmetic for each in differences(content_of(image).facts, case.undamaged.facts))


def _is_made_by_hand(truth: Truth, case: Case) -> bool:
    """Whether no stamp is there, and a revision that did not run has all that it makes, some of it made by hand."""
    if case.before.stamp:
        return False
    nexts = (each for each in truth.chain.revisions if each.id not in case.position and _writes_rows(each))
    for revision in nexts:
        if truth.chain.closure(revision.parents) <= case.position and (makes := _made(truth, revision.id).keys()):
            there, ran = (makes <= found.facts.keys() for found in (case.before, case.undamaged))
            if there and not ran:
                return True
    return False


def _made(truth: Truth, name: str) -> dict[Key, str]:
    """What a revision makes, where it runs after its ancestors alone."""
    parents = next(revision.parents for revision in truth.chain.revisions if revision.id == name)
    before = b""
    for parent in parents:
        before = upgraded(truth.script, before, parent)
    earlier = content_of(before).facts if before else {}
    made = content_of(upgraded(truth.script, before, name)).facts
    return {key: fact for key, fact in made.items() if earlier.get(key) != fact}


def _is_alembics(truth: Truth, case: Case, wrong: Wrong) -> bool:
    """Whether plain Alembic, going by the same stamp, leaves the same value: what a later revision makes of one that
    an earlier one did not change."""
    try:
        rows = content_of(upgraded(truth.script, case.image, "heads")).rows
    except Exception:  # noqa: BLE001  (whatever a revision raises on what was damaged)
        return False
    table, column, key = wrong.place
    return any(str(row.get("id")) == key and same(row.get(column), wrong.now) for row in rows.get(table, ()))


def _brings(truth: Truth, case: Case, key: str) -> bool:
    """Whether a data step inserts the row of a key that no stamp covers, or none that the schema supports."""
    stamp = [name for name in case.before.stamp or () if name in truth.chain.ids]
    covered = truth.chain.closure(stamp) if set(case.undamaged.facts) <= set(case.before.facts) else frozenset()
    steps = (
        op.text for revision in truth.chain.revisions for op in revision.ops if op.data and revision.id not in covered
    )
    return any(f" {key}," in code or f"'{key}'" in code for code in steps)


def _is_pending(truth: Truth, case: Case) -> bool:
    """Whether more ran than the stamp says, and left the schema of the stamp all the same.

    Then what ran changed rows alone, and counts as pending, as it does for plain Alembic. What was damaged afterwards,
    as a constraint that lost its name, says nothing of what ran; a table that was made by hand may make a stamp fit.
    """
    stamp = case.before.stamp or ()
    behind = case.history.half or not case.position <= truth.chain.closure(stamp)
    if not stamp or not behind or not set(stamp) <= set(truth.chain.ids):
        return False
    image = b""
    for name in stamp:
        image = upgraded(truth.script, image, name)
    expected = content_of(image).facts
    return any(
        all(each.cosmetic for each in differences(expected, there.facts)) for there in (case.undamaged, case.before)
    )


def _is_covered(truth: Truth, case: Case) -> bool:
    """Whether the stamp says that more had run than had, and the schema supports it.

    Then an UPDATE that did not run cannot be told from rows. Where nothing of a revision is there, it can.
    """
    stamp = [name for name in case.before.stamp or () if name in truth.chain.ids]
    image = b""
    for name in stamp:
        image = upgraded(truth.script, image, name)
    lasting = content_of(image).facts if stamp else {}
    untrue = [revision for revision in truth.chain.revisions if revision.id in truth.chain.closure(stamp)]
    untrue = [revision for revision in untrue if revision.id not in case.position]
    return any(_is_supported(truth, case, revision.id, lasting) for revision in untrue if _writes_rows(revision))


def _writes_rows(revision: Revision) -> bool:
    return any(op.data or op.kind in ROW_KINDS for op in revision.ops)


def _is_supported(truth: Truth, case: Case, name: str, lasting: Mapping[Key, str]) -> bool:
    """Whether something is there that only a revision leaves; of one that leaves nothing its parents decide."""
    if name in case.position:
        return True
    own = {key: fact for key, fact in _made(truth, name).items() if lasting.get(key) == fact}
    if own:
        return any(case.before.facts.get(key) == fact for key, fact in own.items())
    parents = next(revision.parents for revision in truth.chain.revisions if revision.id == name)
    return all(_is_supported(truth, case, parent, lasting) for parent in parents)


def _is_there(key: tuple[str, ...], after: Content) -> bool:
    """Whether something of the application's is there; a column also in a table that the chain calls otherwise now.

    A revision may rename its table, and a later one make another table of the old name.
    """
    if len(key) == 3 and key[2].startswith("x_"):
        return any(one[0] == key[0] and one[2] == key[2] for one in after.facts if len(one) == 3)
    return key in after.facts


def _has_place(key: tuple[str, ...], before: Content, after: Content) -> bool:
    """Whether the table that something of the application's stands on is still there."""
    match key[0]:
        case "table":
            return True
        case "index" | "trigger" | "view":
            tables = [name for name in before.tables if f" {name} " in f"{before.facts[key]} "]
            return all(("table", name) in after.facts for name in tables)
        case _:
            return ("table", key[1]) in after.facts


def _schema(word: str, there: Content, oracle: Content, status: dict[str, object], told: str) -> Iterator[Finding]:
    drift = status.get("drift")
    cosmetic = isinstance(drift, dict) and (drift.get("cosmetic") or 0) > 0
    for difference in differences(oracle.facts, there.facts):
        if difference.cosmetic and cosmetic:
            continue
        if difference.extra and difference.name in told:
            continue
        yield Finding(
            f"{word}: {difference.kind}{' (untold)' if difference.cosmetic or difference.extra else ''}",
            difference.detail,
        )


def _agreement(case: Case, name: str, answers: Answers, first: Content, second: Content) -> Iterator[Finding]:
    """Status, check, upgrade and both runs of reconcile speak with one voice."""
    one, other = answers.first.environment(name).get("outcome"), answers.second.environment(name).get("outcome")
    state = answers.status.environment(name).get("state")
    clean = answers.check.environment(name).get("clean")
    upgrade = answers.upgrade.environment(name).get("outcome")
    said = f"reconcile {one}, again {other}, status {state}, check clean {clean}, upgrade --dry-run {upgrade}"
    if first.digest != second.digest:
        yield Finding(f"{one}: the second reconcile changed something", f"{said}; {_changed(first, second)}")
    if one in _DONE:
        if other != "nothing":
            yield Finding(f"{one}: the second reconcile says {other}", f"{said}; {_detail(answers.second, name)}")
        if state != "up_to_date":
            yield Finding(f"{one}, then status says {state}", f"{said}; {_why(answers, name)}")
        if clean is not True:
            yield Finding(f"{one}, then check is not clean", f"{said}; {_why(answers, name)}")
        if upgrade != "nothing":
            yield Finding(f"{one}, then upgrade says {upgrade}", f"{said}; {_detail(answers.upgrade, name)}")
        for code in {item.get("code") for item in _to_do(answers, name)}:
            yield Finding(f"{one}, then diagnose has {code}", f"{said}; {_why(answers, name)}")
        return
    if state == "up_to_date" or clean is True:
        yield Finding(f"{one or 'error'}, but status or check says clean", said)
    if other != one:
        yield Finding(f"{one or 'error'}: the second reconcile says {other}", said)
    if upgrade in _DONE or (upgrade == "planned" and one == "blocked"):
        yield Finding(f"{one or 'error'}, but upgrade says {upgrade}", f"{said}; {_detail(answers.first, name)}")


def _to_do(answers: Answers, name: str) -> list[dict[str, object]]:
    """What diagnose says is to be repaired, or blocks."""
    found = answers.diagnose.environment(name).get("findings") or []
    return [one for one in found if one.get("level") in {"repair", "blocking"}]


def _why(answers: Answers, name: str) -> str:
    lines = [f"{one.get('code')}: {one.get('subject')}: {one.get('found')}" for one in _to_do(answers, name)]
    return f"{answers.check.environment(name).get('why')}; {' | '.join(lines[:3])}"


def _detail(said: Said, name: str) -> str:
    environment = said.environment(name)
    blockers = [one.get("found") for one in (environment.get("plan") or {}).get("blockers") or []]
    return f"{environment.get('detail')} {environment.get('error') or ''} {blockers[:2] or ''}".strip()


def _changed(before: Content, after: Content) -> str:
    facts = sorted(set(before.facts.items()) ^ set(after.facts.items()))
    tables = [name for name in before.rows if before.rows[name] != after.rows.get(name)]
    return f"stamp {before.stamp} to {after.stamp}; {facts[:3]}; rows of {tables[:3]}"


def _defects(name: str, answers: Answers) -> Iterator[Finding]:
    for said in answers.all:
        text = json.dumps([said.environment(name).get("error"), said.environment(name).get("detail")])
        if "defect of archmig" in text or '"Unexpected' in text:
            yield Finding(f"defect told by {said.words[0]}", text)
