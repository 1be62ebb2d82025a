"""Where environments.toml is: cheap enough to be asked before anything else is imported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def config_place(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The explicit file, else ARCHMIG_CONFIG's, else environments.toml in `cwd` or a folder above; None: none is there.

    A dangling link is a file that somebody meant, and reading it says what is wrong with it.
    """
    named = explicit or environ.get("ARCHMIG_CONFIG", "")
    places = [cwd / named] if named else [folder / "environments.toml" for folder in (cwd, *cwd.parents)]
    return next((it for it in places if os.path.lexists(it)), None)
