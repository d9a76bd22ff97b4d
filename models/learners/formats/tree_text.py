"""LightGBM's text of trees, checked before LightGBM parses it.

A hash proves that a text is the one that was saved, not that it is well formed. LightGBM trusts its own format: a child
that points back lets a prediction run without end, a wrong number of leaves ends the process, and a negative column
reads memory that is not the row's. So every number that its parser or its prediction uses as a place or a length is
checked here first: lengths of lists, ranges of indices, trees without cycles, finite values.
"""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from models.learners.model_files import ModelFileError

MAX_LEAVES = 1_024
"""Leaves of one tree; training grows fewer than a hundred."""

MAX_TREE_COUNT = 10_000
MAX_TREE_COLUMNS = 100_000

_HEADER = {
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "feature_names",
    "monotone_constraints",
    "feature_infos",
    "tree_sizes",
}
_INTEGERS = ("split_feature", "decision_type", "left_child", "right_child", "leaf_count", "internal_count")
_NUMBERS = ("split_gain", "threshold", "leaf_value", "leaf_weight", "internal_value", "internal_weight")
_OF_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_CATEGORIES = ("cat_boundaries", "cat_threshold")
_SINGLE = ("num_leaves", "num_cat", "is_linear", "shrinkage")
_TREE = {*_INTEGERS, *_NUMBERS, *_CATEGORIES, *_SINGLE}
_INTEGER = re.compile(r"-?[0-9]{1,10}")
_CATEGORICAL, _MISSING, _LARGEST_DECISION = 1, 0b1100, 0b1111
_TREE_START = re.compile(r"^Tree=", re.MULTILINE)


class TreeTextError(ModelFileError):
    """A text is not a well-formed set of trees; it was not parsed."""


def check_tree_text(text: str) -> int:
    """Check every tree of a text in LightGBM's format; returns the number of columns that the trees are for.

    Raises:
        TreeTextError: the sentence names the tree and the entry.
    """
    head, trees, _ = _sections(text)
    header = _entries(head.splitlines()[1:], _HEADER, "The header")
    columns = _check_header(header, text)
    sizes = _integers(header.get("tree_sizes", ""), "tree_sizes", "The header")
    if sizes != [len(tree.encode()) for tree in trees]:
        raise TreeTextError("tree_sizes of the model's trees are not the sizes of its trees.")
    for number, tree in enumerate(trees):
        _check_tree(tree, number, columns)
    return columns


def _sections(text: str) -> tuple[str, list[str], str]:
    """The header, the text of each tree, and what follows them."""
    if not text.startswith("tree\n") or "\nend of trees\n" not in text:
        raise TreeTextError("The model's trees are not LightGBM's text.")
    body, _, rest = text.partition("\nend of trees\n")
    starts = [match.start() for match in _TREE_START.finditer(body + "\n")]
    if len(starts) > MAX_TREE_COUNT:
        raise TreeTextError(f"The model has {len(starts):,} trees; {MAX_TREE_COUNT:,} is the most.")
    body += "\n"
    bounds = [*starts, len(body)]
    return body[: bounds[0]], [body[first:last] for first, last in pairwise(bounds)], rest


