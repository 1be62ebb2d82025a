"""Databases that are thrown away. They are of the kind that needs no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.questions import count_rows
from architect_migrate.databases.registry import access, marks, reader, temporary

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl


@pytest.mark.usefixtures("local")
def test_a_copy_of_the_definitions_has_the_schema_and_no_rows(people: DatabaseUrl) -> None:
    with access.reading(people) as connection:
        definitions, schema = reader.definitions_of(connection), reader.read_schema(connection)
    assert temporary.schema_of(definitions, ()) == schema
    with temporary.held_in_memory() as copy:
        assert marks.defines_nothing(copy)
        temporary.make_copy(copy, definitions)
        assert (reader.read_schema(copy), count_rows(copy, "people")) == (schema, 0)


def test_an_image_holds_what_is_not_committed(tmp_path: Path) -> None:
    with temporary.scratch(tmp_path / "scratch.db") as own:
        own.execute("CREATE TABLE t (n INTEGER)")
        own.execute("INSERT INTO t VALUES (1)")
        (tmp_path / "image").write_bytes(temporary.image_of(own))
    with temporary.loaded(tmp_path / "image") as again:
        assert count_rows(again, "t") == 1


def test_what_is_built_is_committed_at_the_end(tmp_path: Path) -> None:
    with temporary.built(tmp_path / "new.db") as connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
    with access.reading(tmp_path / "new.db") as connection:
        assert count_rows(connection, "t") == 0


def test_a_folder_is_private_and_does_not_last() -> None:
    with temporary.private_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
