"""Pages, docstrings, messages and comments are free of banned idioms, and what the pages name exists."""

from __future__ import annotations

import ast
import builtins
import io
import re
import tokenize
from functools import cache
from typing import TYPE_CHECKING

import pytest

from support.paths import PROJECT
from support.words import PAGES, SOURCES, idioms, prose, texts

if TYPE_CHECKING:
    from pathlib import Path

# How many idioms the package still has, by kind of text. These figures may only fall.
REMAINING = {"docstring": 0, "message": 0, "comment": 0}
FOLDERS = ("architect_migrate/", "tests/", "bench/", "docs/", "alembic/versions/")
# Where the examples of the pages write to.
EXAMPLES = {"docs/schema", "alembic/versions"}
FILE = re.compile(r"`([\w.-]+/[\w./-]+)`")
CLASS = re.compile(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+|[A-Z][a-z]+)`")
CALLED = re.compile(r"`(?:\w+\.)*(\w+)\(\)`")
LINK = re.compile(r"\]\(([^)#\s]*\.md)?#([^)\s]+)\)")
# Names of other programs, and of the functions that revisions and applications define.
OTHERS = {
    "Path": "pathlib's",
    "Value": "an alias, in docs/api.md",
    "upgrade": "of a revision",
    "downgrade": "of a revision",
    "migrate": "of a revision of the dashboard's first manager",
    "rollback": "of a revision of the dashboard's first manager",
    "create_all": "SQLAlchemy's",
    "execute": "Alembic's op.execute()",
    "get_bind": "Alembic's op.get_bind()",
    "is_running_from_reloader": "Werkzeug's",
}
# Documents in JSON have keys of their own and values that begin with a capital.
NOT_PYTHON = "json.md"


@cache
def defined() -> frozenset[str]:
    """Every class and function of the package."""
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES)
    return frozenset(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, kinds))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    prose_and_code = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", prose_and_code, flags=re.DOTALL), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def unknown(text: str, known: frozenset[str] = frozenset()) -> list[str]:
    """The classes and functions that a text names in backticks and that neither the package nor `known` has."""
    every = (defined(), known, OTHERS, vars(builtins))
    return [word for word in (*CLASS.findall(text), *CALLED.findall(text)) if not any(word in each for each in every)]


def own(source: str) -> frozenset[str]:
    """Every name in a module's code."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return frozenset(token.string for token in tokens if token.type == tokenize.NAME)


def missing(text: str) -> list[str]:
    """The files and folders of the project that a text names in backticks and that do not exist."""
    paths = [path for path in FILE.findall(text) if path.startswith(FOLDERS) and path.rstrip("/") not in EXAMPLES]
    return [path for path in paths if not (PROJECT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_is_in_plain_words(page: Path) -> None:
    assert [str(idiom) for idiom in idioms(page)] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_has_no_conflict_of_a_merge_in_it(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(("<<<<<<< ", ">>>>>>> "))] == []


@pytest.mark.parametrize("kind", REMAINING)
def test_the_package_has_no_more_idioms_than_are_known(kind: str) -> None:
    found = [str(idiom) for source in SOURCES for idiom in idioms(source) if idiom.kind == kind]
    assert len(found) <= REMAINING[kind], "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_class_function_and_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert page.name == NOT_PYTHON or unknown(text) == []
    assert missing(text) == []


def test_every_class_function_and_file_that_a_docstring_names_exists() -> None:
    codes = {name(source): source.read_text(encoding="utf-8") for source in SOURCES}
    docstrings = [(at, text) for at, code in codes.items() for _, kind, text in texts(code) if kind == "docstring"]
    asked = [(at, word) for at, text in docstrings for word in unknown(text)]
    assert [(at, word) for at, word in asked if word not in own(codes[at])] == []
    assert [(at, path) for at, text in docstrings for path in missing(text)] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_heading_that_a_page_links_to_exists(page: Path) -> None:
    repository = re.compile(r"https://github\.com/archmig/archmig/blob/main/")
    text = page.read_text(encoding="utf-8")
    links = [(repository.sub(f"{PROJECT}/", file), anchor) for file, anchor in LINK.findall(text)]
    targets = [(page.parent / file if file else page, anchor) for file, anchor in links]
    assert [anchor for file, anchor in targets if anchor not in anchors(file)] == []


def test_an_idiom_is_found_across_lines_and_not_in_code(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n\nIt puts\nit right.\n\n```console\nnobody\n```\n`whoever` <!-- home -->\n", encoding="utf-8")
    assert [(idiom.line, idiom.kind, idiom.text) for idiom in idioms(page)] == [(3, "page", "puts\nit right")]


def test_an_idiom_is_found_in_docstrings_messages_and_comments_and_not_in_keys(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    lines = ('"""Nobody."""', 'KEY = "nobody"', 'TEXT = f"{KEY} is told"  # whoever', 'OTHER = "stands by"')
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = [(idiom.line, idiom.kind, idiom.text) for idiom in idioms(source)]
    assert sorted(found) == [
        (1, "docstring", "Nobody"),
        (3, "comment", "whoever"),
        (3, "message", "is told"),
        (4, "message", "stands by"),
    ]


def test_what_does_not_exist_is_noticed() -> None:
    text = "`NoSuchThing`, `Plan`, `Mine`, `runs.no_such_function()`, `startup()`, `data_step()`, `str()`"
    assert unknown(text, own("class Mine: ...")) == ["NoSuchThing", "no_such_function"]
    assert missing("`tests/house/test_words.py` and `tests/nothing.py` and `other/file.py`") == ["tests/nothing.py"]
    assert prose("a `b` c\n```\nd\n```\n") == "a     c\n   \n \n   \n"
