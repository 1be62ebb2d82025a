"""Trials of revisions on a SQLite database in memory: `databases.base.Trials`."""

from __future__ import annotations

from architect_migrate.databases.sqlite import compile_check, sample_rows, trial_connection

opened = trial_connection.trial_connection
probing = trial_connection.probing
is_ended = trial_connection.is_ended
undone = trial_connection.undone
not_working = compile_check.not_working
mismatched_keys = compile_check.mismatched_keys
fill = sample_rows.fill
edit_rows = sample_rows.edit_rows
rows_of = sample_rows.rows_of
