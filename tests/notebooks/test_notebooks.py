"""The notebooks of the documentation run from top to bottom, and the examples of `import rescue` are true."""

import doctest
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from support.nights.night_home import NightHome

import rescue

NOTEBOOKS = ("from-data-to-a-judged-model.ipynb", "what-did-our-rescues-achieve.ipynb")


SMALLER = {
    "from-data-to-a-judged-model.ipynb": {
        '"data_samples", home=home': '"{WORLD}", home=home',
        'before="2025-12-01"': 'before="2026-06-24"',
    },
    "what-did-our-rescues-achieve.ipynb": {
        "accounts=600, months=21, nights=9": "accounts=150, months=15, nights=3",
        '"2026-02-01", "2026-02-07"': '"2026-02-01", "2026-02-02"',
    },
}
"""What the quick run of a notebook replaces, so that it takes seconds."""
quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::DeprecationWarning:zmq")


@pytest.mark.parametrize("name", NOTEBOOKS)
@quiet
def test_a_notebook_runs_from_top_to_bottom_on_a_smaller_world(name: str, root: Path, night_home: NightHome) -> None:
    notebook = read(name, root)
    for old, new in SMALLER[name].items():
        holding = [cell for cell in notebook.cells if old in cell.source]
        assert len(holding) == 1, old
        holding[0].source = holding[0].source.replace(old, new.replace("{WORLD}", str(night_home.data)))
    run(notebook, root)


@pytest.mark.soak
@pytest.mark.parametrize("name", NOTEBOOKS)
@quiet
def test_a_notebook_runs_from_top_to_bottom(name: str, root: Path) -> None:
    run(read(name, root), root)


def read(name: str, root: Path) -> Any:
    return nbformat.read(root / "docs" / "notebooks" / name, as_version=4)


def run(notebook: Any, root: Path) -> None:
    """Execute the cells in a kernel of their own; no cell may write a warning."""
    client = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(root)}}
    )
    client.execute()
    streams = [
        output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert not any("Warning" in text or "Traceback" in text for text in streams), streams


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_stored_without_outputs_and_machine_paths(name: str, root: Path) -> None:
    notebook = json.loads((root / "docs" / "notebooks" / name).read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    text = json.dumps(notebook["cells"])
    assert str(root) not in text
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


@pytest.fixture
def open_once(monkeypatch: pytest.MonkeyPatch, root: Path) -> Iterator[None]:
    """Each example opens the samples; here they are opened once, and all examples share what was computed."""
    monkeypatch.chdir(root)
    opened: dict[str, Any] = {}
    really_open, really_backtest = rescue.open, rescue.Workspace.backtest

    def open_cached(source: str, **settings: Any) -> rescue.Workspace:
        key = repr((source, settings))
        if key not in opened:
            opened[key] = really_open(source, **settings)
        return opened[key]

    monkeypatch.setattr(rescue, "open", open_cached)
    monkeypatch.setattr(rescue.Workspace, "backtest", functools.cache(really_backtest))
    yield


def test_the_examples_of_the_module_are_true(open_once: None) -> None:
    failed, attempted = doctest.testmod(rescue, optionflags=doctest.ELLIPSIS)
    assert failed == 0
    assert attempted > 20
