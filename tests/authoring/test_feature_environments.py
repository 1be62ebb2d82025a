"""archmig env create and drop: a copy of one's own, entered and taken out again, and never anybody else's file."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.authoring import create_environment
from architect_migrate.backups.record import read_record
from architect_migrate.cli import env
from architect_migrate.config.loader import read_project
from architect_migrate.core.errors import ConfigError
from architect_migrate.databases.registry import keeper
from architect_migrate.databases.sqlite.run_lock import held
from architect_migrate.ledger import store
from support.cli import archmig, executable, primed
from support.new import BUGS, INDEX, VIEW, written
from support.scenarios import ask, digest, moment, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from support.cli import Done

MATRIX = """# The databases.
[defaults]
environment = "main"

[env.main]
path = "data/main.db"
protected = true

[env.dev]
path = "data/dev/app.db"
heads = ["head"]   # all of it
tags = ["development"]
requires = ["qa"]
require_rehearsal = true
lock_timeout = 0.2

[env.qa]
path = "data/qa/app.db"

# What rows leave open.
[[resolve]]
table = "bugs"
column = "id"
keep = true
environments = ["dev"]
"""
ENTRY = """
[env.try1]  # a copy of dev, by archmig env create
path = "data/try1/app.db"
heads = ["head"]
lock_timeout = 0.2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own_chain(tmp_path, {"001_bugs": revision(None, BUGS, INDEX, VIEW)})
    for name in ("dev", "qa"):
        (tmp_path / "data" / name).mkdir(parents=True)
        database = tmp_path / "data" / name / "app.db"
        script(database, BUGS, INDEX, VIEW, f"INSERT INTO bugs VALUES (1, '{name}')", *stamp("001_bugs"))
    (tmp_path / "environments.toml").write_text(MATRIX, encoding="utf-8")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dev(folder: Path) -> Path:
    return folder / "data" / "dev" / "app.db"


def try1(folder: Path) -> Path:
    return folder / "data" / "try1" / "app.db"


def created(*words: str) -> Done:
    done = archmig("env", "create", "try1", "--from", "dev", *words)
    assert done.code == 0, done.err
    return done


def refused(folder: Path, *words: str) -> str:
    """What a refusal says; nothing is written anywhere, but for lock files and what the ledger keeps of failures."""
    kept = (one for one in written(folder) if not one.startswith(".archmig/ledger.db"))
    before = {one: digest(folder / one) for one in kept if (folder / one).is_file()}
    places = written(folder)
    done = archmig("env", *words)
    assert (done.code, done.out) == (2, "")
    assert {place for place in written(folder) - places if not place.endswith(".archmig-lock")} == set()
    assert {each: digest(folder / each) for each in before} == before
    (line,) = done.err.splitlines()
    return line.removeprefix("archmig: ")


def test_a_copy_is_entered_behind_the_others(folder: Path) -> None:
    dev(folder).chmod(0o640)
    done = created()
    assert done.out == f"try1: {try1(folder)}, a copy of dev: 2 rows in 2 tables\n"
    assert done.err == (
        f"{folder}/environments.toml: resolve[1] holds for dev and not for try1: name it there too if it is to\n"
    )
    assert moment(try1(folder)) == moment(dev(folder))
    assert try1(folder).stat().st_mode & 0o777 == 0o640
    assert [path.name for path in try1(folder).parent.iterdir()] == ["app.db"]
    text = (folder / "environments.toml").read_text(encoding="utf-8")
    assert text == MATRIX.replace("\n# What rows", f"{ENTRY}\n# What rows")
    entry = store.entries(folder / ".archmig" / "ledger.db")[-1]
    assert (entry.environment, entry.action, entry.result) == ("try1", "env create", "done")
    assert archmig("check", "-e", "try1").code == 0


def test_what_guards_the_source_does_not_guard_the_copy(folder: Path) -> None:
    text = MATRIX.replace("[defaults]\n", "[defaults]\nprotected = true\nrequire_rehearsal = true\n")
    (folder / "environments.toml").write_text(text, encoding="utf-8")
    created("--tag", "feature", "--tag", "mine")
    (found,) = (
        environment
        for environment in read_project(folder / "environments.toml", {}).environments
        if environment.name == "try1"
    )
    assert (found.policies.protected, found.policies.require_rehearsal, found.requires) == (False, False, ())
    assert (found.tags, found.policies.lock_timeout) == ({"feature", "mine"}, 0.2)


