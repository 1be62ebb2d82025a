"""What environments.toml offers a choice of: when a chain is run, and in how many transactions."""

from __future__ import annotations

from enum import Enum


class Uninitialised(Enum):
    """Policy for a database without anything of the chain: skip it, build it, or fail."""

    SKIP = "skip"
    CREATE = "create"
    ERROR = "error"


class OnPending(Enum):
    """Policy for pending revisions when an application starts: warn, run them, or refuse to start."""

    WARN = "warn"
    UPGRADE = "upgrade"
    REFUSE = "refuse"


class Transaction(Enum):
    """How many transactions a run may have, where one cannot hold all of it."""

    SEGMENTS = "segments"
    ONE = "one"
