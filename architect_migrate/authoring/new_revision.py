"""Creation of the next revision file of a chain: its id, its down_revision and its folder."""

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
from architect_migrate.core.file_lock import folder_lock
from architect_migrate.lint.rules import Level, RevisionViolationsError
from architect_migrate.model.branches import foreign
from architect_migrate.model.revision_graph import heads, lineage
from architect_migrate.revisions.autogenerate import compared
from architect_migrate.revisions.files import script_folder
from architect_migrate.revisions.static_graph import folders_of
from architect_migrate.revisions.writer import Draft, graph_in_files, publish, random_id, version_folder, write_draft

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from architect_migrate.authoring.hotfix import Hotfix
    from architect_migrate.lint.rules import Violation
    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.revisions.autogenerate import Compared


_RESERVED_WORDS = frozenset({"base", "current", "head", "heads"})
_STATEMENT = """-- Write one statement here, and another op.execute() for the next one.
-- Escape a colon before a word with a backslash, or it is taken for a parameter."""


class Body(Enum):
    """Initial body of a new revision's functions: empty, or a placeholder for SQL statements."""

    PYTHON = "python"
    SQL = "sql"


@dataclass(frozen=True, slots=True)
class Request:
    """Request for a new revision, on the trunk or on the branch with a label, optionally from a hotfix.

    `judge` returns the violations of a file that is not in the chain yet. `models` are compared with the chain where
    they are given: those of env.py (empty), or "module:metadata".
    """

    title: str
    branch: str = ""
    body: Body = Body.PYTHON
    hotfix: Hotfix | None = None
    judge: Callable[[Path], tuple[Violation, ...]] | None = None
    models: str | None = None


@dataclass(frozen=True, slots=True)
class NewRevision:
    """A revision as written or previewed; `parent` is empty for the first, `begins` is the branch that it begins.

    `left` are differences that models still have from the chain with it, as Alembic calls them.
    """

    id: str
    title: str
    parent: str
    begins: str
    path: Path
    text: str
    violations: tuple[Violation, ...] = ()
    left: tuple[str, ...] = ()


def make(chain: ChainConfig, reserved: frozenset[str], request: Request) -> NewRevision:
    """Write the revision and return it. `reserved` are labels of branches reserved for some environments.

    Raises NewRevisionError (RevisionViolationsError if `judge` finds an error), ChainError and UsageError; nothing was
    written then.
    """
    folder = script_folder(chain)
    # Why the lock: two processes would otherwise choose the same number.
    with (
        _named_failures(folder),
        folder_lock(folder),
        _drafted(chain, reserved, request, folder) as (draft, made, written),
    ):
        publish(chain, draft, written, made.path)
        return made


def preview(chain: ChainConfig, reserved: frozenset[str], request: Request) -> NewRevision:
    """Return the revision that `make` would write; nothing is written to the chain. Raises as `make`."""
    folder = Path(tempfile.gettempdir())
    with _named_failures(folder), _drafted(chain, reserved, request, folder) as (_, made, _):
        return made


