"""Where a run comes from, as the tags that MLflow's pages show: user, command, version of the code, the data.

MLflow would find some of them itself for runs of its fluent interface. Rescue's runs are created by its client, with
their true times, so the tags are set here.
"""

import getpass
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CODE = Path(__file__).resolve().parents[2]
"""The folder of the code, which may be a checkout."""

PROCESS_TAG = "rescue.process"
"""On a run: the process that writes it, so that a later one can end what a process that is gone left running."""


def origin_tags(source: Mapping[str, object]) -> dict[str, str]:
    """The tags of a run on ``source`` (see `models.registry.registry.Registry.log`)."""
    from mlflow.utils.git_utils import get_git_commit

    commit = get_git_commit(str(CODE))
    return {
        "mlflow.user": _user(),
        "mlflow.source.name": command_name(sys.argv),
        "mlflow.source.type": "LOCAL",
        **({"mlflow.source.git.commit": commit} if commit else {}),
        "rescue.version": _version(),
        "rescue.source": str(source.get("name", "unknown")),
        "rescue.source.fingerprint": str(source.get("fingerprint", "unknown")),
        **({PROCESS_TAG: str(source["process"])} if source.get("process") else {}),
    }


def command_name(arguments: list[str]) -> str:
    """The command that runs, without its options: ``rescue train``, or the name of the program that calls Rescue."""
    program = Path(arguments[0] if arguments else "").name
    if program == "ipykernel_launcher.py":
        return "notebook"
    if program in ("rescue", "__main__.py"):
        words = [word for word in arguments[1:2] if not word.startswith("-")]
        return " ".join(["rescue", *words])
    return program or "python"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "unknown"


def _version() -> str:
    try:
        return version("rescue")
    except PackageNotFoundError:  # the code is run without being installed
        return "unknown"
