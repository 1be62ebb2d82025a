"""What a person sees at 80 columns, with hashes for revisions: whole texts, and no line wider than the screen."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from support.cli import Done, archmig
from support.hashed import LONG, hashed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATUS = """\
environment              state           at            stamp         pending
up-to-date               up to date      e9b1745c0a36  e9b1745c0a36  -
behind                   behind          a1c47d90be52  a1c47d90be52  3
drifted                  drifted         e9b1745c0a36  e9b1745c0a36  -
  behavioural 1; gaps 1; tolerated 2
unstamped                unstamped       e9b1745c0a36  none          -
unknown-stamp            unknown stamp   e9b1745c0a36  0badc0ffee00  -
undecided                undecided       e9b1745c0a36  e9b1745c0a36  -
  tolerated 6
empty                    uninitialised   -             none          5
missing                  missing         -             -             5
no-database              could not tell  -             -             -
production-eu-central-1  drifted         e9b1745c0a36  e9b1745c0a36  -
  behavioural 1; gaps 1; tolerated 2

10 environments: 1 could not tell, 1 missing, 1 uninitialised, 1 unknown
  stamp, 1 undecided, 2 drifted, 1 unstamped, 1 behind, 1 up to date (archmig
  diagnose says what has to be decided; archmig diagnose says what is wrong,
  archmig reconcile repairs it; archmig upgrade runs what is pending)
"""
GRID = """\
                         12345
up-to-date               aaaaa
behind                   aa...
drifted                  aaaPm
unstamped                aaaam
unknown-stamp            aaaam
undecided                aaaam
empty                    .....
missing                  .....
no-database              ?????
production-eu-central-1  aaaPm

a  applied
P  partly there
.  pending
?  could not tell
m  merge, nothing to do

1  3f2a9c1e7b04 (Create the table of users)
2  a1c47d90be52 (Create the table of notes)
3  c05e8a2461fd (Create the table of tags)
4  77e0d3b5f918 (Give notes a due date and an index that finds those that are
   overdue)
5  e9b1745c0a36 (Merge due dates and tags)
"""
CHECK = """\
environment              state           verdict  why
up-to-date               up to date      clean    at e9b1745c0a36
behind                   behind          differs  3 pending
drifted                  drifted         differs  1 behavioural difference from
                                                  the chain
unstamped                unstamped       differs  it has no stamp
unknown-stamp            unknown stamp   differs  is stamped 0badc0ffee00, which
                                                  the chain does not have
undecided                undecided       differs  a person has to decide about
                                                  table _alembic_tmp_notes
empty                    uninitialised   differs  nothing of the chain is in it
missing                  missing         differs  no file there
no-database              could not tell  -
production-eu-central-1  drifted         differs  1 behavioural difference from
                                                  the chain
"""
DRIFTED = """\
drifted: drifted; at e9b1745c0a36 with 1 gap; stamp e9b1745c0a36
  sqlite:////P/drifted.db

  revision      verdict  claim    there  missing  title
  3f2a9c1e7b04  applied  stamped  4      -        Create the table of users
  a1c47d90be52  applied  stamped  5      -        Create the table of notes
  c05e8a2461fd  applied  stamped  4      -        Create the table of tags
  77e0d3b5f918  partial  stamped  1      1        Give notes a due date and an
                                                  index that finds those that
                                                  are overdue
  e9b1745c0a36  merge    stamped  -      -        Merge due dates and tags

  verdict: what the schema shows. claim: what the stamp or the tracker says.
  there, missing, other shape: how many objects that the revision makes. not
  removed: objects that it drops, and that are there.

  to repair
    behavioural-missing, 1: archmig reconcile repairs it
      index ix_notes_due on notes
    claim-false, 1: archmig reconcile repairs it
      77e0d3b5f918: claimed as stamped, but partial (1 there, 1 missing)

  notes
    extra-kept, 1
      table cache
