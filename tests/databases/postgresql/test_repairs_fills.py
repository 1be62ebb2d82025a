"""What statements of revisions say about the values of columns."""

from __future__ import annotations

import pytest

pytest.importorskip("psycopg")

from architect_migrate.databases.postgresql.repair.fills import filled


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE t SET a = b", {("t", "a"): ("b", "")}),
        ('UPDATE "T" SET "A" = \'x\', b = 3', {("T", "A"): ("", "'x'"), ("T", "b"): ("", "3")}),
        ("update t set a = -1.5 where a is null;", {("t", "a"): ("", "-1.5")}),
        ("UPDATE t SET a = 'x'::text WHERE a IS NULL", {("t", "a"): ("", "'x'::text")}),
        ("UPDATE t SET a = true", {("t", "a"): ("", "true")}),
        ("UPDATE t SET a = 1 WHERE b IS NULL", {}),
        ("UPDATE t SET a = lower(b)", {}),
        ("UPDATE t SET a = b.x FROM b", {}),
        ("UPDATE t SET (a, b) = (1, 2)", {}),
        ("UPDATE t SET a = NULL", {}),
        ("INSERT INTO t VALUES (1)", {}),
    ],
)
def test_what_an_update_gives_all_rows_is_known(sql: str, found: dict[tuple[str, str], tuple[str, str]]) -> None:
    assert filled([sql]) == found
