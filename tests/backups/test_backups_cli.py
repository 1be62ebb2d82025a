"""The commands of backups say what is there, what it holds and what they do, and delete no only copy."""

from __future__ import annotations

import json
import os
import re
import stat
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig, ask, build, execute

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

_NAMES = re.compile(r"-\d{8}T\d{6}Z-(\d+)")
_GAPS = re.compile(r"(?<=\S) {2,}")
_DATES = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00)?")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    for name in ("NO_COLOR", "FORCE_COLOR", "ARCHMIG_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def timeless(text: str) -> str:
    """Names of backups as env-T-N, moments as TIME, and the columns of tables two spaces apart."""
    return _GAPS.sub("  ", _DATES.sub("TIME", _NAMES.sub(r"-T-\1", text)))


def taken(folder: Path) -> list[str]:
    """The names of the backups, in the order in which they were taken."""
    found = sorted((folder / ".archmig" / "backups").glob("*.db"), key=lambda path: path.stat().st_mtime_ns)
    return [one.name for one in found]


def policy(folder: Path, *lines: str) -> None:
    config = folder / "environments.toml"
    config.write_text("\n".join(["[backup]", *lines, config.read_text()]))


CREATED = """\
environment  backup  size  rows  tables
home  home-T-1.db  33 kB  4  3
behind  behind-T-1.db  29 kB  4  3

verified, in {folder}/.archmig/backups
"""
LISTED = """\
environment  taken  taken for  size  rows  verified  backup
home  TIME  backup create  33 kB  4  TIME  home-T-1.db
behind  TIME  upgrade  29 kB  4  TIME  behind-T-1.db

2 backups of 2 environments, 61 kB, in {folder}/.archmig/backups
"""
VERIFIED = """\
environment  backup  verdict  why
home  home-T-1.db  sound  4 rows in 3 tables, as recorded
"""


def test_create_takes_a_verified_backup_of_what_is_named(folder: Path) -> None:
    done = archmig("backup", "create", "-e", "home", "-e", "behind")
    assert (done.code, done.err) == (0, "")
    assert timeless(done.out) == CREATED.format(folder=folder)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder / ".archmig" / "backups").glob("*.json")} == {0o600}


def test_create_wants_a_name(folder: Path) -> None:
    nobody = archmig("backup", "create")
    assert (nobody.code, nobody.out) == (2, "")
    assert nobody.err == (
        "archmig: archmig backup create needs databases, and none was named "
        "(name them with -e ENV, --tag TAG or --db PATH, or pass --all)\n"
    )
    missing = archmig("backup", "create", "--db", "other.db")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == (
        f"archmig: {folder}/other.db: no such file; nothing was created: correct the path, "
        "or create the database first\n"
    )
    assert not (folder / "other.db").exists()


def test_create_passes_over_what_holds_nothing(folder: Path) -> None:
    done = archmig("backup", "create", "-e", "empty", "-e", "gone")
    assert (done.code, done.err) == (0, "")
    assert timeless(done.out) == ("environment  backup\nempty  nothing is there\ngone  nothing is there\n")
    assert not (folder / ".archmig").exists()


def test_list_says_when_each_was_taken_and_what_for(folder: Path) -> None:
    assert archmig("backup", "list").out == f"no backups in {folder}/.archmig/backups\n"
    archmig("backup", "create", "-e", "home")
    archmig("upgrade", "-e", "behind", "--yes")
    done = archmig("backup", "list")
    assert (done.code, done.err) == (0, "")
    assert timeless(done.out) == LISTED.format(folder=folder)


def test_list_knows_from_the_ledger_what_one_without_a_record_was_taken_for(folder: Path) -> None:
    archmig("upgrade", "-e", "behind", "--yes")
    (record,) = (folder / ".archmig" / "backups").glob("*.json")
    record.unlink()
    row = archmig("backup", "list").out.splitlines()[1]
    assert timeless(row) == "behind  TIME  upgrade  29 kB  nothing recorded  behind-T-1.db"


