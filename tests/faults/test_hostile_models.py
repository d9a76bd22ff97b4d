"""Six model folders that mean harm: each is refused with one clear sentence, and none of them runs a line of code."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from models.learners import model_files


class Payload:
    """Unpickled, it leaves a file behind: the proof that code ran."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def altered_byte(folder: Path, _: Path) -> None:
    content = bytearray((folder / "model.txt").read_bytes())
    content[5] ^= 1
    (folder / "model.txt").write_bytes(bytes(content))


def extra_file(folder: Path, _: Path) -> None:
    (folder / "extra.json").write_text("{}", encoding="utf-8")


def a_pickle(folder: Path, trace: Path) -> None:
    (folder / "model.pkl").write_bytes(pickle.dumps(Payload(trace)))


def a_pickle_under_a_text_name(folder: Path, trace: Path) -> None:
    (folder / "model.txt").write_bytes(pickle.dumps(Payload(trace)))
    model_files.write(folder)


def code_folder(folder: Path, trace: Path) -> None:
    (folder / "code").mkdir()
    (folder / "code" / "__init__.py").write_text(f"open({str(trace)!r}, 'w').close()", encoding="utf-8")


def link_to_elsewhere(folder: Path, trace: Path) -> None:
    (folder / "model.txt").rename(trace.with_name("elsewhere.txt"))
    (folder / "model.txt").symlink_to(trace.with_name("elsewhere.txt"))


def path_that_leaves(folder: Path, trace: Path) -> None:
    listed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    listed["files"]["../../etc/passwd"] = listed["files"]["model.txt"]
    (folder / "manifest.json").write_text(json.dumps(listed), encoding="utf-8")


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [
        (altered_byte, "model.txt was altered after the model was saved; the model was not loaded."),
        (extra_file, "extra.json is not in the model's manifest; the model was not loaded."),
        (a_pickle, "model.pkl is not a file that a model may consist of; the model was not loaded."),
        (a_pickle_under_a_text_name, "model.txt is not text, as every file of a model is; the model was not loaded."),
        (code_folder, "The model's folder holds a folder code/, which no model needs; it was not loaded."),
        (link_to_elsewhere, "model.txt in the model's folder is a link to another place; the model was not loaded."),
        (
            path_that_leaves,
            "The manifest names '../../etc/passwd', which is not a file of the folder; the model was not loaded.",
        ),
    ],
)
def test_a_hostile_artefact_is_refused_and_runs_nothing(
    tmp_path: Path, attack: Callable[[Path, Path], None], sentence: str
) -> None:
    folder, trace = tmp_path / "model", tmp_path / "code-ran"
    folder.mkdir()
    (folder / "model.txt").write_text("tree\nversion=v4\n", encoding="utf-8")
    (folder / "model.json").write_text('{"risk": "churn"}', encoding="utf-8")
    model_files.write(folder)
    attack(folder, trace)
    with pytest.raises(model_files.ManifestError) as refused:
        model_files.verify(folder)
    assert str(refused.value) == sentence
    assert not trace.exists()