"""
UNDECIDED = """\
undecided: undecided; at e9b1745c0a36; stamp e9b1745c0a36
  sqlite:////P/undecided.db

  revision      verdict  claim    there  title
  3f2a9c1e7b04  applied  stamped  4      Create the table of users
  a1c47d90be52  applied  stamped  5      Create the table of notes
  c05e8a2461fd  applied  stamped  4      Create the table of tags
  77e0d3b5f918  applied  stamped  2      Give notes a due date and an index that
                                         finds those that are overdue
  e9b1745c0a36  merge    stamped  -      Merge due dates and tags

  verdict: what the schema shows. claim: what the stamp or the tracker says.
  there, missing, other shape: how many objects that the revision makes. not
  removed: objects that it drops, and that are there.

  blocking: nothing is changed until these are settled
    interrupted-undecided, 1: bring the rows to where they belong by hand; if
    they are to stay outside, add this to environments.toml
      table _alembic_tmp_notes: an interrupted batch operation of Alembic left
      it: it holds 1 row that notes does not have

[[resolve]]
table = "_alembic_tmp_notes"
keep = true

"""
PENDING = """\
up-to-date: nothing pending after e9b1745c0a36 (up to date)
behind: 3 pending after a1c47d90be52 (behind)
  c05e8a2461fd  Create the table of tags
  77e0d3b5f918  Give notes a due date and an index that finds those that are
                overdue
  e9b1745c0a36  Merge due dates and tags
drifted: nothing pending after e9b1745c0a36 (drifted); first archmig reconcile
  has to fill 1 gap
unstamped: nothing pending after e9b1745c0a36 (unstamped)
unknown-stamp: nothing pending after e9b1745c0a36 (unknown stamp)
undecided: nothing pending after e9b1745c0a36 (undecided)
empty: the whole chain of 5 revisions (uninitialised)
missing: the whole chain of 5 revisions (missing)
no-database: could not tell
production-eu-central-1: nothing pending after e9b1745c0a36 (drifted); first
  archmig reconcile has to fill 1 gap
"""
NO_DATABASE = """\
archmig: no-database: /P/no-database.db: not an SQLite database; nothing was written: check the path
"""
PLANNED = """\
behind: behind, 4 steps
  run 3 revisions:
    c05e8a2461fd  Create the table of tags
    77e0d3b5f918  Give notes a due date and an index that finds those that are
                  overdue
    e9b1745c0a36  Merge due dates and tags
  stamp e9b1745c0a36
drifted, production-eu-central-1: drifted, 1 step
  complete 77e0d3b5f918 (Give notes a due date and an index that finds those
    that are overdue): create index ix_notes_due
unstamped: unstamped, 1 step
  stamp e9b1745c0a36
behind: done: at e9b1745c0a36, 4 steps, 4 rows in 3 tables kept, 0.1 s
drifted: done: at e9b1745c0a36, 1 step, 4 rows in 5 tables kept, 0.1 s
unstamped: done: at e9b1745c0a36, 1 step, 3 rows in 3 tables kept, 0.1 s
production-eu-central-1: done: at e9b1745c0a36, 1 step, 4 rows in 5 tables
  kept, 0.1 s
"""
RECONCILED = """\
environment              state before  outcome        from          to
up-to-date               up to date    nothing to do  e9b1745c0a36  e9b1745c0a36
behind                   behind        done           a1c47d90be52  e9b1745c0a36
  steps 4; rows kept 4; seconds 0.1; backup behind-20261128T210000Z-1.db
drifted                  drifted       done           e9b1745c0a36  e9b1745c0a36
  steps 1; rows kept 4; seconds 0.1; backup drifted-20261128T210000Z-1.db
unstamped                unstamped     done           e9b1745c0a36  e9b1745c0a36
  steps 1; rows kept 3; seconds 0.1; backup unstamped-20261128T210000Z-1.db
