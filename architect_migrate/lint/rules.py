"""What `archmig lint` finds in revision files, as values, and the list of everything that it looks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from architect_migrate.core.chain_errors import NewRevisionError
from architect_migrate.core.errors import derived


class Level(Enum):
    """How sure it is that a flaw does harm: it fails or misleads, or it is meant once somebody says so."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked for; `fix` is what usually helps."""

    code: str
    level: Level
    title: str
    fix: str


@dataclass(frozen=True, slots=True)
class Violation:
    """One flaw. `revision` is empty where the file has no id, `sql` the statement that it is about, or empty.

    `file` is an absolute path, `line` counts from 1.
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
        """The rule's grade."""
        return RULES[self.code].level


class RevisionViolationsError(NewRevisionError):
    """A revision that was not made, since some of its `violations` are errors."""

    violations: tuple[Violation, ...]
    problem: str = derived("{_errors}")
    advice: str = derived("nothing was written")

    @property
    def _errors(self) -> str:
        errors = sum(violation.level is Level.ERROR for violation in self.violations)
        return "1 of its flaws is an error" if errors == 1 else f"{errors} of its flaws are errors"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flaw is."""

    revision: str
    file: str
    line: int = 1


def violation(code: str, place: Place, message: str, fix: str = "", sql: str = "") -> Violation:
    """A flaw of a rule; the rule's own fix where none is given."""
    return Violation(code, place.revision, place.file, place.line, message, fix or RULES[code].fix, sql)


_E, _W = Level.ERROR, Level.WARNING
_RULES = (
    Rule("AM001", _E, "the file cannot be read", "correct the file: Alembic cannot load the chain with it"),
    Rule("AM002", _E, "no revision id, or one that is not written out", 'write it out: revision = "049_moods"'),
    Rule("AM003", _E, "an id of more than 32 characters", "shorten it: Alembic's version table has room for 32"),
    Rule("AM004", _W, "the file's name does not tell its id", "rename the file, so that it can be found by its id"),
    Rule("AM005", _E, "an id that another file has too", "give one of them another id"),
    Rule("AM006", _E, "no down_revision, or one that is not there", "name the revision that it comes after"),
    Rule("AM007", _E, "several heads", "let one come after the other, or merge them: alembic merge heads"),
    Rule("AM008", _E, "revisions that come after each other in a circle", "correct one down_revision of the circle"),
    Rule("AM009", _W, "an allowance without a reason, or without need", "say why, or take the comment out"),
    Rule("AM101", _E, "no upgrade()", "write def upgrade(): Alembic calls it without arguments"),
    Rule("AM102", _E, "no downgrade()", "write def downgrade(), the way back"),
    Rule("AM103", _E, "the old manager's functions: migrate() and rollback()", "name them upgrade and downgrade"),
    Rule("AM104", _E, "a function that wants arguments", "take none: use op, or op.get_bind() for the connection"),
    Rule("AM105", _W, "a downgrade() that does nothing", "take back what upgrade() does"),
    Rule("AM201", _E, "a statement that SQLite cannot read", "correct the statement"),
    Rule(
        "AM202",
        _E,
        "a table, view, index or trigger that is not there",
        "create it in this revision, or come after the one that does",
    ),
    Rule("AM203", _E, "a column that is not there", "add it in this revision, or come after the one that does"),
    Rule("AM204", _E, "an object that is there already", "take another name, or change what is there"),
    Rule("AM205", _E, "an index name in use", "take another name: index names are one for the whole database"),
    Rule("AM206", _E, "a column that is there already", "leave it out, or change the one that is there"),
    Rule(
        "AM207",
        _E,
        "CREATE IF NOT EXISTS over something else of that name",
        "change what is there by ALTER statements, or take another name; IF NOT EXISTS only hides the clash",
    ),
    Rule("AM208", _E, "a statement that fails", "correct the statement"),
    Rule("AM209", _E, "a revision whose own code fails", "correct the code"),
    Rule("AM210", _E, "what no revision may do", "leave the transaction and its safety to Alembic and archmig"),
    Rule("AM211", _E, "a foreign key to what is not there", "create the parent first, with a key of these columns"),
    Rule("AM212", _E, "a view or trigger that does not work any more", "create it anew to fit the tables"),
    Rule("AM213", _E, "a revision that was not tried", "correct the revision that it comes after"),
    Rule("AM301", _E, "a NOT NULL column without default for a table that may hold rows", "give it a default"),
    Rule("AM302", _E, "an upgrade that fails on tables with rows", "fill or mend the rows first"),
    Rule(
        "AM303",
        _E,
        "a data step that does not leave things as they are when it runs again",
        "insert only what is missing: INSERT ... SELECT ... WHERE NOT EXISTS, or architect_migrate.seeds",
    ),
    Rule("AM304", _W, "rows written outside of data_step()", "move it into data_step(), called by upgrade()"),
    Rule("AM305", _E, "a data step that overwrites what people have edited", "leave a row alone that is there"),
    Rule("AM401", _W, "a table is dropped, and its rows", "say that it is meant: # archmig: allow AM401 REASON"),
    Rule("AM402", _W, "a column is dropped, and its values", "say that it is meant: # archmig: allow AM402 REASON"),
    Rule("AM403", _W, "rows are deleted", "say that it is meant: # archmig: allow AM403 REASON"),
    Rule(
        "AM404",
        _W,
        "a table made anew loses a feature",
        "create it again afterwards, or alter the table by statements of its own; "
        "if it is meant: # archmig: allow AM404 REASON",
    ),
    Rule("AM501", _E, "a downgrade() that fails", "correct downgrade()"),
    Rule("AM502", _E, "a downgrade() that does not bring the schema back", "take back all that upgrade() does"),
)
RULES = {rule.code: rule for rule in _RULES}
