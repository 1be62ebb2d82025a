"""Blockers for objects beside tables that archmig cannot change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.facts import IndexFact, ObjectFact, TriggerFact, ViewFact, table_of

if TYPE_CHECKING:
    from architect_migrate.model.facts import Fact


def parts(fact: Fact) -> tuple[str, str]:
    """The kind and the name of an object in words: a name that is unique in its table only has the table with it."""
    match fact:
        case IndexFact():
            return "index", fact.index.name
        case TriggerFact():
            return "trigger", fact.trigger.name
        case ViewFact():
            return "view", fact.view.name
        case ObjectFact(object=thing):
            return thing.kind, thing.name
        case _:
            raise AssertionError(fact)


def stuck(fact: Fact, why: str) -> Finding:
    """The blocker for an object that cannot become the chain's, with the entry that keeps it as it is."""
    kind, name = parts(fact)
    spelt = fact.object.spelling if isinstance(fact, ObjectFact) else name
    lines = [f'{kind.replace(" ", "_")} = "{spelt}"', "keep = true"]
    if kind == "exclusion constraint":
        lines = [f'table = "{table_of(fact)}"', f'constraint = "{spelt}"', "keep = true"]
    settles = "\n".join(["[[resolve]]", *lines])
    return Finding(
        Level.BLOCKING,
        "blocked-shape",
        f"{kind} {name}",
        why,
        "change it by hand, or keep the database's shape: add this to environments.toml",
        entry=settles,
    )


def protecting(table: str, policy: str = "") -> Finding:
    """The blocker for a policy, or for row level security of a table, that only the database has.

    Why no repair takes it away: roles would see and write rows that somebody keeps from them.
    """
    subject, its = f"table {table}", "it has row level security"
    by_hand, lines = "turn it off by hand", [f'table = "{table}"']
    if policy:
        subject, its = f"policy {table}.{policy}", "it decides which rows a role sees and writes"
        by_hand, lines = "drop it by hand", [*lines, f'policy = "{policy}"']
    return Finding(
        Level.BLOCKING,
        "blocked-protection",
        subject,
        f"{its}, and the chain does not: archmig takes no protection of rows away",
        f"{by_hand}, bring it into the chain by a revision, or keep it: add this to environments.toml",
        entry="\n".join(["[[resolve]]", *lines, "keep = true"]),
    )
