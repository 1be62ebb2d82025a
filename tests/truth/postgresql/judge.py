"""Words held against the truth: what archmig said of one PostgreSQL database, and what is in it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from truth.judge import Finding
from truth.postgresql.compare import differences, own
from truth.postgresql.damage import ROW_WRITING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truth.chain import Revision
    from truth.commands import Said
    from truth.postgresql.compare import Difference
    from truth.postgresql.facts import Key
    from truth.postgresql.histories import Case
    from truth.postgresql.life import Truth

# States that say that nothing has drifted.
_SOUND = ("up_to_date", "behind", "unstamped")
# Steps that write nothing on the empty tables of a replay, so that what they write is not known.
_LOOPS = ("loop over SELECT", "DO")
_WORD = re.compile(r"\w+")
# What is said of a claim or of rows, not of something in the schema.
_NOT_OF_SCHEMA = (
    "claim-",
    "rows-",
    "interrupted",
    "drop-",
    "stamp",
    "missing-",
    "kept",
    "named-like",
    "key-taken",
    "may-",
)


@dataclass(frozen=True, slots=True)
class Answers:
    """`diagnose` of all databases of a chain, and calls of the other commands for some of them."""

    diagnose: Said
    status: Said
    check: Said
    current: Said
    pending: Said

    @property
    def all(self) -> tuple[Said, ...]:
        return (self.diagnose, self.status, self.check, self.current, self.pending)


def judged(truth: Truth, case: Case, answers: Answers) -> list[Finding]:
    """Every false word about one database."""
    status = answers.diagnose.environment(case.name)
    found = [
        *_agreement(truth, case, answers),
        *_errors(case, answers),
        *_position(truth, case, answers),
        *(_harmless(truth, case, answers) if case.harmless else ()),
        *_rows(truth, case, status),
        *_findings(truth, case, answers),
    ]
    return list({finding.kind: finding for finding in reversed(found)}.values())


def _agreement(truth: Truth, case: Case, answers: Answers) -> Iterator[Finding]:
    """All commands speak with one voice."""
    every = {said.words[0]: said.environment(case.name) for said in answers.all}
    told = {name: said for name, said in every.items() if said}
    for key in ("state", "heads"):
        values = {name: each.get(key) for name, each in told.items()}
        if len({json.dumps(value) for value in values.values()}) > 1:
            yield Finding(f"commands disagree about {key}", json.dumps(values))
    diagnose, state = told["diagnose"], told["diagnose"].get("state")
    if "check" in told and (told["check"].get("clean") is True) != (state == "up_to_date"):
        yield Finding("diagnose and check disagree", f"state {state}, clean {told['check'].get('clean')}")
    stamps = [
        (diagnose.get("claims") or {}).get("stamp"),
        *(each["stamp"] for each in told.values() if "stamp" in each),
    ]
    for stamp in stamps if state != "could_not_tell" else ():
        if set(stamp or ()) != set(case.before.stamp or ()):
            yield Finding("the stamp is another one", f"{stamp}, it is {case.before.stamp}")
    due = set(diagnose.get("pending") or ())
    if due != set(told.get("pending", diagnose).get("pending") or ()):
        yield Finding("diagnose and pending disagree", f"{due}, {told['pending'].get('pending')}")
    heads = diagnose.get("heads")
    if heads is not None and diagnose.get("pending") is not None:
        left = set(truth.chain.ids) - truth.chain.closure(heads)
        if due != left:
            yield Finding("pending is not what comes after the heads", f"{sorted(due)}, {sorted(left)}")


def _errors(case: Case, answers: Answers) -> Iterator[Finding]:
    for said in answers.all:
        environment = said.environment(case.name)
        error = environment.get("error")
        if error or environment.get("state") == "could_not_tell":
            yield Finding(f"{said.words[0]} could not tell: {(error or {}).get('type')}", json.dumps(error))


def _position(truth: Truth, case: Case, answers: Answers) -> Iterator[Finding]:
    """Where nothing has drifted, the schema is the one of the position that is named, and the stamp is the heads."""
    status = answers.diagnose.environment(case.name)
    state, heads = status.get("state"), status.get("heads") or []
    if state not in _SOUND:
        return
    told = json.dumps(answers.diagnose.environment(case.name))
    for difference in _differences(truth, case, heads):
        if difference.told and difference.told in told:
            continue
        untold = " (untold)" if difference.told else ""
        yield Finding(f"{state}: {difference.kind}{untold}", f"{difference.detail}; heads {heads}")
    if state != "unstamped" and set(case.before.stamp or ()) != set(heads):
        yield Finding(f"{state}: the stamp is not the heads", f"{case.before.stamp}, heads {heads}")
    if state == "unstamped" and case.before.stamp:
        yield Finding("unstamped: there is a stamp", str(case.before.stamp))
    if state == "up_to_date" and truth.chain.closure(heads) != frozenset(truth.chain.ids):
        yield Finding("up_to_date: not at the heads", str(heads))


def _differences(truth: Truth, case: Case, heads: list[str]) -> list[Difference]:
    return differences(truth.content_at(heads).facts, case.before.facts)


def _harmless(truth: Truth, case: Case, answers: Answers) -> Iterator[Finding]:
    """A database that plain Alembic would just upgrade is where its stamp says, and nothing is wrong with it."""
    status = answers.diagnose.environment(case.name)
    stamp = truth.chain.tips(case.position)
    if set(status.get("heads") or ()) != set(stamp):
        yield Finding("undamaged: seen at another position", f"{status.get('heads')}, the stamp is true: {stamp}")
    wanted = "up_to_date" if case.position == frozenset(truth.chain.ids) else "behind"
    if status.get("state") != wanted:
        yield Finding(f"undamaged: {status.get('state')}", str(_told(answers, case)[:3]))


def _told(answers: Answers, case: Case) -> list[dict[str, Any]]:
    found = answers.diagnose.environment(case.name).get("findings") or []
    return [one for one in found if one.get("level") in {"repair", "blocking"}]


def _findings(truth: Truth, case: Case, answers: Answers) -> Iterator[Finding]:
    """A difference of the schema that is told is there: it is about something that differs from the oracle."""
    heads = answers.diagnose.environment(case.name).get("heads")
    if heads is None:
        return
    expected, actual = truth.content_at(heads).facts, case.before.facts
    every = {key for key in {*expected, *actual} if key not in actual or not own(key, actual)}
    differing = {key for key in every if expected.get(key) != actual.get(key)}
    words = {word for key in differing for word in _words(key, expected.get(key, ""), actual.get(key, ""))}
    for one in _told(answers, case):
        if str(one.get("code")).startswith(_NOT_OF_SCHEMA):
            continue
        if not words & set(_WORD.findall(str(one.get("subject")))):
            yield Finding(f"nothing differs of {one.get('code')}", json.dumps(one)[:400])


def _words(key: Key, *texts: str) -> set[str]:
    return {word for text in (*key[1:], *texts) for word in _WORD.findall(text)}


# Rows.


def _rows(truth: Truth, case: Case, status: dict[str, Any]) -> Iterator[Finding]:
    """What is said of each revision's rows, and, of a position without a word on rows, that all of it ran."""
    told = status.get("rows")
    heads = status.get("heads") or []
    if told is None:
        covered = [name for name in truth.chain.closure(heads) if status.get("state") in _SOUND]
        told = [{"revision": name, "ran": "ran", "basis": "covered", "evidence": "no word"} for name in covered]
    writing = {revision.id for revision in truth.chain.revisions if writes_rows(revision)}
    for one in told:
        name, ran = one["revision"], one["ran"]
        if name not in writing:
            continue
        detail = f"{name}: {ran}, {one['basis']}, {one['evidence']}"
        if ran == "ran" and not _ran(case, name):
            yield Finding(f"rows told as run did not{_beyond_ran(truth, case, name, one)}", detail)
        elif ran == "did_not_run" and _began(case, name):
            yield Finding(f"rows told as not run did{_beyond_not(truth, case, name, one)}", detail)


