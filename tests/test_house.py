"""The house: which room each module lives in, what it may import, and what it may not know or do."""

from __future__ import annotations

import ast
import re
import sys
import tokenize
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGE = "architect_migrate"
FOLDER = Path(__file__).resolve().parents[1] / PACKAGE
# Innermost first: a module imports from its own room and from those before it. A new module is placed here.
ROOMS = {
    "core": """
        branches chain_errors claims codec compare database_errors diagnosis diff environment errors facts findings
        history judgement_findings outline plan questions resolve results schema sql_errors urls walk
        silent
        sqlite_blockers sqlite_constant sqlite_constraints sqlite_cursor sqlite_ddl sqlite_edit sqlite_edit_parts
        sqlite_ground sqlite_nodes sqlite_object_work sqlite_render sqlite_splice sqlite_table_work sqlite_text
        start
        flaws lint_effects lint_files lint_losses lint_rows lint_statements revision_file sqlite_create trial
        costs
        grouping provenance
        tracker_sync
        extras revision_names revision_text
        words
    """,
    "adapters": """
        batch_casts chain_connection dangling
        backup backup_record chain chain_files content database draft environments exact_rows guard interrupt
        ledger lock overwrite policy_tables proof recording replay replayer resolve_entries row_delta row_merge
        seeds sqlite_digest sqlite_read sqlite_rebuild sqlite_rebuild_explain sqlite_rebuild_rows sqlite_rows stamp
        template toml_table tracker
        chain_outline config_place start_memo
        notified notify
        chain_choice chain_plain chain_trial confined linter sample_rows sqlite_compile trial_connection trial_rows
        foreign_keys meter private_copy
        pages
        ledger_chain traces
        chain_draft folder_lock matrix_file
        landing soundness workers
    """,
    "services": """
        aftermath apply backups carry_out demo drift matrix native observe planning promotion pruning
        reconcile restorations restore setting survey undo upgrade verify
        at_start start_check start_upgrade
        lint plain_run sample_databases
        audit dispatch profiling rehearsals rehearse rehearsed rollback roundtrip stand_in
        documented
        journal notices
        feature_create feature_drop hotfix new_revision
    """,
    "faces": """
        __main__ __init__ alembic_env alembic_job alembic_options alembic_steps cli cli_backup cli_change
        cli_consent cli_defaults cli_end cli_options cli_progress cli_read cli_restore cli_screen cli_select cli_sql
        report_backup report_backup_json report_chain report_diagnosis report_grid report_json report_outcome
        report_plan report_status report_text
        cli_notify report_notify
        cli_lint pytest_items pytest_plugin report_lint
        cli_profile cli_rehearse cli_rollback report_audit report_audit_json report_profile report_rehearsal
        report_rehearsal_json
        cli_docs report_docs report_docs_table report_markdown report_mermaid
        alembic_record cli_log report_ledger report_ledger_json
        cli_env cli_new report_env report_new
    """,
}
ROOM = {module: room for room, modules in ROOMS.items() for module in modules.split()}
# What reaches outside the process or waits: the core does none of it.
OUTSIDE = re.findall(
    r"\S+",
    """
    asyncio concurrent ctypes fcntl getpass glob http importlib io logging mmap multiprocessing os random secrets select
    shutil signal socket sqlite3 subprocess tempfile threading time tomllib urllib.request
    """,
)
# Only the rooms' own third parties; where a module is named, only that module.
THIRD = {
    "alembic": {"chain"},
    "sqlalchemy": {"chain", "seeds", "alembic_env"},
    "typer": {"cli"},
    "rich": {"cli", "report"},
    "pytest": {"pytest"},
    "_pytest": {"pytest_items"},
    "tomlkit": {"matrix_file"},
}
# The table that the tracker's own settings default to is a documented default, and the only word of the dashboard.
DASHBOARD = re.compile(r"architect\.db|tmux|milestone|dashboard|schema_versions|autopilot|claude|\bllm_", re.IGNORECASE)
PRINTS = re.compile(r"print|exit|quit|sys\.exit|os\._exit|typer\..*|.*console\.print")
MENTIONED = {("environment", '    table: str = "schema_versions"')}
HARMLESS = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.AugAssign
LINES, FUNCTION = 300, 40
# A silenced check names the check, and its reason follows, or stands in the line above.
SILENCES = re.compile(r"# (noqa|type: ignore|pragma)")
REASON = re.compile(r"(noqa: [A-Z0-9, ]+|type: ignore\[[\w-]+\])\s+[#(]\s*\S+")
MODULES = sorted(path.stem for path in FOLDER.glob("*.py"))


@cache
def text(module: str) -> str:
    return (FOLDER / f"{module}.py").read_text(encoding="utf-8")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(text(module))