def test_json_says_what_was_copied(folder: Path) -> None:
    told = json.loads(created("--json").out)
    (its,) = told["environments"]
    assert (told["command"], told["config"]) == ("env create", str(folder / "environments.toml"))
    assert {key: its[key] for key in ("name", "from", "path", "tables", "rows")} == {
        "name": "try1",
        "from": "dev",
        "path": str(try1(folder)),
        "tables": 2,
        "rows": 2,
    }
    assert its["not_resolved"] == [f"{folder}/environments.toml: resolve[1]"]


def test_what_is_committed_is_copied_whoever_is_writing(folder: Path) -> None:
    with closing(sqlite3.connect(dev(folder), isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO bugs VALUES (2, 'in the -wal')")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO bugs VALUES (3, 'not yet')")
        created()
        writer.execute("ROLLBACK")
    assert ask(try1(folder), "SELECT title FROM bugs") == [("dev",), ("in the -wal",)]
    assert ask(try1(folder), "PRAGMA journal_mode") == [("wal",)]


def test_an_empty_database_can_be_copied_too(folder: Path) -> None:
    dev(folder).write_bytes(b"")
    assert "0 rows in 0 tables" in created().out
    assert ask(try1(folder), "SELECT count(*) FROM sqlite_master") == [(0,)]


PATHS = {
    "the folder": ("data/dev/app.db", "data/try1/app.db"),
    "the file": ("data/dev.db", "data/try1.db"),
    "both": ("dev/dev-2.db", "try1/try1-2.db"),
    "a part of a name": ("data/app_dev.db", "data/app_try1.db"),
    "with a variable": ("${ROOT:-data}/dev/app.db", "${ROOT:-data}/try1/app.db"),
    "with a variable of that name": ("${dev:-data}/dev.db", "${dev:-data}/try1.db"),
    "not a folder above": ("dev/data/dev/app.db", "dev/data/try1/app.db"),
}


@pytest.mark.parametrize("case", PATHS.values(), ids=PATHS)
def test_the_path_is_the_sources_with_the_new_name(folder: Path, case: tuple[str, str]) -> None:
    before, after = case
    real = folder / re.sub(r"\$\{.*\}", "data", before)
    real.parent.mkdir(parents=True, exist_ok=True)
    dev(folder).rename(real)
    text = MATRIX.replace('"data/dev/app.db"', f'"{before}"')
    (folder / "environments.toml").write_text(text, encoding="utf-8")
    created()
    assert f'path = "{after}"' in (folder / "environments.toml").read_text(encoding="utf-8")
    assert (folder / re.sub(r"\$\{.*\}", "data", after)).exists()


def test_a_path_is_meant_from_here_and_written_from_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "data")
    done = archmig("env", "create", "try1", "--from", "dev", "--path", "../sub/$x.db")
    assert done.code == 0, done.err
    assert 'path = "sub/$$x.db"' in (folder / "environments.toml").read_text(encoding="utf-8")
    assert moment(folder / "sub" / "$x.db") == moment(dev(folder))


def test_a_name_that_the_source_has_nowhere_wants_a_path(folder: Path) -> None:
    text = MATRIX.replace('"data/dev/app.db"', '"data/app.db"')
    (folder / "environments.toml").write_text(text, encoding="utf-8")
    dev(folder).rename(folder / "data" / "app.db")
    assert refused(folder, "create", "try1", "--from", "dev") == (
        "the path of dev, data/app.db, does not contain its name (name the new database with --path FILE; "
        "nothing was written)"
    )


def link_to(target: str, name: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).symlink_to(Path(target).absolute())


def hard_link(target: str, name: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).hardlink_to(target)


def text_in(name: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("mine", encoding="utf-8")


SAME = "is the same database as env."
OTHERS = {
    "a file that is there": (lambda: text_in("data/try1/app.db"), (), "app.db: it exists already"),
    "a link to another one's database": (lambda: link_to("data/qa/app.db", "data/try1/app.db"), (), f"{SAME}qa: "),
    "a link to a folder of another one": (lambda: link_to("data/qa", "data/try1"), (), f"{SAME}qa: "),
    "another name of another one's file": (
        lambda: hard_link("data/qa/app.db", "data/try1/app.db"),
        (),
        "app.db: it exists already",
    ),
    "a link to nothing": (lambda: link_to("nothing.db", "data/try1/app.db"), (), "app.db: it is a link"),
    "another one's database": (lambda: None, ("--path", "data/qa/app.db"), f"{SAME}qa: "),
    "its own source": (lambda: None, ("--path", "data/qa/../dev/app.db"), f"{SAME}dev: "),
    "another one's, which is not there yet": (lambda: None, ("--path", "data/main.db"), f"{SAME}main: "),
    "another one's in other letters": (
        lambda: None,
        ("--path", "data/QA/App.db"),
        "it is the database of qa where case is ignored",
    ),
    "what SQLite keeps beside another one's": (
        lambda: None,
        ("--path", "data/qa/app.db-wal"),
        "it belongs to the database of qa",
    ),
    "another one's lock": (
        lambda: None,
        ("--path", "data/qa/app.db.archmig-lock"),
        "it belongs to the database of qa",
    ),
    "what is left of a database": (
        lambda: text_in("data/try1/app.db-wal"),
        (),
        "app.db-wal: belongs to a database that no longer exists; nothing was written: move it away",
    ),
    "a folder": (lambda: None, ("--path", "data"), "it exists already"),
    "a file where a folder must be": (lambda: text_in("data/try1"), (), "data/try1"),
}


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS)
def test_it_is_never_a_file_that_is_somebodys(folder: Path, case: tuple[object, tuple[str, ...], str]) -> None:
    prepare, words, said = case
    assert callable(prepare)
    prepare()
    assert said in refused(folder, "create", "try1", "--from", "dev", *words)


