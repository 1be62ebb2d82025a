"""Errors of the chain's files: where in them an exception was raised, and the error that says so."""

from __future__ import annotations

import sys
import sysconfig
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from traceback import extract_tb, walk_stack
from typing import TYPE_CHECKING

from alembic.script.revision import RevisionError
from alembic.util import CommandError

from architect_migrate.core.chain_errors import (
    CORRECT,
    AppError,
    ChainError,
    EngineError,
    OtherDatabaseError,
    ReplayError,
    Want,
)
from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.server_errors import OtherSchemaError, SchemaOfChainError, ServerChangedError
from architect_migrate.revisions.files import script_folder, seen_from_root
from architect_migrate.revisions.static_graph import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from architect_migrate.model.chain_config import ChainConfig

_OURS = f"{Path(__file__).parents[1]}/"
# Its modules that stand for the driver, and for `os`, and the one that watches both in a replay.
_IN_PLACE = (f"{_OURS}databases/sqlite/len", f"{_OURS}revisions/watch.py", f"{_OURS}revisions/replay_process.py")
_SET_IT = 'write in environments.toml: [alembic.env] VARIABLE = "{url}" for the variable that the URL comes from'
_APP = 'name the application in environments.toml: [alembic] app = "module:create_app", or set FLASK_APP'


def place_of(error: BaseException) -> str:
    """Return the line of the chain's own code that raised an exception: `FILE, line 3`; empty if none did.

    Frames of libraries are passed over, so that it is the line that called them. An exception that archmig raised
    below the chain's code has no place in it.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    for frame in reversed(extract_tb(error.__traceback__)):
        if is_library(frame.filename):
            continue
        return "" if frame.filename.startswith(_OURS) else f"{frame.filename}, line {frame.lineno}"
    return ""


def calling_line() -> str:
    """Return the line of the chain's own code that called archmig, through a library: `FILE, line 3`; else empty."""
    for frame, line in walk_stack(sys._getframe(1)):  # noqa: SLF001  (walk_stack's own default begins one too high)
        file = frame.f_code.co_filename
        if not file.startswith(_OURS) and not is_library(file):
            return f"{file}, line {line}"
    return ""


def line_in(chain: ChainConfig) -> str:
    """Return the line of the chain's own code that called archmig, as seen from the chain's root; else empty."""
    return seen_from_root(calling_line(), chain)


def is_library(file: str) -> bool:
    """Whether a file of a frame belongs to Python, to an installed package, or to archmig where it stands for one."""
    return file.startswith(("<", *_IN_PLACE, *_libraries()))


