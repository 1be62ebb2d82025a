"""What can go wrong, as types with fields: the message is derived from the fields and names the next step."""

from __future__ import annotations


class ArchmigError(Exception):
    """Anything that archmig refuses or could not do; `str()` is the whole message: object, surprise, next step."""


class ConfigError(ArchmigError):
    """A configuration file says something that archmig cannot follow.

    `place` is the dotted key inside the file (or `line N`), `problem` what is wrong, `hint` the nearest right word.
    """

    def __init__(self, file: str, place: str, problem: str, hint: str = "") -> None:
        self.file, self.place, self.problem, self.hint = file, place, problem, hint
        super().__init__(file, place, problem, hint)

    def __str__(self) -> str:
        place = f": {self.place}" if self.place else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}{place}: {self.problem}{hint}"
