"""Remembers the result of a check while everything that it depended on is unchanged.

Why: a start then compares digests instead of schemas. Digested are environments.toml and the variables in it,
what the chain's replay read, the stored texts of the schema, the stamp and the tracker. What cannot be read counts as
changed.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.registry import digests
from architect_migrate.integrations.startup.status import Start, StartState
from architect_migrate.revisions.reads import REPLAY, cached_digest

if TYPE_CHECKING:
    from collections.abc import Mapping


_VERSION = 2
_VARIABLE = re.compile(rb"\$\{([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Sources:
    """The inputs of a result: paths as environments.toml writes them, before links are followed, and two tables.

    `identity` is that of the chain's configuration (see `reads.identity_of`).
    """

    config: Path
    chain: Path
    database: Path
    identity: str
    version_table: str
    tracker: str


def memo_file(cache: Path, config: Path, word: str) -> Path:
    """The file that remembers the result of an environment, by the word that chose it (empty: the default one)."""
    key = _digest(os.fsencode(f"{config.absolute()}\0{word}"))
    return cache / f"start-{key}.json"


def turn_file(cache: Path, database: str) -> Path:
    """The lock file by which processes that would upgrade a database take turns. Raises OSError."""
    file = cache / f"start-{_digest(os.fsencode(database))}.turn"
    cache.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    return file


def recall(memo: Path, config: Path, environ: Mapping[str, str]) -> dict[str, Any] | None:
    """The remembered result, if all its inputs are unchanged; else None."""
    try:
        stored = json.loads(memo.read_bytes())
        if stored["version"] != _VERSION or stored["config"] != str(config.absolute()):
            return None
        written = stored["sources"]
        chain, database = Path(written["chain"]), Path(written["database"])
        sources = Sources(config, chain, database, written["identity"], written["version_table"], written["tracker"])
        result: dict[str, Any] = stored["found"]
        return result if stored["evidence"] == evidence(memo.parent, sources, environ) else None
    except (ArchmigError, OSError, ValueError, KeyError, TypeError):
        return None


def remember(memo: Path, sources: Sources, proof: Mapping[str, str], result: Mapping[str, Any]) -> None:
    """Remember a result and the evidence of its inputs; if the file cannot be written, the next start takes longer."""
    names = {"chain": sources.chain, "database": sources.database}
    tables = {"identity": sources.identity, "version_table": sources.version_table, "tracker": sources.tracker}
    stored = {
        "version": _VERSION,
        "config": str(sources.config.absolute()),
        "sources": {**{name: str(path) for name, path in names.items()}, **tables},
        "evidence": proof,
        "found": result,
    }
    from architect_migrate.core.atomic_files import write_atomically

    with suppress(OSError, ValueError):
        memo.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(memo, json.dumps(stored))


def evidence(cache: Path, sources: Sources, environ: Mapping[str, str]) -> dict[str, str]:
    """Digests of all inputs of a result. Raises OSError, or ValueError for a chain whose replay is not in the cache."""
    chain = cached_digest(cache, sources.identity, REPLAY, environ)
    if not chain:
        raise ValueError(sources.chain)
    text = sources.config.read_bytes()
    names = sorted({one.decode() for one in _VARIABLE.findall(text)})
    return {
        "config": _digest(text),
        "variables": _digest(repr([(name, environ.get(name)) for name in names]).encode("utf-8", "surrogateescape")),
        "places": _digest(repr([os.path.realpath(path) for path in (sources.chain, sources.database)]).encode()),
        "chain": chain,
        "database": _of_database(sources),
    }


def _of_database(sources: Sources) -> str:
    """The digest of the schema's texts and of the rows of stamp and tracker, read in one transaction."""
    tables = tuple(name for name in (sources.version_table, sources.tracker) if name)
    return digests.stored_digest(Path(os.path.realpath(sources.database)), tables)


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def as_values(start: Start) -> dict[str, Any]:
    """A result as plain values."""
    stored = asdict(start)
    del stored["checked_at"]
    return {**stored, "state": start.state.name}


def from_values(stored: dict[str, Any]) -> Start:
    """A remembered result, with the present time."""
    values: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in stored.items()}
    return Start(**{**values, "state": StartState[stored["state"]], "checked_at": now()})


def now() -> str:
    """The present time in UTC, as ISO 8601 text."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
