"""What the sources of a project name, read without running them: variables, applications, arguments of -x."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.authoring.adopt.chains import chains_in, files_of
from architect_migrate.authoring.adopt.databases import Candidate, Origin, entries_of
from architect_migrate.authoring.adopt.sources import Named, named_in
from architect_migrate.model.chain_config import beside

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = {
    "a text, wherever it is read": ('import decouple\nurl = decouple.config("SHOP_DATABASE_URL")', "SHOP_DATABASE_URL"),
    "a field of settings": ("class Settings:\n    database_url: str", "DATABASE_URL"),
    "a field of settings with a prefix": (
        'class Settings:\n    database_url: str\n    model_config = {"env_prefix": "shop_"}',
        "SHOP_DATABASE_URL",
    ),
    "a setting of Flask with its prefix": (
        "class Config:\n    database: str\napp.config.from_prefixed_env()",
        "FLASK_DATABASE",
    ),
}


def project(folder: Path, env: str = "", **modules: str) -> Named:
    (folder / "alembic").mkdir()
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = alembic\n", encoding="utf-8")
    (folder / "alembic" / "env.py").write_text(env, encoding="utf-8")
    for name, text in modules.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return named_in(beside(folder / "alembic.ini"), files_of(folder))


@pytest.mark.parametrize("case", SOURCES.values(), ids=list(SOURCES))
def test_a_variable_is_found_as(tmp_path: Path, case: tuple[str, str]) -> None:
    text, variable = case
    assert variable in project(tmp_path, settings=text).variables


def test_the_likeliest_variable_is_the_first_and_others_are_left_out(tmp_path: Path) -> None:
    text = 'names = ["SECRET_KEY", "REDIS_URL", "SQL_ECHO", "DATABASE_URL", "a text", "DEBUG"]'
    assert project(tmp_path, settings=text).variables == ("DATABASE_URL", "SQL_ECHO", "REDIS_URL")


def test_applications_are_found_by_module_and_those_of_tests_are_left_out(tmp_path: Path) -> None:
    factory, instance = "def create_app():\n    pass\n", "import flask\nweb = flask.Flask(__name__)\n"
    found = project(tmp_path, src__shop=factory, web=instance, tests__shop=factory, not_python="def create_app(:")
    assert found.applications == ("web:web", "src.shop:create_app", "shop:create_app")


def test_arguments_of_x_are_found_in_env_py_that_asks_for_them(tmp_path: Path) -> None:
    env = 'x = context.get_x_argument(as_dictionary=True)\nif "tenant" in x:\n    url = x["db"] or x.get("file")\n'
    assert project(tmp_path, env).options == ("tenant", "db", "file")


def test_arguments_are_not_looked_for_elsewhere(tmp_path: Path) -> None:
    assert project(tmp_path, 'url = {}["db"]').options == ()


def test_hidden_folders_and_virtual_environments_are_passed_over(tmp_path: Path) -> None:
    for name in (".tox", "venv", "node_modules", "code"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").touch()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    assert files_of(tmp_path) == (tmp_path / "code" / "a.py",)


def test_an_ini_that_leads_nowhere_is_no_chain(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = gone\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    assert chains_in(tmp_path, files_of(tmp_path)) == ()


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["app.db"], ["app"]),
        (["a/app.db", "a/logs.db"], ["app", "logs"]),
        (["data/dev/app.db", "data/qa/app.db"], ["dev", "qa"]),
        (["x/dev/app.db", "y/dev/app.db"], ["x/dev/app.db", "y/dev/app.db"]),
        (["a/app.db", "a/app.sqlite"], ["a/app.db", "a/app.sqlite"]),
        (["a\n/x.db", "b/x.db"], ["db1", "db2"]),
    ],
)
def test_databases_are_named_by_what_makes_them_different(tmp_path: Path, files: list[str], names: list[str]) -> None:
    candidates = [Candidate(tmp_path / file, Origin.NAMED, "Opened by env.py") for file in files]
    assert [entry.name for entry in entries_of(candidates, tmp_path)] == names