def _ran(case: Case, name: str) -> bool:
    return name in case.position or (name == case.next and case.rows_ran == case.rows_of_it)


def _began(case: Case, name: str) -> bool:
    return name in case.position or (name == case.next and case.rows_ran > 0)


def writes_rows(revision: Revision) -> bool:
    return any(op.kind in ROW_WRITING and not op.data for op in revision.ops)


def _beyond_ran(truth: Truth, case: Case, name: str, told: dict[str, Any]) -> str:
    """Why rows could not have told; such words are counted apart."""
    if told["basis"] == "covered" and _is_borne_out(truth, case, name):
        return " (a false stamp covers it)"
    if not case.before.stamp and _is_made_by_hand(truth, case, name):
        return " (without a stamp, what was made by hand says that it ran)"
    return ""


def _beyond_not(truth: Truth, case: Case, name: str, told: dict[str, Any]) -> str:
    tables = {key[1] for key in case.before.facts if key[0] == "table"}
    written = next(each for each in truth.chain.revisions if each.id == name).ops
    if not any(op.touches & tables for op in written):
        return " (what it wrote to is gone)"
    stamp = [each for each in case.before.stamp or () if each in truth.chain.ids]
    if told["basis"] == "pending" and stamp and name not in truth.chain.closure(stamp):
        expected = truth.content_at(stamp).facts
        if any(not _unlike(expected, there.facts) for there in (case.before, case.undamaged)):
            return " (beyond a stamp that fits, as for Alembic)"
    made = _made(truth, name)
    if made and not any(case.before.facts.get(key) == fact for key, fact in made.items()):
        if not stamp:
            return " (without a stamp, nothing of it is in the schema)"
        if all(op.kind in _LOOPS for op in written if op.kind in ROW_WRITING):
            return " (a loop, and nothing of it is in the schema)"
    if not case.before.stamp and name == case.next:
        before = truth.content_at(truth.chain.tips(case.position)).facts
        if not _unlike(before, case.undamaged.facts):
            return " (without a stamp, nothing of it is in the schema)"
    return ""


