"""Location of environments.toml, and the environment variables that choose it; kept cheap to import."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def named_config(environ: Mapping[str, str]) -> str:
    """Return the environments.toml named by ARCHMIG_CONFIG; empty if unset."""
    return environ.get("ARCHMIG_CONFIG", "")


def named_environment(environ: Mapping[str, str]) -> str:
    """Return the environment named by ARCHMIG_ENV, else by ARCHITECT_ENV; empty if both are unset."""
    return environ.get("ARCHMIG_ENV") or environ.get("ARCHITECT_ENV", "")


def config_place(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the explicit file, else ARCHMIG_CONFIG's, else environments.toml in `cwd` or a folder above; else None.

    Why a dangling link counts: reading it reports the broken link, instead of another file being used silently.
    """
    named = explicit or named_config(environ)
    places = [cwd / named] if named else [folder / "environments.toml" for folder in (cwd, *cwd.parents)]
    return next((place for place in places if os.path.lexists(place)), None)
