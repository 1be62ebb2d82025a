"""Other surroundings for the second replay of a chain: what depends on the machine then differs between two runs."""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import SquashError
from architect_migrate.revisions.source_file import source_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from architect_migrate.model.chain_config import ChainConfig

_ASKING = ("environ", "getenv", "expandvars")
_USER = ("LOGNAME", "USER", "LNAME", "USERNAME")
_OPPOSITES = {"true": "false", "yes": "no", "on": "off"}
_OPPOSITES |= {no: yes for yes, no in _OPPOSITES.items()} | {"1": "", "0": "1", "": "1"}


def elsewhere(chain: ChainConfig, files: Iterable[Path]) -> ChainConfig:
    """Return the chain with another value of each environment variable that these files may ask for.

    Raises SquashError for a file that cannot be read.
    """
    own = dict(chain.variables)
    names = {name for file in files for name in _variables(file)} - own.keys()
    others = ((name, _other(os.environ.get(name, ""))) for name in sorted(names))
    return replace(chain, variables=(*own.items(), *others))


def _variables(file: Path) -> Iterator[str]:
    """The words of a file that asks for environment variables. Why all: a name may be kept in a constant."""
    try:
        text = source_text(file)
        if "getpass" in text:
            yield from _USER
        if any(word in text for word in _ASKING):
            constants = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
            yield from (word for word in constants if isinstance(word, str) and word.isidentifier())
    except (OSError, SyntaxError, ValueError) as error:
        raise SquashError(str(file), f"cannot be read: {error}", "nothing was written") from error


def _other(value: str) -> str:
    """Another value of the same kind. Why none for 1: it is often a switch, and any other text would be on."""
    if value.isdecimal() and int(value) > 1:
        return str(int(value) + 1)
    return _OPPOSITES.get(value.lower(), f"{value}-other")