def test_verify_reads_every_backup_or_the_one_that_is_named(folder: Path) -> None:
    archmig("backup", "create", "-e", "home", "-e", "behind")
    done = archmig("backup", "verify", "-e", "home")
    assert (done.code, done.err, timeless(done.out)) == (0, "", VERIFIED)
    name = next(each for each in taken(folder) if each.startswith("home"))
    assert timeless(archmig("backup", "verify", name).out) == VERIFIED
    assert timeless(archmig("backup", "verify", f".archmig/backups/{name}").out) == VERIFIED
    missing = archmig("backup", "verify", "other.db")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == "archmig: other.db: no such backup; archmig backup list shows the backups\n"


def test_a_backup_that_changed_is_told_and_not_restored(folder: Path) -> None:
    archmig("backup", "create", "-e", "home")
    (name,) = taken(folder)
    path = folder / ".archmig" / "backups" / name
    execute(path, "UPDATE notes SET title = 'forged' WHERE id = 1")
    done = archmig("backup", "verify")
    assert (done.code, timeless(done.out).splitlines()[1]) == (
        1,
        "home  home-T-1.db  not sound  changed since it was taken: table notes: other values in its 2 rows",
    )
    refused = archmig("backup", "restore", name, "-e", "home", "--yes")
    assert (refused.code, refused.out) == (2, "")
    assert timeless(refused.err) == (
        f"archmig: home: {folder}/.archmig/backups/home-T-1.db: changed since it was taken: table notes: other values "
        "in its 2 rows; nothing was changed: choose another backup\n"
    )
    latest = archmig("backup", "restore", "-e", "home", "--yes")
    assert latest.err == (
        f"archmig: home: {folder}/.archmig/backups: no intact backup of home; see archmig backup list, or name a file\n"
    )


def test_a_backup_that_is_cut_short_is_damaged(folder: Path) -> None:
    archmig("backup", "create", "-e", "home")
    (name,) = taken(folder)
    path = folder / ".archmig" / "backups" / name
    os.truncate(path, 8192)
    assert "no: has another size than when it was taken" in archmig("backup", "list").out
    done = archmig("backup", "verify")
    assert done.code == 1
    assert "not sound  damaged: " in done.out
    assert "no: damaged: " in archmig("backup", "list").out


PREVIEW = """\
behind: to behind-T-1.db, taken TIME for backup create
  there now, and not in the backup:
    2 rows of table extra, which the backup does not have
    1 row of table notes
    1 value of column notes.due
  other values in the backup: 1 row of table alembic_version, 1 row of table notes
  comes back: 1 row of table notes
  goes: table extra, index ix_notes_due
  is another: table notes
"""
RESTORED = """\
behind: done: 4 rows in 3 tables, as in behind-T-1.db; what was there before is in behind-T-2.db
"""


def drifted(folder: Path) -> None:
    """A backup of the database `behind`, and what was done to it since."""
    archmig("backup", "create", "-e", "behind")
    archmig("upgrade", "-e", "behind", "--yes")
    execute(
        folder / "behind.db",
        """DELETE FROM notes WHERE id = 1; UPDATE notes SET title = 'zwei', due = 'now' WHERE id = 2;
        INSERT INTO notes VALUES (7, 'seven', NULL); CREATE TABLE extra (a); INSERT INTO extra VALUES (1), (2);""",
    )
    # The upgrade's own backup of the same content.
    for name in taken(folder)[1:]:
        for path in (folder / ".archmig" / "backups").glob(f"{name}*"):
            path.unlink()


def test_restore_says_what_would_be_lost_before_it_asks(folder: Path) -> None:
    drifted(folder)
    before = (folder / "behind.db").read_bytes()
    shown = archmig("backup", "restore", "-e", "behind", "--dry-run")
    assert (shown.code, shown.err) == (1, "")
    assert timeless(shown.out) == PREVIEW
    asked = archmig("backup", "restore", "-e", "behind")
    assert (asked.code, asked.out) == (2, "")
    assert timeless(asked.err) == PREVIEW + (
        "archmig: stdin is not a terminal, so nothing can be confirmed. Nothing was changed "
        "(look with archmig backup restore --dry-run, then pass --yes)\n"
    )
    assert (folder / "behind.db").read_bytes() == before
    assert len(taken(folder)) == 1


