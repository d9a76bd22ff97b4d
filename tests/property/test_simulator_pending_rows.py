"""Laws of the simulator's small parts, for any input: calendar, waiting rows, ticket texts."""

from datetime import date

import numpy as np
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from pipelines.simulator.activity import ticket_texts
from pipelines.simulator.activity.vocabulary import CATEGORIES
from pipelines.simulator.clock import add_months, date_of, day_of
from pipelines.simulator.pending_rows import SYNC, PendingRows, synced


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(0, 60))
def test_months_later_is_the_same_day_of_a_later_month(day: date, months: int) -> None:
    later = date_of(int(add_months(np.array([day_of(day)]), months)[0]))
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == min(day.day, 28)


@given(st.integers(0, 2**33))
def test_our_copy_sees_a_thing_soon_after_it_happened(instant: int) -> None:
    seen = int(synced(np.array([instant]))[0])
    assert instant < seen <= instant + SYNC


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 100)), min_size=1), st.lists(st.integers(0, 120)))
def test_every_row_is_released_once_and_only_when_it_is_known(rows: list[tuple[int, int]], looks: list[int]) -> None:
    ledger = PendingRows(accounts=15)
    account, known = (np.array(column) for column in zip(*rows, strict=True))
    ledger.add("tickets", account=account, known=known, row=np.arange(len(rows)))
    seen: list[int] = []
    for before in [*sorted(looks), 1000]:
        released = ledger.release(before).get("tickets", {"known": np.array([]), "row": np.array([])})
        assert (released["known"] < before).all()
        seen.extend(released["row"].tolist())
    assert sorted(seen) == [place for place, (number, _) in enumerate(rows) if number < 15]


@given(st.integers(0, 2**62 - 1), st.integers(0, len(CATEGORIES) - 1), st.integers(0, ticket_texts.TONES - 1))
def test_a_ticket_always_has_a_text_without_gaps(words: int, category: int, tone: int) -> None:
    numbers = np.array([words]), np.array([category])
    subject = ticket_texts.subjects(*numbers)[0].as_py()
    body = ticket_texts.bodies(*numbers, np.array([tone]))[0].as_py()
    for text in (subject, body):
        assert text == text.strip()
        assert "  " not in text
        assert "{" not in text
    assert len(body) > 40


def test_texts_hardly_repeat() -> None:
    generator = np.random.default_rng(1)
    words, category = generator.integers(0, 2**62, 5000), generator.integers(0, len(CATEGORIES), 5000)
    bodies = ticket_texts.bodies(words, category, generator.integers(0, ticket_texts.TONES, 5000))
    assert pc.count_distinct(bodies).as_py() > 4900
