"""Constants whose insertion fires a trigger that reads or writes other tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("psycopg")

from databases.postgresql.conftest import make_chain
from support.cli import archmig, plainly
from support.postgresql import connected, database_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REVISIONS = {
    "a1": """def upgrade():
    op.execute("CREATE TABLE s (k text PRIMARY KEY, v text); CREATE TABLE o (k text)")
""",
    "b2": """def upgrade():
    op.execute('''CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS
                  $$ BEGIN UPDATE o SET k = NEW.k; RETURN NEW; END $$;
                  CREATE TRIGGER tt AFTER INSERT ON s FOR EACH ROW EXECUTE FUNCTION tf()''')
    op.execute("INSERT INTO s VALUES ('seed', '1')")
    op.execute("DROP TRIGGER tt ON s; DROP FUNCTION tf")
""",
    "c3": """def upgrade():
    op.execute("CREATE TABLE late (k text)")
""",
}


def test_they_are_judged_by_what_is_there(
    tmp_path: Path, url_of: Callable[[int | None], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(url_of(None)) as connection:
        connection.execute("DROP DATABASE IF EXISTS triggered")
        connection.execute("CREATE DATABASE triggered")
    url = database_at(url_of(None), "triggered")
    make_chain(tmp_path, REVISIONS, url)
    with connected(url) as connection:
        connection.execute("INSERT INTO s VALUES ('a', 'x'); UPDATE alembic_version SET version_num = 'a1'")
    (tmp_path / "environments.toml").write_text(f'[env.app]\nurl = "{url}"\n')
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", url_of(None))
    (environment,) = json.loads(archmig("status", "--json").out)["environments"]
    assert (environment["error"], environment["heads"]) == (None, ["c3"])
    assert environment["state"] in {"drifted", "undecided"}
