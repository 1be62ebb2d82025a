"""The queries for a schema: one for each kind of object, plain rows, for PostgreSQL 14 and later.

The reader maps their rows to values, and the digest hashes the same rows, so neither sees what the other does not. They
rely on pinned settings, above all on a search_path of the schema alone: then PostgreSQL writes the schema's own names
without the schema, in expressions and definitions too. No row contains an object identifier or the schema's name.

Why plain rows: making JSON on the server takes five times as long. Why `:relations`: no index of pg_class begins with
the schema, so the relations are looked up once, and everything else by their identifiers.
"""

from __future__ import annotations

from functools import lru_cache

# Settings that change how PostgreSQL writes texts, or that mislead its planner where catalogs are large.
SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "quote_all_identifiers": "off",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",
}
# The first schema of search_path that exists and that the role may use, and those that it may not use.
CURRENT = """
    SELECT (SELECT s::text FROM unnest(current_schemas(false)) WITH ORDINALITY u(s, place)
            WHERE left(s, 3) <> 'pg_' ORDER BY place LIMIT 1), current_user::text, current_setting('search_path'),
           ARRAY(SELECT nspname::text FROM pg_namespace WHERE NOT has_schema_privilege(oid, 'USAGE'))"""
_LOCAL = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in SETTINGS.items())
# Why pg_temp last: by default a temporary table would hide one of the same name.
# The settings for the rest of a transaction.
TEXTS = f"SELECT {_LOCAL}"
PIN = f"SELECT {_LOCAL}, set_config('search_path', quote_ident(%(schema)s::text) || ', pg_temp', true)"


def _of_extension(catalog: str, oid: str) -> str:
    return (
        f"EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_catalog.{catalog}'::regclass AND e.objid = {oid} "
        "AND e.deptype = 'e')"
    )


def _of_type(catalog: str, oid: str) -> str:
    """Whether an object came with a type, as the functions of a range type do, or belongs to an extension."""
    return (
        f"EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_catalog.{catalog}'::regclass AND e.objid = {oid} "
        "AND (e.deptype = 'e' OR e.deptype = 'i' AND e.refclassid = 'pg_catalog.pg_type'::regclass))"
    )


# Relations without those that an extension or a hidden table brings.
RELATIONS = f"""
    SELECT n.oid AS schema, ARRAY(
               SELECT c.oid FROM pg_class c
               WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                     AND c.relname <> ALL (%(without)s::text[]) AND NOT {_of_extension("pg_class", "c.oid")}
                     AND NOT EXISTS (SELECT FROM pg_depend o JOIN pg_class h ON h.oid = o.refobjid
                                     WHERE c.relkind = 'S' AND o.classid = 'pg_class'::regclass AND o.objid = c.oid
                                           AND o.refclassid = 'pg_class'::regclass AND o.refobjsubid > 0
                                           AND h.relname = ANY (%(without)s::text[]))) AS relations
    FROM pg_namespace n WHERE n.nspname = %(schema)s"""


def _columns(keys: str, table: str) -> str:
    """The names of the columns with these numbers, in their order."""
    return (
        "ARRAY(SELECT x.attname::text "
        f"FROM unnest({keys}) WITH ORDINALITY u(number, place) "
        f"JOIN pg_attribute x ON x.attrelid = {table} AND x.attnum = u.number ORDER BY u.place)"
    )


def _named(relation: str, schema: str) -> str:
    """The name of a relation as it is stored, with its schema if that is another one."""
    return (
        f"CASE WHEN {relation}.relnamespace = :schema THEN {relation}.relname::text "
        f"ELSE {schema}.nspname || '.' || {relation}.relname END"
    )


def _collation(column: str, of_type: str) -> str:
    return f"CASE WHEN {column} <> {of_type} THEN {column}::regcollation::text END"


def _function(column: str) -> str:
    """The name of a function that an object uses; NULL if it uses none."""
    return f"CASE WHEN {column}::oid <> 0 THEN {column}::text END"


