from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architect_migrate.config.loader import read_project
from architect_migrate.core.errors import ConfigError


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "environments.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refusal(folder: Path, text: str | bytes, **environ: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read_project(written(folder, text), environ)
    return str(refused.value).removeprefix(f"{folder}/").replace(str(folder), "FOLDER")


TABLES = "(known: alembic, backup, defaults, env, ledger, notify, postgresql, resolve, tracker)"
DEV = '[env.dev]\npath = "dev.db"\n'
RESOLVE = DEV + "[[resolve]]\n"
AGE = 'write "12h", "30d" or "8w"'
SAY = "give copy_from, default, allow_null = true, keep = true or drop = true"
VALUE = "a string without NUL, an integer of 64 bits, a finite number, true or false; put dates in quotes"

BAD = [
    ("a = = 1", "line 1, column 5: not TOML: Invalid value"),
    ("x = [1,", "end of document: not TOML: Invalid value"),
    (DEV + DEV, "line 3, column 9: not TOML: Cannot declare ('env', 'dev') twice"),
    ("x = " + "[" * 100_000, " nested too deeply (no value here needs more than three levels)"),
    ('"\u00e9 \\" x" . ' * 20_000 + "x = 1", "line 1: nested too deeply (no value here needs more than three levels)"),
    ("x = " + "9" * 5000, " not TOML: Exceeds the limit (4300 digits) for integer string conversion"),
    (b"\xef\xbb\xbf[env]", "line 1: begins with a byte order mark (save it as UTF-8 without BOM)"),
    (b"[env]\n# caf\xe9", "line 2: byte 0xe9 is not UTF-8 (save the file as UTF-8)"),
    ("[envs.dev]", "envs: unknown table (did you mean 'env'?)"),
    (
        "zzz = 1",
        f"zzz: unknown key {TABLES}",
    ),
    (
        "k" * 40_000 + " = 1",
        f"'{'k' * 40}…': unknown key {TABLES}",
    ),
    (
        '"a\\nb" = 1',
        rf"'a\nb': unknown key {TABLES}",
    ),
    ("env = 3", "env: must be a table: [env]; it is an integer"),
    ("[[env]]", "env: must be a table: [env]; it is an array"),
    ("env.dev = 2026-02-10", "env.dev: must be a table: [env.dev]; it is a date or time"),
    (
        '[env.""]',
        (
            "env: the environment name '' cannot be typed"
            " (names are one line of 1 to 100 characters, no space at either end)"
        ),
    ),
    ("[env.dev]", 'env.dev: has neither a path nor a url (give it one: path = "data/app.db")'),
    (DEV + 'url = "sqlite:///a.db"', 'env.dev: has both a path and a url (give it one: path = "data/app.db")'),
    (DEV + "protectd = true", "env.dev.protectd: unknown key (did you mean 'protected'?)"),
    (DEV + 'protected = "yes"', "env.dev.protected: must be true or false; it is a string"),
    (DEV + "protected = 1", "env.dev.protected: must be true or false; it is an integer"),
    (DEV + 'tags = "live"', 'env.dev.tags: must be an array of strings: ["..."]; it is a string'),
    (DEV + "tags = [1]", "env.dev.tags: must be an array of strings; it holds an integer"),
    (DEV + 'tags = [""]', "env.dev.tags: contains '' (write each string on one line and not empty)"),
    (
        DEV + 'uninitialised = "crate"',
        ("env.dev.uninitialised: must be skip, create or error, not 'crate' (did you mean 'create'?)"),
    ),
    (DEV + 'repair = "FULL"', "env.dev.repair: must be full, additive or none, not 'FULL' (did you mean 'full'?)"),
    (DEV + 'target = ""', "env.dev.target: is empty (give it a value, or leave it out)"),
    (DEV + "target = 49", "env.dev.target: must be a string; it is an integer"),
    (DEV + "lock_retries = -1", "env.dev.lock_retries: must be from 0 to 100"),
    (DEV + "lock_retries = 1.5", "env.dev.lock_retries: must be an integer; it is a number"),
    (DEV + "lock_timeout = nan", "env.dev.lock_timeout: must be from 0 to 86400"),
    (DEV + "lock_timeout = inf", "env.dev.lock_timeout: must be from 0 to 86400"),
    (DEV + "lock_timeout = -1", "env.dev.lock_timeout: must be from 0 to 86400"),
    (DEV + "lock_timeout = 0x" + "f" * 9000, "env.dev.lock_timeout: must be from 0 to 86400"),
    (DEV + 'lock_timeout = "5"', "env.dev.lock_timeout: must be a number; it is a string"),
    (DEV + "lock_timeout = true", "env.dev.lock_timeout: must be a number; it is true or false"),
    (
        '[env.dev]\npath = "a\\u0000b"',
        ("env.dev.path: holds a line break or another control character (write it on one line)"),
    ),
    (
        '[env.dev]\npath = "a\\nb"',
        ("env.dev.path: holds a line break or another control character (write it on one line)"),
    ),
    ('[env.dev]\npath = ""', "env.dev.path: is empty (give it a value, or leave it out)"),
    (
        '[env.dev]\npath = "${NOWHERE}/a.db"',
        ("env.dev.path: the variable NOWHERE is not set (set it, or write ${NOWHERE:-default})"),
    ),
    (
        '[env.dev]\npath = "${EMPTY}/a.db"',
        ("env.dev.path: the variable EMPTY is not set (set it, or write ${EMPTY:-default})"),
    ),
    ('[env.dev]\npath = "${EMPTY:-}"', "env.dev.path: is empty or holds a control character (check its variables)"),
    (
        '[env.dev]\npath = "$HOME/a.db"',
        "env.dev.path: contains a single $ (write ${NAME} for a variable, $$ for a dollar sign)",
    ),
    ('[env.dev]\npath = "${BROKEN}"', "env.dev.path: is empty or holds a control character (check its variables)"),
    ('[env.dev]\nurl = "sqlit:///a.db"', "env.dev.url: unknown database 'sqlit' (did you mean 'sqlite'?)"),
    (
        '[env.dev]\nurl = "u:hunter2@h/d"',
        ('env.dev.url: not a database URL (write "sqlite:///file.db", or path = "file.db")'),
    ),
    (
        DEV + '[env.b]\npath = "./x/../dev.db"',
        ("env.b: is the same database as env.dev: FOLDER/dev.db (give each environment its own)"),
    ),
    (
        DEV + '[env.b]\nurl = "sqlite:///dev.db"',
        ("env.b: is the same database as env.dev: FOLDER/dev.db (give each environment its own)"),
    ),
    (
        DEV + '[env.b]\npath = "link.db"',
        ("env.b: is the same database as env.dev: FOLDER/dev.db (give each environment its own)"),
    ),
    (
        '[env.a]\nurl = "postgresql://h/d"\n[env.b]\nurl = "postgresql://u:hunter2@h/d"',
        "env.b: is the same database as env.a: postgresql://***@h/d (give each environment its own)",
    ),
    (
        '[env."postgresql://u:hunter2@h"]',
        "env: the environment name 'postgresql://***@h' is a URL (name it, and give the URL to its url)",
    ),
    (DEV + '[defaults]\nenvironment = "dve"', "defaults.environment: no environment 'dve' (did you mean 'dev'?)"),
    ("[defaults]\ntags = []", "defaults.tags: unknown key (did you mean 'target'?)"),
    ('[alembic]\nconfg = "a"', "alembic.confg: unknown key (did you mean 'config'?)"),
    ("[alembic.config]", "alembic.config: must be a string; it is a table"),
    ("[backup]\nkeep = 0", "backup.keep: must be from 1 to 1000000"),
    ("[backup]\nkeep = 1.5", "backup.keep: must be an integer; it is a number"),
    ('[backup]\nmax_age = "a month"', f"backup.max_age: 'a month' is not an age ({AGE})"),
    ('[backup]\nmax_age = "0d"', f"backup.max_age: '0d' is not an age ({AGE})"),
    ('[tracker]\ntabel = "x"', "tracker.tabel: unknown key (did you mean 'table'?)"),
    ('[tracker]\nversion = ""', "tracker.version: is empty (give it a value, or leave it out)"),
    ("[resolve]", "resolve: must be an array of tables: [[resolve]]; it is a table"),
    ("resolve = [1]", "resolve: must be an array of tables: [[resolve]]; entry 1 is an integer"),
    (RESOLVE, 'resolve[1]: names no object (begin with table = "...")'),
    (RESOLVE + 'colum = "x"', "resolve[1].colum: unknown key (did you mean 'column'?)"),
    (RESOLVE + 'column = "x"\nkeep = true', 'resolve[1].column: has no table (add table = "...")'),
    (RESOLVE + 'constraint = "u"\nkeep = true', 'resolve[1].constraint: has no table (add table = "...")'),
    (
        RESOLVE + 'table = "t"\nconstraint = []\nkeep = true',
        "resolve[1].constraint: names no column (give the constraint's name, or its columns)",
    ),
    (
        RESOLVE + 'table = "t"\nconstraint = ["a", 1]\nkeep = true',
        "resolve[1].constraint: must be an array of strings; it holds an integer",
    ),
    (
        RESOLVE + 'table = "t"\nconstraint = 1\nkeep = true',
        "resolve[1].constraint: must be a string; it is an integer",
    ),
    (
        RESOLVE + 'table = "t"\nconstraint = ["a", "b"]\ndefault = 1',
        "resolve[1].default: needs a column, not 'constraint t(a, b)' (name the column, or keep or drop)",
    ),
    (
        RESOLVE + 'table = "t"\nconstraint = ["a", "b"]\nkeep = true\n'
        '[[resolve]]\ntable = "T"\nconstraint = ["B", "a"]\ndrop = true',
        "resolve[2]: settles constraint T(B, a) for 'dev', as resolve[1] does (keep one of them)",
    ),
    (RESOLVE + 'table = "t"\nview = "v"\nkeep = true', "resolve[1].view: does not belong to a table (leave table out)"),
    (
        RESOLVE + 'table = "t"\ncolumn = "c"\nindex = "i"',
        ("resolve[1]: names a column and a index (write one entry for each object)"),
    ),
    (RESOLVE + 'table = "t"\ncolumn = "c"', f"resolve[1]: does not say what to do with 't.c' ({SAY})"),
    (RESOLVE + 'table = "t"\nkeep = false', "resolve[1].keep: must be true, not false (leave it out to mean false)"),
    (
        RESOLVE + 'table = "t"\nkeep = true\ndrop = true',
        ("resolve[1].keep: cannot be combined with drop (write one entry for each action)"),
    ),
    (
        RESOLVE + 'table = "t"\ncolumn = "c"\ndrop = true\ndefault = 1',
        ("resolve[1].drop: cannot be combined with default (write one entry for each action)"),
    ),
    (
        RESOLVE + 'table = "t"\ndefault = 1',
        ("resolve[1].default: needs a column, not 'table t' (name the column, or keep or drop)"),
    ),
    (
        RESOLVE + 'index = "i"\nallow_null = true',
        ("resolve[1].allow_null: needs a column, not 'index i' (name the column, or keep or drop)"),
    ),
    (
        RESOLVE + 'table = "t"\ncolumn = "c"\ncopy_from = "C"',
        ("resolve[1].copy_from: copies the column onto itself (name another column of the table)"),
    ),
    *(
        (
            RESOLVE + f'table = "t"\ncolumn = "c"\ndefault = {value}',
            f"resolve[1].default: is not a value for a column ({VALUE})",
        )
        for value in ("nan", "-inf", "[]", "2026-02-10", '"a\\u0000"', "0xffffffffffffffff")
    ),
    (
        RESOLVE + 'table = "t"\nkeep = true\nenvironments = ["dve"]',
        ("resolve[1].environments: no environment or tag 'dve' (did you mean 'dev'?)"),
    ),
    (
        RESOLVE + 'table = "t"\ncolumn = "c"\nkeep = true\n[[resolve]]\ntable = "T"\ncolumn = "C"\ndefault = 1',
        "resolve[2]: settles T.C for 'dev', as resolve[1] does (keep one of them)",
    ),
    (DEV + 'target = "x"\nheads = ["y"]', "env.dev.heads: is given beside target (give only one of them)"),
    (DEV + "heads = []", 'env.dev.heads: is empty (name branches or revisions: ["head", "dev"])'),
    (
        DEV + 'transaction = "two"',
        "env.dev.transaction: must be segments or one, not 'two' (known: one, segments)",
    ),
    (
        DEV + 'on_pending = "wran"',
        "env.dev.on_pending: must be warn, upgrade or refuse, not 'wran' (did you mean 'warn'?)",
    ),
    (DEV + 'proof_copy_limit = "1 gb"', 'env.dev.proof_copy_limit: \'1 gb\' is not a size (write "500MB" or "2GB")'),
    (DEV + "proof_copy_limit = 5", "env.dev.proof_copy_limit: must be a string; it is an integer"),
    (DEV + 'rehearsal_max_age = "1y"', 'env.dev.rehearsal_max_age: \'1y\' is not an age (write "12h", "30d" or "8w")'),
    (DEV + 'requires = ["dve"]', "env.dev.requires: no environment 'dve' (did you mean 'dev'?)"),
    (
        DEV + 'requires = ["dev"]',
        "env.dev.requires: leads back to this environment (environments must not require each other)",
    ),
    (
        DEV + 'requires = ["qa"]\n[env.qa]\npath = "qa.db"\nrequires = ["prod"]\n'
        '[env.prod]\npath = "prod.db"\nrequires = ["dev"]',
        "env.dev.requires: leads back to this environment (environments must not require each other)",
    ),
    (DEV + "[notify]", 'notify: has no receiver (add webhook = "https://..." or command = ["..."])'),
    (
        DEV + '[notify]\nwebhook = "ftp://x"',
        'notify.webhook: is not an http or https URL (write webhook = "https://...")',
    ),
    (
        DEV + '[notify]\nwebhook = "${HOOK}"',
        "notify.webhook: the variable HOOK is not set (set it, or write ${HOOK:-default})",
    ),
    (DEV + "[tracker]\nsync = 1", "tracker.sync: must be true or false; it is an integer"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=range(len(BAD)))
def test_bad_configuration_gets_one_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    (tmp_path / "link.db").symlink_to("dev.db")
    found = refusal(tmp_path, text, EMPTY="", BROKEN="a\nb")
    assert found == f"environments.toml:{'' if message.startswith(' ') else ' '}{message}"
    assert "\n" not in found


@given(st.text("[]{}=\"'.\n#,$:/@-_ abdefhilnoprstuv0123\\", max_size=120))
def test_no_text_gets_anything_but_a_matrix_or_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = written(tmp_path_factory.mktemp("text"), f"[env.dev]\npath = 'a.db'\n{text}")
    assert "\n" not in said_of(file)


def said_of(file: Path) -> str:
    try:
        read_project(file, {})
    except ConfigError as refused:
        return str(refused)
    return ""


def unreadable_files(folder: Path) -> dict[str, tuple[Path, str]]:
    loop = folder / "loop.toml"
    loop.symlink_to(loop)
    os.mkfifo(folder / "pipe")
    return {
        "missing": (folder / "no.toml", f"{folder}/no.toml: no such file (write one, or name it with -c FILE)"),
        "folder": (folder, f"{folder}: not a file (name the environments.toml itself)"),
        "pipe": (folder / "pipe", f"{folder}/pipe: not a file (name the environments.toml itself)"),
        "loop": (loop, f"{loop}: cannot be read: Too many levels of symbolic links"),
        "NUL": (Path("a\0b"), r"'a\x00b': cannot be read: embedded null byte"),
    }


@pytest.mark.parametrize("case", ["missing", "folder", "pipe", "loop", "NUL"])
def test_a_file_that_cannot_be_read_gets_one_line(tmp_path: Path, case: str) -> None:
    file, message = unreadable_files(tmp_path)[case]
    with pytest.raises(ConfigError) as refused:
        read_project(file, {})
    assert str(refused.value) == message
