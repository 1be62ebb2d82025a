"""What an object has beside its definition, as statements that give it back where it is dropped and made again.

Its owner, rights, comments and security labels, and how it is stored: options, tablespace, statistics targets, the
marks of CLUSTER and of the replica identity, and the extensions that it depends on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import literal
from architect_migrate.databases.postgresql.pinned import query

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.pinned import Connection


class Address(NamedTuple):
    """An object by its numbers; `name` is quoted, as is `table`, on which a trigger, a constraint or a column is.

    `kind` is as SQL has it, `owner` empty for what belongs to its table.
    """

    oid: int
    number: int
    kind: str
    name: str
    table: str
    owner: str


class Beside(NamedTuple):
    """A statement that gives an object one thing back; `topic` is `owner`, `right`, `comment`, `storage` or `rebuilt`.

    `rebuilt` is what is lost also where a column only gets another type: its storage, and targets for statistics.
    `condition` is SQL for whether the object can still have it if it is defined otherwise now; empty if it always can.
    """

    topic: str
    statement: str
    condition: str


def addresses(connection: Connection, start: str, given: dict[str, str]) -> tuple[Address, ...]:
    """The objects that a query of their numbers finds, for which `given` are the parameters."""
    return tuple(Address(*row) for row in query(connection, _ADDRESS.replace(":start", start), given).fetchall())


def beside(connection: Connection, of: Address) -> tuple[Beside, ...]:
    """What an object has beside its definition, in the order in which it can be given back."""
    on = f" ON {of.table}" if of.kind in _ON_TABLE else ""
    given = {**of._asdict(), "catalog": _CATALOGS.get(of.kind, "pg_class"), "on": on}
    return tuple(Beside(*row) for row in query(connection, _BESIDE, given).fetchall())


def where_possible(each: Beside) -> str:
    """The statement for an object that is defined otherwise now."""
    if not each.condition:
        return each.statement
    return f"DO {literal(f'BEGIN IF {each.condition} THEN EXECUTE {literal(each.statement)}; END IF; END')}"


_ON_TABLE = frozenset({"TRIGGER", "RULE", "POLICY", "CONSTRAINT"})
_CATALOGS = {
    "TRIGGER": "pg_trigger",
    "RULE": "pg_rewrite",
    "POLICY": "pg_policy",
    "FUNCTION": "pg_proc",
    "PROCEDURE": "pg_proc",
    "CONSTRAINT": "pg_constraint",
    "STATISTICS": "pg_statistic_ext",
    "TYPE": "pg_type",
    "DOMAIN": "pg_type",
    "EVENT TRIGGER": "pg_event_trigger",
}
_ADDRESS = """
    WITH s(classid, objid, objsubid) AS (:start)
    SELECT c.oid::bigint, 0,
           CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                          WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX' ELSE 'TABLE' END,
           c.oid::regclass::text, '',
           CASE WHEN c.relkind IN ('i', 'I') THEN '' ELSE pg_get_userbyid(c.relowner)::text END
    FROM s JOIN pg_class c ON s.classid = 'pg_class'::regclass AND c.oid = s.objid AND s.objsubid = 0
    UNION ALL
    SELECT a.attrelid::bigint, a.attnum::int, 'COLUMN', quote_ident(a.attname), a.attrelid::regclass::text, ''
    FROM s JOIN pg_attribute a ON s.classid = 'pg_class'::regclass AND a.attrelid = s.objid AND a.attnum = s.objsubid
    WHERE s.objsubid > 0
    UNION ALL
    SELECT k.oid::bigint, 0, 'CONSTRAINT', quote_ident(k.conname), k.conrelid::regclass::text, ''
    FROM s JOIN pg_constraint k ON s.classid = 'pg_constraint'::regclass AND k.oid = s.objid WHERE k.conrelid <> 0
    UNION ALL
    SELECT t.oid::bigint, 0, 'TRIGGER', quote_ident(t.tgname), t.tgrelid::regclass::text, ''
    FROM s JOIN pg_trigger t ON s.classid = 'pg_trigger'::regclass AND t.oid = s.objid
    UNION ALL
    SELECT r.oid::bigint, 0, 'RULE', quote_ident(r.rulename), r.ev_class::regclass::text, ''
    FROM s JOIN pg_rewrite r ON s.classid = 'pg_rewrite'::regclass AND r.oid = s.objid
    UNION ALL
    SELECT p.oid::bigint, 0, 'POLICY', quote_ident(p.polname), p.polrelid::regclass::text, ''
    FROM s JOIN pg_policy p ON s.classid = 'pg_policy'::regclass AND p.oid = s.objid
    UNION ALL
    SELECT p.oid::bigint, 0, CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::regprocedure::text,
           '', pg_get_userbyid(p.proowner)::text
    FROM s JOIN pg_proc p ON s.classid = 'pg_proc'::regclass AND p.oid = s.objid
    UNION ALL
    SELECT t.oid::bigint, 0, CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype::text, '',
           pg_get_userbyid(t.typowner)::text
    FROM s JOIN pg_type t ON s.classid = 'pg_type'::regclass AND t.oid = s.objid WHERE t.typtype <> 'b'
    UNION ALL
    SELECT x.oid::bigint, 0, 'STATISTICS', quote_ident(x.stxname), '', pg_get_userbyid(x.stxowner)::text
    FROM s JOIN pg_statistic_ext x ON s.classid = 'pg_statistic_ext'::regclass AND x.oid = s.objid
    UNION ALL
    SELECT e.oid::bigint, 0, 'EVENT TRIGGER', quote_ident(e.evtname), '', pg_get_userbyid(e.evtowner)::text
    FROM s JOIN pg_event_trigger e ON s.classid = 'pg_event_trigger'::regclass AND e.oid = s.objid"""

# The object, and what stores it: itself, or the index of a constraint.
_OBJECTS = """
    o(oid, number, kind, name, suffix, own, owner) AS (
        VALUES (%(oid)s::bigint::oid, %(number)s::int, %(kind)s::text, %(name)s::text, %(on)s::text, %(table)s::text,
                %(owner)s::text)),
    r AS (
        SELECT c.oid, c.relkind, c.reloptions, c.reltablespace, c.reltoastrelid, c.relam, i.indrelid, i.indisclustered,
               i.indisreplident, o.name, CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'INDEX' END AS word
        FROM o JOIN pg_class c ON o.number = 0 AND c.relkind IN ('i', 'I', 'm') AND c.oid = CASE %(catalog)s
            WHEN 'pg_class' THEN o.oid
            WHEN 'pg_constraint' THEN (SELECT k.conindid FROM pg_constraint k
                                       WHERE k.oid = o.oid AND k.contype IN ('p', 'u', 'x')) END
        LEFT JOIN pg_index i ON i.indexrelid = c.oid)"""
# The rights on the object, and those that it gets by being made: by the default privileges of the role that makes it.
_RIGHTS = """
    held(acl, owner, letter, schema) AS (
        SELECT c.relacl, c.relowner, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relnamespace
        FROM o JOIN pg_class c ON c.oid = o.oid
        WHERE %(catalog)s = 'pg_class' AND o.number = 0 AND c.relkind IN ('v', 'm', 'S')
        UNION ALL
        SELECT p.proacl, p.proowner, 'f', p.pronamespace FROM o JOIN pg_proc p ON p.oid = o.oid
        WHERE %(catalog)s = 'pg_proc'
        UNION ALL
        SELECT t.typacl, t.typowner, 'T', t.typnamespace FROM o JOIN pg_type t ON t.oid = o.oid
        WHERE %(catalog)s = 'pg_type'),
    wanted AS (
        SELECT g.grantee, g.privilege_type, g.is_grantable
        FROM held, aclexplode(coalesce(held.acl, acldefault(held.letter, held.owner))) g),
    standing AS (
        SELECT d.defaclnamespace AS schema, d.defaclacl AS acl FROM pg_default_acl d, held
        WHERE d.defaclrole = current_user::regrole AND d.defaclnamespace IN (0, held.schema)
              AND d.defaclobjtype = CASE held.letter WHEN 's' THEN 'S' ELSE held.letter END),
    born AS (
        SELECT CASE g.grantee WHEN current_user::regrole THEN held.owner ELSE g.grantee END AS grantee,
               g.privilege_type, g.is_grantable
        FROM held, (SELECT coalesce((SELECT acl FROM standing WHERE schema = 0),
                                    (SELECT acldefault(letter, current_user::regrole) FROM held)) AS acl
                    UNION ALL SELECT acl FROM standing WHERE schema <> 0) every, aclexplode(every.acl) g),
    beyond AS (SELECT DISTINCT grantee FROM (TABLE born EXCEPT TABLE wanted) more),
    given AS (
        SELECT w.* FROM wanted w
        WHERE w.grantee IN (TABLE beyond) OR (w.grantee, w.privilege_type, w.is_grantable) NOT IN (TABLE born)),
    roles(role, name) AS (
        SELECT role, CASE role WHEN 0 THEN 'PUBLIC' ELSE role::regrole::text END
        FROM (SELECT grantee FROM wanted UNION SELECT grantee FROM born
              UNION SELECT g.grantee FROM o JOIN pg_attribute a ON a.attrelid = o.oid, aclexplode(a.attacl) g
                    WHERE %(catalog)s = 'pg_class') every(role)),
    target(name) AS (
        SELECT CASE WHEN kind IN ('VIEW', 'MATERIALIZED VIEW') THEN name WHEN kind = 'DOMAIN' THEN 'TYPE ' || name
                    ELSE kind || ' ' || name END FROM o)"""
# The columns of a view, or the one column that the object is.
_PARTS = """
    parts AS (
        SELECT a.*, t.typstorage, o.name AS whole, o.own, o.number,
               CASE o.number WHEN 0 THEN format('ALTER MATERIALIZED VIEW %%s ALTER %%I', o.name, a.attname)
                             ELSE format('ALTER TABLE %%s ALTER %%s', o.own, o.name) END AS altering,
               format('EXISTS (SELECT FROM pg_attribute WHERE attrelid = %%L::regclass AND attname = %%L '
                      'AND NOT attisdropped)', CASE o.number WHEN 0 THEN o.name ELSE o.own END, a.attname) AS is_there,
               format('(SELECT typstorage <> ''p'' FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid '
                      'WHERE attrelid = %%L::regclass AND attname = %%L AND NOT attisdropped)',
                      CASE o.number WHEN 0 THEN o.name ELSE o.own END, a.attname) AS is_long
        FROM o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND o.number IN (0, a.attnum)
                                      AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid
        WHERE %(catalog)s = 'pg_class' AND o.kind IN ('VIEW', 'MATERIALIZED VIEW', 'COLUMN'))"""
_BESIDE = f"""
    WITH {_OBJECTS}, {_RIGHTS}, {_PARTS}
    SELECT topic, statement, condition FROM (
        SELECT 0, 'owner', format('ALTER %%s %%s OWNER TO %%I', o.kind, o.name, o.owner), '' FROM o
        WHERE o.owner NOT IN ('', current_user)
        UNION ALL
        SELECT 1, 'right', format('REVOKE ALL ON %%s FROM %%s', target.name, roles.name), ''
        FROM target, beyond JOIN roles ON roles.role = beyond.grantee
        UNION ALL
        SELECT 2, 'right', format('GRANT %%s ON %%s TO %%s%%s', given.privilege_type, target.name, roles.name,
                                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ''
        FROM target, given JOIN roles ON roles.role = given.grantee
        UNION ALL
        SELECT 2, 'right', format('GRANT %%s (%%I) ON %%s TO %%s%%s', g.privilege_type, parts.attname,
                                  CASE parts.number WHEN 0 THEN parts.whole ELSE parts.own END, roles.name,
                                  CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), parts.is_there
        FROM parts, aclexplode(parts.attacl) g JOIN roles ON roles.role = g.grantee
        UNION ALL
        SELECT 3, 'comment', format('COMMENT ON %%s %%s%%s IS %%L', o.kind,
                                    CASE o.kind WHEN 'COLUMN' THEN o.own || '.' || o.name ELSE o.name END, o.suffix,
                                    d.description), ''
        FROM o JOIN pg_description d
             ON d.classoid = %(catalog)s::regclass AND d.objoid = o.oid AND d.objsubid = o.number
        UNION ALL
        SELECT 3, 'comment', format('COMMENT ON COLUMN %%s.%%I IS %%L', parts.whole, parts.attname, d.description),
               parts.is_there
        FROM parts JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = parts.attrelid
                                            AND d.objsubid = parts.attnum AND parts.number = 0
        UNION ALL
        SELECT 3, 'comment', format('COMMENT ON COLUMN %%s.%%I IS %%L', o.name, a.attname, d.description),
               format('EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.typrelid = a.attrelid '
                      'WHERE t.oid = %%L::regtype AND attname = %%L AND NOT attisdropped)', o.name, a.attname)
        FROM o JOIN pg_type t ON %(catalog)s = 'pg_type' AND t.oid = o.oid AND t.typrelid <> 0
        JOIN pg_attribute a ON a.attrelid = t.typrelid
        JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
        WHERE a.attnum > 0
        UNION ALL
        SELECT 3, 'comment', format('COMMENT ON CONSTRAINT %%I ON DOMAIN %%s IS %%L', k.conname, o.name, d.description),
               format('EXISTS (SELECT FROM pg_constraint WHERE contypid = %%L::regtype AND conname = %%L)', o.name,
                      k.conname)
        FROM o JOIN pg_constraint k ON %(catalog)s = 'pg_type' AND k.contypid = o.oid
        JOIN pg_description d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid
        UNION ALL
        SELECT 3, 'comment', format('COMMENT ON INDEX %%s IS %%L', r.name, d.description), ''
        FROM r JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = r.oid AND d.objsubid = 0
        WHERE %(catalog)s = 'pg_constraint'
        UNION ALL
        SELECT 3, 'comment', format('SECURITY LABEL FOR %%I ON %%s %%s IS %%L', l.provider, o.kind,
                                    CASE o.kind WHEN 'COLUMN' THEN o.own || '.' || o.name ELSE o.name END, l.label), ''
        FROM o JOIN pg_seclabel l ON l.classoid = %(catalog)s::regclass AND l.objoid = o.oid AND l.objsubid = o.number
        UNION ALL
        SELECT 3, 'comment', format('SECURITY LABEL FOR %%I ON COLUMN %%s.%%I IS %%L', l.provider, parts.whole,
                                    parts.attname, l.label), parts.is_there
        FROM parts JOIN pg_seclabel l ON l.classoid = 'pg_class'::regclass AND l.objoid = parts.attrelid
                                         AND l.objsubid = parts.attnum AND parts.number = 0
        UNION ALL
        SELECT 4, 'storage', format('ALTER %%s %%s SET (%%s)', r.word, r.name, array_to_string(r.reloptions, ', ')),
               format('(SELECT relam = %%L::oid FROM pg_class WHERE oid = %%L::regclass)', r.relam, r.name)
        FROM r WHERE r.reloptions <> '{{}}' AND r.relkind <> 'I'
        UNION ALL
        SELECT 4, 'storage', format('ALTER MATERIALIZED VIEW %%s SET (%%s)', r.name,
                                    (SELECT string_agg('toast.' || option, ', ') FROM unnest(c.reloptions) option)), ''
        FROM r JOIN pg_class c ON c.oid = r.reltoastrelid WHERE c.reloptions <> '{{}}'
        UNION ALL
        SELECT 4, 'storage', format('ALTER %%s %%s SET TABLESPACE %%I', r.word, r.name, s.spcname), ''
        FROM r JOIN pg_tablespace s ON s.oid = r.reltablespace
        UNION ALL
        SELECT 4, 'storage', format('ALTER TABLE %%s CLUSTER ON %%s', r.indrelid::regclass, r.name),
               format('pg_index_has_property(%%L::regclass, ''clusterable'') '
                      'AND (SELECT indpred IS NULL FROM pg_index WHERE indexrelid = %%L::regclass)', r.name, r.name)
        FROM r WHERE r.indisclustered
        UNION ALL
        SELECT 4, 'storage', format('ALTER TABLE %%s REPLICA IDENTITY USING INDEX %%s', r.indrelid::regclass, r.name),
               format('EXISTS (SELECT FROM pg_class c WHERE c.oid = %%L::regclass AND c.relreplident = ''i'' '
                      'AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident))',
                      r.indrelid::regclass)
        FROM r WHERE r.indisreplident
        UNION ALL
        SELECT 4, 'rebuilt', format('ALTER INDEX %%s ALTER COLUMN %%s SET STATISTICS %%s', r.name, a.attnum,
                                    a.attstattarget),
               format('(SELECT indkey[%%s] = 0 FROM pg_index WHERE indexrelid = %%L::regclass)', a.attnum - 1, r.name)
        FROM r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attstattarget >= 0 WHERE r.word = 'INDEX'
        UNION ALL
        SELECT 4, 'storage', format('%%s SET STATISTICS %%s', altering, attstattarget), is_there
        FROM parts WHERE attstattarget >= 0
        UNION ALL
        SELECT 4, 'rebuilt', format('%%s SET STORAGE %%s', altering,
                                    CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                                                    ELSE 'EXTENDED' END), is_long
        FROM parts WHERE attstorage <> typstorage
        UNION ALL
        SELECT 4, 'rebuilt', format('%%s SET COMPRESSION %%s', altering,
                                    CASE attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END), is_long
        FROM parts WHERE attcompression <> ''
        UNION ALL
        SELECT 4, 'storage', format('%%s SET (%%s)', altering, array_to_string(attoptions, ', ')), is_there
        FROM parts WHERE attoptions <> '{{}}'
        UNION ALL
        SELECT 4, 'rebuilt', format('ALTER STATISTICS %%s SET STATISTICS %%s', o.name, x.stxstattarget), ''
        FROM o JOIN pg_statistic_ext x ON %(catalog)s = 'pg_statistic_ext' AND x.oid = o.oid WHERE x.stxstattarget >= 0
        UNION ALL
        SELECT 4, 'storage', format('ALTER %%s %%s%%s DEPENDS ON EXTENSION %%I', o.kind, o.name, o.suffix, e.extname),
               ''
        FROM o JOIN pg_depend d ON d.classid = %(catalog)s::regclass AND d.objid = o.oid AND d.deptype = 'x'
        JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
    ) every(place, topic, statement, condition)
    ORDER BY place, statement"""
