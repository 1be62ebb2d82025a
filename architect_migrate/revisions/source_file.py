"""The static reader of revision files: reads what a file says by Python's own parser; nothing is imported or run."""

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
# What Alembic reads of a revision file.
VARIABLES = ("revision", "down_revision", "depends_on", "branch_labels")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a file sets one of Alembic's variables to: a text, several, or none (None), and in which line.

    `problem` says why `words` cannot be read: the value is computed, or it is no text.
    """

    line: int
    words: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the file; `required` are the arguments that a call has to give.

    `idle`: it does nothing; `refuses`: all that it does is raise.
    """

    name: str
    line: int
    required: tuple[str, ...] = ()
    idle: bool = False
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """A comment `# archmig: allow AM401 because ...`: these codes are meant, for this reason."""

    line: int
    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RevisionFile:
    """What the file says of itself; `file` is an absolute path, lines count from 1 and are 0 for what is not said.

    `down` is None where it is not said; `unread` are names whose values are not written out; `bound` are names that
    the file has from elsewhere; `digest` is of the whole text. With a `problem` (in `line`) nothing else is known.
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
        """The function of that name; where it is defined twice, the one that counts."""
        return next((function for function in reversed(self.functions) if function.name == name), None)

    def has(self, name: str) -> bool:
        """Whether the file has something of that name, be it from elsewhere."""
        return self.function(name) is not None or name in self.bound


_UNSAID = Declaration(0)


def read_declarations(file: Path) -> dict[str, Declaration]:
    """What a file sets Alembic's variables to, and nothing else of it. Raises ChainError."""
    try:
        return _declarations(ast.parse(file.read_bytes(), str(file)))
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        raise ChainError(str(file), f"{type(error).__name__}: {' '.join(str(error).split())}") from error


def source_text(file: Path) -> str:
    """A file's text in the encoding that Python reads it in. Raises OSError, SyntaxError, UnicodeDecodeError."""
    return decode_source(file.read_bytes())


def revision_file_at(file: Path) -> RevisionFile:
    """What the file at an absolute path says. Raises ChainError where it cannot be read."""
    try:
        return read_revision_file(str(file), source_text(file))
    except (SyntaxError, UnicodeDecodeError) as error:
        return RevisionFile(str(file), line=1, problem=f"its encoding is not what it says: {error}")
    except OSError as error:
        raise ChainError(str(file), error.strerror or str(error)) from error


def read_revision_file(file: str, text: str) -> RevisionFile:
    """What a file's text says."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return RevisionFile(file, line=error.lineno or 1, problem=error.msg)
    except ValueError as error:
        return RevisionFile(file, line=1, problem=str(error))
    said = _declarations(tree)
    revision, down = said.get("revision", _UNSAID), said.get("down_revision", _UNSAID)
    return RevisionFile(
        file,
        id=next(iter(revision.words), ""),
        line=revision.line,
        down=down.words if down.line and not down.problem else None,
        down_line=down.line,
        depends=said.get("depends_on", _UNSAID).words,
        labels=said.get("branch_labels", _UNSAID).words,
        title=(ast.get_docstring(tree) or "").strip().partition("\n")[0].rstrip("."),
        functions=tuple(
            _function(statement) for statement in _statements(tree) if isinstance(statement, ast.FunctionDef)
        ),
        bound=tuple(_bound(tree)),
        unread=tuple(sorted(name for name, declaration in said.items() if declaration.problem)),
        allowances=tuple(_allowances(text)),
        digest=blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
    )


def _statements(tree: ast.Module) -> list[ast.stmt]:
    """The module's statements, those inside `if`, `try` and `with` too."""
    found: list[ast.stmt] = []
    waiting: list[ast.stmt] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, ast.If | ast.Try | ast.With):
            inner = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.stmt)]
            waiting.extend(reversed(inner))
    return found


def _declarations(tree: ast.Module) -> dict[str, Declaration]:
    """Alembic's variables by name; where one is set twice, the value that counts."""
    return {name: _declaration(value, line) for name, value, line in _assignments(tree) if name in VARIABLES}


def _declaration(node: ast.expr, line: int) -> Declaration:
    try:
        # Nearly every value is a constant, and literal_eval would take 4 % of the time of a long chain.
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
            return Declaration(line, problem="is no text")


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr, int]]:
    for node in _statements(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((target.id, value, node.lineno) for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value, node.lineno


def _bound(tree: ast.Module) -> list[str]:
    """Names that the module has by import or assignment."""
    found = [name for name, _, _ in _assignments(tree)]
    for node in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += [name.asname or name.name for name in node.names]
    return found


def _function(node: ast.FunctionDef) -> Function:
    taken = node.args.posonlyargs + node.args.args
    required = [argument.arg for argument in taken[: len(taken) - len(node.args.defaults)]]
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    required += [argument.arg for argument, default in pairs if default is None]
    body = [each for each in node.body if not _says_nothing(each)]
    refuses = bool(body) and isinstance(body[0], ast.Raise)
    return Function(node.name, node.lineno, tuple(required), not body, refuses)


def _says_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.Return(value=None | ast.Constant(value=None)):
            return True
        case _:
            return False


def _allowances(text: str) -> list[Allowance]:
    if _WORD not in text:
        return []  # tokenizing takes twice as long as all the rest
    lines = iter(text.splitlines(keepends=True))
    tokens = tokenize.generate_tokens(lambda: next(lines, ""))
    found = (_allowance(token.string, token.start[0]) for token in tokens if token.type == tokenize.COMMENT)
    return [allowance for allowance in found if allowance is not None]


def _allowance(comment: str, line: int) -> Allowance | None:
    said = comment.lstrip("#").strip()
    if not said.startswith(_WORD):
        return None
    words = said.removeprefix(_WORD).split()
    if words[:1] != ["allow"]:
        return Allowance(line, (), " ".join(words))
    codes = []
    for word in words[1:]:
        code = word.rstrip(",:")
        if not (code.startswith("AM") and code[2:].isdigit()):
            break
        codes.append(code)
    return Allowance(line, tuple(codes), " ".join(words[1 + len(codes) :]).lstrip(":-— "))