_SEQUENCE = (
    "s.seqtypid::regtype::text, s.seqstart::text, s.seqincrement::text, s.seqmin::text, s.seqmax::text, "
    "s.seqcache::text, s.seqcycle::text"
)

_TABLES = """
    SELECT c.relname::text, c.relkind::text, c.relpersistence::text, c.relrowsecurity, c.relforcerowsecurity,
           c.relreplident::text,
           (SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
            WHERE i.indrelid = c.oid AND i.indisreplident AND c.relreplident = 'i'),
           CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END,
           CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
           CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
           ARRAY(SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = c.oid ORDER BY h.inhseqno),
           (SELECT am.amname::text FROM pg_am am WHERE am.oid = c.relam),
           (SELECT s.srvname::text FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
            WHERE f.ftrelid = c.oid),
           (SELECT f.ftoptions FROM pg_foreign_table f WHERE f.ftrelid = c.oid)
    FROM pg_class c WHERE c.oid = :relations AND c.relkind IN ('r', 'p', 'f')"""

_COLUMNS = f"""
    SELECT c.relname::text, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), a.attname::text,
           format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity::text,
           a.attgenerated::text, {_collation("a.attcollation", "t.typcollation")}, a.attfdwoptions,
           CASE WHEN a.attidentity <> '' THEN (
               SELECT ARRAY[q.relname::text, {_SEQUENCE}] FROM pg_depend o JOIN pg_sequence s ON s.seqrelid = o.objid
               JOIN pg_class q ON q.oid = s.seqrelid
               WHERE o.refclassid = 'pg_class'::regclass AND o.refobjid = a.attrelid AND o.refobjsubid = a.attnum
                     AND o.classid = 'pg_class'::regclass AND o.deptype = 'i') END
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.oid = :relations AND c.relkind IN ('r', 'p', 'f')"""

# Whether a trigger of PostgreSQL's own by which it enforces a constraint does not fire, here or in a partition. Why for
# all at once: asked of each constraint, it takes a third of the time of a digest.
_DISABLED = """k.oid = ANY (ARRAY(
               WITH RECURSIVE d(oid) AS (
                   SELECT g.tgconstraint FROM pg_trigger g WHERE g.tgenabled NOT IN ('O', 'A') AND g.tgconstraint <> 0
                   UNION SELECT h.conparentid FROM pg_constraint h JOIN d ON h.oid = d.oid WHERE h.conparentid <> 0)
               SELECT oid FROM d))"""

# The parameters of storage of a constraint's index, as its definition has them: they are no difference between schemas.
_STORED_BY = """(
               SELECT coalesce(' WITH (' || string_agg(
                   quote_ident(split_part(p, '=', 1)) || '=' || CASE WHEN quote_ident(v.text) = v.text THEN v.text
                                                                     ELSE quote_literal(v.text) END, ', '
                   ORDER BY place) || ')', 'none')
               FROM pg_class x, unnest(x.reloptions) WITH ORDINALITY u(p, place),
                    LATERAL (SELECT substr(p, strpos(p, '=') + 1)) v(text)
               WHERE x.oid = k.conindid)"""

