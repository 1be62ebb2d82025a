"""The pages that document a schema, as Markdown by path: an index, groups, tables, views, differences."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from architect_migrate.authoring.table_groups import HUB, MOST
from architect_migrate.cli.report.chain import place, ranges
from architect_migrate.cli.report.docs_table import (
    UNKNOWN,
    differences,
    origin,
    spelt,
    statement,
    table_page,
    triggers,
)
from architect_migrate.cli.report.markdown import code, fenced, file_names, grid, link, prose
from architect_migrate.cli.report.mermaid import diagram
from architect_migrate.core.text import clean, pluralize
from architect_migrate.model.diff import explain
from architect_migrate.model.facts import TableFact, ViewFact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.authoring.schema_docs import Documented
    from architect_migrate.authoring.table_groups import Group
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.model.diff import Change
    from architect_migrate.model.environment import Resolution
    from architect_migrate.model.schema import Schema, Table
    from architect_migrate.planning.results import Survey

FOLDERS = ("groups", "tables")
_RULE = (
    f"Tables stand together, {MOST} at most, that refer to each other, that one revision brought, or whose names begin "
    f"alike; one that {HUB} or more others refer to binds only who would stand alone."
)
_SEVERITIES = {
    "breaking": "a statement that the chain's schema takes can fail here",
    "behavioural": "it runs, and can give another result or take another time",
    "cosmetic": "no statement can tell",
    "extra": "the chain does not know it, and nothing breaks by it",
}


@dataclass(frozen=True, slots=True)
class _Site:
    """What is documented, and where its pages are: files by table, groups with theirs, all without their ending."""

    shown: Documented
    tables: Mapping[str, Table]
    files: Mapping[str, str]
    groups: tuple[tuple[Group, str], ...]

    def table(self, name: str, folder: str) -> str:
        """A link to a table's page, from where its folder is `folder`."""
        return link(spelt(self.tables[name]), f"{folder}{self.files[name]}.md")

    def group(self, each: Group, file: str, folder: str) -> str:
        """A link to a group's page, from where its folder is `folder`."""
        return link(self.title(each), f"{folder}{file}.md")

    def title(self, group: Group) -> str:
        """A group's name, spelt as its table is."""
        return spelt(self.tables[group.name]) if group.bound else group.name


def pages(shown: Documented, marker: str) -> dict[str, str]:
    """Every page by its path, the marker first; the same bytes for the same schema."""
    names = [table.name for table in shown.schema.tables]
    files = dict(zip(names, file_names(names), strict=True))
    group_files = file_names([group.name for group in shown.groups])
    tables = {table.name: table for table in shown.schema.tables}
    site = _Site(shown, tables, files, tuple(zip(shown.groups, group_files, strict=True)))
    links = {name: site.table(name, "") for name in names}
    children = _children(shown.schema)
    found = {"README.md": _index(site)}
    for each, file in site.groups:
        found[f"groups/{file}.md"] = _group(site, each)
        back = site.group(each, file, "../groups/")
        for name in each.tables:
            text = table_page(shown, tables[name], back, links, children.get(name, ()))
            found[f"tables/{files[name]}.md"] = text
    if shown.schema.views:
        found["views.md"] = _views(shown)
    if shown.environment:
        found["differences.md"] = _differences(site)
    return {path: f"{marker}\n\n{text}" for path, text in found.items()}


def _children(schema: Schema) -> dict[str, list[Table]]:
    """The tables that refer to a table, by its name."""
    found: dict[str, list[Table]] = {}
    for table in schema.tables:
        for parent in sorted({key.parent for key in table.foreign_keys}):
            found.setdefault(parent, []).append(table)
    return found


def summary(shown: Documented) -> str:
    """What is documented, in a line."""
    whose = clean(shown.environment) or "the chain"
    tables = pluralize(len(shown.schema.tables), "table")
    return f"{whose} at {place(shown.graph, shown.position, {})}: {tables} in {pluralize(len(shown.groups), 'group')}"


def _at(shown: Documented) -> str:
    """The newest revisions, as code."""
    return place(shown.graph, shown.position, {revision: code(revision) for revision in shown.graph.order})


def _index(site: _Site) -> str:
    shown, schema = site.shown, site.shown.schema
    whose = code(shown.environment) if shown.environment else "the chain"
    counts = [pluralize(len(schema.tables), "table"), pluralize(len(schema.indexes), "index", "indexes")]
    counts += [pluralize(len(schema.triggers), "trigger"), pluralize(len(schema.views), "view")]
    counts += [pluralize(sum(shown.rows.values()), "row")] * bool(shown.environment)
    lines = [f"# Schema of {whose}", "", f"At {_at(shown)}: {', '.join(counts)}.", ""]
    if shown.environment:
        lines += [f"{_drift(shown)}: [differences](differences.md).", ""]
    if schema.views:
        lines += [f"Views: [{', '.join(code(spelt(view)) for view in schema.views)}](views.md)", ""]
    lines += [_RULE] * bool(shown.groups)
    for name, file in site.groups:
        lines += ["", f"## {site.group(name, file, 'groups/')}", "", *_tables(site, name, "tables/")]
    return "\n".join(lines).rstrip() + "\n"


