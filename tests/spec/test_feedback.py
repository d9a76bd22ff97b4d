"""What the team did comes back: the next night knows the verdict, and a closed case cannot heal its account."""

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from features import frame
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.console import Steps
from pipelines.monitoring.feedback import collect, end_before
from pipelines.night.night import run_nights
from pipelines.settings import Settings
from pipelines.sources import open_source
from pipelines.sources.queue_outcomes import SourceWithQueueOutcomes
from pipelines.sources.validated_source import validate_source
from pipelines.step_runner import plain_runner
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.night_report.report_schema import UnknownAccounts
from serving.store import Store
from serving.store.tables import Case

QUIET = Steps(quiet=True)
NIGHTS = 6


class Ticking:
    """A clock on which every look is five minutes later."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=5)
        return self.now


@dataclass(frozen=True)
class Closed:
    """A home whose first case was closed as saved on the day of the night, at nine."""

    settings: Settings
    account: str
    day: datetime


@pytest.fixture
def closed(night_home: NightHome, tmp_path: Path) -> Closed:
    """The first case of the night, closed as saved."""
    settings = configuration.load(data=str(night_home.data), home=night_home.copy(tmp_path / "home"))
    first = night_home.first.queue[0]
    day = datetime.combine(night_home.first.as_of, time())
    with assembly.open_store(settings) as store:
        _save(store, first.case_id, day + timedelta(hours=9))
    return Closed(settings, first.account_id, day)


def _save(store: Store, case_id: str, at: datetime) -> None:
    with store.reading() as session:
        squad = session.get_one(Case, case_id).squad
    actor, cases = Actor("ann", Role.REVIEWER, frozenset({squad})), Cases(store, clock=Ticking(at))
    cases.claim(case_id, actor)
    cases.contact(case_id, actor)
    cases.resolve(case_id, actor, verdict="saved", comment="They stay.")


def _feature(settings: Settings, closed: Closed, name: str, scratch: Path, day: int) -> object:
    history = validate_source(settings, scratch).history
    rows = assembly.frame_builder(settings)(history, [(closed.day + timedelta(days=day)).date()])
    return next(row[name] for row in rows.to_pylist() if row["account_id"] == closed.account)


def test_the_next_night_knows_the_verdict_and_leaves_the_account_alone(closed: Closed, tmp_path: Path) -> None:
    tonight = _feature(closed.settings, closed, "rescue_last_verdict", tmp_path / "a", 0)
    assert tonight != "saved"  # decided after the cutoff of its own night
    assert _feature(closed.settings, closed, "rescue_last_verdict", tmp_path / "b", 1) == "saved"
    (second,) = run_nights(closed.settings, (closed.day + timedelta(days=1)).date(), plain_runner(QUIET), QUIET)
    assert closed.account not in {case.account_id for case in second.queue}
    assert sum(second.decision.suppressed.values()) >= 1
    (outcomes,) = [table for table in second.tables if table.name == "outcomes"]
    assert outcomes.rows == outcomes.accepted


def test_a_verdict_of_today_does_not_make_the_source_reach_further(closed: Closed, tmp_path: Path) -> None:
    before = open_source(closed.settings.data)
    assert "outcomes" in before.tables()
    assert validate_source(closed.settings, tmp_path).history.until == closed.day.date()


def test_adjusted_health_goes_out_marked_and_twice_is_once(closed: Closed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        found = collect(closed.settings, (closed.day + timedelta(days=1)).date(), out, QUIET)
    rows = pq.read_table(out / "health_scores.parquet").to_pylist()
    assert [(row["account_id"], row["source"]) for row in rows] == [(closed.account, "rescue")]
    assert rows[0]["measured_at"] == end_before((closed.day + timedelta(days=1)).date())
    assert found.to_json()["verdicts"] == {"saved": 1}
    collect(closed.settings, (closed.day + timedelta(days=2)).date(), out, QUIET)
    assert pq.read_metadata(out / "health_scores.parquet").num_rows == 2


def test_a_closed_case_cannot_heal_its_account(closed: Closed, tmp_path: Path) -> None:
    """The CRM takes the adjusted health and hands it out as its own newest score, for six nights.

    Naively the account climbs to green. What Rescue hands out is marked: the health that it reads, and the adjusted
    health that it hands out next, stay where they were measured.
    """
    honest = _feature(closed.settings, closed, "health_score", tmp_path / "honest", 1)
    assert isinstance(honest, float)
    naive, marked, handed_out = [], [], []
    for night in range(1, NIGHTS + 1):
        day = (closed.day + timedelta(days=night)).date()
        best = max([honest, *(row["score"] for row in naive)])
        naive.append(_score(closed.account, day, min(100.0, best + 10.0), "crm"))
        settings = _returning(closed, marked, tmp_path / f"marked-{night}")
        marked += collect(settings, day, tmp_path / "out", QUIET).health.to_pylist()
        handed_out.append(marked[-1]["score"])
    assert naive[-1]["score"] == min(100.0, honest + NIGHTS * 10.0)
    assert max(handed_out) <= honest + 10.0
    assert handed_out == sorted(handed_out, reverse=True)  # it fades, night after night
    assert _read(closed, naive, tmp_path / "naive", loop_guard=True) == naive[-1]["score"]
    assert _read(closed, marked, tmp_path / "unguarded", loop_guard=False) > honest
    assert _read(closed, marked, tmp_path / "guarded", loop_guard=True) == honest


def _score(account: str, day: object, score: float, source: str) -> dict[str, object]:
    at = end_before(day)  # type: ignore[arg-type]
    return {"account_id": account, "measured_at": at, "score": score, "source": source, "known_at": at}


def _returning(closed: Closed, rows: list[dict[str, object]], folder: Path) -> Settings:
    """The settings over a source into which the CRM has exported these health scores."""
    if not rows:
        return closed.settings
    folder.mkdir()
    for file in Path(closed.settings.data).iterdir():
        (folder / file.name).symlink_to(file)
    own = pq.read_table(folder / "health_scores.parquet")
    (folder / "health_scores.parquet").unlink()
    joined = pa.concat_tables([own, *_on_time(own, closed), pa.Table.from_pylist(rows, schema=own.schema)])
    pq.write_table(joined, folder / "health_scores.parquet")
    return closed.settings.model_copy(update={"data": str(folder)})


def _on_time(own: pa.Table, closed: Closed) -> list[pa.Table]:
    """The scores of a week of the other accounts, once more for the nights to come: else the feed would be late."""
    others = own.filter(pc.not_equal(own["account_id"], closed.account))
    week = others.filter(pc.greater_equal(others["measured_at"], closed.day - timedelta(days=7)))
    for name in ("measured_at", "known_at"):
        moved = pc.add(week[name], pa.scalar(timedelta(days=7), pa.duration("us"))).cast(own.schema.field(name).type)
        week = week.set_column(week.column_names.index(name), own.schema.field(name), moved)
    return [week]


def _read(closed: Closed, rows: list[dict[str, object]], folder: Path, *, loop_guard: bool) -> float:
    """The account's health as the night after these rows reads it."""
    settings = _returning(closed, rows, folder)
    history = validate_source(settings, folder / "scratch").history
    built = frame.build(history, [(closed.day + timedelta(days=NIGHTS + 1)).date()], loop_guard=loop_guard)
    score = next(row["health_score"] for row in built.to_pylist() if row["account_id"] == closed.account)
    assert isinstance(score, float)
    return score


