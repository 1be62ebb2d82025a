"""Rows and values that are on their way from one place to another: none is lost, and none is taken for brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.scenarios import (
    ask,
    code,
    come_home,
    gone,
    own_chain,
    script,
    stamp,
)
from support.scenarios import revision as raw

if TYPE_CHECKING:
    from pathlib import Path

# Tables that are made again under the same name.

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, v TEXT)"
MADE_AGAIN = "CREATE TABLE notes (id VARCHAR(4) NOT NULL PRIMARY KEY)"
NOTE_ROWS = ("INSERT INTO notes VALUES (1, 'a'), (2, 'b')",)


@pytest.mark.parametrize(
    ("away", "left"),
    [("ALTER TABLE notes RENAME TO notes_1", [(1, "a"), (2, "b")]), ("DROP TABLE notes", None)],
    ids=["renamed away", "dropped"],
)
def test_a_revision_may_make_a_table_again_under_the_same_name(
    tmp_path: Path, away: str, left: list[tuple[int, str]] | None
) -> None:
    home = own_chain(
        tmp_path, {"a1": raw(None, NOTES), "b2": code("a1", f"op.execute({away!r})", f"op.execute({MADE_AGAIN!r})")}
    )
    script(home.database, NOTES, *NOTE_ROWS, *stamp("a1"))
    assert come_home(home, gone("notes", "notes.v")) == ["run revision b2", "stamp b2"]
    assert ask(home.database, "SELECT * FROM notes") == []
    if left is not None:
        assert ask(home.database, "SELECT * FROM notes_1 ORDER BY id") == left