def _entries(lines: Sequence[str], known: set[str], where: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for line in lines:
        name, sign, value = line.partition("=")
        if not line:
            continue
        if not sign or name not in known or name in entries:
            raise TreeTextError(f"{where} of the model's trees has an entry {name[:40]!r} that is not expected.")
        entries[name] = value
    return entries


def _check_header(header: Mapping[str, str], text: str) -> int:
    for name, value in (("num_class", "1"), ("num_tree_per_iteration", "1"), ("label_index", "0")):
        if header.get(name) != value:
            raise TreeTextError(f"{name} of the model's trees is {header.get(name, 'missing')[:20]}, not {value}.")
    columns = _integer(header.get("max_feature_idx", ""), "max_feature_idx", "The header") + 1
    if not 0 < columns <= MAX_TREE_COLUMNS:
        raise TreeTextError(f"The model's trees have {columns:,} columns; 1 to {MAX_TREE_COLUMNS:,} are possible.")
    for name in ("feature_names", "feature_infos", "monotone_constraints"):
        if name in header and len(header[name].split(" ")) != columns:
            raise TreeTextError(f"{name} of the model's trees has not one entry for each of {columns} columns.")
    if "\x00" in text:
        raise TreeTextError("The model's trees are not text.")
    return columns


def _check_tree(text: str, number: int, columns: int) -> None:
    where = f"Tree {number}"
    first, *lines = text.splitlines()
    if first != f"Tree={number}":
        raise TreeTextError(f"{where} of the model is named {first[:20]!r}.")
    entries = _entries(lines, _TREE, where)
    leaves = _integer(entries.get("num_leaves", ""), "num_leaves", where)
    if not 1 <= leaves <= MAX_LEAVES:
        raise TreeTextError(f"{where} of the model has {leaves} leaves; 1 to {MAX_LEAVES} are possible.")
    if entries.get("is_linear", "0") != "0":
        raise TreeTextError(f"{where} of the model has linear leaves, which are not used here.")
    _check_numbers(entries, where, leaves)
    if leaves > 1:
        lists = {name: _integers(entries[name], name, where) for name in _INTEGERS}
        _check_splits(lists, entries, where, columns)
        _check_structure(lists["left_child"], lists["right_child"], leaves, where)


def _check_numbers(entries: Mapping[str, str], where: str, leaves: int) -> None:
    """Every list has its length, and every number is finite but the threshold of a split on missing values alone."""
    if not math.isfinite(_number(entries.get("shrinkage", "1"), "shrinkage", where)):
        raise TreeTextError(f"shrinkage of {where} of the model is not finite.")
    for name in (*_NUMBERS, *_INTEGERS):
        values = entries.get(name, "").split()
        if leaves == 1 and name != "leaf_value":
            if len(values) > 1:
                raise TreeTextError(f"{name} of {where} of the model has {len(values)} entries, not one.")
            continue
        expected = leaves if name in _OF_LEAVES else leaves - 1
        if len(values) != expected:
            raise TreeTextError(f"{name} of {where} of the model has {len(values)} entries, not {expected}.")
        if name in _NUMBERS and not all(_is_possible(name, _number(value, name, where)) for value in values):
            raise TreeTextError(f"{name} of {where} of the model has a value that is not finite.")


def _is_possible(name: str, value: float) -> bool:
    return math.isfinite(value) or (name == "threshold" and not math.isnan(value))


def _check_splits(lists: Mapping[str, list[int]], entries: Mapping[str, str], where: str, columns: int) -> None:
    """Columns, kinds of decisions and categories lie in their ranges."""
    if not all(0 <= column < columns for column in lists["split_feature"]):
        raise TreeTextError(f"split_feature of {where} of the model names a column that there is not.")
    if min(lists["internal_count"]) < 1 or min(lists["leaf_count"]) < 0:
        raise TreeTextError(f"A count of {where} of the model is not possible.")
    categories = _categories(entries, where)
    thresholds = [_number(value, "threshold", where) for value in entries["threshold"].split()]
    for decision, threshold in zip(lists["decision_type"], thresholds, strict=True):
        if not 0 <= decision <= _LARGEST_DECISION or decision & _MISSING == _MISSING:
            raise TreeTextError(f"decision_type of {where} of the model is {decision}, which does not exist.")
        if decision & _CATEGORICAL and not (threshold.is_integer() and 0 <= threshold < categories):
            raise TreeTextError(f"threshold of {where} of the model names categories that there are not.")


def _categories(entries: Mapping[str, str], where: str) -> int:
    """The number of sets of categories, whose bounds and bits are checked."""
    count = _integer(entries.get("num_cat", ""), "num_cat", where)
    if count == 0:
        return 0
    bounds = _integers(entries.get("cat_boundaries", ""), "cat_boundaries", where)
    bits = _integers(entries.get("cat_threshold", ""), "cat_threshold", where)
    rising = all(first < second for first, second in pairwise(bounds))
    if len(bounds) != count + 1 or bounds[0] != 0 or not rising or bounds[-1] != len(bits):
        raise TreeTextError(f"cat_boundaries of {where} of the model do not fit its categories.")
    if not all(0 <= bit < 2**32 for bit in bits):
        raise TreeTextError(f"cat_threshold of {where} of the model is out of range.")
    return count


def _check_structure(left: Sequence[int], right: Sequence[int], leaves: int, where: str) -> None:
    """Every split and every leaf is reached from the root, and only once: no cycle, nothing shared."""
    splits, reached = leaves - 1, 0
    seen: set[int] = {0}
    waiting = [0]
    while waiting:
        node = waiting.pop()
        reached += 1
        for child in (left[node], right[node]):
            if child in seen or not -leaves <= child < splits:
                raise TreeTextError(f"left_child or right_child of {where} of the model is {child}: that is no tree.")
            seen.add(child)
            if child >= 0:
                waiting.append(child)
    if reached != splits:
        raise TreeTextError(f"{where} of the model has splits that its root does not reach.")


def _integers(text: str, name: str, where: str) -> list[int]:
    return [_integer(value, name, where) for value in text.split()]


def _integer(text: str, name: str, where: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise TreeTextError(f"{name} in {where.lower()} of the model's trees is {text[:20]!r}, which is no integer.")
    return int(text)


def _number(text: str, name: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise TreeTextError(
            f"{name} in {where.lower()} of the model's trees is {text[:20]!r}, which is no number."
        ) from None
