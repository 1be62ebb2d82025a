"""What goes wrong with a PostgreSQL database, as SQL: each function writes one kind of it, or raises LookupError."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from truth.postgresql.facts import VERSIONS
from truth.postgresql.native import trying
from truth.postgresql.scene import (
    SPELT,
    columns_of,
    constraints_of,
    indexes_of,
    is_number,
    is_text,
    labels_of,
    others_of,
    tables_of,
    wider,
)
from truth.row_steps import ROW_KINDS
from truth.stamps import Damage, stamp_elsewhere, stamp_newer, stamp_older, stamp_two_rows, stamp_unknown

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from truth.chain import Chain, Op
    from truth.postgresql.cluster import Cluster, Raw
    from truth.postgresql.scene import Column

    Way = Callable[["Site"], Damage]

OWN = "application's own"
# Kinds of steps that write rows, also beside what they do to the schema.
ROW_WRITING = {
    *ROW_KINDS,
    *("data_step", "UPDATE FROM", "TRUNCATE", "DO", "setval"),
    *("enum made anew", "moved to a successor", "moved to another column", "filled column"),
}
# Kinds of steps of which nothing is seen.
_UNSEEN = {"comment", "storage", "GRANT", "COMMIT"}


@dataclass(slots=True)
class Site:
    """The database as it is now, the chain, the position that is true, and the images of its life so far."""

    raw: Raw
    cluster: Cluster
    chain: Chain
    position: frozenset[str]
    chance: random.Random
    past: tuple[str, ...]

    def tables(self) -> list[str]:
        return [name for name in tables_of(self.raw) if not name.startswith("x_")]

    def table(self) -> str:
        return self.chance.choice(self.tables())

    def column(self, table: str) -> Column:
        found = [one for one in columns_of(self.raw, table) if one.name != "id" and not one.name.startswith("x_")]
        return self.chance.choice(found)

    def constraint(self) -> tuple[str, str]:
        found = [(table, name) for table in self.tables() for name, _, _ in constraints_of(self.raw, table)]
        return self.chance.choice(found)

    def index(self) -> tuple[str, str]:
        return self.chance.choice(list(indexes_of(self.raw, self.tables()).items()))

    def other(self, kind: str) -> tuple[str, str]:
        found = [pair for pair in others_of(self.raw, kind).items() if not pair[0].startswith("x_")]
        return self.chance.choice(found)


def stamp_lost(site: Site) -> Damage:
    if not site.position:
        raise LookupError
    return Damage("stamp lost", (site.chance.choice([f"DROP TABLE {VERSIONS}", f"DELETE FROM {VERSIONS}"]),))


# Things dropped.


def index_dropped(site: Site) -> Damage:
    return Damage("index dropped", (f"DROP INDEX {site.index()[0]}",))


def object_dropped(site: Site) -> Damage:
    kind = site.chance.choice(["view", "materialized view", "function", "sequence", "statistics"])
    name, _ = site.other(kind)
    word = "ROUTINE" if kind == "function" else kind.upper()
    return Damage(f"{kind} dropped", (f"DROP {word} {name} CASCADE",))


def on_table_dropped(site: Site) -> Damage:
    kind = site.chance.choice(["trigger", "policy"])
    name, table = site.other(kind)
    return Damage(f"{kind} dropped", (f"DROP {kind.upper()} {name} ON {table}",))


def table_dropped(site: Site) -> Damage:
    return Damage("table dropped", (f"DROP TABLE {site.table()} CASCADE",))


def column_dropped(site: Site) -> Damage:
    table = site.table()
    return Damage("column dropped", (f"ALTER TABLE {table} DROP COLUMN {site.column(table).name} CASCADE",))


def constraint_dropped(site: Site) -> Damage:
    table, name = site.constraint()
    return Damage("constraint dropped", (f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE",))


# Things made by hand: statements of a later revision.


def later_step(site: Site) -> Damage:
    later = [one for one in site.chain.revisions if one.id not in site.position]
    steps = [op for one in later for op in one.ops if op.kind not in {*ROW_WRITING, *_UNSEEN}]
    return Damage("later step by hand", _statements(site, site.chance.choice(steps)))


def models_newer(site: Site) -> Damage:
    """What `create_all` of newer models does: tables and types that are not there, with their indexes."""
    later = [one for one in site.chain.revisions if one.id not in site.position]
    steps = [op for one in later for op in one.ops if op.kind == "create_table"]
    if not steps:
        raise LookupError
    return Damage("create_all by newer models", tuple(text for op in steps for text in _statements(site, op)))


def _statements(site: Site, op: Op) -> tuple[str, ...]:
    with trying(site.raw) as run, site.raw.transaction(force_rollback=True):
        return tuple(run(op))


# Names.


def constraint_renamed(site: Site) -> Damage:
    table, name = site.constraint()
    return Damage("constraint renamed", (f"ALTER TABLE {table} RENAME CONSTRAINT {name} TO hand_{name[:50]}",))


def index_renamed(site: Site) -> Damage:
    name, _ = site.index()
    return Damage("index under another name", (f"ALTER INDEX {name} RENAME TO hand_{name[:50]}",))


def object_renamed(site: Site) -> Damage:
    kind = site.chance.choice(["view", "sequence", "table", "enum", "trigger"])
    if kind == "table":
        return Damage("table renamed", (f"ALTER TABLE {site.table()} RENAME TO hand_table",))
    name, table = site.other(kind)
    if kind == "trigger":
        return Damage("trigger renamed", (f"ALTER TRIGGER {name} ON {table} RENAME TO hand_{name}",))
    word = "TYPE" if kind == "enum" else kind.upper()
    return Damage(f"{kind} renamed", (f"ALTER {word} {name} RENAME TO hand_{name}",))


def column_renamed(site: Site) -> Damage:
    table = site.table()
    return Damage("column renamed", (f"ALTER TABLE {table} RENAME COLUMN {site.column(table).name} TO hand_column",))


# Shapes.


def column_reshaped(site: Site) -> Damage:
    table = site.table()
    column = site.column(table)
    alter = f"ALTER TABLE {table} ALTER COLUMN {column.name}"
    ways = [f"{alter} DROP NOT NULL" if column.not_null else f"{alter} SET NOT NULL"]
    if not column.generated:
        ways.append(f"{alter} DROP DEFAULT" if column.default else f"{alter} SET DEFAULT NULL::{column.declared}")
        ways += [f"{alter} TYPE {SPELT[kind]}" for kind in wider(column.declared)]
        if is_text(column.declared):
            ways += [f"{alter} SET DEFAULT 'by hand'", f'{alter} TYPE {column.declared} COLLATE "C"']
        if is_number(column.declared):
            ways.append(f"{alter} SET DEFAULT 42")
    else:
        ways.append(f"{alter} DROP EXPRESSION")
    return Damage("column in another shape", (site.chance.choice(ways),))


def key_reshaped(site: Site) -> Damage:
    table = site.table()
    key = next(column for column in columns_of(site.raw, table) if column.name == "id")
    alter = f"ALTER TABLE {table} ALTER COLUMN id"
    if key.identity:
        ways = [
            "DROP IDENTITY",
            "SET INCREMENT BY 7",
            "SET GENERATED " + ("BY DEFAULT" if key.identity == "a" else "ALWAYS"),
        ]
    elif key.default:
        ways = ["DROP DEFAULT", "TYPE bigint"]
    else:
        ways = [f"SET DEFAULT {'0' if is_number(key.declared) else chr(39) * 2}"]
    return Damage("key in another shape", (f"{alter} {site.chance.choice(ways)}",))


def table_reshaped(site: Site) -> Damage:
    table = site.table()
    ways = ("ENABLE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY", "REPLICA IDENTITY FULL", "SET UNLOGGED")
    return Damage("table in another shape", (f"ALTER TABLE {table} {site.chance.choice(ways)}",))


def index_reshaped(site: Site) -> Damage:
    """The same name with something else, or an index that a concurrent build left invalid."""
    name, table = site.index()
    if site.chance.random() < 0.4:
        return Damage(
            "index invalid", (f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass",)
        )
    column = site.column(table).name
    what = site.chance.choice([f"({column})", f"({column}, id)", f"({column}) WHERE id > 1", f"USING brin ({column})"])
    return Damage("index in another shape", (f"DROP INDEX {name}", f"CREATE INDEX {name} ON {table} {what}"))


def constraint_reshaped(site: Site) -> Damage:
    """The same name with another condition, not validated, or deferrable."""
    table, name = site.constraint()
    kind = next(kind for other, kind, _ in constraints_of(site.raw, table) if other == name)
    alter = f"ALTER TABLE {table}"
    if kind == "f":
        return Damage("foreign key deferrable", (f"{alter} ALTER CONSTRAINT {name} DEFERRABLE INITIALLY DEFERRED",))
    if kind == "u":
        raise LookupError
    definition = site.raw.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", (name,))
    text = str((definition.fetchone() or ("",))[0]).removesuffix(" NOT VALID")
    other = site.chance.choice([f"{text} NOT VALID", "CHECK (id IS NOT NULL)"])
    return Damage(
        "check in another shape", (f"{alter} DROP CONSTRAINT {name}", f"{alter} ADD CONSTRAINT {name} {other}")
    )


def trigger_off(site: Site) -> Damage:
    name, table = site.other("trigger")
    way = site.chance.choice(["DISABLE", "ENABLE ALWAYS"])
    return Damage("trigger switched", (f"ALTER TABLE {table} {way} TRIGGER {name}",))


def function_changed(site: Site) -> Damage:
    name = site.chance.choice([name for name in others_of(site.raw, "function") if name.startswith("tr_")])
    body = "BEGIN -- by hand\nRETURN NEW; END"
    ways = [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"ALTER FUNCTION {name}() SECURITY DEFINER",
    ]
    return Damage("function changed", (site.chance.choice(ways),))


def view_changed(site: Site) -> Damage:
    name, _ = site.other("view")
    table = site.table()
    return Damage(
        "view changed", (f"DROP VIEW {name} CASCADE", f"CREATE VIEW {name} AS SELECT id FROM {table} LIMIT 9")
    )


def enum_changed(site: Site) -> Damage:
    name, _ = site.other("enum")
    labels = labels_of(site.raw, name)
    ways = (f"ADD VALUE 'by hand' BEFORE '{labels[0]}'", "ADD VALUE 'by hand'", f"RENAME VALUE '{labels[0]}' TO 'hand'")
    return Damage("enum changed", (f"ALTER TYPE {name} {site.chance.choice(ways)}",))


def sequence_changed(site: Site) -> Damage:
    name, _ = site.other("sequence")
    words = site.chance.choice(["INCREMENT 9", "MAXVALUE 32000", "CYCLE"])
    return Damage("sequence changed", (f"ALTER SEQUENCE {name} {words}",))


def policy_changed(site: Site) -> Damage:
    name, table = site.other("policy")
    return Damage(
        "policy changed", (f"DROP POLICY {name} ON {table}", f"CREATE POLICY {name} ON {table} USING (false)")
    )


# What acts on rows, and is not the chain's.


def acting(site: Site) -> Damage:
    table = site.table()
    key = "id"
    ways = {
        "rule of somebody's": f"CREATE RULE y_r AS ON DELETE TO {table} DO INSTEAD NOTHING",
        "policy of somebody's": f"CREATE POLICY y_p ON {table} USING ({key} IS NOT NULL)",
        "exclusion of somebody's": f"ALTER TABLE {table} ADD CONSTRAINT y_x EXCLUDE USING btree ({key} WITH =)",
        "check of somebody's": f"ALTER TABLE {table} ADD CONSTRAINT y_c CHECK ({key} IS NOT NULL)",
        "unique index of somebody's": f"CREATE UNIQUE INDEX y_u ON {table} (({key}::text || 'x'))",
    }
    kind = site.chance.choice(list(ways))
    return Damage(kind, (ways[kind],))


# Things that the chain took away, and things on their way.


def back(site: Site) -> Damage:
    """A constraint, an index or a trigger that a revision took away."""
    with site.cluster.opened(site.chance.choice(site.past)) as raw:
        found = {*_definitions(raw)} - {*_definitions(site.raw)}
    return Damage("back that the chain took", (site.chance.choice(sorted(found)),))


def _definitions(raw: Raw) -> list[str]:
    queries = (
        """SELECT format('ALTER TABLE %I ADD CONSTRAINT %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid))
           FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype IN ('u', 'c', 'f')""",
        """SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
           WHERE c.relnamespace = 'public'::regnamespace
                 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)""",
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    )
    return [str(text) for query in queries for (text,) in raw.execute(query).fetchall()]


def put_aside(site: Site) -> Damage:
    table = site.table()
    aside = f"ALTER TABLE {table} RENAME TO {table}_old"
    empty = f"CREATE TABLE {table} (LIKE {table}_old INCLUDING ALL)"
    kind, more = site.chance.choice([("put aside as x_old", ()), ("put aside as x_old, an empty one made", (empty,))])
    return Damage(kind, (aside, *more))


# The application's own, and what is not compared.


def own_things(site: Site) -> Damage:
    number, table = site.chance.randrange(1000), site.table()
    column = site.column(table).name
    function = f"CREATE FUNCTION x_f{number}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    ways = [
        (f"CREATE TABLE x_t{number} (id serial PRIMARY KEY, v text UNIQUE CHECK (v <> ''))",),
        (f"ALTER TABLE {table} ADD COLUMN x_c{number} text",),
        (f"CREATE INDEX x_i{number} ON {table} (({column} IS NULL))",),
        (f"CREATE VIEW x_v{number} AS SELECT id FROM {table}",),
        (function,),
        (f"CREATE TYPE x_e{number} AS ENUM ('a')",),
        (f"CREATE SEQUENCE x_s{number}",),
        (f"CREATE SCHEMA x_o{number}", f"CREATE TABLE x_o{number}.{table} (id int)"),
        (f"DELETE FROM {table} WHERE id::text LIKE '%1'",),
        ("CREATE EXTENSION IF NOT EXISTS intarray",),
        (f"CREATE STATISTICS x_st{number} (mcv) ON id, {column} FROM {table}",),
    ]
    return Damage(OWN, site.chance.choice(ways))


def not_compared(site: Site) -> Damage:
    table = site.table()
    column = site.column(table).name
    ways = [
        f"COMMENT ON TABLE {table} IS 'by hand'",
        f"COMMENT ON COLUMN {table}.{column} IS 'by hand'",
        f"GRANT SELECT ON {table} TO PUBLIC",
        f"ALTER TABLE {table} SET (fillfactor = 70)",
        f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 300",
        f"ANALYZE {table}",
        f"REVOKE ALL ON {table} FROM PUBLIC",
    ]
    return Damage(OWN, (site.chance.choice(ways),))


GROUPS: dict[str, tuple[Way, ...]] = {
    "stamp lost": (stamp_lost,),
    "stamp wrong": (stamp_older, stamp_newer, stamp_elsewhere, stamp_two_rows, stamp_unknown),
    "objects dropped": (
        index_dropped,
        object_dropped,
        on_table_dropped,
        table_dropped,
        column_dropped,
        constraint_dropped,
    ),
    "made by hand": (later_step, later_step, models_newer),
    "names": (constraint_renamed, index_renamed, object_renamed, column_renamed),
    "shapes": (
        column_reshaped,
        column_reshaped,
        key_reshaped,
        table_reshaped,
        index_reshaped,
        constraint_reshaped,
        trigger_off,
        function_changed,
        view_changed,
        enum_changed,
        sequence_changed,
        policy_changed,
    ),
    "acting": (acting,),
    "taken back": (back,),
    "on their way": (put_aside,),
    OWN: (own_things, own_things, not_compared),
}
