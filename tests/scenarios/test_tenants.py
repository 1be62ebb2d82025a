"""Many databases of one entry: `path = "tenants/*.db"`, each file an environment."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.config.context import contexts_for
from architect_migrate.config.loader import read_project
from architect_migrate.core.database_errors import DatabaseMissingError
from architect_migrate.model.environment import select
from architect_migrate.revisions.replay import cache_folder
from architect_migrate.runs.upgrade import preview_upgrade, upgrade
from support.cli import archmig, ask, build, executable, execute, plainly, primed
from support.plain_alembic import alembic
from support.scenarios import own_chain, revision

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext

CONFIG = """[env.prod]
path = "home.db"
tags = ["live"]

[env.tenants]
path = "tenants/*.db"
tags = ["customers"]
"""
NOBODY = '[env.nobody]\npath = "nobody/**/*.db"\ntags = ["none"]\n'
WARNED = "warning: {file}: env.nobody.path: no file matches 'nobody/**/*.db' in {folder}/nobody\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a database of its own and three tenants, each a revision behind."""
    monkeypatch.chdir(build(tmp_path / "p"))
    plainly(monkeypatch)
    (tmp_path / "p" / "tenants").mkdir()
    (tmp_path / "p" / "environments.toml").write_text(CONFIG)
    for name in ("acme", "bolt", "corn"):
        tenant(tmp_path / "p", name)
    return tmp_path / "p"


def tenant(folder: Path, name: str) -> Path:
    return shutil.copy(folder / "behind.db", folder / "tenants" / f"{name}.db")


def configured(folder: Path, *more: str) -> None:
    (folder / "environments.toml").write_text("\n".join([CONFIG, *more]))


def states(*words: str) -> dict[str, str]:
    return {one["name"]: one["state"] for one in json.loads(archmig("status", "--json", *words).out)["environments"]}


def head(path: Path) -> object:
    return ask(path, "SELECT version_num FROM alembic_version")[0][0]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["prod", "tenants/acme", "tenants/bolt", "tenants/corn"]),
        (["tenants"], ["tenants/acme", "tenants/bolt", "tenants/corn"]),
        (["-e", "tenants/bolt"], ["tenants/bolt"]),
        (["--env", "tenants/*c*"], ["tenants/acme", "tenants/corn"]),
        (["*"], ["prod", "tenants/acme", "tenants/bolt", "tenants/corn"]),
        (["--tag", "customers"], ["tenants/acme", "tenants/bolt", "tenants/corn"]),
        (["--tag", "live", "tenants/corn"], ["prod", "tenants/corn"]),
        (["--all"], ["prod", "tenants/acme", "tenants/bolt", "tenants/corn"]),
        (["--db", "tenants/bolt.db"], ["tenants/bolt"]),
    ],
)
def test_a_tenant_is_chosen_by_name_section_tag_pattern_or_file(
    folder: Path, words: list[str], names: list[str]
) -> None:
    assert list(states(*words)) == names


def test_what_no_tenant_is_called_is_an_error(folder: Path) -> None:
    done = archmig("status", "-e", "tenants/acne")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"archmig: {folder}/environments.toml: no environment 'tenants/acne' (did you mean 'tenants/acme'?)\n"
    )
    assert archmig("upgrade", "tenants/z*", "--yes").code == 2


def test_one_run_brings_all_tenants_up_each_with_its_backup_and_entry(folder: Path) -> None:
    done = archmig("upgrade", "tenants", "--yes")
    assert done.code == 0, done.err
    assert {head(folder / "tenants" / f"{name}.db") for name in ("acme", "bolt", "corn")} == {"003_due"}
    backups = json.loads(archmig("backup", "list", "--json", "tenants").out)["environments"]
    assert [(one["name"], len(one["backups"])) for one in backups] == [
        ("tenants/acme", 1),
        ("tenants/bolt", 1),
        ("tenants/corn", 1),
    ]
    entered = json.loads(archmig("log", "--json", "tenants/bolt").out)["environments"]
    assert [one["name"] for one in entered] == ["tenants/bolt"]
    assert archmig("undo", "tenants/bolt", "--yes").code == 0
    assert states("tenants") == {"tenants/acme": "up_to_date", "tenants/bolt": "behind", "tenants/corn": "up_to_date"}


def test_a_new_tenant_is_there_at_the_next_command(folder: Path) -> None:
    archmig("upgrade", "tenants", "--yes")
    tenant(folder, "dune")
    assert archmig("check", "tenants").code == 1
    assert states("tenants")["tenants/dune"] == "behind"


