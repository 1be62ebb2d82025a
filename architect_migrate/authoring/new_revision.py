"""Makes the next revision file of a chain: its number, what it comes after, and where it belongs."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import NewRevisionError
from architect_migrate.core.errors import UsageError
from architect_migrate.core.file_lock import alone_in
from architect_migrate.lint.rules import Level, RevisionViolationsError
from architect_migrate.model.branches import foreign
from architect_migrate.model.revision_graph import heads, lineage
from architect_migrate.revisions.files import script_folder
from architect_migrate.revisions.writer import Draft, graph_in_files, publish, random_id, version_folder, write_draft

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from architect_migrate.authoring.hotfix import Hotfix
    from architect_migrate.lint.rules import Violation
    from architect_migrate.model.revision_graph import RevisionGraph


_RESERVED_WORDS = frozenset({"base", "current", "head", "heads"})
_STATEMENT = """-- One statement here, and another op.execute() for the next one.
-- A colon before a word wants a backslash before it, or it is taken for a parameter."""


class Body(Enum):
    """What a new revision's functions begin with: nothing, or a place for SQL statements."""

    PYTHON = "python"
    SQL = "sql"


@dataclass(frozen=True, slots=True)
class Request:
    """A revision that somebody wants: on the trunk, or on the branch of a label; from a hotfix where there is one.

    `judge` finds the flaws of a file that is not in the chain yet.
    """

    title: str
    branch: str = ""
    body: Body = Body.PYTHON
    hotfix: Hotfix | None = None
    judge: Callable[[Path], tuple[Violation, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A revision as it was written, or would be: `parent` is empty for the first, `begins` the branch it begins."""

    id: str
    title: str
    parent: str
    begins: str
    path: Path
    text: str
    violations: tuple[Violation, ...] = ()


def make(ini: Path, reserved: frozenset[str], request: Request) -> Made:
    """Write the revision. The labels in `reserved` are of branches that some environments have to themselves.

    Raises NewRevisionError (RevisionViolationsError where `judge` finds an error), ChainError and UsageError, and then
    nothing was written.
    """
    home = script_folder(ini)
    with _named_failures(home), alone_in(home), _drafted(ini, reserved, request, home) as (draft, made, written):
        publish(ini, draft, written, made.path)
        return made


def preview(ini: Path, reserved: frozenset[str], request: Request) -> Made:
    """The same revision; nothing is written beside the chain."""
    home = Path(tempfile.gettempdir())
    with _named_failures(home), _drafted(ini, reserved, request, home) as (_, made, _):
        return made


@contextmanager
def _named_failures(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = str(error.filename or home)
        raise NewRevisionError(place, error.strerror or str(error), "nothing was written") from error


@contextmanager
def _drafted(ini: Path, reserved: frozenset[str], request: Request, home: Path) -> Iterator[tuple[Draft, Made, Path]]:
    """The revision in a folder below `home` where no chain looks for it, loaded and, if it is a hotfix, proven."""
    graph = graph_in_files(ini)
    draft = _draft(ini, graph, reserved, request)
    final = version_folder(ini, draft.parent, request.branch)
    # Below the chain's own folder, where hooks find the project's settings.
    with tempfile.TemporaryDirectory(prefix=".archmig-", dir=home) as name:
        folder = Path(name).resolve()
        written = write_draft(ini, draft, folder)
        if request.hotfix:
            from architect_migrate.authoring.hotfix import prove

            prove(ini, folder, draft.id, request.hotfix.promotion)
        text = written.read_text(encoding="utf-8")
        path = final / written.relative_to(folder)
        violations = _judged(request, written, path)
        yield draft, Made(draft.id, draft.title, draft.parent, draft.label, path, text, violations), written


def _judged(request: Request, written: Path, path: Path) -> tuple[Violation, ...]:
    """What speaks against the file, as if it were where it is to be. Raises RevisionViolationsError for an error."""
    if request.judge is None:
        return ()
    violations = tuple(replace(violation, file=str(path)) for violation in request.judge(written))
    if any(violation.level is Level.ERROR for violation in violations):
        raise RevisionViolationsError(str(path), violations)
    return violations


def _draft(ini: Path, graph: RevisionGraph, reserved: frozenset[str], request: Request) -> Draft:
    title = _title(request.title)
    parent, begins = place(graph, reserved, request.branch, str(ini))
    name = next_id(graph.order, title) or random_id()
    if request.hotfix:
        its = request.hotfix.promotion
        about = f"What was made by hand in the database of {request.hotfix.environment}, as it is stored there."
        return Draft(name, title, parent, begins, about, its.upgrade, its.downgrade)
    if request.body is Body.SQL:
        return Draft(name, title, parent, begins, upgrade=(_STATEMENT,), downgrade=(_STATEMENT,))
    return Draft(name, title, parent, begins)


def _title(text: str) -> str:
    title = text.strip().rstrip(".").rstrip()
    if not title or not title.isprintable():
        raise UsageError("a revision's title is one line that says something", 'write archmig new "Add a mood to bugs"')
    return title


def place(graph: RevisionGraph, reserved: frozenset[str], branch: str, chain: str) -> tuple[str, str]:
    """The revision that a new one comes after (empty: none), and the label of the branch that begins with it.

    Raises NewRevisionError where that is not one revision; `chain` is what the chain is called in it.
    """
    labels = {label for revision in graph.revisions for label in revision.labels}
    if branch not in labels:
        return _top(graph, reserved, chain), _new_label(graph, branch)
    own = lineage(graph, branch) & foreign(graph, [branch], [branch])
    if not own:
        problem, advice = "the branch has been merged", "begin another, or leave --branch out"
        raise NewRevisionError(branch, problem, f"{advice}; nothing was written")
    return _only(heads(graph, own), branch), ""


def _top(graph: RevisionGraph, reserved: frozenset[str], chain: str) -> str:
    """The head of the trunk: of what is on no branch that leaves it, and on none that environments list."""
    leaving = {label for revision in graph.revisions for label in revision.labels if revision.down or label in reserved}
    trunk = frozenset(graph.order) - foreign(graph, leaving, leaving)
    if graph.revisions and not trunk:
        raise NewRevisionError(chain, "every revision is on a branch", "name one with --branch; nothing was written")
    return _only(heads(graph, trunk), chain) if trunk else ""


def _only(tops: tuple[str, ...], subject: str) -> str:
    if len(tops) > 1:
        told = sorted(tops)
        advice = f'name a branch with --branch, or merge them: alembic merge -m "Merge" {" ".join(told)}'
        raise NewRevisionError(subject, f"{len(told)} heads, {' and '.join(told)}", f"{advice}; nothing was written")
    return tops[0]


def _new_label(graph: RevisionGraph, label: str) -> str:
    if label and (not label.isascii() or not label.isidentifier() or label in _RESERVED_WORDS):
        raise UsageError(
            f"{label!r} cannot be a branch's label", "letters, digits and _ can, but for head, heads, base and current"
        )
    if label and label in graph.order:
        raise NewRevisionError(label, "is a revision, not a branch", "choose another label; nothing was written")
    if label and not graph.revisions:
        raise NewRevisionError(label, "there is no revision yet to branch off", "make the first without --branch")
    return label


# As much as the column of Alembic's version table holds.
LONGEST = 32
# Six digits at most: a day (20260210) and a random name that happens to be all digits are no number to count on from.
_NUMBERED = re.compile(r"(?P<number>\d{1,6})(?:_(?P<words>.+))?")


def next_id(taken: Collection[str], title: str) -> str | None:
    """The id after the highest number among those taken, as wide and with words if they have them: `049_bug_mood`.

    A chain without revisions begins with 001. None where most ids do not begin with a number.
    """
    numbered = [match for name in taken if (match := _NUMBERED.fullmatch(name))]
    if len(numbered) * 2 < len(taken) or (taken and not numbered):
        return None
    highest = max((int(match["number"]) for match in numbered), default=0)
    number = str(highest + 1).zfill(max((len(match["number"]) for match in numbered), default=3))
    if numbered and not any(match["words"] for match in numbered):
        return number
    words = slug(title, LONGEST - len(number) - 1)
    return f"{number}_{words}" if words else number


def slug(title: str, most: int) -> str:
    """A title's words in letters that any file and any database takes, as many as go into `most` letters."""
    letters = unicodedata.normalize("NFKD", title.casefold().replace("'", "")).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", letters)
    found = words[0][:most] if words else ""
    for word in words[1:]:
        if len(found) + 1 + len(word) > most:
            break
        found = f"{found}_{word}"
    return found
