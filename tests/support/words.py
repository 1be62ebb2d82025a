"""Idioms that make readers stop, and where they are: in pages, docstrings, messages and comments.

`PYTHONPATH=tests python -m support.words` prints how often each of them occurs.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Each idiom as a regular expression, a space for any white space, with what to write instead.
BANNED = {
    r"whoever|whomever|whosever": "name the subject: the caller, the user, an application",
    r"nobody": "name the subject, or use the passive",
    r"lingering": "should have been removed",
    r"home(?! (?:folder|directory))": "at its target, at head",
    r"brought back to|puts? (?:it|them|that|things) right": "repaired, repairs it",
    r"stands? by": "is kept by, is allowed by",
    r"lets? [^.;:]{0,30}\bstand": "allows, keeps",
    r"(?:is|are|was|were) of": "belongs to, the ... of",
    r"what there (?:is|was)": "the existing ...",
    r"where (?:it|they) should be": "up to date, at its target",
    r"otherwise than": "differently from, changed since",
    r"(?:is|are|was|were|be|been) told(?! to\b)|untold": "is reported, is shown",
    r"tells? (?:of|it|them|apart)": "reports, distinguishes",
    r"no use as": "cannot be used as",
    r"the very": "the same, exactly the",
    r"to the letter|word for word": "exactly",
    r"deeds?": "what it does, effects",
    r"mend(?:s|ed|ing)?": "repair",
    r"borne out|bears? out": "supported, confirmed",
    r"(?:who|what) (?:knows|wants|would) (?:how|to|better)": "name the subject",
    r"none the less|for good|for ever|at the worst": "nevertheless, permanently, in the worst case",
    r"may go\b|has to go|will go": "may be removed, will be removed",
    r"(?:is|are) (?:its|their|nobody's|somebody's) (?:own )?business": "name who decides",
    r"wholly": "completely",
}
_PATTERNS = {idiom: re.compile(rf"\b(?:{idiom})\b".replace(" ", r"\s+"), re.IGNORECASE) for idiom in BANNED}
# Code, links' targets and comments of a page are not its prose; the rows of lint's codes repeat messages of the code.
_NOT_PROSE = re.compile(r"^ *```.*?^ *```|^\| AM\d+ [^\n]*|`[^`\n]+`|\]\([^)]*\)|<!--.*?-->", re.MULTILINE | re.DOTALL)
PAGES = (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")), PROJECT / "bench" / "README.md")
SOURCES = sorted((PROJECT / "architect_migrate").rglob("*.py"))


@dataclass(frozen=True, slots=True)
class Idiom:
    """An idiom in a file: `kind` is page, docstring, message or comment."""

    file: Path
    line: int
    kind: str
    idiom: str
    text: str

    def __str__(self) -> str:
        where = f"{self.file.relative_to(PROJECT)}:{self.line}"
        return f"{where}: {self.kind}: {' '.join(self.text.split())!r}: write: {BANNED[self.idiom]}"


def prose(page: str) -> str:
    """The prose of a Markdown page; all else is blanked, so that lines keep their numbers."""
    return _NOT_PROSE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), page)


@cache
def texts(source: str) -> tuple[tuple[int, str, str], ...]:
    """Every text of a module: its line, its kind (docstring, message or comment), itself."""
    return tuple(_texts(source))


def _texts(source: str) -> Iterator[tuple[int, str, str]]:
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)]
    docstrings = {id(body.value) for body in bodies if isinstance(body, ast.Expr)}
    pieces = {id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in ast.walk(node)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) in docstrings:
                yield node.lineno, "docstring", text
            # A text without a space is a key, a name or a code.
            case ast.Constant(value=str(text)) if id(node) not in pieces and " " in text.strip():
                yield node.lineno, "message", text
            case ast.JoinedStr(values=values):
                parts = (piece.value if isinstance(piece, ast.Constant) else "_" for piece in values)
                yield node.lineno, "message", "".join(map(str, parts))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], "comment", token.string


@cache
def idioms(file: Path) -> tuple[Idiom, ...]:
    """Every banned idiom of a page or a module."""
    text = file.read_text(encoding="utf-8")
    parts = [(1, "page", prose(text))] if file.suffix == ".md" else texts(text)
    return tuple(
        Idiom(file, line + part.count("\n", 0, match.start()), kind, idiom, match[0])
        for line, kind, part in parts
        for idiom, pattern in _PATTERNS.items()
        for match in pattern.finditer(part)
    )


def main() -> None:
    """Write how often each idiom occurs, or with `--all` each place."""
    found = [idiom for file in (*PAGES, *SOURCES) for idiom in idioms(file)]
    sys.stdout.write("".join(f"{line}\n" for line in (found if "--all" in sys.argv else table(found))))


def table(found: list[Idiom]) -> Iterator[str]:
    """The numbers of each idiom by kind of text, and their sums."""
    kinds = ("page", "docstring", "message", "comment")
    yield " ".join((*kinds, "idiom"))
    for name in (*BANNED, "all"):
        numbers = Counter(idiom.kind for idiom in found if name in {idiom.idiom, "all"})
        yield " ".join((*(f"{numbers[kind]:{len(kind)}}" for kind in kinds), name))


if __name__ == "__main__":
    main()
