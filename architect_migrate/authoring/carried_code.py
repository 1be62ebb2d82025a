"""The code of a revision's `data_step()`, with what it needs of its file, as a function for another file."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import SquashError
from architect_migrate.revisions.source_file import source_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STEP = "data_step"


def carried(file: Path, name: str) -> str:
    """Return the text of a function `name` that does what `data_step()` of a revision file does.

    It holds the imports, values and functions of the file that the step uses, so that those of several revisions do not
    meet. Raises SquashError for code that would mean something else inside of a function.
    """
    try:
        tree = ast.parse(source_text(file), str(file))
    except (OSError, SyntaxError, ValueError) as error:
        raise SquashError(str(file), f"cannot be read: {error}", "nothing was written") from error
    body = [statement for statement in tree.body if not _is_docstring(statement) and not _is_of_the_future(statement)]
    # Why the star: such an import may bind anything, and is refused below.
    statements = needed(body, _STEP, "*")
    _refuse_what_means_something_else(file, statements)
    call = ast.Expr(ast.Call(ast.Name(_STEP, ast.Load()), [], []))
    function = ast.parse(f"def {name}():\n    pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = [*statements, call]
    return ast.unparse(ast.fix_missing_locations(ast.Module([function], [])))


def needed(body: list[ast.stmt], *names: str) -> list[ast.stmt]:
    """Return the statements of a module that bind names, and what these use, directly or not, in their order."""
    wanted, taken = {*names}, set[int]()
    while True:
        more = {at for at, statement in enumerate(body) if at not in taken and wanted & set(_bound(statement))}
        if not more:
            return [body[at] for at in sorted(taken)]
        taken |= more
        wanted |= {name for at in more for name in _used(body[at])}


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module gives a value."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((each.asname or each.name).partition(".")[0] for each in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
    # What is called for its effect on a value belongs to that value: `ROWS.append(...)`, `TABLE.c.x = ...`.
    yield from (name for name in _used(statement) if isinstance(statement, ast.Expr | ast.AugAssign | ast.For))


def _used(statement: ast.stmt) -> Iterator[str]:
    yield from (node.id for node in ast.walk(statement) if isinstance(node, ast.Name))


def _refuse_what_means_something_else(file: Path, statements: list[ast.stmt]) -> None:
    for statement in statements:
        for node in ast.walk(statement):
            is_star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
            if is_star or isinstance(node, ast.Global):
                what = "imports *" if is_star else "uses a global statement"
                advice = "nothing was written: write the step so that it can stand in a function"
                raise SquashError(f"{file}, line {statement.lineno}", f"what data_step() needs {what}", advice)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_of_the_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
