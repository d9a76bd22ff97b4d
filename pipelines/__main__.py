"""The entry point of ``rescue``. It imports nothing at first, so that Ctrl-C has the same effect from the start."""

import sys

INTERRUPTED = 130
"""Typer's exit code after Ctrl-C; it prints nothing."""


def main() -> None:
    """Run the command line; Ctrl-C ends it with a message and code 1."""
    try:
        from pipelines.cli.app import run  # takes most of a second, during which Ctrl-C must work, too

        run()
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as ended:
        if ended.code != INTERRUPTED:
            raise
        _stopped()


def _stopped() -> None:
    sys.stderr.write("rescue: interrupted; no incomplete files are left behind.\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
