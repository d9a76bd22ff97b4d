"""Hand-drawn contracts: the succession says what is written beside them, and the docs page shows the same ones."""

from pathlib import Path

import pytest
from support.labels.contract_timelines import ContractTimeline, contracts_page
from support.labels.drawn_contracts import CONTRACTS


@pytest.mark.parametrize("timeline", CONTRACTS, ids=lambda timeline: timeline.title)
def test_the_succession_of_drawn_contracts(timeline: ContractTimeline) -> None:
    assert timeline.answer() == timeline.says


def test_the_page_of_the_docs_shows_these_contracts(root: Path) -> None:
    assert (root / "docs" / "contracts.md").read_text() == contracts_page(CONTRACTS)