def test_a_policy_of_the_section_is_that_of_each_tenant(folder: Path) -> None:
    configured(folder, "protected = true")
    assert archmig("upgrade", "tenants/acme").code == 2
    assert head(folder / "tenants" / "acme.db") == "002_tags"


def test_an_entry_for_the_section_and_one_for_a_tenant(folder: Path) -> None:
    keep = '[[resolve]]\ntable = "notes"\nindex = "ix_notes_due"\nkeep = true\n'
    configured(folder, f'{keep}environments = ["tenants/acme"]')
    archmig("upgrade", "tenants", "--yes")
    for name in ("acme", "bolt"):
        execute(folder / "tenants" / f"{name}.db", "DROP INDEX ix_notes_due")
    assert states("tenants") == {"tenants/acme": "up_to_date", "tenants/bolt": "drifted", "tenants/corn": "up_to_date"}
    configured(folder, f'{keep}environments = ["tenants"]')
    assert states("tenants")["tenants/bolt"] == "up_to_date"


def test_an_entry_for_a_tenant_that_is_gone_stops_nothing(folder: Path) -> None:
    configured(folder, '[[resolve]]\ntable = "notes"\nkeep = true\nenvironments = ["tenants/gone"]')
    done = archmig("check", "prod")
    assert (done.code, done.err) == (
        0,
        f"warning: {folder}/environments.toml: resolve[1].environments: env.tenants has no file 'tenants/gone'\n",
    )


def test_a_section_as_the_default_environment(folder: Path) -> None:
    configured(folder, '[defaults]\nenvironment = "tenants"')
    assert archmig("status").code == 0
    done = executable("current", cwd=primed(folder))
    assert done.code == 0


def test_a_tenant_first_and_then_the_others(folder: Path) -> None:
    configured(folder, 'requires = ["tenants/acme"]')
    ahead = archmig("upgrade", "tenants/bolt", "--yes")
    assert (ahead.code, head(folder / "tenants" / "bolt.db")) == (1, "002_tags")
    assert archmig("upgrade", "tenants/acme", "--yes").code == 0
    assert archmig("upgrade", "tenants/bolt", "--yes").code == 0


def test_a_section_that_is_required_is_all_of_its_tenants(folder: Path) -> None:
    text = CONFIG.replace('tags = ["live"]', 'requires = ["tenants"]').replace("home.db", "behind.db")
    (folder / "environments.toml").write_text(text)
    archmig("upgrade", "tenants/acme", "tenants/bolt", "--yes")
    assert archmig("upgrade", "prod", "--yes").code == 1
    archmig("upgrade", "tenants/corn", "--yes")
    assert archmig("upgrade", "prod", "--yes").code == 0


def test_a_required_section_without_a_file_is_no_requirement_met(folder: Path) -> None:
    (folder / "environments.toml").write_text(CONFIG.replace('tags = ["live"]', 'requires = ["nobody"]') + NOBODY)
    done = archmig("upgrade", "prod", "--yes")
    assert done.code == 2
    assert done.err.endswith(
        f"archmig: {folder}/environments.toml: env.nobody: no file matches 'nobody/**/*.db' in {folder}/nobody "
        "(correct its path, or create a database there first)\n"
    )


def test_a_pattern_without_a_file_is_told_once_by_every_command(folder: Path) -> None:
    configured(folder, NOBODY)
    warned = WARNED.format(file=folder / "environments.toml", folder=folder)
    for words in (["check", "--all"], ["status"], ["log"], ["backup", "list"], ["upgrade", "prod", "--yes"]):
        assert archmig(*words).err.count(warned) == 1, words
    assert archmig("status", "prod").out.endswith(f"\n\n{warned}")
    assert json.loads(archmig("status", "--json").out)["warnings"] == [warned.removeprefix("warning: ").strip()]


