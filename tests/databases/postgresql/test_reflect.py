"""Reading a schema: every kind of object, under any settings, and nothing that is another's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.core.server_errors import NoSchemaError, SchemaForbiddenError
from architect_migrate.databases.postgresql.details import CLASSES, PostgresColumn, PostgresIndex, PostgresTable
from architect_migrate.databases.postgresql.fingerprint import digest
from architect_migrate.databases.postgresql.pinned import pinned
from architect_migrate.databases.postgresql.queries import RELATIONS, digest_query, queries
from architect_migrate.databases.postgresql.reflect import read_schema, schema_of
from architect_migrate.model import schema as values
from architect_migrate.model.facts import facts
from architect_migrate.model.schema import Check, Conflict, ForeignKey, Generated, IndexedColumn, Object, Schema, Table
from support.postgresql import EVERYTHING, needs_extension

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]


@pytest.fixture
def everything(connection: Connection) -> Schema:
    connection.execute(EVERYTHING)
    return read_schema(connection)


def read(connection: Connection, script: str) -> Schema:
    connection.execute(script)
    return read_schema(connection)


def table(schema: Schema, name: str) -> Table:
    return next(one for one in schema.tables if one.name == name)


def column(schema: Schema, of: str, name: str) -> values.Column:
    return next(one for one in table(schema, of).columns if one.name == name)


def bodies(schema: Schema, kind: str) -> dict[str, str]:
    return {one.name: one.body for one in schema.objects if one.kind == kind}


def test_columns_have_types_defaults_collations_and_identities(everything: Schema) -> None:
    assert column(everything, "authors", "name").declared == "character varying(40)"
    assert column(everything, "authors", "name").not_null
    assert column(everything, "authors", "id").default == "nextval('authors_id_seq'::regclass)"
    assert column(everything, "authors", "born").default == "'2000-01-01 00:00:00+00'::timestamp with time zone"
    assert column(everything, "authors", "feeling").declared == "mood"
    assert column(everything, "authors", "name").collation == "binary"
    assert column(everything, "authors", "odd").collation == '"C"'
    generated = column(everything, "authors", "lower_name")
    assert (generated.default, generated.generated) == (None, Generated("lower((name)::text)", stored=True))
    books = "Books And More"
    assert column(everything, books, "id").detail == PostgresColumn("ALWAYS INCREMENT BY 10 START WITH 100")
    assert column(everything, books, "number").detail == PostgresColumn("BY DEFAULT")
    assert column(everything, books, "By").detail == PostgresColumn()


def test_constraints_have_their_names_and_the_clauses_beyond_their_columns(everything: Schema) -> None:
    authors, books = table(everything, "authors"), table(everything, "Books And More")
    assert authors.primary_key == ("id",)
    assert authors.uniques == {("age", "feeling"), ("lower_name",)}
    assert Check("(length((name)::text) < 30)", frozenset({"name"})) in authors.checks
    assert authors.conflicts == {
        Conflict("check", ("(length((name)::text) < 30)",), "no inherit"),
        Conflict("unique", ("age", "feeling"), "include (name) nulls not distinct"),
        Conflict("unique", ("lower_name",), "deferrable initially deferred"),
    }
    assert {name.name for name in authors.constraint_names} == {
        *("authors_pkey", "short", "sane", "one_of", "same_mood", "authors_lower_name_key"),
    }
    assert books.foreign_keys == {
        ForeignKey(("By",), "authors", ("id",), "cascade", "restrict"),
        ForeignKey(("other",), "authors", ("id",), "no action", "set null"),
        ForeignKey(("more",), "authors", ("id",), deferred=True),
        ForeignKey(("more",), "authors", ("id",)),
    }
    assert books.conflicts == {
        Conflict("check", ("(other > 0)",), "not valid"),
        Conflict("foreign key", ("more", "authors"), "not valid"),
        Conflict("foreign key", ("other", "authors"), "match full deferrable"),
    }
    assert table(everything, "pair_parts").conflicts == {
        Conflict("foreign key", ("a,b", "pairs"), "on delete set null (b)"),
    }


def test_tables_have_what_only_postgresql_says_of_them(everything: Schema) -> None:
    details = {one.name: one.detail for one in everything.tables}
    assert details["pairs"] == PostgresTable(replica_identity="full")
    assert details["scratch"] == PostgresTable(persistence="unlogged", row_security="forced")
    assert details["authors"] == PostgresTable(row_security="enabled")
    assert details["special_authors"] == PostgresTable(parents=("authors",))
    assert details["typed"] == PostgresTable(of_type="pair")
    assert details["measured"] == PostgresTable(partitioning="RANGE (day)", access_method="")
    assert details["measured_rest"] == PostgresTable(bound="DEFAULT", parents=("measured",))
    assert details["hashed_0"] == PostgresTable(bound="FOR VALUES WITH (modulus 2, remainder 0)", parents=("hashed",))


def test_a_foreign_key_to_a_partitioned_table_and_its_triggers_are_read_once(everything: Schema) -> None:
    assert table(everything, "refers").foreign_keys == {ForeignKey(("id", "day"), "measured", ("id", "day"))}
    assert {name.name for name in table(everything, "refers").constraint_names} == {"refers_id_day_fkey"}
    assert [one.name for one in everything.triggers if one.spelling == "of_parts"] == ["measured.of_parts"]


def test_indexes_have_terms_in_words_where_they_are_not_the_default(everything: Schema) -> None:
    indexes = {one.name: one for one in everything.indexes}
    assert indexes.keys() == {
        *("by_age", "by_mood", "by_name", "by_odd", "by_tags", "measured_value"),
        *("measured_2024_value_idx", "measured_rest_value_idx"),
    }
    assert indexes["by_name"].terms == (
        IndexedColumn("name text_pattern_ops"),
        IndexedColumn('lower(odd) COLLATE "C"', descending=True),
        IndexedColumn("age NULLS LAST", descending=True),
        IndexedColumn("paid NULLS FIRST"),
    )
    assert indexes["by_odd"].terms == (IndexedColumn('odd COLLATE "POSIX"'), IndexedColumn("(((age)::integer + 1))"))
    assert indexes["by_mood"].where == "((age)::integer > 18)"
    assert indexes["by_mood"].unique
    assert indexes["by_mood"].detail == PostgresIndex(include=("age",), nulls_not_distinct=True)
    assert indexes["by_tags"].detail == PostgresIndex(method="gin")
    assert indexes["measured_2024_value_idx"].detail == PostgresIndex(parent="measured_value")


def test_triggers_and_views_have_what_their_texts_leave_out(everything: Schema) -> None:
    triggers = {one.name: one for one in everything.triggers}
    assert triggers.keys() == {
        *("Books And More.touch", "authors.checked", "authors.touch", "measured.of_parts", "named.instead"),
    }
    assert triggers["authors.touch"].body.endswith("EXECUTE FUNCTION touched(); DISABLE")
    assert triggers["authors.touch"].table == "authors"
    views = {one.name: one.body for one in everything.views}
    assert views["adults"].startswith("WITH (check_option=local, security_barrier=true) AS SELECT ")
    assert views["adults"].endswith("; name SET DEFAULT 'someone'::character varying")
    assert views["named"].startswith("SELECT a.name")


def test_everything_else_is_an_object_of_its_kind(everything: Schema) -> None:
    assert bodies(everything, "type") == {
        "mood": "ENUM ('sad', 'ok', 'it''s great')",
        "pair": '(x integer, "Y y" text COLLATE "C")',
        "floats": "RANGE (SUBTYPE = double precision, MULTIRANGE_TYPE_NAME = floats_multirange, "
        "SUBTYPE_DIFF = float8mi)",
    }
    assert bodies(everything, "domain")["email"] == (
        "text COLLATE \"C\" DEFAULT 'none@example.org'::text NOT NULL CONSTRAINT not_long "
        "CHECK ((length(VALUE) < 100)) CONSTRAINT with_at CHECK ((VALUE ~~ '%@%'::text))"
    )
    assert bodies(everything, "sequence") == {
        "authors_id_seq": "AS integer OWNED BY authors.id",
        "counter": "AS smallint INCREMENT BY -2 MINVALUE -100 MAXVALUE 100 CACHE 3 CYCLE",
        "plain": "AS bigint",
    }
    assert bodies(everything, "function").keys() == {
        *("twice(integer, integer)", "twice(text)", "Odd name(integer[])", "touched()", "on_ddl()"),
    }
    assert bodies(everything, "function")["twice(text)"].startswith(
        "twice(a text)\n RETURNS text\n LANGUAGE sql\n STABLE"
    )
    assert bodies(everything, "procedure").keys() == {"clear_all()"}
    assert bodies(everything, "aggregate").keys() == {"longest(text)", "product(double precision)"}
    assert bodies(everything, "aggregate")["longest(text)"].endswith("stype = text, initcond = ")
    assert bodies(everything, "materialized view")["never"] == "SELECT 1 AS one"
    assert bodies(everything, "policy") == {
        "authors.seen": "AS RESTRICTIVE FOR SELECT TO public USING (((name)::text = CURRENT_USER))",
        "authors.written": "FOR INSERT TO public WITH CHECK (((age)::integer > 3))",
    }
    assert bodies(everything, "rule").keys() == {"scratch.quiet"}
    assert bodies(everything, "statistics")["together"] == "(ndistinct, dependencies) ON name, age FROM authors"
    assert bodies(everything, "exclusion constraint") == {
        "no_overlap": "EXCLUDE USING gist (during WITH &&) WHERE ((note IS NOT NULL))"
    }
    assert bodies(everything, "event trigger") == {
        "watched": "ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE') EXECUTE FUNCTION on_ddl()"
    }
    assert bodies(everything, "extension") == {}
    assert bodies(everything, "unread") == {
        "collation": "1: mine",
        "operator": "1: ===(integer,integer)",
        "text search configuration": "1: words",
    }


def test_every_object_is_one_fact_and_can_be_cached(everything: Schema) -> None:
    from architect_migrate.core import codec

    every = facts(everything)
    assert len([key for key in every if key[-1] == "2"]) == 1  # the second foreign key of the same columns
    assert codec.load(codec.dump(everything), (*values.CLASSES, *CLASSES)) == everything


@pytest.mark.parametrize("kind", ["function", "procedure", "domain", "sequence", "policy", "statistics"])
def test_the_text_of_an_object_makes_it_again(connection: Connection, everything: Schema, kind: str) -> None:
    def own() -> list[Object]:
        return [one for one in read_schema(connection).objects if one.kind == kind and "OWNED" not in one.body]

    before = own()
    for one in before:
        of = f'"{one.spelling}" ON "{one.table}"' if kind == "policy" else f'"{one.spelling}"'
        arguments = one.name.removeprefix(one.spelling) if kind in {"function", "procedure"} else ""
        connection.execute(f"DROP {kind} {of}{arguments} CASCADE")
    assert own() == []
    for one in before:
        connection.execute(one.sql)
    assert own() == before


def test_texts_do_not_depend_on_the_settings_of_the_session_which_stay_as_they_are(
    connection: Connection, everything: Schema
) -> None:
    hostile = {
        "search_path": "public, pg_temp, information_schema",
        "TimeZone": "Asia/Tokyo",
        "DateStyle": "German, DMY",
        "IntervalStyle": "iso_8601",
        "quote_all_identifiers": "on",
        "extra_float_digits": "-15",
        "bytea_output": "escape",
    }
    connection.execute(
        "CREATE TABLE literals (a interval DEFAULT '1 day 2 hours', b date DEFAULT '2020-02-01', c float8 DEFAULT 0.1, "
        "d bytea DEFAULT '\\x00ff')"
    )
    before = read_schema(connection)
    for name, value in hostile.items():
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    assert read_schema(connection) == before
    for name, value in hostile.items():
        assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,)


def test_two_schemas_with_equal_objects_are_equal_whatever_their_names_are(
    connection: Connection, everything: Schema
) -> None:
    connection.execute('DROP EVENT TRIGGER watched; CREATE SCHEMA "The other"; SET LOCAL search_path = "The other"')
    connection.execute(EVERYTHING.partition("CREATE EVENT TRIGGER")[0])
    other = read_schema(connection)
    connection.execute("SET LOCAL search_path = public")
    assert read_schema(connection) == other
    assert len(other.tables) == len(everything.tables)


def test_objects_of_another_schema_are_named_with_it(connection: Connection) -> None:
    schema = read(
        connection,
        "CREATE SCHEMA other; CREATE TYPE other.mood AS ENUM ('a'); CREATE TABLE other.t (id integer PRIMARY KEY);"
        "CREATE TABLE mine (id integer REFERENCES other.t, m other.mood); CREATE VIEW v AS SELECT id FROM other.t",
    )
    assert table(schema, "mine").foreign_keys == {ForeignKey(("id",), "other.t", ("id",))}
    assert column(schema, "mine", "m").declared == "other.mood"
    assert [one.body.split()[2:] for one in schema.views] == [["FROM", "other.t"]]
    assert [one.name for one in schema.tables] == ["mine"]
    assert schema.objects == ()


def test_a_temporary_table_does_not_hide_one_of_the_same_name(connection: Connection) -> None:
    script = (
        "CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE u (id integer REFERENCES t); CREATE VIEW v AS TABLE t"
    )
    before = read(connection, script)
    connection.execute("CREATE TEMPORARY TABLE t (other text); CREATE TEMPORARY TABLE w (a integer)")
    assert read_schema(connection) == before


def test_the_queries_for_version_14_leave_out_what_it_does_not_have(connection: Connection) -> None:
    """No server of this version is at hand; later ones understand its queries."""
    connection.execute("CREATE TABLE t (a integer UNIQUE NULLS NOT DISTINCT, b integer CHECK (b > 0), PRIMARY KEY (b))")
    with pinned(connection) as name:
        ((schema, relations),) = connection.execute(RELATIONS, {"schema": name, "without": []}).fetchall()
        own = {"schema": schema, "relations": relations}
        rows = {kind: connection.execute(text, own).fetchall() for kind, text in queries(14).items()}
        ((found,),) = connection.execute(digest_query(14), {"schema": name, "without": []}).fetchall()
    now = read_schema(connection)
    assert table(schema_of(rows), "t") == replace(table(now, "t"), conflicts=frozenset())
    assert len(found) == len(digest(connection))


def test_columns_that_were_dropped_leave_nothing(connection: Connection) -> None:
    script = "CREATE TABLE {} (a integer, b integer, c integer, UNIQUE (b, c)); CREATE INDEX {} ON {} (c)"
    plain = read(connection, script.format("t", "i", "t") + "; ALTER TABLE t DROP a, ADD d text")
    connection.execute("DROP TABLE t")
    assert plain == read(
        connection, "CREATE TABLE t (b integer, c integer, d text, UNIQUE (b, c)); CREATE INDEX i ON t (c)"
    )


def test_an_invalid_index_is_another_index(connection: Connection) -> None:
    valid = read(connection, "CREATE TABLE t (a integer); CREATE INDEX i ON t (a)")
    connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass")
    invalid = read_schema(connection)
    assert invalid != valid
    assert [one.detail for one in invalid.indexes] == [PostgresIndex(valid=False)]


def test_a_constraint_whose_index_is_invalid_says_so(connection: Connection) -> None:
    schema = read(
        connection,
        "CREATE TABLE p (a integer NOT NULL) PARTITION BY RANGE (a); CREATE TABLE q PARTITION OF p DEFAULT;"
        "ALTER TABLE ONLY p ADD CONSTRAINT k PRIMARY KEY (a)",
    )
    assert table(schema, "p").conflicts == {Conflict("primary key", (), "with an invalid index")}


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ("CONSTRAINT c NOT NULL a NOT VALID", Conflict("not null", ("a",), "not valid")),
        ("CONSTRAINT c NOT NULL a NO INHERIT", Conflict("not null", ("a",), "no inherit")),
        ("CONSTRAINT c CHECK (a > 1) NOT ENFORCED", Conflict("check", ("(a > 1)",), "not enforced")),
        (
            "CONSTRAINT c FOREIGN KEY (a) REFERENCES k NOT ENFORCED",
            Conflict("foreign key", ("a", "k"), "not enforced"),
        ),
        ("UNIQUE (a, d WITHOUT OVERLAPS)", Conflict("unique", ("a", "d"), "without overlaps")),
        ("CONSTRAINT c NOT NULL a", None),
    ],
)
def test_clauses_that_version_18_has_are_read(connection: Connection, clause: str, said: Conflict | None) -> None:
    if connection.info.server_version < 18_00_00:
        pytest.skip("a clause of version 18")
    needs_extension(connection, "btree_gist")
    connection.execute("CREATE EXTENSION btree_gist")
    schema = read(
        connection,
        f"CREATE TABLE k (a integer PRIMARY KEY); CREATE TABLE t (a integer, d int4range); ALTER TABLE t ADD {clause}",
    )
    assert table(schema, "t").conflicts == ({said} if said else frozenset())
    assert column(schema, "t", "a").not_null == ("NOT NULL" in clause)


def test_a_virtual_generated_column_is_not_stored(connection: Connection) -> None:
    if connection.info.server_version < 18_00_00:
        pytest.skip("virtual columns are in version 18")
    schema = read(connection, "CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (a * 2) VIRTUAL)")
    assert column(schema, "t", "b").generated == Generated("(a * 2)", stored=False)


def test_members_of_an_extension_are_left_out(connection: Connection) -> None:
    needs_extension(connection, "citext")
    schema = read(connection, "CREATE EXTENSION citext; CREATE TABLE t (a citext)")
    assert schema.objects == (Object("extension", "citext", ""),)
    assert column(schema, "t", "a").declared == "citext"
    connection.execute("CREATE SCHEMA other; ALTER EXTENSION citext SET SCHEMA other")
    moved = read_schema(connection)
    assert moved.objects == (Object("extension", "citext", "SCHEMA other"),)
    assert column(moved, "t", "a").declared == "other.citext"


def test_the_objects_of_hidden_tables_are_hidden(connection: Connection) -> None:
    before = read(connection, "CREATE TABLE kept (a integer)")
    connection.execute(
        "CREATE TABLE gone (id serial PRIMARY KEY, a integer); CREATE INDEX i ON gone (a);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE TRIGGER g BEFORE INSERT ON gone FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE POLICY p ON gone; CREATE RULE r AS ON DELETE TO gone DO NOTHING; CREATE STATISTICS s ON id, a FROM gone"
    )
    found = read_schema(connection, ["gone"])
    assert (found.tables, found.indexes, found.triggers) == (before.tables, (), ())
    assert [one.name for one in found.objects] == ["f()"]


def test_the_first_schema_of_the_path_that_exists_is_read(connection: Connection) -> None:
    connection.execute('CREATE SCHEMA "My ""own"""; CREATE TABLE "My ""own""".t (); CREATE TABLE u ()')
    for path, found in {
        '"$user", public': "u",
        'missing, "My ""own""", public': "t",
        "pg_catalog, public": "u",
        "pg_temp, PUBLIC": "u",
    }.items():
        connection.execute("SELECT set_config('search_path', %s, true)", [path])
        assert [one.name for one in read_schema(connection).tables] == [found], path
    connection.execute("CREATE SCHEMA archmig; CREATE TABLE archmig.w (); SET LOCAL search_path = '$user', public")
    assert [one.name for one in read_schema(connection).tables] == ["w"]
    with pinned(connection, "public") as name:
        assert name == "public"
        assert [one.name for one in read_schema(connection).tables] == ["u"]


