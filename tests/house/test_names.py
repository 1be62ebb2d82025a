"""Names in backticks, in docstrings and in docs, are names of things that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

PACKAGE = "architect_migrate"
# Modules of the time when all of them lay in one folder; each has moved to a place of another name.
MOVED_AWAY = """
aftermath alembic_job alembic_options alembic_record alembic_steps apply at_start audit backup_record carry_out
chain chain_connection chain_draft chain_files chain_outline chain_plain chain_trial cli_backup cli_change
cli_consent cli_defaults cli_docs cli_end cli_env cli_lint cli_log cli_new cli_notify cli_options cli_profile
cli_progress cli_read cli_rehearse cli_restore cli_rollback cli_screen cli_select cli_sql config_place confined
dangling database dispatch documented draft environments exact_rows extras feature_create feature_drop flaws
folder_lock grouping guard interrupt journal judgement_findings landing ledger_chain lint_effects lint_files
lint_losses lint_rows lint_statements linter lock matrix matrix_file native notices notified outline pages plain_run
policy_tables private_copy promotion pruning pytest_items pytest_plugin recording rehearsals rehearsed replayer
report_audit report_audit_json report_backup report_backup_json report_chain report_diagnosis report_docs
report_docs_table report_env report_grid report_json report_ledger report_ledger_json report_lint report_markdown
report_mermaid report_new report_notify report_outcome report_plan report_profile report_rehearsal
report_rehearsal_json report_status report_text resolve restorations revision_file revision_names revision_text
roundtrip row_delta row_merge sample_databases setting silent soundness sqlite_blockers sqlite_compile
sqlite_constant sqlite_constraints sqlite_create sqlite_cursor sqlite_ddl sqlite_digest sqlite_edit
sqlite_edit_parts sqlite_ground sqlite_nodes sqlite_object_work sqlite_read sqlite_rebuild sqlite_rebuild_explain
sqlite_rebuild_rows sqlite_render sqlite_rows sqlite_splice sqlite_table_work sqlite_text stamp stand_in start
start_check start_memo start_upgrade toml_table traces tracker trial_rows walk words workers
"""
MOVED = frozenset(MOVED_AWAY.split())
# Ends of the names of files, which are no attributes of modules.
FILES = frozenset({"db", "ini", "json", "md", "mako", "py", "sql", "toml"})
# A page of keys in JSON documents, which are no names of Python.
KEYS = "json.md"
# Names of other programs that begin like a module of archmig.
OTHERS = {
    "app.logger": "Flask's, in docs/startup.md",
    "alembic.command": "Alembic's, in docs/api.md",
    "alembic.context": "Alembic's, in docs/api.md",
    "alembic.util.CommandError": "Alembic's, in docs/api.md",
}
WORD = re.compile(r"`([A-Za-z_][\w.]*)(?:\(\))?`")
SOURCES = sorted((PROJECT / PACKAGE).rglob("*.py"))
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
TESTS = {path.stem for path in (PROJECT / "tests").rglob("test_*.py")}


def name_of(path: Path) -> str:
    """A module's name as it is imported."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = [name_of(path) for path in SOURCES]
OWN = {part for module in MODULES for part in module.split(".")}


@cache
def words(path: Path) -> tuple[str, ...]:
    """Every name in backticks: of a page, or of the docstrings of a module."""
    text = path.read_text(encoding="utf-8")
    return tuple(WORD.findall(text if path.suffix == ".md" else "\n".join(docstrings(text))))


def docstrings(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


@cache
def vocabulary(path: Path) -> frozenset[str]:
    """Every name that a module's own code uses: what it defines and imports, parameters, fields, attributes."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found.add(asname or name.rpartition(".")[2])
    return frozenset(found)


def is_about_archmig(name: str) -> bool:
    first, last = name.partition(".")[0], name.rpartition(".")[2]
    return first in OWN | MOVED and last not in FILES and name not in OTHERS


def resolves(name: str) -> bool:
    """Whether a dotted name is a module by the end of its path, or an attribute of one."""
    parts = name.split(".")
    return any(
        _has(import_module(module), parts[cut:])
        for cut in range(1, len(parts) + 1)
        for module in MODULES
        if module == ".".join(parts[:cut]) or module.endswith("." + ".".join(parts[:cut]))
    )


def _has(found: ModuleType | object, attributes: list[str]) -> bool:
    for attribute in attributes:
        if not hasattr(found, attribute):
            return False
        found = getattr(found, attribute)
    return True


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("architect_migrate.startup", True),
        ("model.diff", True),
        ("diff.severity", True),
        ("results.Survey.claims", True),
        ("sqlite.reflect", True),
        ("diff.gone", False),
        ("sqlite_read.digest", False),
        ("model.gone", False),
        ("results.Survey.gone", False),
    ],
)
def test_a_dotted_name_resolves_to_a_module_or_to_an_attribute_of_one(name: str, there: bool) -> None:
    assert is_about_archmig(name)
    assert resolves(name) is there


def test_every_dotted_name_of_archmig_exists() -> None:
    named = [(path, name) for path in (*SOURCES, *PAGES) if path.name != KEYS for name in words(path)]
    dotted = [(path, name) for path, name in named if "." in name and is_about_archmig(name)]
    missing = {name for name in {name for _, name in dotted} if not resolves(name)}
    assert [(path, name) for path, name in dotted if name in missing] == []


def test_no_docstring_names_a_module_that_has_moved() -> None:
    """A word that the module's own code uses is the name of that thing."""
    named = [(path, name) for path in SOURCES for name in words(path) if name in MOVED]
    assert [(path, name) for path, name in named if name not in vocabulary(path)] == []


def test_no_page_names_a_module_or_a_test_that_has_moved() -> None:
    """Words with an underscore only: the others are keys of documents, commands, or English."""
    named = [(page, name) for page in PAGES for name in words(page) if "_" in name]
    assert [(page, name) for page, name in named if name in MOVED] == []
    assert [(page, name) for page, name in named if name.startswith("test_") and name not in TESTS] == []
