"""The house: which package may import which, what no module may know, and how long a function may be."""

from __future__ import annotations

import ast
import re
import sys
import tokenize
from functools import cache
from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.registry import KINDS
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = "architect_migrate"
# A package imports from itself and from those before it. `cli` may not import `integrations`, nor the other way round
# anything that prints; the modules beside the packages are the public face, which only re-exports.
LAYERS = (
    "core",
    "model",
    "diagnosis",
    "planning",
    "databases",
    "revisions",
    "config",
    "lint",
    "ledger",
    "backups",
    "runs",
    "authoring",
    "cli",
    "integrations",
)
FACE = {"__init__", "__main__", "alembic_env", "seeds"}
# Pure packages: no package of others, and nothing that reaches outside the process or waits.
PURE = ("model", "diagnosis", "planning")
# fmt: off
OUTSIDE = {
    "asyncio", "concurrent", "ctypes", "fcntl", "getpass", "glob", "http", "importlib", "io", "logging", "mmap",
    "multiprocessing", "os", "random", "secrets", "select", "shutil", "signal", "socket", "sqlite3", "subprocess",
    "tempfile", "threading", "time", "tomllib", "urllib.request",
}
# fmt: on
# Who may import what of others; a path of packages, or one module.
FOREIGN = {
    "alembic": (
        "revisions",
        "databases.base",
        "databases.postgresql.lender",
        "databases.sqlite.alembic_connection",
        "databases.sqlite.lending",
        "lint.attempt",
    ),
    "sqlalchemy": (
        "revisions",
        "databases.alchemy",
        "databases.base",
        "databases.postgresql.lender",
        "databases.postgresql.lent_dialect",
        "databases.sqlite.alembic_connection",
        "databases.sqlite.async_engines",
        "databases.sqlite.batch_casts",
        "databases.sqlite.lending",
        "integrations.alembic",
        "seeds",
    ),
    "psycopg": ("databases.postgresql",),
    "typer": ("cli",),
    "flask": ("revisions.flask_context",),
    "rich": ("cli.progress",),
    "pytest": ("integrations.pytest",),
    "_pytest": ("integrations.pytest",),
    "tomlkit": ("config.editor",),
}
# The modules outside `databases` that name SQLite's driver, and those that ask for the file of a database.
SQLITE = {
    "core.database_errors": "a damaged file of SQLite's is recovered by SQLite's own tool",
    "ledger.store": "the ledger is a file of SQLite's, whatever the databases are",
    "revisions.replay_process": "the sandbox knows the audit events of Python",
}
FILE_OF = {
    "authoring.create_environment": "the database of a new environment is a new file",
    "authoring.drop_environment": "the file of an environment is removed",
}
# The table that the tracker's own settings default to is a documented default, and the only word of the dashboard.
DASHBOARD = re.compile(r"architect\.db|tmux|milestone|dashboard|schema_versions|autopilot|claude|\bllm_", re.IGNORECASE)
MENTIONED = {("model.environment", '    table: str = "schema_versions"')}
PRINTS = re.compile(r"print|exit|quit|sys\.exit|os\._exit|typer\..*|.*console\.print")
HARMLESS = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.AugAssign
LINES, FUNCTION = 500, 40
# A silenced check names the check, and its reason follows, or stands in the line above.
SILENCES = re.compile(r"# (noqa|type: ignore|pragma)")
REASON = re.compile(r"(noqa: [A-Z0-9, ]+|type: ignore\[[\w-]+\])\s+[#(]\s*\S+")


def name_of(path: Path) -> str:
    """A module's name below the package: `runs.execute`; a package's own is that of its folder."""
    parts = path.relative_to(PROJECT / PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


FILES = {name_of(path): path for path in sorted((PROJECT / PACKAGE).rglob("*.py"))}
INITS = [name for name, path in FILES.items() if path.name == "__init__.py" and name != "__init__"]
MODULES = [name for name in FILES if name not in INITS]
PLACED = [name for name in FILES if name not in FACE]


@cache
def text(module: str) -> str:
    return FILES[module].read_text(encoding="utf-8")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(text(module))


@cache
def imported(module: str) -> frozenset[str]:
    """Every module that a module names in an import, in full: deferred imports and those for types alone, too."""
    return frozenset(_imported(module))


def _imported(module: str) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(source), level=0):
                inside = [f"{source}.{alias.name}" for alias in node.names]
                known = [name for name in inside if name.removeprefix(f"{PACKAGE}.") in FILES]
                yield from known if len(known) == len(inside) else {source, *known}
            case ast.ImportFrom():
                raise AssertionError(f"{module}: relative import in line {node.lineno}")


def neighbours(module: str) -> set[str]:
    """The modules of archmig that a module imports, by their names below the package."""
    own = {name for name in imported(module) if name.split(".")[0] == PACKAGE}
    return {name.removeprefix(PACKAGE).removeprefix(".") or "__init__" for name in own}


@cache
def calls(module: str) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree(module)) if isinstance(node, ast.Call)}


def within(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}.")


def layer(module: str) -> int:
    return LAYERS.index(module.split(".", maxsplit=1)[0])


def test_every_package_has_its_place_and_no_module_stands_beside_them() -> None:
    assert {name.split(".")[0] for name in FILES} == {*LAYERS, *FACE}


def test_a_package_imports_only_from_those_before_it() -> None:
    arrows = [(module, name) for module in PLACED for name in neighbours(module)]
    assert [(module, name) for module, name in arrows if name in FACE or layer(name) > layer(module)] == []


