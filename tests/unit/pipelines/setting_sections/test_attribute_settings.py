"""Declared columns of the accounts: settings, features, unknown values, and what is not read because it has no time."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.worlds.factories import Story

from features.catalogue import attribute_feature, declaration_of, find_feature, select_features
from features.contract import Attribute, declare_attributes
from features.errors import UsageError
from features.frame import build
from features.leakage import find_leaks
from models.data.recoding import Recoding
from models.data.signature import OTHER, Signature, SignatureError
from pipelines import settings as configuration
from pipelines.cli.output.check_output import _missing_column
from pipelines.sources.lost_features import find_missing_columns
from pipelines.sources.source_check import check_source

PLAN = Attribute("plan", "Plan", "category", "", "neither", "plan2", constant=False)
EMPLOYEES = Attribute("employees", "Employees", "number", "people", "good", "employees", constant=True)
FEATURES = [attribute_feature(PLAN), attribute_feature(EMPLOYEES)]
CUTOFF = date(2026, 3, 1)

pytestmark = pytest.mark.usefixtures("own_contract")


@pytest.fixture(autouse=True)
def declared(own_contract: None) -> None:
    declare_attributes([PLAN, EMPLOYEES])


def versions() -> Story:
    told = Story().account("a", plan2="free", employees=10.0).account("b", plan2=None, employees=0.0)
    return told.account("a", plan2="pro", employees=12.0, known_at="2026-02-10").account(
        "a", plan2="team", employees=15.0, known_at="2026-03-20"
    )


def test_the_latest_value_known_before_the_cutoff_counts_and_unknown_is_not_zero() -> None:
    frame = build(versions().history(), [date(2026, 1, 1), CUTOFF, date(2026, 4, 1)], features=FEATURES)
    by_account = {name: frame.filter(pa.compute.equal(frame["account_id"], name)).to_pydict() for name in ("a", "b")}
    assert by_account["a"]["attribute_plan"] == ["free", "pro", "team"]
    assert by_account["a"]["attribute_employees"] == [10.0, 12.0, 15.0]
    assert by_account["b"]["attribute_plan"] == [None] * 3 and by_account["b"]["attribute_employees"] == [0.0] * 3
    assert find_leaks(versions().tables(), FEATURES, [date(2026, 1, 15), CUTOFF]) == []


def test_accounts_without_versions_give_only_what_never_changes(tmp_path: Path) -> None:
    told = Story().account("a", plan2="gone", employees=10.0).ticket("a", "2026-02-01")
    history = told.history()
    frame = build(history, [CUTOFF], features=FEATURES)
    assert frame.select(["attribute_plan", "attribute_employees"]).to_pylist() == [
        {"attribute_plan": None, "attribute_employees": 10.0}
    ]
    assert history.as_of(CUTOFF).rows("accounts").column("plan2").to_pylist() == [None]
    missing = {column.column: column for column in find_missing_columns(history, FEATURES)}
    line = _missing_column(missing["plan2"])
    assert line.startswith("Column accounts.plan2 is not read, so attribute_plan is unknown: accounts has no known_at")
    assert "constant = true" in line
    assert "employees" not in missing


def test_a_source_without_the_column_says_which_feature_is_lost(tmp_path: Path) -> None:
    for name, rows in Story().account("a").ticket("a", "2026-02-01").tables().items():
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    settings = configuration.load(data=str(tmp_path), attributes={"size": {"kind": "number"}})
    report = check_source(settings.data, settings=settings)
    assert ("size", ("attribute_size",)) in [(column.column, column.features) for column in report.missing_columns]


def test_values_are_validated_by_their_kind(tmp_path: Path) -> None:
    rows = "account_id,created_at,Size,plan\na,2024-01-01,12,x\nb,2024-01-01,many,y\n" + "c,2024-01-01,,\n" * 1
    (tmp_path / "accounts.csv").write_text(rows)
    (tmp_path / "tickets.csv").write_text("ticket_id,account_id,opened_at\nt,a,2024-02-01\n")
    own = {"size": {"kind": "number", "constant": True}, "plan": {"kind": "category", "constant": True}}
    report = check_source(str(tmp_path), settings=configuration.load(data=str(tmp_path), attributes=own))
    accounts = report.validation.tables["accounts"]
    assert accounts.accepted == 2
    assert {rule.value: count for rule, count in accounts.quarantined.items()} == {"wrong_type": 1}
    assert accounts.unknown_columns == ()


def test_its_feature_has_words_direction_and_declaration() -> None:
    employees = FEATURES[1]
    assert employees.direction == -1 and not employees.monotone and employees.group == "account"
    assert employees.sentence_of({"attribute_employees": 12.0}, CUTOFF) == "Employees: 12 people"
    frame = build(versions().history(), [CUTOFF], features=FEATURES)
    declaration = declaration_of(frame.schema.field("attribute_plan"))
    assert find_feature("attribute_plan", declaration) == FEATURES[0]
    assert select_features(own=FEATURES)[-2:] == tuple(FEATURES)


def test_rare_values_and_values_that_come_later_are_one_level() -> None:
    history = versions().history()
    schema = build(history, [CUTOFF], features=FEATURES).schema
    plans = ["free"] * 150 + ["pro"] * 148 + ["odd", "rare"]
    columns = {
        "account_id": [f"a{place}" for place in range(300)],
        "as_of": [CUTOFF] * 300,
        "attribute_plan": plans,
        "attribute_employees": [float(place) for place in range(300)],
    }
    frame = pa.table(columns, schema=schema)
    names = ["attribute_plan", "attribute_employees"]
    signature = Signature.learn(frame, names)
    assert signature.columns[0].levels == ("free", "pro", OTHER)
    new = pa.table({**columns, "attribute_plan": ["new", None, "odd", "pro", *plans[4:]]}, schema=schema)
    codes = signature.matrix(new)[:4, 0].tolist()
    assert codes[0] == codes[2] == 2.0 and codes[1] != codes[1] and codes[3] == 1.0
    assert signature.unknown(new).to_pylist()[:2] == [None, ["attribute_plan"]]
    wide = Signature.learn(frame, names, most_levels=None)
    recoding = Recoding.learn(wide, wide.matrix(frame), pa.array(range(300)).to_numpy())
    assert recoding.signature.columns[0].levels == ("free", "pro", OTHER)
    assert recoding.apply(wide.matrix(frame)).tolist() == signature.matrix(frame).tolist()


def test_a_model_says_which_declaration_is_missing() -> None:
    frame = build(versions().history(), [date(2026, 1, 1), CUTOFF], features=FEATURES)
    signature = Signature.learn(frame, ["attribute_plan", "attribute_employees"])
    with pytest.raises(SignatureError, match=r"add \[attributes\.employees\], \[attributes\.plan\] to the settings"):
        signature.matrix(frame.select(["account_id", "as_of"]))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"plan": {}}, r"attributes\.plan\.kind is missing"),
        ({"plan": {"kind": "text"}}, "attributes.plan.kind cannot be 'text'; "),
        ({"plan": {"kind": "category", "higher": "good"}}, "a category has no higher; only a number has one"),
        ({"plan": {"kind": "number", "higher": "up"}}, "attributes.plan.higher cannot be 'up'; .*bad, good, neither"),
        ({"plan": {"kind": "number", "direction": 1}}, r"no setting attributes\.plan\.direction; "),
        ({"segment": {"kind": "category"}}, "cannot be the column segment: the contract has it"),
        ({"a": {"kind": "number", "column": "x"}, "x": {"kind": "number"}}, "attributes a and x are both the column x"),
        ({"plan": {"kind": "category", "column": "Plan Tier"}}, r"plan\.column has to be lower-case"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        configuration.load(attributes=settings)
