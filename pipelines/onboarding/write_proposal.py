"""The files of a proposal: a mapping for each source, and ``rescue.toml``; nothing that exists is overwritten."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from features.errors import UsageError
from pipelines.onboarding.propose import SourceProposal
from pipelines.sources.mappings.mapping_folder import SETTINGS_FILE, find_mapping

SETTINGS = "rescue.toml"
MAPPINGS = "mappings"


def write_proposal(proposals: Sequence[SourceProposal], folder: Path, currency: str | None) -> list[Path]:
    """Write the files of a proposal to ``folder``; their paths.

    Raises:
        UsageError: a file that would be written is there already, or the folder cannot be written.
    """
    texts = {folder / SETTINGS: _settings(proposals, folder, currency)}
    for proposal in proposals:
        target = folder / MAPPINGS / proposal.name
        texts |= {target / name: text for name, text in _mapping_files(proposal).items()}
    for file in texts:
        if file.exists():
            raise UsageError(f"{file} exists already: move it away, or choose another folder with --into.")
    try:
        for file, text in texts.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        remove_files(list(texts), folder)
        raise UsageError(f"{folder} cannot be written: {error.strerror}.") from None
    return list(texts)


def remove_files(files: Sequence[Path], folder: Path) -> None:
    """Remove the files of a proposal and the folders below ``folder`` that are empty then."""
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink()
            for parent in file.parents:
                if parent == folder:
                    break
                parent.rmdir()


def _mapping_files(proposal: SourceProposal) -> dict[str, str]:
    """By name the files of a source's mapping: a copy of a vendor's, or the queries that are proposed."""
    if proposal.vendor is not None:
        mapping = find_mapping(Path(proposal.vendor.mapping))
        head = f"-- Copied from Rescue's mapping {proposal.vendor.mapping}; yours to edit.\n"
        files = {file.name: head + file.read_text("utf-8") for file in mapping.query_files()}
        return {**files, SETTINGS_FILE: mapping.settings.read_text("utf-8")}
    if proposal.proposed is None:
        return {}
    files = {}
    for made in proposal.proposed.tables:
        notes = "".join(f"-- {note}\n" for note in made.notes)
        head = f"-- {made.target} from the table {made.table}. Proposed by `rescue init`; yours to edit.\n"
        if made.target == "crosswalk":
            notes = "-- The ids, names and domains by which companies of several sources are matched.\n" + notes
        if made.left_out:
            notes += f"-- Columns that are not used: {' '.join(', '.join(made.left_out).split())}.\n"
        files[f"{made.target}.sql"] = f"{head}{notes}{made.sql}\n"
    return files


def _settings(proposals: Sequence[SourceProposal], folder: Path, currency: str | None) -> str:
    lines = ["# Proposed by `rescue init`; docs/settings.md has every setting.", ""]
    if currency is not None:
        lines += [f'currency = "{currency}"  # of amounts without one; set [currency.rates] for others', ""]
    for proposal in proposals:
        lines += [f"[sources.{proposal.name}]", f'data = "{_place(proposal.data, folder)}"']
        if proposal.vendor is not None or proposal.proposed is not None:
            lines.append(f'mapping = "{MAPPINGS}/{proposal.name}"')
        if proposal.vendor is not None:
            lines.append(f'system = "{proposal.vendor.mapping.split("/")[0]}"')
        if proposal.proposed is not None and proposal.proposed.by_name:
            lines.append(
                'match_by = ["links", "same_id", "external_id", "domain", "name"]  # its companies have names only'
            )
        if _has_local_times(proposal):
            lines.append('# timezone = "Europe/Berlin"  # its times have no zone: UTC is assumed')
        lines += ['# when_missing = "continue"  # go on without this source when it cannot be read', ""]
    return "\n".join(lines)


def _has_local_times(proposal: SourceProposal) -> bool:
    columns = (column for profile in proposal.profiles.values() for column in profile.columns.values())
    return any(column.local >= 0.5 and column.days < 0.95 for column in columns)


def _place(data: str, folder: Path) -> str:
    """The place of a source as a command that is started in ``folder`` finds it."""
    if "://" in data or Path(data).is_absolute():
        return data.replace("\\", "/")
    return Path(os.path.relpath(data, folder)).as_posix()
