"""The demo project that archmig ships: twelve drifted databases, their chain and their environments.toml."""

from __future__ import annotations

import sys
from importlib import util
from pathlib import Path

from architect_migrate.core.errors import DemoError

# In the repository these are links to the files of the repository's root; in a wheel they are copies.
_PROJECT = Path(__file__).parent / "demo_project"


def build_demo(directory: Path) -> Path:
    """Write the demo project into `directory` and return the path of its environments.toml.

    Raises DemoError if the directory already holds files of the same names or cannot be written.
    """
    spec = util.spec_from_file_location("archmig_demo_build", _PROJECT / "alembic" / "demo" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    # Why: dataclasses and pickle look a module up in sys.modules.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        directory.mkdir(parents=True, exist_ok=True)
        module.build(directory)
    except FileExistsError as error:
        raise DemoError(str(directory), str(error), "nothing was written") from error
    except OSError as error:
        raise DemoError(str(directory), error.strerror or str(error), "the demo is not complete") from error
    return directory / "environments.toml"
