"""The demo of the chain in use: whoever keeps a chain may keep `demo/build.py` beside it, with a build(directory)."""

from __future__ import annotations

import sys
from importlib import util
from typing import TYPE_CHECKING

from architect_migrate.core.errors import DemoError
from architect_migrate.revisions.files import script_folder

if TYPE_CHECKING:
    from pathlib import Path


def build_demo(ini: Path, directory: Path) -> Path:
    """Let the chain's own demo write its databases into `directory`; its environments.toml comes back.

    Raises ChainError, and DemoError where the chain has no demo or the demo refuses the directory.
    """
    file = script_folder(ini) / "demo" / "build.py"
    if not file.is_file():
        raise DemoError(str(file), "no such file", "this chain has no demo: choose another with -c FILE")
    spec = util.spec_from_file_location("archmig_demo_build", file)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
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
