"""What an application is told of its database when it starts: the truth, at once, and never an exception."""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate import OnPending, Start, StartRefusedError, StartState, startup
from architect_migrate.integrations.startup import check
from architect_migrate.revisions import sandbox
from support.cli import archmig, build, execute
from support.paths import PROJECT
from support.plain_alembic import alembic

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.results import Survey

SKIPS = ("ARCHMIG_SKIP", "ARCHITECT_SKIP_MIGRATIONS")
PROBE = """
import json, sys
from architect_migrate import startup
found = startup("home")
print(json.dumps([found.state.name, found.compared, sorted(sys.modules)]))
"""
IMPORTING = """from alembic import context
from architect_migrate import startup
from architect_migrate.alembic_env import run

found = startup("behind", {config!r}, on_pending="upgrade")
assert found.message == "skipped, since Alembic imported the application during a run of its own", found.line
run(context)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Path:
    """The five databases in the current folder, and an environment that says nothing."""
    monkeypatch.chdir(build(tmp_path))
    for name in ("ARCHMIG_ENV", "ARCHITECT_ENV", *SKIPS, "ARCHMIG_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    caplog.set_level(logging.DEBUG, "architect_migrate")
    return tmp_path


@pytest.fixture
def known(place: Path) -> Path:
    """The same, where the chain was replayed before."""
    assert archmig("history").code == 0
    return place


@pytest.fixture
def nothing_learnt(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where it never was; whoever would start a process to do it now fails."""
    monkeypatch.setenv("ARCHMIG_CACHE", str(place / "cache"))

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("a process was started")

    for starter in (subprocess, sandbox.subprocess):
        monkeypatch.setattr(starter, "run", refuse)
    return place


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


FOUND = {
    "home": (StartState.UP_TO_DATE, True, "INFO", "home: at 003_due, as the chain makes it"),
    "behind": (
        StartState.BEHIND,
        False,
        "WARNING",
        "behind: revision 003_due is pending after 002_tags (archmig upgrade -e behind -c {file})",
    ),
    "lost": (
        StartState.DRIFTED,
        False,
        "WARNING",
        "lost: drifted: 5 breaking and 2 behavioural differences from the chain (archmig reconcile -e lost -c {file})",
    ),
    "empty": (StartState.UNINITIALISED, True, "INFO", "empty: nothing of the chain is in the database"),
    "gone": (StartState.MISSING, True, "INFO", "gone: there is no database file"),
}
BEHIND = "behind: revision 003_due is pending after 002_tags"
UNSEEN = "the schema was not compared, since the chain was never replayed here"
CLAIMED = {
    "home": (
        StartState.STAMPED,
        True,
        "INFO",
        f"home: stamped 003_due, its target; {UNSEEN} (archmig check -e home -c {{file}})",
    ),
    "behind": (
        StartState.BEHIND,
        False,
        "WARNING",
        f"{BEHIND}, by its stamp; {UNSEEN} (archmig upgrade -e behind -c {{file}})",
    ),
    "lost": (
        StartState.COULD_NOT_TELL,
        False,
        "WARNING",
        f"lost: it has no stamp, and {UNSEEN} (archmig status -e lost -c {{file}})",
    ),
    "empty": (StartState.UNINITIALISED, True, "INFO", "empty: nothing is in the database"),
    "gone": (StartState.MISSING, True, "INFO", "gone: there is no database file"),
}


def told(found: Start, place: Path, caplog: pytest.LogCaptureFixture) -> tuple[StartState, bool, str, str]:
    ((level, line),) = logged(caplog)
    return found.state, found.ok, level, line.replace(str(place / "environments.toml"), "{file}")