@pytest.mark.parametrize("words", [["nobody"], ["-e", "nobody"], ["--tag", "none"], ["nobo*"]])
@pytest.mark.parametrize("command", ["status", "check", "diagnose", "verify", "upgrade", "reconcile", "log", "undo"])
def test_a_pattern_without_a_file_alone_is_exit_2(folder: Path, command: str, words: list[str]) -> None:
    configured(folder, NOBODY)
    done = archmig(command, *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == (
        f"archmig: {folder}/environments.toml: env.nobody: no file matches 'nobody/**/*.db' in {folder}/nobody "
        "(correct its path, or create a database there first)"
    )


def test_a_file_of_two_entries_is_refused_where_both_are_selected(folder: Path) -> None:
    configured(folder, '[env.acme]\npath = "tenants/acme.db"\nprotected = true')
    assert list(states("tenants/acme")) == ["tenants/acme"]
    for words in (["status"], ["upgrade", "tenants", "acme", "--yes"], ["check", "--all"]):
        done = archmig(*words)
        assert (done.code, done.err) == (
            2,
            f"archmig: 'tenants/acme' and 'acme' are one database, {folder}/tenants/acme.db (choose one of them)\n",
        )
    # By its path it has the policies of neither, because nobody knows which are meant.
    assert archmig("upgrade", "--db", "tenants/acme.db", "--yes").code == 2


def test_two_environments_of_one_name_are_refused(folder: Path) -> None:
    configured(folder, '[env."tenants/acme"]\npath = "other.db"')
    assert archmig("status").err == (
        f"archmig: {folder}/environments.toml: env.'tenants/acme': and a file of env.tenants have the same name "
        "(give the environment another name)\n"
    )


@pytest.mark.parametrize("name", ["a b", "-x", "a[1]", "it's", 'say "x"', "ünï", "q?", "100%", "a\nb", "$HOME", "a*b"])
def test_a_tenant_of_any_name_is_brought_up_and_back(folder: Path, name: str) -> None:
    path = tenant(folder, name)
    (shown,) = set(states("tenants")) - {"tenants/acme", "tenants/bolt", "tenants/corn"}
    assert archmig("upgrade", "-e", shown, "--yes").code == 0
    assert head(path) == "003_due"
    assert archmig("backup", "verify", "-e", shown).code == 0
    assert archmig("undo", "-e", shown, "--yes").code == 0
    assert head(path) == "002_tags"


def test_a_tenant_that_is_removed_is_never_made_again(folder: Path) -> None:
    configured(folder, 'uninitialised = "create"')
    (folder / "tenants" / "dune.db").touch()
    (folder / "tenants" / "gone.db").symlink_to("nowhere.db")
    done = archmig("upgrade", "tenants", "--yes")
    assert done.code == 2
    assert head(folder / "tenants" / "dune.db") == "003_due"
    assert not (folder / "tenants" / "nowhere.db").exists()
    assert "no such file" in done.err


@pytest.mark.parametrize("words", [("-e", "tenants/notes"), ("--db", "other/notes.db")])
@pytest.mark.parametrize("command", ["upgrade", "reconcile"])
def test_nothing_is_built_in_a_file_of_another_program(folder: Path, command: str, words: tuple[str, ...]) -> None:
    configured(folder, 'uninitialised = "create"', '[defaults]\nuninitialised = "create"')
    for place in ("tenants", "other"):
        (folder / place).mkdir(exist_ok=True)
        execute(folder / place / "notes.db", "CREATE TABLE mine (body TEXT)")
    before = (folder / "tenants" / "notes.db").read_bytes()
    refused = archmig(command, *words, "--yes")
    assert refused.code == 1
    said = " ".join(refused.out.split())
    assert "it may be another program's: no stamp, and tables that the chain does not make: mine" in said
    assert "move it to another folder; to build the chain beside them, give the file an entry of its own" in said
    assert {(folder / place / "notes.db").read_bytes() for place in ("tenants", "other")} == {before}


def test_a_file_of_another_program_is_not_repaired_where_one_of_its_tables_has_a_name_of_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = [f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, name TEXT)" for name in ("users", "a", "b", "c")]
    own_chain(tmp_path, {"r1": revision(None, *tables)})
    (tmp_path / "environments.toml").write_text('[env.t]\npath = "t/*.db"\n[defaults]\nuninitialised = "create"\n')
    (tmp_path / "t").mkdir()
    script = "CREATE TABLE users (id INTEGER PRIMARY KEY); CREATE TABLE m1 (x); CREATE TABLE m2 (x)"
    execute(tmp_path / "t" / "x.db", script)
    monkeypatch.chdir(tmp_path)
    refused = archmig("reconcile", "t/x", "--yes")
    assert refused.code == 1
    assert "tables that the chain does not make: m1, m2" in " ".join(refused.out.split())
    assert ask(tmp_path / "t" / "x.db", "SELECT name FROM sqlite_master") == [("users",), ("m1",), ("m2",)]


def test_the_chain_is_built_beside_tables_of_another_program_where_an_entry_names_the_file(folder: Path) -> None:
    configured(folder, 'uninitialised = "create"', '[env.own]\npath = "tenants/notes.db"\nuninitialised = "create"')
    execute(folder / "tenants" / "notes.db", "CREATE TABLE mine (body TEXT)")
    assert archmig("upgrade", "own", "--yes").code == 0
    assert head(folder / "tenants" / "notes.db") == "003_due"


def test_a_database_that_was_taken_back_to_base_is_built_again(folder: Path) -> None:
    configured(folder, 'uninitialised = "create"')
    path = folder / "tenants" / "dune.db"
    execute(path, "CREATE TABLE mine (body TEXT); CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    assert archmig("upgrade", "tenants/dune", "--yes").code == 0
    assert head(path) == "003_due"


def contexts(folder: Path) -> tuple[EnvironmentContext, ...]:
    """The tenants as a command has them once it has begun."""
    project = read_project(folder / "environments.toml", {})
    tenants = select(project, ["tenants"], [])
    return contexts_for(project, tenants, cache_folder(os.environ))


def test_what_becomes_of_tenants_between_the_plan_and_the_run(folder: Path) -> None:
    configured(folder, 'uninitialised = "create"')
    planned = [(context, preview_upgrade(context)) for context in contexts(folder)]
    new, gone = tenant(folder, "dune"), folder / "tenants" / "bolt.db"
    gone.unlink()
    outcomes = []
    for context, shown in planned:
        assert shown.plan is not None
        try:
            outcomes.append(upgrade(context, shown.plan, lambda *_: None).outcome.value)
        except DatabaseMissingError as error:
            outcomes.append(error.problem)
    assert outcomes == ["done", "no such file", "done"]
    assert (gone.exists(), head(new)) == (False, "002_tags")


def test_a_folder_that_cannot_be_listed_is_no_clean_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(folder, '[env.deep]\npath = "deep/**/*.db"')
    shutil.copytree(folder / "tenants", folder / "deep" / "locked")
    shutil.move(folder / "deep" / "locked" / "acme.db", folder / "deep" / "acme.db")
    archmig("upgrade", "deep/acme", "tenants", "--yes")
    listed = os.scandir

    def refusing(path: Path) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refusing)
    for words in ([], ["deep"], ["--all"], ["deep*"]):
        done = archmig("check", *words)
        assert done.code == 2, words
        assert f"env.deep.path: {folder}/deep/locked cannot be listed: Permission denied" in done.err
    for words in (["deep/acme"], ["tenants"]):
        assert archmig("check", *words).code == 0


FLEET = """\
environment   state           at   stamp  pending  behavioural  gaps
tenants/Acme  behind          002  002    1        -            -
tenants/acme  behind          002  002    1        -            -
tenants/bolt  behind          002  002    1        -            -
tenants/corn  behind          002  002    1        -            -
tenants/t0    drifted         002  002    1        1            1
tenants/t1    drifted         002  003    1        -            -
tenants/t2    could not tell  -    -      -        -            -
tenants/t3    could not tell  -    -      -        -            -
tenants/t4    uninitialised   -    none   3        -            -
tenants/t5    up to date      003  003    -        -            -
tenants/t6    missing         -    -      3        -            -

11 environments: 2 could not tell, 1 missing, 1 uninitialised, 2 drifted, 4 behind, 1 up to date (archmig diagnose
  says what is wrong, archmig reconcile repairs it; archmig upgrade runs what is pending)
"""


def test_a_fleet_in_which_much_is_wrong(folder: Path) -> None:
    """Drifted, stamped wrongly, locked, no database, zero bytes, a link, one to nowhere, a folder, a loop, a pipe."""
    configured(folder, "lock_timeout = 0.1")
    tenants = folder / "tenants"
    (folder / "environments.toml").write_text((folder / "environments.toml").read_text().replace("/*.db", "/**/*.db"))
    shutil.copy("behind.db", tenants / "Acme.db")
    execute(tenant(folder, "t0"), "DROP INDEX ix_tags_name")
    execute(tenant(folder, "t1"), "UPDATE alembic_version SET version_num = '003_due'")
    (tenants / "t3.db").write_bytes(b"no database at all" * 100)
    (tenants / "t4.db").touch()
    (tenants / "t5.db").symlink_to("../home.db")
    (tenants / "t6.db").symlink_to("nowhere.db")
    (tenants / "loop").symlink_to(".")
    (tenants / "dir.db").mkdir()
    os.mkfifo(tenants / "pipe.db")
    with closing(sqlite3.connect(tenant(folder, "t2"), isolation_level=None)) as application:
        application.execute("BEGIN EXCLUSIVE")
        seen = archmig("status", "tenants")
        assert (seen.code, seen.out) == (2, FLEET)
        done = archmig("upgrade", "tenants", "--yes", "--json")
        outcomes = {one["name"]: one["outcome"] for one in json.loads(done.out)["environments"]}
    assert (done.code, outcomes) == (
        2,
        {
            **{f"tenants/{name}": "done" for name in ("Acme", "acme", "bolt", "corn")},
            **{f"tenants/t{at}": "blocked" for at in (0, 1, 4)},
            **{f"tenants/t{at}": "failed" for at in (2, 3, 6)},
            "tenants/t5": "nothing",
        },
    )
    assert archmig("reconcile", "tenants/t0", "tenants/t1", "--yes").code == 0
    home = {f"tenants/{name}" for name in ("Acme", "acme", "bolt", "corn", "t0", "t1", "t5")}
    assert {name for name, state in states("tenants").items() if state == "up_to_date"} == home


def test_what_archmig_keeps_is_no_tenant_even_where_a_pattern_leads_there(folder: Path) -> None:
    archmig("upgrade", "tenants", "--yes")
    configured(folder, '[env.all]\npath = ".archmig/**/*.db"\n[env.own]\npath = ".arch*/*.db"')
    assert list(states("prod", "tenants")) == ["prod", "tenants/acme", "tenants/bolt", "tenants/corn"]
    assert archmig("status", "all", "own").code == 2
    assert archmig("status", "--db", ".archmig/**/*.db").code == 2


def test_a_project_of_nothing_but_a_pattern_without_a_file(folder: Path) -> None:
    (folder / "environments.toml").write_text(NOBODY)
    for words in (["status"], ["check", "--all"], ["backup", "list"], ["verify"]):
        done = archmig(*words)
        assert (done.code, done.out) == (2, ""), words
        assert "archmig: " in done.err.splitlines()[-1]
        assert "env.nobody: no file matches 'nobody/**/*.db'" in done.err
    assert archmig("history").code == 0


def test_plain_alembic_on_one_tenant(folder: Path) -> None:
    several = alembic("-x", "env=tenants", "upgrade", "head", ini=folder / "alembic.ini").failure
    assert several.startswith(f"{folder}/environments.toml: 'tenants' stands for several environments")
    assert alembic("-x", "env=tenants/bolt", "upgrade", "head", ini=folder / "alembic.ini").code == 0
    assert [head(folder / "tenants" / f"{name}.db") for name in ("acme", "bolt")] == ["002_tags", "003_due"]


def test_names_are_completed(folder: Path) -> None:
    environ = {"_ARCHMIG_COMPLETE": "complete_bash", "COMP_WORDS": "archmig status -e tenants", "COMP_CWORD": "3"}
    done = executable(cwd=folder, environ=environ)
    assert done.out.split() == ["tenants/acme", "tenants/bolt", "tenants/corn", "tenants"]


def test_env_drop_and_env_create_leave_tenants_alone(folder: Path) -> None:
    dropped = archmig("env", "drop", "tenants/acme", "--yes")
    assert dropped.code == 2
    assert dropped.err == (
        f"archmig: {folder}/environments.toml: 'tenants/acme' is one of the files that env.tenants.path matches "
        "(nothing was changed: to be rid of it, move its file away)\n"
    )
    assert archmig("env", "create", "try", "--from", "tenants").code == 2
    assert archmig("env", "create", "try", "--from", "tenants/acme").code == 2
    assert archmig("env", "create", "try", "--from", "tenants/acme", "--path", "t*.db").code == 2
    within = archmig("env", "create", "try", "--from", "tenants/acme", "--path", "tenants/try.db")
    assert (within.code, (folder / "tenants" / "try.db").exists()) == (2, False)
    assert within.err == (
        f"archmig: {folder}/tenants/try.db: env.tenants.path matches it too, and it would be two environments; "
        "nothing was written: choose another folder with --path\n"
    )
    assert archmig("env", "create", "try", "--from", "tenants/acme", "--path", "try.db").code == 0
    assert states("try") == {"try": "behind"}


def test_plain_alembic_and_startup_want_one_tenant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from architect_migrate import startup

    file = folder / "environments.toml"
    several = "'tenants' stands for several environments (name one of them: 'tenants/acme', 'tenants/bolt', "
    told = startup("tenants", config=file)
    assert (told.ok, several in told.message) == (False, True), told
    primed(folder)
    assert startup("tenants/acme", config=file).state.value == "behind"
