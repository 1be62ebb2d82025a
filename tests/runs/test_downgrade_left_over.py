"""A downgrade that leaves behind what it was to take back is rolled back: the stamp would be a lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import NotProvenError
from architect_migrate.runs.upgrade import downgrade, preview_downgrade
from support.scenarios import digest, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("made", "left"),
    [
        ("CREATE TABLE b (id INTEGER PRIMARY KEY)", "table b"),
        ("ALTER TABLE a ADD COLUMN later TEXT", "column a.later"),
        ("CREATE VIEW seen AS SELECT id FROM a", "view seen"),
    ],
)
def test_what_an_empty_downgrade_leaves_is_named_and_nothing_is_changed(tmp_path: Path, made: str, left: str) -> None:
    first = "CREATE TABLE a (id INTEGER PRIMARY KEY)"
    home = own_chain(tmp_path, {"r1": revision(None, first), "r2": revision("r1", made)})
    script(home.database, first, made, *stamp("r2"))
    before = digest(home.database)
    shown = preview_downgrade(home.context(), "r1")
    assert shown.plan is not None
    with pytest.raises(NotProvenError) as refused:
        downgrade(home.context(), shown.plan, lambda *_: None, "r1")
    assert f"the downgrade() of r2 leaves {left}" in refused.value.problems
    assert digest(home.database) == before
