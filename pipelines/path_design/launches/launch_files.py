"""`rescue paths launch`: read a source and signals, cluster what was reported, and write report and proposed policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import assembly
from pipelines.path_design.issues.map_files import with_sections, write_design
from pipelines.path_design.launches.launch_map import LaunchMap, find_launch, map_launch
from pipelines.path_design.launches.launch_report import launch_blocks, propose_launch
from pipelines.path_design.launches.launch_signals import read_signals
from pipelines.path_design.proposed_policy import PolicyProposal
from pipelines.scratch import scratch_folder
from pipelines.sources.validated_source import validate_source_step

if TYPE_CHECKING:
    from pipelines.console import Steps
    from pipelines.settings import Settings


@dataclass(frozen=True)
class LaunchResult:
    """The map of a launch, its proposals, and the whole policy file with them; None where nothing is proposed."""

    found: LaunchMap
    proposal: PolicyProposal
    policy: str | None


def map_launch_source(
    settings: Settings, name: str, steps: Steps, signals: Path | None = None, as_of: datetime | None = None
) -> LaunchResult:
    """Map a launch of the policy on the source that the settings name.

    ``signals`` is a file; without one, the signals of the queue are used, where there is one.

    Raises:
        UsageError: there is no such launch, or an option is wrong.
        DataGateError: the source or the signals cannot be used.
    """
    in_force = assembly.current_policy(settings)
    policy = in_force.policy
    start = find_launch(policy.rules, name).start.replace(tzinfo=None)
    rows = read_signals(signals) if signals is not None else _signals_of_queue(settings, start)
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps)
        with steps.step("launch", f"Clustering what was reported about {name}"):
            found = map_launch(opened.history, policy.rules, name, rows, as_of)
    proposal = propose_launch(found, policy.rules)
    return LaunchResult(found, proposal, with_sections(in_force, proposal))


def write_launch_report(result: LaunchResult, folder: Path) -> list[Path]:
    """Write the files of a launch."""
    blocks = launch_blocks(result.found, result.proposal)
    return write_design(folder, "launch", f"Launch {result.found.name}", blocks, result.policy)


def _signals_of_queue(settings: Settings, start: datetime) -> list[dict[str, Any]]:
    """The signals that the queue has from the start of the launch on; none where there is no queue."""
    if settings.database is None and not (settings.home / "rescue.db").is_file():
        return []
    from serving.store.queries.signal_queries import signals_since

    with assembly.open_queue(settings) as store, store.reading() as session:
        return signals_since(session, start)
