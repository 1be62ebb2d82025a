"""Where revisions read the clock: replays on one day cannot tell a date computed from today's from a constant."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import SquashError
from architect_migrate.databases.registry import dialect
from architect_migrate.revisions.source_file import source_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CALLED = frozenset({"today", "now", "utcnow", "time_ns", "localtime", "gmtime", "ctime", "strftime"})
# A default is computed by the database when a row is written, and stays a default.
_DEFAULTS = frozenset({"server_default", "default", "server_onupdate", "onupdate"})


def reads_clock(file: Path, *, in_step: bool) -> bool:
    """Return whether a revision file may write the date or the time; `in_step` says whether its data step counts.

    Raises SquashError for a file that cannot be read.
    """
    try:
        tree = ast.parse(source_text(file), str(file))
    except (OSError, SyntaxError, ValueError) as error:
        raise SquashError(str(file), f"cannot be read: {error}", "nothing was written") from error
    return any(_is_of_the_clock(node) for node in _nodes(tree, in_step=in_step))


def _nodes(node: ast.AST, *, in_step: bool) -> Iterator[ast.AST]:
    """The nodes of a file, without defaults of columns and, if it does not count, without the data step."""
    if isinstance(node, ast.keyword) and node.arg in _DEFAULTS:
        return
    if isinstance(node, ast.FunctionDef) and node.name == "data_step" and not in_step:
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _nodes(child, in_step=in_step)


def _is_of_the_clock(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return dialect.writes_the_moment(text)
        case ast.Call(func=ast.Attribute(attr="time"), args=[], keywords=[]):
            return True
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name in _CALLED
        case _:
            return False
