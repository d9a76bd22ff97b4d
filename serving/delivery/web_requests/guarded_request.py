"""One HTTP request to a checked address, within a deadline; what goes wrong is a sentence about the receiver."""

import socket
import ssl
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from typing import TypeVar

import httpcore
import httpx

from serving.delivery.channel import DeliveryError
from serving.delivery.web_requests.addresses import GuardedBackend
from serving.delivery.web_requests.deadline import Deadline

_T = TypeVar("_T")


def request_once(
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    read: Callable[[httpcore.Response], _T],
    *,
    allowed: Collection[str],
    deadline: Deadline,
    content: bytes | None = None,
) -> _T:
    """What ``read`` makes of the answer, before it is closed; no redirect is followed.

    ``allowed`` are hosts inside one's own network, for which http is enough.

    Raises:
        DeliveryError: the address is not https, or the receiver did not answer within the deadline.
    """
    if url.scheme != "https" and not (url.scheme == "http" and url.host in allowed):
        raise DeliveryError("The receiver's URL has to begin with https://.", permanent=True)
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    try:
        with closing(GuardedBackend(allowed, deadline)) as backend:
            seconds = dict.fromkeys(("connect", "read", "write", "pool"), deadline.remaining())
            with (
                httpcore.ConnectionPool(network_backend=backend, http2=False) as pool,
                pool.stream(
                    method,
                    target,
                    headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                    content=content,
                    extensions={"timeout": seconds},
                ) as response,
            ):
                return read(response)
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise DeliveryError("The receiver did not answer in time.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
        if deadline.over:
            raise DeliveryError("The receiver did not answer in time.") from error
        raise DeliveryError(f"The receiver could not be reached: {url.host} {unreached_text(error)}.") from error


def unreached_text(error: BaseException) -> str:
    """Why a host could not be reached, in words that follow its name."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return "refused the connection"
        if isinstance(cause, socket.gaierror):
            return "is a name that cannot be resolved"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "has a certificate that is not trusted"
        if isinstance(cause, ssl.SSLError):
            return "does not speak TLS as it should"
        cause = cause.__cause__ or cause.__context__
    return "broke off the connection, or there is no way to it"


def header_fields(response: httpcore.Response) -> dict[str, str]:
    """The header fields of an answer, by their names in lower case."""
    return {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
