"""What a model may be fed: its columns by name, type and order, checked before a single score is made.

LightGBM takes columns in any order, and infinities, without an error; the score is then about something else. So every
frame is checked against the signature that was learned from the training rows, and refused with the names of what is
wrong. A value may be missing tonight: where training saw that too, the model has learnt what it means. Where training
never did, trees would read it as a zero, so the row gets the median of the training rows there: the account is scored
as one of whose value nothing is known (:meth:`Signature.unknown`), and does not disappear.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.catalogue import ExtensionFile, computes_the_same, declaration_of, extension_of, find_feature
from features.errors import RescueError, nearest_name
from models.data.arrays import Matrix

NUMBER, CATEGORY = "double", "string"
MAX_LEVELS = 64
OTHER = "other values"
RARE = 0.01
"""Of a company's own category, values that fewer than this share of the training rows have are one level, `OTHER`."""
LARGEST = float(np.finfo(np.float32).max)
TOGETHER, ROWS = 16, 4096  # columns and rows of a matrix that are written together: a cache line wide

Places = NDArray[np.int64]


class SignatureError(RescueError):
    """The frame is not what the model was trained on; nothing was scored."""


class DeclarationError(SignatureError):
    """The model has inputs that the settings do not declare, or declare otherwise; nothing was scored."""


@dataclass(frozen=True)
class InputColumn:
    """One input: its name, its Arrow type, whether training saw it missing, and a category's levels (code = place).

    ``neutral`` takes the place of a missing number where training saw none: the median of the training rows. Models of
    earlier versions have none; their missing numbers stay missing.
    ``declaration`` is that of a company's own feature (see `features.catalogue`), empty for one of the catalogue.
    ``grouped`` says that its last level is `OTHER`: the values that were rare in training, and those it never saw.
    """

    name: str
    type: str
    nullable: bool
    levels: tuple[str, ...] = ()
    declaration: str = ""
    neutral: float | None = None
    grouped: bool = False


