"""Saving a policy: each version with its author and reason, in order, and never over somebody else's change.

Whoever saves names what they started from. If something else is in force by then, nothing is saved, and the error says
who changed what in the meantime. The first version that is saved is preceded by the policy of the file, so that it can
be restored, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from features.errors import RescueError, UsageError
from serving.policy.definition.policy_file import Policy
from serving.policy_versions.policy_state import FileState, PolicyInForce, PolicySource, find_policy_in_force
from serving.store.database import Store
from serving.store.policy_tables import SavedPolicy

Origin = Literal["file", "app", "import", "rollback"]
FILE_AUTHOR = "policy file"
LONGEST_CHANGE_REASON = 1000
LONGEST_POLICY = 400_000
"""Characters of a policy text that is saved."""


class PolicyConflictError(RescueError):
    """Somebody else changed the policy after this draft was begun; ``saved`` are the versions since then."""

    def __init__(self, message: str, saved: Sequence[SavedPolicy] = ()) -> None:
        super().__init__(message)
        self.saved = tuple(saved)


class PolicyVersionNotFoundError(UsageError):
    """There is no such saved version."""

    def __init__(self, number: int, newest: int) -> None:
        known = f"the versions are 1 to {newest}" if newest else "none was saved yet"
        super().__init__(f"There is no policy version {number}: {known}.")


@dataclass(frozen=True)
class PolicyChange:
    """What is to be saved. ``base`` is :attr:`PolicyInForce.base` of what the author saw; None overrides whatever is.

    ``decides_file`` says that the version is a decision about the present file: a conflict with it is over.
    ``name`` is how the mistakes of the text name it.
    """

    text: str
    author: str
    reason: str
    origin: Origin
    base: str | None = None
    restores: int | None = None
    decides_file: bool = False
    name: str = "policy"


def saved_policies(session: Session) -> list[SavedPolicy]:
    """Every saved version, the newest first."""
    return list(session.scalars(select(SavedPolicy).order_by(SavedPolicy.number.desc())))


def newest_saved(session: Session) -> SavedPolicy | None:
    """The newest saved version; None where nobody has saved one."""
    return session.scalar(select(SavedPolicy).order_by(SavedPolicy.number.desc()).limit(1))


def saved_policy(session: Session, number: int) -> SavedPolicy:
    """One saved version.

    Raises:
        PolicyVersionNotFoundError: there is none of that number.
    """
    found = session.get(SavedPolicy, number)
    if found is None:
        newest = newest_saved(session)
        raise PolicyVersionNotFoundError(number, newest.number if newest else 0)
    return found


def read_policy_in_force(store: Store, source: PolicySource) -> PolicyInForce:
    """The policy in force in this queue.

    Raises:
        PolicyError: it cannot be used.
    """
    with store.reading() as session:
        newest = newest_saved(session)
    return find_policy_in_force(source, newest)


def save_policy(store: Store, source: PolicySource, change: PolicyChange, now: datetime) -> SavedPolicy:
    """Save a policy as the next version; it is in force at once.

    Raises:
        PolicyError: the text is not a valid policy; ``problems`` has every mistake.
        PolicyConflictError: something else is in force than what the author started from.
        UsageError: the reason is missing or too long, or the policy is the one that is in force.
    """
    reason = _checked_reason(change.reason)
    policy = check_policy_text(source, change.text, change.name)
    try:
        with store.transaction() as session:
            return _save(session, source, change, reason, policy, now)
    except IntegrityError as error:  # on PostgreSQL, somebody saved the same number in the same moment
        raise PolicyConflictError(
            "Somebody else saved the policy at the same moment: compare, and save again."
        ) from error


def check_policy_text(source: PolicySource, text: str, name: str = "policy") -> Policy:
    """The policy of a text that somebody typed, or of a file; ``name`` is how its mistakes name it.

    Raises:
        PolicyError: it is not valid; ``problems`` has every mistake with its line.
        UsageError: it is too long.
    """
    if len(text) > LONGEST_POLICY:
        raise UsageError(f"A policy can have at most {LONGEST_POLICY:,} characters, and this one has {len(text):,}.")
    return source.parse(text, name)


def adopt_file(store: Store, source: PolicySource, now: datetime) -> PolicyInForce:
    """The policy in force, as a night uses it: a file that was changed on top of the newest version becomes one itself.

    Raises:
        PolicyError: the policy in force cannot be used.
    """
    state = read_policy_in_force(store, source)
    if state.newest is None or state.file_state not in {FileState.AHEAD, FileState.SAME}:
        return state
    if state.file_state is FileState.SAME and state.newest.file_version == state.file_version:
        return state
    with store.transaction() as session:
        newest = newest_saved(session)
        state = find_policy_in_force(source, newest)
        if newest is not None and state.file_state is FileState.SAME:
            newest.file_version = state.file_version
        elif newest is not None and state.file_state is FileState.AHEAD:
            reason = f"The file {source.short_name} was changed."
            _add(session, newest.number + 1, state, _Saved(state.text, FILE_AUTHOR, reason, "file"), now)
    return read_policy_in_force(store, source)


@dataclass(frozen=True)
class _Saved:
    text: str
    author: str
    reason: str
    origin: Origin
    restores: int | None = None


def _save(
    session: Session, source: PolicySource, change: PolicyChange, reason: str, policy: Policy, now: datetime
) -> SavedPolicy:
    newest = newest_saved(session)
    state = find_policy_in_force(source, newest)
    _refuse_conflict(session, state, change)
    if policy.version == state.policy.version and not change.decides_file:
        raise UsageError(f"Nothing was changed: these are the rules of {state.short_name}, which is in force.")
    if newest is None:
        first = _Saved(state.text, FILE_AUTHOR, f"The policy before the first change: {source.short_name}.", "file")
        newest = _add(session, 1, state, first, now)
    elif state.file_state is FileState.AHEAD:
        taken = _Saved(state.text, FILE_AUTHOR, f"The file {source.short_name} was changed.", "file")
        newest = _add(session, newest.number + 1, state, taken, now)
    keeps_conflict = state.file_state in {FileState.CONFLICT, FileState.UNREADABLE} and not change.decides_file
    row = SavedPolicy(
        number=newest.number + 1,
        version=policy.version,
        text=change.text,
        author=change.author,
        reason=reason,
        saved_at=now,
        origin=change.origin,
        restores=change.restores,
        file_version=newest.file_version if keeps_conflict else state.file_version,
    )
    session.add(row)
    session.flush()
    return row


def _add(session: Session, number: int, state: PolicyInForce, saved: _Saved, now: datetime) -> SavedPolicy:
    """Store the policy of the file as a version."""
    row = SavedPolicy(
        number=number,
        version=state.policy.version,
        text=saved.text,
        author=saved.author,
        reason=saved.reason,
        saved_at=now,
        origin=saved.origin,
        restores=saved.restores,
        file_version=state.file_version,
    )
    session.add(row)
    session.flush()
    return row


def _refuse_conflict(session: Session, state: PolicyInForce, change: PolicyChange) -> None:
    if change.base is None or change.base == state.base:
        return
    number = change.base.partition("-")[0]
    since = [row for row in saved_policies(session) if number.isdigit() and row.number > int(number)]
    for row in since:
        session.expunge(row)  # the error outlives the transaction
    if since:
        last = since[0]
        others = f" ({len(since)} versions since then)" if len(since) > 1 else ""
        raise PolicyConflictError(
            f"{last.author} saved version {last.number} at {last.saved_at:%H:%M} UTC, after you began"
            f'{others}: "{last.reason}". Nothing of yours was saved. Compare, and save again.',
            since,
        )
    raise PolicyConflictError(
        f"The policy file {state.source.short_name} was changed after you began. Nothing of yours was saved. "
        "Compare, and save again."
    )


def _checked_reason(reason: str) -> str:
    text = reason.strip()
    if not text:
        raise UsageError("The reason is missing: say why the policy changes; it is kept with the version.")
    if len(text) > LONGEST_CHANGE_REASON:
        raise UsageError(f"The reason has {len(text):,} characters of at most {LONGEST_CHANGE_REASON:,}: shorten it.")
    return text
