"""The oracle's reading of a PostgreSQL database: queries of its own, which share nothing with archmig's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truth.postgresql.moments import Held, held

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truth.postgresql.cluster import Raw
    from truth.reader import Row

Key = tuple[str, ...]
VERSIONS = "alembic_version"
_HERE = "= 'public'::regnamespace"
_NOT_OF_EXTENSION = "NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = {}.oid AND e.deptype = 'e')"
_RELATION = f"c.relnamespace {_HERE} AND c.relname <> '{VERSIONS}' AND {_NOT_OF_EXTENSION.format('c')}"
_TABLE = f"{_RELATION} AND c.relkind IN ('r', 'p')"
# Each gives rows of a kind, up to two names, and what is said of it.
_QUERIES = (
    f"""SELECT 'table', c.relname, '', concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity,
               c.relforcerowsecurity, c.relreplident, pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid))
        FROM pg_class c WHERE {_TABLE}""",
    f"""SELECT 'parents', c.relname, '', string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno)
        FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE {_TABLE} GROUP BY 2""",
    f"""SELECT f.kind, c.relname, a.attname, f.said
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        LEFT JOIN pg_type t ON t.oid = a.atttypid
        CROSS JOIN LATERAL (VALUES
            ('column', 'there'),
            ('column type', format_type(a.atttypid, a.atttypmod)),
            ('not null', a.attnotnull::text),
            ('default', coalesce(pg_get_expr(d.adbin, d.adrelid), '')),
            ('identity', a.attidentity::text),
            ('generated', a.attgenerated::text),
            ('collation', CASE WHEN a.attcollation <> t.typcollation
                               THEN a.attcollation::regcollation::text ELSE '' END)
        ) f (kind, said) WHERE {_TABLE}""",
    f"""SELECT 'constraint', c.relname, k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE {_TABLE} AND k.contype IN ('p', 'u', 'c', 'f', 'x')""",
    f"""SELECT 'index', x.relname, c.relname,
               replace(pg_get_indexdef(x.oid), ' ' || quote_ident(x.relname) || ' ON', ' ON')
               || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
        WHERE {_RELATION} AND c.relkind IN ('r', 'p', 'm')
              AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x'))""",
    f"""SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, c.relname, '',
               concat_ws(' ', c.reloptions::text, pg_get_viewdef(c.oid))
        FROM pg_class c WHERE {_RELATION} AND c.relkind IN ('v', 'm')""",
    f"""SELECT 'trigger', t.tgname, c.relname, concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid))
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE {_RELATION} AND NOT t.tgisinternal""",
    f"""SELECT 'rule', r.rulename, c.relname, concat_ws(' ', r.ev_enabled, pg_get_ruledef(r.oid))
        FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE {_RELATION} AND r.rulename <> '_RETURN'""",
    f"""SELECT 'policy', p.polname, c.relname, concat_ws(' ', p.polcmd, p.polpermissive, p.polroles,
               pg_get_expr(p.polqual, c.oid), 'check', pg_get_expr(p.polwithcheck, c.oid))
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE {_RELATION}""",
    f"""SELECT 'statistics', s.stxname, c.relname, pg_get_statisticsobjdef(s.oid)
        FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid WHERE {_RELATION}""",
    f"""SELECT 'sequence', c.relname, '', concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax,
               s.seqmin, s.seqcache, s.seqcycle, 'of',
               (SELECT concat_ws('.', o.relname, a.attname) FROM pg_depend d JOIN pg_class o ON o.oid = d.refobjid
                JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = d.refobjsubid
                WHERE d.objid = c.oid AND d.deptype IN ('a', 'i') LIMIT 1))
        FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid WHERE {_RELATION}""",
    f"""SELECT 'type', t.typname, '', concat_ws(' ', t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull,
               t.typdefault, (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e
                              WHERE e.enumtypid = t.oid),
               (SELECT string_agg(pg_get_constraintdef(k.oid), ',' ORDER BY k.conname) FROM pg_constraint k
                WHERE k.contypid = t.oid))
        FROM pg_type t WHERE t.typnamespace {_HERE} AND t.typtype IN ('e', 'd', 'r')
              AND {_NOT_OF_EXTENSION.format("t")}""",
    f"""SELECT 'function', replace(p.oid::regprocedure::text, 'public.', ''), '', pg_get_functiondef(p.oid)
        FROM pg_proc p WHERE p.pronamespace {_HERE} AND p.prokind IN ('f', 'p') AND {_NOT_OF_EXTENSION.format("p")}
              AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.objid = p.oid AND i.deptype = 'i')""",
    "SELECT 'extension', extname, '', '' FROM pg_extension WHERE extname <> 'plpgsql'",
)
_SETTINGS = "SELECT set_config('search_path', 'pg_catalog', true), set_config('timezone', 'UTC', true)"
# What a dump and a restore can write otherwise of one and the same expression.
_WRITTEN_OTHERWISE = re.compile(r"::(character varying|text)(\(\d+\))?(\[\])?|[()\s]|\bARRAY\b|\bpublic\.")


@dataclass(frozen=True, slots=True)
class Content:
    """`facts` of the schema by a kind and names; the rows of Alembic's table as `stamp` (None: no such table).

    `held` is what the database holds beside its schema.
    """

    facts: Mapping[Key, str]
    stamp: tuple[str, ...] | None
    held: Held

    @property
    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        return self.held.rows


def content(raw: Raw) -> Content:
    """What is in the database that a connection is open to."""
    with raw.transaction(force_rollback=True):
        raw.execute(_SETTINGS)
        facts = dict(_facts(raw))
        there = raw.execute(f"SELECT to_regclass('public.{VERSIONS}') IS NOT NULL").fetchone() == (True,)
        rows = raw.execute(f"SELECT version_num FROM public.{VERSIONS} ORDER BY 1").fetchall() if there else []
        beside = held(raw)
    return Content(facts, tuple(str(row[0]) for row in rows) if there else None, beside)


def _facts(raw: Raw) -> Iterator[tuple[Key, str]]:
    for query in _QUERIES:
        for kind, name, more, said in raw.execute(query).fetchall():
            yield tuple(filter(None, (kind, name, more))), said or ""


def alike(one: str, other: str) -> bool:
    """Whether two texts differ only in what a dump and a restore can write otherwise."""
    return _loose(one) == _loose(other)


def _loose(text: str) -> str:
    return _WRITTEN_OTHERWISE.sub("", text)
