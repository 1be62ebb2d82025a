"""What a text means to SQLite, and how something is said to it: `databases.base.Dialect`."""

from __future__ import annotations

from architect_migrate.databases.sqlite import baseline_draft, compile_check, presence
from architect_migrate.databases.sqlite.repair import promotion as promotions
from architect_migrate.databases.sqlite.rows import examples, masked
from architect_migrate.databases.sqlite.sql import by_place, lexer, moment, passing, render

words_of = lexer.words_of
every_word_of = lexer.every_word_of
from_first_word = lexer.from_first_word
replaces_rows = lexer.replaces_rows
writes_the_moment = moment.writes_the_moment
creates_with_rows = lexer.creates_with_rows
trigger_of = lexer.trigger_of
named_by_place = by_place.named_by_place
table_rename = passing.table_rename
is_own = presence.is_own
name = render.name
statement = render.statement
tracker_statements = render.tracker_statements
without_literals = render.without_literals
without_rows = masked.without_rows
shown = examples.shown
columns_of = baseline_draft.columns_of
without_column = baseline_draft.without_column
script_of = baseline_draft.script_of
promotion = promotions.promotion
rename_refusals = compile_check.rename_refusals