def test_a_folder_may_be_on_another_disk(folder: Path) -> None:
    (folder / "disk").mkdir()
    (folder / "data" / "try1").symlink_to(folder / "disk")
    created()
    assert moment(folder / "disk" / "app.db") == moment(dev(folder))


NAMES = {
    "one that is in it": ("qa", "dev", "'qa' is listed already (nothing was written: choose another name)"),
    "a source that is not": ("try1", "deb", "no environment 'deb' (did you mean 'dev'?)"),
    "a source without a file": ("try1", "main", "the path of main, data/main.db"),
    "a way up": ("../try1", "dev", "'../try1' cannot be the name of a file"),
    "nothing": ("", "dev", "'' cannot be the name of a file"),
    "a URL": ("a://b", "dev", "cannot be the name of a file"),
}


@pytest.mark.parametrize("case", NAMES.values(), ids=NAMES)
def test_names_that_will_not_do(folder: Path, case: tuple[str, str, str]) -> None:
    name, source, said = case
    if source == "main":
        dev(folder).unlink()
        assert "no such file" in refused(folder, "create", name, "--from", "dev")
        return
    assert said in refused(folder, "create", name, "--from", source)


def test_a_damaged_source_is_refused(folder: Path) -> None:
    with dev(folder).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    assert "damaged" in refused(folder, "create", "try1", "--from", "dev")


@pytest.mark.parametrize("raised", [ConfigError("f", "", "cannot be changed"), KeyboardInterrupt()])
@pytest.mark.parametrize("place", ["apply_change", "clone"])
def test_of_a_failure_nothing_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch, place: str, raised: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(create_environment if place == "apply_change" else keeper, place, fail)
    before = written(folder)
    done = archmig("env", "create", "try1", "--from", "dev")
    assert done.code == (130 if isinstance(raised, KeyboardInterrupt) else 2)
    assert written(folder) == before
    assert (folder / "environments.toml").read_text(encoding="utf-8") == MATRIX


def test_two_at_once_are_both_entered(folder: Path) -> None:
    names = ["one", "two", "three"]
    primed(folder)
    with ThreadPoolExecutor(max_workers=3) as pool:
        done = list(pool.map(lambda one: executable("env", "create", one, "--from", "dev", cwd=folder), names))
    assert [one.code for one in done] == [0, 0, 0], [one.err for one in done]
    found = [environment.name for environment in read_project(folder / "environments.toml", {}).environments]
    assert sorted(found) == ["dev", "main", "one", "qa", "three", "two"]


def test_what_came_goes_and_its_rows_are_kept(folder: Path) -> None:
    created()
    script(try1(folder), "PRAGMA journal_mode = WAL", "INSERT INTO bugs VALUES (2, 'of try1 alone')")
    was = moment(try1(folder))
    done = archmig("env", "drop", "try1", "--yes")
    assert done.code == 0, done.err
    (copy,) = (folder / ".archmig" / "backups").glob("try1-*.db")
    assert done.out == f"try1: gone; its last backup is {copy}\n"
    assert done.err == f"removed {try1(folder)}; its lock file stays, because another process may be waiting for it\n"
    assert moment(copy) == was
    record = read_record(copy)
    assert record is not None
    assert (record.environment, record.purpose) == ("try1", "env drop")
    assert (folder / "environments.toml").read_text(encoding="utf-8") == MATRIX
    assert [path.name for path in try1(folder).parent.iterdir()] == ["app.db.archmig-lock"]
    assert archmig("backup", "restore", "--db", str(try1(folder)), str(copy), "--yes").code == 0
    assert moment(try1(folder)) == was
    try1(folder).unlink()
    entry = store.entries(folder / ".archmig" / "ledger.db")[1]
    assert (entry.environment, entry.action, entry.backup) == ("try1", "env drop", str(copy))
    created()
    assert moment(try1(folder)) == moment(dev(folder))


