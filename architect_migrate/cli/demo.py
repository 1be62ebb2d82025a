"""The command `archmig demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from architect_migrate.cli.context import Options
from architect_migrate.cli.present import present

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new directory.")]


def demo(options: Options, directory: Directory) -> int:
    """Create a demo project with databases that have drifted.

    DIR gets the databases, their chain and their environments.toml. The demo is part of archmig and needs no project.
    """
    from architect_migrate.authoring.demo import build_demo
    from architect_migrate.cli.report.demo import demo_report
    from architect_migrate.config.loader import read_project

    file = build_demo(directory)
    names = [environment.name for environment in read_project(file, {}).environments]
    return present(options, 0, demo_report(file, names))
