"""Errors whose message is the whole story: one sentence for the person who can mend it."""


class RescueError(Exception):
    """Something failed; the message says what, and the command ends with 1."""

    exit_code = 1


class UsageError(RescueError):
    """The command, a setting or a name was wrong; nothing was read or written. The command ends with 2."""

    exit_code = 2


class DataGateError(RescueError):
    """The data is not fit for a night; last night's queue stays as it was. The command ends with 3."""

    exit_code = 3
