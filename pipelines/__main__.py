"""The entry point of ``rescue``. It imports little at first, so that Ctrl-C and SIGTERM have the same effect from the
start.
"""

import atexit
import gc
import os
import signal
import sys
from types import FrameType

from features.engine.allocator import share_freed_memory
from pipelines.output_streams import ignore_closed_pipes

INTERRUPTED = 130
"""Typer's exit code after Ctrl-C; it prints nothing."""

PRIVATE = 0o077
"""Files of Rescue hold names and texts of customers: nobody else on this machine reads them."""

COLLECT_AFTER = 50_000
"""New objects after which the garbage collector looks for cycles. With Python's own 700 it takes a third of the time in
which the modules of a night are imported, and finds nothing.
"""


def main() -> None:
    """Run the command line; Ctrl-C ends it with a message and code 1."""
    os.umask(PRIVATE)
    gc.set_threshold(COLLECT_AFTER)
    share_freed_memory()
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a command in the background may ignore it
        signal.signal(signal.SIGINT, _interrupt)
    ignore_closed_pipes()
    ending = _Ending()
    atexit.register(ending.end_process)
    try:
        from pipelines.cli.app import run  # takes most of a second, during which Ctrl-C must work, too

        run()
        ending.code = 0
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            _stopped()
        ending.code = ended.code if isinstance(ended.code, int) else 1 if ended.code else 0
        raise


class _Ending:
    """The end of the process, without taking all modules apart first: that takes longer than many commands.

    It is the first function that is registered for the end, and so the last that runs: after those of libraries, and
    after all threads. ``code`` is the exit code.
    """

    code = 1

    def end_process(self) -> None:
        """End at once; where the last output cannot be written, Python ends as usual and says so."""
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            return
        os._exit(self.code)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """End: a night gives up its lease, so that it can be run again at once.

    DuckDB runs this function while it waits for a query, and would then wait until its threads have computed all of it.
    """
    if number == signal.SIGTERM:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt what the first one started
    connections = sys.modules.get("features.duckdb_connection")  # not imported yet: nothing is computed
    if connections is not None:
        connections.interrupt_queries()
    raise KeyboardInterrupt


def _stopped() -> None:
    sys.stderr.write("rescue: interrupted; no incomplete files are left behind.\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
