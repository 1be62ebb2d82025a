"""archmig brings drifted databases home to Alembic."""
