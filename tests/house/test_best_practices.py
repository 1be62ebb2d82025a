"""docs/best-practices.md shows what the commands print when a rule is broken: here each rule is broken."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from architect_migrate.authoring.demo import build_demo
from support.cli import archmig, build, execute, plainly
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = (PROJECT / "docs" / "best-practices.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^<!-- shown: (\w+) -->\n```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)
# Where the page says that its small chain lives.
FOLDER = "/srv/notes"
FOURTH = '"""Colours."""\n\nfrom alembic import op\n\nrevision = "004_colours"\ndown_revision = "003_due"\n\n\n'
DOWN = '\n\n\ndef downgrade():\n    op.execute("DROP TABLE colours")\n'


def fourth(folder: Path, body: str) -> None:
    (folder / "chain" / "versions" / "004_colours.py").write_text(FOURTH + body, encoding="utf-8")


def upgrading(folder: Path, *statements: str) -> None:
    fourth(folder, "def upgrade():\n    " + "\n    ".join(statements) + DOWN)


def configured(folder: Path, text: str) -> None:
    with (folder / "environments.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def edited(folder: Path) -> None:
    file = folder / "chain" / "versions" / "001_notes.py"
    file.write_text(file.read_text().replace("title TEXT NOT NULL", "title TEXT NOT NULL, colour TEXT"))


def clash(folder: Path) -> None:
    upgrading(
        folder,
        'op.execute("CREATE TABLE IF NOT EXISTS tags (id INTEGER PRIMARY KEY, label TEXT)")',
        'op.execute("CREATE INDEX ix_tags_label ON tags (label)")',
    )


def silent(folder: Path) -> None:
    upgrading(folder, 'op.execute("CREATE TABLE IF NOT EXISTS tags (id INTEGER PRIMARY KEY, label TEXT)")')


def lacking(folder: Path) -> None:
    execute(folder / "home.db", "DELETE FROM tags")


def unrehearsed(folder: Path) -> None:
    toml = folder / "environments.toml"
    toml.write_text(toml.read_text().replace('path = "behind.db"', 'path = "behind.db"\nrequire_rehearsal = true'))


def migrate(folder: Path) -> None:
    fourth(folder, "def migrate(conn):\n    pass\n")


def middle(folder: Path) -> None:
    upgrading(
        folder,
        'op.execute("CREATE TABLE colours (name TEXT)")',
        "op.execute(\"UPDATE notes SET title = 'same'\")",
        'op.execute("CREATE UNIQUE INDEX ux ON notes (title)")',
    )


def commit(folder: Path) -> None:
    upgrading(
        folder,
        'op.execute("CREATE TABLE colours (name TEXT)")',
        "op.get_bind().connection.dbapi_connection.commit()",
    )


def blocked(folder: Path) -> None:
    execute(
        folder / "old.db", "CREATE TABLE notes (id INTEGER PRIMARY KEY, titles TEXT); INSERT INTO notes VALUES (1, 'x')"
    )
    configured(folder, '\n[env.old]\npath = "old.db"\n')


def requires(folder: Path) -> None:
    shutil.copy(folder / "behind.db", folder / "live.db")
    configured(folder, '\n[env.live]\npath = "live.db"\nrequires = ["behind"]\n')


def same(folder: Path) -> None:
    configured(folder, '\n[env.feature4]\npath = "home.db"\n')


def backup(folder: Path) -> None:
    assert archmig("backup", "create", "-e", "home").code == 0
    (copy,) = (folder / ".archmig" / "backups").glob("*.db")
    with copy.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 100)


def check(_: Path) -> None:
    """As it is built."""


_BROKEN = (edited, clash, silent, lacking, unrehearsed, migrate, middle, commit, blocked, requires, same, backup, check)
SITUATIONS: dict[str, Callable[[Path], None]] = {one.__name__: one for one in _BROKEN} | {"own": check}


def alike(shown: str, printed: str) -> bool:
    """Whether what the page shows is what was printed; a line of three dots stands for any lines."""
    parts = (re.escape(word) for word in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE))
    return re.fullmatch(r"(?:.*\n)*".join(parts), printed) is not None


def settled(text: str) -> str:
    return re.sub(r"\d{8}T\d{6}Z-\d|\b\d+\.\d(?= s$|  )", "TIME", text, flags=re.MULTILINE)


def compare(block: str, folder: Path) -> None:
    for command, shown in re.findall(r"^\$ archmig (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
        done = archmig(*command.split())
        printed = (done.err + done.out).replace(str(folder), FOLDER)
        printed = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
        assert alike(settled(shown), settled(printed).rstrip("\n") + "\n"), printed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    plainly(monkeypatch)
    return tmp_path


@pytest.mark.parametrize(
    ("situation", "block"), [one for one in BLOCKS if one[0] != "demo"], ids=lambda one: one.split()[0]
)
def test_a_broken_rule_is_answered_as_the_page_shows(folder: Path, situation: str, block: str) -> None:
    SITUATIONS[situation](folder)
    compare(block, folder)


def test_the_demo_is_as_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_demo(tmp_path / "demo")
    monkeypatch.chdir(tmp_path / "demo")
    plainly(monkeypatch)
    for _, block in (one for one in BLOCKS if one[0] == "demo"):
        compare(block, tmp_path / "demo")


def test_every_situation_is_on_the_page_and_every_rule_has_its_section() -> None:
    assert {situation for situation, _ in BLOCKS} == {*SITUATIONS, "demo"}
    listed = re.findall(r"^\| \[(.*?)\]\(#(.*?)\) \|", PAGE, re.MULTILINE)
    sections = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    assert [title for title, _ in listed] == sections
    assert [anchor for _, anchor in listed] == [
        re.sub(r"[^a-z ]", "", section.lower()).replace(" ", "-") for section in sections
    ]
    for text in PAGE.split("\n## ")[1:]:
        assert re.findall(r"^\*([^*]+)\.\*", text, re.MULTILINE) == ["What happened", "The rule", "What enforces it"]