# Why some are left out: a foreign key to or of a partitioned table has a constraint for each partition, and since
# version 18 each NOT NULL is a constraint, of which the column tells, unless it does not hold for all rows.
_CONSTRAINTS = f"""
    SELECT c.relname::text, k.conname::text, k.contype::text, {_columns("k.conkey", "k.conrelid")},
           {_named("p", "pn")}, {_columns("k.confkey", "k.confrelid")}, k.confupdtype::text, k.confdeltype::text,
           k.confmatchtype::text, :delete_columns,
           k.condeferrable, k.condeferred, k.convalidated,
           k.connoinherit AND k.contype IN ('c', 'n'), :enforced,
           :nulls_not_distinct, :period,
           coalesce(i.indisvalid, true), {_columns("i.indkey[i.indnkeyatts:]", "i.indrelid")},
           pg_get_expr(k.conbin, k.conrelid), {_DISABLED},
           CASE WHEN k.contype = 'x' THEN replace(pg_get_constraintdef(k.oid), {_STORED_BY}, '') END
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
    LEFT JOIN pg_class p ON p.oid = k.confrelid LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
    WHERE k.conrelid = :relations AND k.contype IN ('p', 'u', 'c', 'f', 'x', 'n')
          AND (k.contype <> 'f' OR k.conparentid = 0) AND (k.contype <> 'n' OR NOT k.convalidated OR k.connoinherit)"""

# Apart from the others: the digest has all that they say.
_CONSTRAINT_TEXTS = """
    SELECT c.relname::text, k.conname::text, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.conrelid = :relations AND k.contype IN ('p', 'u', 'c', 'f') AND (k.contype <> 'f' OR k.conparentid = 0)"""

_OF_CONSTRAINT = (
    "EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = i.indexrelid "
    "AND o.deptype = 'i' AND o.refclassid = 'pg_constraint'::regclass)"
)

_INDEXES = f"""
    SELECT x.relname::text, c.relname::text, am.amname::text, i.indisunique, :nulls_not_distinct,
           i.indisvalid, pg_get_expr(i.indpred, i.indrelid), {_columns("i.indkey[i.indnkeyatts:]", "i.indrelid")},
           (SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = x.oid)
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_am am ON am.oid = x.relam WHERE i.indrelid = :relations AND NOT {_OF_CONSTRAINT}"""

# Apart from the others, because it has parameters of storage, which are no difference between schemas.
_INDEX_TEXTS = f"""
    SELECT x.relname::text, pg_get_indexdef(i.indexrelid, 0, true)
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = :relations AND NOT {_OF_CONSTRAINT}"""

_TERMS = f"""
    SELECT x.relname::text, a.attnum, ca.attname::text,
           CASE WHEN ca.attname IS NULL THEN pg_get_indexdef(i.indexrelid, a.attnum, false) END,
           CASE WHEN NOT oc.opcdefault THEN
               CASE WHEN pg_opclass_is_visible(oc.oid) THEN '' ELSE quote_ident(ocn.nspname) || '.' END
               || quote_ident(oc.opcname) END,
           a.attoptions, {_collation("i.indcollation[a.attnum - 1]", "coalesce(ca.attcollation, et.typcollation)")},
           coalesce(i.indoption[a.attnum - 1], 0)
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts
    JOIN pg_type et ON et.oid = a.atttypid JOIN pg_opclass oc ON oc.oid = i.indclass[a.attnum - 1]
    JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
    LEFT JOIN pg_attribute ca ON ca.attrelid = i.indrelid AND ca.attnum = i.indkey[a.attnum - 1] AND ca.attnum <> 0
    WHERE i.indrelid = :relations AND NOT {_OF_CONSTRAINT}"""

_VIEWS = """
    SELECT c.relname::text, c.relkind::text, pg_get_viewdef(c.oid),
           CASE WHEN c.relkind = 'v' THEN ARRAY(SELECT o FROM unnest(c.reloptions) o ORDER BY o COLLATE "C") END,
           ARRAY(SELECT quote_ident(a.attname) || ' SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
                 JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                 WHERE d.adrelid = c.oid ORDER BY a.attnum), c.relispopulated
    FROM pg_class c WHERE c.oid = :relations AND c.relkind IN ('v', 'm')"""

_TRIGGERS = """
    SELECT c.relname::text, t.tgname::text, pg_get_triggerdef(t.oid, true), t.tgenabled::text
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE t.tgrelid = :relations AND NOT t.tgisinternal AND t.tgparentid = 0"""

