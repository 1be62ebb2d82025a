"""What archmig has to say about a database: a stable code, the object, what was found and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How loud a finding is: it stops the run, it will be repaired, it deserves a look, or it is good to know."""

    BLOCKING = "blocking"
    REPAIR = "repair"
    WARNING = "warning"
    NOTE = "note"


# The code of the one finding that is about the stamp, and blocks.
STAMP_UNKNOWN = "stamp-unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `code` is stable and documented; `entry` is a [[resolve]] entry ready to paste, or empty."""

    level: Level
    code: str
    subject: str
    found: str
    advice: str = ""
    revision: str = ""
    entry: str = ""
