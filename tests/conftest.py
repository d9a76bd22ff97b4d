"""What every test shares: nothing calls home, and real data is used where it stands beside the checkout."""

import atexit
import gc
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stamina
from support.plain_cards import without_plots
from support.repeatable_examples import use_repeatable_examples

use_repeatable_examples()

HOME = tempfile.TemporaryDirectory(prefix="rescue-tests-home-")  # never the operator's own queue
atexit.register(HOME.cleanup)
os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="1",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_TO_API_ENABLED="false",
    MPLBACKEND="Agg",
    RESCUE_HOME=HOME.name,
)

os.environ.pop("PREFECT_API_URL", None)  # nor the operator's own server

pytest_plugins = [
    "support.own_contract",
    "support.worlds.store_fixture",
    "support.worlds.mariadb_fixture",
    "support.object_store",
    "support.nights.night_home",
    "support.web.web_fixture",
    "support.web.policy_editor",
]

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
SCENARIOS = ROOT.parent / "shared" / "scenarios"
TESTS = Path(__file__).resolve().parent
UNDRAWN = (TESTS / "spec", TESTS / "faults", TESTS / "unit" / "pipelines", TESTS / "unit" / "models" / "registry")


@pytest.fixture(autouse=True)
def _no_second_try() -> Iterator[None]:
    """A delivery is tried once in tests of what follows a failure; the test of hiccups says otherwise."""
    with stamina.set_testing(True):
        yield


@pytest.fixture(autouse=True)
def _frozen_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Today is the first day after the simulated worlds, for commands that run in this process."""
    monkeypatch.setattr("pipelines.system_clock.machine_clock", lambda: datetime(2026, 7, 1, 12, tzinfo=UTC))
    monkeypatch.setattr("pipelines.system_clock.AHEAD", timedelta(days=92))  # many nights of one world are run at once


@pytest.fixture(scope="module", autouse=True)
def _cards_without_plots(request: pytest.FixtureRequest) -> Iterator[None]:
    """Drawing the plots of a model card takes longer than training a small model: only their own tests draw them.

    Nights on real data draw them as well.
    """
    if not any(folder in request.path.parents for folder in UNDRAWN) or request.path.name == "test_real_nights.py":
        yield
        return
    with without_plots():
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; the test is skipped where it does not exist."""
    if not SHARED.is_dir():
        pytest.skip("no real data sets: ../shared/data is absent")
    return SHARED


@pytest.fixture(scope="session")
def shared_scenarios() -> Path:
    """The folder of sources from real companies; the test is skipped where it does not exist."""
    if not SCENARIOS.is_dir():
        pytest.skip("no shared scenarios: ../shared/scenarios is absent")
    return SCENARIOS


def pytest_collection_finish() -> None:
    """All modules are loaded now and stay: the garbage collector need not look through them after every test."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let the objects be freed at the end, so that no library reports them as leaked."""
    gc.unfreeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in CI which tests were skipped although this machine should run them all."""
    if _skipped_in_ci(terminalreporter):
        terminalreporter.write_line("CI runs every test: a skipped one counts as a failure.", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a CI run that skipped a test; only the absence of the real data sets excuses one."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and session.exitstatus == 0 and _skipped_in_ci(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped_in_ci(reporter: pytest.TerminalReporter) -> bool:
    if not os.environ.get("CI"):
        return False
    absent = [folder for folder in (SHARED, SCENARIOS) if not folder.is_dir()]
    excuses = [f"../shared/{folder.name} is absent" for folder in absent]
    reasons = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
    return any(not any(excuse in reason for excuse in excuses) for reason in reasons)
