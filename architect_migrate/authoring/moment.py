"""Where revisions read the clock or make random values: two replays cannot tell all of these from constants."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from architect_migrate.authoring.carried_code import needed
from architect_migrate.core.chain_errors import SquashError
from architect_migrate.databases.registry import dialect
from architect_migrate.revisions.source_file import source_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CALLED = frozenset({"today", "now", "utcnow", "time_ns", "localtime", "gmtime", "ctime", "strftime"})
_RANDOM = frozenset({"uuid1", "uuid4", "urandom", "token_hex", "token_urlsafe", "randint", "randrange", "getrandbits"})
_OF_CHANCE = frozenset({"random", "secrets"})
# A default is computed by the database when a row is written, and stays a default.
_DEFAULTS = frozenset({"server_default", "default", "server_onupdate", "onupdate"})


def is_of_moment(file: Path, *, in_step: bool) -> bool:
    """Return whether the upgrade() of a revision file may write the date, the time or random values.

    `in_step` says whether what its data step does counts. Raises SquashError for a file that cannot be read.
    """
    try:
        tree = ast.parse(source_text(file), str(file))
    except (OSError, SyntaxError, ValueError) as error:
        raise SquashError(str(file), f"cannot be read: {error}", "nothing was written") from error
    body = [each for each in tree.body if in_step or getattr(each, "name", "") != "data_step"]
    return any(_gives_the_moment(node) for each in needed(body, "upgrade") for node in _nodes(each))


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement, without defaults of columns."""
    if isinstance(node, ast.keyword) and node.arg in _DEFAULTS:
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _nodes(child)


def _gives_the_moment(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return dialect.writes_the_moment(text)
        case ast.Call(func=ast.Attribute(attr="time"), args=[], keywords=[]):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module))) if module in _OF_CHANCE:
            return True
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name in _CALLED | _RANDOM
        case _:
            return False
