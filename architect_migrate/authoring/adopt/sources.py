"""What a project's sources name: variables that may hold the database's URL, applications, arguments of `-x`.

They are read, not run. Which of them matters is then tried (see `way`).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.revisions.files import script_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from architect_migrate.model.chain_config import ChainConfig

_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_DATABASE, _ADDRESS = re.compile(r"DATABASE|DB|SQL"), re.compile(r"URL|URI|DSN|PATH|FILE")
_OPTION = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_FACTORIES = ("create_app", "make_app", "app_factory")
_LARGEST, _MOST = 300_000, 400


@dataclass(frozen=True, slots=True)
class Named:
    """What the sources name, the likeliest first.

    `variables` may hold the URL of a database. `applications` are Flask applications as `module:name`. `options` are
    arguments of `-x` that env.py may ask for.
    """

    variables: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def is_likely(variable: str) -> bool:
    """Return whether a variable may hold a database's URL or path, by its name."""
    return _rank(variable) < 3


def _rank(variable: str) -> int:
    of_database, address = bool(_DATABASE.search(variable)), bool(_ADDRESS.search(variable))
    if of_database:
        return 0 if address else 1
    return 2 if address else 3


def named_in(chain: ChainConfig, files: Iterable[Path]) -> Named:
    """Read env.py and the project's modules. Raises ChainError."""
    folder = script_folder(chain)
    env = _tree(folder / "env.py")
    if env is None:
        raise ChainError(str(folder / "env.py"), "cannot be read as Python")
    others = [file for file in files if file.suffix == ".py" and not _is_aside(file, folder, chain.root)]
    trees = [(file, tree) for file in others[:_MOST] if (tree := _tree(file))]
    variables = [*_variables(env), *(name for _, tree in trees for name in _variables(tree))]
    applications = (name for file, tree in trees for name in _applications(tree, file, chain.root))
    return Named(
        tuple(sorted(dict.fromkeys(filter(is_likely, variables)), key=_rank)),
        tuple(dict.fromkeys(applications)),
        tuple(dict.fromkeys(_options(env))),
    )


def _is_aside(file: Path, folder: Path, root: Path) -> bool:
    """Whether a file belongs to the chain itself, or to the project's tests."""
    parts = file.relative_to(root).parts if file.is_relative_to(root) else file.parts
    return file.is_relative_to(folder) or any(part.startswith("test") or part == "conftest.py" for part in parts)


def _tree(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes()) if file.stat().st_size < _LARGEST else None
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _variables(tree: ast.Module) -> Iterator[str]:
    """Yield names in capitals that a module writes as texts, and the fields of settings as variables name them."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    yield from filter(_NAME.fullmatch, texts)
    prefixes = ["", *(text.upper() for text in texts if text.endswith("_") and text.isidentifier())]
    if "from_prefixed_env" in ast.dump(tree):
        prefixes.append("FLASK_")
    fields = (
        field.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    )
    yield from (f"{prefix}{field}".upper() for field in fields for prefix in prefixes)


def _applications(tree: ast.Module, file: Path, root: Path) -> Iterator[str]:
    """Yield the Flask applications of a module, and the functions that make one."""
    if not file.is_relative_to(root):
        return
    parts = file.relative_to(root).with_suffix("").parts
    parts = parts[:-1] if parts[-1:] == ("__init__",) else parts
    if not parts or not all(part.isidentifier() for part in parts):
        return
    modules = [".".join(parts), *([".".join(parts[1:])] if parts[0] == "src" and parts[1:] else [])]
    yield from (f"{module}:{name}" for name in _made(tree) for module in modules)


def _made(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in _FACTORIES:
            yield node.name
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = ast.unparse(node.value.func).rpartition(".")[2]
            if called in {"Flask", *_FACTORIES}:
                yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _options(env: ast.Module) -> Iterator[str]:
    """Yield what env.py may ask for among the arguments of `-x`."""
    if "get_x_argument" not in ast.dump(env):
        return
    for node in ast.walk(env):
        match node:
            case ast.Subscript(slice=ast.Constant(value=str(text))):
                pass
            case ast.Call(func=ast.Attribute(attr="get" | "pop"), args=[ast.Constant(value=str(text)), *_]):
                pass
            case ast.Compare(left=ast.Constant(value=str(text))):
                pass
            case _:
                continue
        if _OPTION.fullmatch(text):
            yield text