def test_restore_backs_up_what_it_replaces_and_is_on_record(folder: Path) -> None:
    drifted(folder)
    time.sleep(1.1)  # the name of a backup tells the second
    done = archmig("backup", "restore", "-e", "behind", "--yes")
    assert done.code == 0
    assert (timeless(done.err), timeless(done.out)) == (PREVIEW, RESTORED.replace("-T-2", "-T-1"))
    assert ask(folder / "behind.db", "SELECT id, title FROM notes") == [(1, "one"), (2, "two")]
    assert ask(folder / ".archmig" / "backups" / taken(folder)[-1], "SELECT id, title, due FROM notes") == [
        (2, "zwei", "now"),
        (7, "seven", None),
    ]
    (entry,) = ask(
        folder / ".archmig" / "ledger.db", "SELECT action, result, backup, detail FROM entry ORDER BY id DESC LIMIT 1"
    )
    assert timeless(str(entry)) == str(
        (
            "backup restore",
            "done",
            f"{folder}/.archmig/backups/behind-T-1.db",
            f"from {folder}/.archmig/backups/behind-T-1.db, 4 rows in 3 tables",
        )
    )
    again = archmig("backup", "restore", taken(folder)[0], "-e", "behind", "--yes")
    assert (again.code, timeless(again.out)) == (0, "behind: nothing to do: it is what behind-T-1.db holds\n")


def test_restore_of_another_environments_backup_says_so(folder: Path) -> None:
    archmig("backup", "create", "-e", "home")
    done = archmig("backup", "restore", taken(folder)[0], "-e", "behind", "--dry-run")
    assert done.code == 1
    assert timeless(done.out) == (
        "behind: to home-T-1.db, taken TIME for backup create\n"
        "  a backup of another environment: home\n"
        "  other values in the backup: 1 row of table alembic_version\n"
        "  comes back: index ix_notes_due\n"
        "  is another: table notes\n"
    )


def test_one_backup_is_not_restored_into_several_databases(folder: Path) -> None:
    archmig("backup", "create", "-e", "home")
    done = archmig("backup", "restore", taken(folder)[0], "--all", "--yes")
    assert (done.code, done.out, done.err) == (
        2,
        "",
        "archmig: one backup cannot be restored into several databases (name one of them with -e ENV)\n",
    )


UNDO = """\
behind: to behind-T-1.db, taken TIME for upgrade
  other values in the backup: 1 row of table alembic_version
  goes: index ix_notes_due
  is another: table notes
"""
BLOCKED = """\
behind: not undone: something has written since upgrade of TIME:
  table notes: has 3 rows, had 2
  table tags: other values in its 1 row
  index ix_more: is new
  to go back all the same: archmig backup restore behind-T-1.db --env behind
"""


def test_undo_goes_back_to_before_the_last_run_and_is_itself_undone(folder: Path) -> None:
    archmig("upgrade", "-e", "behind", "--yes")
    assert timeless(archmig("undo", "-e", "behind", "--dry-run").out) == UNDO
    done = archmig("undo", "-e", "behind", "--yes")
    assert (done.code, timeless(done.err)) == (0, UNDO)
    assert ask(folder / "behind.db", "SELECT version_num FROM alembic_version") == [("002_tags",)]
    assert archmig("undo", "-e", "behind", "--yes").code == 0
    assert ask(folder / "behind.db", "SELECT version_num FROM alembic_version") == [("003_due",)]


def test_undo_says_what_has_written_since_and_writes_nothing(folder: Path) -> None:
    archmig("upgrade", "-e", "behind", "--yes")
    execute(
        folder / "behind.db",
        "INSERT INTO notes (title) VALUES ('new'); UPDATE tags SET name = 'done'; CREATE INDEX ix_more ON tags (id);",
    )
    before = (folder / "behind.db").read_bytes()
    done = archmig("undo", "-e", "behind", "--yes")
    assert (done.code, done.err, timeless(done.out)) == (1, "", BLOCKED)
    assert (folder / "behind.db").read_bytes() == before


def test_undo_without_a_run_has_nothing_to_do(folder: Path) -> None:
    done = archmig("undo", "-e", "home", "--yes")
    assert (done.code, done.err, done.out) == (0, "", "home: nothing to do: no run of archmig on it is on record\n")


