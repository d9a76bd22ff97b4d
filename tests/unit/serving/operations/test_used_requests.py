"""A signed request counts once, until it is too old to count at all."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from support.nights.night_factory import NOW

from serving.operations.used_requests import AlreadyUsedError, forget_use, use_once
from serving.store import Store
from serving.store.people_tables import UsedRequest

LATER = NOW + timedelta(minutes=15)


def rows(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(UsedRequest)) or 0


def test_a_request_is_used_once_and_its_secret_is_not_stored(store: Store) -> None:
    use_once(store, "slack", "canary", expires_at=LATER, now=NOW)
    use_once(store, "answer", "canary", expires_at=LATER, now=NOW)
    with pytest.raises(AlreadyUsedError, match="used already"):
        use_once(store, "slack", "canary", expires_at=LATER, now=NOW)
    with store.reading() as session:
        assert all("canary" not in key for key in session.scalars(select(UsedRequest.key)))
    assert rows(store) == 2


def test_what_was_refused_can_be_sent_again_and_old_rows_go(store: Store) -> None:
    use_once(store, "answer", "one", expires_at=LATER, now=NOW)
    forget_use(store, "answer", "one")
    use_once(store, "answer", "one", expires_at=LATER, now=NOW)
    use_once(store, "answer", "two", expires_at=LATER + timedelta(hours=2), now=LATER + timedelta(seconds=1))
    assert rows(store) == 1
