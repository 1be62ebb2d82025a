"""Databases as people report them, whose rows a schema does not show; each once more as it is after an answer."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from architect_migrate.model.environment import RowAnswer
from architect_migrate.planning.results import Outcome
from support.scenarios import ask, own_chain, revision, script, stamp
from support.settled import answered, undecided

EVENTS = "CREATE TABLE events (id INTEGER PRIMARY KEY, title VARCHAR(40))"
ADD_SLUG = "ALTER TABLE events ADD COLUMN slug VARCHAR(40)"
FILL_SLUG = "UPDATE events SET slug = lower(replace(title, ' ', '-'))"
PLACES = "CREATE TABLE places (id INTEGER PRIMARY KEY, name VARCHAR(20))"
HALF_FILLED = {
    "a1": revision(None, EVENTS),
    "b2": revision("a1", ADD_SLUG, FILL_SLUG, "CREATE INDEX ix_slug ON events (slug)"),
    "c3": revision("b2", PLACES),
}


def test_a_run_was_killed_before_its_backfill(tmp_path: Path) -> None:
    home = own_chain(tmp_path, HALF_FILLED)
    script(home.database, EVENTS, ADD_SLUG, "INSERT INTO events VALUES (1, 'Summer walk', NULL)", *stamp("a1"))
    (told,) = undecided(home)
    assert told == (
        "b2: cannot tell whether its rows are there: the stamp stops before it, but the schema has what it makes or "
        "what comes after it; events.slug holds nothing but NULL, which suggests run "
        "(UPDATE events SET slug = lower (replace (title, '…', '…')))"
    )
    steps = ["create index ix_slug", "run the 1 row statement of b2", "stamp b2", "run revision c3", "stamp c3"]
    assert answered(home, b2=RowAnswer.RUN) == steps
    assert ask(home.database, "SELECT slug FROM events") == [("summer-walk",)]


def test_a_run_was_killed_in_the_middle_of_two_backfills(tmp_path: Path) -> None:
    """The first column is filled, so nothing suggests that the statements should run."""
    more = ("ALTER TABLE events ADD COLUMN code INTEGER", "UPDATE events SET code = id * 10")
    home = own_chain(tmp_path, HALF_FILLED | {"b2": revision("a1", ADD_SLUG, FILL_SLUG, *more)})
    script(home.database, EVENTS, ADD_SLUG, "INSERT INTO events VALUES (1, 'A b', 'a-b')", *stamp("a1"))
    (told,) = undecided(home)
    assert "suggests" not in told
    answered(home, b2=RowAnswer.RUN)
    assert ask(home.database, "SELECT slug, code FROM events") == [("a-b", 10)]


BILLS = "CREATE TABLE bills (id INTEGER PRIMARY KEY, amount INTEGER)"
PAYERS = "CREATE TABLE payers (id INTEGER PRIMARY KEY, name VARCHAR(20))"


@pytest.mark.parametrize("claims", [(), ("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",)])
def test_a_stamp_is_lost_after_amounts_were_multiplied(tmp_path: Path, claims: tuple[str, ...]) -> None:
    chain = {
        "a1": revision(None, BILLS),
        "b2": revision("a1", "UPDATE bills SET amount = amount * 100"),
        "c3": revision("b2", PAYERS),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, BILLS, PAYERS, "INSERT INTO bills VALUES (1, 1250)", *claims)
    assert undecided(home) == []
    assert answered(home) == ["stamp c3"]
    assert ask(home.database, "SELECT amount FROM bills") == [(1250,)]


def test_of_two_such_revisions_only_the_last_is_in_doubt(tmp_path: Path) -> None:
    chain = {
        "a1": revision(None, BILLS),
        "b2": revision("a1", "UPDATE bills SET amount = amount * 100"),
        "c3": revision("b2", PAYERS),
        "d4": revision("c3", "UPDATE bills SET amount = amount + 1"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, BILLS, PAYERS, "INSERT INTO bills VALUES (1, 1250)")
    assert [told.partition(":")[0] for told in undecided(home)] == ["d4"]
    assert answered(home, d4=RowAnswer.DONE) == ["stamp d4"]


CHANNELS = "CREATE TABLE channels (id INTEGER PRIMARY KEY, name VARCHAR(40))"
GROUPS = "CREATE TABLE groups (id INTEGER PRIMARY KEY, channel_id INTEGER REFERENCES channels (id))"
KIND = "ALTER TABLE channels ADD COLUMN kind VARCHAR(8) DEFAULT 'tv' NOT NULL"


@pytest.mark.parametrize("claims", [stamp("c2"), ()], ids=["an old stamp", "no stamp"])
def test_newer_models_made_the_tables_at_start(tmp_path: Path, claims: tuple[str, ...]) -> None:
    chain = {
        "c2": revision(None, CHANNELS),
        "c4": revision("c2", KIND),
        "c5": revision("c4", GROUPS, "INSERT INTO groups (channel_id) SELECT id FROM channels"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, CHANNELS, "INSERT INTO channels VALUES (1, 'one'), (2, 'two')", GROUPS, *claims)
    (told,) = undecided(home)
    assert "; groups is empty, which suggests run (INSERT INTO groups (channel_id)" in told
    answered(home, c5=RowAnswer.RUN)
    assert ask(home.database, "SELECT channel_id FROM groups") == [(1,), (2,)]
    assert ask(home.database, "SELECT kind FROM channels") == [("tv",), ("tv",)]


POSTS = "CREATE TABLE posts (id INTEGER PRIMARY KEY, title VARCHAR(20))"
ARTICLES = "CREATE TABLE articles (id INTEGER PRIMARY KEY, title VARCHAR(20))"


def test_an_empty_table_stands_where_the_full_one_is_renamed_to(tmp_path: Path) -> None:
    chain = {
        "a1": revision(None, POSTS),
        "b2": revision("a1", "ALTER TABLE posts RENAME TO articles", "UPDATE articles SET title = title || '.'"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, POSTS, ARTICLES, "INSERT INTO posts VALUES (1, 'x'), (2, 'y')", *stamp("a1"))
    assert answered(home) == ["drop table articles", "run revision b2", "stamp b2"]
    assert ask(home.database, "SELECT title FROM articles") == [("x.",), ("y.",)]


ROLES = "CREATE TABLE roles (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL)"
DEFAULTS = "INSERT INTO roles VALUES (1, 'admin'), (2, 'guest')"
GRANTS = "CREATE TABLE grants (id INTEGER PRIMARY KEY, role_id INTEGER)"


@pytest.mark.parametrize("renamed", [(), ("UPDATE roles SET name = 'visitor' WHERE id = 2",)])
def test_default_rows_are_found_again_by_their_key(tmp_path: Path, renamed: tuple[str, ...]) -> None:
    chain = {"a1": revision(None, ROLES), "b2": revision("a1", DEFAULTS), "c3": revision("b2", GRANTS)}
    home = own_chain(tmp_path, chain | {"d4": revision("c3", "CREATE TABLE later (id INTEGER PRIMARY KEY)")})
    script(home.database, ROLES, DEFAULTS, GRANTS, *renamed)
    assert undecided(home) == []
    assert answered(home) == ["stamp c3", "run revision d4", "stamp d4"]
    assert len(ask(home.database, "SELECT * FROM roles")) == 2


def test_of_default_rows_without_a_key_each_is_looked_for_by_all_its_values(tmp_path: Path) -> None:
    log = "CREATE TABLE log (what VARCHAR(20), level INTEGER)"
    chain = {"a1": revision(None, log), "b2": revision("a1", "INSERT INTO log VALUES ('begun', 1), ('begun', 2)")}
    home = own_chain(tmp_path, chain | {"c3": revision("b2", GRANTS)})
    script(home.database, log, GRANTS, "INSERT INTO log VALUES ('begun', 1)")
    assert "1 of the 2 rows that it inserts are there" in undecided(home)[0]
    answered(home, b2=RowAnswer.SKIP)
    assert ask(home.database, "SELECT * FROM log") == [("begun", 1)]


SETTINGS = "CREATE TABLE settings (key VARCHAR(20) PRIMARY KEY, value VARCHAR(20))"


def test_a_table_is_there_without_the_rows_that_came_with_it(tmp_path: Path) -> None:
    seeds = "INSERT INTO settings VALUES ('theme', 'dark'), ('lang', 'en')"
    chain = {"a1": revision(None, SETTINGS, seeds), "b2": revision("a1", "CREATE TABLE more (id INTEGER PRIMARY KEY)")}
    home = own_chain(tmp_path, chain)
    script(home.database, SETTINGS)
    (told,) = undecided(home)
    assert told == (
        "a1: cannot tell whether its rows are there: 0 of the 2 rows that it inserts are there; settings is empty, "
        "which suggests run (INSERT INTO settings VALUES ('…', '…'), ('…', '…'))"
    )
    assert answered(home, a1=RowAnswer.RUN) == [
        "run the 1 row statement of a1",
        "stamp a1",
        "run revision b2",
        "stamp b2",
    ]
    assert ask(home.database, "SELECT * FROM settings") == [("theme", "dark"), ("lang", "en")]


def test_a_data_step_that_is_covered_is_run_where_a_person_asks_for_it(tmp_path: Path) -> None:
    data = ("INSERT INTO roles SELECT 1, 'admin' WHERE NOT EXISTS (SELECT 1 FROM roles WHERE id = 1)",)
    home = own_chain(tmp_path, {"a1": revision(None, ROLES, data=data)})
    script(home.database, ROLES, *stamp("a1"))
    assert home.preview().outcome is Outcome.NOTHING
    assert answered(home, a1=RowAnswer.RUN) == ["insert the rows of a1 that are missing"]
    assert ask(home.database, "SELECT * FROM roles") == [(1, "admin")]


SECRETS = """down_revision = 'a1'