_RULES = """
    SELECT c.relname::text, r.rulename::text, pg_get_ruledef(r.oid, true), r.ev_enabled::text
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE r.ev_class = :relations AND r.rulename <> '_RETURN'"""

_POLICIES = """
    SELECT c.relname::text, p.polname::text, p.polcmd::text, p.polpermissive,
           ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE r::regrole::text END FROM unnest(p.polroles) r ORDER BY 1),
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE p.polrelid = :relations"""

# Why the beginning is cut off: it is the only text that always names the schema.
_STATISTICS = """
    SELECT c.relname::text, s.stxname::text, substr(pg_get_statisticsobjdef(s.oid),
               length('CREATE STATISTICS ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname)) + 2)
    FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = s.stxnamespace
    WHERE s.stxrelid = :relations"""

_SEQUENCES = f"""
    SELECT c.relname::text, c.relpersistence::text, ARRAY[{_SEQUENCE}], h.relname::text, a.attname::text
    FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid
    LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = c.oid
         AND o.refclassid = 'pg_class'::regclass AND o.refobjsubid > 0 AND o.deptype IN ('a', 'i')
    LEFT JOIN pg_class h ON h.oid = o.refobjid
    LEFT JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
    WHERE c.oid = :relations AND c.relkind = 'S' AND o.deptype IS DISTINCT FROM 'i'"""

_TYPES = f"""
    SELECT t.typname::text, t.typtype::text,
           ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
           CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
           CASE WHEN t.typtype = 'd' THEN {_collation("t.typcollation", "b.typcollation")} END, t.typnotnull,
           CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) END,
           ARRAY(SELECT quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid)
                 FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname COLLATE "C"),
           ARRAY(SELECT quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                        || coalesce(' COLLATE ' || {_collation("a.attcollation", "at.typcollation")}, '')
                 FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid
                 WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                 ORDER BY a.attnum),
           (SELECT ARRAY[r.rngsubtype::regtype::text, r.rngmultitypid::regtype::text,
                         (SELECT quote_ident(opcname) FROM pg_opclass WHERE oid = r.rngsubopc AND NOT opcdefault),
                         {_collation("r.rngcollation", "st.typcollation")},
                         {_function("r.rngcanonical")}, {_function("r.rngsubdiff")}]
            FROM pg_range r JOIN pg_type st ON st.oid = r.rngsubtype WHERE r.rngtypid = t.oid)
    FROM pg_type t LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace = :schema AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
          AND NOT {_of_extension("pg_type", "t.oid")}"""

_FUNCTIONS = f"""
    SELECT p.proname::text, p.prokind::text,
           ARRAY(SELECT format_type(y, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY u(y, place) ORDER BY place),
           CASE WHEN p.prokind <> 'a' THEN substr(pg_get_functiondef(p.oid), length('CREATE OR REPLACE ' || CASE
                    p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || quote_ident(n.nspname)) + 2) END
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.pronamespace = :schema AND NOT {_of_type("pg_proc", "p.oid")}"""

_AGGREGATES = f"""
    SELECT p.proname::text,
           ARRAY(SELECT format_type(y, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY u(y, place) ORDER BY place),
           pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.proparallel::text, g.aggkind::text,
           g.aggnumdirectargs, g.aggtransfn::text, {_function("g.aggfinalfn")}, {_function("g.aggcombinefn")},
           {_function("g.aggserialfn")}, {_function("g.aggdeserialfn")}, {_function("g.aggmtransfn")},
           {_function("g.aggminvtransfn")}, {_function("g.aggmfinalfn")}, g.aggfinalextra, g.aggmfinalextra,
           g.aggfinalmodify::text, g.aggmfinalmodify::text, nullif(g.aggsortop, 0)::regoperator::text,
           g.aggtranstype::regtype::text, g.aggtransspace, nullif(g.aggmtranstype, 0)::regtype::text, g.aggmtransspace,
           g.agginitval, g.aggminitval
    FROM pg_proc p JOIN pg_aggregate g ON g.aggfnoid = p.oid
    WHERE p.pronamespace = :schema AND NOT {_of_extension("pg_proc", "p.oid")}"""

