"""History by replay: the chain is run once, in a process of its own, and what it did is remembered."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate import codec, history, schema
from architect_migrate.chain_files import fingerprint
from architect_migrate.errors import ReplayError

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTLINE_CLASSES = (history.Outline, history.Revision)
STEP_CLASSES = (
    history.Replayed,
    history.Delta,
    schema.Schema,
    schema.Table,
    schema.Column,
    schema.Generated,
    schema.ForeignKey,
    schema.Check,
    schema.Index,
    schema.IndexedColumn,
    schema.Trigger,
    schema.View,
)


def outline_of(ini: Path, cache: Path | None) -> history.Outline:
    """The chain of an alembic.ini in outline; replays it unless that was done before. Raises as `history_of`."""
    found = _read(cache, fingerprint(ini), "outline")
    if found is not None:
        outline: history.Outline = codec.load(found, OUTLINE_CLASSES)
        return outline
    return history_of(ini, cache).outline


def history_of(ini: Path, cache: Path | None) -> history.History:
    """The chain of an alembic.ini and what each revision does. Raises ChainError, ReplayError."""
    return _history(ini, cache, fingerprint(ini))


@lru_cache(maxsize=4)
def _history(ini: Path, cache: Path | None, mark: str) -> history.History:
    outline, steps = _read(cache, mark, "outline"), _read(cache, mark, "steps")
    if outline is None or steps is None:
        outline, steps = _replay(ini)
        _write(cache, mark, {"outline": outline, "steps": steps})
    return history.History(codec.load(outline, OUTLINE_CLASSES), codec.load(steps, STEP_CLASSES))


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Where replays are remembered: ARCHMIG_CACHE, else the user's cache folder; None where there is no home."""
    if named := environ.get("ARCHMIG_CACHE"):
        return Path(named)
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base) / "archmig"
    return Path(environ["HOME"]) / ".cache" / "archmig" if environ.get("HOME") else None


def _replay(ini: Path) -> tuple[str, str]:
    """Outline and steps as JSON, from a process that can reach nothing but its scratch folder."""
    with tempfile.TemporaryDirectory(prefix="archmig-replay-") as name:
        folder = Path(name)
        command = [sys.executable, "-B", "-m", "architect_migrate.replayer", str(ini), str(folder)]
        environ = {**os.environ, "TMPDIR": name, "ARCHMIG_REPLAY": "1"}
        done = subprocess.run(command, cwd=ini.parent, env=environ, capture_output=True, text=True, check=False)
        if (folder / "failed").exists():
            revision, _, cause = (folder / "failed").read_text(encoding="utf-8").partition("\n")
            raise ReplayError(str(ini), revision, cause)
        if done.returncode or not (folder / "steps").exists():
            raise ReplayError(str(ini), "", " ".join(done.stderr.split())[-500:] or f"exit code {done.returncode}")
        return (folder / "outline").read_text(encoding="utf-8"), (folder / "steps").read_text(encoding="utf-8")


def _read(cache: Path | None, mark: str, part: str) -> str | None:
    if cache is None:
        return None
    try:
        return (cache / f"{mark}.{part}.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _write(cache: Path | None, mark: str, parts: Mapping[str, str]) -> None:
    """Remember a replay; a cache that cannot be written costs time, never a run."""
    if cache is None:
        return
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for part, text in parts.items():
            draft = cache / f".{mark}.{part}.{os.getpid()}"
            draft.write_text(text, encoding="utf-8")
            draft.replace(cache / f"{mark}.{part}.json")
    except OSError:
        return
