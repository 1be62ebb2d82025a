"""Masking of secrets in free text: users, passwords and tokens of URLs."""

from __future__ import annotations

import re

_HIDDEN = "***"


# A word that can contain a URL. Why a double quote ends it: masked JSON stays valid JSON.
_RUN = re.compile(r'[^\s"]+')


# The separator before a URL's user, password and host. Why SQLite is exempt: its URLs with three slashes have none
# of them, and a file may be called a@b.db.
_AUTHORITY = re.compile(r"(?<!sqlite)://|://(?!/)")


# A login in a URL that was given as a path: pathlib has reduced its two slashes to one.
_AS_PATH = re.compile(r"(?<![\w.+-])(?!sqlite)[A-Za-z][\w.+-]*:/(?=[^/:@]*:[^@]*@)")


# A password with a space or quote in it, which _RUN would split; a port after the colon is not a password.
_BROKEN = re.compile(r'(?:(?<!sqlite)://|://(?!/))(?=[^\s/:@"]*:(?!\d{1,5}(?:[/\s"]|$))\S)')


_LINE = re.compile(r"[^\n]+")


_PARAMETER = re.compile(
    r'((?:[?&;](?:[^=&?;\s"]{0,64}?(?:pass|pwd|token|secret|api[_-]?key|access[_-]?key|credential)'
    r'[^=&?;\s"]{0,64}|key|auth|sig|signature)|\b(?:ssl)?password|\bpasswd)=)[^&\s"]*',
    re.IGNORECASE,
)


# A parameter of a URL: drivers take the user and every option there. Why a quote or a colon may end it: a message
# quotes URLs, and begins with one.
_OPTION = re.compile(r"""([?&;][^=&?;\s"'#]{1,64}=)(?:[^&;\s"':]|:(?!\s)|'(?![)\],;:.\s]|$))+""")


# The beginning of a URL in a text that ends within its login, or may do so.
_UNENDED = re.compile(r"(?:(?<!sqlite)://|://(?!/))(?!\*\*\*@)[^@]*$")


def mask_cut(text: str) -> str:
    """Mask a text of which only the beginning is known: a URL that ends with it may be cut before its `@`."""
    return _UNENDED.sub(f"://{_HIDDEN}", mask(text))


def mask(text: str) -> str:
    """Replace every URL's user, password, tokens and parameters in a free text by `***`."""
    masked = text
    if "@" in text:
        urls = _RUN.sub(lambda run: _without_login(run.group(), _AUTHORITY), text)
        runs = _RUN.sub(lambda run: _without_login(run.group(), _AS_PATH), urls)
        masked = _LINE.sub(lambda line: _without_login(line.group(), _BROKEN), runs)
    if "://" in masked:
        masked = _RUN.sub(lambda run: _without_options(run.group()), masked)
    return _PARAMETER.sub(rf"\1{_HIDDEN}", masked)


def _without_login(text: str, beginning: re.Pattern[str]) -> str:
    # Why the last @: with an unescaped @ in a password, the first would leave its rest visible.
    authority, end = beginning.search(text), text.rfind("@")
    if authority is None or end < authority.end():
        return text
    return f"{text[: authority.end()]}{_HIDDEN}{text[end:]}"


def _without_options(text: str) -> str:
    authority = _AUTHORITY.search(text)
    if authority is None:
        return text
    return text[: authority.end()] + _OPTION.sub(rf"\1{_HIDDEN}", text[authority.end() :])
