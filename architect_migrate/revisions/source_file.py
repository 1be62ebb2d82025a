"""A revision file as its text says it, by Python's own parser: nothing is imported or run."""

from __future__ import annotations

import ast
import tokenize
from dataclasses import dataclass
from hashlib import blake2b

_WORD = "archmig:"


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
        return next((it for it in reversed(self.functions) if it.name == name), None)

    def has(self, name: str) -> bool:
        """Whether the file has something of that name, be it from elsewhere."""
        return self.function(name) is not None or name in self.bound


def read_revision_file(file: str, text: str) -> RevisionFile:
    """What a file's text says."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return RevisionFile(file, line=error.lineno or 1, problem=error.msg)
    except ValueError as error:
        return RevisionFile(file, line=1, problem=str(error))
    values, lines, unread = _values(tree)
    down = values.get("down_revision", ()) if "down_revision" in lines and "down_revision" not in unread else None
    return RevisionFile(
        file,
        id=next(iter(values.get("revision", ())), ""),
        line=lines.get("revision", 0),
        down=down,
        down_line=lines.get("down_revision", 0),
        depends=values.get("depends_on", ()),
        labels=values.get("branch_labels", ()),
        title=(ast.get_docstring(tree) or "").strip().partition("\n")[0].rstrip("."),
        functions=tuple(_function(it) for it in _statements(tree) if isinstance(it, ast.FunctionDef)),
        bound=tuple(_bound(tree)),
        unread=tuple(sorted(unread)),
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
            inner = [it for it in ast.iter_child_nodes(node) if isinstance(it, ast.stmt)]
            waiting.extend(reversed(inner))
    return found


def _values(tree: ast.Module) -> tuple[dict[str, tuple[str, ...]], dict[str, int], set[str]]:
    """What Alembic's variables are set to, where, and those whose value is not written out."""
    values: dict[str, tuple[str, ...]] = {}
    lines: dict[str, int] = {}
    unread: set[str] = set()
    for name, node, line in _assignments(tree):
        if name not in {"revision", "down_revision", "branch_labels", "depends_on"}:
            continue
        lines[name] = line
        unread.discard(name)
        found = _words(node)
        if found is None:
            unread.add(name)
        else:
            values[name] = found
    return values, lines, unread


def _assignments(tree: ast.Module) -> list[tuple[str, ast.expr, int]]:
    found = []
    for node in _statements(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                found += [(it.id, value, node.lineno) for it in targets if isinstance(it, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found.append((name, value, node.lineno))
    return found


def _words(node: ast.expr) -> tuple[str, ...] | None:
    """A text, several of them, or none at all, as a tuple; None where it is not written out."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, tuple | list | set) and all(isinstance(it, str) for it in value):
        return tuple(value) if not isinstance(value, set) else tuple(sorted(value))
    return None


def _bound(tree: ast.Module) -> list[str]:
    """Names that the module has by import or assignment."""
    found = [name for name, _, _ in _assignments(tree)]
    for node in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += [it.asname or it.name for it in node.names]
    return found


def _function(node: ast.FunctionDef) -> Function:
    taken = node.args.posonlyargs + node.args.args
    required = [it.arg for it in taken[: len(taken) - len(node.args.defaults)]]
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    required += [it.arg for it, default in pairs if default is None]
    body = [it for it in node.body if not _says_nothing(it)]
    refuses = bool(body) and isinstance(body[0], ast.Raise)
    return Function(node.name, node.lineno, tuple(required), not body, refuses)


def _says_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.Return(value=None | ast.Constant(value=None)):
            return True
        case _:
            return False


def _allowances(text: str) -> list[Allowance]:
    lines = iter(text.splitlines(keepends=True))
    tokens = tokenize.generate_tokens(lambda: next(lines, ""))
    found = (_allowance(it.string, it.start[0]) for it in tokens if it.type == tokenize.COMMENT)
    return [it for it in found if it is not None]


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
