"""The pytest plugin: databases of a chain as fixtures, and with --archmig test items for the chain.

Why imports inside functions: pytest loads this module in every run where archmig is installed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.model.environment import ProjectConfig
    from architect_migrate.revisions.replay import Source

    DatabaseAt = Callable[..., Path]
    CopyOf = Callable[[str], Path]

_GROUP = "archmig"
Value = TypeVar("Value")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --archmig, --archmig-config and the ini option archmig_config."""
    group = parser.getgroup(_GROUP, "archmig: tests of an Alembic chain")
    group.addoption("--archmig", action="store_true", help="Add the ready tests of the chain to this run.")
    group.addoption("--archmig-config", metavar="FILE", help="environments.toml or alembic.ini (default: search).")
    parser.addini("archmig_config", "environments.toml or alembic.ini, from the root folder (default: search).")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the test items.

    Why first: other plugins select among the items (-k, -m) in the same hook.
    """
    if config.getoption("archmig"):
        from architect_migrate.integrations.pytest.items import ready_tests

        items.extend(ready_tests(session, lambda: _chain(config)))


@pytest.fixture
def archmig_database(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> DatabaseAt:
    """Make SQLite files at any revision: `archmig_database("003")`, or at the head: `archmig_database()`.

    Every call returns a new file. A revision is built once in a test run, from the statements that replay recorded, and
    then copied.
    """
    from shutil import copyfile

    _, source = _or_fail(lambda: _chain(request.config))
    built: dict[str, Path] = request.config.stash.setdefault(_BUILT, {})

    def at(revision: str = "head") -> Path:
        if revision not in built:
            from architect_migrate.integrations.pytest.databases import build_at

            file = tmp_path_factory.mktemp("archmig") / "template.db"
            _or_fail(lambda: build_at(source, revision, file))
            built[revision] = file
        number = sum(1 for path in tmp_path.iterdir() if path.name.startswith("archmig-"))
        return Path(copyfile(built[revision], tmp_path / f"archmig-{number}.db"))

    return at


@pytest.fixture
def archmig_copy(request: pytest.FixtureRequest, tmp_path: Path) -> CopyOf:
    """Copy environments' databases: `archmig_copy("dev")` is the committed state; the original is only read."""
    project, _ = _or_fail(lambda: _chain(request.config))

    def copy(name: str) -> Path:
        from architect_migrate.integrations.pytest.databases import copy_of
        from architect_migrate.model.environment import select_one

        return _or_fail(lambda: copy_of(select_one(project, name), tmp_path / "archmig-copies"))

    return copy


_BUILT = pytest.StashKey[dict[str, Path]]()


def _chain(config: pytest.Config) -> tuple[ProjectConfig, Source]:
    """The chain in use: the command-line option's, the ini option's, else as archmig finds it from the root folder."""
    from architect_migrate.config.chain_choice import project_for_chain
    from architect_migrate.config.context import chain_alone
    from architect_migrate.revisions.replay import cache_folder, source_of

    option, listed = config.getoption("archmig_config"), config.getini("archmig_config")
    explicit = config.invocation_params.dir / option if option else config.rootpath / listed if listed else None
    project = project_for_chain(explicit, os.environ, config.rootpath)
    return project, source_of(chain_alone(project), cache_folder(os.environ))


def _or_fail(work: Callable[[], Value]) -> Value:
    """Return the value of `work`; an ArchmigError fails the test with its message alone."""
    from architect_migrate.core.errors import ArchmigError

    try:
        return work()
    except ArchmigError as error:
        refused = str(error)
    pytest.fail(refused, pytrace=False)
