"""The `tunegate` command. Only what `--version` needs is imported before it is answered."""

from __future__ import annotations

import sys

from tunegate import __version__


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code (see docs/commands.md)."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"tunegate {__version__}\n")
        return 0
    from tunegate.siblings import intruder_message

    message = intruder_message()
    if message:
        sys.stderr.write(f"error: {message}\n")
        return 2
    from tunegate.cli import run_command

    return run_command(arguments)


if __name__ == "__main__":
    sys.exit(main())
