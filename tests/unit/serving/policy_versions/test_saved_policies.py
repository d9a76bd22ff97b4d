"""One policy is in force; a conflict is reported and never decided silently; nobody is overwritten."""

from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from features.errors import UsageError
from serving.policy.definition.policy_file import PolicyError, default_text
from serving.policy_versions.policy_state import FileState, PolicySource
from serving.policy_versions.saved_policies import (
    PolicyChange,
    PolicyConflictError,
    adopt_file,
    read_policy_in_force,
    save_policy,
    saved_policies,
)
from serving.store import Store

NOW = datetime.fromisoformat("2026-03-02T09:00")
CAPACITY = "capacity = 10"


def with_capacity(number: int) -> str:
    return default_text().replace(CAPACITY, f"capacity = {number}", 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(default_text(), encoding="utf-8")
    return path


@pytest.fixture
def source(file: Path) -> PolicySource:
    return PolicySource(file)


def save(store: Store, source: PolicySource, text: str, author: str = "lea", **more: object) -> int:
    base = read_policy_in_force(store, source).base
    values = {"base": base, "origin": "app", "reason": "More cases than people", **more}
    return save_policy(store, source, PolicyChange(text, author, **values), NOW).number  # type: ignore[arg-type]


def capacity(store: Store, source: PolicySource) -> int:
    return read_policy_in_force(store, source).policy.rules.squads["success"].capacity


def test_without_a_saved_version_the_file_is_in_force(store: Store, source: PolicySource, file: Path) -> None:
    file.write_text(with_capacity(7), encoding="utf-8")
    state = read_policy_in_force(store, source)
    assert (state.file_state, state.number, state.name) == (FileState.ONLY, None, str(file))
    assert capacity(store, source) == 7


def test_the_first_save_keeps_what_was_in_force_before(store: Store, source: PolicySource) -> None:
    assert save(store, source, with_capacity(12)) == 2
    with store.reading() as session:
        newest, first = saved_policies(session)
    assert (newest.author, newest.origin, newest.reason) == ("lea", "app", "More cases than people")
    assert (first.author, first.text) == ("policy file", default_text())
    assert capacity(store, source) == 12
    assert read_policy_in_force(store, source).file_state is FileState.BEHIND


def test_a_file_that_changed_after_an_export_is_in_force_and_becomes_a_version(
    store: Store, source: PolicySource, file: Path
) -> None:
    save(store, source, with_capacity(12))
    file.write_text(with_capacity(12), encoding="utf-8")
    assert adopt_file(store, source, NOW).file_state is FileState.SAME
    file.write_text(with_capacity(15), encoding="utf-8")
    assert read_policy_in_force(store, source).file_state is FileState.AHEAD
    assert capacity(store, source) == 15
    state = adopt_file(store, source, NOW)
    assert (state.number, state.newest and state.newest.origin, state.file_state) == (3, "file", FileState.SAME)


def test_a_file_that_changed_without_the_saved_version_is_a_conflict(
    store: Store, source: PolicySource, file: Path
) -> None:
    save(store, source, with_capacity(12))
    file.write_text(with_capacity(15), encoding="utf-8")
    state = adopt_file(store, source, NOW)
    assert (state.file_state, state.number) == (FileState.CONFLICT, 2)
    assert capacity(store, source) == 12
    assert "version 2, which lea saved on 2 Mar 2026" in state.warning
    assert "rescue policy import" in state.warning
    save(store, source, with_capacity(13))  # another change does not hide the conflict
    assert read_policy_in_force(store, source).file_state is FileState.CONFLICT
    save(store, source, file.read_text(), origin="import", decides_file=True)
    assert read_policy_in_force(store, source).file_state is FileState.SAME
    assert capacity(store, source) == 15


def test_a_conflict_ends_when_the_saved_version_is_chosen(store: Store, source: PolicySource, file: Path) -> None:
    save(store, source, with_capacity(12))
    file.write_text(with_capacity(15), encoding="utf-8")
    save(store, source, with_capacity(12), decides_file=True)
    state = read_policy_in_force(store, source)
    assert (state.file_state, state.warning, capacity(store, source)) == (FileState.BEHIND, "", 12)


def test_comments_and_order_in_the_file_are_no_change(store: Store, source: PolicySource, file: Path) -> None:
    save(store, source, with_capacity(12))
    file.write_text(f"# a remark\n{default_text()}", encoding="utf-8")
    assert read_policy_in_force(store, source).file_state is FileState.BEHIND


def test_a_broken_or_missing_file_does_not_stop_a_saved_version(store: Store, source: PolicySource, file: Path) -> None:
    with pytest.raises(PolicyError):
        file.write_text("[risks", encoding="utf-8")
        read_policy_in_force(store, source)
    file.write_text(default_text(), encoding="utf-8")
    save(store, source, with_capacity(12))
    file.unlink()
    state = read_policy_in_force(store, source)
    assert (state.file_state, capacity(store, source)) == (FileState.UNREADABLE, 12)
    assert "There is no policy file" in state.warning


def test_the_default_policy_of_a_newer_rescue_is_no_conflict(store: Store) -> None:
    source = PolicySource()
    save(store, source, with_capacity(12))
    with store.transaction() as session:
        for row in saved_policies(session):
            row.file_version = "of an earlier Rescue"
    assert read_policy_in_force(store, source).file_state is FileState.BEHIND


def test_the_second_of_two_leads_is_told_who_saved_what(store: Store, source: PolicySource) -> None:
    base = read_policy_in_force(store, source).base
    save(store, source, with_capacity(12))
    late = PolicyChange(with_capacity(9), "max", "Holidays", "app", base=base)
    with pytest.raises(PolicyConflictError, match=r"lea saved version 2 at 09:00 UTC.*More cases than people"):
        save_policy(store, source, late, NOW + timedelta(minutes=5))
    assert capacity(store, source) == 12


def test_a_change_of_the_file_is_a_conflict_for_whoever_edits(store: Store, source: PolicySource, file: Path) -> None:
    base = read_policy_in_force(store, source).base
    file.write_text(with_capacity(15), encoding="utf-8")
    with pytest.raises(PolicyConflictError, match=r"file .* was changed after you began"):
        save_policy(store, source, PolicyChange(with_capacity(9), "max", "Holidays", "app", base=base), NOW)


def test_of_many_who_save_at_once_one_does(store: Store, source: PolicySource) -> None:
    base, barrier, results = read_policy_in_force(store, source).base, Barrier(5), []

    def run(number: int) -> None:
        barrier.wait()
        try:
            save_policy(store, source, PolicyChange(with_capacity(20 + number), "lea", "x", "app", base=base), NOW)
            results.append("saved")
        except PolicyConflictError:
            results.append("conflict")

    threads = [Thread(target=run, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["conflict"] * 4 + ["saved"]


@pytest.mark.parametrize(
    ("text", "reason", "sentence"),
    [
        (default_text(), "why", "Nothing was changed"),
        (with_capacity(12), "  ", "reason is missing"),
        (with_capacity(12), "x" * 1001, "1,001 characters"),
        ("x" * 400_001, "why", "at most 400,000"),
    ],
)
def test_what_cannot_be_saved(store: Store, source: PolicySource, text: str, reason: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        save(store, source, text, reason=reason)


def test_every_mistake_of_a_text_is_reported_with_its_line(store: Store, source: PolicySource) -> None:
    wrong = default_text().replace('fallback = "success"', 'fallback = "sucess"').replace("enter = 0.15", "enter = 2.0")
    with pytest.raises(PolicyError) as caught:
        save(store, source, wrong)
    assert len(caught.value.problems) >= 2
    assert any("did you mean 'success'" in problem for problem in caught.value.problems)
    assert all(", line " in problem for problem in caught.value.problems)
