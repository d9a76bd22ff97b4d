"""A cache file is read back as it was written, or not at all."""

from pathlib import Path

import pyarrow as pa
import pytest

from features.history.cache_files import (
    MAGIC,
    CachedFile,
    cache_key,
    read_cache_file,
    remove_other_files,
    take_write_failures,
    write_cache_file,
)

CONTENT = CachedFile({"name": "usage", "days": [1, 2]}, [pa.table({"a": [1, 2]}), pa.table({"b": ["x", None]})])


def test_values_and_tables_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "one.state"
    assert write_cache_file(file, CONTENT)
    read = read_cache_file(file)
    assert read is not None
    assert (read.values, read.tables) == (CONTENT.values, CONTENT.tables)
    assert [entry.name for entry in file.parent.iterdir()] == ["one.state"]  # no temporary file is left


@pytest.mark.parametrize("position", [0, len(MAGIC) + 3, -40, -1])
def test_a_single_changed_byte_makes_it_no_file(tmp_path: Path, position: int) -> None:
    file = tmp_path / "one.state"
    write_cache_file(file, CONTENT)
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)
    assert read_cache_file(file) is None


@pytest.mark.parametrize("damage", ["changed byte", "lost page", "shortened", "longer"])
def test_damage_anywhere_in_a_large_file_makes_it_no_file(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "one.state"
    write_cache_file(file, CachedFile({}, [pa.table({"a": [7] * 5000})]))  # of ten pages, nearly all with one content
    content = file.read_bytes()
    assert read_cache_file(file) is not None
    page, middle = 4096, len(content) // 2
    damaged = {
        "changed byte": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "lost page": content[: 2 * page] + bytes(2 * page) + content[4 * page :],
        "shortened": content[:-page],
        "longer": content + bytes(page),
    }
    file.write_bytes(damaged[damage])
    assert read_cache_file(file) is None


def test_a_missing_file_and_a_folder_are_no_files(tmp_path: Path) -> None:
    assert read_cache_file(tmp_path / "missing") is None
    assert read_cache_file(tmp_path) is None


def test_a_file_that_cannot_be_written_is_not_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert not write_cache_file(tmp_path / "file" / "one.state", CONTENT)


def test_only_files_of_the_suffix_and_unfinished_ones_are_removed(tmp_path: Path) -> None:
    for name in ("a.days", "b.days", "table.state", ".c.days.unfinished"):
        (tmp_path / name).touch()
    remove_other_files(tmp_path, {"a.days"}, ".days")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.days", "table.state"]
    remove_other_files(tmp_path / "missing", set(), ".days")


def test_a_key_depends_on_every_part() -> None:
    assert cache_key("a", 1) == cache_key("a", 1)
    assert len({cache_key("a", 1), cache_key("a", 2), cache_key("a", "1"), cache_key("a1")}) == 4


def test_a_folder_that_cannot_be_written_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    take_write_failures()
    for name in ("one.state", "two.state"):
        assert not write_cache_file(tmp_path / "state" / "tickets" / name, CONTENT)
    (sentence,) = take_write_failures()
    assert str(tmp_path / "state") in sentence
    assert "read all rows" in sentence
    assert take_write_failures() == []
