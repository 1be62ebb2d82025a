"""Random statements of revisions that change the schema: each function writes one, or raises LookupError."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truth.chain import Op
from truth.moving_steps import successor_column, successor_table
from truth.reader import texts
from truth.scene import KINDS, TYPES, default_for, is_number, is_text, same_kind, spelt
from truth.tokens import table_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from truth.scene import Column, Scene

    Step = Callable[[Scene], Op]

_ACTIONS = ("", "", "CASCADE", "SET NULL", "RESTRICT")


def _op(kind: str, text: str, *tables: str) -> Op:
    return Op(kind, text, frozenset(table.lower() for table in tables))


def _sql(kind: str, statement: str, *tables: str) -> Op:
    return _op(kind, f"op.execute({statement!r})", *tables)


def create_table(scene: Scene) -> Op:
    """By op.create_table, with constraints named and unnamed, inline and beside the columns."""
    chance, table = scene.chance, scene.new_table()
    parts = [_key(scene)]
    names: list[str] = []
    for name in chance.sample(["name", "title", "code", "state", "amount", "size", "made"], chance.randint(1, 4)):
        kind = chance.choice(TYPES[:9])
        parts.append(f"sa.Column({name!r}, {kind}{_column_words(scene, kind)})")
        names.append(name)
    touched = [table]
    if scene.parents() and chance.random() < 0.5:
        parent, column = chance.choice(scene.parents()), "owner_id"
        parts.append(f"sa.Column({column!r}, {_key_type(scene, parent)})")
        parts += [
            f"sa.ForeignKeyConstraint([{column!r}], ['{parent}.id']{_name(scene, 'fk', table, column)}{_action(scene)})"
            for _ in range(1 if chance.random() < 0.85 else 2)
        ]
        touched.append(parent)
    if chance.random() < 0.4:
        parts.append(f"sa.UniqueConstraint({chance.choice(names)!r}{_name(scene, 'uq', table)})")
    if chance.random() < 0.35:
        parts.append(f"sa.CheckConstraint('id <> 0'{_name(scene, 'ck', table)})")
    return _op("create_table", f"op.create_table(\n    {table!r},\n    {_lines(parts)}\n)", *touched)


def create_table_by_sql(scene: Scene) -> Op:
    chance, table = scene.chance, scene.new_table()
    parts = ["id INTEGER PRIMARY KEY" + " AUTOINCREMENT" * (chance.random() < 0.3)]
    for name in chance.sample(["name", "note", "code", "rank", "place"], chance.randint(1, 3)):
        kind = spelt(chance.choice(TYPES[:7]))
        words = ["", "", " NOT NULL", " COLLATE NOCASE" if is_text(kind) else "", f" DEFAULT {default_for(kind)}"]
        parts.append(f"{name} {kind}{chance.choice(words)}{' UNIQUE' * (chance.random() < 0.15)}")
    touched = [table]
    if scene.parents() and chance.random() < 0.4:
        parent = chance.choice(scene.parents())
        parts.append(f"owner_id {spelt(_key_type(scene, parent))} REFERENCES {parent} (id)")
        touched.append(parent)
    if chance.random() < 0.3:
        name = scene.named("ck", table)
        parts.append(f"{f'CONSTRAINT {name} ' if name else ''}CHECK (id > 0)")
    return _sql("CREATE TABLE", f"CREATE TABLE {table} ({', '.join(parts)})", *touched)


def _key(scene: Scene) -> str:
    return scene.chance.choice(
        [
            'sa.Column("id", sa.Integer(), primary_key=True)',
            'sa.Column("id", sa.Integer(), primary_key=True)',
            'sa.Column("id", sa.Integer(), primary_key=True)',
            'sa.Column("id", sa.String(20), primary_key=True)',
        ]
    )


def _key_type(scene: Scene, parent: str) -> str:
    declared = next(str(row[2]) for row in scene.raw.execute(f"PRAGMA table_info({parent})") if row[1] == "id")
    return "sa.String(20)" if is_text(declared) else "sa.Integer()"


def _column_words(scene: Scene, kind: str) -> str:
    words = scene.chance.choice(["", "", "", ", nullable=False", ", nullable=False", ", unique=True", ", default"])
    if words == ", default":
        words = f", server_default=sa.text({default_for(spelt(kind))!r})"
    return words


def _name(scene: Scene, begin: str, *parts: str) -> str:
    name = scene.named(begin, *parts)
    return f", name={name!r}" if name else ""


def _action(scene: Scene) -> str:
    action = scene.chance.choice(_ACTIONS)
    return f", ondelete={action!r}" if action else ""


def _lines(parts: list[str]) -> str:
    return "\n    ".join(f"{part}," for part in parts)


def add_column(scene: Scene) -> Op:
    table = scene.table()
    return _op("add_column", f"op.add_column({table!r}, {_new_column(scene, table)})", table)


def _new_column(scene: Scene, table: str) -> str:
    name, kind = scene.new_column(table), scene.chance.choice(TYPES)
    default = f"server_default=sa.text({default_for(spelt(kind))!r})"
    words = scene.chance.choice(["", "", f", {default}", f", nullable=False, {default}"])
    return f"sa.Column({name!r}, {kind}{words})"


def add_column_by_sql(scene: Scene) -> Op:
    table = scene.table()
    name, kind = scene.new_column(table), spelt(scene.chance.choice(TYPES))
    words = scene.chance.choice(["", f" DEFAULT {default_for(kind)}", " COLLATE NOCASE" if is_text(kind) else ""])
    if scene.chance.random() < 0.15 and (parent := scene.chance.choice(scene.parents())):
        kind, words = spelt(_key_type(scene, parent)), f" REFERENCES {parent} (id)"
        return _sql("ADD COLUMN", f"ALTER TABLE {table} ADD COLUMN {name} {kind}{words}", table, parent)
    return _sql("ADD COLUMN", f"ALTER TABLE {table} ADD COLUMN {name} {kind}{words}", table)


def drop_column(scene: Scene) -> Op:
    table = scene.table()
    return _op("drop_column", f"op.drop_column({table!r}, {scene.column(table).name!r})", table)


def drop_table(scene: Scene) -> Op:
    table = scene.table()
    if len(scene.tables) < 3:
        raise LookupError
    return _op("drop_table", f"op.drop_table({table!r})", table)


def rename_table(scene: Scene) -> Op:
    table, to = scene.table(), scene.new_table()
    return _op("rename_table", f"op.rename_table({table!r}, {to!r})", table, to)


def rename_column(scene: Scene) -> Op:
    table = scene.table()
    old, new = scene.column(table).name, scene.new_column(table)
    return _sql("RENAME COLUMN", f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}", table)


def create_index(scene: Scene) -> Op:
    chance, table = scene.chance, scene.table()
    columns = list({scene.column(table).name for _ in range(chance.randint(1, 2))})
    name = scene.new_name("ix", table, columns[0])
    more = chance.choice(["", "", "", ", unique=True", f', sqlite_where=sa.text("{columns[0]} IS NOT NULL")'])
    listed = str(sorted(columns))
    if chance.random() < 0.15:
        listed = f'[sa.text("lower({columns[0]})")]'
    return _op("create_index", f"op.create_index({name!r}, {table!r}, {listed}{more})", table)


def create_index_by_sql(scene: Scene) -> Op:
    table = scene.table()
    one, other = scene.column(table).name, scene.column(table).name
    name = scene.new_name("ix", table, one)
    columns = scene.chance.choice([one, f"{one} DESC", f"lower({one})", f"{one}, id", f"{one} COLLATE NOCASE"])
    where = scene.chance.choice(["", "", f" WHERE {other} IS NOT NULL", " WHERE id > 5"])
    return _sql("CREATE INDEX", f"CREATE INDEX {name} ON {table} ({columns}){where}", table)


def drop_index(scene: Scene) -> Op:
    name = scene.chance.choice(list(scene.others("index")))
    table = next(table for table in scene.tables if name in texts(scene.raw, "index", table))
    if scene.chance.random() < 0.5:
        return _sql("DROP INDEX", f"DROP INDEX {name}", table)
    return _op("drop_index", f"op.drop_index({name!r}, table_name={table!r})", table)


def create_trigger(scene: Scene) -> Op:
    table = scene.table()
    column = scene.column(table).name
    name = scene.new_name("tr", table)
    body = f"UPDATE {table} SET {column} = NEW.{column} WHERE id = NEW.id AND {column} IS NULL"
    event = scene.chance.choice(["AFTER INSERT", "AFTER UPDATE", f"AFTER UPDATE OF {column}"])
    return _sql("CREATE TRIGGER", f"CREATE TRIGGER {name} {event} ON {table} BEGIN {body}; END", table)


def create_view(scene: Scene) -> Op:
    table = scene.table()
    name = scene.new_name("v", table)
    return _sql("CREATE VIEW", f"CREATE VIEW {name} AS SELECT id, {scene.column(table).name} FROM {table}", table)


def drop_trigger(scene: Scene) -> Op:
    return _sql("DROP TRIGGER", f"DROP TRIGGER {scene.chance.choice(list(scene.others('trigger')))}")


def drop_view(scene: Scene) -> Op:
    return _sql("DROP VIEW", f"DROP VIEW {scene.chance.choice(list(scene.views()))}")


def remake_view(scene: Scene) -> Op:
    """Take a view away and make another of the same name."""
    name = scene.chance.choice(list(scene.views()))
    table = scene.table()
    text = f"op.execute('DROP VIEW {name}')\nop.execute('CREATE VIEW {name} AS SELECT * FROM {table}')"
    return _op("view made anew", text, table)


def copy_by_hand(scene: Scene) -> Op:
    """The way of those who do not trust batch mode: a new table, a copy, a drop and a rename."""
    table = scene.table()
    text = table_text(texts(scene.raw, "table")[table])
    parts = [part.text for part in text.definitions]
    first = next(number for number, part in enumerate(text.definitions) if part.column not in {"", "id"})
    column = text.definitions[first]
    parts[first] = f"{column.tokens[0].text} {' '.join(_type_of(scene, table, column.column))}"
    made = f"CREATE TABLE {table}_new ({', '.join(parts)})"
    statements = [
        made,
        f"INSERT INTO {table}_new SELECT * FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE {table}_new RENAME TO {table}",
    ]
    return _op("copied by hand", "\n".join(f"op.execute({statement!r})" for statement in statements), table)


def _type_of(scene: Scene, table: str, column: str) -> list[str]:
    found = next(each for each in scene.columns(table) if each.name == column)
    kind = scene.chance.choice(same_kind(found.declared) or ("sa.Text()",))
    default = f"DEFAULT {default_for(spelt(kind))}"
    return [spelt(kind), *scene.chance.choice([[], [default]])]


def batch(scene: Scene) -> Op:
    """One to three changes of a table by batch_alter_table."""
    table = scene.table()
    wanted = scene.chance.choices(_BATCHED, weights=[weight for _, weight in _CHANGES], k=scene.chance.randint(1, 2))
    changes = [change(scene, table) for change in wanted]
    begin = f"with op.batch_alter_table({table!r}{_recreate(scene)}) as batch:"
    return _op("batch", "\n".join([begin, *(f"    {change}" for change in changes)]), table)


def _recreate(scene: Scene) -> str:
    return ', recreate="always"' if scene.chance.random() < 0.15 else ""


def retype(scene: Scene) -> Op:
    """A change of a declared type within its kind and nothing else."""
    table = scene.table()
    return _op("retype", f"with op.batch_alter_table({table!r}) as batch:\n    {_batch_type(scene, table)}", table)


def take_back(scene: Scene) -> Op:
    """The newest table, column or index goes again."""
    match scene.chance.choice(["table", "column", "index"]):
        case "table" if len(scene.tables) > 2:
            table = scene.newest("table")
            return _op("take back a table", f"op.drop_table({table!r})", table)
        case "column":
            table = scene.table()
            column = scene.columns(table)[-1].name
            return _op("take back a column", f"op.drop_column({table!r}, {column!r})", table)
        case _:
            index = scene.newest("index")
            table = next(table for table in scene.tables if index in texts(scene.raw, "index", table))
            return _op("take back an index", f"op.drop_index({index!r}, table_name={table!r})", table)


def _batch_add(scene: Scene, table: str) -> str:
    return f"batch.add_column({_new_column(scene, table)})"


def _batch_drop(scene: Scene, table: str) -> str:
    return f"batch.drop_column({scene.column(table).name!r})"


def _existing(column: Column) -> str:
    kind = (same_kind(column.declared) or ("sa.Text()",))[0]
    return next((each for kinds in KINDS for each in kinds if spelt(each) == column.declared.upper()), kind)


def _batch_type(scene: Scene, table: str) -> str:
    column = scene.column(table)
    kind = scene.chance.choice(same_kind(column.declared))
    return f"batch.alter_column({column.name!r}, existing_type={_existing(column)}, type_={kind})"


def _batch_nullable(scene: Scene, table: str) -> str:
    column = scene.column(table)
    return f"batch.alter_column({column.name!r}, existing_type={_existing(column)}, nullable={column.not_null})"


def _batch_default(scene: Scene, table: str) -> str:
    column = scene.column(table)
    default = "None" if column.default else f"sa.text({default_for(column.declared)!r})"
    return f"batch.alter_column({column.name!r}, existing_type={_existing(column)}, server_default={default})"


def _batch_rename(scene: Scene, table: str) -> str:
    column = scene.column(table)
    to = scene.new_column(table)
    return f"batch.alter_column({column.name!r}, existing_type={_existing(column)}, new_column_name={to!r})"


def _batch_unique(scene: Scene, table: str) -> str:
    column = scene.column(table).name
    return f"batch.create_unique_constraint({scene.new_name('uq', table, column)!r}, [{column!r}])"


def _batch_check(scene: Scene, table: str) -> str:
    numbers = [column.name for column in scene.columns(table) if is_number(column.declared)]
    condition = f"{scene.chance.choice(numbers)} >= 0" if numbers else "id <> -1"
    return f"batch.create_check_constraint({scene.new_name('ck', table)!r}, sa.text({condition!r}))"


def _batch_reference(scene: Scene, table: str) -> str:
    parent = scene.chance.choice(scene.parents())
    keys = [column.name for column in scene.columns(table) if column.name.endswith("_id") and not column.not_null]
    name = scene.new_name("fk", table, parent)
    words = f"{name!r}, {parent!r}, [{scene.chance.choice(keys)!r}], ['id']{_action(scene)}"
    return f"batch.create_foreign_key({words})"


def _batch_drop_constraint(scene: Scene, table: str) -> str:
    found = scene.constraints(table)
    named = [(name, "unique") for _, name in found.uniques if name]
    named += [(name, "check") for _, name in found.checks if name]
    named += [(key.name, "foreignkey") for key in found.foreign_keys if key.name]
    name, kind = scene.chance.choice(named)
    return f"batch.drop_constraint({name!r}, type_={kind!r})"


_CHANGES: tuple[tuple[Callable[[Scene, str], str], int], ...] = (
    (_batch_add, 3),
    (_batch_drop, 1),
    (_batch_type, 2),
    (_batch_nullable, 3),
    (_batch_default, 2),
    (_batch_rename, 1),
    (_batch_unique, 3),
    (_batch_check, 2),
    (_batch_reference, 1),
    (_batch_drop_constraint, 4),
)
_BATCHED = [change for change, _ in _CHANGES]

STEPS: tuple[tuple[Step, int], ...] = (
    (create_table, 10),
    (create_table_by_sql, 4),
    (add_column, 7),
    (add_column_by_sql, 3),
    (drop_column, 2),
    (drop_table, 3),
    (take_back, 7),
    (retype, 4),
    (rename_table, 2),
    (rename_column, 1),
    (create_index, 5),
    (create_index_by_sql, 3),
    (drop_index, 3),
    (create_trigger, 2),
    (create_view, 2),
    (drop_trigger, 1),
    (drop_view, 1),
    (remake_view, 1),
    (copy_by_hand, 2),
    (batch, 14),
    (successor_table, 3),
    (successor_column, 3),
)