# Extensions and event triggers belong to the database. plpgsql is in every one.
_EXTENSIONS = """
    SELECT x.extname::text,
           CASE WHEN x.extnamespace NOT IN (:schema, 'pg_catalog'::regnamespace) THEN n.nspname::text END
    FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname <> 'plpgsql'"""

_EVENT_TRIGGERS = f"""
    SELECT t.evtname::text, t.evtevent::text, ARRAY(SELECT o FROM unnest(t.evttags) o ORDER BY o COLLATE "C"),
           t.evtfoid::regproc::text, t.evtenabled::text
    FROM pg_event_trigger t WHERE NOT {_of_extension("pg_event_trigger", "t.oid")}"""


# Of what is not read in detail there are the names: everything else that depends on the schema, and what an application
# may add to the database. The server's own objects have identifiers below this number.
_OWN = "oid >= 16384"
_READ = ("pg_class", "pg_proc", "pg_type", "pg_statistic_ext", "pg_extension", "pg_default_acl")
# What of the catalogs is compared as a whole: strings and truths of an object's row, and what it depends on. Numbers
# are left out, since most are those of other objects, and a collation's version, which is the system's.
_WHOLE = (
    *("am", "cast", "collation", "conversion", "foreign_data_wrapper", "foreign_server", "language", "opclass"),
    *("operator", "opfamily", "publication", "transform", "ts_config", "ts_dict", "ts_parser", "ts_template", "type"),
)
_ROWS = " ".join(
    f"WHEN 'pg_{name}'::regclass THEN (SELECT to_jsonb(x) FROM pg_{name} x WHERE x.oid = o.objid)" for name in _WHOLE
)
_DEFINITION = f"""md5(concat(
    (SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(CASE o.classid {_ROWS} END) f
     WHERE f.value #>> '{{}}' !~ '^-?[0-9]+$' AND f.key !~ '(acl|version)$'),
    (SELECT string_agg(concat(m.maptokentype, m.mapdict::regdictionary), ',' ORDER BY m.maptokentype, m.mapseqno)
     FROM pg_ts_config_map m WHERE o.classid = 'pg_ts_config'::regclass AND m.mapcfg = o.objid),
    (SELECT k.castfunc::regprocedure FROM pg_cast k WHERE o.classid = 'pg_cast'::regclass AND k.oid = o.objid),
    (SELECT string_agg(j.type || ' ' || replace(j.identity, quote_ident(current_schema()) || '.', ''), ','
                       ORDER BY j.type, j.identity)
     FROM pg_depend d, LATERAL pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) j
     WHERE d.classid = o.classid AND d.objid = o.objid AND d.refclassid <> 'pg_namespace'::regclass)))"""
_UNREAD = f"""
    SELECT i.type, replace(i.identity, quote_ident(current_schema()) || '.', ''), {_DEFINITION}
    FROM (SELECT d.classid, d.objid FROM pg_depend d
          WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = :schema
                AND d.classid NOT IN ({", ".join(f"'{catalog}'::regclass" for catalog in _READ)})
          UNION ALL
          SELECT 'pg_type'::regclass, t.oid FROM pg_type t
          WHERE t.typnamespace = :schema AND (t.typtype = 'p' OR t.typtype = 'b' AND t.typsubscript <>
                                                                 'array_subscript_handler'::regproc)
          UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am WHERE {_OWN}
          UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast WHERE {_OWN}
          UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper WHERE {_OWN}
          UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server WHERE {_OWN}
          UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language WHERE {_OWN}
          UNION ALL SELECT 'pg_publication'::regclass, oid FROM pg_publication WHERE {_OWN}
          UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform WHERE {_OWN}) o,
         LATERAL pg_identify_object(o.classid, o.objid, 0) i
    WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.classid AND e.objid = o.objid
                      AND (e.deptype = 'e' OR e.deptype = 'i' AND e.refclassid = 'pg_type'::regclass))"""

