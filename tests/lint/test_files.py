"""What `archmig lint` finds in revision files without running them: each code with a bad file and a good one."""

from __future__ import annotations

import pytest

from architect_migrate.lint.files import chain_violations, file_violations, graph_of, without_allowed
from architect_migrate.lint.rules import RULES
from architect_migrate.revisions.source_file import RevisionFile, read_revision_file
from support.lint_cases import CASES
from support.paths import PROJECT

UP = "def upgrade():\n    op.execute('SELECT 1')\n"
DOWN = "def downgrade():\n    op.execute('SELECT 2')\n"
HEAD = "revision = '002_tags'\ndown_revision = '001_notes'\n"
WHOLE = HEAD + UP + DOWN
DOCS = PROJECT / "docs" / "lint.md"

# Code, line, a file that has the flaw, and one that has not.
FILES = {
    "syntax": ("AM001", 2, "revision = '002_tags'\ndef upgrade(:\n", WHOLE),
    "null byte": ("AM001", 1, "revision = '\0'\n", WHOLE),
    "no id": ("AM002", 1, "down_revision = None\n" + UP + DOWN, WHOLE),
    "made up id": (
        "AM002",
        1,
        "revision = '002' + '_tags'\n" + UP + DOWN,
        "revision: str = '002_tags'\ndown_revision: str | None = None\n" + UP + DOWN,
    ),
    "long id": (
        "AM003",
        1,
        HEAD.replace("tags", "tags_" + "x" * 24) + UP + DOWN,
        HEAD.replace("tags", "tags_" + "x" * 23) + UP + DOWN,
    ),
    "other name": ("AM004", 1, HEAD.replace("002_tags", "003_tags") + UP + DOWN, WHOLE),
    "no parent said": (
        "AM006",
        1,
        "revision = '002_tags'\n" + UP + DOWN,
        "revision = '002_tags'\ndown_revision = None\n" + UP + DOWN,
    ),
    "no upgrade": ("AM101", 1, HEAD + DOWN, HEAD + "from shared import upgrade\n" + DOWN),
    "no downgrade": ("AM102", 1, HEAD + UP, HEAD + UP + "downgrade = shared.downgrade\n"),
    "old upgrade": ("AM103", 3, HEAD + "def migrate(connection):\n    pass\n" + DOWN, WHOLE),
    "old downgrade": ("AM103", 5, HEAD + UP + "def rollback(connection):\n    pass\n", WHOLE),
    "argument": (
        "AM104",
        3,
        HEAD + UP.replace("()", "(conn)", 1) + DOWN,
        HEAD + UP.replace("()", "(conn=None)", 1) + DOWN,
    ),
    "keyword": (
        "AM104",
        5,
        HEAD + UP + DOWN.replace("()", "(*, conn)", 1),
        HEAD + UP + DOWN.replace("()", "(*, conn=1)", 1),
    ),
    "idle downgrade": (
        "AM105",
        5,
        HEAD + UP + "def downgrade():\n    '''None.'''\n    pass\n",
        HEAD + "def upgrade():\n    pass\ndef downgrade():\n    pass\n",
    ),
    "refusing downgrade": ("AM105", 5, HEAD + UP + "def downgrade():\n    raise NotImplementedError\n", WHOLE),
}


def named(text: str) -> RevisionFile:
    """A file whose name is its id, wherever it has one but in one case."""
    found = read_revision_file("/chain/002_tags.py", text)
    return read_revision_file(f"/chain/{found.id}.py", text) if found.id.startswith("002") else found


@pytest.mark.parametrize("name", FILES)
def test_a_file_shows_its_flaw_and_the_same_put_right_shows_none(name: str) -> None:
    code, line, bad, good = FILES[name]
    assert [(violation.code, violation.line) for violation in file_violations(named(bad), named_by_id=True)] == [
        (code, line)
    ]
    assert list(file_violations(named(good), named_by_id=True)) == []


def test_a_chain_whose_file_names_need_not_hold_the_id_is_free_to_name_them() -> None:
    other = read_revision_file("/chain/second.py", WHOLE)
    assert list(file_violations(other, named_by_id=False)) == []


def file(name: str, *after: str, labels: tuple[str, ...] = (), depends: tuple[str, ...] = ()) -> RevisionFile:
    return RevisionFile(f"/chain/{name}.py", name, 1, after, 2, depends, labels)


