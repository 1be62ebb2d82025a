from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from architect_migrate.config.loader import as_written, find_config, read_project
from architect_migrate.core.errors import ConfigError, ConfigNotFoundError
from architect_migrate.core.urls import sqlite_url
from architect_migrate.model.choices import OnPending, Transaction, Uninitialised
from architect_migrate.model.environment import (
    Drop,
    Environment,
    Fill,
    Keep,
    Kind,
    Notify,
    Origin,
    Policies,
    ProjectConfig,
    Repair,
    Subject,
    Tracker,
    empty_project,
)
from support.paths import PROJECT


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "environments.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def project(folder: Path, text: str, **environ: str) -> ProjectConfig:
    return read_project(written(folder, text), environ)


DEV = '[env.dev]\npath = "dev.db"\n'
RESOLVE = DEV + "[[resolve]]\n"


@pytest.mark.parametrize("name", ["a?b.db", "a%20b.db", "a b.db", 'it\'s "it".db', "a#b.db", "ünï@x.db"])
def test_a_path_means_that_very_file(tmp_path: Path, name: str) -> None:
    quoted = name.replace('"', '\\"')
    [found] = project(tmp_path, f'[env.dev]\npath = "{quoted}"').environments
    assert found.url == sqlite_url(tmp_path / name)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('path = "a.db"', "FOLDER/a.db"),
        ('path = "/srv/a.db"', "/srv/a.db"),
        ('url = "sqlite:///x/a.db"', "FOLDER/x/a.db"),
        ('url = "sqlite:////srv/a.db"', "/srv/a.db"),
        ('path = "${HERE}/a.db"', "/here/a.db"),
        ('path = "${GONE:-/there}/a.db"', "/there/a.db"),
        ('path = "x${GONE:-}.db"', "FOLDER/x.db"),
        ('path = "$${HERE}$$.db"', "FOLDER/${HERE}$.db"),
        ('path = "${ONCE}.db"', "FOLDER/${HERE}.db"),
        ('url = "sqlite:///${HERE}/a.db"', "/here/a.db"),
    ],
)
def test_a_path_starts_at_the_files_folder_and_knows_variables(tmp_path: Path, line: str, path: str) -> None:
    [found] = project(tmp_path, f"[env.dev]\n{line}", HERE="/here", ONCE="${HERE}").environments
    assert str(found.url.path) == path.replace("FOLDER", str(tmp_path))


@pytest.mark.parametrize("line", ['path = "link.db"', 'url = "sqlite:///link.db"'])
def test_paths_are_kept_as_they_are_written_before_any_link_is_followed(tmp_path: Path, line: str) -> None:
    for link, real in (("link.db", "real.db"), ("link.ini", "real.ini")):
        (tmp_path / link).symlink_to(real)
    linked = project(tmp_path, f'[alembic]\nconfig = "${{INI}}"\n[env.dev]\n{line}', INI="link.ini")
    assert (linked.chain.ini, linked.environments[0].url.path) == (tmp_path / "real.ini", tmp_path / "real.db")
    assert as_written(linked, "dev") == (tmp_path / "link.ini", tmp_path / "link.db")
    plain = project(tmp_path, f"[env.dev]\n{line}")
    assert as_written(plain, "dev") == (tmp_path / "alembic.ini", tmp_path / "link.db")


def test_a_database_that_is_no_file_has_no_path_as_written(tmp_path: Path) -> None:
    found = project(tmp_path, '[env."a b"]\nurl = "postgresql://h/d"')
    with pytest.raises(ConfigError) as refused:
        as_written(found, "a b")
    assert str(refused.value) == f"{tmp_path}/environments.toml: env.'a b'.url: names no file"


def test_a_postgresql_environment_is_listed_masked(tmp_path: Path) -> None:
    text = '[env.dev]\nurl = "postgresql+psycopg://app:${PW}@db/x"'
    [found] = project(tmp_path, text, PW="hunt@er2").environments
    assert (found.url.backend, found.url.path, str(found.url)) == (
        "postgresql",
        None,
        "postgresql+psycopg://***@db/x",
    )
    assert "er2" not in repr(found)


