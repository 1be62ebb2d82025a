"""Columns that batch operations exchange: nothing but their order shows in a schema whether that happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import State
from support.scenarios import Allowed, ask, batch, code, codes, come_home, own_chain, script, stamp
from support.scenarios import revision as raw

if TYPE_CHECKING:
    from pathlib import Path

T = "CREATE TABLE t (id INTEGER NOT NULL, {} TEXT, {} TEXT, PRIMARY KEY (id))"
ROWS = "INSERT INTO t VALUES (1, 'a1', 'b1'), (2, 'a2', 'b2')"
BOTH = Allowed(frozenset({("t", "a"), ("t", "b")}))


def renamed(old: str, new: str) -> str:
    return f"alter_column({old!r}, existing_type=sa.Text(), new_column_name={new!r})"


EXCHANGES = {
    "three operations": (
        *batch("t", renamed("a", "tmp")),
        *batch("t", renamed("b", "a")),
        *batch("t", renamed("tmp", "b")),
    ),
    "one operation": batch("t", renamed("a", "b"), renamed("b", "a")),
}


def chain(exchange: str) -> dict[str, str]:
    return {
        "a1": raw(None, T.format("a", "b")),
        "b2": code("a1", *EXCHANGES[exchange]),
        "c3": raw("b2", "CREATE TABLE k (id INTEGER PRIMARY KEY)"),
    }


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "not stamped"])
def test_columns_are_exchanged_once(tmp_path: Path, exchange: str, stamped: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, chain(exchange))
    script(home.database, T.format("a", "b"), ROWS, *stamped)
    assert come_home(home, BOTH)[-3:] == ["run revision b2", "run revision c3", "stamp c3"]
    assert ask(home.database, "SELECT id, a, b FROM t ORDER BY id") == [(1, "b1", "a1"), (2, "b2", "a2")]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_without_a_stamp_their_order_says_that_they_were_exchanged(tmp_path: Path, exchange: str) -> None:
    home = own_chain(tmp_path, chain(exchange))
    script(home.database, T.format("b", "a"), ROWS)
    assert come_home(home) == ["stamp b2", "run revision c3", "stamp c3"]


@pytest.mark.parametrize("columns", [("tmp", "b"), ("tmp", "a")])
def test_an_exchange_that_stopped_between_two_operations_is_asked_about(
    tmp_path: Path, columns: tuple[str, str]
) -> None:
    home = own_chain(tmp_path, chain("three operations"))
    script(home.database, T.format(*columns), ROWS, *stamp("a1"))
    assert home.survey().state is State.UNDECIDED
    assert ("interrupted-undecided", "table t") in codes(home)
