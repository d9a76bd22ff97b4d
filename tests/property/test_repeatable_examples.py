"""The examples of the property tests do not depend on which modules other tests have loaded."""

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies


def drawn() -> list[int]:
    found: list[int] = []

    @given(strategies.lists(strategies.integers(), min_size=20, max_size=20))
    def collect(numbers: list[int]) -> None:
        found.extend(numbers)

    collect()
    return found


def test_a_module_that_is_loaded_in_between_changes_no_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "with_numbers.py"
    path.write_text("\n".join(f"NUMBER_{number} = {7_000_000 + number}" for number in range(300)))
    before = drawn()
    spec = importlib.util.spec_from_file_location("with_numbers", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "with_numbers", module)
    spec.loader.exec_module(module)
    assert drawn() == before
