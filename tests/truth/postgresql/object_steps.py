"""Random statements of revisions on what PostgreSQL has beside tables: views, functions, sequences, policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truth.postgresql.scene import SPELT, TYPES, default_for, labels_of
from truth.postgresql.steps import op, sql

if TYPE_CHECKING:
    from truth.chain import Op
    from truth.postgresql.scene import Scene
    from truth.postgresql.steps import Step


def create_view(scene: Scene) -> Op:
    table = scene.table()
    column = scene.column(table).name
    name = scene.new_name("v", table)
    ways = [
        f"SELECT id, {column} FROM {table}",
        f"SELECT t.* FROM {table} t WHERE t.{column} IS NOT NULL",
        f"SELECT {column}, count(*) AS number FROM {table} GROUP BY {column}",
    ]
    return sql("CREATE VIEW", f"CREATE VIEW {name} AS {scene.chance.choice(ways)}", table, name)


def create_materialized_view(scene: Scene) -> Op:
    table = scene.table()
    name = scene.new_name("m", table)
    column = scene.column(table).name
    data = scene.chance.choice(["", " WITH NO DATA"])
    made = f"CREATE MATERIALIZED VIEW {name} AS SELECT id, {column} FROM {table}{data}"
    index = f"; CREATE UNIQUE INDEX {scene.new_name('ix', name)} ON {name} (id)" if scene.chance.random() < 0.5 else ""
    return sql("MATERIALIZED VIEW", made + index, table, name)


def refresh(scene: Scene) -> Op:
    name = scene.other("materialized view")
    return sql("REFRESH", f"REFRESH MATERIALIZED VIEW {name}", name)


def drop_view(scene: Scene) -> Op:
    kind = scene.chance.choice(["view", "view", "materialized view"])
    name = scene.other(kind)
    return sql(f"DROP {kind.upper()}", f"DROP {kind.upper()} {name}", name)


def remake_view(scene: Scene) -> Op:
    """Take a view away and make another of the same name."""
    name, table = scene.other("view"), scene.table()
    text = f"op.execute('DROP VIEW {name}')\nop.execute('CREATE VIEW {name} AS SELECT id FROM {table}')"
    return op("view made anew", text, table, name)


def create_function(scene: Scene) -> Op:
    name = scene.new_name("f")
    ways = [
        f"CREATE FUNCTION {name}(a int, b text DEFAULT 'x') RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT b || a'",
        f"CREATE FUNCTION {name}() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$",
        f"CREATE PROCEDURE {name}(a int) LANGUAGE sql AS 'SELECT a'",
    ]
    return sql("CREATE FUNCTION", scene.chance.choice(ways), name)


def create_trigger(scene: Scene) -> Op:
    """A function and a trigger that calls it."""
    table = scene.table()
    column = scene.plain_column(table).name
    name = scene.new_name("tr", table)
    body = f"BEGIN IF NEW.{column} IS NULL THEN NEW.{column} = NULL; END IF; RETURN NEW; END"
    made = f"CREATE FUNCTION {name}_f() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
    event = scene.chance.choice(["BEFORE INSERT", "BEFORE UPDATE", f"BEFORE INSERT OR UPDATE OF {column}"])
    trigger = f"CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}_f()"
    return op("CREATE TRIGGER", f"op.execute({made!r})\nop.execute({trigger!r})", table, f"{name}_f")


def drop_trigger(scene: Scene) -> Op:
    name, table = scene.chance.choice(list(scene.others("trigger").items()))
    function = f"{name}_f"
    with_function = f"\nop.execute('DROP FUNCTION {function}()')" if scene.chance.random() < 0.6 else ""
    return op("DROP TRIGGER", f"op.execute('DROP TRIGGER {name} ON {table}'){with_function}", table, function)


def replace_function(scene: Scene) -> Op:
    """Another body for a trigger's function."""
    name = scene.chance.choice([name for name in scene.others("function") if name.startswith("tr_")])
    body = f"BEGIN -- {scene.mark}\nRETURN NEW; END"
    return sql(
        "OR REPLACE", f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$", name
    )


def drop_function(scene: Scene) -> Op:
    name = scene.other("function")
    return sql("DROP ROUTINE", f"DROP ROUTINE {name}", name)


def create_sequence(scene: Scene) -> Op:
    name = scene.new_name("s")
    words = scene.chance.choice(["", " START 100 INCREMENT 5", " AS smallint CYCLE", " MINVALUE 0 START 0 CACHE 10"])
    return sql("CREATE SEQUENCE", f"CREATE SEQUENCE {name}{words}", name)


def alter_sequence(scene: Scene) -> Op:
    name = scene.other("sequence")
    words = scene.chance.choice(["INCREMENT 3", "MAXVALUE 30000", "OWNED BY"])
    if words == "OWNED BY":
        table = scene.table()
        return sql("OWNED BY", f"ALTER SEQUENCE {name} OWNED BY {table}.{scene.column(table).name}", name, table)
    return sql("ALTER SEQUENCE", f"ALTER SEQUENCE {name} {words}", name)