_QUERIES = {
    "table": _TABLES,
    "column": _COLUMNS,
    "constraint": _CONSTRAINTS,
    "constraint text": _CONSTRAINT_TEXTS,
    "index": _INDEXES,
    "index text": _INDEX_TEXTS,
    "term": _TERMS,
    "view": _VIEWS,
    "trigger": _TRIGGERS,
    "rule": _RULES,
    "policy": _POLICIES,
    "statistics": _STATISTICS,
    "sequence": _SEQUENCES,
    "type": _TYPES,
    "function": _FUNCTIONS,
    "aggregate": _AGGREGATES,
    "extension": _EXTENSIONS,
    "event trigger": _EVENT_TRIGGERS,
    "unread": _UNREAD,
}


# What catalogs have since a version, with what holds before.
_SINCE = {
    ":delete_columns": (15, _columns("k.confdelsetcols", "k.conrelid"), "'{}'::text[]"),
    ":nulls_not_distinct": (15, "coalesce(i.indnullsnotdistinct, false)", "false"),
    ":enforced": (18, "k.conenforced", "true"),
    ":period": (18, "k.conperiod", "false"),
}


_IN_PATH = "ARRAY(SELECT oid FROM pg_namespace WHERE nspname = ANY (current_schemas(false)) AND nspname !~ '^pg_')"
_SCHEMA = "(SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)"
DEFINES_NOTHING = f"""
    SELECT NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = ANY ({_IN_PATH})
                       AND c.relkind NOT IN ('i', 'I') AND NOT {_of_extension("pg_class", "c.oid")})
       AND NOT EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = ANY ({_IN_PATH}) AND t.typtype IN ('e', 'd', 'r')
                       AND NOT {_of_extension("pg_type", "t.oid")})
       AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = ANY ({_IN_PATH})
                       AND NOT {_of_type("pg_proc", "p.oid")})"""
TABLE_NAMES = f"""
    SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = {_SCHEMA} AND c.relkind IN ('r', 'p', 'f')
    AND NOT {_of_extension("pg_class", "c.oid")}"""
HAS_TRIGGERS = f"""
    SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                   WHERE c.relnamespace = {_SCHEMA} AND c.relname = ANY (%(tables)s::text[]) AND NOT t.tgisinternal)"""


@lru_cache(maxsize=8)
def queries(major: int) -> dict[str, str]:
    """Return the query for each kind of object; parameters are the `schema` and its `relations`, by identifiers."""
    return {
        kind: text.replace("= :relations", "= ANY (%(relations)s::oid[])").replace(":schema", "%(schema)s::oid")
        for kind, text in _of_version(major).items()
    }


@lru_cache(maxsize=8)
def digest_query(major: int) -> str:
    """Return one query for a hash of the rows of all queries; parameters are the name of a `schema` and `without`."""
    lines = "\n    UNION ALL ".join(
        f"SELECT '{kind}' || line::text AS line FROM ({text}) line"
        for kind, text in _of_version(major).items()
        if not kind.endswith(" text")
    )
    own = lines.replace("= :relations", "= ANY ((SELECT relations FROM own)::oid[])")
    own = own.replace(":schema", "(SELECT schema FROM own)")
    return f"""
    WITH own AS MATERIALIZED ({RELATIONS})
    SELECT encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), ''), 'UTF8')), 'hex')
    FROM ({own}) lines"""


def _of_version(major: int) -> dict[str, str]:
    return {kind: _as_of(major, text) for kind, text in _QUERIES.items()}


def _as_of(major: int, text: str) -> str:
    for name, (since, now, before) in _SINCE.items():
        text = text.replace(name, now if major >= since else before)
    return text