def test_the_page_on_the_architecture_lists_the_packages_in_their_order_and_draws_arrows_down_alone() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = page.partition("## Packages")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", packages, re.MULTILINE)) == LAYERS
    arrows = re.findall(r"^    (\w+)(?:\[.*\])? --> (\w+)$", packages, re.MULTILINE)
    assert {name for arrow in arrows for name in arrow} == set(LAYERS)
    assert [arrow for arrow in arrows if layer(arrow[0]) <= layer(arrow[1])] == []


def test_no_module_is_in_a_circle() -> None:
    waiting = {name: neighbours(name) - {name} for name in FILES}
    while free := {name for name, others in waiting.items() if not others & waiting.keys()}:
        waiting = {name: others for name, others in waiting.items() if name not in free}
    assert sorted(waiting) == []


def test_a_package_says_what_is_in_it_and_imports_nothing() -> None:
    """Each import there would be paid by every module of the package, at every start."""
    assert [package for package in INITS if len(tree(package).body) != 1 or not ast.get_docstring(tree(package))] == []


def test_what_is_outside_of_databases_knows_no_kind_of_database() -> None:
    outside = [name for name in MODULES if not within(name, "databases")]
    kinds = {f"databases.{kind}" for kind in KINDS}
    assert {name for name in outside if "sqlite3" in text(name)} == SQLITE.keys()
    assert {name for name in outside if "file_of" in text(name)} == FILE_OF.keys()
    assert [name for name in outside for each in neighbours(name) for kind in kinds if within(each, kind)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_database_knows_neither_the_registry_nor_another_kind(kind: str) -> None:
    others = {"databases.registry", *(f"databases.{each}" for each in KINDS if each != kind)}
    own = [name for name in MODULES if within(name, f"databases.{kind}")]
    assert [name for name in own for each in neighbours(name) for other in others if within(each, other)] == []


def test_what_is_pure_is_standard_library_alone_and_reaches_for_nothing_outside() -> None:
    pure = [name for name in MODULES if name.split(".")[0] in PURE]
    others = [(module, name) for module in pure for name in imported(module) if name.split(".")[0] != PACKAGE]
    assert [each for each in others if each[1].split(".")[0] not in sys.stdlib_module_names] == []
    assert [each for each in others if each[1] in OUTSIDE or each[1].split(".")[0] in OUTSIDE] == []
    reaching = {"open", "print", "input", "exec", "eval", "__import__"}
    assert [(module, name) for module in pure for name in calls(module) & reaching] == []


def test_each_foreign_package_is_imported_where_its_place_is() -> None:
    known = sys.stdlib_module_names | {PACKAGE}
    found = {(module, name.split(".")[0]) for module in MODULES for name in imported(module)}
    foreign = sorted((module, name) for module, name in found if name not in known)
    assert [(module, name) for module, name in foreign if not any(within(module, at) for at in FOREIGN[name])] == []


def test_files_are_locked_in_one_place() -> None:
    assert [name for name in MODULES if "fcntl" in imported(name)] == ["core.file_lock"]


def test_only_the_ledgers_own_recorder_makes_and_appends_entries() -> None:
    making = {"Entry", "append", "store.Entry", "store.append"}
    assert [name for name in MODULES if not within(name, "ledger") and calls(name) & making] == []


def test_only_the_command_line_prints_or_exits() -> None:
    silent = [name for name in MODULES if not within(name, "cli")]
    assert [(module, name) for module in silent for name in printing(module)] == []


def printing(module: str) -> set[str]:
    inner = {id(one) for node in tree(module).body if is_main(node) for one in ast.walk(node)}
    nodes = list(ast.walk(tree(module)))
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call) and id(node) not in inner}
    named = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    return {name for name in called if PRINTS.fullmatch(name)} | (named & {"sys.stdout"})


def is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def test_no_module_knows_the_project_that_it_was_first_made_for() -> None:
    lines = {(module, line) for module in MODULES for line in text(module).splitlines() if DASHBOARD.search(line)}
    assert lines - MENTIONED == set()


def test_functions_and_files_are_short_enough_to_read() -> None:
    long = [
        (module, node.name, node.end_lineno - node.lineno + 1)
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    ]
    assert [each for each in long if each[2] > FUNCTION] == []
    assert [module for module in MODULES if len(text(module).splitlines()) > LINES] == []


def test_nothing_is_left_for_later_and_what_is_silenced_says_why() -> None:
    assert [(module, left) for module in MODULES for left in left_for_later(module)] == []
    assert [module for module in MODULES if "NotImplementedError" in text(module)] == []


def left_for_later(module: str) -> Iterator[str]:
    """The comments that leave something for later, and those that silence a check without a reason."""
    with FILES[module].open("rb") as file:
        comments = {
            one.start[0]: one.string for one in tokenize.tokenize(file.readline) if one.type == tokenize.COMMENT
        }
    yield from (comment for comment in comments.values() if re.search(r"TODO|FIXME|XXX|HACK", comment))
    silent = {line: comment for line, comment in comments.items() if SILENCES.match(comment)}
    yield from (c for line, c in silent.items() if not REASON.search(c) and line - 1 not in comments)


def test_importing_a_module_does_nothing() -> None:
    """At a module's top stand a docstring, imports, definitions and values; no statement that acts."""
    imported_alone = [name for name in MODULES if not within(name, "cli") and name != "__main__"]
    tops = [(module, node) for module in imported_alone for node in tree(module).body]
    assert [(module, ast.unparse(node)) for module, node in tops if acts(node)] == []


def acts(node: ast.stmt) -> bool:
    return (
        not isinstance(node, HARMLESS)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.If) and (is_main(node) or ast.unparse(node.test) == "TYPE_CHECKING"))
    )