@pytest.mark.parametrize("path", ["missing", "", "pg_catalog"])
def test_a_path_without_a_schema_is_an_error(connection: Connection, path: str) -> None:
    connection.execute("SELECT set_config('search_path', %s, true)", [path])
    with pytest.raises(NoSchemaError, match=r"database postgres: none of the schemas in its search_path"):
        read_schema(connection)


def test_what_the_role_may_not_read_is_unknown_and_not_empty(connection: Connection) -> None:
    before = read(connection, "CREATE TABLE t (a integer PRIMARY KEY); CREATE VIEW v AS SELECT a FROM t")
    connection.execute("CREATE ROLE guest; CREATE SCHEMA closed; CREATE TABLE closed.u ()")
    connection.execute("SET LOCAL ROLE guest")
    # Definitions are for everyone, also of tables whose rows are not.
    assert read_schema(connection) == before
    connection.execute("SET LOCAL search_path = closed, public")
    with pytest.raises(SchemaForbiddenError, match="the role guest may not use the schema closed"):
        read_schema(connection)
    connection.execute("SET LOCAL search_path = public, closed")
    assert read_schema(connection) == before


def test_a_reading_that_fails_leaves_the_transaction_as_it_was(connection: Connection) -> None:
    connection.execute("CREATE TABLE t ()")
    with pytest.raises(psycopg.errors.UndefinedTable), pinned(connection):
        connection.execute("SELECT * FROM missing")
    assert [one.name for one in read_schema(connection).tables] == ["t"]


def test_rows_as_dictionaries_change_nothing(url: str) -> None:
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        assert read_schema(connection) == Schema()
