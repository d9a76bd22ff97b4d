"""Connections that a library opens by itself with urllib3: the same checks of addresses and the same deadline.

apprise sends with requests, which offers no place for a check of the address that a name resolves to, nor for one
limit of time for a whole message. So urllib3's function that opens a connection is replaced, once, by one that checks;
it does so only for the thread that is within :func:`guard_connections`, and is urllib3's own for everybody else.
"""

import socket
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from urllib3.util import connection

from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.addresses import resolve
from serving.delivery.web_requests.deadline import Deadline


@dataclass
class ConnectionGuard:
    """What the connections of a thread may reach, until when, and the first refusal, which libraries swallow."""

    allowed: frozenset[str]
    deadline: Deadline
    refusal: DeliveryError | None = None
    limits: ExitStack = field(default_factory=ExitStack)


class _OfThread(threading.local):
    guard: ConnectionGuard | None = None


_CURRENT = _OfThread()
_ORIGINAL: Callable[..., socket.socket] = connection.create_connection


@contextmanager
def guard_connections(allowed: Collection[str], seconds: float) -> Iterator[ConnectionGuard]:
    """Check every connection that this thread opens with urllib3 within the block."""
    connection.create_connection = _create_connection
    guard = _CURRENT.guard = ConnectionGuard(frozenset(allowed), Deadline(seconds))
    try:
        with guard.limits:
            yield guard
    finally:
        _CURRENT.guard = None


def _create_connection(address: tuple[str, int], *arguments: Any, **more: Any) -> socket.socket:
    guard = _CURRENT.guard
    if guard is None:
        return _ORIGINAL(address, *arguments, **more)
    host = address[0].strip("[]")
    try:
        checked = resolve(host, address[1], inside=host in guard.allowed, deadline=guard.deadline)
    except DeliveryError as error:
        guard.refusal = guard.refusal or error
        raise
    opened = _ORIGINAL((str(checked), address[1]), *arguments, **more)
    guard.limits.enter_context(guard.deadline.limit(opened))
    return opened
