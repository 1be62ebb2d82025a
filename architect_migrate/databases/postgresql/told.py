"""What a database has beside its schema, as lines for people: owners, rights, comments, storage. It is not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.pinned import pinned, query

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.pinned import Connection

# Everything in a schema that has an owner and rights, and the schema itself.
_OWNED = """
    SELECT 'pg_class'::regclass AS catalog, c.oid, 0 AS part, c.relowner AS owner, c.relacl AS rights
    FROM pg_class c, own WHERE c.relnamespace = own.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum, NULL, a.attacl
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid, own
    WHERE c.relnamespace = own.oid AND a.attacl IS NOT NULL
    UNION ALL SELECT 'pg_proc'::regclass, p.oid, 0, p.proowner, p.proacl FROM pg_proc p, own
    WHERE p.pronamespace = own.oid
    UNION ALL SELECT 'pg_type'::regclass, t.oid, 0, t.typowner, t.typacl FROM pg_type t, own
    WHERE t.typnamespace = own.oid AND t.typtype IN ('e', 'd', 'r')
    UNION ALL SELECT 'pg_namespace'::regclass, n.oid, 0, n.nspowner, n.nspacl FROM pg_namespace n, own
    WHERE n.oid = own.oid"""

# Why these catalogs: constraints, triggers, policies and rules have comments too, and belong to a relation.
_COMMENTED = """
    SELECT catalog, oid FROM owned WHERE part = 0
    UNION ALL SELECT 'pg_class'::regclass, c.oid FROM pg_class c, own
    WHERE c.relnamespace = own.oid AND c.relkind IN ('i', 'I', 'c')
    UNION ALL SELECT 'pg_type'::regclass, t.oid FROM pg_type t, own WHERE t.typnamespace = own.oid AND t.typtype = 'c'
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k, own WHERE k.connamespace = own.oid
    UNION ALL SELECT 'pg_trigger'::regclass, t.oid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid, own
    WHERE c.relnamespace = own.oid
    UNION ALL SELECT 'pg_policy'::regclass, p.oid FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid, own
    WHERE c.relnamespace = own.oid
    UNION ALL SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class, own
    WHERE c.relnamespace = own.oid"""

_LINES = f"""
    WITH own AS (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s),
         owned AS ({_OWNED}), commented AS ({_COMMENTED})
    SELECT 'owner of ' || pg_describe_object(catalog, oid, part) || ': ' || owner::regrole
    FROM owned WHERE owner IS NOT NULL
    UNION ALL
    SELECT 'grant ' || string_agg(r.privilege_type || CASE WHEN r.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END,
                                  ', ' ORDER BY r.privilege_type) || ' on '
           || pg_describe_object(catalog, oid, part) || ' to '
           || CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE r.grantee::regrole::text END
    FROM owned, aclexplode(rights) r WHERE r.grantee IS DISTINCT FROM owner GROUP BY catalog, oid, part, r.grantee
    UNION ALL
    SELECT 'comment on ' || pg_describe_object(d.classoid, d.objoid, d.objsubid) || ': ' || d.description
    FROM commented JOIN pg_description d ON d.classoid = commented.catalog AND d.objoid = commented.oid
    UNION ALL
    SELECT 'storage of ' || pg_describe_object('pg_class'::regclass, c.oid, 0) || ': '
           || array_to_string(c.reloptions, ', ')
    FROM pg_class c, own WHERE c.relnamespace = own.oid AND c.reloptions IS NOT NULL AND c.relkind <> 'v'
    UNION ALL
    SELECT 'tablespace of ' || pg_describe_object('pg_class'::regclass, c.oid, 0) || ': ' || s.spcname
    FROM pg_class c JOIN pg_tablespace s ON s.oid = c.reltablespace, own WHERE c.relnamespace = own.oid
    UNION ALL
    SELECT 'not populated: ' || pg_describe_object('pg_class'::regclass, c.oid, 0)
    FROM pg_class c, own WHERE c.relnamespace = own.oid AND c.relkind = 'm' AND NOT c.relispopulated
    UNION ALL
    SELECT 'version of extension ' || extname || ': ' || extversion FROM pg_extension"""


def told(connection: Connection) -> tuple[str, ...]:
    """Return a line for each owner, right, comment and option of storage in the first schema of search_path, sorted.

    The connection is in a transaction.
    """
    with pinned(connection) as schema:
        return tuple(sorted(str(line) for (line,) in query(connection, _LINES, {"schema": schema}).fetchall()))
