from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architect_migrate.core.errors import BadUrlError
from architect_migrate.core.secrets import mask
from architect_migrate.core.urls import DatabaseUrl, database_identity, parse_url, sqlite_url

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:///data/a.db", "data/a.db"),
        ("sqlite:////srv/a.db", "/srv/a.db"),
        ("sqlite+pysqlite:////srv/a.db", "/srv/a.db"),
        ("sqlite:////srv/a b%20c'@.db", "/srv/a b%20c'@.db"),
    ],
)
def test_a_sqlite_url_names_a_file_letter_for_letter(text: str, path: str) -> None:
    assert parse_url(text) == DatabaseUrl("sqlite", Path(path), text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'not a database URL (write "sqlite:///file.db", or path = "file.db")'),
        ("data/a.db", 'not a database URL (write "sqlite:///file.db", or path = "file.db")'),
        (f"u:{SECRET}@h://x", 'not a database URL (write "sqlite:///file.db", or path = "file.db")'),
        (f"postgre://u:{SECRET}@h/d", "unknown database 'postgre' (did you mean 'postgresql'?)"),
        ("sqlit:///a.db", "unknown database 'sqlit' (did you mean 'sqlite'?)"),
        ("SQLite:///a.db", "unknown database 'SQLite' (did you mean 'sqlite'?)"),
        ("oracle://h/d", "unknown database 'oracle' (known: postgresql, sqlite)"),
        ("sqlite://", "a SQLite database in memory ends with the process (name a file: sqlite:///file.db)"),
        ("sqlite:///", "a SQLite database in memory ends with the process (name a file: sqlite:///file.db)"),
        (
            "sqlite:///:memory:",
            "a SQLite database in memory ends with the process (name a file: sqlite:///file.db)",
        ),
        ("sqlite://a.db", "a SQLite URL has no host (sqlite:///relative.db or sqlite:////absolute.db)"),
        (
            f"sqlite:///a.db?key={SECRET}",
            'a SQLite URL with parameters (name the file alone; one with ? in its name goes in path = "...")',
        ),
        (
            f"postgresql://u:{SECRET} x@h/d",
            "a space, quote or control character in a URL (percent-encode it: %20 is a space)",
        ),
    ],
)
def test_a_text_that_names_no_database_is_refused_without_being_repeated(text: str, message: str) -> None:
    with pytest.raises(BadUrlError) as refused:
        parse_url(text)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://app:hunter2@db:5432/x", "postgresql://***@db:5432/x"),
        ("postgresql+psycopg://app:a@hunter2@db/x", "postgresql+psycopg://***@db/x"),
        ("postgresql://app:p%40hunter2%2F@db/x", "postgresql://***@db/x"),
        ("postgresql://app:hun/ter2?x@db/x", "postgresql://***@db/x"),
        ("postgresql://hunter2@db/x", "postgresql://***@db/x"),
        ("failed: postgresql://app:hunter 2@db/x: no route", "failed: postgresql://***@db/x: no route"),
        ('failed: postgresql://app:hunter"2@db/x: no', "failed: postgresql://***@db/x: no"),
        ("postgresql:///x?host=/run&password=hunter2", "postgresql:///x?host=***&password=***"),
        ("postgresql://db/x?token=hunter2&sslmode=require", "postgresql://db/x?token=***&sslmode=***"),
        ("postgresql://db/x?sslpassword=hunter2#f", "postgresql://db/x?sslpassword=***"),
        ("postgresql://db/x?api_key=hunter2 and more", "postgresql://db/x?api_key=*** and more"),
        ("https://db/x?Access-Key=hunter2&sig=hunter2", "https://db/x?Access-Key=***&sig=***"),
        ("could not connect: host=db password=hunter2 user=app", "could not connect: host=db password=*** user=app"),
        ("sqlite:////srv/a@b.db", "sqlite:////srv/a@b.db"),
        ("sqlite:////a.db,postgresql://u:hunter2@h/d", "sqlite:////a.db,postgresql://***@h/d"),
        ("http://localhost:5432/x failed, ask me@home", "http://localhost:5432/x failed, ask me@home"),
        ("mail me@home, the primary key=1", "mail me@home, the primary key=1"),
    ],
)
def test_a_text_is_masked_where_its_secrets_are_and_nowhere_else(text: str, masked: str) -> None:
    assert mask(text) == masked


TROUBLE = st.text("@%:/?#&=+;.'~ab0", max_size=8).map(lambda text: f"{text}§{text}")


@given(st.text("ab1", max_size=4), TROUBLE)
def test_no_password_survives_before_the_host(user: str, password: str) -> None:
    masked = mask(f"cannot open 'postgresql://{user}:{password}@host/db' today")
    assert masked == "cannot open 'postgresql://***@host/db' today"


@given(TROUBLE.filter(lambda text: "&" not in text), st.sampled_from(["password", "token", "api_key", "sslPassword"]))
def test_no_secret_parameter_survives(secret: str, name: str) -> None:
    assert "§" not in mask(f"postgresql://host/db?a=1&{name}={secret}&b=2")


@given(st.text(max_size=200))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.text("ab@:/?&=ptokenwrdsqli", max_size=60))
def test_masking_twice_changes_nothing_more_near_urls(text: str) -> None:
    once = mask(f"x://{text}")
    assert mask(once) == once


def test_json_stays_json() -> None:
    text = json.dumps({"url": "postgresql://u:hunter2@h/d?token=hunter2", "mail": "a@b"}, separators=(",", ":"))
    assert json.loads(mask(text)) == {"url": "postgresql://***@h/d?token=***", "mail": "a@b"}


def test_a_long_text_is_masked_at_once() -> None:
    assert mask("://a:" * 20_000 + "?passpass" * 5_000).startswith("://a:")


def test_a_url_shows_itself_masked_in_every_way() -> None:
    url = parse_url(f"postgresql://app:{SECRET}@db/x?password={SECRET}")
    assert [str(url), repr(url), f"{url}", repr([url])] == [
        "postgresql://***@db/x?password=***",
        "DatabaseUrl('postgresql://***@db/x?password=***')",
        "postgresql://***@db/x?password=***",
        "[DatabaseUrl('postgresql://***@db/x?password=***')]",
    ]


def test_a_file_is_shown_by_its_exact_name() -> None:
    assert str(sqlite_url(Path("/srv/a?token=b @%20.db"))) == "sqlite:////srv/a?token=b @%20.db"


def test_the_login_and_the_driver_make_no_other_database() -> None:
    texts = ["postgresql://h/d", "postgresql+psycopg://u:p@h/d", "postgresql://v@h/d", "postgres://u:p@h/d"]
    assert {database_identity(parse_url(text)) for text in texts} == {"postgresql://h/d"}
    assert database_identity(sqlite_url(Path("/a.db"))) == "/a.db"
