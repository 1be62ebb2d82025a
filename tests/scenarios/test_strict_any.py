"""An ANY column of a STRICT table in a batch operation, which no version of SQLAlchemy copies as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.errors import ArchmigError
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import batch, code, digest, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

ANY = "CREATE TABLE s (id INTEGER PRIMARY KEY, a ANY, n TEXT) STRICT"
# Versions that take ANY for NUMERIC convert its values; with those that also keep STRICT, the chain cannot run at all.
REFUSED = ("column \"a\" was '007', is 7", 'unknown datatype for _alembic_tmp_s.a: "NUMERIC"')


def run(home: Home) -> None:
    plan = home.preview().plan
    assert plan is not None
    reconcile(home.context(), plan, lambda *_: None)


def test_a_batch_operation_never_changes_the_values_of_an_any_column(tmp_path: Path) -> None:
    second = code("r1", *batch("s", "alter_column('n', server_default='', nullable=False)"))
    home = own_chain(tmp_path, {"r1": revision(None, ANY), "r2": second})
    script(home.database, ANY, "INSERT INTO s VALUES (1, '007', 'x')", *stamp("r1"))
    before = digest(home.database)
    with pytest.raises(ArchmigError) as error:
        run(home)
    assert any(words in str(error.value) for words in REFUSED)
    assert digest(home.database) == before
