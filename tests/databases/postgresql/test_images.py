"""Tables above proof_copy_limit are proven by digests, which say that rows are as they were, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("psycopg")

from databases.postgresql.test_running import REVISIONS, ROWS, dumped, made, run
from support.cli import archmig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Fixtures that tests name.
__all__ = ["made"]

KEYLESS = "CREATE TABLE keyless (a text, b int); CREATE TABLE amounts (id int PRIMARY KEY, n numeric(9, 1))"
MORE = "INSERT INTO keyless VALUES ('x', 1), ('x', 1), (NULL, 2), ('', 3); INSERT INTO amounts VALUES (1, 1.5)"


def limited(folder: Path, limit: str) -> None:
    file = folder / "environments.toml"
    file.write_text(f'{file.read_text()}proof_copy_limit = "{limit}"\n')


def revision(*statements: str) -> str:
    return "def upgrade():\n" + "".join(f"    op.execute({text!r})\n" for text in statements)


def test_what_is_kept_is_proven_by_digests_and_the_run_can_be_undone(made: Callable[..., str], tmp_path: Path) -> None:
    """Columns are added, renamed, written and cast, and a table is renamed."""
    database = made(*ROWS)
    before = dumped(database)
    limited(tmp_path, "0MB")
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.out + done.err
    assert "rows in 3 tables kept" in done.out
    assert run(database, "SELECT login, email FROM users") == [("root", "root@x.org")]
    assert run(database, "SELECT body, price FROM articles WHERE id = 1") == [("BODY 1", 1)]
    done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, dumped(database)) == (0, before), done.out + done.err


B2 = f"{REVISIONS['b2']}".replace("def downgrade", f"    op.execute({KEYLESS!r})\n\n\ndef downgrade", 1)


@pytest.mark.parametrize(
    ("statements", "differs"),
    [
        (["UPDATE posts SET body = 'x'", "DELETE FROM posts WHERE id = 3"], "id, user_id, price"),
        (["UPDATE posts SET body = 'x'", "INSERT INTO posts (id, body) VALUES (99, 'more')"], "id, user_id, price"),
        (["ALTER TABLE amounts ALTER n TYPE numeric(9, 2)"], "n"),
        (["UPDATE posts SET id = id + 100"], "user_id, body, price"),
        (["UPDATE keyless SET b = 5 WHERE b = 3"], "a"),
    ],
)
def test_what_digests_cannot_prove_is_rolled_back(
    made: Callable[..., str], tmp_path: Path, statements: list[str], differs: str
) -> None:
    database = made(*ROWS, MORE, b2=B2, c3=revision(*statements), d4=revision("SELECT 1"))
    before = dumped(database)
    limited(tmp_path, "0MB")
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, dumped(database)) == (2, before), done.out + done.err
    assert "above proof_copy_limit" in done.err, done.err
    assert f"the digests differ of {differs}. Raise proof_copy_limit" in done.err
    # A copy proves that it is what the revision says.
    file = tmp_path / "environments.toml"
    file.write_text(file.read_text().replace('"0MB"', '"1 GB"'))
    again = archmig("upgrade", "-e", "app", "--yes")
    assert (again.code, "proof_copy_limit" in again.err) == (0, False), again.err


def test_a_table_without_a_key_is_proven_whole(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(*ROWS, MORE, b2=B2, c3=revision("ALTER TABLE keyless ALTER b TYPE bigint"), d4=revision("SELECT 1"))
    limited(tmp_path, "0MB")
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.out + done.err
    assert run(database, "SELECT count(*), sum(b) FROM keyless") == [(4, 7)]


def test_a_table_below_the_limit_is_copied(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(
        *ROWS, b2=B2, c3=revision("UPDATE posts SET body = 'x'", "DELETE FROM posts"), d4=revision("SELECT 1")
    )
    limited(tmp_path, "1MB")
    assert archmig("upgrade", "-e", "app", "--yes").code == 0
    assert run(database, "SELECT count(*) FROM posts") == [(0,)]
