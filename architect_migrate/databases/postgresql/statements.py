"""PostgreSQL's SQL as tokens: where statements end, what each of them does, and which columns it sets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
      | (?P<comment>/\*)
      | (?P<tag>\$(?:[^\W\d]\w*)?\$)
      | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')
      | (?P<text>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*')
      | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
      | (?P<word>[^\W\d][\w$]*)
      | (?P<other>\d+|.)""",
    re.VERBOSE | re.DOTALL,
)
# The words that end the assignments of an UPDATE.
_AFTER_SET = frozenset({"from", "where", "returning"})
# What a statement with common table expressions goes on with.
_MAIN = frozenset({"delete", "insert", "merge", "select", "table", "update", "values"})

# Verbs of statements that change nothing that a schema or rows show.
SILENT = frozenset({"abort", "begin", "commit", "end", "release", "reset", "rollback", "savepoint", "set", "start"})
# Verbs of statements that only read.
READING = frozenset({"select", "table", "values", "explain", "show"})
# What makes or drops an index, or detaches a partition, with CONCURRENTLY.
_CONCURRENT = frozenset({"alter", "create", "drop", "reindex"})
_OF_SERVER = frozenset({"database", "group", "role", "subscription", "system", "tablespace", "user"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word, name, string, whole number or sign; `kind` is `word`, `quoted`, `string` or `other`."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """The name that the token means, as PostgreSQL stores it; the text of anything else."""
        match self.kind:
            case "word":
                return self.text.lower()
            case "quoted":
                return self.text[self.text.index('"') + 1 : -1].replace('""', '"')
            case _:
                return self.text


def significant(sql: str) -> list[Token]:
    """Return the tokens of a text without spaces and comments."""
    return list(_tokens(sql))


def _tokens(sql: str) -> Iterator[Token]:
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        assert match is not None
        kind, start, at = str(match.lastgroup), at, match.end()
        if kind == "comment":
            at = _end_of_comment(sql, at)
        elif kind == "tag":
            closing = sql.find(match.group(), at)
            at = len(sql) if closing < 0 else closing + len(match.group())
            yield Token("string", sql[start:at], start, at)
        elif kind in {"escaped", "text"}:
            yield Token("string", match.group(), start, at)
        elif kind != "space":
            yield Token(kind, match.group(), start, at)


def _end_of_comment(sql: str, at: int) -> int:
    """Return where a comment ends that begins before `at`; PostgreSQL's comments are nested."""
    depth = 1
    for sign in re.finditer(r"/\*|\*/", sql[at:]):
        depth += 1 if sign.group() == "/*" else -1
        if depth == 0:
            return at + sign.end()
    return len(sql)


def split(sql: str) -> tuple[str, ...]:
    """Return the statements of a text, without the semicolons between them.

    A semicolon in parentheses (of a rule) or in the body of a function (BEGIN ATOMIC) ends none.
    """
    found, start, depth = [], 0, 0
    before = ""
    for token in _tokens(sql):
        word = token.name if token.kind == "word" else token.text
        opens = word == "(" or (word == "atomic" and before == "begin") or (word == "case" and depth > 0)
        depth += opens - (depth > 0 and word in {")", "end"})
        if word == ";" and depth == 0:
            found.append(sql[start : token.start])
            start = token.end
        before = word
    found.append(sql[start:])
    return tuple(text for text in found if significant(text))


def verb(sql: str) -> str:
    """Return the first word of a statement in lower case, that after common table expressions; empty for no word."""
    depth, words = 0, []
    for token in _tokens(sql):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.kind == "word":
            words.append(token.name)
            if words[0] != "with" or token.name in _MAIN:
                return token.name
    return words[0] if words else ""


def is_of_server(sql: str) -> bool:
    """Return whether a statement changes what belongs to the whole server: a role, a database, a setting of it."""
    match words(significant(sql)):
        case ["alter" | "create" | "drop", "user", "mapping", *_]:
            return False
        case ["alter" | "create" | "drop", thing, *_]:
            return thing in _OF_SERVER
        case _:
            return False


def names_in(sql: str) -> frozenset[str]:
    """Return everything in a text that may be the name of a table or a column."""
    return frozenset(token.name for token in _tokens(sql) if token.kind in {"word", "quoted"})


def set_columns(sql: str) -> frozenset[str]:
    """Return the columns that an UPDATE sets, or the DO UPDATE of an INSERT."""
    found, depth, is_target = set(), 0, False
    target: list[str] = []
    for token in _tokens(sql):
        depth += (token.text == "(") - (token.text == ")")
        if token.kind == "word" and depth == 0 and token.name in _AFTER_SET:
            is_target = False
        elif token.kind == "word" and depth == 0 and token.name == "set":
            is_target, target = True, []
        elif is_target and token.text == "=":
            found.update(target)
            is_target = False
        elif is_target and token.kind in {"word", "quoted"}:
            target.append(token.name)
        elif not is_target and target and depth == 0 and token.text == ",":
            is_target, target = True, []
    return frozenset(found)


def inserted_columns(sql: str) -> tuple[str, ...]:
    """Return the columns that an INSERT names before its rows; none where it names none."""
    tokens = significant(sql)
    into = next((at for at, token in enumerate(tokens) if token.kind == "word" and token.name == "into"), None)
    if into is None:
        return ()
    after = _after_name(tokens, into + 1)
    if after >= len(tokens) or tokens[after].text != "(":
        return ()
    end = next(at for at in range(after, len(tokens)) if tokens[at].text == ")")
    names = [token for token in tokens[after + 1 : end] if token.text != ","]
    return tuple(token.name for token in names) if all(token.kind in {"word", "quoted"} for token in names) else ()


def _after_name(tokens: list[Token], at: int) -> int:
    """Return where the qualified name that begins at a token ends, its alias included."""
    at += 1
    while at + 1 < len(tokens) and tokens[at].text == ".":
        at += 2
    if at + 1 < len(tokens) and tokens[at].kind == "word" and tokens[at].name == "as":
        at += 2
    return at


def inside_a_transaction(sql: str) -> str:
    """Return a statement without the CONCURRENTLY that PostgreSQL refuses inside of a transaction.

    The same is made without it; other sessions wait meanwhile. REFRESH ... CONCURRENTLY keeps it, which it may.
    """
    tokens = significant(sql)
    if not tokens or tokens[0].name not in _CONCURRENT:
        return sql
    word = next((each for each in tokens if each.kind == "word" and each.name == "concurrently"), None)
    return sql if word is None else sql[: word.start] + sql[word.end :]


ADDS_LABEL = "ALTER TYPE ADD VALUE"
_SCANS = frozenset({"analyze", "vacuum"})


def words_outside(sql: str) -> str:
    """Return what a statement does that may run outside of a transaction, since it changes no row; empty for others."""
    found = words(significant(sql))
    match found:
        case ["create", "index", "concurrently", *_] | ["create", "unique", "index", "concurrently", *_]:
            return "CREATE INDEX CONCURRENTLY"
        case ["drop", "index", "concurrently", *_]:
            return "DROP INDEX CONCURRENTLY"
        case ["reindex", *_]:
            return "REINDEX CONCURRENTLY" if "concurrently" in found else "REINDEX"
        case ["alter", "table", *_] if "detach" in found and "concurrently" in found:
            return "DETACH PARTITION CONCURRENTLY"
        case ["alter", "type", *_] if "add" in found and "value" in found:
            return ADDS_LABEL
        case [verb, *_] if verb in _SCANS and "full" not in found:
            return verb.upper()
        case _:
            return ""


def cast_columns(sql: str) -> tuple[str, frozenset[str]]:
    """Return the table that an ALTER TABLE alters, and the columns to which it gives a type by a USING of its own."""
    tokens = significant(sql)
    names = [token.name if token.kind == "word" else "" for token in tokens]
    if names[:2] != ["alter", "table"]:
        return "", frozenset()
    at = 2 + 2 * (names[2:4] == ["if", "exists"])
    at += names[at : at + 1] == ["only"]
    end = _after_name(tokens, at)
    found, column, has_type = set(), "", False
    for place in range(end, len(tokens)):
        if names[place] == "alter":
            column = tokens[place + 1 + (names[place + 1] == "column")].name
            has_type = False
        has_type = has_type or names[place] == "type"
        if names[place] == "using" and has_type:
            found.add(column)
    return tokens[end - 1].name, frozenset(found)


def words(tokens: Iterable[Token]) -> list[str]:
    """Return the words among tokens in lower case."""
    return [token.name for token in tokens if token.kind == "word"]
