"""Replays that the tests share, since archmig itself lets no project use another's.

The same texts in another temporary folder give the same replay, if it read nothing but these texts.
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.model.chain_config import beside
from architect_migrate.revisions import replay
from architect_migrate.revisions.files import script_folder
from architect_migrate.revisions.reads import disk_state, reads_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from architect_migrate.model.chain_config import ChainConfig

    Replay = Callable[..., replay._Done]


# The function itself, before it is stood in for.
real = replay._replay


def shared(folder: Path) -> Replay:
    """A stand-in for the function that replays a chain, which keeps the replays in a folder."""

    def replayed(chain: ChainConfig, *draft: str) -> replay._Done:
        ini = chain.ini
        key = "" if draft or chain != beside(ini) else _key(ini)
        kept = folder / f"{key}.shared"
        if key and kept.exists():
            parts, root = json.loads(kept.read_text(encoding="utf-8"))
            done = replay._Done(*parts)
            return done._replace(reads=_moved(done.reads, root, str(ini.parent)))
        done = real(chain, *draft)
        # Rows may hold random values, which are each replay's own.
        if key and done.rows == done.steps and _only_of_the_chain(done.reads, ini):
            folder.mkdir(parents=True, exist_ok=True)
            draft_file = kept.with_suffix(f".{os.getpid()}")
            draft_file.write_text(json.dumps([done, str(ini.parent)]), encoding="utf-8")
            draft_file.replace(kept)
        return done

    return replayed


def _key(ini: Path) -> str:
    try:
        chain = script_folder(beside(ini))
        paths = sorted(path for path in chain.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        texts = [(str(path.relative_to(ini.parent)), path.read_bytes()) for path in (ini, *paths)]
    except (ChainError, OSError, ValueError):
        return ""
    return blake2b(repr(texts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _only_of_the_chain(text: str, ini: Path) -> bool:
    fields, state = json.loads(text)
    reads, chain = reads_of(fields), script_folder(beside(ini))
    inside = all(path == str(ini) or path.startswith(f"{chain}/") for path in (*reads.files, *reads.folders))
    return bool(state) and inside and not reads.variables


def _moved(text: str, old: str, new: str) -> str:
    fields, _ = json.loads(text)
    moved = [[f"{new}{name.removeprefix(old)}" if name.startswith(old) else name for name in names] for names in fields]
    reads = reads_of(moved)
    return json.dumps([reads, disk_state(reads)])
