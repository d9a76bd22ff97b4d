"""What can go wrong with another system's interface, as one sentence."""

from requests import HTTPError, RequestException, Response

from features.errors import RescueError

MEANINGS = {
    401: "the token is not accepted: it has expired, or it is another system's; renew [sync.{name}] token",
    403: "the token may not read {path}: give it the right to, or leave the table out of [sync.{name}] tables",
    404: "there is no {path} at this address: check [sync.{name}] address and kind",
    429: "its quota is used up, also after waiting: run the sync later, or with fewer tables",
}


class SyncError(RescueError):
    """A system could not be read; what was read of it before stays as it was."""


class ChangedAnswerError(SyncError):
    """The answer of a system has another form than its file describes."""


def sync_error(name: str, error: BaseException) -> SyncError:
    """The sentence for an error: that of its innermost cause that says something."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SyncError):
            return cause
        if isinstance(cause, HTTPError) and cause.response is not None:
            return SyncError(f"[sync.{name}]: {_meaning(name, cause.response)}.")
        if isinstance(cause, RequestException):
            return SyncError(f"[sync.{name}]: the system does not answer ({type(cause).__name__}).")
        cause = cause.__cause__ or cause.__context__
    return SyncError(f"[sync.{name}] failed: {type(error).__name__}.")


def _meaning(name: str, answer: Response) -> str:
    status, path = answer.status_code, answer.url.split("?")[0].partition("://")[2].partition("/")[2]
    known = MEANINGS.get(status)
    return known.format(name=name, path=f"/{path}") if known else f"it answers with {status} at /{path}"
