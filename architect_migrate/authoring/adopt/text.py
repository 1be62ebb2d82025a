"""The text of a new environments.toml, with comments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.authoring.adopt.way import ANYTHING
from architect_migrate.config.editor import toml_key, toml_value
from architect_migrate.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.authoring.adopt.databases import Listed
    from architect_migrate.authoring.adopt.way import Way

_HEAD = "# The databases of this project, and what archmig needs to run its chain. Relative paths start at this file."
_IS_NEW = 'uninitialised = "create"    # there is nothing yet: archmig upgrade creates it'


def text_of(way: Way, section: str, entries: tuple[Listed, ...], folder: Path) -> str:
    """Return the text of an environments.toml in a folder."""
    blocks = [[_HEAD], [*_alembic(way, section, folder)], [*_variables(way)], [*_defaults(entries)]]
    blocks += [[*_entry(entry, folder)] for entry in entries]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def _alembic(way: Way, section: str, folder: Path) -> Iterator[str]:
    chain = way.chain
    config = chain.toml if chain.toml and chain.ini.suffix == ".toml" else chain.ini
    yield "[alembic]"
    yield f"config = {_path(config, folder)}"
    if section:
        yield f"section = {toml_value(section)}"
    if chain.app:
        yield f"app = {toml_value(chain.app)}    # the Flask application in whose context env.py runs"
    if chain.x:
        yield "# Arguments that env.py asks for. {url} and {path} stand for the database that archmig works on."
        yield f"x = {toml_value([*chain.x])}"


def _variables(way: Way) -> Iterator[str]:
    variables = way.chain.variables
    if not variables:
        return
    yield "# Variables for env.py and what it imports."
    if any("{" in value for _, value in variables):
        yield "# {url} and {path} stand for the database that archmig works on."
    yield "[alembic.env]"
    for name, value in variables:
        comment = "    # has to be set; correct the value if it matters" if value == ANYTHING else ""
        yield f"{toml_key(name)} = {toml_value(value)}{comment}"


def _defaults(entries: tuple[Listed, ...]) -> Iterator[str]:
    if entries and not entries[0].files:
        yield "[defaults]"
        yield f"environment = {toml_value(entries[0].name)}    # for plain alembic and startup()"


def _entry(entry: Listed, folder: Path) -> Iterator[str]:
    if entry.files:
        yield f"# Each file is an environment, such as {clean(entry.name)}/{clean(entry.files[0].stem)}."
        yield f"[{toml_key('env', entry.name)}]"
        yield f"path = {_path(entry.path, folder)}"
        return
    yield f"# {clean(entry.why)}."
    yield f"[{toml_key('env', entry.name)}]"
    # Why: in a path, * stands for many files.
    yield f"url = {_url(entry.path, folder)}" if "*" in str(entry.path) else f"path = {_path(entry.path, folder)}"
    if entry.engine:
        yield f"engine = {toml_value(entry.engine)}    # its name in env.py"
    if entry.is_new:
        yield _IS_NEW


def _path(path: Path, folder: Path) -> str:
    return toml_value(_written(path, folder))


def _url(path: Path, folder: Path) -> str:
    return toml_value(f"sqlite:///{_written(path, folder)}")


def _written(path: Path, folder: Path) -> str:
    """Return a path as environments.toml takes it: relative where it is below the folder, with $ doubled."""
    real = Path(folder).resolve()
    inside = next((path.relative_to(base) for base in (folder, real) if path.is_relative_to(base)), path)
    return str(inside).replace("$", "$$")