def test_undo_of_a_run_that_built_the_database_is_refused(folder: Path) -> None:
    config = folder / "environments.toml"
    config.write_text(
        config.read_text().replace('"gone.db"\nuninitialised = "skip"', '"gone.db"\nuninitialised = "create"')
    )
    assert archmig("upgrade", "-e", "gone", "--yes").code == 0
    done = archmig("undo", "-e", "gone", "--yes")
    assert (done.code, done.out) == (2, "")
    assert timeless(done.err) == (
        f"archmig: gone: sqlite:///{folder}/gone.db: the last run (upgrade, TIME) built the database; "
        "nothing was changed: there is no earlier state\n"
    )


def test_a_protected_database_is_restored_only_by_its_name_or_yes(folder: Path) -> None:
    archmig("backup", "create", "-e", "lost")
    execute(folder / "lost.db", "INSERT INTO app_state VALUES ('x')")
    assert archmig("backup", "restore", "-e", "lost").code == 2
    assert ask(folder / "lost.db", "SELECT count(*) FROM app_state") == [(1,)]
    assert archmig("backup", "restore", "-e", "lost", "--yes").code == 0
    assert ask(folder / "lost.db", "SELECT count(*) FROM app_state") == [(0,)]


PRUNED = """\
environment  backup  outcome  why
home  home-T-1.db  kept  nothing else has 1 of its rows of table notes
home  home-T-1.db  removed

1 backup removed, 33 kB; 1 kept: archmig deletes nothing that is the only copy of something
"""


def test_prune_has_nothing_to_do_where_all_are_kept(folder: Path) -> None:
    policy(folder, 'keep = "all"')
    done = archmig("backup", "prune")
    assert (done.code, done.out, done.err) == (
        2,
        "",
        (
            'archmig: keep = "all" in [backup] of environments.toml: no backup is removed '
            "(set keep or max_age instead)\n"
        ),
    )


def test_prune_removes_what_is_left_over_but_never_an_only_copy(folder: Path) -> None:
    policy(folder, "keep = 1")
    for change in ("UPDATE notes SET title = 'eins' WHERE id = 1", "SELECT 1", "SELECT 1"):
        archmig("backup", "create", "-e", "home")
        execute(folder / "home.db", change)
        time.sleep(1.01)
    assert len(taken(folder)) == 3
    shown = archmig("backup", "prune", "--dry-run")
    assert (shown.code, timeless(shown.out)) == (0, PRUNED.replace("removed", "would go"))
    assert len(taken(folder)) == 3
    done = archmig("backup", "prune")
    assert (done.code, done.err, timeless(done.out)) == (0, "", PRUNED)
    assert len(taken(folder)) == 2
    assert len(list((folder / ".archmig" / "backups").iterdir())) == 4
    assert ask(folder / ".archmig" / "backups" / taken(folder)[0], "SELECT title FROM notes") == [("one",), ("two",)]


def test_a_run_prunes_after_itself_and_keeps_what_undo_goes_back_to(folder: Path) -> None:
    policy(folder, "keep = 1")
    for _ in range(3):
        archmig("backup", "create", "-e", "behind")
    assert archmig("upgrade", "-e", "behind", "--yes").code == 0
    assert len(taken(folder)) == 1
    archmig("backup", "create", "-e", "behind")
    archmig("backup", "prune")
    assert len(taken(folder)) == 2
    assert archmig("undo", "-e", "behind", "--yes").code == 0


def test_a_young_backup_stays_whatever_their_number(folder: Path) -> None:
    policy(folder, "keep = 1", 'max_age = "1h"')
    for _ in range(3):
        archmig("backup", "create", "-e", "home")
    assert archmig("backup", "prune").out == "no backup is left over\n"
    assert len(taken(folder)) == 3


def grown_old(folder: Path, days: int) -> None:
    """Turn the clock back for all backups that are there, by their names."""
    for at, name in enumerate(taken(folder)):
        then = datetime.now(UTC) - timedelta(days=days) + timedelta(seconds=at)
        new = re.sub(r"\d{8}T\d{6}Z-\d+", f"{then:%Y%m%dT%H%M%SZ}-1", name)
        for ending in ("", ".json"):
            file = folder / ".archmig" / "backups" / f"{name}{ending}"
            file.rename(file.with_name(f"{new}{ending}"))