@contextmanager
def _named_failures(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = str(error.filename or folder)
        raise NewRevisionError(place, error.strerror or str(error), "nothing was written") from error


@contextmanager
def _drafted(
    chain: ChainConfig, reserved: frozenset[str], request: Request, base: Path
) -> Iterator[tuple[Draft, NewRevision, Path]]:
    """Write the revision to a temporary folder in `base`, load it and, for a hotfix, prove it."""
    graph = graph_in_files(chain)
    draft = _draft(chain, graph, reserved, request)
    final = version_folder(chain, draft.parent, request.branch)
    # Why below the chain's own folder: formatters that run as hooks find the project's settings there.
    with tempfile.TemporaryDirectory(prefix=".archmig-", dir=base) as name:
        folder = Path(name).resolve()
        written = write_draft(chain, draft, folder)
        if request.hotfix:
            from architect_migrate.authoring.hotfix import prove

            prove(chain, folder, draft.id, request.hotfix.promotion)
        left = _still_different(chain, folder, request)
        text = written.read_text(encoding="utf-8")
        path = final / written.relative_to(folder)
        violations = _judged(request, written, path)
        made = NewRevision(draft.id, draft.title, draft.parent, draft.label, path, text, violations, left)
        yield draft, made, written


def _judged(request: Request, written: Path, path: Path) -> tuple[Violation, ...]:
    """Return the file's violations, placed at its final path. Raises RevisionViolationsError for an error."""
    if request.judge is None:
        return ()
    violations = tuple(replace(violation, file=str(path)) for violation in request.judge(written))
    if any(violation.level is Level.ERROR for violation in violations):
        raise RevisionViolationsError(str(path), violations)
    return violations


def _draft(chain: ChainConfig, graph: RevisionGraph, reserved: frozenset[str], request: Request) -> Draft:
    title = _title(request.title)
    parent, begins = place(graph, reserved, request.branch, str(chain.ini))
    name = next_id(graph.order, title) or random_id()
    if request.models is not None:
        return Draft(name, title, parent, begins, code=_compared(chain, request.models))
    if request.hotfix:
        promoted = request.hotfix.promotion
        about = f"Objects made by hand in the database of {request.hotfix.environment}, as stored there."
        return Draft(name, title, parent, begins, about, promoted.upgrade, promoted.downgrade)
    if request.body is Body.SQL:
        return Draft(name, title, parent, begins, upgrade=(_STATEMENT,), downgrade=(_STATEMENT,))
    return Draft(name, title, parent, begins)


def _compared(chain: ChainConfig, models: str) -> Compared:
    """What models have beyond the chain. Raises NewRevisionError if there is nothing."""
    found = compared(chain, models)
    if not found.verbs:
        raise NewRevisionError(str(chain.ini), "the models have nothing that the chain lacks", "nothing was written")
    return found


def _still_different(chain: ChainConfig, folder: Path, request: Request) -> tuple[str, ...]:
    """The differences between models and the chain with the revision in a folder, tried by another comparison."""
    if request.models is None:
        return ()
    return compared(replace(chain, versions=(*folders_of(chain), folder)), request.models).verbs


def _title(text: str) -> str:
    title = text.strip().rstrip(".").rstrip()
    if not title or not title.isprintable():
        raise UsageError("a revision needs a title of one line", 'write archmig new "Add a mood to bugs"')
    return title


def place(graph: RevisionGraph, reserved: frozenset[str], branch: str, chain: str) -> tuple[str, str]:
    """Return the down_revision of a new revision (empty: none), and the label of the branch that it begins or empty.

    Raises NewRevisionError if there is not exactly one; `chain` is the chain's name in the message.
    """
    labels = {label for revision in graph.revisions for label in revision.labels}
    if branch not in labels:
        return _top(graph, reserved, chain), _new_label(graph, branch)
    own = lineage(graph, branch) & foreign(graph, [branch], [branch])
    if not own:
        problem, advice = "the branch has been merged", "begin another branch, or leave --branch out"
        raise NewRevisionError(branch, problem, f"{advice}; nothing was written")
    return _only(heads(graph, own), branch), ""


def _top(graph: RevisionGraph, reserved: frozenset[str], chain: str) -> str:
    """Return the head of the trunk: of the revisions on no branch that leaves it, and on no reserved branch."""
    leaving = {label for revision in graph.revisions for label in revision.labels if revision.down or label in reserved}
    trunk = frozenset(graph.order) - foreign(graph, leaving, leaving)
    if graph.revisions and not trunk:
        raise NewRevisionError(chain, "every revision is on a branch", "name one with --branch; nothing was written")
    return _only(heads(graph, trunk), chain) if trunk else ""


def _only(tops: tuple[str, ...], subject: str) -> str:
    if len(tops) > 1:
        names = sorted(tops)
        advice = f'name a branch with --branch, or merge them: alembic merge -m "Merge" {" ".join(names)}'
        raise NewRevisionError(subject, f"{len(names)} heads, {' and '.join(names)}", f"{advice}; nothing was written")
    return tops[0]


def _new_label(graph: RevisionGraph, label: str) -> str:
    if label and (not label.isascii() or not label.isidentifier() or label in _RESERVED_WORDS):
        raise UsageError(
            f"{label!r} cannot be a branch's label",
            "use letters, digits and _; head, heads, base and current are reserved",
        )
    if label and label in graph.order:
        raise NewRevisionError(label, "is a revision, not a branch", "choose another label; nothing was written")
    if label and not graph.revisions:
        raise NewRevisionError(label, "the chain has no revision to branch from", "create the first without --branch")
    return label


# The length of the column in Alembic's version table.
LONGEST = 32
# Why six digits at most: a date (20260210) and a random id of digits only are not consecutive numbers.
_NUMBERED = re.compile(r"(?P<number>\d{1,6})(?:_(?P<words>.+))?")


def next_id(taken: Collection[str], title: str) -> str | None:
    """Return the id after the highest number in `taken`, as wide, and with words if those have them: `049_bug_mood`.

    A chain without revisions begins with 001. Returns None if most ids do not begin with a number.
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
    """Return a title's words in lower-case ASCII joined by `_`, as many as fit into `most` characters."""
    letters = unicodedata.normalize("NFKD", title.casefold().replace("'", "")).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", letters)
    joined = words[0][:most] if words else ""
    for word in words[1:]:
        if len(joined) + 1 + len(word) > most:
            break
        joined = f"{joined}_{word}"
    return joined
