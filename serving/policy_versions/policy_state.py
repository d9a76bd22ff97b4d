"""Which policy is in force: the file's, or the one that somebody saved.

There is one rule. Without a saved version the file is in force. Once there is one, the newest saved version is, and a
change of the file counts only if it was made on top of it: then the next night takes the file over as a version of its
own. A file that was changed without the newest saved version in it is a *conflict*: the saved version stays in force,
and every night and every page says so, until somebody imports the file or decides against it. Nothing is overwritten
without that decision, and Rescue never writes the file by itself, so the rule also holds where it cannot be written.

Files are compared by the version of their rules, so a comment or the order of tables is no change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from features.errors import UsageError
from serving.night_report.report_text import day_text
from serving.policy.definition.policy_file import Policy, PolicyError, default_text
from serving.store.policy_tables import SavedPolicy

DEFAULT_NAME = "the policy of Rescue"
ParsePolicy = Callable[[str, str], Policy]
"""Checks a text; the second argument is how its errors name it."""


def parse_plain(text: str, source: str) -> Policy:
    """Check a policy without settings: no own metrics, features or channels are known."""
    return Policy.parse(text, source=source)


@dataclass(frozen=True)
class PolicySource:
    """Where the policy outside of the queue is: a file, or None for the policy of Rescue; ``parse`` checks a text."""

    file: Path | None = None
    parse: ParsePolicy = parse_plain

    @property
    def name(self) -> str:
        """How people read the source's name."""
        return str(self.file) if self.file else DEFAULT_NAME

    @property
    def short_name(self) -> str:
        """The name without its folder, for texts that are stored or that everybody reads."""
        return self.file.name if self.file else DEFAULT_NAME

    def read(self) -> str:
        """The text of the file.

        Raises:
            PolicyError: there is no such file, or it cannot be read.
        """
        if self.file is None:
            return default_text()
        try:
            return self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise PolicyError([f"There is no policy file {self.file}."]) from None
        except UnicodeDecodeError:
            raise PolicyError([f"The policy file {self.file} cannot be read: it is not UTF-8 text."]) from None
        except OSError as error:
            raise PolicyError([f"The policy file {self.file} cannot be read: {error.strerror}."]) from None


class FileState(StrEnum):
    """How the file relates to the policy in force."""

    ONLY = "only"
    """There is no saved version: the file is in force."""
    SAME = "same"
    """The file has the rules of the newest saved version."""
    BEHIND = "behind"
    """The file is as it was before the newest version was saved; or there is no file."""
    AHEAD = "ahead"
    """The file was changed on top of the newest saved version, so the file is in force."""
    CONFLICT = "conflict"
    """The file was changed without the newest saved version in it: the saved version is in force."""
    UNREADABLE = "unreadable"
    """The file cannot be used: the saved version is in force."""


@dataclass(frozen=True)
class PolicyInForce:
    """The policy in force and how the file relates to it.

    ``number`` is that of the saved version, None where the file is in force. ``newest`` is the newest saved version.
    ``file_version`` is None for a file that cannot be used; ``file_error`` then says why.
    """

    policy: Policy
    text: str
    source: PolicySource
    newest: SavedPolicy | None
    file_state: FileState
    file_text: str | None
    file_version: str | None
    file_error: str = ""

    @property
    def number(self) -> int | None:
        """The number of the saved version in force; None where the file is."""
        if self.newest is None or self.file_state is FileState.AHEAD:
            return None
        return self.newest.number

    @property
    def base(self) -> str:
        """What a draft is based on: changes whenever something else is in force."""
        return f"{self.newest.number if self.newest else 0}-{self.policy.version}"

    @property
    def name(self) -> str:
        """The policy in force, in words."""
        return f"version {self.number}" if self.number is not None else self.source.name

    @property
    def short_name(self) -> str:
        """The policy in force in words, without the folder of its file."""
        return f"version {self.number}" if self.number is not None else self.source.short_name

    @property
    def warning(self) -> str:
        """What somebody has to decide about the file; empty where nothing is to be decided."""
        return self.warning_for(str)

    def warning_for(self, name_of: Callable[[str], str]) -> str:
        """The warning for a reader, who knows people by ``name_of`` their sign-in name."""
        saved = self.newest
        if saved is None or self.file_state not in {FileState.CONFLICT, FileState.UNREADABLE}:
            return ""
        since = f"version {saved.number}, which {name_of(saved.author)} saved on {day_text(saved.saved_at.date())},"
        if self.file_state is FileState.UNREADABLE:
            error = self.file_error.replace(self.source.name, self.source.short_name)
            return f"{error} The policy is {since} until the file is valid."
        return (
            f"The policy file {self.source.short_name} was changed without {since} in it, so its change is not used: "
            "that version stays in force. `rescue policy diff` shows the difference; `rescue policy import` takes the "
            "file over, `rescue policy export` replaces the file."
        )


def find_policy_in_force(source: PolicySource, newest: SavedPolicy | None) -> PolicyInForce:
    """The policy in force by the rule of this module; it writes nothing.

    Raises:
        PolicyError: the policy in force cannot be used; the sentence names the line.
    """
    try:
        file_text: str | None = source.read()
        in_file: Policy | None = source.parse(file_text or "", source.name)
        file_error = ""
    except UsageError as error:
        if newest is None:
            raise
        file_text, in_file, file_error = None, None, str(error)
    if newest is None:
        if in_file is None or file_text is None:  # without a saved version, the error of the file was raised
            raise PolicyError([file_error])
        return PolicyInForce(in_file, file_text, source, None, FileState.ONLY, file_text, in_file.version)
    version = in_file.version if in_file else None
    state = _file_state(source, version, newest)
    if state is FileState.AHEAD and in_file is not None and file_text is not None:
        return PolicyInForce(in_file, file_text, source, newest, state, file_text, version)
    saved = source.parse(newest.text, f"policy version {newest.number}")
    return PolicyInForce(saved, newest.text, source, newest, state, file_text, version, file_error)


def _file_state(source: PolicySource, version: str | None, newest: SavedPolicy) -> FileState:
    if version is None:
        return FileState.UNREADABLE
    if version == newest.version:
        return FileState.SAME
    if source.file is None or version == newest.file_version:
        return FileState.BEHIND
    if newest.file_version == newest.version:
        return FileState.AHEAD
    return FileState.CONFLICT
