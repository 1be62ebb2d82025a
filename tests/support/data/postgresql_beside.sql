-- By the identity of an object everything that it has beside its definition, as texts.
WITH objects AS (
    SELECT 'pg_class'::regclass AS catalog, oid, 0 AS number FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('i', 'I', 'S')
    UNION ALL SELECT 'pg_constraint'::regclass, oid, 0 FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'pg_trigger'::regclass, t.oid, 0 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
    UNION ALL SELECT 'pg_rewrite'::regclass, r.oid, 0 FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'pg_policy'::regclass, oid, 0 FROM pg_policy
    UNION ALL SELECT 'pg_proc'::regclass, oid, 0 FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'pg_type'::regclass, oid, 0 FROM pg_type WHERE typnamespace = 'public'::regnamespace
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 0 FROM pg_statistic_ext)
SELECT (pg_identify_object(o.catalog, o.oid, o.number)).type || ' ' || (pg_identify_object(o.catalog, o.oid, o.number)).identity,
       array_remove(ARRAY[
           'comment ' || d.description, 'owner ' || pg_get_userbyid(coalesce(c.relowner, p.proowner, x.stxowner)),
           'options ' || c.reloptions::text, 'options of long values ' || l.reloptions::text,
           'clustered ' || nullif(i.indisclustered, false), 'replicated ' || nullif(i.indisreplident, false),
           'tablespace ' || nullif(c.reltablespace, 0), 'target ' || nullif(coalesce(a.attstattarget, -1), -1),
           'targets ' || (SELECT string_agg(e.attnum || ' ' || e.attstattarget, ', ' ORDER BY e.attnum) FROM pg_attribute e
                          WHERE e.attrelid = c.oid AND c.relkind = 'i' AND e.attstattarget >= 0 AND o.number = 0),
           'storage ' || nullif(a.attstorage, y.typstorage)::text, 'compression ' || nullif(a.attcompression, '')::text,
           'options ' || a.attoptions::text, 'target ' || nullif(coalesce(x.stxstattarget, -1), -1),
           'extension ' || e.refobjid::text] || ARRAY(
           SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END || ' may ' || g.privilege_type
                  || CASE WHEN g.is_grantable THEN ' and grant it' ELSE '' END
           FROM aclexplode(CASE WHEN a.attnum > 0 THEN a.attacl
                                WHEN c.relkind IN ('r', 'p', 'v', 'm') THEN coalesce(c.relacl, acldefault('r', c.relowner))
                                WHEN c.relkind = 'S' THEN coalesce(c.relacl, acldefault('s', c.relowner))
                                WHEN p.oid IS NOT NULL THEN coalesce(p.proacl, acldefault('f', p.proowner))
                                WHEN t.typtype IN ('e', 'd', 'r') THEN coalesce(t.typacl, acldefault('T', t.typowner)) END) g),
           NULL)
FROM objects o
LEFT JOIN pg_description d ON d.classoid = o.catalog AND d.objoid = o.oid AND d.objsubid = o.number
LEFT JOIN pg_attribute a ON o.number > 0 AND a.attrelid = o.oid AND a.attnum = o.number
LEFT JOIN pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_class c ON o.catalog = 'pg_class'::regclass AND c.oid = o.oid AND o.number = 0
LEFT JOIN pg_class l ON l.oid = c.reltoastrelid
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_proc p ON o.catalog = 'pg_proc'::regclass AND p.oid = o.oid
LEFT JOIN pg_type t ON o.catalog = 'pg_type'::regclass AND t.oid = o.oid
LEFT JOIN pg_statistic_ext x ON o.catalog = 'pg_statistic_ext'::regclass AND x.oid = o.oid
LEFT JOIN pg_depend e ON e.classid = o.catalog AND e.objid = o.oid AND e.deptype = 'x'
