"""What a random step can see of the PostgreSQL schema that it is to change, and names and values for new things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truth.postgresql.facts import VERSIONS

if TYPE_CHECKING:
    import random

    from truth.postgresql.cluster import Raw

TABLES = ("users", "orders", "notes", "tags", "items", "logs", "keys", "posts", "parts", "teams", "events", "files")
COLUMNS = (
    "name",
    "title",
    "code",
    "note",
    "state",
    "amount",
    "owner",
    "email",
    "rank",
    "place",
    "size",
    "flag",
    "made",
)
# Types of SQLAlchemy's as PostgreSQL writes them; a value of one is a value of the next one of its line.
KINDS = (
    {
        "sa.String(20)": "character varying(20)",
        "sa.String(40)": "character varying(40)",
        "sa.String(80)": "character varying(80)",
        "sa.Text()": "text",
    },
    {"sa.SmallInteger()": "smallint", "sa.Integer()": "integer", "sa.BigInteger()": "bigint"},
    {"sa.Numeric(10, 2)": "numeric(10,2)", "sa.Numeric(12, 2)": "numeric(12,2)"},
    {"sa.Float()": "double precision"},
    {"sa.Boolean()": "boolean"},
    {"sa.Date()": "date", "sa.DateTime()": "timestamp without time zone"},
    {"sa.DateTime(timezone=True)": "timestamp with time zone"},
    {"sa.LargeBinary()": "bytea"},
    {"sa.Uuid()": "uuid"},
    {"postgresql.JSONB()": "jsonb"},
    {"sa.ARRAY(sa.Text())": "text[]"},
    {"sa.Interval()": "interval"},
)
SPELT = {name: declared for kind in KINDS for name, declared in kind.items()}
TYPES = tuple(SPELT)
_DEFAULTS = {
    **dict.fromkeys(KINDS[0].values(), "'new'"),
    **dict.fromkeys([*KINDS[1].values(), *KINDS[2].values(), *KINDS[3].values()], "0"),
    "boolean": "false",
    "date": "CURRENT_DATE",
    "timestamp without time zone": "now()",
    "timestamp with time zone": "CURRENT_TIMESTAMP",
    "uuid": "gen_random_uuid()",
    "jsonb": "'{}'",
    "text[]": "'{}'",
    "interval": "'1 day'",
    "bytea": "'a'",
}


def is_text(declared: str) -> bool:
    return declared in KINDS[0].values()


def is_number(declared: str) -> bool:
    return any(declared in kind.values() for kind in KINDS[1:4])


def default_for(declared: str) -> str:
    """A default that suits a type. Raises KeyError where none is known."""
    return _DEFAULTS[declared]


def wider(declared: str) -> list[str]:
    """Types of SQLAlchemy's that take the values of a declared one."""
    for kind in KINDS:
        spelt = list(kind.values())
        if declared in spelt:
            return list(kind)[spelt.index(declared) + 1 :]
    return []


def literal(declared: str, number: int, column: str) -> str:
    """SQL for a value that tells rows apart. Raises KeyError for a type that is not known."""
    if is_text(declared):
        # Checks with IN are on this column.
        return "'new'" if column == "state" else f"'{column} {number}'"
    values = {
        "smallint": f"{number % 30_000}",
        "integer": f"{number * 7}",
        "bigint": f"{number * 11}",
        "boolean": "true" if number % 2 else "false",
        "date": f"date '2026-01-01' + {number % 300}",
        "timestamp without time zone": f"timestamp '2026-01-02' + {number} * interval '1 minute'",
        "timestamp with time zone": f"timestamptz '2026-01-02 00:00Z' + {number} * interval '1 minute'",
        "bytea": f"'\\x{number:08x}'",
        "uuid": f"md5('{number}')::uuid",
        "jsonb": f"""'{{"n": {number}}}'""",
        "text[]": f"'{{a,{number}}}'",
        "interval": f"{number} * interval '1 second'",
    }
    return f"{number}.25" if declared.startswith(("numeric", "double")) else values[declared]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    declared: str
    not_null: bool
    default: str | None
    identity: str
    generated: str


_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
           a.attidentity::text, a.attgenerated::text
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_TABLES = f"""
    SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
           AND relname <> '{VERSIONS}' AND NOT relispartition ORDER BY oid"""
_CONSTRAINTS = """
    SELECT k.conname::text, k.contype::text, k.convalidated FROM pg_constraint k
    WHERE k.conrelid = %s::regclass AND k.contype IN ('u', 'c', 'f') ORDER BY 1"""
_INDEXES = """
    SELECT x.relname::text, c.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname = ANY (%s)
         AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid) ORDER BY x.oid"""
