"""`archmig docs`: what the pages say, that they lead where they should, and what the command refuses."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from architect_migrate.authoring.page_files import MARKER
from architect_migrate.core.names import quote
from support.cli import archmig, ask, build, executable, execute

if TYPE_CHECKING:
    from pathlib import Path

MARKDOWN = MarkdownIt("commonmark").enable("table")
INDEX = f"""\
{MARKER}

# Schema of `lost`

At `003_due` (head): 2 tables, 0 indexes, 0 triggers, 0 views, 3 rows.

Differences from the chain: 5 breaking, 2 behavioural, 4 extra: [differences](differences.md).

Tables stand together, 12 at most, that refer to each other, that one revision brought, or whose names begin alike; \
one that 4 or more others refer to binds only who would stand alone.

## [`others`](groups/others.md)

| table | columns | rows | revision |
| --- | ---: | ---: | --- |
| [`app_state`](tables/app_state.md) | 1 | 0 | not in the chain |
| [`notes`](tables/notes.md) | 4 | 3 | `001_notes` |
"""
NOTES = f"""\
{MARKER}

# `notes`

group [`others`](../groups/others.md) · brought by `001_notes` · 3 rows

## Columns

| column | type | null | default | key | revision |
| --- | --- | --- | --- | --- | --- |
| `id` | `INTEGER` | no |  | primary | `001_notes` |
| `title` | `TEXT` | no |  |  | `001_notes` |
| `due` | `TEXT` | yes |  |  | `003_due` |
| `colour` | `TEXT` | yes |  |  | not in the chain |

## Keys and checks

- primary key `id` (the rowid): `001_notes`

## Differences from the chain

- behavioural: index ix_notes_due on notes is missing
- extra: column notes.colour is not in the chain

## Revisions

- `001_notes` brings the table
- `003_due` brings column `due`, index `ix_notes_due`

## SQL

```sql
CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, due TEXT, colour TEXT);
```
"""
DIFFERENCES = f"""\
{MARKER}

# Differences of `lost` from the chain

[all groups](README.md)

Drifted, at `003_due` (head). Differences from the chain: 5 breaking, 2 behavioural, 4 extra.

## breaking: a statement that the chain's schema takes can fail here

### breaking-missing, 1: archmig reconcile repairs it

- table tags is missing

## behavioural: it runs, and can give another result or take another time

### behavioural-missing, 1: archmig reconcile repairs it

- index ix_notes_due on notes is missing

## extra: the chain does not know it, and nothing breaks by it

### extra-kept, 2

- table app_state is not in the chain
- column notes.colour is not in the chain

## Tables that the chain does not know

| table | rows |
| --- | ---: |
| [`app_state`](tables/app_state.md) | 0 |
"""
# A table of every kind that has something of its own to tell.
RICH = """
CREATE TABLE Author (id INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT COLLATE NOCASE UNIQUE);
CREATE TABLE book (
    isbn TEXT NOT NULL, copy INTEGER DEFAULT (1 + 1), author_id INTEGER NOT NULL, twin TEXT,
    shelf TEXT AS (upper(isbn)) STORED, price DECIMAL(10, 2) CHECK (price > 0), lost_id REFERENCES lost,
    PRIMARY KEY (isbn, copy), UNIQUE (isbn, shelf),
    FOREIGN KEY (author_id) REFERENCES Author ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) WITHOUT ROWID;
CREATE TABLE portrait (author_id INTEGER PRIMARY KEY REFERENCES author, picture BLOB) STRICT;
CREATE UNIQUE INDEX book_of ON book (author_id, lower(isbn) DESC) WHERE copy = 1 -- the first
;
CREATE TRIGGER book_gone AFTER DELETE ON book BEGIN DELETE FROM author WHERE id = OLD.author_id; END;
CREATE VIEW shelves AS SELECT shelf, count(*) FROM book GROUP BY shelf;
CREATE TRIGGER no_shelf INSTEAD OF INSERT ON shelves BEGIN SELECT 1; END;
CREATE VIRTUAL TABLE words USING fts5(word);
"""
BOOK = """\
# `book`

group [`Author`](../groups/author.md) · not in the chain · 1 row · WITHOUT ROWID

## Columns

| column | type | null | default | key | revision |
| --- | --- | --- | --- | --- | --- |
| `isbn` | `TEXT` | no |  | primary | not in the chain |
| `copy` | `INTEGER` | no | `1 + 1` | primary | not in the chain |
| `author_id` | `INTEGER` | no |  | to [`Author`](author.md) | not in the chain |
| `twin` | `TEXT` | yes |  |  | not in the chain |
| `shelf` | `TEXT` | yes | generated `upper ( isbn )`, stored |  | not in the chain |
| `price` | `DECIMAL(10,2)` | yes |  |  | not in the chain |
| `lost_id` |  | yes |  | to `lost` | not in the chain |

