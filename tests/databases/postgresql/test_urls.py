"""URLs of any driver become URIs of the same database for libpq; what is refused shows no secret."""

from __future__ import annotations

from urllib.parse import quote

import pytest

psycopg = pytest.importorskip("psycopg")

from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

from architect_migrate.core.errors import BadUrlError
from architect_migrate.databases.postgresql.urls import libpq_uri

SECRET = "hunter2"
LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
WHOLE = {"user": "u", "password": "p", "host": "h", "port": "5433", "dbname": "d"}


@pytest.mark.parametrize("driver", ["", "+psycopg2", "+psycopg", "+asyncpg", "+pg8000", "+psycopg_async"])
def test_the_driver_makes_no_difference(driver: str) -> None:
    assert conninfo_to_dict(libpq_uri(f"postgresql{driver}://u:p@h:5433/d")) == WHOLE


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgres://u:p@h:5433/d", WHOLE),
        ("postgresql://", {}),
        ("postgresql:///d", {"dbname": "d"}),
        ("postgresql://h", {"host": "h"}),
        ("postgresql://u@/d?host=/run/pg", {"user": "u", "dbname": "d", "host": "/run/pg"}),
        ("postgresql+pg8000://u@/d?unix_sock=/run/pg/.s.PGSQL.5432", {"user": "u", "dbname": "d", "host": "/run/pg"}),
        ("postgresql://%2Frun%2Fpg/d", {"host": "/run/pg", "dbname": "d"}),
        (
            "postgresql+asyncpg://h/d?ssl=true&timeout=2.5",
            {"host": "h", "dbname": "d", "sslmode": "require", "connect_timeout": "3"},
        ),
        ("postgresql+asyncpg://h/d?ssl=verify-full", {"host": "h", "dbname": "d", "sslmode": "verify-full"}),
        ("postgresql+asyncpg://h/d?prepared_statement_cache_size=0&command_timeout=5", {"host": "h", "dbname": "d"}),
        ("postgresql+asyncpg://?database=d&host=h&user=u", {"host": "h", "dbname": "d", "user": "u"}),
        (
            "postgresql://h/d?options=-csearch_path%3Dapp%20-cx=1",
            {"host": "h", "dbname": "d", "options": "-csearch_path=app -cx=1"},
        ),
        (
            "postgresql://h/d?options=-csearch_path%3Dapp+-cx=1",
            {"host": "h", "dbname": "d", "options": "-csearch_path=app -cx=1"},
        ),
        ("postgresql://a:1,b:2/d", {"host": "a,b", "port": "1,2", "dbname": "d"}),
        ("postgresql+psycopg2:///d?host=a:1&host=b:2", {"host": "a,b", "port": "1,2", "dbname": "d"}),
        ("postgresql+psycopg2:///d?host=a&host=b&port=1&port=2", {"host": "a,b", "port": "1,2", "dbname": "d"}),
        ("postgresql:///d?host=[::1]:5433", {"host": "::1", "port": "5433", "dbname": "d"}),
        ("postgresql://[::1]:5433/d", {"host": "::1", "port": "5433", "dbname": "d"}),
        ("postgresql:///?service=mine", {"service": "mine"}),
        ("postgresql://u:a/b:c?d@h/d", {"user": "u", "password": "a/b:c?d", "host": "h", "dbname": "d"}),
        ("postgresql://u:a%40b+c@h/d", {"user": "u", "password": "a@b+c", "host": "h", "dbname": "d"}),
    ],
)
def test_a_url_names_the_same_database_for_libpq(url: str, parts: dict[str, str]) -> None:
    assert conninfo_to_dict(libpq_uri(url)) == parts


@given(LETTERS, LETTERS)
def test_any_user_and_password_are_those_that_sqlalchemy_reads(user: str, password: str) -> None:
    url = f"postgresql+psycopg2://{quote(user, safe='')}:{quote(password, safe='')}@h/d"
    read = make_url(url)
    assert (read.username, read.password) == (user, password)
    assert conninfo_to_dict(libpq_uri(url)) == {"user": user, "password": password, "host": "h", "dbname": "d"}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"sqlite://u:{SECRET}@h/d", "not the URL of a PostgreSQL driver"),
        (f"postgresql+psycopgg://u:{SECRET}@h/d", "not the URL of a PostgreSQL driver (did you mean 'psycopg'?)"),
        (f"postgresql://u:{SECRET}@{SECRET}@h/d", "an @ in the password of a URL (percent-encode it: %40 is an @)"),
        (
            f"postgresql://u:{SECRET}@h/d?sslmod={SECRET}",
            "the parameter 'sslmod' in the URL of a PostgreSQL database (did you mean 'sslmode'?)",
        ),
        (
            f"postgresql://u:{SECRET}@h/d?timeout={SECRET}",
            "a timeout in a URL that is no number of seconds (connect_timeout=10)",
        ),
    ],
)
def test_what_libpq_would_not_understand_is_refused_without_a_value(url: str, message: str) -> None:
    with pytest.raises(BadUrlError) as refused:
        libpq_uri(url)
    assert str(refused.value) == message
