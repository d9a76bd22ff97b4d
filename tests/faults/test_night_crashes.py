"""A crash anywhere loses and duplicates nothing; two runs of one night are one night."""

import os
import signal
from collections.abc import Callable

import pytest
from support.nights.night_crashes import (
    PROCESSES,
    SECOND,
    SECOND_NOW,
    compete,
    dump,
    first_night,
    hold_and_write,
    run_again,
    run_second,
    run_to_point,
    second_night,
)
from support.nights.night_factory import run

from serving.nights.night_lease import RecordedNight
from serving.store import Store

NewUrl = Callable[[], str]


@pytest.fixture
def prepared(new_url: NewUrl) -> NewUrl:
    """Makes the URL of a queue with one night in it."""

    def make() -> str:
        url = new_url()
        with Store(url) as store:
            first_night(store)
        return url

    return make


def clean(url: str) -> dict[str, list[tuple[object, ...]]]:
    with Store(url) as store:
        run(store, second_night(), SECOND_NOW)
        return dump(store)


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.soak)])
def test_a_night_killed_at_any_statement_or_commit_is_a_clean_night_after_the_next_run(
    prepared: NewUrl, every: int
) -> None:
    """Each point is killed at in the soak; in the everyday suite each third, and the last six, around the commit."""
    expected = clean(prepared())
    total = run_to_point(prepared(), run_second)
    assert total > 25
    finished = 0
    for last in sorted({*range(0, total, every), *range(total - 6, total)}):
        url = prepared()
        process = PROCESSES.Process(target=run_to_point, args=(url, run_second, last))
        process.start()
        process.join(30)
        assert process.exitcode == -signal.SIGKILL, f"point {last} was not reached"
        with Store(url) as store:
            before = dump(store)
            assert before["scores"] in ([row for row in before["scores"] if row[0] < SECOND], expected["scores"])
            finished += run_again(store).already
            assert dump(store) == expected, f"killed at point {last} of {total}"
    assert 1 <= finished <= 2  # killed after its commit, the night was there


def test_of_eight_runs_at_once_one_writes(prepared: NewUrl) -> None:
    expected, url = clean(prepared()), prepared()
    said = PROCESSES.SimpleQueue()
    processes = [PROCESSES.Process(target=compete, args=(url, number, said)) for number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 8
    results = sorted(said.get() for _ in processes)
    assert results.count("wrote") == 1
    assert set(results) <= {"wrote", "held", "already"}
    with Store(url) as store:
        assert dump(store) == expected


def test_a_holder_that_wakes_after_its_lease_is_refused(prepared: NewUrl) -> None:
    expected, url = clean(prepared()), prepared()
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=hold_and_write, args=(url, theirs))
    process.start()
    assert ours.recv() == "begun"
    os.kill(process.pid, signal.SIGSTOP)
    with Store(url) as store:
        assert not run_again(store).already
        os.kill(process.pid, signal.SIGCONT)
        ours.send("go on")
        assert "already" not in (said := ours.recv())
        process.join(30)
        assert said == "wrote" or "taken over" in said
        assert dump(store) == expected


@pytest.mark.parametrize("times", [2, 5])
def test_the_same_night_again_changes_nothing(prepared: NewUrl, times: int) -> None:
    with Store(prepared()) as store:
        first = run(store, second_night(), SECOND_NOW)
        expected = dump(store)
        for _ in range(times):
            assert run_again(store) == RecordedNight(SECOND, first.content_hash, already=True)
            assert dump(store) == expected
