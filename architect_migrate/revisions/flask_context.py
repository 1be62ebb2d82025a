"""Context of a Flask application, which Flask-Migrate's env.py works in."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import AppError
from architect_migrate.revisions.files import script_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from architect_migrate.model.chain_config import ChainConfig

# Where `flask` looks for an application that nothing names, and for variables.
_PLACES, _VARIABLES = ("wsgi.py", "app.py"), (".flaskenv", ".env")
_NAME_IT = 'name it in environments.toml: [alembic] app = "module:create_app"'


def application_context(
    chain: ChainConfig, loading: Callable[[], AbstractContextManager[None]]
) -> AbstractContextManager[None]:
    """Push the context of the application that `[alembic] app` names, or that `flask` would find for this env.py.

    Nothing is pushed inside another context: the program that runs archmig has chosen its application. The application
    is loaded in the context that `loading` makes.
    """
    if not chain.app and not _uses_flask(chain):
        return nullcontext()
    return _pushed(chain.app, loading)


def bind_names() -> tuple[str, ...]:
    """Return the names of an application's other databases (SQLALCHEMY_BINDS); none outside of a context."""
    # Why not imported: without Flask there is no context.
    flask = sys.modules.get("flask")
    binds = flask.current_app.config.get("SQLALCHEMY_BINDS") if flask and flask.has_app_context() else None
    return tuple(str(name) for name in binds or () if name)


def _uses_flask(chain: ChainConfig) -> bool:
    file = script_folder(chain) / "env.py"
    return file.is_file() and b"flask" in file.read_bytes() and find_spec("flask") is not None


@contextmanager
def _pushed(app: str, loading: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    try:
        from flask import has_app_context
        from flask.cli import NoAppException, ScriptInfo
        from flask.globals import app_ctx
    except ImportError as error:
        raise AppError(app, f"the context of this application cannot be made: {error}", "install Flask") from error
    with _as_in_files():
        named = app or os.environ.get("FLASK_APP", "")
        if has_app_context() or not (named or any(Path(place).exists() for place in _PLACES)):
            yield
            return
        try:
            # Why ScriptInfo: `flask db` finds the application with it, factories and their arguments included.
            with loading():
                application = ScriptInfo(app_import_path=named or None).load_app()
        except NoAppException as error:
            raise AppError(named or "Flask", " ".join(str(error).split())[-500:], _NAME_IT) from error
        pushed = application.app_context()
        pushed.push()
        try:
            yield
        finally:
            # An env.py may push contexts of its own, and leave them.
            while app_ctx != pushed:
                app_ctx.pop()
            pushed.pop()


@contextmanager
def _as_in_files() -> Iterator[None]:
    """Set the variables of .flaskenv and .env as `flask` does, where python-dotenv is installed."""
    added: dict[str, str] = {}
    if find_spec("dotenv") is not None:
        values = import_module("dotenv").dotenv_values
        for name in _VARIABLES:
            added |= {key: value for key, value in values(name).items() if value is not None}
    new = {key: value for key, value in added.items() if os.environ.get(key) is None}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
