"""Whether a learner keeps its protocol: it is fitted on a few hundred drawn rows, saved, read and fitted again.

A training takes minutes, and a learner that returns too few values, or that cannot be read again, would waste them, or
score with another order than it was judged by.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from features.errors import RescueError
from models.data.arrays import Matrix
from models.data.examples import Examples, examples, labelled_rows
from models.data.signature import Signature
from models.learners.estimator import Estimator, Scorer
from models.learners.learner import Learner
from models.learners.model_files import ALLOWED_NAME
from models.risks.learner_names import AUTOMATIC, EXTRAS, SHIPPED
from pipelines.extensions.bounded import run_within
from pipelines.extensions.rules import NAME, ExtensionError, ExtensionRule

ROWS, TESTED = 400, 60
DRAWN_FROM = date(2025, 1, 1)
LONGEST_FIT = 60.0
"""Seconds that two fits on the drawn rows may take."""


def check_learner(file: str, estimator: Estimator, taken: Collection[str] = ()) -> None:
    """Fit a learner on drawn rows and check everything that the protocol asks of it; names ``taken`` are others'.

    Raises:
        ExtensionError: the sentence says what it returned instead.
    """
    if not isinstance(estimator.name, str) or not NAME.fullmatch(estimator.name):
        wrong = f"a learner cannot be named {estimator.name!r}: lower-case letters, digits and _."
        raise ExtensionError(file, ExtensionRule.NAME, wrong)
    if estimator.name in (AUTOMATIC, *SHIPPED, *EXTRAS, *taken):
        wrong = f"there is a learner {estimator.name} already: choose another name."
        raise ExtensionError(file, ExtensionRule.NAME, wrong)
    problem = _first_problem(estimator)
    if problem:
        raise ExtensionError(file, ExtensionRule.LEARNER, f"the learner {estimator.name}: {problem}.")


def _first_problem(estimator: Estimator) -> str | None:
    try:
        return run_within(LONGEST_FIT, lambda: next(_problems(estimator), None))
    except TimeoutError:
        return f"fitting {ROWS} rows twice takes longer than {LONGEST_FIT:.0f} seconds"
    except (Exception, SystemExit) as error:  # it is not ours
        text = " ".join(str(error).split()).rstrip(".")
        return text if isinstance(error, RescueError) else f"it failed with {type(error).__name__}: {text}"


def _problems(estimator: Estimator) -> Iterator[str]:
    training, learner = drawn_examples()
    tested = training.matrix[:TESTED]
    scorer = estimator.fit(training, learner)
    if scorer.kind != estimator.name:
        yield f"the kind of its scorer is {scorer.kind!r}; it has to be its name"
    yield from _wrong_values(scorer, tested)
    margin = np.asarray(scorer.margin(tested), dtype=np.float64)
    if not np.allclose(np.concatenate([scorer.margin(tested[:7]), scorer.margin(tested[7:])]), margin, atol=1e-9):
        yield "the log-odds of a row depend on the rows beside it"
    yield from _wrong_files(scorer)
    contents = {name: text.encode() for name, text in scorer.files().items()}
    if not np.allclose(estimator.read(contents).margin(tested), margin, atol=1e-9):
        yield "the scorer that is read from its files gives other log-odds"
    if not np.allclose(estimator.fit(training, learner).margin(tested), margin, atol=1e-9):
        yield "a second fit with the same rows and seed gives other log-odds"


def _wrong_values(scorer: Scorer, tested: Matrix) -> Iterator[str]:
    for rows in (tested, tested[:0]):
        margin = np.asarray(scorer.margin(rows), dtype=np.float64)
        if margin.shape != (len(rows),):
            yield f"margin gives an array of shape {margin.shape} for {len(rows)} rows; it has to give one number each"
        if not np.isfinite(margin).all():
            yield f"margin gives NaN or infinity for {int((~np.isfinite(margin)).sum())} of {len(rows)} rows"
        shares = np.asarray(scorer.contributions(rows), dtype=np.float64)
        expected = (len(rows), rows.shape[1] + 1)
        if shares.shape != expected:
            yield f"contributions gives an array of shape {shares.shape}; rows × (columns + 1) are {expected}"
        if not np.allclose(shares.sum(axis=1), margin, atol=1e-4):
            yield "contributions do not sum to the log-odds of margin"


def _wrong_files(scorer: Scorer) -> Iterator[str]:
    files: Mapping[str, object] = scorer.files()
    if not files:
        yield "files gives no file"
    for name, text in files.items():
        if not ALLOWED_NAME.fullmatch(name):
            yield f"a file of a model cannot be named {name!r}: small letters, digits, _ and -, ending in .json or .txt"
        if not isinstance(text, str):
            yield f"the file {name} is {type(text).__name__}; a model consists of text"


def drawn_examples() -> tuple[Examples, Learner]:
    """Rows of numbers, missing values and a category, with an outcome that they show a part of."""
    draw = np.random.default_rng(11)
    risky, partly = draw.normal(size=ROWS), draw.normal(size=ROWS)
    plan = draw.choice(["free", "pro", "team"], ROWS)
    happened = draw.random(ROWS) < 1 / (1 + np.exp(1.0 - 1.5 * risky - (plan == "free")))
    keys = {
        "account_id": [f"A{place % 100:03}" for place in range(ROWS)],
        "as_of": pa.array([DRAWN_FROM + timedelta(days=7 * (place // 100)) for place in range(ROWS)], pa.date32()),
    }
    known = np.where(draw.random(ROWS) < 0.2, np.nan, partly)
    columns = {"risky": risky, "partly": pa.array(known, from_pandas=True), "plan": plan}
    outcome = {
        "event": happened,
        "event_at": pa.array([DRAWN_FROM if there else None for there in happened]).cast(pa.timestamp("us")),
        "treated": np.zeros(ROWS, dtype=bool),
        "holdout": np.zeros(ROWS, dtype=bool),
    }
    frame = pa.table(keys | columns)
    labelled = labelled_rows(frame, pa.table(keys | outcome))
    signature = Signature.learn(frame, list(columns))
    rows = examples(frame, labelled, signature, draw.uniform(0.5, 2.0, ROWS))
    return rows, Learner(signature, directions=(1, 0, 0), expected=(1, 0, 0), threads=1)
