"""Writer of new revision files, through Alembic: it applies the chain's template, file_template and hooks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.util import rev_id

from architect_migrate.core.atomic_files import created_folder, move_to_free_name, sync
from architect_migrate.core.chain_errors import ChainError, NewRevisionError
from architect_migrate.model.revision_graph import RevisionGraph
from architect_migrate.revisions.configuration import config_of, script_of
from architect_migrate.revisions.failures import file_errors
from architect_migrate.revisions.files import chain_option
from architect_migrate.revisions.scripts import revision_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.revisions.autogenerate import Compared


@dataclass(frozen=True, slots=True)
class Draft:
    """Contents of a new revision file; `parent` is empty for a base, `label` is the branch that begins with it.

    `about` is a paragraph for the docstring. With `upgrade` and `downgrade`, SQL statements, the functions consist of
    those alone; with `code` of what Alembic's autogenerate wrote.
    """

    id: str
    title: str
    parent: str
    label: str = ""
    about: str = ""
    upgrade: tuple[str, ...] = ()
    downgrade: tuple[str, ...] = ()
    code: Compared | None = None


def graph_in_files(chain: ChainConfig) -> RevisionGraph:
    """Return the revision graph from the loaded files; no revision is run. Raises ChainError."""
    with file_errors(chain):
        scripts = list(script_of(config_of(chain), chain).walk_revisions())
    return RevisionGraph(tuple(reversed([revision_of(script) for script in scripts])))


def random_id() -> str:
    """Return a random id like Alembic's own: 12 hexadecimal digits."""
    return rev_id()


def version_folder(chain: ChainConfig, parent: str, label: str) -> Path:
    """Return the folder for a revision after `parent`; with a label, the folder of that branch.

    Raises NewRevisionError if Alembic would not search that folder.
    """
    script = script_of(config_of(chain), chain)
    locations = [Path(location).absolute() for location in script.version_locations or [f"{script.dir}/versions"]]
    file = Path(script.get_revision(parent).path) if parent else None
    base = next((location for location in locations if file and file.is_relative_to(location.resolve())), locations[0])
    if not label:
        return base
    listed = next((location for location in locations if location.name == label), None)
    if listed or script.recursive_version_locations:
        return listed or base / label
    advice = f"nothing was written: add recursive_version_locations = true to [alembic] of {chain.ini.name}"
    raise NewRevisionError(str(base / label), "Alembic does not search folders below its version folder", advice)


def write_draft(chain: ChainConfig, draft: Draft, folder: Path) -> Path:
    """Write the revision into `folder`, outside of the chain's version folders, load it and return its path.

    Raises ChainError.
    """
    config = config_of(chain)
    script = script_of(config, chain, folder)
    # Why: Alembic would print its progress to stdout, which is for results only.
    script.messaging_opts = {"quiet": True}
    if "_" in draft.id and chain_option(chain, "file_template") is None:
        # Why: an id such as 049_mood has the title's words, which the default file name would repeat.
        script.file_template = "%(rev)s"
    # The variables of Alembic's own templates, and two of archmig's.
    words: dict[str, Any] = {
        "upgrades": draft.code.upgrade if draft.code else executed(draft.upgrade),
        "downgrades": draft.code.downgrade if draft.code else executed(draft.downgrade),
        "imports": draft.code.imports if draft.code else "",
        "sql": bool(draft.upgrade),
        "about": docstring(draft.about),
    }
    template = Path(script.dir) / "script.py.mako"
    if not template.exists():
        advice = "nothing was written: copy the one that `alembic init` creates"
        raise ChainError(str(template), "no such file; new revisions need this template", advice)
    with file_errors(chain):
        made = script.generate_revision(
            draft.id,
            docstring(draft.title),
            head=draft.parent or None,
            splice=True,
            branch_labels=draft.label or None,
            version_path=folder,
            **words,
        )
    if made is None:
        raise ChainError(str(chain.ini), "its file_template makes a file name that Alembic does not recognise")
    return Path(made.path)


def publish(chain: ChainConfig, draft: Draft, written: Path, final: Path) -> None:
    """Move a draft to its final name and check that Alembic loads it from there; remove it otherwise.

    Raises NewRevisionError if the name is taken, ChainError, OSError.
    """
    with created_folder(final.parent):
        if not _given(written, final):
            raise NewRevisionError(str(final), "exists already", "nothing was written: choose another title")
        try:
            _require(chain, draft.id, final)
        except BaseException:
            final.unlink(missing_ok=True)
            raise


def _require(chain: ChainConfig, revision: str, final: Path) -> None:
    """Load the chain from its files and check that it has the revision in this file. Raises ChainError."""
    with file_errors(chain):
        script = script_of(config_of(chain), chain).get_revision(revision)
    if not Path(script.path).samefile(final):
        raise ChainError(str(final), f"Alembic finds {revision} in {script.path} instead", "nothing was written")


def _given(written: Path, final: Path) -> bool:
    """Move the file to its final name atomically; return False if the name is taken. Raises OSError."""
    # Why this order: contents on disk before the name, and the folder, which holds the name, last.
    sync(written)
    try:
        moved = move_to_free_name(written, final)
    except OSError:
        # The folder is on another file system than the draft, so a link or rename is impossible.
        with final.open("xb") as file:
            file.write(written.read_bytes())
        sync(final)
        moved = True
    sync(final.parent)
    return moved


_WIDTH = 120
# Colons with the word characters after them. Why: op.execute() passes a string to SQLAlchemy's text(), which takes
# `:word` for a parameter and `\:` for an escaped colon.
_COLONS = re.compile(r"(?:\\?:[\w$]*)+")
_PARAMETER = re.compile(r":\w|\\:")


def executed(statements: Iterable[str]) -> str:
    """Render statements as calls of op.execute() for the body of a function; the first line has no indent."""
    return "\n    ".join(_call(literal(escaped(statement))) for statement in statements)


def _call(text: str) -> str:
    line = f"op.execute({text})"
    if "\n" not in text and len(line) + 4 <= _WIDTH:
        return line
    return f"op.execute(\n        {text}\n    )"


def escaped(sql: str) -> str:
    r"""Escape a statement for op.execute(): `\:` for a colon that would be taken for a parameter."""
    return _COLONS.sub(lambda run: run[0].replace(":", "\\:") if _PARAMETER.search(run[0]) else run[0], sql)


def literal(text: str) -> str:
    """Render a text as a readable Python literal: raw if it has backslashes, in triple quotes if it has lines."""
    readable = all(character.isprintable() or character in "\n\t" for character in text)
    raw = "r" if "\\" in text else ""
    if not readable or '"""' in text:
        return repr(text)
    if "\n" in text:
        return f'{raw}"""\n{text}\n"""'
    mark = '"' if '"' not in text else "'"
    if mark in text or text.endswith("\\"):
        return f'{raw}"""\n{text}\n"""'
    return f"{raw}{mark}{text}{mark}"


def docstring(title: str) -> str:
    """Escape a title for a docstring in three double quotes."""
    return title.replace("\\", "\\\\").replace('"', '\\"')
