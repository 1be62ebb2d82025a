from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.model.chain_config import beside
from architect_migrate.revisions.source_file import Declaration, read_declarations, read_revision_file, revision_file_at
from architect_migrate.revisions.static_graph import graph_as_written

if TYPE_CHECKING:
    from pathlib import Path

# A value as it is written, and what is read of it.
VALUES = {
    "a text": ("'001'", Declaration(1, ("001",))),
    "none": ("None", Declaration(1)),
    "a tuple": ("('b', 'a')", Declaration(1, ("b", "a"))),
    "a list": ("['b', 'a']", Declaration(1, ("b", "a"))),
    "a set": ("{'b', 'a'}", Declaration(1, ("a", "b"))),
    "texts side by side": ("'0' '01'", Declaration(1, ("001",))),
    "a sum": ("'0' + '01'", Declaration(1, problem="is computed")),
    "a call": ("make()", Declaration(1, problem="is computed")),
    "a number": ("1", Declaration(1, problem="is not a string")),
    "numbers": ("(1, 2)", Declaration(1, problem="is not a string")),
    "bytes": ("b'001'", Declaration(1, problem="is not a string")),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_value_is_read_where_it_is_written_out(tmp_path: Path, case: str) -> None:
    written, read = VALUES[case]
    file = tmp_path / "001.py"
    file.write_text(f"down_revision = {written}\n", encoding="utf-8")
    assert read_declarations(file) == {"down_revision": read}
    found = revision_file_at(file)
    assert (found.down, found.down_line) == (None if read.problem else read.words, 1)
    assert found.unread == (("down_revision",) if read.problem else ())


# Statements, and the words of what they set.
PLACES = {
    "annotated": ("revision: str = 'a'", {"revision": ("a",)}),
    "annotated alone": ("revision: str", {}),
    "two names at once": ("revision = branch_labels = 'a'", {"revision": ("a",), "branch_labels": ("a",)}),
    "set twice": ("revision = 'a'\nrevision = 'b'", {"revision": ("b",)}),
    "under a condition": ("if True:\n    revision = 'a'", {"revision": ("a",)}),
    "in a function": ("def upgrade():\n    revision = 'a'", {}),
    "other names": ("title = 'a'\nrevisions = 'b'", {}),
    "an attribute": ("self.revision = 'a'", {}),
}


@pytest.mark.parametrize("case", PLACES)
def test_what_counts_is_what_the_module_sets(tmp_path: Path, case: str) -> None:
    text, words = PLACES[case]
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    assert {name: one.words for name, one in read_declarations(tmp_path / "a.py").items()} == words


def test_a_value_that_is_computed_after_it_was_written_out_is_not_known() -> None:
    found = read_revision_file("/chain/a.py", "revision = 'a'\nrevision = make()\n")
    assert (found.id, found.unread, found.line) == ("", ("revision",), 2)


def test_a_file_is_read_in_the_encoding_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes("# coding: latin-1\nrevision = 'é'\n".encode("latin-1"))
    assert read_declarations(file)["revision"].words == ("é",)
    assert revision_file_at(file).id == "é"


def test_a_file_that_is_no_python_is_an_error_of_the_chain_and_for_lint_a_problem_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("revision = 'a'\ndef upgrade(:\n", encoding="utf-8")
    with pytest.raises(ChainError, match="SyntaxError"):
        read_declarations(file)
    found = revision_file_at(file)
    assert (found.id, found.line, bool(found.problem)) == ("", 2, True)


@pytest.mark.parametrize("read", [read_declarations, revision_file_at])
def test_a_file_that_is_not_there_is_an_error_of_the_chain(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(ChainError, match="No such file"):
        read(tmp_path / "a.py")


CHAIN = {
    "an id that is computed": ("revision = make()", "its revision is computed"),
    "an id that is a number": ("revision = 1", "its revision is not a string"),
    "two ids": ("revision = ('a', 'b')", "its revision is not a single string"),
    "no id": ("revision = None", "its revision is not a single string"),
    "a parent that is computed": ("revision = 'a'\ndown_revision = make()", "its down_revision is computed"),
    "labels that are numbers": ("revision = 'a'\nbranch_labels = (1,)", "its branch_labels is not a string"),
}


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    (tmp_path / "chain" / "versions").mkdir(parents=True)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = chain\n", encoding="utf-8")
    return tmp_path / "alembic.ini"


@pytest.mark.parametrize("case", CHAIN)
def test_a_chain_whose_files_compute_what_they_declare_is_not_read_statically(ini: Path, case: str) -> None:
    text, problem = CHAIN[case]
    (ini.parent / "chain" / "versions" / "a.py").write_text(text, encoding="utf-8")
    with pytest.raises(ChainError, match=problem):
        graph_as_written(beside(ini))


def test_a_chain_is_read_with_its_branches_and_files_without_a_revision_are_none_of_it(ini: Path) -> None:
    files = {
        "a.py": "revision = 'aa'\ndown_revision = None\nbranch_labels = ('trunk',)",
        "b.py": "revision = 'bb'\ndown_revision = 'trunk'",
        "c.py": "revision = 'cc'\ndown_revision = 'a'\ndepends_on = ['bb']",
        "helper.py": "down_revision = make()",
    }
    for name, text in files.items():
        (ini.parent / "chain" / "versions" / name).write_text(text, encoding="utf-8")
    found = graph_as_written(beside(ini))
    assert [(one.id, one.parents, one.down) for one in found.revisions] == [
        ("aa", (), ()),
        ("bb", ("aa",), ("aa",)),
        ("cc", ("aa", "bb"), ("aa",)),
    ]
