"""What random drift found once: each the smallest database that it was found on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import NotProvenError
from architect_migrate.runs.reconcile import preview, reconcile
from support.property_chains import CHAINS, Step, write_chain
from support.property_checks import Drifted, assert_comes_home, build, chain_of, setting_of

if TYPE_CHECKING:
    from pathlib import Path

GENRES = "CREATE TABLE genres ({}, PRIMARY KEY (code)) WITHOUT ROWID"
DEAR = "INSERT INTO books (author, title, price) VALUES (1, 'a', {})"

KEYLESS = {
    "001_base": Step(
        ("CREATE TABLE p (v)", "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p, q REFERENCES nowhere)")
    ),
    "002_more": Step(("CREATE TABLE d (v)",)),
}


def found(name: str, chain: str, outcome: str, revisions: int, *statements: str) -> object:
    return pytest.param(chain, Drifted(revisions, statements), outcome, id=name)


@pytest.mark.parametrize(
    ("chain", "drifted", "outcome"),
    [
        found("a table that a run writes and drops again", "library", "done", 0, "CREATE TABLE x_t (v)"),
        found("a table that only a branch makes", "branched", "done", 5, "DROP TABLE a", "DROP TABLE c"),
        found(
            "a key beside the rowid whose column is no INTEGER",
            "branched",
            "done",
            6,
            "DROP TABLE a",
            "CREATE TABLE a (l INTEGER DEFAULT 1, v TEXT, id TIMESTAMP PRIMARY KEY)",
            "INSERT INTO a (id) VALUES (7)",
        ),
        found(
            "a key beside the rowid that holds text",
            "branched",
            "blocked",
            6,
            "DROP TABLE a",
            "CREATE TABLE a (l INTEGER DEFAULT 1, v TEXT, id TIMESTAMP PRIMARY KEY)",
            "INSERT INTO a (id) VALUES ('2024-01-02')",
        ),
        found(
            "a unique by a collation of its own",
            "library",
            "done",
            9,
            "DROP TABLE authors",
            "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE)",
        ),
        found(
            "an index under another name that a later revision drops by its own",
            "library",
            "done",
            5,
            "DROP INDEX by_title",
            "CREATE INDEX x_i ON books (title)",
        ),
        found(
            "a revision that drops a view which is not there",
            "library",
            "done",
            7,
            "DROP TABLE authors",
            "DROP VIEW titles",
            "DROP TABLE books",
            "DROP TABLE genres",
        ),
        found(
            "a sound table that SQLite 3.40 calls damaged",
            "library",
            "done",
            9,
            "DROP TABLE genres",
            GENRES.format("label TEXT NOT NULL DEFAULT 'it''s', code TEXT NOT NULL"),
            "INSERT INTO genres (code, label) VALUES ('a', 'b')",
        ),
        found(
            "two references to a table, one of them to no key",
            "library",
            "done",
            6,
            "DROP TABLE genres",
            "CREATE TABLE x_p (v, w UNIQUE)",
            GENRES.format("code TEXT REFERENCES x_p (w), label TEXT NOT NULL DEFAULT 'it''s' REFERENCES x_p"),
            "INSERT INTO genres (code) VALUES ('a')",
        ),
        found(
            "a reference to be added whose parent has no key",
            "keyless",
            "done",
            2,
            "DROP TABLE c",
            "CREATE TABLE c (id INTEGER PRIMARY KEY, p, q)",
            "INSERT INTO c VALUES (2, 'b', 'b')",
        ),
        found(
            "rows that a unique partial index cannot take",
            "library",
            "blocked",
            9,
            "DROP INDEX one_each",
            "DROP INDEX one_title",
            DEAR.format(20),
            DEAR.format(30),
        ),
        found(
            "cheap rows that a unique partial index leaves out",
            "library",
            "done",
            9,
            "DROP INDEX one_each",
            DEAR.format(1),
            "UPDATE books SET stock = 2",
            DEAR.format(30),
        ),
        found(
            "rows that a column's default makes alike",
            "library",
            "blocked",
            9,
            "DROP INDEX one_title",
            "DROP VIEW titles",
            "ALTER TABLE books DROP COLUMN stock",
            DEAR.format(1),
            DEAR.format(2),
        ),
    ],
)
def test_what_was_found_once_comes_home_or_is_blocked(
    chain: str, drifted: Drifted, outcome: str, tmp_path: Path, replay_cache: Path
) -> None:
    made = chain_of(write_chain(tmp_path / "chain", {**CHAINS, "keyless": KEYLESS}[chain]), replay_cache)
    assert assert_comes_home(made, drifted, tmp_path, replay_cache).value == outcome


def test_rows_that_the_chain_brings_and_a_key_of_the_database_refuses_are_told_from_those_that_dangled(
    tmp_path: Path, replay_cache: Path
) -> None:
    """They have no rowid that would tell them apart; the chain's own rows refer to nothing by a key that it lacks."""
    made = chain_of(write_chain(tmp_path / "chain", CHAINS["library"]), replay_cache)
    genres = GENRES.format("code TEXT, label TEXT NOT NULL DEFAULT 'it''s', FOREIGN KEY (code) REFERENCES authors")
    script = ("DROP TABLE authors", "DROP TABLE genres", genres, "INSERT INTO genres (code) VALUES ('a')")
    path = build(made, Drifted(4, script), tmp_path / "it.db")
    context, before = setting_of(made, path, replay_cache), path.read_bytes()
    plan = preview(context).plan
    assert plan is not None
    with pytest.raises(NotProvenError, match=r"2 rows of genres newly refer to nothing in authors \(cr\)"):
        reconcile(context, plan, lambda *_: None)
    assert path.read_bytes() == before
