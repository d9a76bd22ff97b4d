"""Every way in which an extension can be wrong: one sentence that names its file and the rule, and exit code 2."""

# ruff: noqa: E501 - each way to be wrong is one line of a table

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.documented_extensions import write_examples
from typer.testing import CliRunner

from features.catalogue import own_features as known_features
from features.contract import TABLES
from features.errors import UsageError
from models.risks.configuration import configured
from pipelines import settings as configuration
from pipelines.cli.app import app
from pipelines.extensions import bounded, read_files
from pipelines.extensions.load_extensions import load_extensions, own_features
from pipelines.extensions.rules import ExtensionError, ExtensionRule
from pipelines.settings import Settings
from pipelines.sources.mappings.mapping_settings import merged_risk_settings
from serving.policy.definition.columns import condition_columns

HEAD = "from pipelines.extensions import *\n"
FEATURE = 'Feature("mine", OPENED.count(28), "my tickets", "tickets", "{mine:n ticket} of mine")'
COLUMNS = '(text("id", required=True), ACCOUNT_ID, instant("at", required=True), KNOWN_AT)'
TABLE = f'Table("visits", title="visits", cost="no visits", key=("id",), event_time="at", columns={COLUMNS})'
LEARNER = """
import numpy as np
class Scorer:
    kind = "mine"
    def margin(self, matrix): return np.zeros(len(matrix))
    def contributions(self, matrix): return np.zeros((len(matrix), matrix.shape[1] + 1))
    def column_sizes(self): return {}
    def files(self): return {"mine.json": "{}"}
class Mine:
    name, title = "mine", "Mine"
    def fit(self, training, learner): return Scorer()
    def read(self, contents): return Scorer()
EXTENSION = Extension(learners=(Mine(),))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_contract: None) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rescue.toml").write_text("")
    (tmp_path / "extensions").mkdir()
    yield tmp_path / "extensions"


def settings(**given: object) -> Settings:
    return configuration.load(**given)


def write(folder: Path, content: str, name: str = "mine.py") -> None:
    (folder / name).write_text(HEAD + content if name.endswith(".py") else content)


def features(*entries: str) -> str:
    return f"EXTENSION = Extension(features=({''.join(f'{entry},' for entry in entries)}))"


def tables(*entries: str) -> str:
    return f"EXTENSION = Extension(tables=({''.join(f'{entry},' for entry in entries)}))"


WRONG = {
    ("load", "line 2: '(' was never closed"): "x = (\n",
    ("load", "line 2: ModuleNotFoundError: No module named 'pandaz'"): "import pandaz",
    ("load", "line 2: NameError: name 'Featur' is not defined"): "EXTENSION = Featur()",
    ("load", "line 3: SystemExit: 4"): "import sys\nsys.exit(4)",
    ("declaration", "it declares no EXTENSION: end it with"): "x = 1",
    ("declaration", "EXTENSION is of the type list"): "EXTENSION = []",
    ("declaration", "features is Feature(name='mine'"): f"EXTENSION = Extension(features={FEATURE})",
    ("declaration", "risks has to hold settings by name: risks={'late'"): 'EXTENSION = Extension(risks=["late"])',
    ("declaration", "TypeError: expected string or bytes-like object"): features(FEATURE.replace('"mine"', "3")),
    ("measure", "mine: TypeError: unsupported operand type(s)"): features(FEATURE.replace("28", '"28"')),
    ("declaration", "features holds 1, which is no Feature"): "EXTENSION = Extension(features=(1,))",
    ("declaration", "line 2: feature 'mine': no group 'suport'"): features(FEATURE[:-1] + ', group="suport")'),
    ("declaration", "line 2: 'users' counts distinct users"): features(FEATURE.replace("OPENED.count(28)", 'USAGE.total("users", 28)')),
    ("declaration", "learners holds 3, which is no learner: it has no name and no title"): "EXTENSION = Extension(learners=(3,))",
    ("name", "the catalogue has a feature segment already"): features(FEATURE.replace("mine", "segment")),
    ("name", "the same file has a feature mine already"): features(FEATURE, FEATURE),
    ("name", "a feature cannot be named 'Mine'"): features(FEATURE.replace('"mine"', '"Mine"')),
    ("name", "a feature cannot be named 'metric_x'"): features(FEATURE.replace("mine", "metric_x")),
    ("sentence", "mine: its sentence uses 'min', which is no feature; did you mean"): features(FEATURE.replace("{mine:", "{min:")),
    ("sentence", "says mine as 'percent'; "): features(FEATURE.replace("{mine:n ticket}", "{mine:percent}")),
    ("sentence", "its sentence does not say its value: use {mine:num}"): features(FEATURE.replace("{mine:n ticket}", "Tickets")),
    ("sentence", "it needs a meaning and a unit"): features(FEATURE.replace('"tickets"', '""')),
    ("sentence", "a bracket without its pair"): features(FEATURE.replace("of mine", "of [mine")),
    ("measure", "mine: its SQL cannot be run: Binder Error"): features(FEATURE.replace("28", "28, \"chanel = 'phone'\"")),
    ("measure", "mine: its SQL cannot be run: Parser Error"): features(FEATURE.replace("28", "28, \"channel = = 'phone'\"")),
    ("measure", "there is no table 'visit'; "): features(FEATURE.replace("OPENED", 'Stream("visit", "visit", "at")')),
    ("measure", "a category needs the measure text(COLUMN)"): features(FEATURE[:-1] + ', kind="category")'),
    ("measure", "its measure is 28; take one of a stream"): features(FEATURE.replace("OPENED.count(28)", "28")),
    ("measure", "mine: its SQL uses SELECT, and may read nothing but the columns of its own rows"): features(FEATURE.replace("28", "28, 'account_id IN (SELECT account_id FROM invoices)'")),
    ("measure", "mine: its SQL uses now, and may read nothing but"): features(FEATURE.replace("28", "28, 'opened_at > now() - INTERVAL 9 DAY'")),
    ("table", "the table tickets: the contract has a table of that name already"): tables(TABLE.replace("visits", "tickets")),
    ("table", "the table visits: its rows have to belong to accounts"): tables(TABLE.replace("ACCOUNT_ID, ", "")),
    ("table", "the table visits: it needs the column KNOWN_AT"): tables(TABLE.replace(", KNOWN_AT", "")),
    ("table", "the table visits: key names 'ids', which is none of its columns; did you mean 'id'"): tables(TABLE.replace('key=("id",)', 'key=("ids",)')),
    ("table", "the table visits: event_time has to name the column that says when"): tables(TABLE.replace('event_time="at"', 'event_time="id"')),
    ("table", "the table visits: the column at, its event_time, has to be required"): tables(TABLE.replace('instant("at", required=True)', 'instant("at")')),
    ("table", "the table visits: another table has the feature_prefix 'usage' already"): tables(TABLE[:-1] + ', feature_prefix="usage")'),
    ("risk", "the risk churn exists already: change it in rescue.toml"): 'EXTENSION = Extension(risks={"churn": {"horizon": 60}})',
    ("risk", "The risk visit cannot be an event of the table 'visits'"): 'EXTENSION = Extension(risks={"visit": {"kind": "event", "table": "visits", "horizon": 9}})',
    ("risk", "The risk late needs a horizon"): 'EXTENSION = Extension(risks={"late": {"kind": "overdue"}})',
    ("name", "there is a learner xgboost already"): LEARNER.replace('"mine", "Mine"', '"xgboost", "Mine"'),
    ("learner", "the learner mine: margin gives an array of shape (3,) for 60 rows"): LEARNER.replace("np.zeros(len(matrix))", "np.zeros(3)"),
    ("learner", "the learner mine: margin gives NaN or infinity for 60 of 60 rows"): LEARNER.replace("np.zeros(len(matrix))", "np.full(len(matrix), np.nan)"),
    ("learner", "the learner mine: contributions do not sum to the log-odds"): LEARNER.replace("np.zeros((len", "np.ones((len"),
    ("learner", "the learner mine: contributions gives an array of shape (60, 3)"): LEARNER.replace("matrix.shape[1] + 1", "matrix.shape[1]"),
    ("learner", "the learner mine: a file of a model cannot be named 'mine.pkl'"): LEARNER.replace("mine.json", "mine.pkl"),
    ("learner", "the learner mine: it failed with KeyError: 'y'"): LEARNER.replace("return Scorer()", "raise KeyError('y')"),
    ("learner", "the kind of its scorer is 'other'"): LEARNER.replace('kind = "mine"', 'kind = "other"'),
    ("learner", "the log-odds of a row depend on the rows beside it"): LEARNER.replace("np.zeros(len(matrix))", "np.full(len(matrix), float(len(matrix)))").replace("np.zeros((len(matrix), matrix.shape[1] + 1))", "np.hstack([np.zeros(matrix.shape), np.full((len(matrix), 1), float(len(matrix)))])"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "sentence"), WRONG, ids=[f"{rule}: {text[:40]}" for rule, text in WRONG])
def test_a_rule_that_is_broken_is_named_with_its_file(folder: Path, rule: str, sentence: str) -> None:
    write(folder, WRONG[rule, sentence])
    with pytest.raises(ExtensionError) as error:
        load_extensions(settings())
    assert str(error.value).startswith(f"extensions/mine.py breaks the rule {rule}: ")
    assert sentence in str(error.value)
    assert error.value.exit_code == 2 and "\n" not in str(error.value)
    assert str(error.value).count(".") >= 1 and str(error.value).endswith((".", "?"))


def test_every_rule_is_on_the_page(root: Path) -> None:
    page = (root / "docs/how-to/extend.md").read_text()
    assert [rule for rule in ExtensionRule if f"| `{rule}` |" not in page] == []


def test_an_extension_that_is_not_required_is_left_out_with_its_reason(folder: Path) -> None:
    write(folder, "x = 1", "a_broken.py")
    write(folder, features(FEATURE), "good.py")
    loaded = load_extensions(settings(extensions_required=False))
    assert [extension.file.name for extension in loaded.used] == ["extensions/good.py"]
    assert [(extension.file, "EXTENSION" in extension.reason) for extension in loaded.unused] == [
        ("extensions/a_broken.py", True)
    ]
    assert load_extensions(settings(extensions_off=("a_broken.py",))).unused == ()


def test_two_files_cannot_have_one_name(folder: Path) -> None:
    for name in ("first.py", "second.py"):
        write(folder, features(FEATURE), name)
    with pytest.raises(
        ExtensionError, match=r"second\.py breaks the rule name: extensions/first\.py has a feature mine"
    ):
        load_extensions(settings())


def test_a_file_that_is_switched_off_has_to_exist(folder: Path) -> None:
    write(folder, features(FEATURE), "good.py")
    with pytest.raises(UsageError, match=r"extensions_off names 'god\.py', .*; did you mean 'good\.py'"):
        load_extensions(settings(extensions_off=("god.py",)))


def test_no_folder_is_used_without_a_settings_file_beside_it(folder: Path) -> None:
    write(folder, features(FEATURE))
    (folder.parent / "rescue.toml").unlink()
    assert load_extensions(settings()).used == ()
    assert len(load_extensions(settings(extensions=Path("extensions"))).used) == 1
    with pytest.raises(UsageError, match="There is no folder none, which the setting extensions names"):
        load_extensions(settings(extensions=Path("none")))


def test_importing_a_file_changes_nothing_and_leaves_nothing_behind(folder: Path) -> None:
    write(folder, tables(TABLE))
    content = next(iter(read_files.list_files(folder)))
    read_files.read_extension(content)
    assert "visits" not in TABLES
    assert sorted(path.name for path in folder.iterdir()) == ["mine.py"]
    load_extensions(settings())
    assert "visits" in TABLES


def test_a_file_that_takes_too_long_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "import time\ntime.sleep(2)")
    monkeypatch.setattr(read_files, "LONGEST_LOAD", 0.05)
    with pytest.raises(ExtensionError, match="breaks the rule time: it takes longer than 0 seconds to load"):
        load_extensions(settings())
    with pytest.raises(TimeoutError):
        bounded.run_within(0.01, lambda: __import__("time").sleep(2))


def test_the_page_is_loaded_as_it_is_written(folder: Path, root: Path) -> None:
    files = write_examples(root, folder.parent)
    assert set(files) == {
        "rescue.toml",
        *(f"extensions/{name}" for name in ("phone_tickets.py", "trainings.py", "contraction.toml", "scorecard.py")),
    }
    names = {feature.name for feature in own_features(settings())}
    assert names == {
        *("attribute_plan", "attribute_employees", "tickets_by_phone_28d", "tickets_log_90d", "people_trained_180d"),
        *("has_trainings", "trainings_feed_age_days"),
    }
    assert names <= known_features().keys()
    risks = configured(merged_risk_settings(settings(risks={"contraction": {"horizon": 60}})))
    assert risks["contraction"][0].label.horizon == 60 and risks["contraction"][0].label.share == 0.2
    assert risks["missed_training"][0].label.table == "trainings"


def test_a_toml_file_holds_risks_only(folder: Path) -> None:
    write(folder, "[metrics.nps]\nhigher = 'good'\n", "risks.toml")
    with pytest.raises(ExtensionError, match=r"risks\.toml breaks the rule declaration: it may hold sections \[risks"):
        load_extensions(settings())
    write(folder, "[risks.late\n", "risks.toml")
    with pytest.raises(ExtensionError, match=r"risks\.toml breaks the rule load: it is not TOML"):
        load_extensions(settings())


def test_a_command_ends_with_two_and_the_sentence(folder: Path) -> None:
    write(folder, "x = 1")
    (folder.parent / "data").mkdir()
    (folder.parent / "data/accounts.csv").write_text("account_id,created_at\na,2024-01-01\n")
    (folder.parent / "data/tickets.csv").write_text("ticket_id,account_id,opened_at\nt,a,2024-02-01\n")
    for command in (["check"], ["train"], ["nightly"], ["backtest"]):
        result = CliRunner().invoke(app, [*command, "--data", "data"])
        assert isinstance(result.exception, UsageError), command
        assert "extensions/mine.py breaks the rule declaration" in str(result.exception)


def test_conditions_of_the_policy_and_of_risks_may_name_own_features(folder: Path) -> None:
    write(folder, features(FEATURE))
    columns = condition_columns(["churn"], own=own_features(settings()))
    assert columns["mine"] == ("mine", "number")
    (churn, _) = configured({"churn": {"eligible": "mine > 2"}})["churn"]
    assert churn.eligible == "mine > 2"
    with pytest.raises(UsageError, match="unknown column mime; did you mean mine"):
        configured({"churn": {"eligible": "mime > 2"}})


def test_the_list_of_features_names_meaning_and_file(folder: Path) -> None:
    write(folder, features(FEATURE))
    (folder.parent / "rescue.toml").write_text('[attributes.plan]\nkind = "category"\n')
    lines = CliRunner().invoke(app, ["features", "--list"]).output.splitlines()
    assert "mine: my tickets (tickets; extensions/mine.py)" in lines
    assert "attribute_plan: Plan (text; rescue.toml [attributes])" in lines
    assert len(lines) > 100
    assert isinstance(CliRunner().invoke(app, ["features"]).exception, UsageError)


def test_a_risk_may_name_what_a_later_file_declares(folder: Path) -> None:
    risk = "[risks.late]\nkind = 'overdue'\nhorizon = 60\neligible = 'mine > 1'\n"
    write(folder, risk, "a_risk.toml")
    with pytest.raises(
        ExtensionError, match=r"a_risk\.toml breaks the rule risk: The condition eligible of the risk late"
    ):
        load_extensions(settings())
    write(folder, features(FEATURE), "later.py")
    assert set(load_extensions(settings()).risks) == {"late"}