undecided                undecided     blocked        e9b1745c0a36  e9b1745c0a36
production-eu-central-1  drifted       done           e9b1745c0a36  e9b1745c0a36
  steps 1; rows kept 4; seconds 0.1;
  backup production-eu-central-1-20261128T210000Z-1.db

6 environments: 1 nothing to do, 4 done, 1 blocked; 15 rows in 16 tables kept,
  proven in 0.1 s
backups in /P/.archmig/backups

undecided: undecided, blocked by 1 finding
  table _alembic_tmp_notes: an interrupted batch operation of Alembic left it:
  it holds 1 row that notes does not have
    -> bring the rows to where they belong by hand; if they are to stay outside,
    add this to environments.toml

[[resolve]]
table = "_alembic_tmp_notes"
keep = true

"""
AFTER = """\
environment              state           at            stamp         pending
up-to-date               up to date      e9b1745c0a36  e9b1745c0a36  -
behind                   up to date      e9b1745c0a36  e9b1745c0a36  -
  last action reconcile 2026-11-28 21:00
drifted                  up to date      e9b1745c0a36  e9b1745c0a36  -
  tolerated 2; last action reconcile 2026-11-28 21:00
unstamped                up to date      e9b1745c0a36  e9b1745c0a36  -
  last action reconcile 2026-11-28 21:00
unknown-stamp            unknown stamp   e9b1745c0a36  0badc0ffee00  -
undecided                undecided       e9b1745c0a36  e9b1745c0a36  -
  tolerated 6; last action reconcile blocked 2026-11-28 21:00
empty                    uninitialised   -             none          5
missing                  missing         -             -             5
no-database              could not tell  -             -             -
production-eu-central-1  up to date      e9b1745c0a36  e9b1745c0a36  -
  tolerated 2; last action reconcile 2026-11-28 21:00

10 environments: 1 could not tell, 1 missing, 1 uninitialised, 1 unknown
  stamp, 1 undecided, 5 up to date (archmig diagnose says what has to be
  decided)
"""
LOG = """\
entry  when (UTC)        environment              action     result   who
5      2026-11-28 21:00  production-eu-central-1  reconcile  done     ada
  from e9b1745c0a36; to e9b1745c0a36; seconds 0.1;
  backup production-eu-central-1-20261128T210000Z-1.db
4      2026-11-28 21:00  unstamped                reconcile  done     ada
  to e9b1745c0a36; seconds 0.1; backup unstamped-20261128T210000Z-1.db
3      2026-11-28 21:00  drifted                  reconcile  done     ada
  from e9b1745c0a36; to e9b1745c0a36; seconds 0.1;
  backup drifted-20261128T210000Z-1.db
2      2026-11-28 21:00  behind                   reconcile  done     ada
  from a1c47d90be52; to e9b1745c0a36; seconds 0.1;
  backup behind-20261128T210000Z-1.db
1      2026-11-28 21:00  undecided                reconcile  blocked  ada
  from e9b1745c0a36; seconds 0.1

5 entries of /P/.archmig/ledger.db (archmig show N tells all of one)
"""
BACKUPS = """\
environment              taken             taken for  size   rows
behind                   2026-11-28 21:00  reconcile  20 kB  4
  verified 2026-11-28 21:00; backup behind-20261128T210000Z-1.db
drifted                  2026-11-28 21:00  reconcile  29 kB  4
  verified 2026-11-28 21:00; backup drifted-20261128T210000Z-1.db
unstamped                2026-11-28 21:00  reconcile  20 kB  3
  verified 2026-11-28 21:00; backup unstamped-20261128T210000Z-1.db
production-eu-central-1  2026-11-28 21:00  reconcile  29 kB  4
  verified 2026-11-28 21:00;
  backup production-eu-central-1-20261128T210000Z-1.db

