"""What reading environments.toml costs where it lists many databases, or has one pattern for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.config import chain_place, file_patterns
from architect_migrate.config.loader import read_project

if TYPE_CHECKING:
    from pathlib import Path

PATTERN = '[env.t]\npath = "tenants/*.db"\n'
LISTED = "".join(f'[env.t{at}]\npath = "tenants/{at}.db"\n' for at in range(100))


@pytest.mark.parametrize("text", [PATTERN, LISTED], ids=["pattern", "listed"])
def test_alembic_ini_and_each_folder_are_read_once_for_a_hundred_databases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "tenants").mkdir()
    for at in range(100):
        (tmp_path / "tenants" / f"{at}.db").touch()
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = chain\n")
    file = tmp_path / "environments.toml"
    file.write_text(text)
    calls = list[str]()

    def counted(module: Any, name: str) -> None:
        whole = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given: (calls.append(name), whole(*given))[1])

    counted(chain_place, "chain_option")
    counted(file_patterns.os, "scandir")
    assert len(read_project(file, {}).environments) == 100
    assert calls.count("chain_option") <= 2
    assert calls.count("scandir") == (text == PATTERN)
