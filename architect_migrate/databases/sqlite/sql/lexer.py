"""SQL text as SQLite's own lexer reads it: tokens, quoting, and a canonical form for comparisons.

Pure functions on text. The texts of all tokens joined give the SQL back exactly.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import fold, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.values import TriggerWrite
    from architect_migrate.model.schema import Trigger

# What a name may hold: A-Z, a-z, 0-9, _, $ and all beyond ASCII; it begins with no digit and no $.
# Why by what is excluded: a class with a range beyond ASCII takes ten times as long to compile.
_ID = r"[^\x00-\x23\x25-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]"
_WORD = rf"[^\x00-\x40\x5b-\x5e\x60\x7b-\x7f]{_ID}*"

# A regular expression does, because SQLite's tokenizer is one; what tokens mean is left to a parser.
# What is malformed is taken whole, as SQLite takes it: to try again from its next character is quadratic.
_LEXER = rf"""
      (?P<space>[ \t\n\f\r]+|\ufeff)
    | (?P<comment>--[^\n]*|/\*(?=.).*?(?:\*/|\Z))
    | (?P<blob>[xX]'(?:[0-9a-fA-F]{{2}})*')
    | (?P<badblob>[xX]'[^']*'?)
    | (?P<word>{_WORD})
    | (?P<operator>->>?|\|\||<<|<=|<>|>>|>=|==|!=|[(),;+\-*/%=<>|&~]|\.(?![0-9]))
    | (?P<string>'(?:[^']++|'')*+')
    | (?P<quoted>"(?:[^"]++|"")*+"|`(?:[^`]++|``)*+`|\[[^\]]*+\])
    | (?P<unterminated>['"`\[].*)
    | (?P<hex>0[xX][0-9a-fA-F]+(?!{_ID}))
    | (?P<number>(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+\-]?[0-9]+)?(?!{_ID}))
    | (?P<badnumber>\.?[0-9][0-9]*(?:\.[0-9]*)?{_ID}*)
    | (?P<variable>\?[0-9]*|[$@\#:](?:::)*+{_ID}(?:{_ID}|::)*+(?:\([^\s)]*+\)?)?)
    | (?P<badvariable>[$@\#:](?:::)*+)
    | (?P<illegal>.)
    """
# How statements begin that begin or end a whole transaction, and how many characters that takes.
_TRANSACTION, _BEGINNING = ("begin", "commit", "end", "rollback"), 80
_KINDS = {
    "hex": "number",
    "badblob": "illegal",
    "badnumber": "illegal",
    "badvariable": "illegal",
    "unterminated": "illegal",
}
BLANKS = frozenset({"space", "comment"})
_AFTER_WITH = frozenset({"delete", "insert", "replace", "select", "update", "values"})

# Words that SQLite never takes for a name, and those that mean a value when they stand unquoted: "null" in
# quotes is a name, so a canonical text keeps those quotes.
# fmt: off
_RESERVED = frozenset((
    "add", "all", "alter", "and", "as", "autoincrement", "between", "case", "check", "collate",
    "commit", "constraint", "create", "cross", "current_date", "current_time", "current_timestamp",
    "default", "deferrable", "delete", "distinct", "drop", "else", "escape", "except", "exists",
    "false", "foreign", "from", "full", "group", "having", "in", "index", "inner", "insert",
    "intersect", "into", "is", "isnull", "join", "left", "limit", "natural", "not", "nothing",
    "notnull", "null", "on", "or", "order", "outer", "primary", "references", "returning", "right",
    "select", "set", "table", "then", "to", "transaction", "true", "union", "unique", "update", "using",
    "values", "when", "where",
))
# fmt: on
_SAME_OPERATOR = {"==": "=", "!=": "<>"}


class Token(NamedTuple):
    """One lexical token; blanks and comments are tokens too. `start` is the offset in the text.

    `kind` is space, comment, word, string, quoted (an identifier in any quotes), number, blob, variable, operator or
    illegal. Why a NamedTuple: a schema has tens of thousands of tokens, and a dataclass costs four times as much.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset just after the token."""
        return self.start + len(self.text)


def tokenize(sql: str) -> tuple[Token, ...]:
    """All tokens of a text in order. Never fails: text that SQLite would refuse has the kind `illegal`."""
    kinds = _KINDS
    return tuple(
        [
            Token(kinds.get(kind, kind), match.group(), match.start())
            for match in _lexer().finditer(sql)
            if (kind := match.lastgroup) is not None
        ]
    )


@lru_cache(maxsize=1)
def _lexer() -> re.Pattern[str]:
    """Compile the lexer on first use.

    Why not at import: compiling takes longer than a status check of ten databases, which needs no lexer.
    """
    return re.compile(_LEXER, re.VERBOSE | re.DOTALL)


def significant(sql: str) -> list[Token]:
    """The tokens that SQLite's parser gets: all but white space and comments."""
    return list(significant_of(sql))


def significant_of(sql: str) -> Iterator[Token]:
    """Yield the same one after another, for questions that the first ones answer: a text may be megabytes of values."""
    kinds, blanks = _KINDS, BLANKS
    for match in _lexer().finditer(sql):
        if (kind := match.lastgroup) is not None and kind not in blanks:
            yield Token(kinds.get(kind, kind), match.group(), match.start())


def verb(sql: str) -> str:
    """The verb of a statement in lower case (`insert`, `create`); after WITH, the verb of the main statement."""
    words = (fold(token.text) for token in significant_of(sql))
    first = next(words, "")
    if first != "with":
        return first
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in _AFTER_WITH:
            return word
    return "with"


def ends_transaction(sql: str) -> str:
    """The verb of a statement that begins or ends a whole transaction; empty for any other."""
    # Why only the beginning: others may be megabytes of values.
    if not sql[:_BEGINNING].lstrip().lower().startswith(_TRANSACTION):
        return ""
    words = [fold(token.text) for token in significant(sql)]
    # ROLLBACK TO a savepoint is a part of the transaction.
    return words[0] if words[0] in _TRANSACTION and "to" not in words[1:3] else ""


def creates_with_rows(sql: str) -> bool:
    """Whether a statement is a CREATE TABLE ... AS SELECT, which writes rows."""
    tokens = significant(sql)
    words = [fold(token.text) if token.kind == "word" else token.text for token in tokens]
    # A list of columns and AS exclude each other.
    declared = words[: words.index("(")] if "(" in words else words
    return words[:1] == ["create"] and "table" in words[1:3] and "as" in declared


def unquote(token_text: str) -> str:
    """The name that an identifier token stands for; text without quotes is returned unchanged."""
    if len(token_text) < 2:
        return token_text
    opening, inner = token_text[0], token_text[1:-1]
    if opening == "[" and token_text[-1] == "]":
        return inner
    if opening in "\"'`" and token_text[-1] == opening:
        return inner.replace(opening * 2, opening)
    return token_text


@lru_cache(maxsize=8192)
def canonical(sql: str) -> str:
    """The canonical form of an expression or statement: equal for texts that mean the same to SQLite.

    Blanks, case, quotes around plain names, parentheses around the whole, a trailing semicolon, `==`, `!=`, and in a
    CREATE statement IF NOT EXISTS and the schema `main` make no difference; literals are kept.
    """
    words = [_canonical_token(token) for token in significant(sql)]
    while words and (words[-1] == ";" or _wrapped(words)):
        words = words[:-1] if words[-1] == ";" else words[1:-1]
    if words and words[0] == "create":
        words = _plain_create(words)
    return " ".join(words)


def _canonical_token(token: Token) -> str:
    kind, text = token.kind, token.text
    if kind in {"word", "number"}:
        return fold(text)
    if kind == "operator":
        return _SAME_OPERATOR.get(text, text)
    if kind == "quoted":
        name = fold(unquote(text))
        plain = re.fullmatch(_WORD, name) is not None and name not in _RESERVED
        return name if plain else quote(name)
    return text


def _wrapped(words: list[str]) -> bool:
    """Whether one pair of parentheses encloses all words."""
    if len(words) < 2 or words[0] != "(" or words[-1] != ")":
        return False
    depth = 0
    for word in words[:-1]:
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return False
    return True


def _plain_create(words: list[str]) -> list[str]:
    """A CREATE statement without the words that SQLite does not store, and without FOR EACH ROW (the only kind)."""
    kind = next((at for at, word in enumerate(words) if word in {"table", "index", "trigger", "view"}), None)
    if kind is None:
        return words
    name = kind + 1
    if words[name : name + 3] == ["if", "not", "exists"]:
        del words[name : name + 3]
    if words[name : name + 2] == ["main", "."]:
        del words[name : name + 2]
    if words[kind] == "trigger":
        header = words.index("begin") if "begin" in words else len(words)
        for at in range(name + 1, header - 2):
            if words[at : at + 3] == ["for", "each", "row"]:
                del words[at : at + 3]
                break
    return words


def words_of(sql: str) -> frozenset[str]:
    """Return every word of a statement that can be a name, folded."""
    return frozenset(fold(unquote(token.text)) for token in significant(sql) if token.kind in {"word", "quoted"})


def every_word_of(sql: str) -> frozenset[str]:
    """Return every word, literal and sign of a statement, folded and unquoted; its names are among them."""
    return frozenset(fold(unquote(token.text)) for token in significant(sql))


def from_first_word(sql: str) -> str:
    """Return a statement without the comments before it; empty if there is nothing else."""
    tokens = significant(sql)
    return sql[tokens[0].start :].strip() if tokens else ""


def replaces_rows(sql: str) -> bool:
    """Return whether a statement takes the place of rows with the same key, as INSERT OR REPLACE does.

    SQLite does not report what such a statement deletes.
    """
    if "replace" not in sql.lower():
        return False
    words = [token.text.upper() for token in significant(sql)]
    following = zip(words, words[1:], [*words[2:], ""], strict=False)
    # replace() is a function too.
    return verb(sql) == "replace" or any(
        first == "OR" and second == "REPLACE" and third != "(" for first, second, third in following
    )


def ignores_rows(trigger: str) -> bool:
    """Return whether a trigger has RAISE(IGNORE), by which a row that is written is left out without an error."""
    if "ignore" not in trigger.lower():
        return False
    words = [token.text.upper() for token in significant(trigger)]
    return ("RAISE", "(", "IGNORE") in zip(words, words[1:], words[2:], strict=False)


def trigger_of(write: TriggerWrite) -> Trigger:
    """Return the trigger that makes a write."""
    from architect_migrate.model.schema import Trigger

    return Trigger(fold(write.trigger), fold(write.on), canonical(write.sql), write.trigger, write.sql)
