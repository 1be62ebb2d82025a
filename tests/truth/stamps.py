"""False stamps, which are made alike in every kind of database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

VERSIONS = "alembic_version"

if TYPE_CHECKING:
    import random

    from truth.chain import Chain


@dataclass(frozen=True, slots=True)
class Damage:
    """`lost` are tables of which a column went with its values."""

    kind: str
    statements: tuple[str, ...]
    lost: frozenset[str] = frozenset()


class Stampable(Protocol):
    """What a false stamp is chosen by."""

    @property
    def chain(self) -> Chain: ...
    @property
    def position(self) -> frozenset[str]: ...
    @property
    def chance(self) -> random.Random: ...


def _stamped(kind: str, *revisions: str) -> Damage:
    columns = f"version_num VARCHAR(32) NOT NULL, CONSTRAINT {VERSIONS}_pkc PRIMARY KEY (version_num)"
    made = f"CREATE TABLE IF NOT EXISTS {VERSIONS} ({columns})"
    rows = [f"INSERT INTO {VERSIONS} VALUES ('{revision}')" for revision in revisions]
    return Damage(kind, (made, f"DELETE FROM {VERSIONS}", *rows))


def stamp_older(site: Stampable) -> Damage:
    older = [name for name in sorted(site.position) if name not in site.chain.tips(site.position)]
    return _stamped("stamp older", site.chance.choice(older))


def stamp_newer(site: Stampable) -> Damage:
    newer = [name for name in site.chain.ids if name not in site.position]
    return _stamped("stamp newer", *site.chain.tips(site.chain.closure([site.chance.choice(newer), *site.position])))


def stamp_elsewhere(site: Stampable) -> Damage:
    tips = site.chain.tips(site.position)
    others = [
        name
        for name in site.chain.ids
        if name not in site.position and not any(tip in site.chain.closure([name]) for tip in tips)
    ]
    return _stamped("stamp of another branch", site.chance.choice(others))


def stamp_two_rows(site: Stampable) -> Damage:
    """A row and one of its own ancestors."""
    tips = site.chain.tips(site.position)
    older = [name for name in sorted(site.position) if name not in tips]
    return _stamped("stamp with two rows of a line", *tips, site.chance.choice(older))


def stamp_unknown(site: Stampable) -> Damage:
    return _stamped("stamp unknown", "f00dfeed0000")