def _tables(site: _Site, group: Group, folder: str) -> Iterator[str]:
    shown, counted = site.shown, bool(site.shown.environment)
    headers = ("table", "columns:", *(("rows:",) if counted else ()), "revision")
    rows = []
    for name in group.tables:
        number = (f"{shown.rows[name]:,}" if name in shown.rows else "",) if counted else ()
        columns = f"{len(site.tables[name].columns)}"
        rows.append((site.table(name, folder), columns, *number, origin(shown, TableFact(name))))
    yield from grid(headers, rows)


def _group(site: _Site, group: Group) -> str:
    inside = [site.tables[name] for name in group.tables]
    lines = [f"# Group {code(site.title(group))}", "", "[all groups](../README.md)", ""]
    if any(table.foreign_keys for table in inside):
        lines += [fenced("mermaid", diagram(inside, _around(inside, site.tables))), ""]
        lines += ["Drawn are the columns of keys alone, and of other groups the tables that these refer to.", ""]
    else:
        lines += ["None of these tables refers to another.", ""]
    return "\n".join([*lines, *_tables(site, group, "../tables/")]) + "\n"


def _around(inside: list[Table], tables: Mapping[str, Table]) -> list[Table]:
    """The tables of other groups that a group refers to."""
    mine = {table.name for table in inside}
    parents = sorted({key.parent for table in inside for key in table.foreign_keys} - mine)
    return [tables[name] for name in parents if name in tables]


def _views(shown: Documented) -> str:
    lines = ["# Views", "", "[all groups](README.md)"]
    for view in shown.schema.views:
        brought = origin(shown, ViewFact(view))
        lines += [
            "",
            f"## {code(spelt(view))}",
            "",
            brought if brought == UNKNOWN else f"brought by {brought}",
        ]
        for group in (triggers(shown, view.name), differences(shown, view.name)):
            more = list(group)
            lines += ["", *more] if more else []
        lines += ["", fenced("sql", statement(view.sql))]
    return "\n".join(lines) + "\n"


def _seen(shown: Documented) -> Survey:
    """What was seen of the environment; only asked where there is one."""
    assert shown.seen is not None
    assert shown.seen.survey is not None
    return shown.seen.survey


def _drift(shown: Documented) -> str:
    seen = _seen(shown)
    told = [f"{seen.drift[name]:,} {name}" for name in (*_SEVERITIES, "kept") if seen.drift.get(name)]
    if told:
        return f"Differences from the chain: {', '.join(told)}"
    return "The schema is the chain's" if seen.position else "Nothing of the chain is in it"


def _differences(site: _Site) -> str:
    """What `diagnose` finds of the schema, by severity and code, and what an entry allows."""
    shown = site.shown
    seen = _seen(shown)
    names = {revision: code(revision) for revision in shown.graph.order}
    pending = f", pending: {ranges(shown.graph, seen.pending, names)}" if seen.pending else ""
    lines = [f"# Differences of {code(shown.environment)} from the chain", "", "[all groups](README.md)", ""]
    state = seen.state.value.capitalize()
    lines += [f"{state}, at {_at(shown)}{pending}. {_drift(shown)}."]
    for severity, meaning in _SEVERITIES.items():
        found = sorted(
            (finding for finding in seen.findings if finding.code.startswith(f"{severity}-")),
            key=lambda finding: finding.code,
        )
        if found:
            lines += ["", f"## {severity}: {meaning}"]
        for name, group in groupby(found, lambda finding: finding.code):
            lines += ["", *_findings(name, list(group))]
    if seen.kept:
        lines += ["", "## kept: an entry of environments.toml allows it", "", *map(_kept, seen.kept)]
    lines += _unknown(site)
    return "\n".join(lines) + "\n"


def _findings(name: str, found: list[Finding]) -> list[str]:
    """The findings of one code, with what is to be done about all of them."""
    advice = f": {prose(found[0].advice)}" if found[0].advice else ""
    return [f"### {name}, {len(found)}{advice}", "", *(f"- {prose(word.found)}" for word in found)]


def _kept(pair: tuple[Change, Resolution]) -> str:
    change, why = pair
    reason = f": {prose(why.reason)}" if why.reason else ""
    return f"- {prose(explain(change))} (`{why.origin.words}`{reason})"


def _unknown(site: _Site) -> list[str]:
    """The tables that are there and that no revision up to the position brought."""
    shown = site.shown
    found = [name for name in site.tables if ("table", name) not in shown.provenance.origins]
    if not found:
        return []
    rows = [(site.table(name, "tables/"), f"{shown.rows[name]:,}" if name in shown.rows else "") for name in found]
    return ["", "## Tables that the chain does not know", "", *grid(("table", "rows:"), rows)]
