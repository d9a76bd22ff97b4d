"""docs/nightly-json.md describes exactly the keys of the report."""

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from serving.night_report import queue_case
from serving.night_report import report_schema as schema
from serving.night_report.effect_report import EffectReport

ROW = re.compile(r"^\| `(\w+)` \|(.*)\|$", re.MULTILINE)


@pytest.fixture(scope="module")
def tables(root: Path) -> list[dict[str, str]]:
    """The tables of the page in order: for each the text by key."""
    page = (root / "docs" / "nightly-json.md").read_text(encoding="utf-8")
    return [dict(ROW.findall(part)) for part in page.split("|---|")[1:]]


PARTS: list[type[BaseModel]] = [
    schema.NightReport,
    schema.TableRows,
    schema.FeedReport,
    schema.RiskReport,
    schema.NotScored,
    schema.DecisionReport,
    schema.CaseChanges,
    queue_case.QueueCase,
    schema.RealisedOutcomes,
    EffectReport,
]


def test_the_page_has_one_table_for_each_part(tables: list[dict[str, str]]) -> None:
    assert [set(table) for table in tables if table][:-1] == [set(part.model_fields) for part in PARTS]


def test_the_page_names_every_warning_with_its_parameters(tables: list[dict[str, str]]) -> None:
    documented = {code: set(re.findall(r"`(\w+)`", text)) for code, text in tables[-1].items()}
    union, _ = get_args(schema.NightWarning)
    assert documented == {
        warning.model_fields["code"].default: set(warning.model_fields) - {"code"} for warning in get_args(union)
    }


def test_the_page_names_every_reason(tables: list[dict[str, str]]) -> None:
    (text,) = [table["code"] for table in tables if "features" in table]
    assert set(re.findall(r"`(\w+)`", text)) == set(get_args(schema.NotScoredCode))