@lru_cache(maxsize=1)
def _libraries() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    # The folder of scripts too: the program that was started is the last of all callers.
    return tuple(f"{paths[name]}/" for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts"))


def words_of(error: BaseException) -> str:
    """Return an exception's type and its text on one line; for an error of a statement the driver's own text."""
    try:
        text = str(getattr(error, "orig", "") or error)
    except Exception:  # noqa: BLE001  (the text of an exception is code of the chain too)
        text = ""
    # Why encoded: a text may hold half a surrogate pair, which no stream takes.
    words = " ".join(text.split()).encode("utf-8", "backslashreplace").decode("utf-8")
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def fix_of(error: BaseException) -> str:
    """Return what to write in environments.toml against an exception of env.py; empty where that is not known."""
    if isinstance(error, RuntimeError) and "application context" in str(error):
        return _APP
    if isinstance(error, ModuleNotFoundError) and _opens(error):
        # SQLAlchemy imports the driver of a URL when the engine is made.
        return f"its URL names another database than the environment's: {_SET_IT}"
    if isinstance(error, KeyError) and type(error) is KeyError and _is_of_the_environment(error):
        return f'set it for the chain\'s code: [alembic.env] {error.args[0]} = "..."; "{{url}}" is the database\'s URL'
    return ""


def want_of(error: BaseException | None) -> tuple[Want | None, tuple[str, ...]]:
    """Return what environments.toml lacks by an exception of the chain's code, and its names (see `ReplayError`)."""
    match error:
        case OtherDatabaseError():
            return Want.DATABASE, (error.database,)
        case EngineError():
            return Want.ENGINE, error.engines
        case AppError():
            return Want.APP, ()
        case RuntimeError() if "application context" in str(error):
            return Want.APP, ()
        case ModuleNotFoundError() if _opens(error):
            return Want.DATABASE, ()
        case KeyError() if fix_of(error):
            return Want.VARIABLE, (str(error.args[0]),)
        case None:
            return None, ()
        case _:
            return want_of(error.__cause__)


def replay_error(
    chain: ChainConfig, revision: str, error: BaseException, fix: Callable[[ChainConfig, str], str]
) -> ReplayError:
    """Return the error of a replay that an exception ended; `fix` says what to do about one of a revision."""
    ini = str(chain.ini)
    match error:
        case OtherDatabaseError():
            cause = f"it opens {error.database}, which is not the database of an environment"
            return ReplayError(ini, revision, cause, error.subject, error.advice, *want_of(error))
        case ChainError():
            place, cause = ("", error.problem) if error.subject == ini else (error.subject, error.problem)
            known = "" if error.advice == CORRECT else error.advice
            return ReplayError(ini, revision, cause, place, known, *want_of(error))
        case OtherSchemaError() | SchemaOfChainError() | ServerChangedError():
            return ReplayError(ini, revision, f"{error.subject}: {error.problem}", "", error.advice, *want_of(error))
    known, wanted = fix_of(error), want_of(error)
    if not known and (known := fix(chain, words_of(error))):
        wanted = Want.BASELINE, ()
    return ReplayError(ini, revision, words_of(error), place_of(error), known, *wanted)


def _opens(error: ModuleNotFoundError) -> bool:
    return any(frame.name == "create_engine" for frame in extract_tb(error.__traceback__))


def _is_of_the_environment(error: KeyError) -> bool:
    frames = extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename in {"<frozen os>", getattr(sys.modules["os"], "__file__", "")}


@contextmanager
def file_errors(chain: ChainConfig) -> Iterator[None]:
    """Convert errors in the chain's files to ChainError, which names the file and line, else the chain."""
    ini = str(chain.ini)
    try:
        yield
    except (ArchmigError, KeyboardInterrupt):
        raise
    except (CommandError, UserWarning) as error:
        raise ChainError(ini, " ".join(str(error).split())) from error
    except SyntaxError as error:
        if error.filename is None:  # Python does not name a file that contains a NUL
            raise ChainError(ini, f"one of its files: {error.msg}") from error
        raise ChainError(place_of(error), str(error.msg)) from error
    except BaseException as error:
        if place := place_of(error):
            advice = {"advice": fix} if (fix := fix_of(error)) else {}
            raise ChainError(place, words_of(error), **advice) from error
        if isinstance(error, KeyError):
            raise missing(chain, str(error.args[0])) from error
        if isinstance(error, ImportError | AttributeError | OSError | RevisionError | SystemExit | GeneratorExit):
            raise ChainError(ini, words_of(error)) from error
        raise


def runs_again(chain: ChainConfig) -> ChainError:
    """Return the error for an env.py that runs the chain twice on one database. Why refused: its rows would double."""
    advice = "give each database its own [env] with an engine, if env.py is for several"
    return ChainError(str(script_folder(chain) / "env.py"), "runs the chain a second time on one database", advice)


def runs_before(chain: ChainConfig, stamp: str) -> ChainError:
    """Return the error for an env.py whose imports upgrade the database. Why refused: nothing would be left to see."""
    problem = f"stamps the database with {stamp} before it runs the chain, or a module that it imports does"
    advice = "let the application not upgrade its database while ARCHMIG_REPLAY is set"
    return ChainError(str(script_folder(chain) / "env.py"), problem, advice)
