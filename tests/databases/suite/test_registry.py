"""Which kind a thing belongs to."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.urls import BACKENDS
from architect_migrate.databases import base
from architect_migrate.databases.capabilities import Capability
from architect_migrate.databases.registry import KINDS, LOCAL, about, access, driver_errors, kind_of, lacking

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.core.urls import DatabaseUrl

# What functions of the modules take or return, and no module.
VALUES = {"Connection", "Held", "Meter", "Recording"}
# The parts that only the kind without a server has as a whole: it stands for the chain itself, too.
LOCAL_PARTS = {"Dialect", "Digests", "Temporary", "Trials"}
PROTOCOLS = {name for name, each in vars(base).items() if isinstance(each, type) and each.__module__ == base.__name__}


def test_a_url_a_connection_and_an_error_belong_to_their_kind(kind: str, people: DatabaseUrl) -> None:
    with access.reading(people) as connection:
        assert kind_of(connection) == kind
        with pytest.raises(driver_errors()) as caught:
            connection.execute("no statement")
    assert (kind_of(people), kind_of(caught.value)) == (kind, kind)


def test_a_file_belongs_to_the_kind_without_a_server(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "a.db") == LOCAL


def test_every_database_that_a_url_can_name_is_of_a_kind() -> None:
    assert {*BACKENDS} == {*KINDS}


def test_every_kind_has_every_part_with_every_function(kind: str) -> None:
    """What mypy compares in detail, so that a part that nobody compares is found too."""
    lacking_parts = LOCAL_PARTS if Capability.LOCAL in lacking(kind) else set()
    for part in PROTOCOLS - VALUES - lacking_parts:
        module, protocol = import_module(f"architect_migrate.databases.{kind}.{part.lower()}"), getattr(base, part)
        assert [name for name in vars(protocol) if not name.startswith("_") and not hasattr(module, name)] == []


def test_a_kind_says_its_name_and_version(kind: str) -> None:
    name, version = about(kind).version()
    assert (name, version[:1].isdigit()) == (kind, True)


def test_a_kind_is_imported_when_something_of_it_is_called() -> None:
    asked = "import sys; import architect_migrate.databases.registry; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "architect_migrate.databases.registry" in modules
    assert [name for name in modules for kind in KINDS if kind in name] == []