CHAINS = {
    "one line": ((file("a"), file("b", "a")), set()),
    "the same id twice": ((file("a"), file("a")), {("AM005", "a")}),
    "nothing before it": ((file("a"), file("b", "x")), {("AM006", "b")}),
    "depends on nothing": ((file("a"), file("b", "a", depends=("x",))), {("AM006", "b")}),
    "depends on a label": ((file("a", labels=("dev",)), file("b", "a", depends=("dev",))), set()),
    "two heads": ((file("a"), file("b", "a"), file("c", "a")), {("AM007", "c")}),
    "merged": ((file("a"), file("b", "a"), file("c", "a"), file("d", "b", "c")), set()),
    "a listed branch": ((file("a"), file("b", "a"), file("c", "a", labels=("dev",))), set()),
    "a branch that is not listed": ((file("a"), file("b", "a"), file("c", "a", labels=("new",))), {("AM007", "c")}),
    "two heads of a branch": (
        (file("a"), file("b", "a", labels=("dev",)), file("c", "b"), file("d", "b")),
        {("AM007", "d")},
    ),
    "a circle": ((file("a"), file("b", "c"), file("c", "b")), {("AM008", "b")}),
}


@pytest.mark.parametrize("name", CHAINS)
def test_files_are_judged_beside_each_other(name: str) -> None:
    files, expected = CHAINS[name]
    assert {(violation.code, violation.revision) for violation in chain_violations(files, {"dev"}, ())} == expected


def test_of_several_heads_the_one_that_is_looked_at_is_too_many() -> None:
    files = (file("a"), file("b", "a"), file("c", "a"))
    assert [(violation.revision, violation.message) for violation in chain_violations(files, (), {"b"})] == [
        ("b", "the chain has 2 heads, this one and c, whose order is undefined")
    ]


def test_the_chain_of_the_sound_files_is_known_whatever_the_others_are() -> None:
    files = (file("c", "b"), file("b", "a"), file("a"), file("d", "x"), file("e", "d"), RevisionFile("/chain/f.py"))
    assert graph_of(files).order == ("a", "b", "c")


ALLOWANCES = {
    "with a reason": ("# archmig: allow AM105 nothing to take back", []),
    "behind a statement": ("x = 1  # archmig: allow AM105: nothing to take back", []),
    "two codes": ("# archmig: allow AM105, AM004 nothing to take back", []),
    "without a reason": ("# archmig: allow AM105", ["AM009", "AM105"]),
    "another code": ("# archmig: allow AM104 nothing to take back", ["AM009", "AM105"]),
    "no such code": ("# archmig: allow AM999 nothing", ["AM009", "AM105"]),
    "something else": ("# archmig: ignore all", ["AM009", "AM105"]),
    "in a text": ("x = '# archmig: allow AM105 nothing to take back'", ["AM105"]),
}


@pytest.mark.parametrize("name", ALLOWANCES)
def test_a_comment_with_a_reason_allows_a_code(name: str) -> None:
    comment, left = ALLOWANCES[name]
    text = f"{comment}\n{HEAD}{UP}def downgrade():\n    pass\n"
    item = read_revision_file("/chain/002_tags.py" if name != "two codes" else "/chain/x.py", text)
    assert (
        sorted(one.code for one in without_allowed(item, file_violations(item, named_by_id=True), tried=True)) == left
    )


def test_an_allowance_is_not_unneeded_where_the_revision_was_not_tried() -> None:
    item = read_revision_file("/chain/002_tags.py", f"# archmig: allow AM401 meant\n{WHOLE}")
    assert without_allowed(item, (), tried=False) == ()
    assert [one.code for one in without_allowed(item, (), tried=True)] == ["AM009"]


def test_every_code_has_its_cases() -> None:
    tried = {one.code for one in CASES.values()}
    read = {code for code, *_ in FILES.values()} | {code for _, one in CHAINS.values() for code, _ in one}
    allowed = {code for _, left in ALLOWANCES.values() for code in left}
    # What comes after a revision that does not run: test_lint_cli.py.
    assert tried | read | allowed | {"AM213"} == set(RULES)


def test_every_code_is_documented() -> None:
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if line.startswith("| AM")]
    assert told == [f"| {one.code} | {one.level.value} | {one.title} | {one.fix} |" for one in RULES.values()]
