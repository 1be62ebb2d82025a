"""Revisions whose outcome depends on the rows that they find, and what EXPLAIN has no plan for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.cli import archmig
from support.segments import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "CREATE TABLE t (id serial PRIMARY KEY, v text)"
ROWS = "INSERT INTO t (v) VALUES ('a'), ('b')"


def test_a_materialized_view_is_filled_again(begun: Callable[..., str]) -> None:
    view = "CREATE MATERIALIZED VIEW m AS SELECT max(v) AS v FROM t"
    database = begun([[TABLE, view], ["UPDATE t SET v = v || '!'", "REFRESH MATERIALIZED VIEW m"]], ROWS)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, rows_of(database, "TABLE m")) == (0, [("b!",)]), done.err
