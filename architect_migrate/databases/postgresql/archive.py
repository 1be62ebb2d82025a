"""Reads archives of pg_dump: the statements and the rows that pg_restore writes of them."""

from __future__ import annotations

import codecs
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import ArchiveProgramError, RestoreError
from architect_migrate.core.secrets import mask
from architect_migrate.databases.postgresql.programs import newest_clients
from architect_migrate.databases.postgresql.statements import significant, split

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from architect_migrate.databases.postgresql.statements import Token

# How many characters of what a program says are shown.
_LONGEST = 300
_END = b"\\.\n"
# What pg_restore writes around its statements since 2025, which only psql understands.
_FOR_PSQL = (b"\\restrict ", b"\\unrestrict ")
_ENTRY = b"--\n"
_INSTALL = "install that of the version which made it or a newer one, or `pip install archmig[postgresql-server]`"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive, with the folder and the major version of the programs that read it."""

    path: Path
    folder: Path
    release: int


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of a table as COPY writes them, one line each; `text` is the COPY statement without its semicolon."""

    schema: str
    table: str
    columns: tuple[str, ...]
    text: str
    lines: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class SequenceValue:
    """How far a sequence has come: `value` is None where it gave out no number yet; `text` is the statement."""

    sequence: str
    value: int | None
    text: str


def opened(path: Path) -> Archive:
    """Return an archive to be read. Raises ArchiveProgramError if no program is installed that reads archives."""
    found = newest_clients()
    if found is None:
        raise ArchiveProgramError(str(path), "pg_restore is not installed", f"nothing was changed: {_INSTALL}")
    return Archive(path, found[1], found[0])


def listed(archive: Archive) -> tuple[str, ...]:
    """Return the lines of an archive's table of contents. Raises RestoreError."""
    with _lines(archive, "--list") as lines:
        return tuple(line.decode("utf-8", "surrogateescape").rstrip("\n") for line in lines)


def contents(archive: Archive, *options: str) -> Generator[str | TableRows | SequenceValue]:
    """Yield the statements of an archive, or of the part that pg_restore's options select, without their semicolons.

    The lines of a table are those until the next item is asked for. Raises RestoreError if the archive cannot be read
    to its end: after its last line, whatever was made of them.
    """
    encoding, rows = "utf-8", _Rows(iter(()))
    with _lines(archive, "--file=-", *options) as lines:
        for text in _statements(lines):
            sql = text.decode(encoding, "surrogateescape")
            tokens = significant(sql)
            words = [token.name for token in tokens]
            if words[:2] == ["set", "client_encoding"]:
                encoding = _codec(tokens[-2].text.strip("'"))
            plain = sql[: tokens[-1].start]
            match words:
                case ["copy", schema, ".", table, *_, "stdin", ";"]:
                    rows = _Rows(lines)
                    yield TableRows(schema, table, _columns(tokens), plain, iter(rows))
                    rows.skip()
                case ["select", "pg_catalog", ".", "setval", "(", name, ",", *value, ",", is_called, ")", ";"]:
                    number = int("".join(value)) if is_called == "true" else None
                    yield SequenceValue(_unquoted(name), number, plain)
                case _:
                    yield plain
    if not rows.complete:
        raise _broken(archive, "it ends within the rows of a table")


def _codec(name: str) -> str:
    """The name that Python has for an encoding of PostgreSQL's."""
    try:
        return codecs.lookup(name.replace("WIN", "cp")).name
    except LookupError:
        return "utf-8"


def _columns(tokens: list[Token]) -> tuple[str, ...]:
    """The columns that a COPY statement names."""
    texts = [token.text for token in tokens]
    if "(" not in texts:
        return ()
    named = tokens[texts.index("(") + 1 : len(texts) - 1 - texts[::-1].index(")")]
    return tuple(token.name for token in named if token.text != ",")


def _unquoted(literal: str) -> str:
    """The name in a literal that holds the qualified name of a sequence."""
    text = literal[literal.index("'") + 1 : -1].replace("''", "'")
    if literal[0] in "eE":
        text = text.replace("\\\\", "\\")
    return significant(text)[-1].name


def _statements(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the statements among lines; the rows after a COPY are left for others to take.

    Why only at these lines: to find the end of a long function takes long, and pg_restore begins each entry so.
    """
    text: list[bytes] = []
    for line in lines:
        begins = line == _ENTRY or line.startswith(b"COPY ")
        if begins and _is_complete(text):
            yield from _separated(text)
            text = []
        if not text and (not line.strip() or line.startswith(_FOR_PSQL) or line.startswith(b"--")):
            continue
        text.append(line)
        if text[0].startswith(b"COPY ") and line.endswith(b" FROM stdin;\n") and _is_complete(text):
            yield b"".join(text)
            text = []
    yield from _separated(text)


def _separated(text: list[bytes]) -> Iterator[bytes]:
    # Why this encoding: only where statements end is looked for, and that is the same in every one.
    for statement in split(b"".join(text).decode("latin-1")):
        yield statement.encode("latin-1") + b";"


def _is_complete(text: list[bytes]) -> bool:
    """Whether lines end with the end of a statement."""
    tokens = significant(b"".join(text).decode("latin-1"))
    return not tokens or (tokens[-1].text == ";" and not any(token.text in {"'", '"'} for token in tokens))


class _Rows:
    """The lines of one table; `complete` says that no more are left, and that their end was there."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.complete = True

    def __iter__(self) -> Iterator[bytes]:
        self.complete = False
        for line in self._lines:
            if line == _END:
                self.complete = True
                return
            yield line

    def skip(self) -> None:
        """Pass over the lines that were not taken."""
        for line in self._lines if not self.complete else ():
            if line == _END:
                self.complete = True
                return


@contextmanager
def _lines(archive: Archive, *options: str) -> Iterator[Iterator[bytes]]:
    """Run pg_restore; yields the lines that it writes. Raises RestoreError if it fails.

    A block that is left before the last line ends the program.
    """
    command = [str(archive.folder / "pg_restore"), *options, str(archive.path)]
    # Why a file: a pipe that is not read would stop the program when it is full.
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout is not None
        try:
            yield iter(process.stdout)
            process.stdout.read()
        except BaseException:
            process.kill()
            raise
        process.wait()
        errors.seek(0)
        if process.returncode:
            raise _failed(archive, process.returncode, last_words(errors.read().decode("utf-8", "replace")))


def _failed(archive: Archive, code: int, said: str) -> RestoreError:
    if code < 0:
        problem = f"pg_restore was ended by signal {-code}"
        return ArchiveProgramError(str(archive.path), problem, "nothing was changed: run it again")
    if "unsupported version" in said:
        problem = f"pg_restore of PostgreSQL {archive.release} cannot read it: {said}"
        return ArchiveProgramError(str(archive.path), problem, f"nothing was changed: {_INSTALL}")
    return _broken(archive, said)


def _broken(archive: Archive, problem: str) -> RestoreError:
    return RestoreError(str(archive.path), problem, "nothing was changed: choose another backup")


def last_words(text: str) -> str:
    """Return the end of what a program says, on one line, without what may be secret."""
    return mask(" ".join(text.split()))[-_LONGEST:].rstrip(";")
