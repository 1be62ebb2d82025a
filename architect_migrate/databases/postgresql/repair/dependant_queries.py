"""Queries for what depends on a part of a schema, and for the statements that make it again."""

from __future__ import annotations

_TABLE = "to_regclass(quote_ident(%(schema)s) || '.' || quote_ident(%(name)s))"
# The rows (classid, objid, objsubid) that a closure begins with.
STARTS = {
    "column": f"""
        SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::int FROM pg_attribute a
        WHERE a.attrelid = {_TABLE} AND a.attname = %(part)s""",
    "constraint": f"""
        SELECT 'pg_constraint'::regclass::oid, k.oid, 0 FROM pg_constraint k
        WHERE k.conrelid = {_TABLE} AND k.conname = %(part)s""",
    "relation": f"SELECT 'pg_class'::regclass::oid, {_TABLE}::oid, 0",
    "trigger": f"""
        SELECT 'pg_trigger'::regclass::oid, t.oid, 0 FROM pg_trigger t
        WHERE t.tgrelid = {_TABLE} AND t.tgname = %(part)s AND NOT t.tgisinternal""",
    "rule": f"""
        SELECT 'pg_rewrite'::regclass::oid, r.oid, 0 FROM pg_rewrite r
        WHERE r.ev_class = {_TABLE} AND r.rulename = %(part)s""",
    "policy": f"""
        SELECT 'pg_policy'::regclass::oid, p.oid, 0 FROM pg_policy p
        WHERE p.polrelid = {_TABLE} AND p.polname = %(part)s""",
    "statistics": """
        SELECT 'pg_statistic_ext'::regclass::oid, x.oid, 0
        FROM pg_statistic_ext x JOIN pg_namespace n ON n.oid = x.stxnamespace
        WHERE n.nspname = %(schema)s AND x.stxname = %(name)s""",
    "event trigger": """
        SELECT 'pg_event_trigger'::regclass::oid, e.oid, 0 FROM pg_event_trigger e WHERE e.evtname = %(name)s""",
    "function": """
        SELECT 'pg_proc'::regclass::oid, p.oid, 0 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = %(schema)s AND p.proname || '(' || array_to_string(ARRAY(
                  SELECT format_type(y, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY u(y, place) ORDER BY place
              ), ', ') || ')' = %(name)s""",
    "type": """
        SELECT 'pg_type'::regclass::oid, t.oid, 0 FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE n.nspname = %(schema)s AND (t.typname = %(name)s OR t.oid = (
                  SELECT e.typarray FROM pg_type e WHERE e.typnamespace = n.oid AND e.typname = %(name)s))""",
}
# The column, and the same one of each table that inherits it: they get another type with it.
STARTS["altered column"] = f"""
    WITH RECURSIVE heir(oid) AS (SELECT {_TABLE}::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN heir h
                                 ON i.inhparent = h.oid)
    SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::int FROM pg_attribute a JOIN heir ON heir.oid = a.attrelid
    WHERE a.attname = %(part)s"""

# What is built again with such columns too.
_REBUILT = f"""
    SELECT p.classid, p.objid, 0, coalesce(i.relispartition, k.conparentid <> 0, false) AS is_part
    FROM ({STARTS["altered column"]}) a(classid, objid, objsubid)
    JOIN pg_depend p ON (p.refclassid, p.refobjid, p.refobjsubid) = (a.classid, a.objid, a.objsubid)
    LEFT JOIN pg_class i ON p.classid = 'pg_class'::regclass AND i.oid = p.objid AND i.relkind IN ('i', 'I')
    LEFT JOIN pg_constraint k ON p.classid = 'pg_constraint'::regclass AND k.oid = p.objid
    WHERE i.oid IS NOT NULL OR k.oid IS NOT NULL OR p.classid = 'pg_statistic_ext'::regclass"""
STARTS["rebuilt"] = f"""
    {STARTS["altered column"]} UNION SELECT classid, objid, number
    FROM ({_REBUILT}) every(classid, objid, number, is_part) WHERE NOT is_part"""
# Of these PostgreSQL keeps nothing: it makes those of the whole again.
STARTS["rebuilt part"] = f"""
    SELECT classid, objid, number FROM ({_REBUILT}) every(classid, objid, number, is_part) WHERE is_part"""

