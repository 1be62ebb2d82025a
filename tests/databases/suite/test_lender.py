"""Connections for the chain's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from architect_migrate.core.database_errors import TransactionEndedError
from architect_migrate.databases.questions import count_rows
from architect_migrate.databases.registry import access, lender
from support.kinds import ADD

if TYPE_CHECKING:
    from architect_migrate.core.urls import DatabaseUrl


def test_what_a_lent_connection_writes_is_part_of_the_transaction(people: DatabaseUrl) -> None:
    with access.exclusive(people, 1.0) as connection:
        with lender.alchemy(connection) as lent:
            lent.execute(sa.text(ADD))
            assert sa.inspect(lent).get_table_names() == ["people"]
            lent.close()
        assert count_rows(connection, "people") == 3
    with access.reading(people) as connection:
        assert count_rows(connection, "people") == 2


def test_a_lent_connection_cannot_commit(people: DatabaseUrl) -> None:
    with access.exclusive(people, 1.0) as connection, lender.alchemy(connection) as lent:
        lent.execute(sa.text(ADD))
        with pytest.raises(TransactionEndedError):
            lent.commit()
    with access.reading(people) as connection:
        assert count_rows(connection, "people") == 2