def test_an_environment_inherits_the_defaults_it_does_not_contradict(tmp_path: Path) -> None:
    text = '[defaults]\nrepair = "additive"\nlock_timeout = 0\nlock_retries = 7\nprotected = true\n' + DEV
    [found] = project(tmp_path, text + 'protected = false\ntarget = "048"\ntags = ["b", "a"]').environments
    assert found == Environment(
        "dev",
        sqlite_url(tmp_path / "dev.db"),
        frozenset({"a", "b"}),
        Policies(
            Uninitialised.ERROR,
            protected=False,
            repair=Repair.ADDITIVE,
            target="048",
            lock_timeout=0.0,
            lock_retries=7,
        ),
    )


def test_branches_starts_rehearsals_and_requirements_are_read(tmp_path: Path) -> None:
    text = (
        '[defaults]\nheads = ["head"]\non_pending = "refuse"\n[env.dev]\npath = "dev.db"\nheads = ["head", "dev"]\n'
        '[env.prod]\npath = "prod.db"\ntarget = "046"\nrequires = ["dev"]\non_pending = "upgrade"\n'
        'require_rehearsal = true\nrehearsal_max_age = "2h"\ntransaction = "one"\n'
        'proof_copy_limit = "500MB"\n[tracker]\nsync = true\n'
        '[notify]\nwebhook = "https://u:${SECRET}@hook"\ncommand = ["send", "$HOME"]'
    )
    found = project(tmp_path, text, SECRET="s3cret")
    (_, prod), (its, theirs) = found.environments, [one.policies for one in found.environments]
    assert (its.heads, its.on_pending, its.require_rehearsal) == (("head", "dev"), OnPending.REFUSE, False)
    assert (theirs.heads, theirs.target, prod.requires, theirs.on_pending) == ((), "046", ("dev",), OnPending.UPGRADE)
    assert (its.proof_copy_limit, theirs.proof_copy_limit) == (10**9, 500_000_000)
    assert (its.transaction, theirs.transaction) == (Transaction.SEGMENTS, Transaction.ONE)
    assert (theirs.require_rehearsal, theirs.rehearsal_max_age, its.rehearsal_max_age) == (True, 7_200, 86_400)
    assert found.tracker == Tracker(sync=True)
    assert found.notify == Notify("https://u:s3cret@hook", ("send", "$HOME"))


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert project(tmp_path, "") == empty_project(tmp_path)


@pytest.mark.parametrize(
    ("entry", "resolution"),
    [
        ('column = "c"\ncopy_from = "d"', Fill("t", "c", "d", None, False, Origin(Path(), 0))),
        (
            'column = "c"\ncopy_from = "d"\ndefault = "it\'s"\nallow_null = true',
            Fill("t", "c", "d", "'it''s'", True, Origin(Path(), 0)),
        ),
        ('column = "c"\ndefault = true', Fill("t", "c", None, "1", False, Origin(Path(), 0))),
        ('column = "c"\ndefault = -7', Fill("t", "c", None, "-7", False, Origin(Path(), 0))),
        ('column = "c"\ndefault = 1e30', Fill("t", "c", None, "1e+30", False, Origin(Path(), 0))),
        ('column = "c"\ndefault = ""', Fill("t", "c", None, "''", False, Origin(Path(), 0))),
        ('column = "c"\nallow_null = true', Fill("t", "c", None, None, True, Origin(Path(), 0))),
        ("keep = true", Keep(Subject(Kind.TABLE, "t"), Origin(Path(), 0))),
        ('column = "c"\nkeep = true', Keep(Subject(Kind.COLUMN, "c", "t"), Origin(Path(), 0))),
        ('constraint = "uq_x"\nkeep = true', Keep(Subject(Kind.CONSTRAINT, "uq_x", "t"), Origin(Path(), 0))),
        (
            'constraint = ["a", "b"]\ndrop = true',
            Drop(Subject(Kind.CONSTRAINT, "", "t", ("a", "b")), Origin(Path(), 0)),
        ),
        ('trigger = "x"\ndrop = true', Drop(Subject(Kind.TRIGGER, "x", "t"), Origin(Path(), 0))),
        (
            'drop = true\nenvironments = ["dev"]\nreason = "gone"',
            Drop(Subject(Kind.TABLE, "t"), Origin(Path(), 0), frozenset({"dev"}), "gone"),
        ),
    ],
)
def test_an_entry_becomes_the_value_it_says(tmp_path: Path, entry: str, resolution: object) -> None:
    [found] = project(tmp_path, f'{RESOLVE}table = "t"\n{entry}').resolutions
    assert found == resolution
    assert str(found.origin) == f"{tmp_path}/environments.toml: resolve[1]"


