"""Names for new revisions: the next number of a chain that is numbered, and the words of a title."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# As much as the column of Alembic's version table holds.
LONGEST = 32
# Six digits at most: a day (20260210) and a random name that happens to be all digits are no number to count on from.
_NUMBERED = re.compile(r"(?P<number>\d{1,6})(?:_(?P<words>.+))?")


def next_id(taken: Collection[str], title: str) -> str | None:
    """The id after the highest number among those taken, as wide and with words if they have them: `049_bug_mood`.

    A chain without revisions begins with 001. None where most ids do not begin with a number.
    """
    numbered = [match for it in taken if (match := _NUMBERED.fullmatch(it))]
    if len(numbered) * 2 < len(taken) or (taken and not numbered):
        return None
    highest = max((int(it["number"]) for it in numbered), default=0)
    number = str(highest + 1).zfill(max((len(it["number"]) for it in numbered), default=3))
    if numbered and not any(it["words"] for it in numbered):
        return number
    words = slug(title, LONGEST - len(number) - 1)
    return f"{number}_{words}" if words else number


def slug(title: str, most: int) -> str:
    """A title's words in letters that any file and any database takes, as many as go into `most` letters."""
    letters = unicodedata.normalize("NFKD", title.casefold().replace("'", "")).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", letters)
    found = words[0][:most] if words else ""
    for word in words[1:]:
        if len(found) + 1 + len(word) > most:
            break
        found = f"{found}_{word}"
    return found
