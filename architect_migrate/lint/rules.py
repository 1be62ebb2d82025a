"""Rules of `archmig lint`, and their violations as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from architect_migrate.core.chain_errors import NewRevisionError
from architect_migrate.core.errors import derived


class Level(Enum):
    """Level of a rule: ERROR for code that fails or misleads, WARNING for code that may be intended."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the linter; `fix` is the usual correction."""

    code: str
    level: Level
    title: str
    fix: str


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation of a rule; `file` is an absolute path, `line` counts from 1.

    `revision` is empty if the file has no id, `sql` is the offending statement or empty.
    """

    code: str
    revision: str
    file: str
    line: int
    message: str
    fix: str
    sql: str = ""

    @property
    def level(self) -> Level:
        """The rule's level."""
        return RULES[self.code].level


class RevisionViolationsError(NewRevisionError):
    """A new revision that was not created because some of its `violations` are errors."""

    violations: tuple[Violation, ...]
    problem: str = derived("{_errors}")
    advice: str = derived("nothing was written")

    @property
    def _errors(self) -> str:
        errors = sum(violation.level is Level.ERROR for violation in self.violations)
        return "violates 1 rule of level error" if errors == 1 else f"violates {errors} rules of level error"


@dataclass(frozen=True, slots=True)
class Place:
    """Place of a violation."""

    revision: str
    file: str
    line: int = 1


def violation(code: str, place: Place, message: str, fix: str = "", sql: str = "") -> Violation:
    """Return a violation of a rule, with the rule's own fix unless one is given."""
    return Violation(code, place.revision, place.file, place.line, message, fix or RULES[code].fix, sql)


_E, _W = Level.ERROR, Level.WARNING
_RULES = (
    Rule("AM001", _E, "the file cannot be read", "correct the file: Alembic cannot load the chain with it"),
    Rule("AM002", _E, "no revision id, or a computed one", 'write it as a literal: revision = "049_moods"'),
    Rule("AM003", _E, "an id of more than 32 characters", "shorten it: Alembic's version table stores 32"),
    Rule("AM004", _W, "the file's name does not contain its id", "rename the file, so that it can be found by its id"),
    Rule("AM005", _E, "an id that another file has", "give one of them another id"),
    Rule("AM006", _E, "no down_revision, or an unknown one", "name the revision that it comes after"),
    Rule("AM007", _E, "several heads", "put one after the other, or merge them: alembic merge heads"),
    Rule("AM008", _E, "a cycle of revisions", "correct one down_revision of the cycle"),
    Rule("AM009", _W, "an allow comment without a reason or effect", "write the reason, or remove the comment"),
    Rule("AM101", _E, "no upgrade()", "write def upgrade(): Alembic calls it without arguments"),
    Rule("AM102", _E, "no downgrade()", "write def downgrade(), the way back"),
    Rule("AM103", _E, "the old manager's functions: migrate() and rollback()", "name them upgrade and downgrade"),
    Rule("AM104", _E, "a function that requires arguments", "remove them: use op, or op.get_bind() for the connection"),
    Rule("AM105", _W, "a downgrade() that does nothing", "reverse what upgrade() does"),
    Rule("AM201", _E, "a statement that SQLite cannot read", "correct the statement"),
    Rule(
        "AM202",
        _E,
        "a missing table, view, index or trigger",
        "create it in this revision, or depend on the revision that does",
    ),
    Rule("AM203", _E, "a missing column", "add it in this revision, or depend on the revision that does"),
    Rule("AM204", _E, "an object that exists already", "choose another name, or change the existing object"),
    Rule("AM205", _E, "an index name in use", "choose another name: index names are unique in the whole database"),
    Rule("AM206", _E, "a column that exists already", "leave it out, or change the existing column"),
    Rule(
        "AM207",
        _E,
        "CREATE IF NOT EXISTS over a different object of that name",
        "change the existing object with ALTER statements, or choose another name; IF NOT EXISTS only hides the clash",
    ),
    Rule("AM208", _E, "a statement that fails", "correct the statement"),
    Rule("AM209", _E, "a revision whose own code fails", "correct the code"),
    Rule("AM210", _E, "control of the transaction", "leave the transaction and its safety to Alembic and archmig"),
    Rule("AM211", _E, "a foreign key to a missing parent", "create the parent first, with a key of these columns"),
    Rule("AM212", _E, "a broken view or trigger", "recreate it to fit the tables"),
    Rule("AM213", _E, "a revision that was not tried", "correct the revision that it comes after"),
    Rule("AM301", _E, "a NOT NULL column without default for a table that may hold rows", "give it a default"),
    Rule("AM302", _E, "an upgrade that fails on tables with rows", "fill or correct the rows first"),
    Rule(
        "AM303",
        _E,
        "a data step that changes something when it runs again",
        "insert only what is missing: INSERT ... SELECT ... WHERE NOT EXISTS, or architect_migrate.seeds",
    ),
    Rule("AM304", _W, "rows written outside of data_step()", "move it into data_step(), called by upgrade()"),
    Rule("AM305", _E, "a data step that overwrites edited rows", "leave existing rows alone"),
    Rule("AM401", _W, "a dropped table with its rows", "if intended: # archmig: allow AM401 REASON"),
    Rule("AM402", _W, "a dropped column with its values", "if intended: # archmig: allow AM402 REASON"),
    Rule("AM403", _W, "deleted rows", "if intended: # archmig: allow AM403 REASON"),
    Rule(
        "AM404",
        _W,
        "a recreated table that loses a feature",
        "create it again afterwards, or alter the table with separate statements; "
        "if intended: # archmig: allow AM404 REASON",
    ),
    Rule("AM501", _E, "a downgrade() that fails", "correct downgrade()"),
    Rule("AM502", _E, "a downgrade() that does not restore the schema", "reverse all that upgrade() does"),
)
RULES = {rule.code: rule for rule in _RULES}
