"""Where ``rescue`` begins, with nothing imported yet, so that Ctrl-C is answered alike from its first moment on."""

import sys

INTERRUPTED = 130
"""What Typer ends with, without a word, when somebody presses Ctrl-C."""


def main() -> None:
    """Run the command line, and say so in a sentence when somebody stops it."""
    try:
        from pipelines.cli.app import run  # most of a second, in which somebody may think again

        run()
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as ended:
        if ended.code != INTERRUPTED:
            raise
        _stopped()


def _stopped() -> None:
    sys.stderr.write("rescue: interrupted; nothing half-written is left behind.\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
