"""Files that a chain's code writes in a sandboxed process: they land in a folder of the process, and are found there.

Why not refused: env.py makes its folder of logs and opens a file in it, and a status must neither fail by that nor
write into the project. What removes or renames a file, or changes a part of it, is refused: see `replay_process`.
"""

from __future__ import annotations

import builtins
import io
import os
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOOKING = ("access", "listdir", "lstat", "scandir", "stat")
_CREATES = os.O_CREAT | os.O_TRUNC | os.O_APPEND
_WRITES = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True, slots=True)
class _Shadow:
    """Below `scratch` files are written for real; all others land in its folder `written`.

    Why no path is resolved: that would look at files by the functions for which this stands in.
    """

    scratch: str
    real: str

    def of(self, path: object) -> str:
        """Return the place that stands for a path; empty for what is no path, or is written for real."""
        if not isinstance(path, str | bytes | os.PathLike):
            return ""
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100  (Path.resolve looks at files)
        inside = f"{name}{os.sep}".startswith((f"{self.scratch}{os.sep}", f"{self.real}{os.sep}"))
        return "" if inside or name == os.devnull else f"{self.scratch}/written{name}"

    def found(self, path: Any) -> Any:
        """Return the place of what was written at a path, else the path."""
        place = self.of(path)
        return place if place and os.path.lexists(place) else path

    def written(self, path: Any) -> Any:
        """Return the place where a file is written, in a folder that is there. Raises FileNotFoundError."""
        if not (place := self.of(path)):
            return path
        folder = os.path.dirname(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100, PTH120  (it may be bytes)
        if not os.path.lexists(folder):
            raise FileNotFoundError(2, "No such file or directory", path)
        os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120  (as above)
        return place


def shadow(scratch: Path) -> None:
    """Let this process write its files below `scratch` from now on, until it ends."""
    this = _Shadow(str(scratch), os.path.realpath(scratch))
    for name in _LOOKING:
        usual = getattr(os, name)
        looking = wraps(usual)(partial(_looked, this, usual))
        for able in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks, os.supports_effective_ids):
            if usual in able:
                able.add(looking)
        setattr(os, name, looking)
    opening = wraps(open)(partial(_opened, this, open))
    builtins.open = io.open = opening
    for name, instead in (("open", _opened_low), ("mkdir", _made)):
        usual = getattr(os, name)
        wrapped = wraps(usual)(partial(instead, this, usual))
        if usual in os.supports_dir_fd:
            os.supports_dir_fd.add(wrapped)
        setattr(os, name, wrapped)


def _looked(this: _Shadow, usual: Callable[..., Any], path: Any = ".", *more: Any, **named: Any) -> Any:
    return usual(path if named.get("dir_fd") is not None else this.found(path), *more, **named)


def _opened(this: _Shadow, usual: Callable[..., Any], file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
    if "x" in mode and os.path.lexists(file):
        raise FileExistsError(17, "File exists", file)
    return usual(this.written(file) if {*mode} & {*"wax"} else this.found(file), mode, *more, **named)


def _opened_low(this: _Shadow, usual: Callable[..., int], path: Any, flags: int, *more: Any, **named: Any) -> int:
    if named.get("dir_fd") is not None:
        return usual(path, flags, *more, **named)
    if flags & os.O_EXCL and os.path.lexists(path):
        raise FileExistsError(17, "File exists", path)
    return usual(
        this.written(path) if flags & _CREATES and flags & _WRITES else this.found(path), flags, *more, **named
    )


def _made(this: _Shadow, usual: Callable[..., None], path: Any, *more: Any, **named: Any) -> None:
    if named.get("dir_fd") is not None or not this.of(path):
        usual(path, *more, **named)
        return
    if os.path.lexists(path):
        raise FileExistsError(17, "File exists", path)
    usual(this.written(path), *more, **named)