def test_a_home_may_be_tried_on_another_source(closed: Closed, tmp_path: Path) -> None:
    """Rows of the queue of accounts that this source does not have are reported, and do not stop the night."""
    other = tmp_path / "other"
    other.mkdir()
    for file in Path(closed.settings.data).iterdir():
        if file.suffix == ".parquet":
            rows = pq.read_table(file)
            own = rows["account_id"] if "account_id" in rows.column_names else None
            pq.write_table(rows if own is None else rows.filter(pc.not_equal(own, closed.account)), other / file.name)
    settings = closed.settings.model_copy(update={"data": str(other), "tolerance": 1.0})
    opened = validate_source(settings, tmp_path / "scratch")
    assert UnknownAccounts(table="outcomes", rows=3) in opened.warnings  # selected, contacted, resolved
    assert opened.validation.report.tables["outcomes"].quarantined == {}


def test_rows_come_back_beside_a_partitioned_table_and_beside_none(closed: Closed, tmp_path: Path) -> None:
    own = pq.read_table(Path(closed.settings.data) / "outcomes.parquet")
    data = tmp_path / "data"
    pq.write_to_dataset(own.append_column("risk_of", own["risk"]), data / "outcomes", partition_cols=["risk_of"])
    pq.write_table(own, tmp_path / "more.parquet")
    source = open_source(str(data))
    files = {"outcomes": tmp_path / "more.parquet", "health_scores": tmp_path / "more.parquet"}
    joined = SourceWithQueueOutcomes(source, files)
    assert set(joined.tables()) == {"outcomes", "health_scores"}
    tables = {table.name: table for table in joined.stage(joined.tables(), tmp_path / "scratch")}
    read = sum(pq.read_metadata(file).num_rows for file in tables["outcomes"].files)
    assert read == 2 * own.num_rows
    assert not tables["outcomes"].partitioned


def test_the_command_prints_one_object(closed: Closed, tmp_path: Path) -> None:
    arguments = ["--data", closed.settings.data, "--home", str(closed.settings.home), "--out", str(tmp_path / "out")]
    found = CliRunner().invoke(app.app, ["feedback", "--json", *arguments])
    assert found.exit_code == 0
    printed = json.loads(found.stdout)
    assert printed["verdicts"] == {"saved": 1}
    assert (tmp_path / "out" / "outcomes.parquet").is_file()


def test_ids_that_the_source_stores_as_numbers_are_those_of_the_queue(tmp_path: Path) -> None:
    pq.write_table(pa.table({"account_id": [17850.0, 17851.0]}), tmp_path / "accounts.parquet")
    pq.write_table(pa.table({"account_id": ["17850", "9"], "action": ["called"] * 2}), tmp_path / "more.parquet")
    source = SourceWithQueueOutcomes(open_source(str(tmp_path)), {"outcomes": tmp_path / "more.parquet"})
    tables = {table.name: table for table in source.stage(source.tables(), tmp_path / "scratch")}
    assert pq.read_table(tables["outcomes"].files[0])["account_id"].to_pylist() == ["17850"]
