"""What is there in place of a database that can be looked at."""

from __future__ import annotations

from enum import Enum


class Absence(Enum):
    """Why a database cannot be looked at: there is none, or it defines nothing."""

    MISSING = "missing"
    EMPTY = "empty"
