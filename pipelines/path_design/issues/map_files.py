"""`rescue paths map`: read a source, map its tickets, and write the report and the proposed policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import UsageError
from pipelines import assembly
from pipelines.path_design.issues.issue_criteria import MapOptions
from pipelines.path_design.issues.issue_map import IssueMap, map_issues
from pipelines.path_design.issues.map_report import map_blocks, propose_policy
from pipelines.path_design.proposed_policy import PolicyProposal
from pipelines.path_design.report_blocks import write_markdown, write_page
from pipelines.scratch import scratch_folder
from pipelines.sources.validated_source import validate_source_step
from serving.policy.definition.policy_file import default_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.console import Steps
    from pipelines.path_design.report_blocks import ReportBlock
    from pipelines.settings import Settings
    from serving.policy_versions.policy_state import PolicyInForce

POLICY_NAME = "proposed-policy.toml"
_NEW = "Proposed from tickets"
HEADER = f"""\
# A proposal: the policy that was in force when this was written, and new sections at the end ("{_NEW}").
# No night uses it. Check it, and compare it with your policy:
#   rescue policy check {POLICY_NAME}
#   rescue replay --policy {POLICY_NAME} --from DATE --to DATE
"""


@dataclass(frozen=True)
class MapResult:
    """The map, its proposals, and the whole policy file with them; None where nothing is proposed."""

    found: IssueMap
    proposal: PolicyProposal
    policy: str | None


def map_source(settings: Settings, options: MapOptions, steps: Steps) -> MapResult:
    """Map the tickets of the source that the settings name.

    Raises:
        UsageError: an option or the policy is wrong.
        DataGateError: the source cannot be used.
    """
    in_force = assembly.current_policy(settings)
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps)
        with steps.step("map", "Designing escalation paths"):
            found = map_issues(opened.history, opened.source.title, options, steps.log)
    proposal = propose_policy(found, in_force.policy.rules)
    return MapResult(found, proposal, with_sections(in_force, proposal))


def with_sections(in_force: PolicyInForce, proposal: PolicyProposal) -> str | None:
    """The policy in force with the proposed sections at its end, read again to be sure that it is valid."""
    if not proposal.sections:
        return None
    rules = _without_default_header(in_force.text).strip()
    text = f"{HEADER}\n{rules}\n\n# --- {_NEW} ---\n\n{proposal.text}"
    in_force.source.parse(text, POLICY_NAME)
    return text


def _without_default_header(policy: str) -> str:
    """A policy without the comment at the beginning of the default policy, which is not true of a proposal."""
    header, _, rules = policy.partition("\n\n")
    default_header, _, _ = default_text().partition("\n\n")
    return rules if header.splitlines()[:1] == default_header.splitlines()[:1] else policy


def write_design(folder: Path, name: str, title: str, blocks: Sequence[ReportBlock], policy: str | None) -> list[Path]:
    """Write `NAME.html`, `NAME.md` and the proposed policy into a folder; the files that were written.

    Raises:
        UsageError: the folder cannot be written.
    """
    files = {folder / f"{name}.html": write_page(title, blocks), folder / f"{name}.md": write_markdown(blocks)}
    if policy is not None:
        files[folder / POLICY_NAME] = policy
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            file.write_text(text, encoding="utf-8")
        if policy is None:
            (folder / POLICY_NAME).unlink(missing_ok=True)  # of an earlier run, which had proposals
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be written: {error.strerror}.") from None
    return list(files)


def write_map(result: MapResult, folder: Path) -> list[Path]:
    """Write the files of a map."""
    blocks = map_blocks(result.found, result.proposal)
    return write_design(folder, "map", "Escalation paths from tickets", blocks, result.policy)
