"""The page of the data contract names every table, column, word and rule."""

import csv

from features.contract import TABLES
from features.contract.vocabularies import VOCABULARIES
from features.validation.rules import Rule
from pipelines.reference.contract_reference import render_contract

PAGE = render_contract()


def test_every_table_column_word_and_rule_is_described() -> None:
    for table in TABLES.values():
        section = PAGE.split(f"\n## `{table.name}`\n")[1].split("\n## ")[0]
        assert all(f"| `{column.name}` |" in section for column in table.columns)
    assert all(f"`{word}`" in PAGE for vocabulary in VOCABULARIES for word in vocabulary.words)
    assert all(f"| `{rule}` | {rule.sentence} |" in PAGE for rule in Rule)


def test_every_table_has_an_example_row_with_its_required_columns() -> None:
    for name, table in TABLES.items():
        example = PAGE.split(f"\n## `{name}`\n")[1].split("```csv\n")[1].split("```")[0]
        (row,) = csv.DictReader(example.splitlines())
        assert all(row[column] for column in table.required)