4 backups of 4 environments, 98 kB, in /P/.archmig/backups
"""
STATES = {
    "up-to-date": "up_to_date",
    "behind": "behind",
    "drifted": "drifted",
    "unstamped": "unstamped",
    "unknown-stamp": "unknown_stamp",
    "undecided": "undecided",
    "empty": "uninitialised",
    "missing": "missing",
    "no-database": "could_not_tell",
    LONG: "drifted",
}

# Each command that only reads, with its text.
READING = {
    "status": (("status",), STATUS),
    "grid": (("status", "--grid"), GRID),
    "check": (("check",), CHECK),
    "diagnose drifted": (("diagnose", "-e", "drifted"), DRIFTED),
    "diagnose undecided": (("diagnose", "-e", "undecided"), UNDECIDED),
    "pending": (("pending",), PENDING),
}
CHANGED = ("up-to-date", "behind", "drifted", "unstamped", "undecided", LONG)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The databases, before `reconciled` changes them."""
    with face(tmp_path_factory.mktemp("face")) as folder:
        yield folder


@pytest.fixture(scope="module")
def reconciled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """The databases after a reconcile, and what it said on stdout and stderr."""
    with face(tmp_path_factory.mktemp("reconciled")) as folder:
        done = run(folder, "reconcile", *(word for name in CHANGED for word in ("-e", name)), "--yes")
        yield folder, shown(done.out, folder), shown(done.err, folder)


@contextmanager
def face(folder: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_COLOR", "FORCE_COLOR", "ARCHMIG_CONFIG", "ARCHITECT_ENV"):
            patch.delenv(name, raising=False)
        patch.setenv("COLUMNS", "80")
        patch.setenv("LOGNAME", "ada")
        yield hashed(folder / "p")


def run(place: Path, *words: str) -> Done:
    return archmig(*words, "-c", str(place / "environments.toml"))


def shown(text: str, place: Path) -> str:
    """The text without what differs from run to run; a line that a long path broke is whole again."""
    text = text.replace(str(place), "/P")
    text = re.sub(r"\n  (?=/P)", " ", text)
    while (whole := re.sub(r"( /P\S*[^\n]*)\n  (?=\S)", r"\1 ", text)) != text:
        text = whole
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-11-28 21:00", text)
    text = re.sub(r"\d{8}T\d{6}Z", "20261128T210000Z", text)
    return re.sub(r"\d\.\d s\b", "0.1 s", re.sub(r"seconds \d\.\d", "seconds 0.1", text))


@pytest.mark.parametrize("case", READING)
def test_what_is_read_is_told_in_lines_that_do_not_break(place: Path, case: str) -> None:
    words, text = READING[case]
    done = run(place, *words)
    assert shown(done.out, place) == text
    assert too_wide(done.out) == []
    assert too_wide(done.err) == []


def test_an_error_is_said_once(place: Path) -> None:
    done = run(place, "check")
    assert shown(done.err, place) == NO_DATABASE
    assert "not an SQLite database" not in done.out


def test_one_word_is_the_state_of_a_database_in_every_document(place: Path) -> None:
    documents = [json.loads(run(place, word, "--json").out) for word in ("status", "check", "pending", "diagnose")]
    states = [{each["name"]: each["state"] for each in document["environments"]} for document in documents]
    assert states == [STATES] * 4


def test_a_run_shows_its_plan_its_progress_and_its_results(reconciled: tuple[Path, str, str]) -> None:
    _, out, err = reconciled
    assert err == PLANNED
    assert out == RECONCILED


@pytest.mark.parametrize(("words", "text"), [(("status",), AFTER), (("log",), LOG), (("backup", "list"), BACKUPS)])
def test_what_was_done_is_listed(reconciled: tuple[Path, str, str], words: tuple[str, ...], text: str) -> None:
    done = run(reconciled[0], *words)
    assert shown(done.out, reconciled[0]) == text
    assert too_wide(done.out) == []


def too_wide(text: str) -> list[str]:
    """The lines of more than 80 columns; one word alone may be wider."""
    return [line for line in text.splitlines() if len(line) > 80 and " " in line.strip()]