# An object as what is taken down for it: the view for its rule, the column for the expression that generates it.
# Left out: what belongs to another object and goes with it, and comes again with it.
_STEP = """
    SELECT CASE WHEN r.rulename = '_RETURN' OR g.attnum IS NOT NULL THEN 'pg_class'::regclass::oid
                ELSE p.classid END AS classid,
           CASE WHEN r.rulename = '_RETURN' THEN r.ev_class WHEN g.attnum IS NOT NULL THEN g.attrelid
                ELSE p.objid END AS objid,
           CASE WHEN r.rulename = '_RETURN' THEN 0 WHEN g.attnum IS NOT NULL THEN g.attnum::int
                ELSE p.objsubid END AS objsubid,
           p.classid AS through
    FROM pg_depend p
    LEFT JOIN pg_rewrite r ON p.classid = 'pg_rewrite'::regclass AND r.oid = p.objid
    LEFT JOIN pg_attrdef ad ON p.classid = 'pg_attrdef'::regclass AND ad.oid = p.objid
    LEFT JOIN pg_attribute g ON g.attrelid = ad.adrelid AND g.attnum = ad.adnum AND g.attgenerated <> ''
    WHERE p.refclassid = d.classid AND p.refobjid = d.objid AND (d.objsubid = 0 OR p.refobjsubid = d.objsubid)
          AND p.deptype IN ('n', 'a', 'i', 'P', 'S')
          AND NOT (p.classid = 'pg_class'::regclass AND p.objsubid > 0)
          AND NOT (p.classid = 'pg_trigger'::regclass
                   AND EXISTS (SELECT FROM pg_trigger t WHERE t.oid = p.objid AND t.tgisinternal))"""
# The constraints of a domain are left out: they go with it, and come with the new one.
# Why others are left out at the end only: what depends on the functions and casts of a range type has to be found. They
# come and go with the type, as a table for long values does with its table.
_SETTLED = """
    SELECT d.classid::regclass::text, d.objid::bigint, d.objsubid, max(d.depth) FROM d
    WHERE d.depth > 0 AND NOT EXISTS (SELECT FROM s WHERE (s.classid, s.objid, s.objsubid)
                                                          = (d.classid, d.objid, d.objsubid))
          AND NOT (d.classid = 'pg_class'::regclass
                   AND EXISTS (SELECT FROM pg_class c
                               WHERE c.oid = d.objid AND c.relnamespace = 'pg_toast'::regnamespace))
          AND NOT (d.classid = 'pg_constraint'::regclass
                   AND EXISTS (SELECT FROM pg_constraint k JOIN s ON s.objid = k.contypid WHERE k.oid = d.objid))
          AND NOT (d.classid IN ('pg_proc'::regclass, 'pg_cast'::regclass)
                   AND EXISTS (SELECT FROM pg_depend i WHERE i.classid = d.classid AND i.objid = d.objid
                               AND i.deptype = 'i'))
    GROUP BY 1, 2, 3"""
# Everything that depends on something.
CLOSURE = f"""
    WITH RECURSIVE s(classid, objid, objsubid) AS (:start),
    d(classid, objid, objsubid, depth) AS (
        SELECT s.*, 0 FROM s
        UNION
        SELECT n.classid, n.objid, n.objsubid, d.depth + 1 FROM d, LATERAL ({_STEP}) n
        WHERE d.depth < 40 AND (n.classid, n.objid, n.objsubid) <> (d.classid, d.objid, d.objsubid))
    {_SETTLED}"""
# What refuses that a column gets another type: PostgreSQL sees to its indexes, constraints and own default itself.
ALTERED = f"""
    WITH RECURSIVE s(classid, objid, objsubid) AS (:start),
    d(classid, objid, objsubid, depth) AS (
        SELECT s.*, 0 FROM s
        UNION
        SELECT n.classid, n.objid, n.objsubid, d.depth + 1 FROM d, LATERAL ({_STEP}) n
        WHERE d.depth < 40 AND (n.classid, n.objid, n.objsubid) <> (d.classid, d.objid, d.objsubid)
              AND (d.depth > 0 OR n.through IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass,
                                                'pg_proc'::regclass, 'pg_publication_rel'::regclass)
                   OR (n.through = 'pg_attrdef'::regclass AND n.classid = 'pg_class'::regclass)))
    {_SETTLED}"""

