"""Compares a database's file with a copy, byte by byte, in a process of its own; run as a script, it is that process.

Why another process: POSIX releases all of a process's locks on a file, SQLite's too, when any descriptor of it closes.
Why only the standard library: the process has to start in milliseconds.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

# What the process answers in the place of a digest.
_DIFFERENT = "different"
_CHUNK = 1 << 20
# The page at this byte is never used, because SQLite's locks lie there; the backup API does not copy it.
_LOCKS = 1 << 30
# What SQLite's backup API writes anew in the header: the change counter, the schema cookie, and for which of these
# counts the size is valid, with SQLite's version.
_OF_THE_COPY = (slice(24, 28), slice(40, 44), slice(92, 100))


@dataclass(frozen=True, slots=True)
class Same:
    """The files hold the same; `digest` is that of the copy's bytes."""

    digest: str


@dataclass(frozen=True, slots=True)
class Different:
    """The files do not hold the same."""


@dataclass(frozen=True, slots=True)
class NotCompared:
    """The process could not compare them."""


Comparison: TypeAlias = Same | Different | NotCompared


def compare_files(original: Path, copy: Path, size: int, page_size: int) -> Comparison:
    """Compare a database of `size` bytes with its copy, without what SQLite's backup API writes into a header.

    A lock has to keep writers out of the original, and it must not be in WAL mode: its file would not be all of it.
    """
    # Why here: the script that this file is as well runs without the package.
    from architect_migrate.core.interpreter import interpreter

    # Why -I and -S: no environment variable and no site-packages change what runs, and it starts sooner.
    command = [interpreter(), "-I", "-S", __file__, str(original), str(copy), str(size), str(page_size)]
    try:
        # Why a session of its own: a Ctrl-C is this process's to handle, which stops the other one then.
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )
    except OSError:
        return NotCompared()
    answer = done.stdout.decode("ascii", "replace").strip()
    if done.returncode or not answer:
        return NotCompared()
    return Different() if answer == _DIFFERENT else Same(answer)


def file_digest(path: Path) -> str:
    """The digest of a file's bytes, as `Same` has it. Raises OSError.

    Why only for a backup: reading a database in use this way would release SQLite's locks on it.
    """
    digest = _new_digest()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _new_digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)


def main(original: Path, copy: Path, size: int, page_size: int) -> str:
    """Compare the files; return the digest of the copy, or `_DIFFERENT`."""
    digest = _new_digest()
    with original.open("rb") as old, copy.open("rb") as new:
        for start in range(0, size, _CHUNK):
            length = min(_CHUNK, size - start)
            before, after = old.read(length), new.read(length)
            if len(after) != length or _compared(before, start, page_size) != _compared(after, start, page_size):
                return _DIFFERENT
            digest.update(after)
        if new.read(1):
            return _DIFFERENT
    return digest.hexdigest()


def _compared(chunk: bytes, start: int, page_size: int) -> bytes:
    """The bytes of a chunk that have to be equal in both files."""
    if start == _LOCKS:
        return chunk[page_size:]
    if start:
        return chunk
    header = bytearray(chunk)
    for place in _OF_THE_COPY:
        header[place] = bytes(place.stop - place.start)
    return bytes(header)


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))  # noqa: T201 (into a pipe)