def sequence_default(scene: Scene) -> Op:
    name, table = scene.other("sequence"), scene.table()
    column = scene.chance.choice([one.name for one in scene.columns(table) if one.declared in {"integer", "bigint"}])
    return sql("nextval", f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval('{name}')", name, table)


def drop_sequence(scene: Scene) -> Op:
    name = scene.other("sequence")
    return sql("DROP SEQUENCE", f"DROP SEQUENCE {name}", name)


def policy(scene: Scene) -> Op:
    table = scene.table()
    column = scene.column(table).name
    words = scene.chance.choice([f"USING ({column} IS NOT NULL)", "FOR INSERT WITH CHECK (id IS NOT NULL)"])
    name = scene.new_name("p", table)
    made = f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; CREATE POLICY {name} ON {table} {words}"
    return sql("policy", made, table)


def drop_policy(scene: Scene) -> Op:
    name, table = scene.chance.choice(list(scene.others("policy").items()))
    return sql("DROP POLICY", f"DROP POLICY {name} ON {table}", table)


def statistics(scene: Scene) -> Op:
    table = scene.table()
    one, other = scene.chance.sample([column.name for column in scene.columns(table)], 2)
    name = scene.new_name("st", table)
    return sql("statistics", f"CREATE STATISTICS {name} (dependencies, mcv) ON {one}, {other} FROM {table}", table)


def domain(scene: Scene) -> Op:
    table = scene.table()
    name, column = scene.new_name("d"), scene.new_column(table)
    made = f"CREATE DOMAIN {name} AS varchar(30) CHECK (value <> '' AND value NOT IN ('x', 'y'))"
    return sql("domain", f"{made}; ALTER TABLE {table} ADD COLUMN {column} {name}", table, name)


def extension(scene: Scene) -> Op:
    name = scene.chance.choice(["hstore", "citext", "pg_trgm"])
    return sql("extension", f"CREATE EXTENSION IF NOT EXISTS {name}", name)


def grant(scene: Scene) -> Op:
    table = scene.table()
    return sql("GRANT", f"GRANT SELECT ON {table} TO PUBLIC", table)


def commit(scene: Scene) -> Op:
    """A revision that ends the transaction itself."""
    text = scene.chance.choice(["op.execute('COMMIT')", "op.get_bind().execute(sa.text('COMMIT'))"])
    return op("COMMIT", text)


def drop_enum(scene: Scene) -> Op:
    """A column of an enum becomes a text, and the enum goes."""
    table = scene.table()
    enums = scene.others("enum")
    column = scene.chance.choice([each for each in scene.columns(table) if each.declared in enums])
    enum = column.declared
    gone = f"ALTER TABLE {table} ALTER COLUMN {column.name} DROP DEFAULT"
    change = f"ALTER TABLE {table} ALTER COLUMN {column.name} TYPE varchar(30) USING {column.name}::text"
    text = "\n".join(f"op.execute({one!r})" for one in (gone, change, f"DROP TYPE {enum}"))
    return op("enum to text", text, table, enum)


def enum_anew(scene: Scene) -> Op:
    """A label goes, the way that PostgreSQL leaves: a new type in place of the old one."""
    table = scene.table()
    enums = scene.others("enum")
    column = scene.chance.choice([each for each in scene.columns(table) if each.declared in enums and not each.default])
    enum = column.declared
    labels = ", ".join(f"'{each}'" for each in labels_of(scene.raw, enum)[:-1])
    statements = (
        f"ALTER TYPE {enum} RENAME TO {enum}_old",
        f"CREATE TYPE {enum} AS ENUM ({labels})",
        f"UPDATE {table} SET {column.name} = NULL WHERE {column.name}::text NOT IN ({labels})",
        f"ALTER TABLE {table} ALTER COLUMN {column.name} TYPE {enum} USING {column.name}::text::{enum}",
        f"DROP TYPE {enum}_old",
    )
    text = "\n".join(f"op.execute({one!r})" for one in statements)
    return op("enum made anew", text, table, enum)


def successor_table(scene: Scene) -> Op:
    """A new table, the old one's rows copied into it, and the old one dropped."""
    table, to = scene.table(), scene.new_table()
    columns = ", ".join(column.name for column in scene.columns(table) if not column.generated)
    overriding = " OVERRIDING SYSTEM VALUE"
    statements = (
        f"CREATE TABLE {to} (LIKE {table} INCLUDING ALL)",
        f"INSERT INTO {to} (id, {columns}){overriding} SELECT id, {columns} FROM {table}",
        f"DROP TABLE {table}",
    )
    return op("moved to a successor", "\n".join(f"op.execute({one!r})" for one in statements), table, to)


def successor_column(scene: Scene) -> Op:
    """A new column, filled from an old one that is dropped."""
    table = scene.table()
    old, new = scene.plain_column(table), scene.new_column(table)
    statements = (
        f"ALTER TABLE {table} ADD COLUMN {new} {old.declared}",
        f"UPDATE {table} SET {new} = {old.name}",
        f"ALTER TABLE {table} DROP COLUMN {old.name}",
    )
    return op("moved to another column", "\n".join(f"op.execute({one!r})" for one in statements), table)


def filled_column(scene: Scene) -> Op:
    """The usual way to a column that must have a value: nullable, filled, NOT NULL."""
    table = scene.table()
    name, kind = scene.new_column(table), scene.chance.choice(TYPES)
    text = (
        f"op.add_column({table!r}, sa.Column({name!r}, {kind}))\n"
        f'op.execute("UPDATE {table} SET {name} = {default_for(SPELT[kind])}")\n'
        f"op.alter_column({table!r}, {name!r}, nullable=False)"
    )
    return op("filled column", text, table)


OBJECT_STEPS: tuple[tuple[Step, int], ...] = (
    (create_view, 4),
    (create_materialized_view, 2),
    (refresh, 1),
    (drop_view, 2),
    (remake_view, 1),
    (create_function, 2),
    (create_trigger, 4),
    (drop_trigger, 2),
    (replace_function, 2),
    (drop_function, 1),
    (create_sequence, 2),
    (alter_sequence, 2),
    (sequence_default, 2),
    (drop_sequence, 1),
    (policy, 2),
    (drop_policy, 1),
    (statistics, 1),
    (domain, 2),
    (extension, 1),
    (grant, 1),
    (commit, 1),
    (drop_enum, 1),
    (enum_anew, 1),
    (successor_table, 2),
    (successor_column, 2),
    (filled_column, 3),
)