# The rest is about rows. Constraints that rows of a table can break, as a condition that all of them meet: what is
# declared NOT ENFORCED is left out. A partitioned table has no rows of its own; its partitions have its constraints.
# Why to_jsonb: older versions do not have these columns.
CHECKS = """
    SELECT t.relname::text, k.conname::text,
           CASE k.contype WHEN 'c' THEN pg_get_expr(k.conbin, k.conrelid)
                ELSE (SELECT quote_ident(a.attname) FROM pg_attribute a
                      WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1]) || ' IS NOT NULL' END
    FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = %(schema)s AND t.relkind = 'r' AND (k.contype = 'c' OR k.contype = 'n' AND NOT k.convalidated)
          AND to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'
    UNION ALL
    SELECT t.relname::text, 'generated column ' || quote_ident(a.attname),
           quote_ident(a.attname) || ' IS NOT DISTINCT FROM (' || pg_get_expr(d.adbin, d.adrelid) || ')'
    FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = %(schema)s AND t.relkind = 'r' AND a.attgenerated = 's'
    ORDER BY 1, 2"""
# The checks of domains, with each column of their types, as a value of the type that the domain is made from. A domain
# can be made from another one.
DOMAINS = """
    WITH RECURSIVE a(attrelid, attname, atttypid) AS (
        SELECT attrelid, attname, atttypid FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
        UNION ALL SELECT a.attrelid, a.attname, b.typbasetype
                  FROM a JOIN pg_type b ON b.oid = a.atttypid AND b.typtype = 'd')
    SELECT t.relname::text, k.conname || ' of domain ' || d.typname || ' for column ' || quote_ident(a.attname),
           quote_ident(a.attname) || '::' || format_type(d.typbasetype, d.typtypmod), pg_get_expr(k.conbin, 0)
    FROM pg_constraint k JOIN pg_type d ON d.oid = k.contypid JOIN a ON a.atttypid = d.oid
         JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = %(schema)s AND t.relkind = 'r' AND k.contype = 'c'
    ORDER BY 1, 2"""
# Foreign keys: the table and how to name its rows, the same of the parent, both columns, how they match, and whether
# their last column is a period.
FOREIGN_KEYS = """
    SELECT t.relname::text, CASE t.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END,
           k.confrelid::regclass::text, CASE p.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY place),
           ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(number, place)
                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY place),
           k.confmatchtype::text, to_jsonb(k) ->> 'conperiod' IS NOT DISTINCT FROM 'true'
    FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
         JOIN pg_class p ON p.oid = k.confrelid
    WHERE n.nspname = %(schema)s AND k.contype = 'f' AND k.conparentid = 0
          AND to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'
    ORDER BY 1, k.conname"""
CHECKSUM_FAILURES = """
    SELECT checksum_failures, checksum_last_failure::text FROM pg_stat_database
    WHERE datname = current_database() AND checksum_failures > 0"""
# Indexes on text are in another order than the system's now, if its collations have changed.
COLLATION_VERSIONS = """
    SELECT 'indexes on text',
           'the database was made with version ' || datcollversion || ' of its collation, and the system has version '
           || pg_database_collation_actual_version(oid)
    FROM pg_database
    WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)"""
# A statement for each index, with amcheck's function wherever its extension is.
AMCHECK = """
    SELECT t.relname::text, i.relname::text,
           format('SELECT %%I.bt_index_check(%%L::oid::regclass, true)', e.nspname, i.oid)
    FROM (SELECT s.nspname FROM pg_extension x JOIN pg_namespace s ON s.oid = x.extnamespace
          WHERE x.extname = 'amcheck') e,
         pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
         JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_am m ON m.oid = i.relam
    WHERE n.nspname = %(schema)s AND m.amname = 'btree' AND i.relkind = 'i' AND x.indisvalid AND t.relpersistence <> 't'
    ORDER BY 1, 2"""
