"""The command that documents a schema: docs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.exit import say, write
from architect_migrate.cli.options import OneRevision
from architect_migrate.core.errors import UsageError

if TYPE_CHECKING:
    from architect_migrate.authoring.page_files import Writing
    from architect_migrate.authoring.schema_docs import Documented

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder of the pages; made where it is not there.")]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 where DIR is not up to date.")]


def docs(options: Options, *, out: Out, revision: OneRevision = None, check: Check = False) -> int:
    """Document the schema in Markdown: every table, and diagrams.

    Of the chain at its head, at --revision REV, or of one environment's database: then with its rows counted and its
    differences from the chain. DIR gets a README.md, a page for each table and one with a diagram for each group of
    tables; pages that it needs no more go, files of anybody else never. The same schema gives the same bytes.
    """
    from architect_migrate.authoring.page_files import MARKER, carry_out, compare
    from architect_migrate.cli.report.docs import FOLDERS, pages

    shown = _documented(options, revision)
    wanted = pages(shown, MARKER)
    writing = compare(out, wanted, FOLDERS)
    if not check:
        carry_out(out, wanted, writing)
    code = int(check and writing.needed)
    if options.as_json:
        _as_json(shown, writing, out, code)
    else:
        _as_text(shown, writing, out, checked=check)
    return code


def _documented(options: Options, revision: str | None) -> Documented:
    from architect_migrate.authoring.schema_docs import of_chain, of_environment
    from architect_migrate.cli.selection import source_in_use, to_read

    if not options.chosen:
        return of_chain(source_in_use(options), revision or "head")
    if revision:
        problem = "archmig docs is of one environment as it is or of the chain at a revision, and both were named"
        raise UsageError(problem, "leave --revision or the environment away")
    settings = to_read(options)
    if len(settings) != 1:
        problem = f"archmig docs is of one environment at a time, and {len(settings)} were named"
        raise UsageError(problem, "run it once for each, each with a DIR of its own")
    return of_environment(settings[0])


def _as_json(shown: Documented, writing: Writing, out: Path, code: int) -> None:
    from architect_migrate.cli.report.documents import document, seen_json

    environments = [seen_json(shown.seen, shown.outline)] if shown.seen else []
    for it in environments:
        del it["last_action"]
    states = (("new", writing.new), ("changed", writing.changed), ("gone", writing.gone), ("same", writing.same))
    pages = [{"path": path, "state": state} for state, paths in states for path in paths]
    write(document("docs", code, environments, folder=str(out), pages=pages))


def _as_text(shown: Documented, writing: Writing, out: Path, *, checked: bool) -> None:
    from architect_migrate.cli.report.docs import summary
    from architect_migrate.core.text import clean, count

    numbers = ((writing.new, "new"), (writing.changed, "changed"), (writing.gone, "no longer needed"))
    told = ", ".join(f"{len(paths):,} {word}" for paths, word in numbers if paths) or "up to date"
    if checked:
        for paths, word in numbers:
            for path in paths:
                write(f"{word}: {clean(str(out / path))}")
    pages = count(len(writing.new) + len(writing.changed) + len(writing.same), "page")
    write(f"{clean(str(out))}: {told}; {pages} of {summary(shown)}")
    if checked and writing.needed:
        say("archmig docs with the same words but --check writes them")
