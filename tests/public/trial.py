"""Tries archmig's command line on one project's chain; what plain Alembic makes of an empty database is the measure."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from public import facts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from public.projects import Project

_POSITIONS = 6
# As projects do whose alembic.ini is inside their package, and names no database.
_PLAINLY = """import sys
from alembic import command
from alembic.config import Config
ini, section, url, target = sys.argv[1:]
config = Config(ini, ini_section=section)
config.set_section_option(section, "sqlalchemy.url", url)
command.upgrade(config, target)
"""
# Longer than that nothing may take.
_SECONDS = 240


class TrialError(Exception):
    """Something that cannot be tried any further."""


class PlainError(TrialError):
    """A failure of plain Alembic, which is the measure."""


@dataclass(slots=True)
class Result:
    """What was found, one line for each question; `wrong` is what must not be."""

    lines: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with an environments.toml for a project, and the programs of its virtual environment."""

    project: Project
    folder: Path
    programs: Path
    site: Path
    positions: int = _POSITIONS

    def setting(self, name: str) -> str:
        """The line of environments.toml that says where a database is."""
        return f'path = "{name}.db"'

    def variable(self, value: str) -> str:
        """What stands in environments.toml for a variable; archmig replaces what names the database."""
        return self.filled(value)

    @property
    def ini(self) -> Path:
        return self.site / self.project.ini if self.project.ini else self.folder / "alembic.ini"

    def write(self, *lines: str) -> None:
        """Write what its people would write, with more lines of [alembic], and an environment for each database."""
        for name, text in self.project.files:
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(self.filled(text), encoding="utf-8")
        if not self.project.ini:
            location = self.filled(self.project.script)
            text = self.filled(self.project.text_of_ini(location)).replace(
                "{url}", self.of("{url}", self.folder / "theirs.db")
            )
            self.ini.write_text(text, encoding="utf-8")
        variables = "".join(f"{name} = '{self.variable(value)}'\n" for name, value in self.project.variables)
        names = ("built", "dropped", "models", *(f"at{number}" for number in range(self.positions)))
        environments = "".join(f"[env.{name}]\n{self.setting(name)}\n" for name in names)
        text = (
            f'[defaults]\nuninitialised = "create"\n[alembic]\nconfig = "{self.ini}"\n'
            f'section = "{self.project.section}"\n'
            f"{self.filled(self.project.alembic)}\n{''.join(lines)}\n[alembic.env]\n{variables}{environments}"
        )
        (self.folder / "environments.toml").write_text(text, encoding="utf-8")

    def filled(self, text: str) -> str:
        return text.replace("{site}", str(self.site)).replace("{folder}", str(self.folder))

    def environ(self, database: Path | None = None) -> dict[str, str]:
        """The environment of a shell in which its people work, with the variables of one database."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ARCHMIG"))}
        environ |= {"HOME": str(self.folder), "NO_COLOR": "1", "COLUMNS": "200", "PYTHONPATH": str(self.folder)}
        environ["PATH"] = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        environ["PYTHONWARNINGS"] = "ignore"
        if database:
            environ |= {name: self.of(value, database) for name, value in self.project.variables}
        return environ

    def of(self, text: str, database: Path) -> str:
        return self.filled(text).replace("{url}", f"sqlite:///{database}").replace("{path}", str(database))

    def plain(self, name: str, target: str = "heads") -> Path:
        """Let plain Alembic build a database, in the way of the project's people."""
        database = self.folder / name
        self.begin(database)
        words = [self.of(word, database).replace("{target}", target) for word in self.project.plainly]
        words = words or [
            "python",
            "-c",
            _PLAINLY,
            str(self.ini),
            self.project.section,
            self.of("{url}", database),
            target,
        ]
        folder = self.ini.parent if self.project.ini else self.folder
        done = self.run(words, self.environ(database), folder)
        if done.returncode or not self.is_there(database):
            raise PlainError(last_line(done.stderr or done.stdout))
        return database

    def begin(self, database: Path) -> None:
        """Make what has to be there before the first revision."""
        baseline = self.folder / "baseline.sql"
        if baseline.exists() and not database.exists():
            with closing(sqlite3.connect(database)) as connection:
                connection.executescript(baseline.read_text(encoding="utf-8"))

    def is_there(self, database: Path) -> bool:
        return database.exists()

    def archmig(self, *words: str) -> tuple[int, Any]:
        """The exit code of archmig and its JSON document."""
        done = self.run(["archmig", *words, "--json"], self.environ(), self.folder)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError as error:
            raise TrialError(f"archmig {' '.join(words)}: {last_line(done.stderr or done.stdout)}") from error

    def run(self, words: list[str], environ: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
        command = [str(self.programs / words[0]), *words[1:]]
        try:
            return subprocess.run(
                command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise TrialError(f"{' '.join(words[:2])} took more than {_SECONDS} seconds") from error

    def make_models(self, database: Path) -> str:
        """Make the tables of today's models, without a stamp; return why that fails, empty if it does not."""
        code = f"url = 'sqlite:///{database}'\n{self.filled(self.project.models)}"
        done = self.run(["python", "-c", code], self.environ(database), self.folder)
        return last_line(done.stderr) if done.returncode else ""


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("(Background on")]
    errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return (errors or lines or ["no output"])[-1].strip()[-400:]


def tried(place: Place) -> Result:
    """Everything that is asked about one project."""
    result = Result()
    place.write()
    try:
        plain = facts.read(place.plain("plain.db"))
    except PlainError as error:
        result.lines["plain Alembic from nothing"] = f"fails: {error}"
        told = _told(place.archmig("upgrade", "built", "--dry-run")[1])
        result.lines["archmig"] = told
        result.wrong += [] if told else ["archmig says nothing of it"]
        if not place.project.baseline:
            return result
    try:
        if "archmig" in result.lines and (plain := _on_baseline(place, result)) is None:
            return result
        history = replayed(place, result)
        apart = facts.random_columns(plain, facts.read(place.plain("again.db")))
        result.lines["random columns"] = str(len(apart))
        for question in (_built, _dropped, _modelled):
            with noted(result, question.__name__.strip("_")):
                question(place, result, plain, apart)
        with noted(result, "positions"):
            _positions(place, result, history)
    except TrialError as error:
        result.wrong.append(str(error))
    return result


@contextmanager
def noted(result: Result, question: str) -> Iterator[None]:
    """Note what ends the trial of one question, and go on with the next."""
    try:
        yield
    except TrialError as error:
        result.wrong.append(f"{question}: {error}")


def replayed(place: Place, result: Result) -> list[Any]:
    started = time.monotonic()
    told = _told(place.archmig("upgrade", "built", "--dry-run")[1])
    seconds = time.monotonic() - started
    if told:
        raise TrialError(f"archmig cannot replay it: {told}")
    revisions = place.archmig("history")[1]["revisions"]
    result.lines["revisions"] = str(len(revisions))
    result.lines["seconds of replay"] = f"{seconds:.1f}"
    return list(revisions)


def _on_baseline(place: Place, result: Result) -> facts.Facts | None:
    """What plain Alembic makes of a database with the baseline that archmig works out from the models."""
    _, document = place.archmig("baseline", "--models", place.project.baseline)
    if told := document.get("error"):
        result.lines["baseline"] = f"none: {told['message']}"
        return None
    result.lines["baseline"] = place.project.baseline
    place.write('baseline = "baseline.sql"')
    (place.folder / "plain.db").unlink(missing_ok=True)
    return facts.read(place.plain("plain.db"))


def _told(document: Any) -> str:
    """The error of a document, or of its first environment; empty if there is none."""
    error = document.get("error") or document["environments"][0]["error"]
    return str(error["message"]) if error else ""


def _built(place: Place, result: Result, plain: facts.Facts, apart: frozenset[tuple[str, int]]) -> None:
    changed(place, "upgrade", "built")
    found = facts.differences(plain, facts.read(place.folder / "built.db"), apart)
    result.lines["from nothing"] = "equal" if not found else f"differs: {found[:3]}"
    result.wrong += [f"from nothing: {each}" for each in found]


def changed(place: Place, command: str, name: str) -> None:
    _, document = place.archmig(command, name, "--yes")
    found = document["environments"][0] if document["environments"] else document
    if found.get("error") or found.get("outcome") != "done":
        codes = [f"{each['code']} {each['subject']}" for each in (found.get("plan") or {}).get("blockers", ())]
        detail = found.get("detail") or found["error"]
        raise TrialError(f"archmig {command}: {found.get('outcome')} {detail} {codes[:4]}")


def _dropped(place: Place, result: Result, plain: facts.Facts, apart: frozenset[tuple[str, int]]) -> None:
    statement = facts.droppable(plain)
    if not statement:
        result.lines["dropped"] = "nothing can be dropped"
        return
    database = place.folder / "dropped.db"
    shutil.copyfile(place.folder / "plain.db", database)
    _execute(database, statement)
    code, document = place.archmig("check", "dropped")
    if code != 1 or document["environments"][0]["clean"] is not False:
        result.wrong.append(f"dropped: not found after {statement}: {document}")
        return
    changed(place, "reconcile", "dropped")
    found = facts.differences(plain, facts.read(database), apart, texts=False)
    result.lines["dropped"] = f"{statement.split(' ')[1].lower()} repaired" if not found else f"differs: {found[:3]}"
    result.wrong += [f"dropped: {each}" for each in found]


def _execute(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


def _modelled(place: Place, result: Result, plain: facts.Facts, apart: frozenset[tuple[str, int]]) -> None:
    database = place.folder / "models.db"
    if failure := place.make_models(database):
        result.lines["create_all()"] = f"fails by itself: {failure}"
        return
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    code, document = place.archmig("check", "models")
    if code == 0:
        result.wrong.append(f"models: clean although it has no stamp: {document}")
    _, document = place.archmig("reconcile", "models", "--yes")
    found = document["environments"][0]
    if found["outcome"] == "done":
        lacking = facts.lacking(plain, facts.read(database), apart)
        clean = place.archmig("check", "models")[0] == 0
        result.lines["create_all()"] = "up to date" if not lacking and clean else f"{lacking[:3]}, clean: {clean}"
        result.wrong += [f"models: {each}" for each in lacking if clean]
        return
    blockers = (found["plan"] or {}).get("blockers", ())
    codes = sorted({each["code"] for each in blockers})
    result.lines["create_all()"] = f"asked: {len(blockers)} ({', '.join(codes)})"
    if not blockers or before != hashlib.sha256(database.read_bytes()).hexdigest():
        result.wrong.append(f"models: {found['outcome']} {found.get('detail')} {found['error']}")


def _positions(place: Place, result: Result, history: list[Any]) -> None:
    order = [each["revision"] for each in history if each["revision"] != "base"]
    sampled = [order[at] for at in sorted({(len(order) - 1) * part // (_POSITIONS - 1) for part in range(_POSITIONS)})]
    stamps = {}
    for number, revision in enumerate(sampled):
        database = place.plain(f"at{number}.db", revision)
        stamps[f"at{number}"] = set(_stamp(database, place.project.stamp))
        _execute(database, f'DROP TABLE "{place.project.stamp}"')
    _, document = place.archmig("status", *stamps)
    named = {"right": 0, "same schema": 0, "asked": 0}
    for found in document["environments"]:
        if found["error"]:
            raise TrialError(f"status: {found['error']}")
        right = stamps[found["name"]]
        word = _word(place, found, right)
        if word in named:
            named[word] += 1
        else:
            result.wrong.append(f"positions: at {right}: {word}")
    result.lines["positions"] = ", ".join(f"{count} {word}" for word, count in named.items() if count)


def _word(place: Place, found: Any, right: set[str]) -> str:
    if found["state"] == "undecided":
        return "asked"
    if set(found["heads"]) == right:
        return "right" if found["state"] == "unstamped" else str(found["state"])
    here = place.folder / f"{found['name']}.db"
    if found["heads"] and found["state"] == "unstamped":
        there = place.folder / f"said-{found['name']}.db"
        for head in found["heads"]:
            place.plain(there.name, head)
        _execute(there, f'DROP TABLE "{place.project.stamp}"')
        if facts.read(here).shape() == facts.read(there).shape():
            return "same schema"
    return f"said {found['state']} {found['heads']}"


def _stamp(database: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute(f'SELECT version_num FROM "{table}"')]
