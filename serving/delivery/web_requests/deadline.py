"""One limit of time for a whole message: name resolution, connection, encryption, request and answer together.

A timeout of each read is no limit: a receiver that sends a byte every few seconds never exceeds it, and holds up every
message behind its own. So a message has one deadline on the monotonic clock. Name resolution is waited for no longer
than that, and a connection that is still open then is shut down, whatever it is doing.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

AddressInfo = list[tuple[Any, ...]]


class Deadline:
    """A moment on the monotonic clock, ``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether the time has passed."""
        return time.monotonic() >= self._end

    def remaining(self) -> float:
        """The seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the message is over")
        return left

    def resolve(self, host: str, port: int) -> AddressInfo:
        """The addresses of a host, as ``socket.getaddrinfo`` gives them, which has no timeout of its own.

        Raises:
            OSError: the name cannot be resolved, or not in time.
        """
        answers: SimpleQueue[AddressInfo | Exception] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except Exception as error:
                answers.put(error)

        threading.Thread(target=ask, name="name resolution", daemon=True).start()
        try:
            answer = answers.get(timeout=self.remaining())
        except Empty:
            raise TimeoutError("the name was not resolved in time") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    @contextmanager
    def limit(self, connection: socket.socket) -> Iterator[None]:
        """Shut the connection down at the deadline, if the block still runs then."""
        copy = socket.socket(fileno=os.dup(connection.fileno()))  # of the same connection, also after TLS took it over

        def shut_down() -> None:
            with suppress(OSError):
                copy.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(max(0.0, self._end - time.monotonic()), shut_down)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            copy.close()
