"""What differs and how much it matters: each rule of the severity table, with SQLite's own reading of both sides."""

from __future__ import annotations

import pytest

from architect_migrate.model.diff import diff, explain, needs_repair, severity
from support.schemas import schema_of

T = """CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, n INTEGER DEFAULT 0, r REAL, at TIMESTAMP, flag BOOLEAN,
       m TEXT COLLATE NOCASE, need TEXT NOT NULL DEFAULT '', p REFERENCES t, UNIQUE (a, n), CHECK (n >= 0));
       CREATE INDEX i ON t (a); CREATE UNIQUE INDEX u ON t (r) WHERE r > 0;
       CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END; CREATE VIEW v AS SELECT a FROM t;"""


def other(old: str, new: str = "") -> str:
    assert old in T
    return T.replace(old, new)


def extra(line: str) -> str:
    return T.replace("CREATE INDEX i", f"{line}; CREATE INDEX i")


@pytest.mark.parametrize(
    ("actual", "lines"),
    [
        (T, []),
        # A statement valid on the reference can fail here.
        (
            other("r REAL, ", "").replace("CREATE UNIQUE INDEX u ON t (r) WHERE r > 0;", ""),
            ["breaking: column t.r is missing", "breaking: index u on t is missing"],
        ),
        (
            other("a TEXT,", "a TEXT NOT NULL,"),
            ["breaking: column t.a: nullability is NOT NULL, the chain says NULL allowed"],
        ),
        (other(", UNIQUE (a, n)"), ["breaking: unique t(a, n) is missing"]),
        (other("NOT NULL DEFAULT ''", "NOT NULL"), ["breaking: column t.need: default is none, the chain says ''"]),
        (
            other("id INTEGER PRIMARY KEY", "id INTEGER"),
            [
                "behavioural: column t.id: nullability is NULL allowed, the chain says NOT NULL",
                "breaking: primary key of t is missing",
            ],
        ),
        (other("CREATE VIEW v AS SELECT a FROM t;"), ["breaking: view v is missing"]),
        (
            other("UNIQUE INDEX u", "INDEX u"),
            ["breaking: index u on t: definition is on t(r) where r > 0, the chain says unique on t(r) where r > 0"],
        ),
        (
            other("CREATE TABLE t", "CREATE TABLE t (z TEXT NOT NULL); DROP TABLE t; CREATE TABLE t").replace(
                "p REFERENCES t,", "p REFERENCES t, z TEXT NOT NULL,"
            ),
            [
                (
                    "breaking: column t.z is not in the chain: it is NOT NULL without a default, "
                    "so the chain's own INSERTs fail"
                )
            ],
        ),
        (
            other("UNIQUE (a, n)", "UNIQUE (a, n), UNIQUE (r)"),
            ["breaking: unique t(r) is not in the chain: it refuses rows that the chain's schema accepts"],
        ),
        (
            other("CHECK (n >= 0)", "CHECK (n >= 0), CHECK (a <> '')"),
            ["breaking: check on t: a <> '' is not in the chain: it refuses rows that the chain's schema accepts"],
        ),
        (
            T + "CREATE UNIQUE INDEX x ON t (at)",
            ["breaking: index x on t is not in the chain: it refuses rows that the chain's schema accepts"],
        ),
        (
            T + "CREATE UNIQUE INDEX x ON t (lower(a))",
            ["breaking: index x on t is not in the chain: it refuses rows that the chain's schema accepts"],
        ),
        # It runs, but can give another result or speed.
        (other("DEFAULT 0", "DEFAULT 1"), ["behavioural: column t.n: default is 1, the chain says 0"]),
        (other("DEFAULT 0", ""), ["behavioural: column t.n: default is none, the chain says 0"]),
        (
            other("n INTEGER", "n TEXT"),
            ["behavioural: column t.n: default is '0', the chain says 0; type is TEXT, the chain says INTEGER"],
        ),
        (other("r REAL", "r INTEGER"), ["behavioural: column t.r: type is INTEGER, the chain says REAL"]),
        (other("COLLATE NOCASE"), ["behavioural: column t.m: collation is binary, the chain says nocase"]),
        (
            other("NOT NULL DEFAULT ''", "DEFAULT ''"),
            ["behavioural: column t.need: nullability is NULL allowed, the chain says NOT NULL"],
        ),
        (other("CREATE INDEX i ON t (a);"), ["behavioural: index i on t is missing"]),
        (
            other("i ON t (a)", "i ON t (a DESC)"),
            ["behavioural: index i on t: definition is on t(a desc), the chain says on t(a)"],
        ),
        (other("CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;"), ["behavioural: trigger g on t is missing"]),
        (
            other("SELECT 1", "SELECT 2"),
            [
                (
                    "behavioural: trigger g on t: definition is create trigger g after insert on t begin "
                    "select 2 ; end, the chain says create trigger g after insert on t begin select 1 ; end "
                    "(the texts differ; cannot tell whether they mean the same)"
                )
            ],
        ),
        (
            other("CHECK (n >= 0)", "CHECK (1)"),
            [
                "behavioural: check on t: n >= 0 is missing",
                "breaking: check on t: 1 is not in the chain: it refuses rows that the chain's schema accepts",
            ],
        ),
        (other(", CHECK (n >= 0)"), ["behavioural: check on t: n >= 0 is missing"]),
        (other("p REFERENCES t", "p"), ["behavioural: foreign key t(p) to t is missing"]),
        (
            other("p REFERENCES t", "p REFERENCES t ON DELETE CASCADE"),
            [
                (
                    "behavioural: foreign key t(p) to t: reference is (id) on delete cascade on update no action, "
                    "the chain says (id) on delete no action on update no action"
                )
            ],
        ),
        # No statement can tell.
        (
            other("TIMESTAMP", "DATETIME"),
            ["cosmetic: column t.at: declared type is DATETIME, the chain says TIMESTAMP"],
        ),
        (other("BOOLEAN", "INTEGER"), ["cosmetic: column t.flag: declared type is INTEGER, the chain says BOOLEAN"]),
        (
            other("PRIMARY KEY,", "PRIMARY KEY AUTOINCREMENT,"),
            ["cosmetic: primary key of t: autoincrement is on, the chain says off"],
        ),
        (
            other("a TEXT, n INTEGER DEFAULT 0", "n INTEGER DEFAULT 0, a TEXT"),
            ["cosmetic: columns of t are in another order"],
        ),
        (other("INDEX i", "INDEX renamed"), ["cosmetic: index i on t is there as index renamed on t"]),
        (
            other(", UNIQUE (a, n)") + "CREATE UNIQUE INDEX x ON t (n, a)",
            ["cosmetic: unique t(a, n) is there as index x on t"],
        ),
        # What the chain does not know, and nothing breaks by it.
        (
            T + "CREATE TABLE mine (id INTEGER PRIMARY KEY, z NOT NULL UNIQUE CHECK (z > 0))",
            [
                "extra: table mine is not in the chain",
                "extra: column mine.id is not in the chain",
                "extra: column mine.z is not in the chain",
                "extra: primary key of mine is not in the chain",
                "extra: unique mine(z) is not in the chain",
                "extra: check on mine: z > 0 is not in the chain",
            ],
        ),
        (
            other("p REFERENCES t,", "p REFERENCES t, deleted_at TIMESTAMP,"),
            ["extra: column t.deleted_at is not in the chain"],
        ),
        (other("p REFERENCES t,", "p REFERENCES t, z NOT NULL DEFAULT 1,"), ["extra: column t.z is not in the chain"]),
        (
            other("p REFERENCES t,", "p REFERENCES t, z UNIQUE,"),
            ["extra: column t.z is not in the chain", "extra: unique t(z) is not in the chain"],
        ),
        (
            other("p REFERENCES t,", "p REFERENCES t, z CHECK (z > 0),"),
            ["extra: column t.z is not in the chain", "extra: check on t: z > 0 is not in the chain"],
        ),
        (T + "CREATE INDEX x ON t (at)", ["extra: index x on t is not in the chain"]),
        (T + "CREATE VIEW x AS SELECT 1", ["extra: view x is not in the chain"]),
        (T + "CREATE TRIGGER x AFTER DELETE ON t BEGIN SELECT 1; END", ["extra: trigger x on t is not in the chain"]),
    ],
)
def test_each_difference_has_its_severity(actual: str, lines: list[str]) -> None:
    found = diff(schema_of(T), schema_of(actual))
    told = [f"{severity(one).value}: {explain(one)}" for one in found]
    assert told == lines


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("CREATE TABLE t (a TEXT DEFAULT 'x')", 'create table "T" ("A" text default (\'x\'))'),
        ("CREATE TABLE t (a INT DEFAULT 0)", "CREATE TABLE t (a INT DEFAULT '0')"),
        ("CREATE TABLE t (a INT DEFAULT NULL)", "CREATE TABLE t (a INT)"),
        (
            "CREATE TABLE t (a TIMESTAMP DEFAULT CURRENT_TIMESTAMP)",
            "CREATE TABLE t (a TIMESTAMP DEFAULT (datetime('now')))",
        ),
        ("CREATE TABLE t (a, CHECK (a > 0))", "CREATE TABLE t (a CONSTRAINT c CHECK((a>0)) -- comment\n)"),
        ("CREATE TABLE t (a, b, UNIQUE (a, b))", "CREATE TABLE t (a, b, CONSTRAINT u UNIQUE (b, a))"),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES t)",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, p, FOREIGN KEY (p) REFERENCES t (id))",
        ),
        (
            "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
            'CREATE TABLE t (a); CREATE INDEX IF NOT EXISTS I ON T ("a" ASC)',
        ),
        (
            "CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t",
            "CREATE TABLE t (a); create  view v as\nselect a\nfrom t",
        ),
    ],
)
def test_another_text_of_the_same_schema_is_no_difference(expected: str, actual: str) -> None:
    assert [explain(one) for one in diff(schema_of(expected), schema_of(actual))] == []


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a TEXT UNIQUE", "CREATE UNIQUE INDEX x ON t (a)", True),
        ("a TEXT COLLATE NOCASE UNIQUE", "CREATE UNIQUE INDEX x ON t (a)", True),
        ("a TEXT COLLATE NOCASE UNIQUE", "CREATE UNIQUE INDEX x ON t (a COLLATE BINARY)", False),
        ("a TEXT UNIQUE", "CREATE UNIQUE INDEX x ON t (a COLLATE NOCASE)", False),
        ("a TEXT UNIQUE", "CREATE UNIQUE INDEX x ON t (a) WHERE a <> ''", False),
        ("a TEXT UNIQUE", "CREATE UNIQUE INDEX x ON t (lower(a))", False),
        ("a TEXT UNIQUE", "CREATE INDEX x ON t (a)", False),
    ],
)
def test_an_index_stands_in_for_a_unique_only_where_it_keeps_the_same_apart(
    expected: str, actual: str, same: bool
) -> None:
    reference = schema_of(f"CREATE TABLE t ({expected})")
    found = diff(reference, schema_of(f"CREATE TABLE t ({expected.replace(' UNIQUE', '')}); {actual}"))
    assert any(needs_repair(one) for one in found) == (not same)