def test_without_limits_of_its_own_a_project_keeps_ten_and_what_is_younger_than_thirty_days(folder: Path) -> None:
    for _ in range(12):
        archmig("backup", "create", "-e", "behind")
    grown_old(folder, 29)
    assert archmig("upgrade", "-e", "behind", "--yes").err.count("removed") == 0
    assert len(taken(folder)) == 13
    archmig("undo", "-e", "behind", "--yes")
    grown_old(folder, 31)
    done = archmig("upgrade", "-e", "behind", "--yes")
    assert done.code == 0
    (line,) = [line for line in done.err.splitlines() if "removed" in line]
    assert line.startswith(
        'archmig: behind: removed 5 old backups beyond the limits of [backup], keep = 10 and max_age = "30d": behind-'
    )
    assert len(taken(folder)) == 10


def test_what_was_taken_since_the_last_run_stays(folder: Path) -> None:
    policy(folder, "keep = 1")
    archmig("upgrade", "-e", "behind", "--yes")
    for _ in range(3):
        archmig("backup", "create", "-e", "behind")
    assert archmig("backup", "prune").out == "no backup is left over\n"
    assert len(taken(folder)) == 4


def test_what_is_no_backup_of_archmig_is_never_touched(folder: Path) -> None:
    policy(folder, "keep = 1")
    for _ in range(2):
        archmig("backup", "create", "-e", "home")
    backups = folder / ".archmig" / "backups"
    for name in ("home-20200101T000000Z-1.db", "notes.txt", "home-old.db"):
        (backups / name).write_bytes(b"mine")
    assert archmig("backup", "prune").code == 0
    assert {path.name for path in backups.iterdir()} >= {"home-20200101T000000Z-1.db", "notes.txt", "home-old.db"}


@pytest.mark.parametrize(
    ("age", "locked", "stays"), [(7200, False, False), (60, False, True), (7200, True, True)], ids=str
)
def test_a_draft_of_a_killed_run_goes_when_it_is_old_and_nobody_has_it(
    folder: Path, age: int, locked: bool, stays: bool
) -> None:
    import fcntl

    backups = folder / ".archmig" / "backups"
    backups.mkdir(parents=True)
    draft = backups / f".archmig-{'0' * 24}.tmp"
    draft.write_bytes(b"half")
    os.utime(draft, (time.time() - age,) * 2)
    with draft.open() as opened:
        if locked:
            fcntl.flock(opened, fcntl.LOCK_EX)
        assert archmig("backup", "create", "-e", "home").code == 0
    assert draft.exists() is stays


def test_the_documents_say_the_same(folder: Path) -> None:
    created = json.loads(archmig("backup", "create", "-e", "home", "--json").out)
    (home,) = created["environments"]
    assert (created["command"], created["exit_code"], home["error"]) == ("backup create", 0, None)
    listed = json.loads(archmig("backup", "list", "--json").out)
    (copy,) = listed["environments"][0]["backups"]
    assert {key: copy[key] for key in home["backup"]} == home["backup"]
    assert (copy["taken_for"], copy["problem"]) == ("backup create", None)
    verified = json.loads(archmig("backup", "verify", "-e", "home", "--json").out)
    assert verified["environments"][0]["backups"] == [{"path": copy["path"], "problem": None, "recorded": True}]
    execute(folder / "home.db", "DELETE FROM notes WHERE id = 2")
    restored = json.loads(archmig("backup", "restore", "-e", "home", "--yes", "--json").out)
    (home,) = restored["environments"]
    assert (home["outcome"], home["backup"]) == ("done", copy["path"])
    assert home["rows"] == [
        {
            "table": "notes",
            "lacking": 0,
            "changed": 0,
            "returning": 1,
            "columns": {},
            "gone": False,
            "exact": True,
        }
    ]
    refused = json.loads(archmig("backup", "restore", "none.db", "-e", "home", "--json").out)
    assert refused["environments"][0]["error"]["type"] == "RestoreError"