def beyond_rows(truth: Truth, case: Case) -> str:
    """Why it could not be known of some revision whether its row statements ran."""
    writing = [each.id for each in truth.chain.revisions if writes_rows(each)]
    for name in writing:
        if not _ran(case, name) and (why := _beyond_ran(truth, case, name, {"basis": "covered"})):
            return why
        if _began(case, name) and (why := _beyond_not(truth, case, name, {"basis": "pending"})):
            return why
    return ""


def _unlike(expected: Any, actual: Any) -> list[Difference]:
    return [each for each in differences(expected, actual) if not each.told]


def _made(truth: Truth, name: str) -> dict[Key, str]:
    """What a revision makes, where it runs after its ancestors alone."""
    parents = next(revision.parents for revision in truth.chain.revisions if revision.id == name)
    earlier = truth.content_at(parents).facts
    return {key: fact for key, fact in truth.content_at([name]).facts.items() if earlier.get(key) != fact}


def _is_borne_out(truth: Truth, case: Case, name: str) -> bool:
    """Whether something is there that only a revision leaves; of one that leaves nothing its parents decide."""
    stamp = [each for each in case.before.stamp or () if each in truth.chain.ids]
    if name not in truth.chain.closure(stamp):
        return False
    if name in case.position:
        return True
    lasting = truth.content_at(stamp).facts
    own_facts = {key: fact for key, fact in _made(truth, name).items() if lasting.get(key) == fact}
    if own_facts:
        return any(case.before.facts.get(key) == fact for key, fact in own_facts.items())
    parents = next(revision.parents for revision in truth.chain.revisions if revision.id == name)
    return all(_is_borne_out(truth, case, parent) for parent in parents)


def _is_made_by_hand(truth: Truth, case: Case, name: str) -> bool:
    """Whether all that a revision makes is there, and some of it was made by hand."""
    makes = _made(truth, name).keys()
    there, ran = (makes <= found.facts.keys() for found in (case.before, case.undamaged))
    return bool(makes) and there and not ran
