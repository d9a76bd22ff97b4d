"""What an orchestrator is handed: it may keep it for ever, and keeps nothing of ours alive."""

import gc
import weakref

import pytest

from features.errors import UsageError
from pipelines.flows.run_once import SingleRun, StepFailedError


class Connection:
    """Something that has to be given back."""


def registered(once: SingleRun[object]) -> list[object]:
    """What an orchestrator keeps: the function, and what it raised."""
    kept: list[object] = [once.run]
    try:
        once.run()
    except StepFailedError as error:
        kept.append(error)
        raise
    return kept


def test_the_result_is_the_steps_own() -> None:
    once = SingleRun(lambda: 7)
    assert not once.begun
    assert once.outcome(once.run) == 7
    assert once.begun


def test_what_ran_is_kept_by_nobody() -> None:
    held = Connection()
    gone = weakref.ref(held)
    once = SingleRun(lambda held=held: held is not None)  # type: ignore[misc]
    kept: list[object] = []
    once.outcome(lambda: kept.extend(registered(once)))
    del held
    gc.collect()
    assert kept
    assert gone() is None


def test_a_failure_is_the_steps_own_error_and_the_orchestrator_keeps_only_its_sentence() -> None:
    kept: list[StepFailedError] = []

    def start(once: SingleRun[None]) -> None:
        try:
            once.run()
        except StepFailedError as error:
            kept.append(error)
            raise

    def fails() -> weakref.ref[Connection]:
        held = Connection()

        def step() -> None:
            assert held
            raise UsageError("There is no such folder.")

        once = SingleRun(step)
        with pytest.raises(UsageError, match=r"There is no such folder\.") as caught:
            once.outcome(lambda: start(once))
        del caught
        return weakref.ref(held)

    gone = fails()
    gc.collect()
    assert str(kept[0]) == "UsageError: There is no such folder."
    assert (kept[0].__cause__, kept[0].__context__, kept[0].__traceback__) == (None, None, None)
    assert gone() is None
