"""A position in the tokens of one SQL text, with the operations that SQLite's parser needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.sqlite.sql.lexer import Token, canonical, significant, unquote
from architect_migrate.databases.sqlite.sql.nodes import (
    IndexedColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable


_END = Token("end", "", 0)


class Cursor:
    """Walks the significant tokens of `sql`.

    Raises UnreadableSqlError, with the offset and what was expected, where a token does not fit.
    """

    __slots__ = ("_at", "_tokens", "_words", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        tokens = significant(sql)
        while tokens and tokens[-1].text == ";":
            tokens.pop()
        # Only bare words and operators are compared with keywords: "check" in quotes is a name.
        self._words = [token.text.upper() if token.kind in {"word", "operator"} else "" for token in tokens]
        self._words.append("")
        tokens.append(_END._replace(start=tokens[-1].end if tokens else 0))
        self._tokens = tokens
        self._at = 0

    @property
    def here(self) -> int:
        """The offset of the next token."""
        return self._tokens[self._at].start

    @property
    def last_end(self) -> int:
        """The offset after the last token that was taken."""
        return self._tokens[self._at - 1].end

    @property
    def ended(self) -> bool:
        """Whether no token is left."""
        return self._at >= len(self._tokens) - 1

    def at(self, *words: str) -> bool:
        """Whether the next token is one of these keywords or operators."""
        return self._words[self._at] in words and not self.ended

    def at_name(self) -> bool:
        """Whether the next token can be a name: a word, or anything in quotes."""
        return self._tokens[self._at].kind in {"word", "quoted", "string"}

    def follows(self, *words: str) -> bool:
        """Whether these keywords come after the next token."""
        return tuple(self._words[self._at + 1 : self._at + 1 + len(words)]) == words

    def take(self, word: str) -> bool:
        """Take a keyword or operator if it is next; return whether it was."""
        if not self.at(word):
            return False
        self._at += 1
        return True

    def expect(self, *words: str) -> None:
        """Take these keywords, or raise."""
        for word in words:
            if not self.take(word):
                raise UnreadableSqlError(self.sql, self.here, word)

    def choose(self, *words: str) -> str:
        """Take one of these keywords and return it, or raise."""
        for word in words:
            if self.take(word):
                return word
        raise UnreadableSqlError(self.sql, self.here, " or ".join(words))

    def name(self) -> str:
        """Take a name and return it without quotes."""
        if not self.at_name():
            raise UnreadableSqlError(self.sql, self.here, "a name")
        self._at += 1
        return unquote(self._tokens[self._at - 1].text)

    def skip(self) -> str:
        """Take any one token and return its text."""
        if self.ended:
            raise UnreadableSqlError(self.sql, self.here, "more text")
        self._at += 1
        return self._tokens[self._at - 1].text

    def skip_to_end(self) -> None:
        """Skip all tokens that are left."""
        self._at = len(self._tokens) - 1

    def finish(self) -> None:
        """Raise if a token is left."""
        if not self.ended:
            raise UnreadableSqlError(self.sql, self.here, "the end")

    def parenthesised(self) -> str:
        """Take a balanced pair of parentheses and return the text between them, without outer blanks."""
        self.expect("(")
        first = self._at
        depth = 1
        while depth:
            if self.ended:
                raise UnreadableSqlError(self.sql, self.here, ")")
            word = self._words[self._at]
            depth += (word == "(") - (word == ")")
            self._at += 1
        inside = self._tokens[first : self._at - 1]
        return self.sql[inside[0].start : inside[-1].end] if inside else ""

    def names(self) -> tuple[str, ...]:
        """Take a parenthesised list of names if there is one; return the names."""
        if not self.at("("):
            return ()
        return tuple(column.name for column in self.indexed_columns(unquote))

    def indexed_columns(self, normal: Callable[[str], str]) -> tuple[IndexedColumn, ...]:
        """Take a parenthesised list of index terms; `normal` turns a single token into a name."""
        self.expect("(")
        columns = [self._indexed_column(normal)]
        while self.take(","):
            columns.append(self._indexed_column(normal))
        self.expect(")")
        return tuple(columns)

    def key_columns(self, normal: Callable[[str], str]) -> tuple[tuple[IndexedColumn, ...], bool]:
        """Take the terms of a PRIMARY KEY; return them and whether AUTOINCREMENT precedes the closing parenthesis."""
        self.expect("(")
        columns = [self._indexed_column(normal)]
        while self.take(","):
            columns.append(self._indexed_column(normal))
        autoincrement = self.take("AUTOINCREMENT")
        self.expect(")")
        return tuple(columns), autoincrement

    def _indexed_column(self, normal: Callable[[str], str]) -> IndexedColumn:
        """Take one term: an expression, then COLLATE, ASC or DESC, NULLS FIRST or LAST."""
        first, end = self._at, self._term_end()
        self._at = end
        if end - first > 2 and self._words[end - 2] == "NULLS":
            end -= 2
        descending = self._words[end - 1] == "DESC" and end - first > 1
        if end - first > 1 and self._words[end - 1] in {"ASC", "DESC"}:
            end -= 1
        collation = None
        if end - first > 2 and self._words[end - 2] == "COLLATE":
            collation = unquote(self._tokens[end - 1].text)
            end -= 2
        if end == first:
            raise UnreadableSqlError(self.sql, self.here, "a column")
        text = self.sql[self._tokens[first].start : self._tokens[end - 1].end]
        name = normal(text) if end - first == 1 else canonical(text)
        return IndexedColumn(name, collation, descending)

    def _term_end(self) -> int:
        """The position of the comma, parenthesis or AUTOINCREMENT that ends the next term."""
        at, depth = self._at, 0
        while at < len(self._tokens) - 1:
            word = self._words[at]
            if depth == 0 and (word in {",", ")"} or (word == "AUTOINCREMENT" and at > self._at)):
                return at
            depth += (word == "(") - (word == ")")
            at += 1
        raise UnreadableSqlError(self.sql, self.here, ")")
