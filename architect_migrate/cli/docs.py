"""The command `archmig docs`, which documents a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.options import OneRevision
from architect_migrate.cli.present import present
from architect_migrate.core.errors import UsageError

if TYPE_CHECKING:
    from architect_migrate.authoring.schema_docs import Documented

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the pages; created if missing.")]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 if DIR is not up to date.")]


def docs(options: Options, *, out: Out, revision: OneRevision = None, check: Check = False) -> int:
    """Write Markdown pages of the schema, with diagrams.

    The schema is the chain's at its head or at --revision REV, or that of one environment's database, with row counts
    and differences from the chain. DIR gets a README.md, a page for each table, and one with a diagram for each group
    of tables. Pages of tables that no longer exist are removed, other files are left alone. The same schema gives the
    same bytes.
    """
    from architect_migrate.authoring.page_files import MARKER, compare, write_pages
    from architect_migrate.cli.report.docs import FOLDERS, pages
    from architect_migrate.cli.report.docs_summary import docs_report

    shown = _documented(options, revision)
    wanted = pages(shown, MARKER)
    writing = compare(out, wanted, FOLDERS)
    if not check:
        write_pages(out, wanted, writing)
    return present(options, int(check and writing.needed), docs_report(shown, writing, out, check=check))


def _documented(options: Options, revision: str | None) -> Documented:
    from architect_migrate.authoring.schema_docs import of_chain, of_environment
    from architect_migrate.cli.selection import source_in_use, to_read

    if not options.chosen:
        return of_chain(source_in_use(options), revision or "head")
    if revision:
        problem = "--revision documents the chain, and an environment was named as well"
        raise UsageError(problem, "give one of them")
    contexts = to_read(options)
    if len(contexts) != 1:
        problem = f"archmig docs documents one environment, and {len(contexts)} were named"
        raise UsageError(problem, "run it for each of them, with a DIR of its own")
    return of_environment(contexts[0])
