"""What each kind can do is what docs/safety.md says."""

from __future__ import annotations

from architect_migrate.databases.capabilities import Capability
from architect_migrate.databases.registry import KINDS, lacking
from support.paths import PROJECT

SPELT = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


def test_the_page_on_safety_has_a_column_for_each_kind_and_a_reason_for_each_no() -> None:
    page = (PROJECT / "docs" / "safety.md").read_text(encoding="utf-8")
    section = page.partition("## By kind of database\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    assert table == [
        f"| property | {' | '.join(SPELT[kind] for kind in KINDS)} |",
        f"| --- |{' --- |' * len(KINDS)}",
        *(f"| {each.value} | {' | '.join(said(kind, each) for kind in KINDS)} |" for each in Capability),
    ]


def said(kind: str, capability: Capability) -> str:
    reason = lacking(kind).get(capability)
    return "yes" if reason is None else f"no: {reason}"
