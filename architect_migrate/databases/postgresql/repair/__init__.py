"""Repairs of a PostgreSQL database: what they take, and in which order."""
