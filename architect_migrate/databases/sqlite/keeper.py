"""Copies of a SQLite database, and the proof that nothing in it was lost: `databases.base.Keeper`."""

from __future__ import annotations

from architect_migrate.databases.sqlite.files import backup, commit_check, overwrite, same_file, scratch_copy
from architect_migrate.databases.sqlite.rows import content, delta, foreign_keys, integrity, proof

take = backup.take
take_through = backup.take_through
take_damaged = backup.take_damaged
clone = backup.clone
copy_of = scratch_copy.copy_of
file_digest = same_file.file_digest
hold_unchanged = overwrite.hold_unchanged
commit_outcome = commit_check.commit_outcome
outcome_by_stamp = commit_check.outcome_by_stamp
committing = commit_check.committing
read_back = commit_check.read_back
content_of = content.content_of
completed = content.completed
content_after = content.content_after
row_deltas = delta.row_deltas
examples = delta.examples
violations = foreign_keys.violations
orphaned = foreign_keys.orphaned
damage = integrity.damage
worsened = integrity.worsened
prove_rows = proof.prove_rows
