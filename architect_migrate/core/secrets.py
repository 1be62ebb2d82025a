"""Secrets in free text: users, passwords and tokens of URLs are masked before anything is shown."""

from __future__ import annotations

import re

_HIDDEN = "***"


# What can hold a URL in free text: a double quote ends one, so that JSON stays JSON.
_RUN = re.compile(r'[^\s"]+')


# Where a URL's user, password and host begin. A SQLite URL with three slashes has none of them, and a file
# may well be called a@b.db.
_AUTHORITY = re.compile(r"(?<!sqlite)://|://(?!/)")


# A login in what was a URL until somebody took it for a path, which has no two slashes on end.
_AS_PATH = re.compile(r"(?<![\w.+-])(?!sqlite)[A-Za-z][\w.+-]*:/(?=[^/:@]*:[^@]*@)")


# A password with a space or quote in it, which no run holds whole; a port after the colon is not a password.
_BROKEN = re.compile(r'(?:(?<!sqlite)://|://(?!/))(?=[^\s/:@"]*:(?!\d{1,5}(?:[/\s"]|$))\S)')


_LINE = re.compile(r"[^\n]+")


_PARAMETER = re.compile(
    r'((?:[?&;](?:[^=&?;\s"]{0,64}?(?:pass|pwd|token|secret|api[_-]?key|access[_-]?key|credential)'
    r'[^=&?;\s"]{0,64}|key|auth|sig|signature)|\b(?:ssl)?password|\bpasswd)=)[^&\s"]*',
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """Free text with every URL's user, password, tokens and secret parameters replaced by `***`."""
    masked = text
    if "@" in text:
        urls = _RUN.sub(lambda run: _without_login(run.group(), _AUTHORITY), text)
        runs = _RUN.sub(lambda run: _without_login(run.group(), _AS_PATH), urls)
        masked = _LINE.sub(lambda line: _without_login(line.group(), _BROKEN), runs)
    return _PARAMETER.sub(rf"\1{_HIDDEN}", masked)


def _without_login(text: str, beginning: re.Pattern[str]) -> str:
    # To the last @, not the first: an unescaped @ in a password must not let its tail through.
    authority, end = beginning.search(text), text.rfind("@")
    if authority is None or end < authority.end():
        return text
    return f"{text[: authority.end()]}{_HIDDEN}{text[end:]}"
