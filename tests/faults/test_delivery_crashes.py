"""No message is lost: senders are killed between sending and noting it, again and again; receivers misbehave."""

import random
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from support.nights.killed_senders import deliver_and_die, deliver_to
from support.nights.local_receivers import http_receiver
from support.nights.night_crashes import PROCESSES
from support.nights.night_factory import NOW, open_cases

from serving.delivery.file_channel import FileChannel
from serving.delivery.sender import MESSAGE_LEASE, deliver
from serving.delivery.webhook_channel import WebhookChannel
from serving.store import Store
from serving.store.exchange import Message

LETTERS = 100


@pytest.fixture
def ids(store: Store) -> Iterator[set[str]]:
    open_cases(store, LETTERS)
    with store.reading() as session:
        yield set(session.scalars(select(Message.id)))


@pytest.mark.parametrize("kills", [5, pytest.param(LETTERS, marks=pytest.mark.soak)])
def test_killed_between_send_and_mark_every_message_arrives(
    store: Store, ids: set[str], tmp_path: Path, kills: int
) -> None:
    url = store.url.render_as_string(hide_password=False)
    for _ in range(kills):
        process = PROCESSES.Process(target=deliver_and_die, args=(url, tmp_path, 0))
        process.start()
        process.join(30)
        assert process.exitcode == -signal.SIGKILL
    arrived = Counter((tmp_path / "arrivals.log").read_text().split())
    assert (len(arrived), set(arrived.values())) == (kills, {1})  # each was sent, none was noted
    after = deliver(store, {"hook": FileChannel(tmp_path)}, clock=lambda: NOW + MESSAGE_LEASE)
    assert after.sent == LETTERS
    assert {path.stem for path in tmp_path.glob("*.json")} == ids  # the repeats carry the same ids


def test_a_moody_receiver_gets_every_message(store: Store, ids: set[str]) -> None:
    moods = random.Random(11).choices([200, 500, (429, {"retry-after": "1"}), "drop"], k=200)
    secret = "c2VjcmV0LW9mLXRoZS10ZXN0cw=="
    now, sent = NOW, 0
    with http_receiver(*moods, 200) as receiver:
        channel = WebhookChannel(receiver.url, secret, frozenset({"127.0.0.1"}), 2.0)
        for _ in range(80):  # three failures in a row end a run, and there are two hundred moods
            sent += deliver(store, {"hook": channel}, clock=lambda at=now: at).sent
            now += timedelta(hours=13)
        assert set(receiver.ids) == ids
    assert sent == LETTERS
    with store.reading() as session:
        assert set(session.scalars(select(Message.status))) == {"sent"}


def test_two_senders_at_once_send_each_message_once(store: Store, ids: set[str], tmp_path: Path) -> None:
    url = store.url.render_as_string(hide_password=False)
    processes = [PROCESSES.Process(target=deliver_to, args=(url, tmp_path / str(number))) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    arrived = [path.stem for path in tmp_path.rglob("*.json")]
    assert len(arrived) == LETTERS
    assert set(arrived) == ids
