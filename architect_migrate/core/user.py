"""The user that this process runs as, for the ledger and for lock files."""

from __future__ import annotations

import os


def user_name() -> str:
    """The name of the user, or the user's number where the system has no name for it, as in some containers."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