import secrets


def upgrade():
    op.execute(f"INSERT INTO settings VALUES ('token', 'made-{secrets.token_hex(8)}')")
    op.execute(f"UPDATE settings SET value = value || 'more-{secrets.token_hex(8)}'")


def downgrade():
    pass
"""


def test_random_values_are_each_database_s_own_and_in_no_cache(tmp_path: Path) -> None:
    chain = {"a1": revision(None, SETTINGS), "b2": SECRETS, "c3": revision("b2", PLACES)}
    homes = own_chain(tmp_path, chain), own_chain(tmp_path / "other", chain)
    values = []
    for home in homes:
        script(home.database, SETTINGS, PLACES, *stamp("a1"))
        assert len(undecided(home)) == 1
        assert answered(home, b2=RowAnswer.RUN)
        ((value,),) = ask(home.database, "SELECT value FROM settings")
        assert (value.count("made-"), value.count("more-")) == (1, 1)
        values.append(value)
    assert values[0] != values[1]
    for file in Path(os.environ["ARCHMIG_CACHE"]).rglob("*.json"):
        text = file.read_text(encoding="utf-8")
        assert not re.search("(made|more)-[0-9a-f]{16}", text), file
        assert file.stat().st_mode & 0o077 == 0
    found = [file for file in Path(os.environ["ARCHMIG_CACHE"]).rglob("*.steps.json") if "settings" in file.read_text()]
    assert found
