"""SQLAlchemy's dialects on a lent connection, for an engine of any PostgreSQL driver that env.py names."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from architect_migrate.core.server_errors import NotLentError

if TYPE_CHECKING:
    from collections.abc import Iterator

# The drivers of PostgreSQL in URLs. The last one is what a URL without a driver means.
DRIVERS = ("asyncpg", "pg8000", "psycopg", "psycopg2", "psycopg2cffi", "psycopg_async", "")


class LentDialect(PGDialect_psycopg):
    """The dialect of an engine whose connection is lent to it (see `lending`)."""

    supports_statement_cache = True
    is_async = False

    def __init__(
        self,
        executemany_mode: object = None,  # noqa: ARG002  (see below)
        executemany_batch_page_size: object = None,  # noqa: ARG002
        executemany_values_page_size: object = None,  # noqa: ARG002
        use_native_unicode: object = None,  # noqa: ARG002
        prepared_statement_cache_size: object = None,  # noqa: ARG002
        **options: Any,
    ) -> None:
        # Why these arguments: create_engine() refuses those that a dialect does not name, and env.py may pass what
        # another driver's dialect takes. None of them changes a statement.
        super().__init__(**options)  # type: ignore[no-untyped-call]  # SQLAlchemy has no types for it

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return psycopg, whatever driver the URL names."""
        return psycopg

    @classmethod
    def get_async_dialect_cls(cls, _url: sa.URL) -> type[sa.Dialect]:
        """Return the dialect of an asynchronous engine: it needs no asynchronous driver."""
        return LentAsyncDialect

    def connect(self, *_arguments: Any, **_options: Any) -> Any:
        """Refuse a connection that is not lent. Raises NotLentError."""
        raise NotLentError


class LentAsyncDialect(LentDialect):
    """The dialect of an asynchronous engine whose connection is lent to it: its calls return at once."""

    supports_statement_cache = True
    is_async = True

    @classmethod
    def get_async_dialect_cls(cls, _url: sa.URL) -> type[sa.Dialect]:
        """Return this dialect."""
        return cls

    @classmethod
    def get_pool_class(cls, _url: sa.URL) -> type[sa.Pool]:
        """Return the pool that asynchronous engines may have."""
        return sa.pool.AsyncAdaptedQueuePool


class LentAsyncpgDialect(LentAsyncDialect):
    """The same where the URL names asyncpg, to which a % in a text is no placeholder."""

    supports_statement_cache = True

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Execute a statement; a text of the chain's own without parameters as it stands."""
        is_own_text = context is not None and context.compiled is None and not parameters
        cursor.execute(statement, None if is_own_text else parameters)


@contextmanager
def registered(_connection: object) -> Iterator[None]:
    """Let every engine that is made in the block have these dialects."""
    known = sa.dialects.registry.impls
    before = {name: known[name] for name in map(_name, DRIVERS) if name in known}
    register()
    try:
        yield
    finally:
        for name in map(_name, DRIVERS):
            known.pop(name, None)
        known.update(before)


def register() -> None:
    """Let every engine that is made from now on in this process have these dialects."""
    for driver in DRIVERS:
        name = _name(driver)
        its_class = "LentAsyncpgDialect" if driver == "asyncpg" else "LentDialect"
        sa.dialects.registry.register(name, __name__, its_class)


def _name(driver: str) -> str:
    """The name of a driver's dialect."""
    return f"postgresql.{driver}" if driver else "postgresql"
