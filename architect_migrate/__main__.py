"""Entry point of `archmig` and `python -m architect_migrate`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command with the process's arguments; exits as `cli.app.main` does, and with 130 on Ctrl-C."""
    _replace_closed_streams()
    # Why: most of what a command makes lives as long as the command, and is looked at in vain by each collection.
    gc.set_threshold(10_000)
    # Why the import is inside: a Ctrl-C while modules are imported must not print a traceback.
    try:
        from architect_migrate.cli import app

        app.main()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was changed\n")
        raise SystemExit(130) from None


def _replace_closed_streams() -> None:
    """Connect standard streams that the caller closed to /dev/null.

    Why: the next file opened, perhaps a database, would get the number of the closed stream and receive its output.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode))


if __name__ == "__main__":
    main()
