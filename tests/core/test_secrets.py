"""No password, token or user name of a URL is shown or kept anywhere: outputs, logs, JSON, errors, ledger, backups."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architect_migrate.core.errors import nearest, shortened
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import harmless
from architect_migrate.databases.sqlite.rows.examples import shown
from support.cli import archmig, ask, build, execute, forked

SECRETS = ("hunter2", "s3cret", "t0ken", "me:")
URLS = {
    "plain": "postgresql://me:hunter2@host/db",
    "with @": "postgresql://me:hunter2@s3cret@host/db1",
    "with %": "postgresql://me:hunter2%40%25s3cret@host:5432/db2",
    "parameter": "postgresql://host/db3?password=hunter2&sslpassword=s3cret&application_name=x",
    "token": "postgresql+psycopg://me:hunter2@host/db4?access_token=t0ken&api_key=s3cret",
}
COMMANDS = (
    "status",
    "status --json",
    "status --grid",
    "check",
    "pending",
    "diagnose",
    "reconcile --dry-run",
    "reconcile --yes",
    "reconcile --yes --debug",
    "upgrade --yes",
    "upgrade --yes --json",
    "downgrade base --yes",
)


def hidden(*texts: str | bytes) -> bool:
    return not any(
        secret.encode() in (text.encode() if isinstance(text, str) else text) for text in texts for secret in SECRETS
    )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build(tmp_path)
    listed = (f"[env.pg{number}]\nurl = {json.dumps(url)}\n" for number, url in enumerate(URLS.values()))
    with (tmp_path / "environments.toml").open("a") as file:
        file.write("\n" + "".join(listed))
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Each URL with one command, and each command with the URL that has most in it.
SHOWN = [
    *((url, "reconcile --yes --debug") for url in URLS if url != "parameter"),
    *(("parameter", each) for each in COMMANDS),
]


@pytest.mark.parametrize(("url", "command"), SHOWN)
def test_a_database_that_cannot_be_reached_is_listed_masked_and_refused(place: Path, url: str, command: str) -> None:
    name = f"pg{list(URLS).index(url)}"
    done = archmig(*command.split(), "-e", name)
    assert done.code == 2
    assert done.err or "error" in done.out
    assert hidden(done.out, done.err)
    if "--json" in command:
        json.loads(done.out)


def test_a_run_over_everything_leaves_no_secret_in_any_file(place: Path) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    done = forked("reconcile", "--all", "--yes", cwd=place)
    assert done.code == 2
    assert hidden(done.out, done.err)
    made = [path for path in place.rglob("*") if path.is_file() and path not in before and path.suffix != ".pyc"]
    assert any(one.name == "ledger.db" for one in made)
    assert any("backups" in one.parts for one in made)
    assert all(hidden(one.read_bytes(), one.name) for one in made)


def test_what_a_run_leaves_is_for_its_owner_or_for_the_people_of_the_database(place: Path) -> None:
    (place / "behind.db").chmod(0o640)
    assert forked("upgrade", "-e", "behind", "--yes", cwd=place).code == 0
    modes = {
        path.name.partition("-2")[0]: stat.S_IMODE(path.stat().st_mode) for path in (place / ".archmig").rglob("*")
    }
    assert modes["ledger.db"] == 0o600
    assert (modes["backups"], stat.S_IMODE((place / ".archmig").stat().st_mode)) == (0o700, 0o700)
    assert all(mode & 0o037 == 0 for mode in modes.values())
    assert stat.S_IMODE((place / "behind.db.archmig-lock").stat().st_mode) == 0o640


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_a_url_where_a_path_is_wanted_is_refused_without_being_shown(place: Path, url: str) -> None:
    for words in (("status",), ("reconcile", "--yes"), ("reconcile", "--yes", "--debug"), ("status", "--json")):
        done = archmig(*words, "--db", url)
        assert done.code == 2
        assert hidden(done.out, done.err)


@pytest.mark.parametrize("words", ["current", "upgrade head", "check", "downgrade base", "history"])
def test_plain_alembic_masks_them_too(place: Path, words: str) -> None:
    command = [str(Path(sys.executable).with_name("alembic")), "-x", "env=pg1", *words.split()]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert hidden(done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.returncode != 0 or words == "history"


@pytest.mark.parametrize(
    "text",
    [
        '[env.a]\nurl = "postgresql://me:hunter2@host/db\n',
        '[env.a]\nurl = "postgresql://me:hun ter2 s3cret@host/db"\n',
        '[env.a]\nurl = "postgresq://me:hunter2@host/db"\n',
        '[env.a]\nurl = "sqlite:///a.db?password=hunter2"\n',
        '[env.a]\npath = "x.db"\n"postgresql://me:hunter2@host/db" = 1\n',
        '[env.a]\nurl = ["postgresql://me:hunter2@host/db"]\n',
        '[env.a]\npath = "x.db"\nrepair = "postgresql://me:hunter2@host/db"\n',
    ],
)
def test_an_error_in_the_configuration_shows_no_secret(place: Path, text: str) -> None:
    (place / "environments.toml").write_text(text)
    for words in (("status",), ("status", "--json"), ("status", "--debug")):
        done = archmig(*words)
        assert done.code == 2
        assert hidden(done.out, done.err)


def test_nothing_of_the_configuration_or_of_a_database_is_executed(place: Path) -> None:
    """Format strings, shell words, SQL and Python in every value that archmig takes from outside."""
    evil = "'; DROP TABLE notes; --$(touch pwned)`touch pwned`{0.__class__}%(x)s__import__('os')"
    stamp = evil.replace("'", "''")
    execute(place / "home.db", f"UPDATE alembic_version SET version_num = '{stamp}'")
    toml = f"[tracker]\n[env.it]\npath = 'home.db'\ntags = [{json.dumps(evil)}]\ntarget = {json.dumps(evil)}\n"
    (place / "environments.toml").write_text(toml)
    for words in (("status",), ("reconcile", "-e", "it", "--yes"), ("upgrade", "003", "-e", "it", "--yes")):
        archmig(*words)
    assert not (place / "pwned").exists()
    assert ask(place / "home.db", "SELECT count(*) FROM notes") == [(2,)]


@pytest.mark.parametrize("key", ["path", "config", "dir"])
@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_a_url_where_a_file_is_to_be_named_is_refused_unseen(place: Path, url: str, key: str) -> None:
    tables = {
        "path": "[env.a]",
        "config": '[env.a]\npath = "a.db"\n[alembic]',
        "dir": '[env.a]\npath = "a.db"\n[backup]',
    }
    (place / "environments.toml").write_text(f"{tables[key]}\n{key} = {json.dumps(url)}\n")
    before = sorted(place.rglob("*"))
    for words in (("status", "--json"), ("reconcile", "--all", "--yes", "--debug"), ("backup", "create", "--all")):
        done = archmig(*words)
        assert done.code == 2
        assert hidden(done.out, done.err)
        assert "looks like a URL" in done.err
    assert sorted(place.rglob("*")) == before


WORDS = (
    "status -c",
    "status -e",
    "status",
    "",
    "backup restore -e home --yes",
    "backup verify",
    "docs --out",
    "env create kid --from home --path",
    "env create kid --from",
    "env create --from home",
    "lint",
    "upgrade -e home --yes",
    "status --jobs",
)


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("url", [URLS["plain"], URLS["with @"], URLS["parameter"]])
def test_a_url_that_stands_in_a_wrong_place_of_the_command_line_is_masked(place: Path, url: str, words: str) -> None:
    before = sorted(place.rglob("*"))
    done = archmig(*words.split(), url)
    assert done.code == 2
    assert hidden(done.out, done.err)
    assert [path for path in place.rglob("*") if path not in before and "hunter2" in path.name] == []


PASSWORD, USER, OPTION = "hunter2", "s3cret-user", "t0ken"
PADDING = st.integers(0, 90).map(lambda number: "x" * number)


@given(before=PADDING, user=PADDING, password=PADDING, host=PADDING, after=PADDING)
def test_a_url_of_any_length_is_masked_before_it_is_cut(
    before: str, user: str, password: str, host: str, after: str
) -> None:
    urls = (
        f"postgresql://{USER}{user}:{password}{PASSWORD}@{host}/db?options={OPTION}{after}",
        f"mysql+pymysql://{host}/db?user={USER}{user}&passwd={password}{PASSWORD}&init_command={OPTION}",
        f"https://{USER}:{PASSWORD}{password}@{host}.example/{after}?sig={OPTION}",
    )
    for url in urls:
        for word in (url, f"{before} {url}", f"{before} ({url!r}) {after}"):
            assert hidden(shortened(word), nearest("y", [word]), mask(word), harmless(word), shown(word[:41]))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("see https://sqlalche.me/e/20/e3q8", "see https://sqlalche.me/e/20/e3q8"),
        ("sqlite:///a?b=c.db is a file", "sqlite:///a?b=c.db is a file"),
        ("('postgresql://h/d?user=me&port=5') is", "('postgresql://h/d?user=***&port=***') is"),
    ],
)
def test_only_what_may_be_secret_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
