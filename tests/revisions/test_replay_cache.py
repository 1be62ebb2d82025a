"""What of a replay lies on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.model.chain_config import beside
from architect_migrate.revisions.replay import Source, recall, remember

if TYPE_CHECKING:
    from pathlib import Path


def test_a_replay_can_be_read_by_its_user_alone(tmp_path: Path) -> None:
    source = Source(beside(tmp_path / "alembic.ini"), tmp_path / "cache", "f1")
    remember(source, {"steps": "[1]"})
    (file,) = (tmp_path / "cache").iterdir()
    assert (file.stat().st_mode & 0o777, recall(source, "steps")) == (0o600, "[1]")
