"""Ids and texts of new revisions: numbers counted on, words cut, and SQL that arrives to the letter."""

from __future__ import annotations

import ast

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite import dialect

from architect_migrate.authoring.new_revision import LONGEST, next_id, slug
from architect_migrate.revisions.writer import docstring, escaped, executed, literal

IDS = {
    "the next number, as wide": (("047_health", "048_crawl"), "Bug mood", "049_bug_mood"),
    "from the highest, wherever it stands": (("9_a", "10_b", "2_c"), "x", "11_x"),
    "numbers that two revisions share": (("017_a", "017_b"), "x", "018_x"),
    "numbers alone stay numbers alone": (("0001", "0002"), "Bug mood", "0003"),
    "wider than before where it must be": (("999_a",), "x", "1000_x"),
    "one among them without a number": (("001_a", "002_b", "merge"), "x", "003_x"),
    "the first of a chain": ((), "Bugs", "001_bugs"),
    "a title without a letter that an id may have": (("001_a",), "日本", "002"),
    "random ids are no numbers": (("1975ea83b712", "ae1027a6acf4"), "x", None),
    "nor is a random id that is all digits": (("123456789012", "ae1027a6acf4"), "x", None),
    "nor are days": (("20260210_a", "20260211_b"), "x", None),
    "words alone": (("first", "second"), "x", None),
}
SLUGS = {
    "words": ("Add a mood", "add_a_mood"),
    "cut at a word": ("Find the bugs of the day before yesterday", "find_the_bugs_of_the_day"),
    "one word that is too long": ("Donaudampfschifffahrtsgesellschaft", "donaudampfschifffahrtsgesell"),
    "letters with marks, and an apostrophe": ("Größe isn't naïve", "grosse_isnt_naive"),
    "what is no letter": ("a: b/c -- d.", "a_b_c_d"),
    "nothing": ("…", ""),
}
LITERALS = {
    "a line": ("DROP TABLE a", '"DROP TABLE a"'),
    "a quoted name": ('DROP TABLE "a"', "'DROP TABLE \"a\"'"),
    "both quotes": ("""SELECT "a" = 'a'""", '"""\nSELECT "a" = \'a\'\n"""'),
    "lines": ("CREATE TABLE a (\n\tx)", '"""\nCREATE TABLE a (\n\tx)\n"""'),
    "a backslash": ("SELECT '\\d'", "r\"SELECT '\\d'\""),
    "three quotes": ('SELECT """a"', '\'SELECT """a"\''),
    "Windows' line ends": ("SELECT 1\r\n", "'SELECT 1\\r\\n'"),
}
COLONS = {
    "times": ("strftime('%H:%M')", "strftime('%H:%M')"),
    "what looks like a parameter": ("x <> ':name'", "x <> '\\:name'"),
    "a colon after it": ("':a:b:'", "'\\:a\\:b\\:'"),
    "an escaped one": ("'\\:a'", "'\\\\:a'"),
    "a cast of another database": ("a::int", "a\\:\\:int"),
    "only where it must be": ("-- when: now\n':x'", "-- when: now\n'\\:x'"),
}


@pytest.mark.parametrize("case", IDS.values(), ids=IDS)
def test_the_next_id(case: tuple[tuple[str, ...], str, str | None]) -> None:
    taken, title, expected = case
    assert next_id(taken, title) == expected


@pytest.mark.parametrize("case", SLUGS.values(), ids=SLUGS)
def test_a_title_as_words(case: tuple[str, str]) -> None:
    assert slug(case[0], 28) == case[1]


@given(st.text(min_size=1))
def test_an_id_fits_the_version_table_and_any_file_system(title: str) -> None:
    found = next_id(("048_x",), title)
    assert found is not None
    assert len(found) <= LONGEST
    assert found.isascii()
    assert found.replace("_", "a").isalnum()


@pytest.mark.parametrize("case", LITERALS.values(), ids=LITERALS)
def test_a_statement_as_python_writes_it(case: tuple[str, str]) -> None:
    text, written = case
    assert literal(text) == written
    assert ast.literal_eval(written).strip("\n") in {text, text.strip("\n")}


@pytest.mark.parametrize("case", COLONS.values(), ids=COLONS)
def test_only_colons_that_could_be_mistaken_are_escaped(case: tuple[str, str]) -> None:
    assert escaped(case[0]) == case[1]


@given(st.text(alphabet="a:\\$ '\"\n\r%1é", min_size=1) | st.text(min_size=1))
@example("\\:a:b")
@example(":$a:")
@example("\\\\:a\\:")
def test_a_statement_arrives_at_the_database_as_it_was(sql: str) -> None:
    (call,) = ast.parse(f"def upgrade():\n    {executed([sql])}").body[0].body  # type: ignore[attr-defined]  # a function
    text = sa.text(ast.literal_eval(call.value.args[0])).compile(dialect=dialect())
    assert (str(text).strip("\n"), text.params) == (sql.strip("\n"), {})


@given(st.text())
def test_a_title_arrives_in_the_docstring_as_it_was(title: str) -> None:
    lines = "".join(one for one in title if one.isprintable())
    assert ast.literal_eval(f'"""{docstring(lines)}.\n"""') == f"{lines}.\n"
