"""Where `archmig` and `python -m architect_migrate` begin: a Ctrl-C is answered before anything is imported, too."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command with the process's arguments; exits as `cli.app.main` does."""
    _replace_closed_streams()
    try:
        from architect_migrate.cli import app

        app.main()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was changed\n")
        raise SystemExit(130) from None


def _replace_closed_streams() -> None:
    """Give a stream that the caller closed to nobody: the next file opened would get its number, and its words."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode))


if __name__ == "__main__":
    main()
