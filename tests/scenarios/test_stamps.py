"""Stamps that are not simply the heads of a position of the chain: unknown, replaced, or several on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.model.environment import RowAnswer
from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import preview, reconcile
from support.cli import archmig
from support.scenarios import ask, come_home, own_chain, revision, script, stamp, stays

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

MEDIA = "CREATE TABLE media (id INTEGER PRIMARY KEY, path VARCHAR(200) NOT NULL)"
TAGS = "CREATE TABLE tags (id INTEGER PRIMARY KEY, media_id INTEGER, word VARCHAR(30))"
RATING = "ALTER TABLE media ADD COLUMN rating INTEGER"
CHAIN = {
    "a1": revision(None, MEDIA),
    "b2": revision("a1", TAGS),
    "c3": revision("b2", RATING),
}
ROWS = ("INSERT INTO media VALUES (1, '/a'), (2, '/b')",)
AT_B2 = (MEDIA, TAGS, *ROWS)
OTHERS = "CREATE TABLE studies (id INTEGER PRIMARY KEY)"
RELEASE = '[[resolve]]\nstamp = "30a419ca143e"\ndrop = true\n'


def home_of(folder: Path, chain: dict[str, str], *statements: str) -> Home:
    home = own_chain(folder, chain)
    script(home.database, *statements)
    return home


def test_a_stamp_that_the_chain_does_not_have_is_dropped_where_an_entry_says_so(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, *AT_B2, *stamp("30a419ca143e"))
    (finding,) = stays(home)
    assert finding.found == "the database is stamped 30a419ca143e, which the chain does not have"
    assert finding.advice == (
        "if it is another application's, give one of the two applications a version_table of its own; "
        "if it is this chain's, archmig reconcile --replace-stamp 30a419ca143e stamps what the schema shows: b2"
    )
    assert come_home(home.settled(RELEASE)) == ["stamp b2", "run revision c3", "stamp c3"]


def test_a_stamp_is_dropped_for_one_run(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, *AT_B2, *stamp("30a419ca143e", "b2"))
    context = home.context()
    shown = preview(context, stamps=("30a419ca143e",))
    assert shown.plan is not None
    done = reconcile(context, shown.plan, lambda *_: None, stamps=("30a419ca143e",))
    assert (done.outcome, done.warnings) == (Outcome.DONE, ())
    assert ask(home.database, "SELECT * FROM alembic_version") == [("c3",)]
    assert ask(home.database, "SELECT * FROM media") == [(1, "/a", None), (2, "/b", None)]


def test_a_row_to_be_dropped_that_is_not_there_is_told(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, *AT_B2, *stamp("b2"))
    shown = preview(home.context(), stamps=("30a419ca143e",))
    assert shown.warnings == ("--replace-stamp 30a419ca143e: alembic_version has no such row in this database",)


def test_a_stamp_is_not_dropped_where_the_schema_is_that_of_no_position(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, TAGS, "CREATE TABLE media (id INTEGER PRIMARY KEY)", *stamp("30a419ca143e"))
    (finding,) = stays(home)
    assert finding.advice == (
        "check out the revisions that it names and upgrade with them, or delete the row of 30a419ca143e from "
        "alembic_version: it then counts as unstamped"
    )
    (finding,) = stays(home.settled(RELEASE))
    assert finding.found == "the database is stamped 30a419ca143e, and no position of the chain fits its schema"


def test_without_its_stamp_the_rows_of_a_revision_are_asked_about(tmp_path: Path) -> None:
    chain = {**CHAIN, "b2": revision("a1", "UPDATE media SET path = path || '/'")}
    home = home_of(tmp_path, chain, MEDIA, *ROWS, *stamp("30a419ca143e")).settled(RELEASE)
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("rows-undecided", "b2")


def test_a_file_that_two_applications_share_is_told_as_that(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, *AT_B2, OTHERS, *stamp("v2.4.0.a"))
    (finding,) = stays(home)
    assert finding.advice.startswith("if it is another application's, which tables like studies suggest, give one of")


def test_a_row_that_is_there_twice_is_written_once(tmp_path: Path) -> None:
    """A version table without its key: Alembic would refuse to write it, for its UPDATE has to match one row."""
    versions = ("CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('c3'), ('c3')")
    home = home_of(tmp_path, CHAIN, MEDIA, TAGS, RATING, *versions)
    seen = home.survey()
    assert seen.state is State.DRIFTED
    assert [(one.code, one.found) for one in seen.findings] == [("stamp-replaced", "the row of c3 is there 2 times")]
    assert come_home(home) == ["stamp c3"]


def test_two_rows_on_one_line_become_the_one_that_the_schema_shows(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, *AT_B2, *stamp("a1", "b2"))
    seen = home.survey()
    assert (seen.state, seen.diagnosis and seen.diagnosis.followed.readings) == (
        State.DRIFTED,
        (("a1", "says nothing more than b2"),),
    )
    assert come_home(home) == ["stamp b2", "run revision c3", "stamp c3"]


def test_the_higher_of_two_rows_is_not_believed_where_the_schema_is_that_of_the_lower(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, MEDIA, *ROWS, *stamp("a1", "b2"))
    seen = home.survey()
    assert seen.diagnosis is not None
    assert seen.diagnosis.followed.readings == (("b2", "is not true: the schema is that of a1"),)
    assert come_home(home) == ["stamp a1", "run revision b2", "run revision c3", "stamp c3"]


def test_two_rows_on_one_line_block_where_the_schema_shows_neither(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, MEDIA, "CREATE TABLE tags (id INTEGER PRIMARY KEY)", *stamp("a1", "b2"))
    (finding,) = stays(home)
    assert finding.found == "the database is stamped a1 and b2, of which one comes before another"
    assert finding.advice == "archmig reconcile --replace-stamp a1 goes by b2 alone"
    home = home.settled('[[resolve]]\nstamp = "a1"\ndrop = true\n')
    assert come_home(home) == [
        "add column tags.media_id",
        "add column tags.word",
        "stamp b2",
        "run revision c3",
        "stamp c3",
    ]


@pytest.mark.parametrize("row", ["a1", "b2"])
def test_the_rows_of_a_revision_that_only_one_of_two_rows_covers_are_asked_about(tmp_path: Path, row: str) -> None:
    chain = {**CHAIN, "b2": revision("a1", "UPDATE media SET path = path || '/'")}
    home = home_of(tmp_path, chain, MEDIA, *ROWS, *stamp("a1", "b2"))
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("rows-undecided", "b2")
    # A person who drops one of the rows has said which of them is true.
    assert stays(home.settled(f'[[resolve]]\nstamp = "{row}"\ndrop = true\n'), Outcome.PLANNED) == ()


def test_a_row_of_a_replaced_revision_is_not_blamed_for_an_unknown_one_beside_it(tmp_path: Path) -> None:
    home = home_of(tmp_path, SQUASHED, *AT_B2, *stamp("b2", "30a419ca143e"))
    (finding,) = stays(home)
    assert finding.found == "the database is stamped 30a419ca143e, which the chain does not have"
    assert finding.advice.endswith("archmig reconcile --replace-stamp 30a419ca143e stamps what the schema shows: s1")
    assert come_home(home.settled(RELEASE)) == ["stamp s1", "run revision c3", "stamp c3"]


def test_the_old_files_are_not_asked_for_where_all_that_they_make_is_there(tmp_path: Path) -> None:
    home = home_of(tmp_path, SQUASHED, *AT_B2, RATING, *stamp("a1"))
    (finding,) = stays(home)
    assert finding.found == "the database is stamped a1, which s1 replaces in part"
    assert finding.advice == "archmig reconcile --replace-stamp a1 stamps what the schema shows: c3"
    assert come_home(home.settled('[[resolve]]\nstamp = "a1"\ndrop = true\n')) == ["stamp c3"]


SQUASHED = {
    "s1": revision(None, MEDIA, TAGS, more='replaces = ("a1", "b2")'),
    "c3": revision("s1", RATING),
}


def test_a_stamp_of_the_last_of_the_replaced_revisions_stands_for_the_new_one(tmp_path: Path) -> None:
    home = home_of(tmp_path, SQUASHED, *AT_B2, *stamp("b2"))
    assert home.survey().state is State.DRIFTED
    assert come_home(home) == ["stamp s1", "run revision c3", "stamp c3"]


def test_a_stamp_of_the_last_of_the_replaced_revisions_covers_drift_and_rows(tmp_path: Path) -> None:
    chain = {
        **SQUASHED,
        "s1": revision(None, MEDIA, TAGS, "UPDATE media SET path = '/'", more='replaces = ("a1", "b2")'),
    }
    home = home_of(
        tmp_path, chain, MEDIA, "CREATE TABLE tags (id INTEGER PRIMARY KEY, media_id INTEGER)", *ROWS, *stamp("b2")
    )
    assert come_home(home) == ["add column tags.word", "stamp s1", "run revision c3", "stamp c3"]
    assert ask(home.database, "SELECT path FROM media") == [("/a",), ("/b",)]


def test_a_stamp_in_the_middle_of_replaced_revisions_says_what_to_do_first(tmp_path: Path) -> None:
    home = home_of(tmp_path, SQUASHED, MEDIA, *ROWS, *stamp("a1"))
    (finding,) = stays(home)
    assert finding.found == "the database is stamped a1, which s1 replaces in part"
    assert finding.advice == (
        "upgrade it first to b2, with the old files (where archmig squash keeps them, or from version control)"
    )


@pytest.mark.parametrize("row", ["a1", "30a419ca143e"])
def test_rows_are_not_asked_about_before_a_stamp_that_cannot_be_followed_is_settled(tmp_path: Path, row: str) -> None:
    new = (TAGS, "INSERT INTO media VALUES (1, '/a')")
    chain = {**SQUASHED, "s1": revision(None, MEDIA, *new, more='replaces = ("a1", "b2")')}
    home = home_of(tmp_path, chain, MEDIA, *stamp(row))
    assert [each.code for each in stays(home)] == ["stamp-unknown"]
    seen = home.survey()
    assert [each.suggestion for each in seen.rows] == [None], "a person was advised to run its rows"


def test_a_stamp_in_the_middle_of_replaced_revisions_is_followed_where_the_schema_is_whole(tmp_path: Path) -> None:
    home = home_of(tmp_path, SQUASHED, *AT_B2, *stamp("a1"))
    assert come_home(home) == ["stamp s1", "run revision c3", "stamp c3"]


def test_a_stamp_in_the_middle_of_replaced_revisions_tells_nothing_of_their_rows(tmp_path: Path) -> None:
    chain = {
        **SQUASHED,
        "s1": revision(None, MEDIA, TAGS, "UPDATE media SET path = '/'", more='replaces = ("a1", "b2")'),
    }
    home = home_of(tmp_path, chain, *AT_B2, *stamp("a1"))
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("rows-undecided", "s1")
    shown = preview(home.context(), rows=(("s1", RowAnswer.DONE),))
    assert shown.outcome is Outcome.PLANNED


def test_a_revision_that_keeps_the_id_of_the_last_replaced_one_needs_no_new_stamp(tmp_path: Path) -> None:
    chain = {"b2": revision(None, MEDIA, TAGS, more='replaces = ("a1", "b2")'), "c3": revision("b2", RATING)}
    home = home_of(tmp_path, chain, *AT_B2, *stamp("b2"))
    assert home.survey().state is State.BEHIND
    assert come_home(home) == ["run revision c3", "stamp c3"]


def test_the_configuration_can_say_what_a_revision_replaces(tmp_path: Path) -> None:
    chain = {**SQUASHED, "s1": revision(None, MEDIA, TAGS)}
    home = home_of(tmp_path, chain, *AT_B2, *stamp("b2")).settled('[alembic.replaces]\ns1 = ["a1", "b2"]')
    assert come_home(home) == ["stamp s1", "run revision c3", "stamp c3"]


def test_a_revision_that_the_chain_does_not_have_replaces_none(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, *AT_B2, *stamp("b2")).settled('[alembic.replaces]\nb3 = ["x"]')
    with pytest.raises(ChainError, match="names b3, which the chain does not have"):
        home.survey()


def test_the_command_line_drops_a_row(tmp_path: Path) -> None:
    home = home_of(tmp_path, CHAIN, *AT_B2, *stamp("30a419ca143e"))
    home.context()
    file = str(tmp_path / "environments.toml")
    done = archmig("-c", file, "reconcile", "--env", "it", "--replace-stamp", "30a419ca143e", "--yes")
    assert done.code == 0, done.err
    assert ask(home.database, "SELECT * FROM alembic_version") == [("c3",)]


TWO_MEANINGS = {
    "a revision that the chain still has": (
        {**CHAIN, "b2": revision("a1", TAGS, more='replaces = ("a1",)')},
        "b2: replaces a1, which the chain still has",
    ),
    "a revision that two stand for": (
        {
            "a1": revision(None, MEDIA, more='replaces = ("x1",)'),
            "b2": revision("a1", TAGS, more='replaces = ("x1", "x2")'),
        },
        "b2: replaces x1, which a1 replaces too",
    ),
}


@pytest.mark.parametrize(("chain", "said"), TWO_MEANINGS.values(), ids=TWO_MEANINGS)
def test_a_replaced_revision_has_one_meaning(tmp_path: Path, chain: dict[str, str], said: str) -> None:
    home = home_of(tmp_path, chain, MEDIA, *stamp("x1"))
    with pytest.raises(ChainError, match=said):
        home.survey()
