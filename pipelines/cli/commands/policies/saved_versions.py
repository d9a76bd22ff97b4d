"""``rescue policy versions``, ``diff``, ``import``, ``export`` and ``rollback``: the saved policies of the queue."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home, Json, PolicyFile
from pipelines.console import err, out
from serving.night_report.report_text import day_text, plural

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from serving.policy_versions.policy_state import PolicyInForce, PolicySource
    from serving.policy_versions.saved_policies import Origin
    from serving.store import Store
    from serving.store.policy_tables import SavedPolicy

Reason = Annotated[str, typer.Option(help="Why the policy changes; it is kept with the version.")]
By = Annotated[str | None, typer.Option(help="Who changes it. Default: your user name on this computer.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The number of a saved version.")]
Side = Annotated[str | None, typer.Argument(help="A policy file, the number of a saved version, or `saved`.")]
ORIGIN_TITLES = {"file": "policy file", "app": "review app", "import": "import", "rollback": "rollback"}


def register_saved(policy: typer.Typer) -> None:
    """Add the commands to ``rescue policy``."""
    policy.command(short_help="List the saved versions of the policy.")(versions)
    policy.command(short_help="Show what differs between two policies.")(diff)
    policy.command("import", short_help="Save a policy file as a new version.")(import_file)
    policy.command("export", short_help="Write the policy in force, or a version, to a file.")(export_file)
    policy.command(short_help="Restore a saved version.")(rollback)


def versions(home: Home = None, policy: PolicyFile = None, as_json: Json = False) -> None:
    """List the saved versions of the policy, the newest first, and say which policy is in force."""
    from serving.policy_versions.saved_policies import read_policy_in_force, saved_policies

    settings = configuration.load(home=home, policy=policy)
    with assembly.open_queue(settings) as store:
        state = read_policy_in_force(store, assembly.policy_source(settings))
        with store.reading() as session:
            rows = saved_policies(session)
    if as_json:
        typer.echo(json.dumps({**_state_json(state), "versions": [_version_json(row) for row in rows]}))
        return
    out.print(f"In force: {state.name} ({state.policy.version}).", markup=False, soft_wrap=True)
    for row in rows:
        restored = f", restores version {row.restores}" if row.restores else ""
        out.print(
            f"  {row.number}  {row.version}  {day_text(row.saved_at.date())} {row.saved_at:%H:%M} UTC  {row.author} "
            f"({ORIGIN_TITLES[row.origin]}{restored}): {row.reason}",
            markup=False,
            soft_wrap=True,
        )
    if not rows:
        out.print("No version was saved yet.")
    _warn(state)


def diff(first: Side = None, second: Side = None, home: Home = None, policy: PolicyFile = None) -> None:
    """Show what differs between two policies, rule by rule. By default: the policy in force, and the policy file.

    A side is a file, the number of a saved version, or `saved` for the newest. Ends with 0 whether they differ or not.
    """
    from serving.policy_versions.policy_difference import changed_rules

    settings = configuration.load(home=home, policy=policy)
    source = assembly.policy_source(settings)
    with assembly.open_queue(settings) as store:
        sides = [(first or "saved"), (second or (str(settings.policy) if settings.policy else "default"))]
        named = [_side(store, source, name) for name in sides]
    (old_name, old), (new_name, new) = named
    changes = changed_rules(source.parse(old, old_name), source.parse(new, new_name))
    out.print(f"From {old_name} to {new_name}: {plural(len(changes), 'rule differs', 'rules differ')}.", markup=False)
    for change in changes:
        out.print(f"  {change}", markup=False, soft_wrap=True)


def import_file(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Default: the policy file of the settings.")
    ] = None,
    reason: Reason = "",
    by: By = None,
    home: Home = None,
    policy: PolicyFile = None,
) -> None:
    """Save a policy file as a new version, which is in force from then on: in the app, at night and in all commands.

    It replaces what leads saved in the app; `rescue policy diff` shows the difference first.
    """
    settings = configuration.load(home=home, policy=policy)
    chosen = file or settings.policy
    if chosen is None:
        raise UsageError("Name the policy file to import; the settings have none.")
    text = _read(chosen)
    own = settings.policy is not None and chosen.resolve() == settings.policy.resolve()
    saved = _save(settings, text, reason, by, "import", decides_file=own, name=str(chosen))
    out.print(f"Saved {chosen} as version {saved.number} ({saved.version}); it is in force.", markup=False)


def export_file(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Default: the policy file of the settings.")
    ] = None,
    number: Annotated[int | None, typer.Option("--version", help="A saved version. Default: what is in force.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file with changes that no version has.")] = False,
    home: Home = None,
    policy: PolicyFile = None,
) -> None:
    """Write the policy in force to a file, by default to the policy file itself, so that both are the same again."""
    from serving.policy_versions.saved_policies import read_policy_in_force, saved_policies

    settings = configuration.load(home=home, policy=policy)
    target = file or settings.policy
    if target is None:
        raise UsageError("Name the file to write; the settings have no policy file.")
    source = assembly.policy_source(settings)
    with assembly.open_queue(settings) as store:
        state = read_policy_in_force(store, source)
        with store.reading() as session:
            rows = saved_policies(session)
        text = state.text if number is None else _version(rows, number).text
        if not force:
            _refuse_loss(target, source, text, rows, state)
        _write(target, text)
    if number is None:
        assembly.adopt_policy(settings)  # the file and the newest version agree now
    what = state.name if number is None else f"version {number}"
    out.print(f"Wrote {what} to {target}.", markup=False)


def rollback(number: Number, reason: Reason = "", by: By = None, home: Home = None, policy: PolicyFile = None) -> None:
    """Restore a saved version: its text becomes a new version, so that nothing is lost."""
    from serving.policy_versions.saved_policies import saved_policies

    settings = configuration.load(home=home, policy=policy)
    with assembly.open_queue(settings) as store, store.reading() as session:
        old = _version(saved_policies(session), number)
    text = reason or f"Back to version {number}."
    saved = _save(settings, old.text, text, by, "rollback", restores=number)
    out.print(f"Restored version {number} as version {saved.number} ({saved.version}); it is in force.", markup=False)


def _save(
    settings: Settings,
    text: str,
    reason: str,
    by: str | None,
    origin: Origin,
    *,
    restores: int | None = None,
    decides_file: bool = False,
    name: str = "policy",
) -> SavedPolicy:
    from serving.policy.definition.policy_file import PolicyError
    from serving.policy_versions.saved_policies import PolicyChange, save_policy
    from serving.store.database import utcnow

    author = by or getpass.getuser()
    change = PolicyChange(text, author, reason, origin, restores=restores, decides_file=decides_file, name=name)
    try:
        with assembly.open_queue(settings) as store:
            return save_policy(store, assembly.policy_source(settings), change, utcnow())
    except PolicyError as error:
        for problem in error.problems:
            err.print(problem, markup=False)
        raise typer.Exit(error.exit_code) from None


def _side(store: Store, source: PolicySource, name: str) -> tuple[str, str]:
    """The name of a side and its text."""
    from serving.policy_versions.saved_policies import newest_saved, saved_policy

    if name == "default":
        return source.name, source.read()
    with store.reading() as session:
        if name == "saved":
            newest = newest_saved(session)
            return (f"version {newest.number}", newest.text) if newest else (source.name, source.read())
        if name.isdigit():
            return f"version {name}", saved_policy(session, int(name)).text
    return name, _read(Path(name))


def _version(rows: list[SavedPolicy], number: int) -> SavedPolicy:
    from serving.policy_versions.saved_policies import PolicyVersionNotFoundError

    found = next((row for row in rows if row.number == number), None)
    if found is None:
        raise PolicyVersionNotFoundError(number, len(rows))
    return found


def _refuse_loss(target: Path, source: PolicySource, text: str, rows: list[SavedPolicy], state: PolicyInForce) -> None:
    """Refuse to replace a file whose rules are in no saved version, because they would be lost.

    Raises:
        UsageError: the file has such rules, or is no policy.
    """
    if not target.exists() or _read(target) == text:
        return
    known = {state.policy.version} | {row.version for row in rows}
    try:
        version = source.parse(_read(target), str(target)).version
    except UsageError:
        version = ""
    if version not in known:
        raise UsageError(
            f"{target} has content that no saved version has: `rescue policy import {target}` saves it first, or "
            "--force replaces it."
        )


def _read(file: Path) -> str:
    from serving.policy_versions.policy_state import PolicySource

    return PolicySource(file).read()


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The file {file} cannot be written: {error.strerror}.") from None


def _warn(state: PolicyInForce) -> None:
    if state.warning:
        err.print(f"Warning: {state.warning}", markup=False)


def _state_json(state: PolicyInForce) -> dict[str, object]:
    return {
        "in_force": {"number": state.number, "version": state.policy.version, "name": state.name},
        "file": {"name": state.source.name, "state": state.file_state.value, "version": state.file_version},
        "warning": state.warning or None,
    }


def _version_json(row: SavedPolicy) -> dict[str, object]:
    return {
        "number": row.number,
        "version": row.version,
        "author": row.author,
        "reason": row.reason,
        "saved_at": row.saved_at.isoformat() + "Z",
        "origin": row.origin,
        "restores": row.restores,
    }