@pytest.mark.parametrize("script", ["", T, T + "CREATE TABLE w (a TEXT PRIMARY KEY) WITHOUT ROWID, STRICT"])
def test_a_schema_does_not_differ_from_itself(script: str) -> None:
    assert diff(schema_of(script), schema_of(script)) == ()


CLAUSE = "UNIQUE ON CONFLICT IGNORE"
KEYED = f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE UNIQUE, n INTEGER, m TEXT {CLAUSE});"


@pytest.mark.parametrize(
    ("extra", "is_harmful"),
    [
        ("CREATE UNIQUE INDEX x ON t (a)", False),
        ("CREATE UNIQUE INDEX x ON t (n, a)", False),
        ("CREATE UNIQUE INDEX x ON t (a, n) WHERE n > 0", False),
        ("CREATE UNIQUE INDEX x ON t (id)", False),
        ("CREATE UNIQUE INDEX x ON t (id, lower(a))", False),
        ("CREATE UNIQUE INDEX x ON t (n)", True),
        ("CREATE UNIQUE INDEX x ON t (lower(a))", True),
        ("CREATE UNIQUE INDEX x ON t (a COLLATE RTRIM)", True),
        # The chain ignores such rows, and the index would refuse them.
        ("CREATE UNIQUE INDEX x ON t (m)", True),
    ],
)
def test_a_unique_index_that_refuses_no_more_than_a_key_of_the_chain_is_harmless(extra: str, is_harmful: bool) -> None:
    (found,) = diff(schema_of(KEYED), schema_of(KEYED + extra))
    assert needs_repair(found) == is_harmful


@pytest.mark.parametrize(
    ("extra", "is_harmful"),
    [
        ("UNIQUE (a, n)", False),
        ("UNIQUE (id, n)", False),
        ("UNIQUE (n)", True),
        ("UNIQUE (a, n) ON CONFLICT FAIL", True),
    ],
)
def test_a_constraint_that_refuses_no_more_than_a_key_of_the_chain_is_harmless(extra: str, is_harmful: bool) -> None:
    found = diff(schema_of(KEYED), schema_of(KEYED.replace(");", f", {extra});")))
    assert any(needs_repair(one) for one in found) == is_harmful