## Keys and checks

- primary key `isbn`, `copy`: not in the chain
- unique `isbn`, `shelf`: not in the chain
- check `price > 0`: not in the chain

## Refers to

- `author_id` to [`Author`](author.md) (`id`), on delete cascade, deferred: not in the chain
- `lost_id` to `lost`, which is not there: not in the chain

## Indexes

| index | columns | unique | revision |
| --- | --- | --- | --- |
| `book_of` | `author_id`, `lower ( isbn )` descending where `copy = 1` | yes | not in the chain |

```sql
CREATE UNIQUE INDEX book_of ON book (author_id, lower(isbn) DESC) WHERE copy = 1 -- the first
;
```

## Triggers

- `book_gone`: not in the chain

```sql
CREATE TRIGGER book_gone AFTER DELETE ON book BEGIN DELETE FROM author WHERE id = OLD.author_id; END;
```
"""
DIAGRAM = """\
```mermaid
erDiagram
    "Author" {
        INTEGER id PK
        TEXT Name UK
    }
    "book" {
        TEXT isbn PK
        INTEGER copy PK
        INTEGER author_id FK
        _ lost_id FK
    }
    "portrait" {
        INTEGER author_id PK, FK
    }
    "Author" ||--o{ "book" : "author_id"
    "lost" |o--o{ "book" : "lost_id"
    "Author" ||--o| "portrait" : "author_id"
```
"""
CHECKED = """\
new: out/tables/tags.md
changed: out/README.md
no longer needed: out/tables/gone.md
out: 1 new, 1 changed, 1 no longer needed; 4 pages of the chain at 003_due (head): 2 tables in 1 group
"""
HOSTILE = (
    "a|b",
    "tick`s",
    "line\nend",
    "<script>alert(1)</script>",
    "../../outside",
    "/etc/passwd",
    'say "no"; }',
    "[x](y)",
    "direction TB",
    "class",
    "end",
    "PK",
    "percent %% sign \\",
    "É",
    "é",
    "\U0001f600",
    "con",
    "readme",
    "others",
    "x" * 300,
    "",
    " ",
)
# What a line of a diagram may be made of, so that nothing in a name is taken for the language.
QUOTED = r'"(\w|#\d+;)+"'
LINES = re.compile(
    rf"erDiagram|    {QUOTED}( {{)?|    }}|    {QUOTED} (\|\||\|o)--(o\||o{{) {QUOTED} : {QUOTED}"
    rf"|        [A-Za-z_][\w()]* [A-Za-z_]\w* (PK|FK|UK)(, (FK|UK))*( {QUOTED})?",
    re.ASCII,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    monkeypatch.chdir(build(project))
    monkeypatch.delenv("ARCHMIG_CONFIG", raising=False)
    return project


def pages(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_an_environment_is_told_with_its_rows_and_its_differences(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    done = archmig("docs", "-e", "lost", "--out", "out/lost")
    assert (done.out, done.err, done.code) == (
        "out/lost: 5 new; 5 pages of lost at 003_due (head): 2 tables in 1 group\n",
        "",
        0,
    )
    found = pages(folder / "out" / "lost")
    assert set(found) == {
        "README.md",
        "differences.md",
        "groups/others.md",
        "tables/notes.md",
        "tables/app_state.md",
    }
    assert [found["README.md"], found["tables/notes.md"], found["differences.md"]] == [INDEX, NOTES, DIFFERENCES]
    assert "- extra: table app_state is not in the chain\n\n## SQL" in found["tables/app_state.md"]
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_the_chain_is_told_at_its_head_and_at_a_revision(folder: Path) -> None:
    assert archmig("docs", "--out", "out").out == (
        "out: 4 new; 4 pages of the chain at 003_due (head): 2 tables in 1 group\n"
    )
    assert set(pages(folder / "out")) == {"README.md", "groups/others.md", "tables/notes.md", "tables/tags.md"}
    done = archmig("docs", "--revision", "001", "--out", "out")
    assert done.out == ("out: 3 changed, 1 no longer needed; 3 pages of the chain at 001_notes: 1 table in 1 group\n")
    found = pages(folder / "out")
    assert "`due`" not in found["tables/notes.md"]
    assert "At `001_notes`: 1 table, 0 indexes" in found["README.md"]


def test_a_database_to_the_letter_the_chains_own_says_so(folder: Path) -> None:
    archmig("docs", "-e", "home", "--out", "out")
    found = pages(folder / "out")
    assert "Up to date, at `003_due` (head). The schema is the chain's." in found["differences.md"]
    assert "The schema is the chain's: [differences](differences.md)." in found["README.md"]
    assert "2 rows" in found["tables/notes.md"]


def test_a_pending_database_names_what_is_pending(folder: Path) -> None:
    archmig("docs", "-e", "behind", "--out", "out")
    assert "Behind, at `002_tags`, pending: `003_due`. " in pages(folder / "out")["differences.md"]


def test_an_empty_database_has_pages_that_say_so(folder: Path) -> None:
    archmig("docs", "-e", "empty", "--out", "out")
    found = pages(folder / "out")
    assert set(found) == {"README.md", "differences.md"}
    assert "Nothing of the chain is in it." in found["differences.md"]


def test_what_a_person_lets_stand_is_told_with_the_reason(folder: Path) -> None:
    with (folder / "environments.toml").open("a") as file:
        file.write('[[resolve]]\ntable = "notes"\nindex = "ix_notes_due"\nkeep = true\nreason = "not *here*"\n')
    archmig("docs", "-e", "lost", "--out", "out")
    found = pages(folder / "out")
    assert "index ix_notes_due on notes is missing (`resolve[1]`: not &#42;here&#42;)" in found["differences.md"]
    assert "is missing (kept by `resolve[1]`)" in found["tables/notes.md"]
    assert str(folder) not in "".join(found.values())


def test_every_kind_of_thing_is_told(folder: Path) -> None:
    execute(folder / "rich.db", f"{RICH} INSERT INTO book VALUES ('x', 1, 7, NULL, 3, NULL);")
    archmig("docs", "--db", "rich.db", "--out", "out")
    found = pages(folder / "out")
    assert found["tables/book.md"].startswith(f"{MARKER}\n\n{BOOK}")
    assert DIAGRAM in found["groups/author.md"]
    assert (
        "## Referred to by\n\n- [`book`](book.md) (`author_id`) to `id`, on delete cascade, deferred\n"
        in (found["tables/author.md"])
    )
    assert "- primary key `id` (the rowid, AUTOINCREMENT): " in found["tables/author.md"]
    assert "| `Name` | `TEXT` collate `nocase` | yes |  | unique |" in found["tables/author.md"]
    assert "· 0 rows · STRICT" in found["tables/portrait.md"]
    assert "virtual table `using fts5 ( word )`" in found["tables/words.md"]
    assert "## `shelves`\n\nnot in the chain\n\n- `no_shelf`: not in the chain\n" in found["views.md"]


def test_no_name_is_obeyed_and_every_link_leads_to_a_page(folder: Path) -> None:
    for name in HOSTILE:
        key = f"{quote(name or 'empty')} REFERENCES {quote(name)}, {quote('c' + name)} {quote(name)} UNIQUE"
        execute(
            folder / "hostile.db",
            f"CREATE TABLE {quote(name)} (id INTEGER PRIMARY KEY, {key}, t REFERENCES {quote(HOSTILE[0])});"
            f"CREATE INDEX {quote('i' + name)} ON {quote(name)} (t);"
            f"CREATE VIEW {quote('v' + name)} AS SELECT 1 AS {quote(name)};",
        )
    outside = {each.name for each in folder.iterdir()}
    done = archmig("docs", "--db", "hostile.db", "--out", "out")
    assert (done.err, done.code) == ("", 0)
    assert {each.name for each in folder.iterdir()} == outside | {"out"}
    found = pages(folder / "out")
    assert len([one for one in found if one.startswith("tables/")]) == len(HOSTILE)
    for path, text in found.items():
        html = MARKDOWN.render(text)
        assert html.count("<h1>") == 1, path
        assert set(re.findall(r"<(\w+)", html.replace("<!--", ""))) <= ELEMENTS, path
        for target in re.findall(r'href="([^"]*)"', html):
            assert (folder / "out" / path).parent.joinpath(target).resolve().is_file(), (path, target)
    diagrams = re.findall(r"^```mermaid\n(.*?)^```$", "".join(found.values()), re.MULTILINE | re.DOTALL)
    assert diagrams
    assert [line for text in diagrams for line in text.splitlines() if not LINES.fullmatch(asciified(line))] == []


ELEMENTS = {"h1", "h2", "h3", "p", "a", "code", "pre", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


def asciified(line: str) -> str:
    """Letters of other alphabets are letters to Mermaid, too."""
    return "".join(one if one.isascii() or not one.isalnum() else "x" for one in line)


BRANCH = '''"""Toys."""

from alembic import op

revision = "t1_toys"
down_revision = "002_tags"
branch_labels = ("toys",)


def upgrade():
    op.execute("CREATE TABLE toys (id INTEGER PRIMARY KEY)")


def downgrade():
    op.execute("DROP TABLE toys")
'''


def test_a_branch_is_told_of_the_chain_and_of_those_that_have_it(folder: Path) -> None:
    (folder / "chain" / "versions" / "t1_toys.py").write_text(BRANCH)
    with (folder / "environments.toml").open("a") as file:
        file.write('[env.play]\npath = "play.db"\nheads = ["head", "toys"]\nuninitialised = "create"\n')
    assert archmig("upgrade", "-e", "play", "--yes").code == 0
    archmig("docs", "--out", "all")
    archmig("docs", "--revision", "toys", "--out", "branch")
    archmig("docs", "-e", "play", "--out", "play")
    archmig("docs", "-e", "home", "--out", "home")
    told = {name: sorted(page for page in pages(folder / name) if page.startswith("tables/")) for name in NAMED}
    tables = ["tables/notes.md", "tables/tags.md", "tables/toys.md"]
    assert told == {"all": tables, "branch": tables, "play": tables, "home": tables[:2]}
    assert "`due`" not in pages(folder / "branch")["tables/notes.md"]
    assert "The schema is the chain's." in pages(folder / "home")["differences.md"]
    assert "At `003_due`, `t1_toys`" in pages(folder / "play")["README.md"]


NAMED = ("all", "branch", "play", "home")


def test_two_runs_give_the_same_bytes_and_check_agrees(folder: Path) -> None:
    for name, seed in (("one", "1"), ("two", "2")):
        run = executable("docs", "-e", "lost", "--out", name, cwd=folder, environ={"PYTHONHASHSEED": seed})
        assert run.code == 0
    assert pages(folder / "one") == pages(folder / "two")
    done = archmig("docs", "-e", "lost", "--out", "one", "--check")
    assert (done.out, done.err, done.code) == (
        "one: up to date; 5 pages of lost at 003_due (head): 2 tables in 1 group\n",
        "",
        0,
    )


def test_check_names_what_is_not_up_to_date_and_writes_nothing(folder: Path) -> None:
    archmig("docs", "--out", "out")
    (folder / "out" / "tables" / "tags.md").unlink()
    (folder / "out" / "tables" / "gone.md").write_text(MARKER)
    with (folder / "out" / "README.md").open("a") as file:
        file.write("by hand\n")
    before = pages(folder / "out")
    done = archmig("docs", "--out", "out", "--check")
    assert (done.out, done.err, done.code) == (
        CHECKED,
        "archmig docs with the same words but --check writes them\n",
        1,
    )
    assert pages(folder / "out") == before
    assert archmig("docs", "--out", "nowhere", "--check").code == 1
    assert not (folder / "nowhere").exists()


def test_the_json_lists_every_page_and_what_became_of_it(folder: Path) -> None:
    archmig("docs", "--out", "out")
    (folder / "out" / "tables" / "tags.md").unlink()
    told = json.loads(archmig("docs", "--out", "out", "--json").out)
    assert told == {
        "version": 2,
        "command": "docs",
        "exit_code": 0,
        "folder": "out",
        "pages": [
            {"path": "tables/tags.md", "state": "new"},
            {"path": "README.md", "state": "same"},
            {"path": "groups/others.md", "state": "same"},
            {"path": "tables/notes.md", "state": "same"},
        ],
        "environments": [],
    }
    told = json.loads(archmig("docs", "-e", "lost", "--out", "lost", "--json").out)
    assert [(one["name"], one["state"], one["drift"]["breaking"]) for one in told["environments"]] == [
        ("lost", "drifted", 5)
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--revision", "001", "-e", "home"],
            "--revision documents the chain, and an environment was named as well",
        ),
        (["--all"], "archmig docs documents one environment, and 5 were named"),
        (["-e", "home", "-e", "lost"], "archmig docs documents one environment, and 2 were named"),
        (["-e", "gone"], "gone.db: no such file; nothing was created"),
        (["--revision", "9"], "the chain has no revision '9'"),
    ],
)
def test_what_cannot_be_documented_is_refused(folder: Path, words: list[str], said: str) -> None:
    done = archmig("docs", "--out", "out", *words)
    assert (done.out, done.code) == ("", 2)
    assert said in done.err
    assert not (folder / "out").exists()


def test_a_page_of_somebody_else_is_left_alone_and_named(folder: Path) -> None:
    done = archmig("docs", "--out", ".")
    assert done.code == 0
    (folder / "README.md").write_text("# mine\n")
    done = archmig("docs", "--out", ".")
    assert (done.out, done.err, done.code) == (
        "",
        "archmig: README.md: archmig docs did not write this file (move it away, or name another folder with --out)\n",
        2,
    )
    assert (folder / "README.md").read_text() == "# mine\n"


def test_the_bookkeeping_is_no_table_of_the_schema(folder: Path) -> None:
    assert ask(folder / "lost.db", "SELECT count(*) FROM schema_versions") == [(3,)]
    archmig("docs", "-e", "lost", "--out", "out")
    assert not {"tables/schema_versions.md", "tables/alembic_version.md"} & set(pages(folder / "out"))