def test_a_name_has_to_be_typed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    created()
    assert refused(folder, "drop", "try1") == (
        "stdin is not a terminal, so nothing can be confirmed. Nothing was changed (pass --yes)"
    )
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return ["y", "try1"][len(asked) - 1]

    monkeypatch.setattr(env, "require_terminal", lambda _: None)
    monkeypatch.setattr(env, "ask", answer)
    done = archmig("env", "drop", "try1")
    assert (done.code, done.err, try1(folder).exists()) == (1, "try1: left as it is\n", True)
    assert archmig("env", "drop", "try1").code == 0
    assert asked[0] == (
        f"try1: database and entry (sqlite:///{try1(folder)}) will be removed. "
        "Type its name to confirm, anything else to keep it:"
    )
    assert not try1(folder).exists()


KEPT = {
    "a protected one": ("main", "", "'main' is protected"),
    "the one meant when none is named": ("main", "protected = true", "'main' is the default environment"),
    "one that is required": ("qa", "", "'qa' is required by dev"),
    "one that an entry names": ("dev", "", "'dev' is named by resolve[1]"),
    "the last with a tag that an entry names": (
        "dev",
        'environments = ["dev"]',
        "resolve[1].environments: no environment or tag 'development'",
    ),
    "one that is not there": ("dve", "", "no environment 'dve' (did you mean 'dev'?)"),
}


@pytest.mark.parametrize("case", KEPT.values(), ids=KEPT)
def test_what_others_need_stays(folder: Path, case: tuple[str, str, str]) -> None:
    name, changed, said = case
    replacement = 'environments = ["development"]' if changed.startswith("environments") else ""
    text = MATRIX.replace(changed, replacement) if changed else MATRIX
    (folder / "environments.toml").write_text(text, encoding="utf-8")
    for words in ((), ("--keep-file",)):
        assert said in refused(folder, "drop", name, "--yes", *words)


def test_while_somebody_has_it_it_stays(folder: Path) -> None:
    created()
    with held(try1(folder), 0):
        assert "locked by another run" in refused(folder, "drop", "try1", "--yes")
    with closing(sqlite3.connect(try1(folder), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert "locked by another process" in refused(folder, "drop", "try1", "--yes")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not tell who has a file open")
def test_while_an_application_has_it_open_it_stays(folder: Path) -> None:
    created()
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM bugs'); print(); input()"
    command = [sys.executable, "-c", code, str(try1(folder))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        said = refused(folder, "drop", "try1", "--yes")
        process.communicate(b"\n")
    assert "is open in python" in said
    assert f"(process {process.pid}); nothing was changed: stop these processes, or pass --keep-file" in said
    assert archmig("env", "drop", "try1", "--yes").code == 0


def test_its_file_can_stay(folder: Path) -> None:
    created()
    before = digest(try1(folder))
    done = archmig("env", "drop", "try1", "--yes", "--keep-file", "--json")
    (its,) = json.loads(done.out)["environments"]
    assert (its["backup"], its["removed"]) == (None, None)
    assert digest(try1(folder)) == before
    assert (folder / "environments.toml").read_text(encoding="utf-8") == MATRIX


def test_one_whose_file_is_gone_or_holds_nothing_goes_too(folder: Path) -> None:
    created()
    try1(folder).unlink()
    assert archmig("env", "drop", "try1", "--yes").out == (
        "try1: taken out of environments.toml; no file was removed\n"
    )
    created()
    try1(folder).write_bytes(b"")
    done = archmig("env", "drop", "try1", "--yes")
    assert done.out == "try1: gone; there was nothing in it to back up\n"
    assert not try1(folder).exists()


def test_what_is_no_database_is_nobodys_to_remove(folder: Path) -> None:
    created()
    try1(folder).write_bytes(b"letters" * 1000)
    assert "not an SQLite database" in refused(folder, "drop", "try1", "--yes")
    assert archmig("env", "drop", "try1", "--yes", "--keep-file").code == 0
    assert try1(folder).exists()


def test_a_backup_that_cannot_be_made_keeps_it(folder: Path) -> None:
    created()
    (folder / ".archmig" / "backups").parent.mkdir(exist_ok=True)
    (folder / ".archmig" / "backups").write_text("a file", encoding="utf-8")
    assert "no backup was made" in refused(folder, "drop", "try1", "--yes")
    assert os.path.lexists(try1(folder))
