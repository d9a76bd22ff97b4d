"""A saved model is a flat folder of text under a manifest; what is loaded is what was checked."""

from pathlib import Path

import pytest

from models.learners import model_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved = tmp_path / "model"
    saved.mkdir()
    (saved / "model.txt").write_text("tree\nversion=v4\n", encoding="utf-8")
    (saved / "model.json").write_text('{"risk": "churn"}', encoding="utf-8")
    model_files.write(saved)
    return saved


def test_a_folder_as_it_was_saved_gives_its_contents_back(folder: Path) -> None:
    contents = model_files.verify(folder)
    assert contents == {"model.txt": b"tree\nversion=v4\n", "model.json": b'{"risk": "churn"}'}


def test_writing_is_repeatable_and_its_digest_stands_for_every_byte(folder: Path) -> None:
    before = model_files.digest_of(folder)
    assert model_files.write(folder) == before
    (folder / "model.json").write_text('{"risk": "Churn"}', encoding="utf-8")
    assert model_files.write(folder) != before


def test_a_manifest_rewritten_to_fit_altered_files_is_refused_by_its_digest(folder: Path) -> None:
    registered = model_files.digest_of(folder)
    (folder / "model.txt").write_text("tree\nversion=v5\n", encoding="utf-8")
    model_files.write(folder)
    assert model_files.verify(folder)
    with pytest.raises(model_files.ManifestError, match="not the one that was registered"):
        model_files.verify(folder, digest=registered)


def test_a_folder_that_is_not_there_and_one_without_manifest_are_told_apart(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(model_files.ManifestError, match="There is no model"):
        model_files.verify(tmp_path / "nothing")
    (folder / "manifest.json").unlink()
    with pytest.raises(model_files.ManifestError, match=r"has no manifest\.json"):
        model_files.verify(folder)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', '{"format": 1, "files": [1]}', "\x00", '{"files": {}}'])
def test_a_manifest_that_cannot_be_read_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(model_files.ManifestError, match="cannot be read"):
        model_files.verify(folder)


def test_a_manifest_of_another_format_asks_for_a_new_training(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 2, "files": {}}', encoding="utf-8")
    with pytest.raises(model_files.ManifestError, match="format 1"):
        model_files.verify(folder)


def test_a_file_that_is_missing_is_named(folder: Path) -> None:
    (folder / "model.json").unlink()
    with pytest.raises(
        model_files.ManifestError, match=r"model\.json is in the model's manifest but not in its folder"
    ):
        model_files.verify(folder)


def test_what_may_not_be_in_a_model_cannot_be_written_either(folder: Path) -> None:
    (folder / "calibrator.pkl").write_bytes(b"x")
    with pytest.raises(model_files.ManifestError, match=r"calibrator\.pkl"):
        model_files.write(folder)
