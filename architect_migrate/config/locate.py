"""Where environments.toml is, and what environment variables choose of it; cheap to import before anything else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def named_config(environ: Mapping[str, str]) -> str:
    """The environments.toml that the environment variables name; empty for none."""
    return environ.get("ARCHMIG_CONFIG", "")


def named_environment(environ: Mapping[str, str]) -> str:
    """The environment of environments.toml that ARCHMIG_ENV names, or else ARCHITECT_ENV; empty for none."""
    return environ.get("ARCHMIG_ENV") or environ.get("ARCHITECT_ENV", "")


def config_place(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The explicit file, else ARCHMIG_CONFIG's, else environments.toml in `cwd` or a folder above; None: none is there.

    A dangling link is a file that somebody meant, and reading it says what is wrong with it.
    """
    named = explicit or named_config(environ)
    places = [cwd / named] if named else [folder / "environments.toml" for folder in (cwd, *cwd.parents)]
    return next((place for place in places if os.path.lexists(place)), None)