@dataclass(frozen=True)
class Signature:
    """The inputs of a model in their order."""

    columns: tuple[InputColumn, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def categories(self) -> tuple[int, ...]:
        """The places of the categorical columns."""
        return tuple(place for place, column in enumerate(self.columns) if column.type == CATEGORY)

    @classmethod
    def learn(
        cls,
        frame: pa.Table,
        names: Sequence[str],
        rows: Places | None = None,
        *,
        most_levels: int | None = MAX_LEVELS,
    ) -> "Signature":
        """The signature of these columns of the training rows; a column that is constant or all null is left out.

        ``rows`` are the training rows' places in the frame (default: all of it). Of a category's levels the
        ``most_levels`` most frequent are known (None: all of them).
        """
        declarations = {name: declaration_of(frame.schema.field(name)) for name in names}
        described = (_describe(name, _column(frame, name, rows), most_levels, declarations[name]) for name in names)
        return cls(tuple(column for column in described if column is not None))

    def matrix(self, frame: pa.Table, rows: Places | None = None) -> Matrix:
        """The checked inputs as a matrix, rows × columns: NaN = missing or a level never seen, categories as codes.

        A missing number that training never saw missing has the neutral value of its column.
        ``rows`` are the places of the frame's rows that are wanted, in order (default: all of them).

        Raises:
            SignatureError: columns missing, renamed, retyped or reordered; infinite values.
        """
        self._refuse_other_columns(frame)
        matrix = np.empty((frame.num_rows if rows is None else len(rows), len(self.columns)), dtype=np.float32)
        bad: dict[str, int] = {}
        for first in range(0, len(self.columns), TOGETHER):
            encoded = []
            for column in self.columns[first : first + TOGETHER]:
                values = _column(frame, column.name, rows)
                encoded.append(_neutralized(column, _values(column, values)))
                bad[column.name] = int(np.isinf(encoded[-1]).sum())
            _write(encoded, matrix[:, first : first + TOGETHER])
        _refuse_values(bad)
        return matrix

    def unfit(self, frame: pa.Table) -> pa.Array:
        """For each row, the columns with an infinite value, or null where it can be scored."""
        return self._marked(frame, _infinite)

    def unknown(self, frame: pa.Table) -> pa.Array:
        """For each row, the columns of whose value nothing is known to the model, or null where there are none.

        These are values that are missing where training never saw one missing, and categories that it never saw.
        """
        return self._marked(frame, _never_seen)

    def _marked(self, frame: pa.Table, marks: Callable[[InputColumn, pa.ChunkedArray], Places]) -> pa.Array:
        """For each row, the names of the columns whose value there is marked, or null where none is."""
        self._refuse_other_columns(frame)
        empty = np.empty(0, dtype=np.int64)
        rows, places = [empty], [empty]
        for place, column in enumerate(self.columns):
            rows.append(marks(column, frame.column(column.name)))
            places.append(np.full(len(rows[-1]), place))
        names = pa.array(self.names, pa.string()).take(pa.array(np.concatenate(places)))
        return names_by_row(names, np.concatenate(rows), frame.num_rows)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain data, for the model's own file."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, data: Iterable[Mapping[str, Any]]) -> "Signature":
        """What :meth:`to_json` wrote."""
        return cls(tuple(InputColumn(**{**column, "levels": tuple(column["levels"])}) for column in data))

    @property
    def extensions(self) -> dict[ExtensionFile, tuple[str, ...]]:
        """The files of extensions that inputs come from, each with these inputs."""
        files: dict[ExtensionFile, tuple[str, ...]] = {}
        for column in self.columns:
            if file := extension_of(column.declaration):
                files[file] = (*files.get(file, ()), column.name)
        return files

    def without_values(self, frame: pa.Table) -> pa.Table:
        """The frame with a column without values for each input of an extension that it lacks, in the model's order."""
        for column in self.columns:
            if column.name not in frame.column_names and extension_of(column.declaration):
                before = [name for name in self.names[: self.names.index(column.name)] if name in frame.column_names]
                place = frame.column_names.index(before[-1]) + 1 if before else frame.num_columns
                kind = pa.string() if column.type == CATEGORY else pa.float64()
                frame = frame.add_column(place, column.name, pa.nulls(frame.num_rows, kind))
        return frame

    def _refuse_undeclared(self, missing: Sequence[str]) -> None:
        """Say what is missing in the settings where the frame lacks a company's own features."""
        features = [find_feature(column.name, column.declaration) for column in self.columns if column.name in missing]
        own = [feature for feature in features if feature]
        sections = sorted(
            {f"[metrics.{feature.metric.key}]" for feature in own if feature.metric}
            | {f"[attributes.{feature.attribute.key}]" for feature in own if feature.attribute}
        )
        if sections:
            raise DeclarationError(
                f"The model was trained with numbers or columns that the settings do not declare: add "
                f"{', '.join(sections)} to the settings, or train a new model."
            )
        files = sorted({feature.extension.name for feature in own if feature.extension})
        if files:
            names = ", ".join(feature.name for feature in own if feature.extension)
            raise DeclarationError(
                f"The model was trained with {names} of {', '.join(files)}, which is not in use: put the extension "
                "back, or train a new model."
            )

    def _refuse_changed(self, frame: pa.Table) -> None:
        """Say which features of extensions are computed otherwise than when the model was trained."""
        schema = frame.schema
        changed = [
            find_feature(column.name, column.declaration)
            for column in self.columns
            if not computes_the_same(column.declaration, declaration_of(schema.field(column.name)))
        ]
        if changed:
            names = ", ".join(feature.name for feature in changed if feature)
            files = ", ".join(sorted({feature.extension.name for feature in changed if feature and feature.extension}))
            raise DeclarationError(
                f"The definition of {names} in {files} has changed since the model was trained: put the file back as "
                "it was, or train a new model."
            )

    def _refuse_other_columns(self, frame: pa.Table) -> None:
        given, known = set(frame.column_names), set(self.names)
        missing = [name for name in self.names if name not in given]
        if missing:
            self._refuse_undeclared(missing)
            raise SignatureError(f"The frame lacks columns of the model: {_with_neighbours(missing, frame)}.")
        self._refuse_changed(frame)
        schema = frame.schema  # a property that builds the schema anew
        types = dict(zip(schema.names, map(str, schema.types), strict=True))
        wrong = [c for c in self.columns if types[c.name] != c.type]
        if wrong:
            differing = ", ".join(f"{c.name} is {types[c.name]}, not {c.type}" for c in wrong)
            raise SignatureError(f"Columns have another type than the model was trained on: {differing}.")
        order = [name for name in frame.column_names if name in known]
        moved = [name for name, expected in zip(order, self.names, strict=True) if name != expected]
        if moved:
            raise SignatureError(f"Columns are in another order than the model was trained on: {', '.join(moved)}.")


def names_by_row(names: pa.Array, rows: Places, count: int) -> pa.Array:
    """A list of names for each of ``count`` rows, null where it is empty; ``rows`` holds the row of each name."""
    if not len(rows):
        return pa.nulls(count, pa.list_(pa.string()))
    of_row = np.bincount(rows, minlength=count)
    ends = np.concatenate([[0], np.cumsum(of_row)]).astype(np.int32)
    in_order = names.take(pa.array(np.argsort(rows, kind="stable")))
    return pa.ListArray.from_arrays(pa.array(ends), in_order, mask=pa.array(of_row == 0))


def _write(columns: Sequence[NDArray[Any]], matrix: Matrix) -> None:
    """Put columns side by side, some rows at a time: what is written together stays in the processor's cache."""
    for start in range(0, len(matrix), ROWS):
        rows = slice(start, start + ROWS)
        for place, values in enumerate(columns):
            matrix[rows, place] = values[rows]


def _refuse_values(counts: Mapping[str, int]) -> None:
    bad = [f"{name} ({count} rows)" for name, count in counts.items() if count]
    if bad:
        raise SignatureError(f"Columns hold infinite values: {', '.join(bad)}.")


def _column(frame: pa.Table, name: str, rows: Places | None) -> pa.ChunkedArray:
    return frame.column(name) if rows is None else frame.column(name).take(pa.array(rows))


def _describe(name: str, values: pa.ChunkedArray, most_levels: int | None, declaration: str) -> InputColumn | None:
    if str(values.type) == CATEGORY:
        counts = sorted(pc.value_counts(values.drop_null()).to_pylist(), key=lambda it: (-it["counts"], it["values"]))
        levels = tuple(sorted(item["values"] for item in counts[:most_levels]))
        column = InputColumn(name, CATEGORY, values.null_count > 0, levels, declaration)
        if most_levels is not None and declaration:
            least = RARE * len(values)
            column = group_rare(column, [item["values"] for item in counts[:most_levels] if item["counts"] >= least])
        return column if len(column.levels) > 1 else None
    numbers = values.to_numpy()
    if np.isinf(numbers).any():
        raise SignatureError(f"Column {name} of the training rows holds infinite values.")
    known = numbers[~np.isnan(numbers)]
    if not known.size or (known.size == numbers.size and known.min() == known.max()):
        return None
    nullable = known.size < numbers.size
    neutral = None if nullable else float(np.median(known))
    return InputColumn(name, NUMBER, nullable, declaration=declaration, neutral=neutral)


def group_rare(column: InputColumn, frequent: Collection[str]) -> InputColumn:
    """A category with its frequent levels, and one more for all others and for values that it never saw."""
    return replace(column, levels=(*sorted(frequent), OTHER), grouped=True)


def _values(column: InputColumn, values: pa.ChunkedArray) -> NDArray[Any]:
    if column.type == CATEGORY:
        codes = pc.index_in(values, value_set=pa.array(column.levels, pa.string()))
        if column.grouped:
            codes = pc.if_else(values.is_valid(), pc.fill_null(codes, len(column.levels) - 1), None)
        return np.asarray(pc.cast(codes, pa.float32()).to_numpy())
    with np.errstate(over="ignore"):  # a number too large for a float becomes infinite, and is refused as such
        return np.asarray(values.to_numpy().astype(np.float32))


def _neutralized(column: InputColumn, encoded: NDArray[Any]) -> NDArray[Any]:
    """The values with the neutral one in place of those that are missing, where training saw none missing."""
    if column.neutral is None or column.nullable:
        return encoded
    missing = np.isnan(encoded)
    return np.where(missing, np.float32(column.neutral), encoded) if missing.any() else encoded


def _infinite(column: InputColumn, values: pa.ChunkedArray) -> Places:
    """The rows of the values that are infinite as a float; a look at the extremes says of most columns: none."""
    if column.type == CATEGORY:
        return np.empty(0, dtype=np.int64)
    extremes = pc.min_max(values)
    low, high = extremes["min"].as_py(), extremes["max"].as_py()
    if low is None or (low >= -LARGEST and high <= LARGEST):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.isinf(_values(column, values)))


def _never_seen(column: InputColumn, values: pa.ChunkedArray) -> Places:
    """The rows of values of which training had no example. Of many levels, only the most frequent are known."""
    if column.type != CATEGORY:
        return np.flatnonzero(np.isnan(values.to_numpy())) if not column.nullable else np.empty(0, dtype=np.int64)
    missing = np.asarray(values.is_null().to_numpy())
    new_level = np.isnan(_values(column, values)) & ~missing & (len(column.levels) < MAX_LEVELS)
    return np.flatnonzero(new_level | (missing & (not column.nullable)))


def _with_neighbours(missing: list[str], frame: pa.Table) -> str:
    near = {name: nearest_name(name, frame.column_names) for name in missing}
    return ", ".join(f"{name} (is {near[name]} its new name?)" if near[name] else name for name in missing)
