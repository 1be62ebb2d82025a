"""The user of this process, for the ledger and for lock files."""

from __future__ import annotations

import os


def user_name() -> str:
    """Return the user's name, or the user id if the system has no name for it, as in some containers."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
