"""archmig brings drifted databases home to Alembic; `startup` tells an application how its database is.

Nothing is imported before it is asked for: a Ctrl-C that comes while `archmig` begins finds its handler in place.
It brings a pytest plugin along, and none of its asserts is a test's: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

# As typing's, whose import would cost more than all of this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from architect_migrate.core.errors import ArchmigError
    from architect_migrate.integrations.startup.startup import startup
    from architect_migrate.integrations.startup.status import Start, StartRefusedError, StartState
    from architect_migrate.model.environment import OnPending

_HOMES = {
    "ArchmigError": "core.errors",
    "OnPending": "model.environment",
    "Start": "integrations.startup.status",
    "StartRefusedError": "integrations.startup.status",
    "StartState": "integrations.startup.status",
    "startup": "integrations.startup.startup",
}
__all__ = ["ArchmigError", "OnPending", "Start", "StartRefusedError", "StartState", "startup"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