_OTHERS = {
    "view": "SELECT relname::text, '' FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'",
    "materialized view": """SELECT relname::text, '' FROM pg_class WHERE relnamespace = 'public'::regnamespace
                            AND relkind = 'm'""",
    "trigger": """SELECT t.tgname::text, c.relname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                  WHERE NOT t.tgisinternal""",
    "function": """SELECT p.proname::text, '' FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
                   AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid AND e.deptype IN ('e', 'i'))""",
    "enum": "SELECT typname::text, '' FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'",
    "sequence": """SELECT c.relname::text, '' FROM pg_class c WHERE relnamespace = 'public'::regnamespace
                   AND relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid
                                                     AND d.deptype IN ('a', 'i'))""",
    "policy": "SELECT p.polname::text, c.relname::text FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid",
    "statistics": "SELECT stxname::text, '' FROM pg_statistic_ext WHERE stxnamespace = 'public'::regnamespace",
}


def columns_of(raw: Raw, table: str) -> list[Column]:
    return [Column(*row) for row in raw.execute(_COLUMNS, (table,)).fetchall()]


def tables_of(raw: Raw) -> list[str]:
    return [name for (name,) in raw.execute(_TABLES).fetchall()]


def constraints_of(raw: Raw, table: str) -> list[tuple[str, str, bool]]:
    """Name, kind and validity of each constraint but the primary key."""
    return [(name, kind, valid) for name, kind, valid in raw.execute(_CONSTRAINTS, (table,)).fetchall()]


def indexes_of(raw: Raw, tables: list[str]) -> dict[str, str]:
    """Indexes that are no constraint's, each with its table."""
    return dict(raw.execute(_INDEXES, (tables,)).fetchall())


def others_of(raw: Raw, kind: str) -> dict[str, str]:
    """Objects of another kind, each with its table or ''."""
    return dict(raw.execute(f"{_OTHERS[kind]} ORDER BY 1").fetchall())


def labels_of(raw: Raw, enum: str) -> list[str]:
    found = raw.execute("SELECT unnest(enum_range(NULL::" + enum + "))::text").fetchall()
    return [label for (label,) in found]


@dataclass(slots=True)
class Scene:
    """`barred` are tables and other things that may not be changed here: another line has touched them."""

    chance: random.Random
    raw: Raw
    barred: frozenset[str]
    names_taken: set[str]
    mark: str
    counter: int = field(default=0)

    @property
    def tables(self) -> list[str]:
        return [name for name in tables_of(self.raw) if name not in self.barred]

    def table(self) -> str:
        """A table that may be changed. Raises IndexError where there is none."""
        return self.chance.choice(self.tables)

    def columns(self, table: str) -> list[Column]:
        return [column for column in columns_of(self.raw, table) if column.name != "id"]

    def column(self, table: str) -> Column:
        return self.chance.choice(self.columns(table))

    def plain_column(self, table: str) -> Column:
        return self.chance.choice([one for one in self.columns(table) if not one.generated and not one.identity])

    def key_type(self, table: str) -> str:
        return next(column.declared for column in columns_of(self.raw, table) if column.name == "id")

    def key_as_alchemy(self, table: str) -> str:
        declared = self.key_type(table)
        return next(name for name, spelt in SPELT.items() if spelt == declared)

    def constraints(self, table: str) -> list[tuple[str, str, bool]]:
        return constraints_of(self.raw, table)

    def indexes(self) -> dict[str, str]:
        return indexes_of(self.raw, self.tables)

    def others(self, kind: str) -> dict[str, str]:
        found = others_of(self.raw, kind)
        return {name: table for name, table in found.items() if not {name, table} & self.barred}

    def other(self, kind: str) -> str:
        return self.chance.choice(list(self.others(kind)))

    def new_table(self) -> str:
        taken = {*tables_of(self.raw), *self.names_taken}
        free = [name for name in TABLES if name not in taken] or [f"extra_{self.mark}"]
        return self.chance.choice(free)

    def new_column(self, table: str) -> str:
        there = {column.name for column in columns_of(self.raw, table)}
        return self.chance.choice([name for name in COLUMNS if name not in there])

    def new_name(self, begin: str, *parts: str) -> str:
        """A name for something else than a table, each another."""
        self.counter += 1
        return "_".join((begin, *parts, f"{self.mark}{self.counter}"))

    def named(self, begin: str, *parts: str) -> str:
        """A name, or '' for a constraint that gets PostgreSQL's own."""
        return self.new_name(begin, *parts) if self.chance.random() < 0.55 else ""
