"""`archmig init` in projects as people have them: it writes environments.toml, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from support.adopted import NOTES, STAMP, contents, of_alembic, of_flask
from support.cli import archmig, executable, execute, plainly
from support.terminal import typed

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "# The databases of this project, and what archmig needs to run its chain. Relative paths start at this file.\n"
ALEMBIC = '\n[alembic]\nconfig = "alembic.ini"\n'
VARIABLES = """
# Variables for env.py and what it imports.
# {url} and {path} stand for the database that archmig works on.
[alembic.env]
"""
FLASK = """
[alembic]
config = "migrations/alembic.ini"
app = "shop:create_app"    # the Flask application in whose context env.py runs
"""
TRYING = "trying how env.py comes by its database ...\n"


def default(name: str) -> str:
    return f'\n[defaults]\nenvironment = "{name}"    # for plain alembic and startup()\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "shop"
    project.mkdir()
    monkeypatch.chdir(project)
    plainly(monkeypatch)
    for name in ("FLASK_APP", "DATABASE_URL", "SHOP_DB"):
        monkeypatch.delenv(name, raising=False)
    return project


def adopted(folder: Path, *words: str) -> str:
    """Run init; return the file that it wrote, after checking that nothing else of the project has changed."""
    before = contents(folder)
    done = archmig("init", "--yes", *words)
    after = contents(folder)
    assert done.code == 0, done.err
    assert after.pop("environments.toml")
    assert after == before
    assert archmig("check").code == 0
    return (folder / "environments.toml").read_text(encoding="utf-8")


def test_what_it_says_of_a_new_project(folder: Path) -> None:
    of_alembic(folder)
    done = archmig("init", "--yes")
    assert (done.code, done.err) == (0, TRYING)
    assert done.out == (
        "Wrote environments.toml: 1 entry, for the chain of alembic.ini.\n\n"
        "environment  state       at  stamp\n"
        "app          up to date  1   1\n\n"
        "1 environment: 1 up to date\n\n"
        "lint: 1 revision, no flaws\n"
        "Next: archmig check\n"
    )


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("generic", "sqlite:///app.db"),
        ("generic", "sqlite:///%(here)s/app.db"),
        ("async", "sqlite+aiosqlite:///./app.db"),
        ("pyproject", "sqlite:///app.db"),
        ("pyproject_async", "sqlite+aiosqlite:///app.db"),
    ],
)
def test_each_template_of_alembic(folder: Path, template: str, url: str) -> None:
    of_alembic(folder, template, url)
    where = "# The sqlalchemy.url of [alembic] in alembic.ini.\n"
    assert adopted(folder) == f'{HEAD}{ALEMBIC}{default("app")}\n{where}[env.app]\npath = "app.db"\n'


def test_a_database_of_several_gets_its_engine(folder: Path) -> None:
    of_alembic(folder, "multidb")
    (folder / "app.db").unlink()
    ini = folder / "alembic.ini"
    text = ini.read_text(encoding="utf-8").replace("driver://user:pass@localhost/dbname2", "sqlite:///two.db")
    ini.write_text(text.replace("driver://user:pass@localhost/dbname", "sqlite:///one.db"), encoding="utf-8")
    for name in ("one.db", "two.db"):
        execute(folder / name, NOTES + STAMP)
    entries = "".join(
        f"\n# The sqlalchemy.url of [{engine}] in alembic.ini.\n"
        f'[env.{name}]\npath = "{name}.db"\nengine = "{engine}"    # its name in env.py\n'
        for name, engine in (("one", "engine1"), ("two", "engine2"))
    )
    assert adopted(folder) == f"{HEAD}{ALEMBIC}{default('one')}{entries}"


def test_arguments_that_env_py_passes_are_no_error_and_a_squash_of_several_databases_is_refused(folder: Path) -> None:
    of_alembic(folder, "multidb")
    ini = folder / "alembic.ini"
    ini.write_text(re.sub("driver://.*dbname", "sqlite:///db", ini.read_text(encoding="utf-8")), encoding="utf-8")
    (file,) = (folder / "migrations" / "versions").glob("*.py")
    text = re.sub(r"(up|down)grade\(.*\)", r"\1grade(engine_name)", file.read_text(encoding="utf-8"))
    assert "def upgrade(engine_name):" in text
    file.write_text(text, encoding="utf-8")
    archmig("init", "--yes")
    assert "AM104" not in archmig("lint").out
    assert "env.py is for several databases" in archmig("squash", "--to", "1_notes").err


def test_an_application_of_flask_with_a_variable(folder: Path) -> None:
    of_flask(folder, uri='os.environ.get("SHOP_DATABASE", "sqlite:///shop.db")')
    settings = f'{FLASK}{VARIABLES}SHOP_DATABASE = "{{url}}"\n'
    entry = '\n# Opened by env.py.\n[env.shop]\npath = "instance/shop.db"\n'
    assert adopted(folder) == f"{HEAD}{settings}{default('shop')}{entry}"


def test_an_application_of_flask_that_names_its_database_itself(folder: Path) -> None:
    of_flask(folder)
    entry = '\n# Opened by env.py.\n[env.shop]\npath = "instance/shop.db"\n'
    assert adopted(folder) == f"{HEAD}{FLASK}{default('shop')}{entry}"


def test_an_application_of_flask_with_several_databases(folder: Path) -> None:
    of_flask(folder, "--multidb", binds='{"logs": "sqlite:///logs.db"}')
    execute(folder / "instance" / "logs.db", NOTES + STAMP)
    entries = "".join(
        f'\n# Opened by env.py as {engine}.\n[env.{name}]\npath = "instance/{name}.db"\n'
        f'engine = "{engine}"    # its name in env.py\n'
        for name, engine in (("shop", "default"), ("logs", "logs"))
    )
    assert adopted(folder) == f"{HEAD}{FLASK}{default('shop')}{entries}"


def test_a_chain_in_a_package(folder: Path) -> None:
    of_alembic(folder, location="store/db/migrations")
    ini, package = folder / "alembic.ini", folder / "store"
    (package / "__init__.py").touch()
    text = ini.read_text(encoding="utf-8").replace("%(here)s/store/db/migrations", "store:db:migrations")
    ini.write_text(text, encoding="utf-8")
    assert "store:db:migrations" in text
    # Why the installed command: its process does not look for packages in the working folder, as `python -m` does.
    done = executable("init", "--yes", cwd=folder)
    assert (done.code, done.out.splitlines()[-1]) == (0, "Next: archmig check"), done.err
    entry = '\n# The sqlalchemy.url of [alembic] in alembic.ini.\n[env.app]\npath = "app.db"\n'
    assert (folder / "environments.toml").read_text("utf-8") == f"{HEAD}{ALEMBIC}{default('app')}{entry}"


def test_a_chain_below_the_folder(folder: Path) -> None:
    (folder / "backend").mkdir()
    of_alembic(folder / "backend")
    settings = '\n[alembic]\nconfig = "backend/alembic.ini"\n'
    entry = '\n# The sqlalchemy.url of [alembic] in alembic.ini.\n[env.app]\npath = "backend/app.db"\n'
    assert adopted(folder) == f"{HEAD}{settings}{default('app')}{entry}"


def with_url(folder: Path, expression: str, imported: str = "") -> None:
    """Let env.py take its URL from an expression, as people change the one that Alembic writes."""
    of_alembic(folder, url="driver://user:pass@localhost/dbname")
    env = folder / "migrations" / "env.py"
    config = f'import os\n{imported}\nconfig = context.config\nconfig.set_main_option("sqlalchemy.url", {expression})'
    env.write_text(env.read_text(encoding="utf-8").replace("config = context.config", config), encoding="utf-8")


# How env.py comes by its database, and what environments.toml has for it; then how the database was found.
SETTINGS = 'import os\nclass Settings:\n    store_url: str = os.getenv("STORE_URL") or "sqlite:///app.db"\n'
WAYS = {
    "a variable that has to be set": ('os.environ["SHOP_URL"]', f'{VARIABLES}SHOP_URL = "{{url}}"\n', "version table"),
    "a variable that is a path": (
        '"sqlite:///" + os.environ["SHOP_DB"]',
        f'{VARIABLES}SHOP_DB = "{{path}}"\n',
        "version table",
    ),
    "a variable without a default": (
        'os.environ.get("SHOP_URL")',
        f'{VARIABLES}SHOP_URL = "{{url}}"\n',
        "version table",
    ),
    "settings of the project": ("settings.Settings.store_url", f'{VARIABLES}STORE_URL = "{{url}}"\n', "env.py"),
    "a path of its own": ('"sqlite:///app.db"', "", "env.py"),
    "an argument of -x": (
        'context.get_x_argument(as_dictionary=True)["db"]',
        (
            "# Arguments that env.py asks for. {url} and {path} stand for the database that archmig works on.\n"
            'x = ["db={url}"]\n'
        ),
        "version table",
    ),
    "another variable too": (
        'os.environ["SHOP_URL"] + os.environ["SHOP_MODE"][1:]',
        f'{VARIABLES}SHOP_URL = "{{url}}"\nSHOP_MODE = "0"    # has to be set; correct the value if it matters\n',
        "version table",
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_the_way_in_which_env_py_comes_by_its_database(folder: Path, way: tuple[str, str, str]) -> None:
    expression, settings, found = way
    (folder / "settings.py").write_text(SETTINGS, encoding="utf-8")
    with_url(folder, expression, "import settings" if "settings" in expression else "")
    where = "# Opened by env.py.\n" if found == "env.py" else "# Found by its version table.\n"
    entry = f'\n{where}[env.app]\npath = "app.db"\n'
    assert adopted(folder) == f"{HEAD}{ALEMBIC}{settings}{default('app')}{entry}"


def test_many_databases_of_one_folder_have_one_entry(folder: Path) -> None:
    of_alembic(folder)
    (folder / "tenants").mkdir()
    for name in ("acme", "bolt", "cora", "dora"):
        execute(folder / "tenants" / f"{name}.db", NOTES + STAMP)
    assert adopted(folder).endswith(
        '[env.app]\npath = "app.db"\n\n'
        "# Each file is an environment, such as tenants/acme.\n"
        '[env.tenants]\npath = "tenants/*.db"\n'
    )


def test_what_is_no_database_of_the_chain_is_left_out_and_told_where_that_may_surprise(folder: Path) -> None:
    of_alembic(folder)
    execute(folder / "other.db", STAMP.replace("1_notes", "9_else"))
    execute(folder / "cache.db", "CREATE TABLE cache (k TEXT)")
    more = 'def upgrade():\n    for name in "abc":\n        op.create_table(name, sa.Column("id", sa.Integer))\n'
    file = folder / "migrations" / "versions" / "1_notes.py"
    file.write_text(file.read_text(encoding="utf-8").replace("def upgrade():\n", more), encoding="utf-8")
    execute(folder / "foreign.db", "".join(f"CREATE TABLE {name} (n);" for name in ("notes", "x", "y", "z")))
    execute(folder / "unstamped.db", f"{NOTES}CREATE TABLE a (id)")
    (folder / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    (folder / "text.db").write_text("this is a text", encoding="utf-8")
    (folder / ".venv" / "x").mkdir(parents=True)
    execute(folder / ".venv" / "x" / "app.db", NOTES)
    execute(folder / "app-20261128T220430Z-1.db", NOTES + STAMP)
    done = archmig("init", "--yes")
    told = done.err.splitlines()[1:]
    assert [line.partition(" was left out: ")[0] for line in told] == [
        f"{folder}/{name}.db" for name in ("broken", "foreign", "other")
    ]
    assert told[1].endswith("it has no version table, and of its 4 tables the chain has only 1")
    assert told[2].endswith("it is stamped with 9_else, which belongs to another chain")
    text = (folder / "environments.toml").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("[env.")] == ["[env.app]", "[env.unstamped]"]


def test_of_a_long_chain_only_the_newest_revision_is_checked(folder: Path) -> None:
    of_alembic(folder)
    versions = folder / "migrations" / "versions"
    for number in range(2, 28):
        text = "from alembic import op\n\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"
        after = "1_notes" if number == 2 else f"{number - 1}_more"
        head = f'"""Nothing more."""\n\nrevision = "{number}_more"\ndown_revision = "{after}"\n'
        (versions / f"{number}_more.py").write_text(head + text, encoding="utf-8")
    out = archmig("init", "--yes").out.splitlines()
    assert (out[-2].startswith("lint of the newest: 1 revision"), out[-1]) == (
        True,
        "Next: archmig upgrade app --dry-run",
    )


def test_databases_are_read_without_a_trace(folder: Path) -> None:
    of_alembic(folder)
    execute(folder / "app.db", "PRAGMA journal_mode = WAL; INSERT INTO notes VALUES (1, 'one')")
    adopted(folder)


DRIFTED = {
    "CREATE TABLE notes (id INTEGER PRIMARY KEY);" + STAMP: "archmig reconcile app --dry-run",
    NOTES: "archmig reconcile app --dry-run",
    STAMP.replace("1_notes", "0_old") + NOTES: "archmig diagnose app",
    "": "archmig upgrade app --dry-run",
}


@pytest.mark.parametrize(("script", "following"), DRIFTED.items())
def test_the_next_command_goes_by_the_state(folder: Path, script: str, following: str) -> None:
    of_alembic(folder)
    (folder / "app.db").unlink()
    execute(folder / "app.db", script)
    done = archmig("init", "--yes")
    assert (done.code, done.out.splitlines()[-1]) == (0, f"Next: {following}"), done.err
    assert archmig(*following.split()[1:]).code in {0, 1}


def test_a_database_that_is_not_there_yet_is_created_by_the_next_command(folder: Path) -> None:
    of_alembic(folder)
    (folder / "app.db").unlink()
    done = archmig("init", "--yes")
    assert (done.code, done.out.splitlines()[-1]) == (0, "Next: archmig upgrade app --dry-run"), done.err
    assert archmig("upgrade", "app", "--yes").code == 0
    assert archmig("check").code == 0


def test_a_chain_that_does_not_begin_at_nothing_is_told_with_the_next_command(folder: Path) -> None:
    of_alembic(folder)
    versions = folder / "migrations" / "versions"
    text = (versions / "1_notes.py").read_text(encoding="utf-8")
    up = 'op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("title", sa.Text))'
    (versions / "1_notes.py").write_text(
        text.replace(up, 'op.add_column("notes", sa.Column("title", sa.Text))'), "utf-8"
    )
    done = archmig("init", "--yes")
    assert done.code == 2
    assert "no such table: notes (nothing before it makes that" in done.err
    assert done.out == (
        "Wrote environments.toml: 1 entry, for the chain of alembic.ini.\n\nNext: archmig baseline --env app\n"
    )
    written = archmig("baseline", "--env", "app")
    assert written.code == 0, written.err


def test_a_dry_run_prints_the_file_and_writes_nothing(folder: Path) -> None:
    of_alembic(folder)
    before = contents(folder)
    done = archmig("init", "--dry-run")
    where = "# The sqlalchemy.url of [alembic] in alembic.ini.\n"
    assert done.out == f'{HEAD}{ALEMBIC}{default("app")}\n{where}[env.app]\npath = "app.db"\n'
    assert done.err == f"{TRYING}Nothing was written: it would be {folder}/environments.toml\n"
    assert (done.code, contents(folder)) == (0, before)


def test_its_document(folder: Path) -> None:
    of_alembic(folder)
    dry = json.loads(archmig("init", "--dry-run", "--json").out)
    told = json.loads(archmig("init", "--yes", "--json").out)
    assert (dry["dry_run"], dry["text"], dry["environments"]) == (True, told["text"], [])
    assert (told["config"], told["chain"]) == (f"{folder}/environments.toml", f"{folder}/alembic.ini")
    assert (told["lint"], told["next"]) == ({"judged": 1, "errors": 0, "warnings": 0}, "archmig check")
    assert [(each["name"], each["state"]) for each in told["environments"]] == [("app", "up_to_date")]


def test_databases_and_their_names_may_be_given(folder: Path) -> None:
    of_alembic(folder)
    for name in ("one", "two"):
        execute(folder / f"{name}.bin", NOTES + STAMP)
    given = ("--db", "one.bin", "--env", "dev", "--db", "two.bin", "--env", "prod")
    entries = "".join(
        f'\n# Named with --db.\n[env.{name}]\npath = "{file}.bin"\n' for name, file in (("dev", "one"), ("prod", "two"))
    )
    assert adopted(folder, *given) == f"{HEAD}{ALEMBIC}{default('dev')}{entries}"


REFUSED = {
    "a file that is not there": (
        ("--db", "gone.db"),
        "--db gone.db: no such file (name a database that exists, or create an empty file for a new one; nothing",
    ),
    "a URL": (
        ("--db", "sqlite:///x.db"),
        "a URL was given where a path is expected (list",
    ),
    "names without databases": (("-e", "a", "-e", "b"), "more names than databases were given (give each --env a --db"),
    "a chain that is not there": (
        ("--chain", "gone.ini"),
        "--chain gone.ini: no such file, and no folder with an alembic.ini (name the alembic.ini)",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_given_is_refused(folder: Path, case: tuple[tuple[str, ...], str]) -> None:
    words, said = case
    of_alembic(folder)
    done = archmig("init", "--yes", *words)
    assert (done.code, done.out, said in done.err) == (2, "", True), done.err
    assert not (folder / "environments.toml").exists()


def test_a_file_that_is_there_is_never_replaced(folder: Path) -> None:
    of_alembic(folder)
    (folder / "environments.toml").write_text('[env.app]\npath = "app.db"\n', encoding="utf-8")
    before = contents(folder)
    done = archmig("init", "--yes")
    assert (done.code, contents(folder)) == (2, before)
    assert done.err == (
        f"archmig: {folder}/environments.toml: is there already (archmig status shows its databases; change it, "
        "or move it away; nothing was written)\n"
    )


def test_a_folder_without_a_chain_is_told_where_was_looked(folder: Path) -> None:
    done = archmig("init", "--yes")
    assert (done.code, done.err) == (
        2,
        (
            f"archmig: no Alembic chain here: looked for alembic.ini, pyproject.toml, migrations/alembic.ini with an "
            f"env.py, in {folder} and below it (name it: --chain FILE, or begin one: alembic init migrations; nothing "
            "was written)\n"
        ),
    )


def test_of_several_chains_one_has_to_be_chosen(folder: Path) -> None:
    for name in ("billing", "shop"):
        (folder / name).mkdir()
        of_alembic(folder / name)
    done = archmig("init", "--yes")
    assert (done.code, done.err) == (
        2,
        (
            "archmig: 2 Alembic chains here: billing/alembic.ini, shop/alembic.ini (choose one, which gets an "
            "environments.toml of its own: --chain billing/alembic.ini; nothing was written)\n"
        ),
    )
    (folder / "billing" / "app.db").unlink()
    assert '[env.app]\npath = "shop/app.db"\n' in adopted(folder, "--chain", "shop")


def test_without_a_database_it_says_what_to_name(folder: Path) -> None:
    of_alembic(folder, url="driver://user:pass@localhost/dbname")
    (folder / "app.db").unlink()
    done = archmig("init", "--yes")
    assert (done.code, done.err) == (
        2,
        (
            f"{TRYING}archmig: no database of the chain was found: no file has its tables (name one with --db PATH; "
            "for a new one, create an empty file first, or set sqlalchemy.url to it; nothing was written)\n"
        ),
    )
    (folder / "new.db").touch()
    assert archmig("init", "--yes", "--db", "new.db").code == 0
    assert archmig("upgrade", "new", "--yes").code == 0


@pytest.mark.parametrize("words", [(), ("--chain", "alembic.ini")])
def test_the_file_may_be_written_outside_of_the_project(folder: Path, words: tuple[str, ...]) -> None:
    of_alembic(folder)
    before = contents(folder)
    file = folder.parent / "elsewhere" / "environments.toml"
    file.parent.mkdir()
    assert archmig("init", "--yes", "-c", str(file), *words).code == 0
    assert contents(folder) == before
    assert f'config = "{folder}/alembic.ini"' in file.read_text(encoding="utf-8")
    assert f'path = "{folder}/app.db"' in file.read_text(encoding="utf-8")
    assert archmig("check", "-c", str(file)).code == 0


def test_a_folder_that_cannot_be_written_is_told_with_the_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_alembic(folder)

    def refusing(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("architect_migrate.authoring.adopt.adopt.write_atomically", refusing)
    done = archmig("init", "--yes")
    assert done.code == 2
    assert "cannot be written: Permission denied (nothing was written; -c FILE writes it elsewhere)" in done.err


def test_a_url_is_read_as_alembic_reads_it(folder: Path) -> None:
    of_alembic(folder, url="sqlite:///%(root)s/%(name)s.db")
    (folder / "data").mkdir()
    (folder / "app.db").rename(folder / "data" / "shop.db")
    ini = folder / "alembic.ini"
    values = "[DEFAULT]\nroot = %(here)s/data\n[alembic]\nname = shop\n"
    ini.write_text(ini.read_text(encoding="utf-8").replace("[alembic]\n", values), encoding="utf-8")
    text = adopted(folder)
    assert '# The sqlalchemy.url of [alembic] in alembic.ini.\n[env.shop]\npath = "data/shop.db"\n' in text


def test_options_of_the_driver_in_a_url_are_no_part_of_the_file(folder: Path) -> None:
    of_alembic(folder, url="sqlite:///app.db?check_same_thread=false&key=secret")
    assert '[env.app]\npath = "app.db"\n' in adopted(folder)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:///file:app.db?uri=true", "a SQLite URL with parameters"),
        ("sqlite+pysqlcipher://:secret@/app.db", "a SQLite URL has no host"),
        ("sqlite://", "a SQLite database in memory ends with the process"),
    ],
)
def test_a_url_that_is_left_out_is_told_without_its_secrets(folder: Path, url: str, why: str) -> None:
    of_alembic(folder, url=url)
    (folder / "app.db").unlink()
    done = archmig("init", "--yes")
    assert f"the sqlalchemy.url of [alembic] in alembic.ini was left out: {why}" in done.err
    assert "secret" not in done.out + done.err


def test_nothing_is_asked_where_nobody_can_answer(folder: Path) -> None:
    of_alembic(folder)
    done = archmig("init")
    assert (done.code, "look with archmig init --dry-run, then pass --yes" in done.err) == (2, True)


def test_another_command_without_the_file_names_init_and_a_misspelt_word_does(folder: Path) -> None:
    of_alembic(folder)
    assert "archmig init writes one" in archmig("status").err
    assert "Did you mean 'init'" in archmig("initt").err


def test_a_person_at_a_terminal_is_asked(folder: Path) -> None:
    of_alembic(folder)
    execute(folder / "copy.db", NOTES + STAMP)
    code, err = typed(folder, "n\ny\nn\n\n", "init")
    assert code == 0, err
    asked = [line.partition(" [Y/n]")[0] for line in err.split("? ") if line]
    assert "2 databases: app.db, copy.db. Take all of them? [Y/n] Take app.db" in err.replace("\n", " "), asked
    text = (folder / "environments.toml").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("[env.")] == ["[env.app]"]


@pytest.mark.parametrize("answer", ["n\n", "\x04"])
def test_a_person_may_say_no_to_the_file(folder: Path, answer: str) -> None:
    of_alembic(folder)
    before = contents(folder)
    code, err = typed(folder, answer, "init")
    assert (code, contents(folder)) == (1, before)
    assert err.endswith("nothing was written\n")


def test_the_application_that_flask_app_names_is_written_down(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_flask(folder)
    (folder / "shop.py").rename(folder / "market.py")
    monkeypatch.setenv("FLASK_APP", "market")
    (folder / "admin.py").write_text("def create_app():\n    raise SystemExit('not this one')\n", encoding="utf-8")
    assert '\napp = "market"    # the Flask application' in adopted(folder)


def test_a_named_database_of_several_gets_its_engine(folder: Path) -> None:
    of_alembic(folder, "multidb")
    ini = folder / "alembic.ini"
    text = ini.read_text(encoding="utf-8").replace("driver://user:pass@localhost/dbname2", "sqlite:///two.db")
    ini.write_text(text.replace("driver://user:pass@localhost/dbname", "sqlite:///app.db"), encoding="utf-8")
    execute(folder / "two.db", NOTES + STAMP)
    entry = '# Named with --db.\n[env.logs]\npath = "two.db"\nengine = "engine2"    # its name in env.py\n'
    assert entry in adopted(folder, "--db", "two.db", "--env", "logs")


def test_a_chain_without_revisions_is_a_beginning(folder: Path) -> None:
    of_alembic(folder)
    (folder / "migrations" / "versions" / "1_notes.py").unlink()
    (folder / "app.db").unlink()
    done = archmig("init", "--yes")
    assert (done.code, done.out.splitlines()[-1]) == (0, 'Next: archmig new "Create the first tables"'), done.err


def test_what_no_setting_helps_writes_nothing(folder: Path) -> None:
    of_alembic(folder)
    env = folder / "migrations" / "env.py"
    env.write_text("import not_installed_here\n" + env.read_text(encoding="utf-8"), encoding="utf-8")
    before = contents(folder)
    done = archmig("init", "--yes")
    said = "No module named 'not_installed_here' (install the module, or correct the import; no database was touched)"
    assert (done.code, said in done.err, contents(folder)) == (2, True, before), done.err


def test_a_fresh_clone_of_flask_migrate_has_no_folder_for_its_database_yet(folder: Path) -> None:
    of_flask(folder)
    shutil.rmtree(folder / "instance")
    before = contents(folder)
    done = archmig("init", "--yes")
    after = contents(folder)
    assert after.pop("environments.toml")
    assert (done.code, after) == (0, before), done.err
    assert done.out.splitlines()[-1] == "Next: archmig upgrade shop --dry-run"
    assert "create the folder first" in archmig("upgrade", "shop", "--yes").err
    (folder / "instance").mkdir()
    assert (archmig("upgrade", "shop", "--yes").code, archmig("check").code) == (0, 0)


def test_why_env_py_does_not_run_is_told_before_that_no_database_was_found(folder: Path) -> None:
    of_flask(folder)
    (folder / "shop.py").unlink()
    (folder / "instance" / "shop.db").unlink()
    done = archmig("init", "--yes")
    assert (done.code, "name the application in environments.toml: [alembic] app" in done.err) == (2, True), done.err


def test_a_person_chooses_one_of_several_chains(folder: Path) -> None:
    for name in ("billing", "shop"):
        (folder / name).mkdir()
        of_alembic(folder / name)
    (folder / "billing" / "app.db").unlink()
    code, err = typed(folder, "2\ny\n", "init")
    assert code == 0, err
    assert err.startswith("  1  billing/alembic.ini\n  2  shop/alembic.ini\nWhich chain? [1-2] "), err
    assert 'config = "shop/alembic.ini"\n' in (folder / "environments.toml").read_text(encoding="utf-8")


def test_a_person_names_the_application_that_the_sources_do_not_show(folder: Path) -> None:
    of_flask(folder)
    text = (folder / "shop.py").read_text(encoding="utf-8").replace("def create_app(", "def build(")
    (folder / "shop.py").write_text(text, encoding="utf-8")
    code, err = typed(folder, "shop:build()\ny\n", "init")
    assert code == 0, err
    assert "The Flask application that env.py works in, as module:create_app [none]: " in err
    assert 'app = "shop:build()"' in (folder / "environments.toml").read_text(encoding="utf-8")
