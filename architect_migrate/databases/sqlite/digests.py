"""Digests of SQLite files: `databases.base.Digests`."""

from __future__ import annotations

from architect_migrate.databases.sqlite import fingerprint

stored_digest = fingerprint.stored_digest
