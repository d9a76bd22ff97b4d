"""A connection of DuckDB's shape whose tables and queries are on a Spark cluster.

Validation, the history and everything above read rows by SQL. So that there is one set of rules and of definitions, the
same statements run on a cluster: each is translated by its syntax tree, the names of its tables are those of temporary
views, and a table that is created here is computed and kept by the cluster. Only what a query returns comes back.

An executor that is lost takes rows with it that Spark computes again from the source; where it cannot, or where the
cluster is gone, :class:`features.errors.RescueError` says so in one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from threading import RLock
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp, parse_one

from features.engine.spark.spark_dialect import with_parameters, write_spark
from features.engine.spark.spark_errors import explain_cluster_errors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

INFORMATION_SCHEMA = "information_schema"
"""The schema in which statements ask for the relations that there are."""

_views = count(1)


@dataclass
class Relations:
    """The relations of one history on the cluster, by the names that statements use, and the views that they are.

    ``created`` are all views, ``kept`` the rows that the cluster holds. They are freed together
    (:meth:`SparkConnection.close`): a relation that was replaced may be part of others. ``empty`` are the relations
    that were created without rows and have none yet: Spark leaves them out of a query's plan, and no job is started.
    """

    rows: dict[str, DataFrame] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    created: list[str] = field(default_factory=list)
    kept: list[tuple[str, DataFrame]] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)


class SparkConnection:
    """The part of a DuckDB connection that validation and histories use, on a Spark session."""

    def __init__(self, session: SparkSession, master: str = "", relations: Relations | None = None) -> None:
        self.session, self.master = session, master
        self.relations = relations or Relations()
        self._answer: DataFrame | None = None

    def cursor(self) -> SparkConnection:
        """Another place for answers, with the same relations."""
        return SparkConnection(self.session, self.master, self.relations)

    def sql(self, query: str, params: Sequence[object] | None = None) -> SparkConnection:
        """A query whose answer is read with one of the methods of this connection."""
        return self.cursor().execute(query, params or ())

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> SparkConnection:
        """Run one statement in the embedded engine's SQL."""
        tree = with_parameters(parse_one(statement, read="duckdb"), parameters)
        with explain_cluster_errors(self.master):
            self._answer = self._run(tree)
        return self

    def with_answer(self, rows: DataFrame) -> SparkConnection:
        """Another place for answers, whose answer are these rows of the cluster."""
        other = self.cursor()
        other._answer = rows
        return other

    def executemany(self, statement: str, rows: Sequence[Sequence[object]]) -> SparkConnection:
        """Insert some rows of values into a table."""
        name = _table_name(parse_one(statement, read="duckdb"))
        with explain_cluster_errors(self.master):
            new = self.session.createDataFrame([tuple(row) for row in rows], self.relations.rows[name].schema)
            self.set_rows(name, self._appended(name, new), keep=True)
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows of the answer."""
        columns = [column.to_pylist() for column in self.to_arrow_table().columns]
        return list(zip(*columns, strict=True))

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row of the answer."""
        return next(iter(self.fetchall()), None)

    def to_arrow_table(self, batch_size: int = 0) -> pa.Table:
        """The answer, in the memory of this process; its instants are UTC without a zone, as in the embedded engine."""
        if self._answer is None:
            return pa.table({})
        with explain_cluster_errors(self.master):
            answer: pa.Table = self._answer.toArrow()
        fields = [it.with_type(pa.timestamp("us")) if pa.types.is_timestamp(it.type) else it for it in answer.schema]
        return answer.cast(pa.schema(fields))

    def batches(self, size: int = 10_000) -> Iterator[pa.RecordBatch]:
        """The answer, so many rows at a time: it need not fit into the memory of this process."""
        if self._answer is None:
            return
        with explain_cluster_errors(self.master):
            schema = self._answer.limit(0).toArrow().schema
            rows = self._answer.toLocalIterator()
            while chunk := list(islice(rows, size)):
                yield pa.RecordBatch.from_pylist([row.asDict() for row in chunk], schema)

    def register(self, name: str, rows: pa.Table) -> None:
        """Send a small table to the cluster."""
        with explain_cluster_errors(self.master):
            self.set_rows(name, self.session.createDataFrame(rows))

    def unregister(self, name: str) -> None:
        """Forget a relation."""
        self._drop(name)

    def set_rows(self, name: str, rows: DataFrame, *, keep: bool = False) -> None:
        """Give rows of the cluster a name; those to ``keep`` are computed once."""
        with self.relations.lock:
            self.relations.empty.discard(name)
            if keep:
                rows = self._kept(name, rows)
            self.relations.rows[name], self.relations.views[name] = rows, self._view(name, rows)

    def _view(self, name: str, rows: DataFrame, *, keep: bool = False) -> str:
        """The name of a new view of these rows."""
        view = f"rescue_{next(_views)}_{name}"
        (self._kept(view, rows) if keep else rows).createOrReplaceTempView(view)
        self.relations.created.append(view)
        return view

    def _kept(self, name: str, rows: DataFrame) -> DataFrame:
        self.relations.kept.append((name, rows.persist()))
        return with_short_plan(rows)

    def release(self, *names: str) -> None:
        """Free what the cluster keeps of relations that no other is made of, and forget them."""
        with self.relations.lock:
            for name, rows in self.relations.kept:
                if name in names:
                    rows.unpersist()
            self.relations.kept = [(name, rows) for name, rows in self.relations.kept if name not in names]
            for name in names:
                self._drop(name)

    def rows_of(self, name: str) -> DataFrame:
        """The rows of a relation, on the cluster."""
        return self.relations.rows[name]

    def query_rows(self, query: str) -> DataFrame:
        """The answer of a query in the embedded engine's SQL, on the cluster."""
        with explain_cluster_errors(self.master):
            return self._select(parse_one(query, read="duckdb"))

    def close(self) -> None:
        """Free what the cluster keeps for these relations."""
        relations = self.relations
        with relations.lock:
            relations.rows.clear()
            relations.views.clear()
            relations.empty.clear()
            while relations.created:
                self.session.catalog.dropTempView(relations.created.pop())
            while relations.kept:
                relations.kept.pop()[1].unpersist()

    def _drop(self, name: str) -> None:
        self.relations.rows.pop(name, None)
        self.relations.views.pop(name, None)

    def _run(self, tree: exp.Expr) -> DataFrame | None:
        match tree:
            case exp.Create():
                self._create(tree)
            case exp.Insert():
                name = tree.this.name
                self.set_rows(name, self._appended(name, self._select(tree.expression)), keep=True)
            case exp.Update():
                self._update(tree)
            case exp.Drop():
                self._drop(_table_name(tree))
            case exp.Alter():
                self.set_rows(tree.args["actions"][0].this.name, self.relations.rows[tree.this.name])
                self._drop(tree.this.name)
            case exp.Set() | exp.Command():
                return None
            case _ if any(table.db == INFORMATION_SCHEMA for table in tree.find_all(exp.Table)):
                return self._select(self._with_catalog(tree))
            case _:
                return self._select(tree)
        return None

    def _with_catalog(self, tree: exp.Expr) -> exp.Expr:
        """A question about which relations there are, with the answer as one more relation; each is a view."""
        rows = [(name, "VIEW", "main") for name in self.relations.rows]
        columns = "table_name string, table_type string, table_schema string"
        self.set_rows(INFORMATION_SCHEMA, self.session.createDataFrame(rows, columns))
        for table in [table for table in tree.find_all(exp.Table) if table.db == INFORMATION_SCHEMA]:
            table.replace(exp.to_table(INFORMATION_SCHEMA))
        return tree

    def _create(self, tree: exp.Create) -> None:
        query, kept = tree.expression, tree.kind == "TABLE"
        name = tree.this.this.name if isinstance(tree.this, exp.Schema) else tree.this.name
        if tree.args.get("exists") and name in self.relations.rows:
            return
        if query is not None:
            self.set_rows(name, self._select(query), keep=kept)
            return
        columns = [exp.alias_(exp.cast(exp.null(), it.kind), it.name, quoted=True) for it in tree.this.expressions]
        self.set_rows(name, self._select(exp.select(*columns).where(exp.false())))
        self.relations.empty.add(name)

    def _appended(self, name: str, rows: DataFrame) -> DataFrame:
        present = self.relations.rows[name]
        named = rows.toDF(*(f"c{place}" for place in range(len(present.columns))))
        typed = named.select(
            *(
                named[f"c{place}"].cast(column.dataType).alias(column.name)
                for place, column in enumerate(present.schema.fields)
            )
        )
        return typed if name in self.relations.empty else present.unionAll(typed)

    def _update(self, tree: exp.Update) -> None:
        """Each column, or what the statement sets it to in the rows that meet its condition."""
        name, where = tree.this.name, tree.args["where"].this
        if name in self.relations.empty:
            return
        new = {part.this.name: part.expression for part in tree.expressions}
        columns = []
        for name_of in self.relations.rows[name].columns:
            column: exp.Expr = exp.column(name_of, quoted=True)
            if name_of in new:
                chosen = exp.Case().when(where.copy(), new[name_of]).else_(column)
                column = exp.alias_(chosen, name_of, quoted=True)
            columns.append(column)
        self.set_rows(name, self._select(exp.select(*columns).from_(exp.to_table(name))), keep=True)

    def _select(self, tree: exp.Expr) -> DataFrame:
        with self.relations.lock:
            own = tree.copy()
            parts = self._parts(own)
            return self.session.sql(write_spark(self._renamed(self._expanded(own), parts)))

    def _parts(self, tree: exp.Expr) -> dict[str, str]:
        """The views of the parts of a query (its WITH), by their names; what it reads twice is computed once.

        Spark puts each part into the plan wherever it is read, and plans of parts of parts take it minutes to analyse.
        """
        views: dict[str, str] = {}
        named = tree.args.get("with_")
        if named is None:
            return views
        tree.set("with_", None)
        queries = [(part.alias, part.this) for part in named.expressions]
        for place, (name, query) in enumerate(queries):
            readers = [tree, *(later for _, later in queries[place + 1 :])]
            reads = sum(table.name == name for reader in readers for table in reader.find_all(exp.Table))
            inner = self._parts(query)
            rows = self.session.sql(write_spark(self._renamed(self._expanded(query), {**views, **inner})))
            views[name] = self._view(name, rows, keep=reads > 1)
        return views

    def _expanded(self, tree: exp.Expr) -> exp.Expr:
        """Spark has no ``* REPLACE``: the columns of the one relation by name."""
        for star in [star for star in tree.find_all(exp.Star) if star.args.get("replace")]:
            new = {part.alias: part for part in star.args["replace"]}
            select = star.find_ancestor(exp.Select)
            table = select.find(exp.Table) if select else None
            names = self.relations.rows[table.name].columns if table else []
            columns = [new.get(name) or exp.column(name, quoted=True) for name in names]
            if select is not None:
                select.set("expressions", columns)
        return tree

    def _renamed(self, tree: exp.Expr, parts: Mapping[str, str]) -> exp.Expr:
        """The tree with the names of the views in place of its tables' names; ``parts`` are views of this query."""
        inner = {cte.alias for cte in tree.find_all(exp.CTE)}
        views = {**self.relations.views, **parts}
        for table in list(tree.find_all(exp.Table)):
            name = table.name
            if name in inner or name not in views or table.db:
                continue
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(name)))
            table.set("this", exp.to_identifier(views[name]))
        return tree


def with_short_plan(rows: DataFrame) -> DataFrame:
    """The same rows, of which a query's plan does not repeat how they were made.

    A night's relations are made of each other, and Spark would analyse all of it again for every query. Lost rows are
    still computed again: unlike after a checkpoint, the way to them is known to the executors' plan. Spark Connect
    gives no access to it, and its queries are planned as a whole.
    """
    frame = getattr(rows, "_jdf", None)
    if frame is None:
        return rows
    from pyspark.sql.classic.dataframe import DataFrame as Frame

    jvm = rows.sparkSession._jvm.org.apache.spark.sql
    made = getattr(jvm.execution, "LogicalRDD$").__getattr__("MODULE$")
    plan = made.fromDataset(frame.queryExecution().toRdd(), frame, False, False)
    datasets = getattr(jvm.classic, "Dataset$").__getattr__("MODULE$")
    return Frame(datasets.ofRows(frame.sparkSession(), plan), rows.sparkSession)


def _table_name(tree: exp.Expr) -> str:
    table = tree.find(exp.Table)
    return table.name if table else ""
