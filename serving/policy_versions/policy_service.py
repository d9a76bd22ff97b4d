"""The saved policies for a process that goes on: what is in force now, and what has to follow when that changes.

The review app runs for weeks, while leads save versions in it, commands import files and somebody edits the file. So it
asks again with every request: one short query and one look at the file's time. The text is read and checked only when
one of them has changed.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from features.errors import UsageError
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy_versions.policy_state import PolicyInForce, PolicySource
from serving.policy_versions.replay_jobs import waiting_replay
from serving.policy_versions.saved_policies import PolicyChange, read_policy_in_force, save_policy
from serving.store.database import Store, utcnow
from serving.store.policy_tables import SavedPolicy

_LOG = logging.getLogger("rescue.policy")
StartReplay = Callable[[str], None]
"""Starts a process that computes the replay of this id; returns at once."""


class PolicyService:
    """The policy of one queue. ``start_replay`` computes replays; None where this process cannot.

    ``apply`` is called with the policy whenever another one is in force.
    """

    def __init__(
        self,
        store: Store,
        source: PolicySource | None = None,
        *,
        clock: Callable[[], datetime] = utcnow,
        start_replay: StartReplay | None = None,
        apply: Callable[[Policy], None] | None = None,
    ) -> None:
        self.store = store
        self.source = source or PolicySource()
        self.clock = clock
        self.start_replay = start_replay
        self.apply = apply
        self._lock = threading.Lock()
        self._key: tuple[object, ...] | None = None
        self._state: PolicyInForce | None = None

    def in_force(self) -> PolicyInForce:
        """The policy in force now.

        Raises:
            PolicyError: it cannot be used.
        """
        key = self._current_key()
        with self._lock:
            if self._state is not None and key == self._key:
                return self._state
        state = read_policy_in_force(self.store, self.source)
        with self._lock:
            before = self._state
            self._key, self._state = key, state
        if self.apply is not None and (before is None or before.policy.version != state.policy.version):
            self.apply(state.policy)
        return state

    def rules(self) -> PolicyFile | None:
        """The rules in force; None where the policy cannot be used, so that a page does not depend on it."""
        try:
            return self.in_force().policy.rules
        except UsageError:
            return None

    def refresh(self) -> None:
        """Let everything follow the policy in force; one that cannot be used changes nothing but the log."""
        try:
            self.in_force()
        except UsageError as error:
            _LOG.warning("The policy in force cannot be used, so the last one goes on: %s", error)

    def save(self, change: PolicyChange) -> SavedPolicy:
        """Save a version; see :func:`save_policy`."""
        saved = save_policy(self.store, self.source, change, self.clock())
        _LOG.info("policy version %s (%s) saved by %s", saved.number, saved.version, saved.author)
        self.refresh()
        return saved

    def continue_replays(self) -> None:
        """Start the replay that waits, or whose process is gone; nothing where this process cannot compute any."""
        if self.start_replay is not None and (job := waiting_replay(self.store, self.clock())) is not None:
            self.start_replay(job)

    def _current_key(self) -> tuple[object, ...]:
        newest = select(SavedPolicy.number, SavedPolicy.file_version).order_by(SavedPolicy.number.desc()).limit(1)
        with self.store.reading() as session:
            row = session.execute(newest).first()
        return (tuple(row) if row else (), _file_stamp(self.source))


def _file_stamp(source: PolicySource) -> tuple[int, int] | None:
    """The time and the size of the file; None without one."""
    try:
        stat = source.file.stat() if source.file else None
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size) if stat else None
