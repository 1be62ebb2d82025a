"""Detects and repairs schema drift in databases managed by Alembic; `startup` reports an application's database.

Names are imported on first use, so that the handler of Ctrl-C is in place before the long imports of `archmig`.
PYTEST_DONT_REWRITE: the package contains a pytest plugin, and its asserts are not those of tests.
"""

from __future__ import annotations

# Why not typing.TYPE_CHECKING: importing typing would cost more than the rest of this module.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from architect_migrate.core.errors import ArchmigError
    from architect_migrate.integrations.startup.startup import startup
    from architect_migrate.integrations.startup.status import Start, StartRefusedError, StartState
    from architect_migrate.model.choices import OnPending

_MODULES = {
    "ArchmigError": "core.errors",
    "OnPending": "model.choices",
    "Start": "integrations.startup.status",
    "StartRefusedError": "integrations.startup.status",
    "StartState": "integrations.startup.status",
    "startup": "integrations.startup.startup",
}
__all__ = ["ArchmigError", "OnPending", "Start", "StartRefusedError", "StartState", "startup"]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
