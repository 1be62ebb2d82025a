"""One chain with its PostgreSQL databases: built, given to archmig, judged."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.server import throwaway
from truth.commands import archmig
from truth.judge import Finding, process_findings
from truth.native import script_of
from truth.postgresql.cluster import Cluster, cluster
from truth.postgresql.generate import generated
from truth.postgresql.histories import drawn
from truth.postgresql.judge import Answers, judged
from truth.postgresql.life import Truth
from truth.postgresql.project import write, write_environments
from truth.postgresql.run_judge import judged_runs, outcome_of
from truth.postgresql.runs import copied, run_all
from truth.postgresql.there_and_back import there_and_back
from truth.trial import Found, Tried, workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truth.chain import Chain
    from truth.commands import Said
    from truth.postgresql.histories import Case
    from truth.trial import Asked

# What URLs of projects name; archmig has one driver for all of them.
_DRIVERS = ("", "+psycopg", "+psycopg2", "+asyncpg", "+pg8000")
# One of so many databases is given to the commands that only say again what `diagnose` says.
_SOME = 5
# Clusters are copied: to make one takes a second.
_CLUSTERS = Path(tempfile.gettempdir()) / "archmig-truth-clusters"


def try_chain(asked: Asked) -> Tried:
    """Build a chain and its databases, let archmig look at them, and judge what it says."""
    with workshop() as folder, _server(asked) as server:
        # Why named: to make a server for each replay takes longer than the replay.
        os.environ["ARCHMIG_POSTGRESQL_SCRATCH"] = server.url
        truth = truth_of(folder, generated(asked.name, server, rows=asked.rows), server, asked.name)
        if truth is None:
            return Tried()
        cases = [
            drawn(truth, f"d{number:03}", random.Random(f"{asked.name}:{number}"), asked.history)
            for number in asked.databases
        ]
        return tried(truth, folder, cases, asked)


@contextmanager
def _server(asked: Asked) -> Iterator[Cluster]:
    running = nullcontext(asked.server) if asked.server else throwaway(asked.version or None, _CLUSTERS)
    with running as url, cluster(url) as server:
        yield server


def truth_of(folder: Path, chain: Chain, server: Cluster, seed: str) -> Truth | None:
    """The oracle of a chain written to a folder; None where plain Alembic cannot run the chain itself."""
    truth = Truth(chain, script_of(write(chain, folder)), server, seed)
    try:
        truth.head()
        truth.life(0)
    except Exception:  # noqa: BLE001  (lines of a chain that do not go together)
        return None
    return truth


def tried(truth: Truth, folder: Path, cases: Sequence[Case], asked: Asked) -> Tried:
    driver = random.Random(asked.name)
    copies = copied(truth, cases)
    names = [*(case.name for case in cases), *copies]
    write_environments(folder, {name: truth.cluster.url_of(name, driver.choice(_DRIVERS)) for name in names})
    some = [word for case in cases[::_SOME] for word in ("-e", case.name)]
    answers = Answers(
        archmig(folder, "diagnose", *(word for case in cases for word in ("-e", case.name)), "--json"),
        *(archmig(folder, command, *some, "--json") for command in ("status", "check", "current", "pending")),
    )
    runs = run_all(truth, folder, cases, copies)
    result = Tried()
    for case in cases:
        history = case.history
        state = str(answers.diagnose.environment(case.name).get("state"))
        result.cases.append(history.cause)
        outcome = outcome_of(runs.first, case.name)
        result.outcomes.append((history.cause, outcome.partition(":")[0]))
        result.reasons.append((state, outcome))
        found = [*judged(truth, case, answers), *judged_runs(truth, case, runs)]
        at = f"{asked.name}.{int(case.name[1:])}"
        result.found += [Found(at, history.cause, history.words, finding) for finding in found]
        # Why those that failed: what cannot be done is to be said in the plan.
        if asked.keep and (found or outcome.startswith("failed")):
            _kept(Path(asked.keep), at, truth, folder, case, (*answers.all, *runs.all), found)
    came, wrong = there_and_back(truth, folder, asked.name)
    result.reasons += [("one more revision", came)] * bool(came)
    whole = [*process_findings(answers), *process_findings(runs), *wrong]
    whole += [Finding("something was left", what) for what in runs.left]
    result.found += [Found(asked.name, "all", "", finding) for finding in whole]
    return result


def _kept(
    to: Path, at: str, truth: Truth, folder: Path, case: Case, answers: Sequence[Said], found: Sequence[Finding]
) -> None:
    """A folder that shows a case: the project, the database as a dump, and what was said."""
    place = to / at.replace(":", "-")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / "chain", place / "chain", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(folder / "alembic.ini", place / "alembic.ini")
    from architect_migrate.databases.postgresql.programs import programs

    dump = programs(truth.cluster.admin.info.server_version // 10_000).folder / "pg_dump"
    for name, file in ((case.name, "before.sql"), (truth.head(), "oracle.sql")):
        text = subprocess.run([dump, "--no-owner", truth.cluster.url_of(name)], check=True, capture_output=True).stdout
        (place / file).write_bytes(text)
    history = case.history
    lines = [f"{one.kind}\n    {one.detail}" for one in found]
    lines += ["", f"{history.kind}: {history.words}{', dumped and restored' * history.is_restored}"]
    lines += [f"ran: {', '.join(truth.life(history.life).order[: history.done])}, then {history.half} statements"]
    lines += [statement for damage in history.damages for statement in damage.statements]
    said = {f"{said.words[0]} {place}": said.environment(case.name) for place, said in enumerate(answers)}
    (place / "case.txt").write_text("\n".join(lines) + "\n")
    (place / "said.json").write_text(json.dumps(said, indent=1))
