"""A test's own tables, features and learners: what a process learns from extensions is forgotten after the test."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from features import catalogue, contract
from models.learners import estimators
from models.risks import learner_names
from pipelines.extensions import load_extensions

STATES = (
    contract._TABLES,
    catalogue._OWN,
    estimators._estimators,
    estimators._files,
    learner_names._added,
    load_extensions._declared_tables,
)


@contextmanager
def restored_contract() -> Iterator[None]:
    """Contract, catalogue and learners as they were before, once the block is over."""
    saved = [state.copy() for state in STATES]
    load_extensions._load.cache_clear()
    try:
        yield
    finally:
        for state, before in zip(STATES, saved, strict=True):
            state.clear()
            state.update(before)  # type: ignore[arg-type]
        load_extensions._load.cache_clear()


@pytest.fixture
def own_contract() -> Iterator[None]:
    """The same for one test."""
    with restored_contract():
        yield