_WANTED = "unnest(%(oids)s::bigint[], %(numbers)s::int[]) w(oid, number)"


def _named(relation: str) -> str:
    """The name of a relation as the reader has it: with its schema if that is another one."""
    return (
        f"(SELECT CASE WHEN n.nspname = %(schema)s THEN {relation}.relname::text "
        f"ELSE n.nspname || '.' || {relation}.relname END FROM pg_namespace n WHERE n.oid = {relation}.relnamespace)"
    )


_STATE = """CASE {0} WHEN 'D' THEN ARRAY['DISABLE'] WHEN 'R' THEN ARRAY['ENABLE REPLICA']
                 WHEN 'A' THEN ARRAY['ENABLE ALWAYS'] ELSE '{{}}'::text[] END"""
_NOTHING = "'{}'::text[]"
# For each catalog the objects that can be taken down, or forbid the change. What comes and goes with another
# object is left out: the type of a view's rows, the index of a constraint.
DESCRIBED = {
    "pg_class": f"""
        SELECT c.oid::bigint, 0, CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END,
               {_named("c")}, c.oid::regclass::text, '',
               CASE c.relkind WHEN 'v' THEN rtrim(pg_get_viewdef(c.oid), ';') ELSE
                    CASE WHEN am.amname <> 'heap' THEN 'USING ' || quote_ident(am.amname) || ' ' ELSE '' END
                    || coalesce('WITH (' || array_to_string(c.reloptions, ', ') || ') ', '') || 'AS '
                    || rtrim(pg_get_viewdef(c.oid), ';')
                    || CASE WHEN c.relispopulated THEN '' ELSE ' WITH NO DATA' END END,
               CASE c.relkind WHEN 'v' THEN coalesce(c.reloptions, {_NOTHING}) ELSE {_NOTHING} END,
               pg_get_userbyid(c.relowner)::text, ''
        FROM {_WANTED} JOIN pg_class c ON c.oid = w.oid LEFT JOIN pg_am am ON am.oid = c.relam
        WHERE c.relkind IN ('v', 'm') AND w.number = 0
        UNION ALL
        SELECT c.oid::bigint, 0, 'INDEX', {_named("c")}, c.oid::regclass::text, '', pg_get_indexdef(c.oid, 0, true),
               {_NOTHING}, '',
               CASE WHEN c.relispartition THEN 'index ' || c.relname || ' is a part of another one' ELSE '' END
        FROM {_WANTED} JOIN pg_class c ON c.oid = w.oid JOIN pg_index i ON i.indexrelid = c.oid
        WHERE c.relkind IN ('i', 'I') AND NOT EXISTS (
            SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
        UNION ALL
        SELECT c.oid::bigint, w.number, 'COLUMN', {_named("c")} || '.' || a.attname, quote_ident(a.attname),
               c.oid::regclass::text,
               format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attcollation = t.typcollation THEN ''
                       ELSE ' COLLATE ' || a.attcollation::regcollation END
               || ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') '
               || CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END
               || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
               ARRAY[c.relname::text, a.attname::text], '', ''
        FROM {_WANTED} JOIN pg_class c ON c.oid = w.oid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = w.number
        JOIN pg_type t ON t.oid = a.atttypid JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE w.number > 0 AND a.attgenerated <> '' AND a.attinhcount = 0
        UNION ALL
        SELECT c.oid::bigint, w.number, 'TABLE', {_named("c")}, c.oid::regclass::text, '', '', {_NOTHING}, '',
               'table ' || c.relname || ' depends on it'
        FROM {_WANTED} JOIN pg_class c ON c.oid = w.oid WHERE w.number = 0 AND c.relkind IN ('r', 'p', 'f')""",
    "pg_constraint": f"""
        SELECT k.oid::bigint, 0, 'CONSTRAINT', {_named("c")} || '.' || k.conname, quote_ident(k.conname),
               c.oid::regclass::text, pg_get_constraintdef(k.oid), ARRAY[{_named("c")}, k.conname::text], '', ''
        FROM {_WANTED} JOIN pg_constraint k ON k.oid = w.oid JOIN pg_class c ON c.oid = k.conrelid
        WHERE k.contype IN ('p', 'u', 'c', 'f', 'x') AND k.conparentid = 0 AND (k.conislocal OR k.contype = 'f')
        UNION ALL
        SELECT k.oid::bigint, 0, 'DOMAIN', k.conname::text, '', '', '', {_NOTHING}, '',
               'constraint ' || k.conname || ' of domain ' || k.contypid::regtype || ' depends on it'
        FROM {_WANTED} JOIN pg_constraint k ON k.oid = w.oid WHERE k.contypid <> 0""",
    "pg_trigger": f"""
        SELECT t.oid::bigint, 0, 'TRIGGER', {_named("c")} || '.' || t.tgname, quote_ident(t.tgname),
               c.oid::regclass::text, pg_get_triggerdef(t.oid, true), {_STATE.format("t.tgenabled")}, '', ''
        FROM {_WANTED} JOIN pg_trigger t ON t.oid = w.oid JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND t.tgparentid = 0""",
    "pg_rewrite": f"""
        SELECT r.oid::bigint, 0, 'RULE', {_named("c")} || '.' || r.rulename, quote_ident(r.rulename),
               c.oid::regclass::text, rtrim(pg_get_ruledef(r.oid, true), ';'), {_STATE.format("r.ev_enabled")}, '', ''
        FROM {_WANTED} JOIN pg_rewrite r ON r.oid = w.oid JOIN pg_class c ON c.oid = r.ev_class
        WHERE r.rulename <> '_RETURN'""",
    "pg_policy": f"""
        SELECT p.oid::bigint, 0, 'POLICY', {_named("c")} || '.' || p.polname, quote_ident(p.polname),
               c.oid::regclass::text,
               'CREATE POLICY ' || quote_ident(p.polname) || ' ON ' || c.oid::regclass
               || CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END
               || ' FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                           WHEN 'd' THEN 'DELETE' ELSE 'ALL' END
               || ' TO ' || (SELECT string_agg(CASE o WHEN 0 THEN 'public' ELSE o::regrole::text END, ', ')
                             FROM unnest(p.polroles) o)
               || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
               || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''), {_NOTHING}, '', ''
        FROM {_WANTED} JOIN pg_policy p ON p.oid = w.oid JOIN pg_class c ON c.oid = p.polrelid""",
    "pg_proc": """
        SELECT p.oid::bigint, 0, CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
               p.proname || '(' || array_to_string(ARRAY(
                   SELECT format_type(y, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY u(y, place) ORDER BY place
               ), ', ') || ')',
               p.oid::regprocedure::text, '',
               CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE '' END, '{}'::text[],
               pg_get_userbyid(p.proowner)::text,
               CASE WHEN p.prokind = 'a' THEN 'aggregate ' || p.proname || ' depends on it' ELSE '' END
        FROM unnest(%(oids)s::bigint[], %(numbers)s::int[]) w(oid, number) JOIN pg_proc p ON p.oid = w.oid""",
    "pg_attrdef": f"""
        SELECT d.oid::bigint, 0, 'DEFAULT', {_named("c")} || '.' || a.attname, quote_ident(a.attname),
               c.oid::regclass::text, pg_get_expr(d.adbin, d.adrelid), ARRAY[{_named("c")}, a.attname::text], '', ''
        FROM {_WANTED} JOIN pg_attrdef d ON d.oid = w.oid JOIN pg_class c ON c.oid = d.adrelid
        JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attgenerated = ''""",
    "pg_statistic_ext": f"""
        SELECT s.oid::bigint, 0, 'STATISTICS', s.stxname::text, quote_ident(s.stxname), '',
               pg_get_statisticsobjdef(s.oid), {_NOTHING}, pg_get_userbyid(s.stxowner)::text, ''
        FROM {_WANTED} JOIN pg_statistic_ext s ON s.oid = w.oid""",
    "pg_type": f"""
        SELECT t.oid::bigint, 0, 'TYPE', t.typname::text, t.oid::regtype::text, '', '', {_NOTHING},
               pg_get_userbyid(t.typowner)::text,
               'type ' || t.oid::regtype || ' depends on it'
        FROM {_WANTED} JOIN pg_type t ON t.oid = w.oid LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')""",
}
