"""One chain with its databases: built, given to archmig, judged."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from truth.chain import Chain, write, write_environments
from truth.commands import Said, archmig, import_everything
from truth.generate import generated
from truth.histories import drawn
from truth.judge import Answers, Finding, judged, process_findings
from truth.life import Truth
from truth.native import script_of
from truth.reader import Content, content_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truth.histories import Case


@dataclass(frozen=True, slots=True)
class Found:
    """A false word: where it was said, of which history, and what is true."""

    at: str
    cause: str
    words: str
    finding: Finding


@dataclass(slots=True)
class Tried:
    """What came of one chain: cases and outcomes by kind of history, and outcomes with their reasons by state."""

    found: list[Found] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    reasons: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which chain, and which of its databases: one alone, or so many.

    `server` is the URL of one that runs already; else one of a `version` is started (0: the newest).
    """

    seed: int
    chain: int
    databases: tuple[int, ...]
    rows: bool
    keep: str = ""
    history: str = ""
    version: int = 0
    server: str = ""

    @property
    def name(self) -> str:
        return f"{self.seed}:{self.chain}"


def try_chain(asked: Asked) -> Tried:
    """Build a chain and its databases, let archmig work on them, and judge what it says."""
    with workshop() as folder:
        truth = truth_of(folder, chain_of(asked), asked.name)
        if truth is None:
            return Tried()
        cases = {
            f"d{number:03}": drawn(truth, random.Random(f"{asked.name}:{number}"), asked.history)
            for number in asked.databases
        }
        return tried(truth, folder, cases, asked)


def chain_of(asked: Asked) -> Chain:
    return generated(asked.name, rows=asked.rows)


def truth_of(folder: Path, chain: Chain, seed: str) -> Truth | None:
    """The oracle of a chain written to a folder; None where plain Alembic cannot run the chain itself."""
    truth = Truth(chain, script_of(write(chain, folder)), seed)
    try:
        truth.head()
        truth.life(0)
    except Exception:  # noqa: BLE001  (lines of a chain that do not go together)
        return None
    return truth


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder for one chain, with archmig's cache in it."""
    import_everything()
    with tempfile.TemporaryDirectory(prefix="archmig-truth-") as name:
        os.environ["ARCHMIG_CACHE"] = str(Path(name) / "cache")
        place = Path(name) / "project"
        place.mkdir()
        yield place


def tried(truth: Truth, folder: Path, cases: dict[str, Case], asked: Asked) -> Tried:
    for name, case in cases.items():
        (folder / f"{name}.db").write_bytes(case.image)
    write_environments(folder, cases)
    answers, after = _answers(folder, cases)
    result = Tried()
    for name, case in cases.items():
        result.cases.append(case.history.cause)
        result.outcomes.append((case.history.cause, str(answers.first.environment(name).get("outcome"))))
        found = judged(truth, case, name, answers, *after[name])
        at = f"{asked.name}.{int(name[1:])}"
        result.found += [Found(at, case.history.cause, case.history.words, finding) for finding in found]
        if found and asked.keep:
            _kept(Path(asked.keep), at, truth, folder, name, case, answers, found)
    result.found += [Found(asked.name, "all", "", finding) for finding in process_findings(answers)]
    return result


def _answers(folder: Path, cases: dict[str, Case]) -> tuple[Answers, dict[str, tuple[Content, Content]]]:
    def ask(*words: str) -> Said:
        return archmig(folder, *words, "--all", "--json")

    before = ask("status"), ask("check"), ask("diagnose")
    one = ask("reconcile", "--yes")
    first = {name: content_at(folder / f"{name}.db") for name in cases}
    other = ask("reconcile", "--yes")
    second = {name: content_at(folder / f"{name}.db") for name in cases}
    after = ask("status"), ask("check"), ask("diagnose"), ask("upgrade", "--dry-run")
    return Answers(*before, one, other, *after), {name: (first[name], second[name]) for name in cases}


def _kept(
    to: Path, at: str, truth: Truth, folder: Path, name: str, case: Case, answers: Answers, found: Sequence[Finding]
) -> None:
    """A folder that shows a case: the project, the database before and after, the oracle's, and what was said."""
    place = to / at.replace(":", "-")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / "chain", place / "chain", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(folder / "alembic.ini", place / "alembic.ini")
    write_environments(place, [name])
    (place / f"{name}.db").write_bytes(case.image)
    shutil.copyfile(folder / f"{name}.db", place / "after.db")
    (place / "oracle.db").write_bytes(truth.head())
    history = case.history
    lines = [f"{one.kind}\n    {one.detail}" for one in found]
    lines += [
        "",
        f"{history.kind}: {history.words}",
        f"ran: {', '.join(truth.life(history.life).order[: history.done])}",
    ]
    lines += [statement for damage in history.damages for statement in damage.statements]
    said = {said.words[0] + f" {number}": said.environment(name) for number, said in enumerate(answers.all)}
    (place / "case.txt").write_text("\n".join(lines) + "\n")
    (place / "said.json").write_text(json.dumps(said, indent=1))