@pytest.mark.parametrize("name", FOUND)
def test_where_the_chain_is_known_the_schema_tells(known: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    before = files(known)
    assert told(startup(name), known, caplog) == FOUND[name]
    assert files(known) == before


@pytest.mark.parametrize("name", CLAIMED)
def test_where_the_chain_was_never_replayed_the_stamp_is_told_as_a_claim_and_nothing_is_run_or_written(
    nothing_learnt: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = files(nothing_learnt)
    found = startup(name)
    assert told(found, nothing_learnt, caplog) == CLAIMED[name]
    assert not found.compared
    assert files(nothing_learnt) == before


def test_the_value_is_whole_and_can_be_shown(known: Path) -> None:
    found = startup("behind")
    assert (found.current, found.target, found.pending) == (("002_tags",), ("003_due",), ("003_due",))
    shown = json.loads(json.dumps(found.as_dict()))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown.pop("checked_at"))
    assert shown == {
        "ok": False,
        "state": "behind",
        "message": "revision 003_due is pending after 002_tags",
        "environment": "behind",
        "database": f"sqlite:///{known}/behind.db",
        "current": ["002_tags"],
        "target": ["003_due"],
        "pending": ["003_due"],
        "compared": True,
        "breaking": 0,
        "behavioural": 0,
        "advice": f"archmig upgrade -e behind -c {known}/environments.toml",
        "error": None,
        "backup": None,
    }


def test_every_key_and_every_state_is_documented(known: Path) -> None:
    words = set(re.findall(r"`(\w+)`", (PROJECT / "docs" / "startup.md").read_text(encoding="utf-8")))
    assert set(startup("home").as_dict()) <= words
    assert {one.name.lower() for one in StartState} <= words


def locked(place: Path) -> Callable[[], None]:
    connection = sqlite3.connect(place / "home.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection.close


def rewrite(file: str, text: str | bytes) -> Callable[[Path], None]:
    return lambda place: (place / file).write_bytes(text if isinstance(text, bytes) else text.encode()) and None


def stamped(word: str) -> Callable[[Path], None]:
    return lambda place: execute(place / "home.db", f"UPDATE alembic_version SET version_num = '{word}'")


def a_folder(place: Path) -> None:
    (place / "home.db").unlink()
    (place / "home.db").mkdir()


def damaged(place: Path) -> None:
    data = bytearray((place / "home.db").read_bytes())
    data[100:] = b"\xff" * (len(data) - 100)
    (place / "home.db").write_bytes(data)


PASSWORD = '[env.home]\nurl = "postgresql://me:hunter2@host/db"\n'
BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no configuration": (lambda place: (place / "environments.toml").unlink(), "no environments.toml: looked at"),
    "no TOML": (rewrite("environments.toml", "[env.home\n"), "not TOML"),
    "a misspelt key": (rewrite("environments.toml", '[env.home]\npaht = "home.db"\n'), "unknown key"),
    "another kind of database": (rewrite("environments.toml", PASSWORD), "no connection"),
    "no such environment": (rewrite("environments.toml", '[env.other]\npath = "home.db"\n'), "no environment 'home'"),
    "no alembic.ini": (lambda place: (place / "alembic.ini").unlink(), "No such file"),
    "no script_location": (rewrite("alembic.ini", "[alembic]\n"), "no [alembic] script_location"),
    "a revision that is no Python": (rewrite("chain/versions/003_due.py", "def upgrade(:\n"), "SyntaxError"),
    "a revision that comes after nothing": (
        rewrite("chain/versions/003_due.py", 'revision = "003_due"\ndown_revision = "no"\n'),
        "which no file defines",
    ),
    "a revision that computes its id": (
        rewrite("chain/versions/003_due.py", 'revision = "003" + name\ndown_revision = "002_tags"\n'),
        "its revision is computed",
    ),
    "two files of one revision": (
        rewrite("chain/versions/004.py", 'revision = "003_due"\ndown_revision = "002_tags"\n'),
        "is the second file of revision 003_due",
    ),
    "revisions in a circle": (
        rewrite("chain/versions/001_notes.py", 'revision = "001_notes"\ndown_revision = "003_due"\n'),
        "form a cycle",
    ),
    "no database but text": (rewrite("home.db", b"not a database, but a text\n" * 99), "not an SQLite database"),
    "a damaged database": (damaged, "damaged"),
    "a folder": (a_folder, "not an SQLite database"),
    "a locked database": (locked, "locked by another process"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_whatever_is_broken_is_told_and_never_raised(
    nothing_learnt: Path, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    breaks, cause = BROKEN[case]
    undo = breaks(nothing_learnt)
    before = files(nothing_learnt)
    found = startup("home")
    (undo or (lambda: None))()
    assert (found.state, found.ok) == (StartState.COULD_NOT_TELL, False)
    assert found.error.endswith("Error")
    assert cause in found.message
    ((level, line),) = logged(caplog)
    assert (level, line) == ("WARNING", found.line)
    assert "hunter2" not in f"{found!r}{line}"
    assert files(nothing_learnt) == before


@pytest.mark.parametrize("case", ["a damaged database", "a locked database", "no TOML", "no database but text"])
def test_what_was_remembered_is_not_told_of_what_is_broken_since(known: Path, case: str) -> None:
    assert startup("home").ok
    undo = BROKEN[case][0](known)
    found = startup("home")
    (undo or (lambda: None))()
    assert found.state is StartState.COULD_NOT_TELL


def test_a_stamp_that_the_chain_does_not_have_is_an_error_in_the_log(
    known: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code is older than the database: it was rolled back."""
    stamped("009_from_the_future")(known)
    for cache in (os.environ["ARCHMIG_CACHE"], str(known / "none")):
        monkeypatch.setenv("ARCHMIG_CACHE", cache)
        found = startup("home")
        assert (found.state, found.ok) == (StartState.UNKNOWN_STAMP, False)
        assert "stamped 009_from_the_future, which the chain does not have" in found.message
    assert [level for level, _ in logged(caplog)] == ["ERROR", "ERROR"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"env": "home", "on_pending": "upgarde"},
        {"env": "home", "config": "no\0file"},
        {"env": "ho\0me"},
        {"env": "home", "config": 5},
        {"env": "home", "config": "."},
    ],
)
def test_not_even_a_wrong_call_raises(known: Path, arguments: dict[str, Any]) -> None:
    assert startup(**arguments).state is StartState.COULD_NOT_TELL


def test_a_log_that_cannot_be_written_stops_nothing(known: Path) -> None:
    class Broken(logging.Logger):
        def log(self, *_: Any, **__: Any) -> None:
            raise OSError("the disk is full")

    assert startup("home", logger=Broken("broken")).ok


def test_the_line_goes_to_the_logger_that_is_given(known: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mine")
    startup("home", logger=logging.getLogger("mine"))
    assert [record.name for record in caplog.records] == ["mine"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The environments whose schema was looked at from now on."""
    seen: list[str] = []
    survey = check.survey
    monkeypatch.setattr(check, "survey", lambda one: seen.append(one.environment.name) or survey(one))
    return seen


@pytest.mark.parametrize("name", ["home", "behind", "lost"])
def test_what_is_as_it_was_is_not_looked_at_again(known: Path, looks: list[str], name: str) -> None:
    first, second = startup(name), startup(name)
    assert (first, looks) == (second, [name])


CHANGES: dict[str, Callable[[Path], Any]] = {
    "a column": lambda place: execute(place / "home.db", "ALTER TABLE notes ADD COLUMN colour TEXT"),
    "an index": lambda place: execute(place / "home.db", "DROP INDEX ix_notes_due"),
    "the stamp": stamped("002_tags"),
    "the tracker": lambda place: execute(place / "home.db", "CREATE TABLE schema_versions (version TEXT)"),
    "the policies": lambda place: (place / "environments.toml").open("a").write("[defaults]\nrepair = 'none'\n"),
    "a revision": lambda place: (place / "chain" / "versions" / "003_due.py").open("a").write("# changed\n"),
    "the file": lambda place: (place / "home.db").write_bytes((place / "behind.db").read_bytes()),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.filterwarnings("ignore:unclosed file")
def test_whatever_it_was_found_from_has_changed_it_is_looked_at_again(
    known: Path, looks: list[str], change: str
) -> None:
    startup("home")
    CHANGES[change](known)
    archmig("history")
    startup("home")
    assert looks == ["home", "home"]


@pytest.mark.parametrize("change", ["an index", "the policies", "a revision"])
@pytest.mark.filterwarnings("ignore:unclosed file")
def test_what_is_changed_while_it_is_looked_at_is_not_remembered(
    known: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    survey = check.survey

    def interrupted(context: EnvironmentContext) -> Survey:
        found = survey(context)
        CHANGES[change](known)
        return found

    monkeypatch.setattr(check, "survey", interrupted)
    startup("home")
    assert not any(str(known) in path.read_text() for path in Path(os.environ["ARCHMIG_CACHE"]).glob("start-*.json"))


def test_a_link_that_leads_elsewhere_or_a_variable_that_says_so_is_another_database(
    known: Path, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (known / "environments.toml").write_text('[env.it]\npath = "${FOLDER}/home.db"\n')
    for number, name in enumerate(("home", "behind", "lost")):
        (known / f"release{number}").mkdir()
        (known / f"{name}.db").rename(known / f"release{number}" / "home.db")
    (known / "current").symlink_to("release0")
    monkeypatch.setenv("FOLDER", "current")
    assert startup("it").state is StartState.UP_TO_DATE
    (known / "current").unlink()
    (known / "current").symlink_to("release1")
    assert startup("it").state is StartState.BEHIND
    monkeypatch.setenv("FOLDER", "release2")
    assert startup("it").state is StartState.DRIFTED
    assert looks == ["it", "it", "it"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1}', "\xff"])
def test_a_memo_that_nobody_can_read_is_no_memo(known: Path, looks: list[str], text: str) -> None:
    startup("home")
    (memo,) = [
        path for path in Path(os.environ["ARCHMIG_CACHE"]).glob("start-*.json") if str(known) in path.read_text()
    ]
    assert memo.stat().st_mode & 0o077 == 0
    memo.write_text(text, encoding="latin-1")
    assert (startup("home").state, looks) == (StartState.UP_TO_DATE, ["home", "home"])


def test_an_application_whose_database_is_well_imports_nothing_that_works(known: Path) -> None:
    found = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", PROBE], cwd=known, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        state, compared, modules = json.loads(done.stdout)
        assert (state, compared) == ("UP_TO_DATE", True)
        assert {"sqlalchemy", "alembic", "typer", "rich", "click"} & set(modules) == set()
        found.append({module for module in modules if module.startswith("architect_migrate.")})
    # The second time nothing is read but digests.
    places = ("model.environment", "runs.survey", "databases.sqlite.connection", "integrations.startup.check")
    assert not found[1] & {f"architect_migrate.{each}" for each in places}


@pytest.mark.parametrize("variable", SKIPS)
@pytest.mark.parametrize("value", ["true", "1", "yes", "on", " TRUE "])
def test_a_start_can_be_told_to_look_at_nothing_and_says_so_each_time(
    place: Path, variable: str, value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(variable, value)
    for policy in ("warn", "upgrade", "refuse"):
        found = startup("behind", on_pending=policy)
        assert (found.state, found.ok, found.database) == (StartState.SKIPPED, False, "")
    said = f"behind: skipped, since {variable}={value!r}: the database was not checked"
    assert logged(caplog) == [("WARNING", said)] * 3


def test_so_can_a_call(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert startup("behind", skip=True).state is StartState.SKIPPED
    said = "behind: skipped, since the application asked for it: its database was not checked"
    assert logged(caplog) == [("WARNING", said)]


@pytest.mark.parametrize("variable", SKIPS)
@pytest.mark.parametrize("value", ["false", "0", ""])
def test_a_variable_that_says_no_skips_nothing(
    known: Path, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    found = startup("home")
    assert found.state is StartState.UP_TO_DATE
    assert "skip" not in found.message


@pytest.mark.parametrize("variable", SKIPS)
def test_a_variable_that_says_neither_yes_nor_no_skips_nothing_and_is_named(
    known: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "tru")
    found = startup("home")
    assert found.state is StartState.UP_TO_DATE
    assert found.message.endswith(f"; {variable}='tru' is neither true nor false, so it was not skipped")


def test_either_variable_skips_whatever_the_other_says(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for one, other in (SKIPS, SKIPS[::-1]):
        monkeypatch.setenv(one, "true")
        monkeypatch.setenv(other, "false")
        assert startup("home").state is StartState.SKIPPED


def test_the_environment_is_the_calls_else_the_variables_else_the_default(
    known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undecided = startup()
    assert (undecided.state, undecided.error) == (StartState.COULD_NOT_TELL, "NothingSelectedError")
    with (known / "environments.toml").open("a") as file:
        file.write('[defaults]\nenvironment = "behind"\n')
    assert startup().environment == "behind"
    monkeypatch.setenv("ARCHITECT_ENV", "lost")
    assert startup().environment == "lost"
    monkeypatch.setenv("ARCHMIG_ENV", "home")
    assert startup().environment == "home"
    monkeypatch.setenv("ARCHMIG_ENV", "")
    assert startup().environment == "lost"
    assert startup("home").environment == "home"


def test_the_configuration_is_the_calls_else_the_variables_else_found_above(
    known: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (known / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(known / "deep" / "er")
    assert startup("home").ok
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert startup("home").error == "ConfigNotFoundError"
    assert startup("home", known / "environments.toml").ok
    assert startup("home", str(known / "environments.toml")).ok
    monkeypatch.setenv("ARCHMIG_CONFIG", str(known / "environments.toml"))
    assert startup("home").ok


@pytest.mark.parametrize("name", ["behind", "lost"])
def test_refuse_lets_no_application_start_on_what_is_pending_or_drifted(
    place: Path, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Though the chain was never replayed: whoever insists on the schema waits until it is known."""
    monkeypatch.setenv("ARCHMIG_CACHE", str(place / "cache"))
    for _ in range(2):
        with pytest.raises(StartRefusedError) as refused:
            startup(name, on_pending=OnPending.REFUSE)
        assert refused.value.start.compared
        assert str(refused.value).endswith('; on_pending = "refuse", so the application does not start')
        assert FOUND[name][3].format(file=place / "environments.toml") in str(refused.value)
    assert [level for level, _ in logged(caplog)] == ["ERROR", "ERROR"]


@pytest.mark.parametrize("name", ["home", "empty", "gone"])
def test_refuse_refuses_nothing_else(known: Path, name: str) -> None:
    assert startup(name, on_pending="refuse").ok


def test_refuse_does_not_refuse_what_cannot_be_told(known: Path) -> None:
    stamped("009_from_the_future")(known)
    assert startup("home", on_pending="refuse").state is StartState.UNKNOWN_STAMP
    damaged(known)
    assert startup("home", on_pending="refuse").state is StartState.COULD_NOT_TELL


def test_an_empty_database_that_may_not_be_empty_is_refused(known: Path) -> None:
    text = (known / "environments.toml").read_text().replace('uninitialised = "skip"', 'on_pending = "refuse"')
    (known / "environments.toml").write_text(text)
    for name in ("empty", "gone"):
        with pytest.raises(StartRefusedError):
            startup(name)


def test_the_policy_is_the_calls_else_the_environments(known: Path) -> None:
    with (known / "environments.toml").open("a") as file:
        file.write('[defaults]\non_pending = "refuse"\n')
    for _ in range(2):
        with pytest.raises(StartRefusedError):
            startup("behind")
        assert startup("behind", on_pending="warn").state is StartState.BEHIND


def test_no_secret_of_the_configuration_is_told(
    known: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DATABASE", "postgresql://me:hunter2@host/db?password=s3cret")
    (known / "environments.toml").write_text('[env.it]\nurl = "${DATABASE}"\n')
    found = startup("it")
    assert "postgresql://***@host/db" in found.database
    assert not any(one in f"{found!r}{found.as_dict()}{logged(caplog)}" for one in ("hunter2", "s3cret", "me:"))


def test_a_message_is_one_line_whatever_is_in_it(known: Path, caplog: pytest.LogCaptureFixture) -> None:
    stamped("x\nWARNING all is lost\x1b[31m")(known)
    startup("home")
    ((_, line),) = logged(caplog)
    assert line.isprintable()


def test_a_chain_that_imports_the_application_does_not_upgrade_within_an_upgrade(place: Path) -> None:
    (place / "chain" / "env.py").write_text(IMPORTING.format(config=str(place / "environments.toml")))
    assert archmig("upgrade", "-e", "behind", "--yes").code == 0
    assert alembic("-x", "env=home", "current", ini=place / "alembic.ini").code == 0


def test_looking_again_while_the_application_runs_tells_what_is_there_now(known: Path) -> None:
    assert startup("behind").state is StartState.BEHIND
    assert archmig("upgrade", "-e", "behind", "--yes").code == 0
    assert startup("behind").state is StartState.UP_TO_DATE
    with closing(sqlite3.connect(known / "behind.db")) as connection:
        connection.execute("DROP INDEX ix_notes_due")
    assert startup("behind").state is StartState.DRIFTED
