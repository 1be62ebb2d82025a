"""archmig brings drifted databases home to Alembic; `startup` tells an application how its database is.

Nothing is imported before it is asked for: a Ctrl-C that comes while `archmig` begins finds its handler in place.
It brings a pytest plugin along, and none of its asserts is a test's: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

# As typing's, whose import would cost more than all of this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from architect_migrate.at_start import startup
    from architect_migrate.environment import OnPending
    from architect_migrate.errors import ArchmigError, StartRefusedError
    from architect_migrate.start import Start, StartState

_HOMES = {
    "ArchmigError": "errors",
    "OnPending": "environment",
    "Start": "start",
    "StartRefusedError": "errors",
    "StartState": "start",
    "startup": "at_start",
}
__all__ = ["ArchmigError", "OnPending", "Start", "StartRefusedError", "StartState", "startup"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
