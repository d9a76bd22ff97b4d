"""What can be wrong with a wish to change a case; each error's message is what the person reads."""

from features.errors import RescueError, UsageError


class CaseNotFoundError(UsageError):
    """There is no such case, or not for this person; the two are told alike."""

    def __init__(self, case_id: str) -> None:
        super().__init__(f"There is no case {case_id!r}: open the queue to see the cases there are.")


class StaleCaseError(RescueError):
    """The case changed after the page that the wish came from."""

    def __init__(self, case_id: str, kind: str, actor: str, when: str) -> None:
        super().__init__(
            f"Case {case_id} was changed by {actor} ({kind}) at {when} UTC, after you opened it: look at it again."
        )
        self.kind, self.actor, self.when = kind, actor, when


class IllegalMoveError(RescueError):
    """The case's state does not allow the move."""


class AlreadyOpenError(RescueError):
    """The account has another open case of the same family."""
