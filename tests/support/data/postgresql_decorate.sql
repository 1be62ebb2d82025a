-- Gives each object of the schema what it can have beside its definition, and sets default privileges.
CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE owner; GRANT ALL ON SCHEMA public TO owner;
DO $$DECLARE r record; BEGIN
    FOR r IN SELECT c.oid::regclass AS name, c.relkind, c.relname FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'i', 'I', 'c') LOOP
        EXECUTE format('COMMENT ON %s %s IS %L', CASE r.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
            WHEN 'S' THEN 'SEQUENCE' WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
            r.name, 'comment of ''' || r.relname || '''');
        IF r.relkind IN ('r', 'p', 'v', 'm') THEN
            EXECUTE format('GRANT SELECT ON %s TO reader; GRANT DELETE ON %s TO writer WITH GRANT OPTION', r.name, r.name);
        END IF;
        IF r.relkind = 'S' THEN EXECUTE format('GRANT USAGE ON SEQUENCE %s TO reader', r.name); END IF;
        IF r.relkind IN ('v', 'm') THEN EXECUTE format('REVOKE DELETE ON %s FROM CURRENT_USER', r.name); END IF;
        IF r.relkind = 'i' THEN EXECUTE format('ALTER INDEX %s SET (fillfactor = 71)', r.name); END IF;
        IF r.relkind = 'm' THEN
            EXECUTE format('ALTER TABLE %s SET (fillfactor = 72, toast.autovacuum_enabled = false)', r.name);
        END IF;
    END LOOP;
    FOR r IN SELECT a.attrelid::regclass AS name, quote_ident(a.attname) AS part, a.attnum, c.relkind, a.attlen
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
                   AND (c.relkind IN ('r', 'p', 'v', 'm', 'c') OR c.relkind = 'i' AND EXISTS (
                        SELECT FROM pg_index i WHERE i.indexrelid = c.oid AND i.indkey[a.attnum - 1] = 0)) LOOP
        IF r.relkind = 'i' THEN
            EXECUTE format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS 73', r.name, r.attnum); CONTINUE;
        END IF;
        EXECUTE format('COMMENT ON COLUMN %s.%s IS %L', r.name, r.part, 'comment of ' || r.part);
        IF r.relkind = 'c' THEN CONTINUE; END IF;
        EXECUTE format('GRANT UPDATE (%s) ON %s TO writer', r.part, r.name);
        IF r.relkind IN ('r', 'p', 'm') THEN
            EXECUTE format('ALTER TABLE %s ALTER %s SET STATISTICS 74, ALTER %s SET (n_distinct = 7)', r.name, r.part, r.part);
            IF r.attlen = -1 THEN
                EXECUTE format('ALTER TABLE %s ALTER %s SET STORAGE EXTERNAL, ALTER %s SET COMPRESSION pglz', r.name, r.part,
                               r.part);
            END IF;
        END IF;
    END LOOP;
    FOR r IN SELECT c.conrelid::regclass AS name, c.contypid::regtype AS domain, quote_ident(c.conname) AS part,
                    c.contypid <> 0 AS is_of_domain
             FROM pg_constraint c WHERE c.connamespace = 'public'::regnamespace AND c.contype <> 'n' LOOP
        EXECUTE format('COMMENT ON CONSTRAINT %s ON %s IS %L', r.part,
                       CASE WHEN r.is_of_domain THEN 'DOMAIN ' || r.domain ELSE r.name::text END, 'constraint ' || r.part);
    END LOOP;
    FOR r IN SELECT tgrelid::regclass AS name, quote_ident(tgname) AS part FROM pg_trigger
             WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) LOOP
        EXECUTE format('COMMENT ON TRIGGER %s ON %s IS %L', r.part, r.name, 'trigger ' || r.part);
        EXECUTE format('ALTER TRIGGER %s ON %s DEPENDS ON EXTENSION plpgsql', r.part, r.name);
    END LOOP;
    FOR r IN SELECT ev_class::regclass AS name, quote_ident(rulename) AS part FROM pg_rewrite
             WHERE rulename <> '_RETURN' AND ev_class IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
             LOOP
        EXECUTE format('COMMENT ON RULE %s ON %s IS %L', r.part, r.name, 'rule ' || r.part);
    END LOOP;
    FOR r IN SELECT polrelid::regclass AS name, quote_ident(polname) AS part FROM pg_policy LOOP
        EXECUTE format('COMMENT ON POLICY %s ON %s IS %L', r.part, r.name, 'policy ' || r.part);
    END LOOP;
    FOR r IN SELECT oid::regprocedure AS name FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
             AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                             AND d.deptype IN ('i', 'e')) LOOP
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', r.name, 'function ' || r.name);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC; GRANT EXECUTE ON FUNCTION %s TO reader', r.name, r.name);
        EXECUTE format('ALTER FUNCTION %s OWNER TO owner', r.name);
    END LOOP;
    FOR r IN SELECT oid::regtype AS name, typtype FROM pg_type WHERE typnamespace = 'public'::regnamespace
             AND (typtype IN ('e', 'd', 'r') OR typtype = 'c' AND typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c'))
             LOOP
        EXECUTE format('COMMENT ON TYPE %s IS %L', r.name, 'type ' || r.name);
        EXECUTE format('REVOKE ALL ON TYPE %s FROM PUBLIC; GRANT USAGE ON TYPE %s TO writer', r.name, r.name);
    END LOOP;
    FOR r IN SELECT quote_ident(stxname) AS name FROM pg_statistic_ext WHERE stxnamespace = 'public'::regnamespace LOOP
        EXECUTE format('COMMENT ON STATISTICS %s IS %L; ALTER STATISTICS %s SET STATISTICS 75', r.name, 'statistics', r.name);
    END LOOP;
    FOR r IN SELECT DISTINCT ON (indrelid) indrelid::regclass AS name, quote_ident(c.relname) AS part
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
             WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid AND i.indpred IS NULL
                   AND pg_index_has_property(c.oid, 'clusterable') ORDER BY indrelid, c.relname = 'ix' DESC, c.relname LOOP
        EXECUTE format('ALTER TABLE %s CLUSTER ON %s', r.name, r.part);
    END LOOP;
END$$;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO writer;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO writer;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
