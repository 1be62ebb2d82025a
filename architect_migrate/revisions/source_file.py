"""Static reader of revision files: parses them with Python's own parser, and imports or runs nothing."""

from __future__ import annotations

import ast
import tokenize
from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import decode_source
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ChainError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WORD = "archmig:"
# The variables of a revision file that Alembic reads.
VARIABLES = ("revision", "down_revision", "depends_on", "branch_labels")


@dataclass(frozen=True, slots=True)
class Declaration:
    """Value of one of Alembic's variables: its strings (none for None), and its line.

    `problem` says why `words` cannot be read: the value is computed, or not a string.
    """

    line: int
    words: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the file; `required` are its arguments without defaults.

    `idle`: it does nothing. `refuses`: it only raises.
    """

    name: str
    line: int
    required: tuple[str, ...] = ()
    idle: bool = False
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """A comment `# archmig: allow AM401 because ...`, which allows violations of these codes for a reason."""

    line: int
    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RevisionFile:
    """Declarations of a revision file; `file` is an absolute path, lines count from 1 and are 0 for missing values.

    `down` is None if it is missing or computed; `unread` are variables with computed values; `bound` are names that are
    imported or assigned; `digest` covers the whole text. With a `problem` (in `line`) nothing else is known.
    """

    file: str
    id: str = ""
    line: int = 0
    down: tuple[str, ...] | None = None
    down_line: int = 0
    depends: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    title: str = ""
    functions: tuple[Function, ...] = ()
    bound: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    problem: str = ""
    digest: str = ""

    def function(self, name: str) -> Function | None:
        """Return the last function of that name, which is the one in effect; None if there is none."""
        return next((function for function in reversed(self.functions) if function.name == name), None)

    def has(self, name: str) -> bool:
        """Return whether the file defines, imports or assigns that name."""
        return self.function(name) is not None or name in self.bound


_MISSING = Declaration(0)


def read_declarations(file: Path) -> dict[str, Declaration]:
    """Read only Alembic's variables of a file. Raises ChainError."""
    try:
        return _declarations(ast.parse(file.read_bytes(), str(file)))
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        raise ChainError(str(file), f"{type(error).__name__}: {' '.join(str(error).split())}") from error


def source_text(file: Path) -> str:
    """Read a file's text in the encoding that Python uses. Raises OSError, SyntaxError, UnicodeDecodeError."""
    return decode_source(file.read_bytes())


def revision_file_at(file: Path) -> RevisionFile:
    """Read the revision file at an absolute path. Raises ChainError if it cannot be read."""
    try:
        return read_revision_file(str(file), source_text(file))
    except (SyntaxError, UnicodeDecodeError) as error:
        return RevisionFile(str(file), line=1, problem=f"the file is not in its declared encoding: {error}")
    except OSError as error:
        raise ChainError(str(file), error.strerror or str(error)) from error


def read_revision_file(file: str, text: str) -> RevisionFile:
    """Parse the text of a revision file; a text that is not Python gives a RevisionFile with a `problem`."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return RevisionFile(file, line=error.lineno or 1, problem=error.msg)
    except ValueError as error:
        return RevisionFile(file, line=1, problem=str(error))
    declarations = _declarations(tree)
    revision, down = declarations.get("revision", _MISSING), declarations.get("down_revision", _MISSING)
    return RevisionFile(
        file,
        id=next(iter(revision.words), ""),
        line=revision.line,
        down=down.words if down.line and not down.problem else None,
        down_line=down.line,
        depends=declarations.get("depends_on", _MISSING).words,
        labels=declarations.get("branch_labels", _MISSING).words,
        title=(ast.get_docstring(tree) or "").strip().partition("\n")[0].rstrip("."),
        functions=tuple(
            _function(statement) for statement in _statements(tree) if isinstance(statement, ast.FunctionDef)
        ),
        bound=tuple(_bound(tree)),
        unread=tuple(sorted(name for name, declaration in declarations.items() if declaration.problem)),
        allowances=tuple(_allowances(text)),
        digest=blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
    )


def _statements(tree: ast.Module) -> list[ast.stmt]:
    """Return the module's statements, those inside `if`, `try` and `with` included."""
    statements: list[ast.stmt] = []
    waiting: list[ast.stmt] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        statements.append(node)
        if isinstance(node, ast.If | ast.Try | ast.With):
            inner = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.stmt)]
            waiting.extend(reversed(inner))
    return statements


def _declarations(tree: ast.Module) -> dict[str, Declaration]:
    """Return Alembic's variables by name; the last assignment counts."""
    return {name: _declaration(value, line) for name, value, line in _assignments(tree) if name in VARIABLES}


def _declaration(node: ast.expr, line: int) -> Declaration:
    try:
        # Why: nearly every value is a constant, and literal_eval would take 4 % of the time of a long chain.
        value = node.value if isinstance(node, ast.Constant) else ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return Declaration(line, problem="is computed")
    match value:
        case None:
            return Declaration(line)
        case str():
            return Declaration(line, (value,))
        case tuple() | list() | set() if all(isinstance(word, str) for word in value):
            return Declaration(line, tuple(sorted(value) if isinstance(value, set) else value))
        case _:
            return Declaration(line, problem="is not a string")


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr, int]]:
    for node in _statements(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((target.id, value, node.lineno) for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value, node.lineno


def _bound(tree: ast.Module) -> list[str]:
    """Return the names that the module imports or assigns."""
    names = [name for name, _, _ in _assignments(tree)]
    for node in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names += [name.asname or name.name for name in node.names]
    return names


def _function(node: ast.FunctionDef) -> Function:
    positional = node.args.posonlyargs + node.args.args
    required = [argument.arg for argument in positional[: len(positional) - len(node.args.defaults)]]
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    required += [argument.arg for argument, default in pairs if default is None]
    body = [each for each in node.body if not _does_nothing(each)]
    refuses = bool(body) and isinstance(body[0], ast.Raise)
    return Function(node.name, node.lineno, tuple(required), not body, refuses)


def _does_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.Return(value=None | ast.Constant(value=None)):
            return True
        case _:
            return False


def _allowances(text: str) -> list[Allowance]:
    # Why: tokenizing takes twice as long as everything else.
    if _WORD not in text:
        return []
    lines = iter(text.splitlines(keepends=True))
    tokens = tokenize.generate_tokens(lambda: next(lines, ""))
    allowances = (_allowance(token.string, token.start[0]) for token in tokens if token.type == tokenize.COMMENT)
    return [allowance for allowance in allowances if allowance is not None]


def _allowance(comment: str, line: int) -> Allowance | None:
    content = comment.lstrip("#").strip()
    if not content.startswith(_WORD):
        return None
    words = content.removeprefix(_WORD).split()
    if words[:1] != ["allow"]:
        return Allowance(line, (), " ".join(words))
    codes = []
    for word in words[1:]:
        code = word.rstrip(",:")
        if not (code.startswith("AM") and code[2:].isdigit()):
            break
        codes.append(code)
    return Allowance(line, tuple(codes), " ".join(words[1 + len(codes) :]).lstrip(":-— "))