def test_two_projects_that_share_a_folder_do_not_restore_each_others_backups(folder: Path) -> None:
    archmig("backup", "create", "-e", "home")
    (record,) = (folder / ".archmig" / "backups").glob("*.json")
    other = folder / "other.db"
    other.touch()
    record.write_text(record.read_text().replace(f"{folder}/home.db", str(other)))
    assert archmig("backup", "list").out == f"no backups in {folder}/.archmig/backups\n"
    other.unlink()  # the project was moved: the same name, and nothing where it was
    assert "1 backup of 1 environment" in archmig("backup", "list").out


def test_a_backup_whose_database_nobody_may_look_for_belongs_to_somebody_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archmig("backup", "create", "-e", "home")
    (record,) = (folder / ".archmig" / "backups").glob("*.json")
    record.write_text(record.read_text().replace(f"{folder}/home.db", "/root-only/home.db"))
    exists = type(folder).exists

    def forbidden(path: Path) -> bool:
        if path.parts[1] == "root-only":
            raise PermissionError(13, "Permission denied")
        return exists(path)

    monkeypatch.setattr(type(folder), "exists", forbidden)
    done = archmig("backup", "list")
    assert (done.code, done.out, done.err) == (0, f"no backups in {folder}/.archmig/backups\n", "")


def test_a_folder_of_backups_that_cannot_be_read_is_told_as_that(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archmig("backup", "create", "-e", "home")
    backups = folder / ".archmig" / "backups"

    def forbidden(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(folder), "iterdir", forbidden)
    done = archmig("backup", "list", "-e", "home")
    said = f"archmig: home: {backups}: cannot be read: Permission denied; check the folder's permissions\n"
    assert (done.code, done.err) == (2, said)


def test_prune_says_nothing_of_what_it_could_not_judge(folder: Path) -> None:
    policy(folder, "keep = 1")
    for _ in range(2):
        archmig("backup", "create", "-e", "home")
    (folder / "home.db").unlink()
    done = archmig("backup", "prune", "-e", "home")
    assert (done.code, done.out) == (2, "")
    assert "home.db: no such file" in done.err
    assert len(taken(folder)) == 2


def set_back(patch: pytest.MonkeyPatch, days: int) -> None:
    """Set the clock of archmig back."""
    moment = datetime.now(UTC) - timedelta(days=days)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return moment.astimezone(tz)

    for module in ("core.backup_files", "backups.service", "ledger.recorder"):
        patch.setattr(f"architect_migrate.{module}.datetime", Earlier)
    patch.setattr(time, "time", moment.timestamp)


def test_after_the_clock_went_back_the_ledger_says_which_backup_is_the_newest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archmig("backup", "create", "-e", "behind")
    execute(folder / "behind.db", "UPDATE tags SET name = 'second'")
    with monkeypatch.context() as patch:
        set_back(patch, 3)
        archmig("upgrade", "-e", "behind", "--yes")
    assert [name.partition("-2")[0] for name in taken(folder)] == ["behind", "behind"]
    first, second = taken(folder)
    assert second < first
    lines = archmig("backup", "list", "behind").out.splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("behind")] == [first, second]
    execute(folder / "behind.db", "UPDATE tags SET name = 'third'")
    assert archmig("backup", "restore", "-e", "behind", "--yes").code == 0
    assert ask(folder / "behind.db", "SELECT name FROM tags") == [("second",)]


def test_after_the_clock_went_back_the_last_run_is_undone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archmig("upgrade", "-e", "behind", "--yes")
    with monkeypatch.context() as patch:
        set_back(patch, 3)
        archmig("downgrade", "001_notes", "-e", "behind", "--yes")
        assert archmig("undo", "-e", "behind", "--yes").code == 0
    assert ask(folder / "behind.db", "SELECT version_num FROM alembic_version") == [("003_due",)]


def test_a_database_built_after_the_clock_went_back_has_no_earlier_state(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = folder / "environments.toml"
    config.write_text(config.read_text().replace('"behind.db"', '"behind.db"\nuninitialised = "create"'))
    archmig("upgrade", "-e", "behind", "--yes")
    (folder / "behind.db").unlink()
    with monkeypatch.context() as patch:
        set_back(patch, 3)
        assert archmig("upgrade", "-e", "behind", "--yes").code == 0
        done = archmig("undo", "-e", "behind", "--yes")
    assert (done.code, "built the database" in done.err) == (2, True)
