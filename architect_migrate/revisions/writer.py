"""New revision files by Alembic's own means: the chain's template, file_template and hooks decide their looks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.util import rev_id

from architect_migrate.core.atomic_files import made_folder, named, sync
from architect_migrate.core.chain_errors import ChainError, NewRevisionError
from architect_migrate.model.revision_graph import RevisionGraph
from architect_migrate.revisions.alembic_runtime import config_of, file_errors, revision_of, script_of

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Draft:
    """What a revision file is to hold: `parent` is empty for a base, `label` the branch that begins with it.

    `about` says in a paragraph what it brings. With `upgrade` and `downgrade`, SQL statements, it holds those alone.
    """

    id: str
    title: str
    parent: str
    label: str = ""
    about: str = ""
    upgrade: tuple[str, ...] = ()
    downgrade: tuple[str, ...] = ()


def graph_in_files(ini: Path) -> RevisionGraph:
    """The chain in outline by its files alone: nothing of it is run. Raises ChainError."""
    with file_errors(ini):
        found = list(script_of(config_of(ini), ini).walk_revisions())
    return RevisionGraph(tuple(reversed([revision_of(script) for script in found])))


def random_id() -> str:
    """An id as Alembic itself gives."""
    return rev_id()


def version_folder(ini: Path, parent: str, label: str) -> Path:
    """Where a revision belongs that comes after `parent`; with a label, the folder that this branch has to itself.

    Raises NewRevisionError where Alembic would not look there.
    """
    script = script_of(config_of(ini), ini)
    locations = [Path(location).absolute() for location in script.version_locations or [f"{script.dir}/versions"]]
    file = Path(script.get_revision(parent).path) if parent else None
    home = next((location for location in locations if file and file.is_relative_to(location.resolve())), locations[0])
    if not label:
        return home
    listed = next((location for location in locations if location.name == label), None)
    if listed or script.recursive_version_locations:
        return listed or home / label
    advice = f"nothing was written: add recursive_version_locations = true to [alembic] of {ini.name}"
    raise NewRevisionError(str(home / label), "Alembic does not look into folders below its version folder", advice)


def write_draft(ini: Path, draft: Draft, folder: Path) -> Path:
    """Write the revision into `folder`, where nobody looks for it, and load it; its file comes back.

    Raises ChainError.
    """
    config = config_of(ini)
    script = script_of(config, ini, folder)
    # Alembic tells on stdout what it writes, and there the path alone is wanted.
    script.messaging_opts = {"quiet": True}
    if "_" in draft.id and config.get_alembic_option("file_template") is None:
        # The words are in the id already.
        script.file_template = "%(rev)s"
    # The names that Alembic's own templates know, and two of archmig's.
    words: dict[str, Any] = {
        "upgrades": executed(draft.upgrade),
        "downgrades": executed(draft.downgrade),
        "imports": "",
        "sql": bool(draft.upgrade),
        "about": docstring(draft.about),
    }
    template = Path(script.dir) / "script.py.mako"
    if not template.exists():
        advice = "nothing was written: take the one that `alembic init` makes"
        raise ChainError(str(template), "there is no such template for new revisions", advice)
    with file_errors(ini):
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
        raise ChainError(str(ini), "its file_template gives a name by which Alembic finds no revision")
    return Path(made.path)


def publish(ini: Path, draft: Draft, written: Path, final: Path) -> None:
    """Give a draft its name, which no other file has, and see that the chain has it; else it is gone again.

    Raises NewRevisionError, ChainError, OSError.
    """
    with made_folder(final.parent):
        if not _given(written, final):
            raise NewRevisionError(str(final), "is there already", "nothing was written: choose another title")
        try:
            _require(ini, draft.id, final)
        except BaseException:
            final.unlink(missing_ok=True)
            raise


def _require(ini: Path, revision: str, final: Path) -> None:
    """Load the chain as everybody does, and see that the revision is this very file."""
    with file_errors(ini):
        found = script_of(config_of(ini), ini).get_revision(revision)
    if not Path(found.path).samefile(final):
        raise ChainError(str(final), f"Alembic finds {revision} in {found.path} instead", "nothing was written")


def _given(written: Path, final: Path) -> bool:
    """The file under its new name, whole and at once; False where the name is taken."""
    sync(written)
    try:
        found = named(written, final)
    except OSError:
        # The folder is on another file system than the chain's own.
        with final.open("xb") as file:
            file.write(written.read_bytes())
        sync(final)
        found = True
    sync(final.parent)
    return found


_WIDTH = 120
# Colons and what hangs on them, as SQLAlchemy's text() reads them, which op.execute() makes of a string; among them
# may be what it takes for a parameter or for an escaped colon.
_COLONS = re.compile(r"(?:\\?:[\w$]*)+")
_PARAMETER = re.compile(r":\w|\\:")


def executed(statements: Iterable[str]) -> str:
    """Calls of op.execute() as the body of a function, one for each statement; the first line has no indent."""
    return "\n    ".join(_call(literal(escaped(statement))) for statement in statements)


def _call(text: str) -> str:
    line = f"op.execute({text})"
    if "\n" not in text and len(line) + 4 <= _WIDTH:
        return line
    return f"op.execute(\n        {text}\n    )"


def escaped(sql: str) -> str:
    r"""The statement as op.execute() takes it to mean just that: with `\:` for a colon where one could be mistaken."""
    return _COLONS.sub(lambda run: run[0].replace(":", "\\:") if _PARAMETER.search(run[0]) else run[0], sql)


def literal(text: str) -> str:
    """A text as a Python literal: as it reads where that can be, in triple quotes where it has lines."""
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
    """A title as it stands in a docstring of three double quotes."""
    return title.replace("\\", "\\\\").replace('"', '\\"')
