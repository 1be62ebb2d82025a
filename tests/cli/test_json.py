"""docs/json.md names every key that any document has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from support.cli import archmig, build
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = PROJECT / "docs" / "json.md"
COMMANDS = (
    ["status"],
    ["current"],
    ["diagnose", "--all"],
    ["check"],
    ["pending"],
    ["history", "-e", "home"],
    ["reconcile", "--dry-run"],
    ["upgrade", "--all", "--dry-run"],
    ["downgrade", "001", "-e", "behind", "--yes"],
    ["reconcile", "--all", "--yes"],
    ["status"],
    ["docs", "-e", "lost", "--out", "schema"],
    ["docs", "--out", "schema", "--check"],
    ["status", "-e", "nobody"],
)


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            # The keys of digests are tables.
            yield from keys(inner) if key != "digests" else ()
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


@pytest.mark.parametrize("at_once", [1, 2])
def test_every_key_of_every_document_is_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.chdir(build(tmp_path))
    monkeypatch.delenv("ARCHMIG_CONFIG", raising=False)
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", DOCUMENT.read_text(encoding="utf-8")))))
    for command in COMMANDS:
        done = archmig(*command, "--json", "--jobs", str(at_once))
        told = json.loads(done.out)
        assert (told["version"], told["command"], told["exit_code"]) == (2, command[0], done.code)
        assert set(keys(told)) <= words, set(keys(told)) - words
