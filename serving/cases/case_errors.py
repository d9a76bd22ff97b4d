"""Errors of actions on a case; the message of each is what the person reads."""

from features.errors import RescueError, UsageError


class CaseNotFoundError(UsageError):
    """There is no such case, or the person may not see it; both have the same message."""

    def __init__(self, case_id: str) -> None:
        super().__init__(
            f"You see no case {case_id!r}: it belongs to another squad, or there is no such case. "
            "The queue has the cases that you see; the page of an account says whether another squad works on it."
        )


class AccountNotFoundError(UsageError):
    """There is no such account, or this person may not see it; both give the same message."""

    def __init__(self, account_id: str) -> None:
        super().__init__(
            f"You see no account {account_id!r}: you may not see it, or there is none with this id. Search for it by "
            "its name."
        )


class StaleCaseError(RescueError):
    """Somebody changed the case after the person had opened it."""

    def __init__(self, case_id: str, kind: str, actor: str, when: str) -> None:
        super().__init__(
            f"Case {case_id} was changed by {actor} ({kind}) at {when} UTC, after you opened it: look at it again."
        )
        self.kind, self.actor, self.when = kind, actor, when


class IllegalActionError(RescueError):
    """The state of the case does not allow the action."""


class AlreadyOpenError(RescueError):
    """The account has another open case of the same family."""
