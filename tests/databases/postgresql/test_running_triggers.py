"""What triggers of the application's own do in a run: they may add rows elsewhere, and change or hold back none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from databases.postgresql.test_running import made
from support.cli import archmig
from support.postgresql import dumped, run

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["made"]
CHAIN = {
    "c3": """def upgrade():
    op.execute("CREATE TABLE t (id int PRIMARY KEY, n text); CREATE TABLE k (id int PRIMARY KEY, c text)")
    op.execute("CREATE TABLE log (what text)")
""",
    "d4": """def upgrade():
    op.execute("UPDATE t SET n = n || '!'")
    op.execute("INSERT INTO k VALUES (1, 'one')")
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
""",
}
ROWS = """INSERT INTO t VALUES (1, 'a'), (2, 'b'); INSERT INTO k VALUES (7, 'seven'); CREATE SCHEMA other;
    CREATE TABLE other.o AS SELECT 1 AS i"""


def function(body: str, returns: str = "trigger") -> str:
    return f"CREATE FUNCTION f() RETURNS {returns} LANGUAGE plpgsql AS $$ BEGIN {body} END $$"


def deferred(table: str) -> str:
    return (
        f"CREATE CONSTRAINT TRIGGER g AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION f()"
    )


BEFORE_UPDATE = "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
BEFORE_INSERT = "CREATE TRIGGER g BEFORE INSERT ON k FOR EACH ROW EXECUTE FUNCTION f()"
AFTER_UPDATE = "CREATE TRIGGER g AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
ON_EVENT = "CREATE EVENT TRIGGER g ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION f()"
FILTERS = "may change or leave out rows that are written to"
HARMFUL = {
    "an update is held back": (function("RETURN NULL;"), BEFORE_UPDATE, f"{FILTERS} t"),
    "an insert is held back": (function("RETURN NULL;"), BEFORE_INSERT, f"{FILTERS} k"),
    "an inserted row is changed": (function("NEW.c := 'other'; RETURN NEW;"), BEFORE_INSERT, f"{FILTERS} k"),
    "deferred delete": (function("DELETE FROM k; RETURN NULL;"), deferred("t"), "deletes rows of k"),
    "deferred update, without names": (
        function("EXECUTE 'upd' || 'ate k set c = 1'; RETURN NULL;"),
        deferred("t"),
        "updates k.c",
    ),
    "deferred to the stamp": (
        function("DELETE FROM k; RETURN NULL;"),
        deferred("alembic_version"),
        "deletes rows of k",
    ),
    "rows of another schema": (function("DELETE FROM other.o; RETURN NULL;"), AFTER_UPDATE, "deletes rows of other.o"),
    "on an event, a delete": (function("DELETE FROM k;", "event_trigger"), ON_EVENT, "deletes rows of k"),
    "on an event, an update": (function("UPDATE t SET n = 'x';", "event_trigger"), ON_EVENT, "updates t.n"),
    "on an event, without names": (
        function("EXECUTE 'del' || 'ete from k';", "event_trigger"),
        ON_EVENT,
        "deletes rows of k",
    ),
}


@pytest.mark.parametrize(("body", "trigger", "said"), HARMFUL.values(), ids=HARMFUL)
def test_what_changes_or_holds_back_rows_is_refused(
    made: Callable[..., str], body: str, trigger: str, said: str
) -> None:
    database = made(ROWS, body, trigger, at="c3", **CHAIN)
    before = dumped(database)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, f"trigger g, which is not the chain's, {said}" in done.err) == (2, True), done.err
    assert dumped(database) == before


HARMLESS = {
    "rows in a log": (function("INSERT INTO log VALUES (NEW.n); RETURN NULL;"), AFTER_UPDATE),
    "deferred rows in a log": (function("INSERT INTO log VALUES (NEW.n); RETURN NULL;"), deferred("t")),
    "rows of another schema": (function("INSERT INTO other.o VALUES (2); RETURN NULL;"), AFTER_UPDATE),
    "an event in a log": (function("INSERT INTO log VALUES (tg_tag);", "event_trigger"), ON_EVENT),
    "another table": (
        function("RETURN NULL;"),
        "CREATE TRIGGER g BEFORE UPDATE ON log FOR EACH ROW EXECUTE FUNCTION f()",
    ),
}


@pytest.mark.parametrize(("body", "trigger"), HARMLESS.values(), ids=HARMLESS)
def test_what_adds_rows_to_other_tables_is_let_be(made: Callable[..., str], body: str, trigger: str) -> None:
    database = made(ROWS, body, trigger, at="c3", **CHAIN)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.err
    assert run(database, "SELECT n FROM t ORDER BY id") == [("a!",), ("b!",)]
    assert run(database, "SELECT id, c FROM k ORDER BY id") == [(1, "one"), (7, "seven")]


def test_an_entry_permits_what_it_does(made: Callable[..., str]) -> None:
    database = made(ROWS, function("NEW.c := 'other'; RETURN NEW;"), BEFORE_INSERT, at="c3", **CHAIN)
    with open("environments.toml", "a") as file:  # noqa: PTH123  (in the working folder of the fixture)
        file.write('[[resolve]]\ntrigger = "g"\nkeep = true\n')
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.err
    assert run(database, "SELECT c FROM k WHERE id = 1") == [("other",)]


def test_a_deferred_constraint_is_checked_before_the_proof(made: Callable[..., str]) -> None:
    key = "ALTER TABLE log ADD COLUMN k int REFERENCES k DEFERRABLE INITIALLY DEFERRED"
    broken = "def upgrade():\n    op.execute('UPDATE log SET k = 99')\n"
    database = made("INSERT INTO log VALUES ('x')", at="c3", c3=CHAIN["c3"] + f"    op.execute('{key}')\n", d4=broken)
    before = dumped(database)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, "check what is deferred to the end of the run" in done.err) == (2, True), done.err
    assert dumped(database) == before


def test_a_trigger_of_the_chain_does_what_the_chain_says(made: Callable[..., str]) -> None:
    """Also one that changes rows before they are written, and one that is deferred to the end."""
    body = function("NEW.c := upper(NEW.c); RETURN NEW;").replace("f()", "chains()")
    late = function("UPDATE t SET n = n || '?'; RETURN NULL;").replace("f()", "late()")
    more = [
        body,
        "CREATE TRIGGER chains BEFORE INSERT ON k FOR EACH ROW EXECUTE FUNCTION chains()",
        late,
        deferred("k").replace("f()", "late()").replace("OR UPDATE ", ""),
    ]
    c3 = CHAIN["c3"] + "".join(f"    op.execute({each!r})\n" for each in more)
    database = made("INSERT INTO t VALUES (1, 'a')", at="c3", c3=c3, d4=CHAIN["d4"])
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.err
    assert run(database, "SELECT c FROM k") == [("ONE",)]
    assert run(database, "SELECT n FROM t") == [("a!?",)]
