"""The files of a squashed chain: the old ones are kept elsewhere, and the new one takes the place of the last of them.

A killed squash leaves the chain as it was, as it will be, or without a revision that a remaining file comes after,
which Alembic and archmig refuse. Nothing is removed before every old file is kept.
"""

from __future__ import annotations

import os
import shutil
from enum import Enum
from filecmp import cmp
from itertools import count
from typing import TYPE_CHECKING

from architect_migrate.core.atomic_files import draft, is_draft, sweep, sync, write_atomically
from architect_migrate.core.chain_errors import SquashError
from architect_migrate.core.file_lock import folder_lock
from architect_migrate.revisions.files import script_folder
from architect_migrate.revisions.static_graph import folders_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from architect_migrate.model.chain_config import ChainConfig

    Moves = tuple[tuple[Path, Path], ...]

NOTHING = "nothing was written"


class OldFiles(Enum):
    """What becomes of the old files: they are moved to a folder, or stay under names that Alembic does not read."""

    MOVE = "move"
    STAY = "stay"


def places(chain: ChainConfig, files: tuple[Path, ...], last: str, old_files: OldFiles) -> Moves:
    """Return each old file with its new place, where Alembic does not read it. Raises SquashError."""
    if old_files is OldFiles.STAY:
        return tuple((file, _free_beside(file)) for file in files)
    folder = script_folder(chain) / "squashed" / last
    # Why not their names alone: files in two folders may have the same.
    top = os.path.commonpath([file.parent for file in files])
    moves = tuple((file, folder / file.relative_to(top)) for file in files)
    if any(folder.is_relative_to(each) for each in folders_of(chain)):
        raise _taken(folder, "is a folder of revisions itself")
    # A squash that was killed before it removed anything has left copies.
    copies = {place for file, place in moves if place.is_file() and cmp(file, place, shallow=False)}
    others = (each for each in folder.rglob("*") if not (each.is_dir() or is_draft(each)))
    if folder.exists() and not copies.issuperset(others):
        raise _taken(folder, "is there already")
    return moves


def _taken(folder: Path, problem: str) -> SquashError:
    advice = f"{NOTHING}: --stay leaves the old files where they are"
    return SquashError(os.fspath(folder), f"{problem}, and the old files would be moved there", advice)


def _free_beside(file: Path) -> Path:
    """A name that no earlier squash took: a file that is squashed twice has held two revisions."""
    names = (file.with_name(f"{file.name}{'' if at == 1 else f'.{at}'}.squashed") for at in count(1))
    return next(name for name in names if not os.path.lexists(name) or cmp(file, name, shallow=False))


def put(chain: ChainConfig, moves: Moves, new: Path, text: str, check: Callable[[], None]) -> None:
    """Keep the old files in their new places, and write the new one over the last of them.

    `check` looks at the chain as it is then. If it raises, or if something cannot be written, all is as before.
    Raises SquashError, and what `check` raises.
    """
    kept: list[tuple[Path, Path]] = []
    try:
        with folder_lock(script_folder(chain)):
            for folder in {new.parent, *(place.parent for _, place in moves)}:
                if folder.exists():
                    # Why of any age: every other command that writes drafts there holds the lock.
                    sweep(folder, 0)
            for file, place in moves:
                _copy(file, place)
                kept.append((file, place))
            for file in (file for file, _ in moves if file != new):
                file.unlink()
            _replace(new, text)
            check()
    except BaseException as error:
        for file, place in kept:
            _copy(place, file)
            place.unlink()
        if isinstance(error, OSError):
            raise SquashError(str(error.filename or new), error.strerror or str(error), NOTHING) from error
        raise


def _copy(file: Path, place: Path) -> None:
    """Give a file another name too. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_file() and cmp(file, place, shallow=False):
        return
    with draft(place.parent) as copy:
        shutil.copy2(file, copy)
        sync(copy)
        copy.replace(place)
    sync(place.parent)


def _replace(file: Path, text: str) -> None:
    """Write another text into a file, which keeps its mode. Raises OSError."""
    mode = file.stat().st_mode
    write_atomically(file, text)
    file.chmod(mode)
