"""The names of all objects in a schema, for finding misspelt ones."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Names:
    """Folded names of objects. `columns` and `constraints` are pairs of a table and a name.

    `objects` are pairs of a kind and a name, of what only some kinds of database have.

    `revisions` are the folded ids of the chain's revisions; a database has none.
    """

    tables: frozenset[str] = field(default_factory=frozenset)
    columns: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    indexes: frozenset[str] = field(default_factory=frozenset)
    triggers: frozenset[str] = field(default_factory=frozenset)
    views: frozenset[str] = field(default_factory=frozenset)
    constraints: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    objects: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    revisions: frozenset[str] = field(default_factory=frozenset)

    def __or__(self, other: Names) -> Names:
        """Return the names in either."""
        return Names(
            self.tables | other.tables,
            self.columns | other.columns,
            self.indexes | other.indexes,
            self.triggers | other.triggers,
            self.views | other.views,
            self.constraints | other.constraints,
            self.objects | other.objects,
            self.revisions | other.revisions,
        )