def test_the_configuration_is_found_where_it_is_said_to_be(tmp_path: Path) -> None:
    deep = tmp_path / "x" / "y"
    deep.mkdir(parents=True)
    file, other = written(tmp_path, ""), deep / "other.toml"
    other.touch()
    assert find_config(None, {}, deep) == file
    assert find_config(None, {"ARCHMIG_CONFIG": ""}, deep) == file
    assert find_config(None, {"ARCHMIG_CONFIG": "other.toml"}, deep) == other
    assert find_config(Path("y/other.toml"), {"ARCHMIG_CONFIG": "no"}, deep.parent) == other


@pytest.mark.parametrize(
    ("explicit", "environ", "looked"),
    [
        (Path("no.toml"), {"ARCHMIG_CONFIG": "x"}, "-c no.toml"),
        (None, {"ARCHMIG_CONFIG": "/no.toml"}, "ARCHMIG_CONFIG=/no.toml"),
        (None, {}, "/no/such/folder, every folder above it"),
    ],
)
def test_a_missing_configuration_says_where_it_was_looked_for(
    explicit: Path | None, environ: dict[str, str], looked: str
) -> None:
    with pytest.raises(ConfigNotFoundError) as refused:
        find_config(explicit, environ, Path("/no/such/folder"))
    assert (
        str(refused.value)
        == f"no environments.toml: looked at {looked} (archmig init writes one; -c FILE names another)"
    )


def test_the_shipped_file_lists_the_dashboards_twelve() -> None:
    shipped = read_project(PROJECT / "environments.toml", {})
    files = {one.name: str(one.url.path).removeprefix(f"{PROJECT}/") for one in shipped.environments}
    others = ["prod", "qa", "dev", "test", "test_suite", "env1", "env2", "env3", "feature1", "feature2", "feature3"]
    assert files == {"main": "data/architect.db", **{name: f"data/{name}/architect.db" for name in others}}
    skipped = {one.name for one in shipped.environments if one.policies.uninitialised is Uninitialised.SKIP}
    assert skipped == {"test", "env1", "env2", "feature1", "feature2", "feature3"}
    assert [one.name for one in shipped.environments if one.policies.protected] == ["prod"]
    assert (shipped.default_environment, shipped.tracker, shipped.defaults) == ("main", Tracker(), Policies())
    assert (shipped.chain.ini, shipped.backup_dir) == (PROJECT / "alembic.ini", PROJECT / ".archmig" / "backups")
    assert (shipped.backup_keep, shipped.backup_max_age) == (10, 30 * 86_400)


def test_the_shipped_file_settles_what_the_real_databases_need() -> None:
    shipped = read_project(PROJECT / "environments.toml", {})
    origin = Origin(shipped.file, 0)
    reasons = [one.reason for one in shipped.resolutions]
    assert shipped.resolutions == (
        Fill("features", "name", "title", None, True, origin, reason=reasons[0]),
        Keep(Subject(Kind.COLUMN, "id", "resource_allocations"), origin, reason=reasons[1]),
        Keep(Subject(Kind.COLUMN, "requester", "resource_allocations"), origin, reason=reasons[2]),
    )
    assert all(reasons)


def test_reading_the_matrix_imports_nothing_slow() -> None:
    slow = "{'sqlalchemy', 'alembic', 'typer', 'rich', 'difflib', 'sqlite3'}"
    program = f"import sys, architect_migrate.config.loader; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("url", ["postgresql://h/d", "postgres://u:p@h:5433/d", "postgresql+asyncpg://h/d"])
def test_a_server_for_replays_is_named_as_the_database_of_an_environment_is(tmp_path: Path, url: str) -> None:
    found = project(tmp_path, f'{DEV}[env.live]\nurl = "{url}"\n[postgresql]\nscratch = "{url}"\n')
    assert [found.chain.offered, found.environments[1].url.backend] == [url, "postgresql"]


@pytest.mark.parametrize("url", ["sqlite:///a.db", "mysql://h/d", "h/d", "postgresql://h/a b"])
def test_what_is_no_server_is_none_for_replays(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="is not the URL of a PostgreSQL server"):
        project(tmp_path, f'{DEV}[postgresql]\nscratch = "{url}"\n')
