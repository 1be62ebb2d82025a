"""Where `archmig` and `python -m architect_migrate` begin: a Ctrl-C is answered before anything is imported, too."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command with the process's arguments; exits as `cli.main` does."""
    try:
        from architect_migrate import cli

        cli.main()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was changed\n")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