def imported(module: str) -> set[str]:
    """Every module that a module names in an import, wherever it stands, in full."""
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        match node:
            case ast.Import():
                found |= {it.name for it in node.names}
            case ast.ImportFrom(module=str(source), level=0):
                inside = {f"{source}.{it.name}" for it in node.names if it.name in MODULES and source == PACKAGE}
                found |= inside or {source}
            case ast.ImportFrom():
                raise AssertionError(f"{module}: relative import in line {node.lineno}")
    return found


def neighbours(module: str) -> set[str]:
    return {it.removeprefix(f"{PACKAGE}.") for it in imported(module) if it.split(".")[0] == PACKAGE}


def calls(module: str) -> set[str]:
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call):
            found.add(ast.unparse(node.func))
    return found


def test_every_module_is_in_one_room_and_every_room_has_its_modules() -> None:
    placed = [module for modules in ROOMS.values() for module in modules.split()]
    assert sorted(placed) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_its_room_and_the_rooms_before_it(module: str) -> None:
    rooms = list(ROOMS)
    mine = rooms.index(ROOM.get(module, "faces"))
    assert {it for it in neighbours(module) if rooms.index(ROOM.get(it, "core")) > mine} == set()


@pytest.mark.parametrize("module", [it for it in MODULES if ROOM.get(it) == "core"])
def test_the_core_is_standard_library_alone_and_reaches_for_nothing_outside(module: str) -> None:
    others = {it for it in imported(module) if it.split(".")[0] != PACKAGE}
    assert {it for it in others if it.split(".")[0] not in sys.stdlib_module_names} == set()
    assert {it for it in others if it in OUTSIDE or it.split(".")[0] in OUTSIDE} == set()
    assert calls(module) & {"open", "print", "input", "exec", "eval", "__import__"} == set()


@pytest.mark.parametrize("module", MODULES)
def test_each_foreign_package_is_known_to_those_who_deal_with_it_and_to_no_other(module: str) -> None:
    foreign = {it.split(".")[0] for it in imported(module)} - sys.stdlib_module_names - {PACKAGE}
    assert {
        it for it in foreign if not any(module == who or module.startswith(f"{who}_") for who in THIRD[it])
    } == set()


@pytest.mark.parametrize("module", [it for it in MODULES if not it.startswith("cli")])
def test_only_the_command_line_prints_or_exits(module: str) -> None:
    inner = {id(it) for node in tree(module).body if is_main(node) for it in ast.walk(node)}
    found = {
        ast.unparse(node.func)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and id(node) not in inner
    }
    assert {
        it for it in found if re.fullmatch(r"print|exit|quit|sys\.exit|os\._exit|typer\..*|.*console\.print", it)
    } == set()
    assert not any(isinstance(it, ast.Attribute) and ast.unparse(it) == "sys.stdout" for it in ast.walk(tree(module)))


def is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


@pytest.mark.parametrize("module", MODULES)
def test_no_module_knows_the_project_that_it_was_first_made_for(module: str) -> None:
    lines = [line for line in text(module).splitlines() if DASHBOARD.search(line)]
    assert {line for line in lines if (module, line) not in MENTIONED} == set()


@pytest.mark.parametrize("module", MODULES)
def test_functions_and_files_are_short_enough_to_read(module: str) -> None:
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    }
    assert {name: size for name, size in long.items() if size > FUNCTION} == {}
    assert len(text(module).splitlines()) <= LINES


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_left_for_later_and_what_is_silenced_says_why(module: str) -> None:
    with (FOLDER / f"{module}.py").open("rb") as file:
        comments = {it.start[0]: it.string for it in tokenize.tokenize(file.readline) if it.type == tokenize.COMMENT}
    assert [it for it in comments.values() if re.search(r"TODO|FIXME|XXX|HACK", it)] == []
    assert "NotImplementedError" not in text(module)
    silent = {line: it for line, it in comments.items() if SILENCES.match(it)}
    assert {it for line, it in silent.items() if not REASON.search(it) and line - 1 not in comments} == set()


@pytest.mark.parametrize("module", [it for it in MODULES if ROOM.get(it) != "faces"])
def test_importing_a_module_does_nothing(module: str) -> None:
    """At a module's top stand a docstring, imports, definitions and values; no statement that acts."""
    acting = [
        ast.unparse(node)
        for node in tree(module).body
        if not isinstance(node, HARMLESS)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.If) and (is_main(node) or ast.unparse(node.test) == "TYPE_CHECKING"))
    ]
    assert acting == []


def test_rooms_stand_in_the_order_of_the_arrows() -> None:
    assert list(pairwise(ROOMS)) == [("core", "adapters"), ("adapters", "services"), ("services", "faces")]
